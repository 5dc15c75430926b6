//! What steps say about records. Those here read like the config: `add a=b`, `rename a b`, `drop`.

use std::collections::BTreeMap;

use proptest::prelude::*;
use weir_record::{Format, LINE_BYTES_DEFAULT, LineParser, NO_OVERLAY, RecordContext};

use super::*;

/// An operation, or a fate, written as a line.
fn step(text: &str) -> Step {
    let mut step = Step::default();
    for line in text.split(';') {
        let (name, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let pair = || rest.split_once(['=', ' ']).unwrap();
        let operation = match name {
            "if" => {
                step.has_condition = true;
                continue;
            }
            "drop" => {
                step.fate = Fate::Drop;
                continue;
            }
            "sample" => {
                step.fate = Fate::Sample(rest.parse().unwrap());
                continue;
            }
            "add" => {
                let (field, text) = pair();
                let value = match text.parse() {
                    Ok(number) => FieldValue::Constant(Value::Integer(number)),
                    Err(_) => FieldValue::Text(Template::parse(text).unwrap()),
                };
                Operation::AddField { field: field.to_owned(), value }
            }
            "tag" => Operation::AddTag(rest.to_owned()),
            "rename" => {
                let (from, to) = pair();
                Operation::Rename { from: from.to_owned(), to: to.to_owned() }
            }
            "remove" => Operation::RemoveField(rest.to_owned()),
            "json" => {
                let (field, target) = rest.split_once(' ').map_or((rest, None), |(f, t)| (f, Some(t)));
                Operation::ParseJson { field: field.to_owned(), target: target.map(str::to_owned) }
            }
            "redact" => Operation::Redact(rest.parse().unwrap()),
            other => panic!("{other}"),
        };
        step.operations.push(operation);
    }
    step
}

fn transforms(steps: &[&str]) -> Transforms {
    Transforms::new(steps.iter().map(|text| step(text)).collect())
}

/// What `read` makes of the fields of the only line of a block.
fn with_fields<T>(format: Format, line: &str, read: impl FnOnce(&RecordFields<'_>) -> T) -> T {
    let mut read = Some(read);
    let mut given = None;
    LineParser::new(format, LINE_BYTES_DEFAULT).parse_block(line.as_bytes(), |line| {
        let context = RecordContext {
            source: "web",
            service: Some("shop"),
            route: None,
            target_group: None,
            overlay: &NO_OVERLAY,
            format,
            line: line.bytes,
        };
        let fields = RecordFields::new(line.outcome.expect("a record"), context);
        given = read.take().map(|read| read(&fields));
    });
    given.expect("one line")
}

fn shown(outcome: &Outcome<'_>) -> String {
    let changes = match outcome {
        Outcome::Dropped(cause) => return format!("dropped {}", cause.label()),
        Outcome::Kept(changes) => changes,
    };
    let shown: Vec<String> = changes
        .overlay
        .names()
        .map(|name| match changes.overlay.get(name).flatten() {
            Some(Value::Text(text)) => format!("{name}='{text}'"),
            Some(Value::Integer(number)) => format!("{name}={number}"),
            Some(value) => format!("{name}={value:?}"),
            None => format!("-{name}"),
        })
        .collect();
    shown.join(" ")
}

/// A condition is met where the record has the field `x` with the text `yes`.
fn is_met(_: usize, record: &Shaped<'_, '_>) -> bool {
    record.field("x") == Some(Value::Text("yes".into()))
}

/// Checks what the steps make of an event with these members.
fn check(steps: &[&str], members: &str, expected: &str) {
    let transforms = transforms(steps);
    let line = format!(r#"{{"ts":1795169730,{members}}}"#);
    with_fields(Format::Ndjson, &line, |fields| {
        let outcome = transforms.apply(fields, line.as_bytes(), is_met);
        assert_eq!(shown(&outcome), expected, "{steps:?} {members}");
        if let Outcome::Kept(changes) = &outcome {
            assert_eq!(transforms.apply_again(fields, changes.steps, &|_, _| None), *changes, "{steps:?}");
        }
    });
}

#[test]
fn each_operation_says_what_it_is_for() {
    check(&["add dc=m9; add n=5"], r#""a":1"#, "dc='m9' n=5");
    check(&["add a=x"], r#""a":1"#, "a='x'");
    check(&["add who=%{a}@%{source}/%{service} %{none}"], r#""a":1"#, "who='1@web/shop %{none}'");
    check(&["add at=%{@timestamp}"], r#""a":1"#, "at='2026-11-20T10:15:30Z'");
    check(&["remove a"], r#""a":1"#, "-a");
    check(&["remove http_user_agent"], r#""a":1"#, "-user_agent");
    check(&["rename a b"], r#""a":"x""#, "-a b='x'");
    check(&["rename a b"], r#""b":"x""#, "");
    check(&["rename a b"], r#""a":"x","b":"y""#, "-a b='x'");
    check(&["rename hostname node"], r#""hostname":"x""#, "node='x'");
    check(&["tag t"], r#""a":1"#, "tags='t'");
    check(&["tag t; tag u; tag t"], r#""tags":"sent""#, "tags='sent,t,u'");
    check(&["tag t"], r#""tags":["sent","x"]"#, "tags='sent,x,t'");
    check(&["tag sent"], r#""tags":"a,sent""#, "");
    check(&["drop"], r#""a":1"#, "dropped transform");
    check(&["sample 1"], r#""a":1"#, "");
    check(&["sample 1000000"], r#""a":1"#, "dropped sample");
    check(&[], r#""a":1"#, "");
}

#[test]
fn text_is_read_as_json_and_stays() {
    let payload = |text: &str| format!(r#""p":"{}""#, text.replace('"', "\\\""));
    check(&["json p"], &payload(r#"{"u":"a@b.c","n":{"m":2}}"#), "u='a@b.c' n.m=2");
    check(&["json p q"], &payload(r#"{"u":"a@b.c","n":{"m":2}}"#), "q.u='a@b.c' q.n.m=2");
    check(&["json p; remove p"], &payload(r#"{"u":1}"#), "u=1 -p");
    check(&["json p; json u"], &payload(r#"{"u":"{\\"v\\":1}"}"#), r#"u='{"v":1}' v=1"#);
    check(&["json p"], &payload("{}"), "");
    check(&["json p"], &payload("no"), "tags='_jsonparsefailure'");
    check(&["json p; json p"], &payload("[1]"), "tags='_jsonparsefailure'");
    check(&["json p"], r#""p":5"#, "tags='_jsonparsefailure'");
    check(&["json p"], r#""q":"{}""#, "");
    // What a record is counted under is nobody's to change, and the last of equal names counts.
    check(
        &["json p"],
        &payload(r#"{"source":1,"@timestamp":2,"time":3,"tags":4,"route":5,"a":6,"a":7}"#),
        "field.source=1 field.@timestamp=2 field.time=3 field.tags=4 field.route=5 a=7",
    );
}

#[test]
fn steps_see_what_those_before_them_made() {
    check(&["add x=yes", "if; add y=1"], r#""a":1"#, "x='yes' y=1");
    check(&["if; add y=1", "add x=yes"], r#""a":1"#, "x='yes'");
    check(&["remove x", "if; drop"], r#""x":"yes""#, "-x");
    check(&["rename a x", "if; drop"], r#""a":"yes""#, "dropped transform");
    check(&["if; drop"], r#""x":"yes""#, "dropped transform");
    check(&["if; drop", "tag t"], r#""x":"no""#, "tags='t'");
    check(&["add a=1", "add b=%{a}", "remove a"], r#""c":1"#, "-a b='1'");
    check(&["tag t", "add u=%{tags}"], r#""c":1"#, "tags='t' u='t'");
}

#[test]
fn rules_of_redaction_are_gathered() {
    let transforms = transforms(&["redact 3", "if; redact 4", "redact 5; sample 1"]);
    with_fields(Format::Ndjson, r#"{"ts":1,"x":"no"}"#, |fields| {
        let Outcome::Kept(changes) = transforms.apply(fields, b"", is_met) else { panic!("dropped") };
        assert_eq!(changes.redact, RuleSet::NONE.with(3).with(5));
        assert_eq!([0, 1, 2].map(|number| changes.steps.has(number)), [true, false, true]);
    });
}

#[test]
fn the_same_steps_are_done_again_whatever_the_fields_say() {
    let transforms = transforms(&["if; add y=%{x}", "add z=%{x}"]);
    let first =
        with_fields(Format::Ndjson, r#"{"ts":1,"x":"yes"}"#, |fields| transforms.apply(fields, b"", is_met));
    let Outcome::Kept(first) = first else { panic!("dropped") };
    let again = with_fields(Format::Ndjson, r#"{"ts":1,"x":"[redacted]"}"#, |fields| {
        transforms.apply_again(fields, first.steps, &|_, _| None)
    });
    assert_eq!(shown(&Outcome::Kept(again)), "y='[redacted]' z='[redacted]'");
}

#[test]
fn no_copy_is_made_of_what_may_not_be_kept() {
    let transforms =
        transforms(&["rename a secret", "add copy=<%{secret}>", "add secret=%{b}; add more=%{secret}"]);
    let redact = |name: &str, _: &Value<'_>| (name == "secret").then(|| Value::Text("gone".into()));
    with_fields(Format::Ndjson, r#"{"ts":1,"a":"x","b":"y"}"#, |fields| {
        let Outcome::Kept(first) = transforms.apply(fields, b"", is_met) else { panic!("dropped") };
        let again = transforms.apply_again(fields, first.steps, &redact);
        assert_eq!(shown(&Outcome::Kept(again)), "-a secret='gone' copy='<gone>' more='gone'");
    });
}

#[test]
fn what_is_added_is_bounded() {
    // Each step doubles what the one before it made.
    let steps: Vec<String> = (1..=30).map(|n| format!("add f{n}=%{{f{}}}%{{f{}}}", n - 1, n - 1)).collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let transforms = transforms(&steps);
    let line = format!(r#"{{"ts":1,"f0":"{}"}}"#, "ж".repeat(1000));
    with_fields(Format::Ndjson, &line, |fields| {
        let Outcome::Kept(changes) = transforms.apply(fields, b"", is_met) else { panic!("dropped") };
        let texts = changes.overlay.set_fields().map(|(name, value)| match value {
            Value::Text(text) if name.starts_with('f') => text.len(),
            _ => 0,
        });
        assert!(texts.sum::<usize>() <= ADDED_BYTES_MAX);
        assert_eq!(changes.overlay.get("tags"), Some(Some(&Value::Text(CUT_TAG.into()))));
    });
}

#[test]
fn a_sample_goes_by_the_id_and_else_by_the_line() {
    let transforms = transforms(&["sample 10"]);
    let is_kept = |line: &str| {
        with_fields(Format::Ndjson, line, |fields| {
            matches!(transforms.apply(fields, line.as_bytes(), is_met), Outcome::Kept(_))
        })
    };
    let mut kept = 0;
    for number in 0..2_000 {
        let is_first_kept = is_kept(&format!(r#"{{"ts":1,"request_id":"{number:032x}","n":1}}"#));
        assert_eq!(is_kept(&format!(r#"{{"ts":2,"request_id":"{number:032x}","n":2}}"#)), is_first_kept);
        kept += usize::from(is_first_kept);
    }
    assert!((140..260).contains(&kept), "{kept}");
    let by_line = (0..2_000).filter(|number| is_kept(&format!(r#"{{"ts":1,"n":{number}}}"#))).count();
    assert!((140..260).contains(&by_line), "{by_line}");
}

proptest! {
    #[test]
    fn the_last_word_counts_as_in_a_map(
        operations in prop::collection::vec((0..4, 0..4usize, 0..4usize), 0..12),
        present in prop::collection::vec(any::<bool>(), 4),
    ) {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        let mut expected: BTreeMap<&str, String> = BTreeMap::new();
        let mut line = r#"{"ts":1"#.to_owned();
        for (name, _) in NAMES.iter().zip(&present).filter(|(_, present)| **present) {
            line.push_str(&format!(r#","{name}":"v{name}""#));
            expected.insert(name, format!("v{name}"));
        }
        line.push('}');
        let mut steps = Vec::new();
        for (kind, one, other) in operations {
            let (one, other) = (NAMES[one], NAMES[other]);
            match kind {
                0 => {
                    steps.push(format!("add {one}=x%{{{other}}}"));
                    let value = expected.get(other).cloned().unwrap_or(format!("%{{{other}}}"));
                    expected.insert(one, format!("x{value}"));
                }
                1 => {
                    steps.push(format!("remove {one}"));
                    expected.remove(one);
                }
                2 => {
                    steps.push(format!("rename {one} {other}"));
                    if let Some(value) = expected.remove(one) {
                        expected.insert(other, value);
                    }
                }
                _ => steps.push(format!("if; add {one}=never")),
            }
        }
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        let transforms = transforms(&steps);
        with_fields(Format::Ndjson, &line, |fields| {
            let Outcome::Kept(changes) = transforms.apply(fields, b"", is_met) else { panic!("dropped") };
            for name in NAMES {
                let found = match changes.overlay.get(name) {
                    Some(said) => said.map(Value::borrowed),
                    None => fields.field(name),
                };
                let expected = expected.get(name).map(|text| Value::Text(text.as_str().into()));
                assert_eq!(found, expected, "{name} of {line} after {steps:?}");
            }
        });
    }

    #[test]
    fn any_text_is_read_as_json_or_gets_a_tag(text in "[{}\\[\\]\":,a1. ]{0,40}") {
        let transforms = transforms(&["json p"]);
        let line = format!(r#"{{"ts":1,"p":"{}"}}"#, text.replace('"', "\\\""));
        with_fields(Format::Ndjson, &line, |fields| {
            let Outcome::Kept(changes) = transforms.apply(fields, b"", is_met) else { panic!("dropped") };
            assert!(changes.overlay.get("tags").is_none() || changes.overlay.names().count() == 1);
        });
    }
}
