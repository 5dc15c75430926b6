//! `transforms`: how records are shaped before they are kept, and which are left out.
//!
//! Refused is what would make a record lie about where it was counted: its moment, its source, its service and its
//! route are set by nobody. So is a step that does nothing, and one that shapes what it drops.

use std::collections::BTreeSet;

use weir_enrich::{
    FIXED_FIELDS, Fate, FieldValue, Operation, RULES_MAX, RedactRule, STEPS_MAX, Step, Template,
};
use weir_query::Expression;
use weir_record::{FIELD_NAME_BYTES_MAX, Value, canonical_name, is_own_name};

use super::error::{ConfigError, Position};
use super::keys;
use super::reader::{Entry, Field, Fields, quoted};
use super::{redact, selection};

/// Fields, names or tags in one key of one step.
const NAMES_MAX: usize = 100;

/// The longest text that a field is given, in bytes, and the longest tag.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// A sample of fewer keeps nothing of most sources.
const SAMPLE_MAX: u64 = 1_000_000;

/// What a step may do.
const ACTIONS: [&str; 8] =
    ["add_field", "add_tag", "rename", "remove_field", "parse_json", "redact", "drop", "sample"];

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Transform {
    /// For which records; `None`: for all.
    pub filter: Option<Expression>,
    /// What is done.
    pub step: Step,
    /// What is taken out of them; the step itself does not know its number.
    pub redact: Option<RedactRule>,
}

/// Reads the list; `rules` is how many rules `redact` has.
pub fn read_all(field: Field, rules: usize, errors: &mut Vec<ConfigError>) -> Vec<Transform> {
    let items = field.items_at_most("a list of steps", STEPS_MAX, errors);
    let mut rules = rules;
    let steps = items.into_iter().filter_map(|item| {
        let fields = item.fields(&keys::TRANSFORM, errors)?;
        let transform = read(&fields, errors);
        if let Some(redact) = fields.get("redact") {
            rules += 1;
            if rules == RULES_MAX + 1 {
                let message =
                    format!("more than {RULES_MAX} rules of redaction, those of `redact` among them");
                errors.push(ConfigError::new(redact.position(), message));
            }
        }
        transform
    });
    steps.collect()
}

fn read(fields: &Fields, errors: &mut Vec<ConfigError>) -> Option<Transform> {
    let filter = fields.get("where").map(|field| selection::read(field, errors));
    let mut operations = Vec::new();
    operations.extend(read_parse_json(fields, errors));
    if let Some(field) = fields.get("rename") {
        operations.extend(read_renames(field, errors));
    }
    if let Some(field) = fields.get("add_field") {
        operations.extend(read_values(field, errors));
    }
    if let Some(field) = fields.get("add_tag") {
        operations.extend(read_tags(field, errors));
    }
    if let Some(field) = fields.get("remove_field") {
        let items = field.one_or_more("a field", errors);
        operations.extend(items.into_iter().filter_map(|item| {
            let name = item.text(errors)?;
            Some(Operation::RemoveField(checked_name(name, item.position(), "removed", errors)?))
        }));
    }
    let redact = fields.get("redact").and_then(|field| {
        let fields = field.fields(&keys::TRANSFORM_REDACT, errors)?;
        redact::read_rule(&fields, errors)
    });
    let fate = read_fate(fields, errors);
    check_actions(fields, fate, errors);
    let step = Step { has_condition: filter.is_some(), fate, operations };
    // A query that is wrong would select all.
    Some(Transform { filter: filter.map_or(Some(None), |filter| filter.map(Some))?, step, redact })
}

fn read_fate(fields: &Fields, errors: &mut Vec<ConfigError>) -> Fate {
    let drops = fields.get("drop").and_then(|field| field.boolean(errors)).unwrap_or(false);
    let sample = fields.get("sample").and_then(|field| field.whole_number(2..=SAMPLE_MAX, errors));
    match sample {
        _ if drops => Fate::Drop,
        Some(one_of) => Fate::Sample(one_of),
        None => Fate::Keep,
    }
}

/// Whether the step does something, and nothing in vain.
fn check_actions(fields: &Fields, fate: Fate, errors: &mut Vec<ConfigError>) {
    let given: Vec<&str> = ACTIONS.into_iter().filter(|action| fields.get(action).is_some()).collect();
    if given.is_empty() {
        let error = ConfigError::new(fields.position, "this step of `transforms` does nothing");
        errors.push(error.with_hint(format!("give it {}", keys::list(&ACTIONS, "or"))));
    }
    let others: Vec<&str> = given.into_iter().filter(|action| *action != "drop").collect();
    if fate == Fate::Drop
        && let [first, ..] = others.as_slice()
        && let Some(field) = fields.get("drop")
    {
        let error = ConfigError::new(field.position(), format!("`drop` leaves no record for `{first}`"));
        errors.push(error.with_hint("remove one, or write two steps"));
    }
}

fn read_parse_json(fields: &Fields, errors: &mut Vec<ConfigError>) -> Option<Operation> {
    let target = fields.get("target");
    let name = target.and_then(|field| {
        let name = field.text(errors)?;
        checked_name(name, field.position(), "set", errors)
    });
    let Some(field) = fields.get("parse_json") else {
        if let Some(target) = target {
            let error = ConfigError::new(target.position(), "`target` is only for `parse_json`");
            errors.push(error.with_hint("name the field that holds JSON: `parse_json: payload`"));
        }
        return None;
    };
    let field = field.text(errors)?.to_owned();
    // A target that is wrong is reported; without it the step would do something else.
    (target.is_none() || name.is_some()).then_some(Operation::ParseJson { field, target: name })
}

fn read_renames(field: Field, errors: &mut Vec<ConfigError>) -> Vec<Operation> {
    let entries = entries_at_most(field, "fields and their new names, as `{old: new}`", errors);
    let mut new_names = BTreeSet::new();
    let renames = entries.into_iter().filter_map(|entry| {
        let from = checked_name(entry.key, entry.key_position, "renamed", errors);
        let value = entry.field();
        let to = value.text(errors).and_then(|to| checked_name(to, value.position(), "set", errors));
        let (from, to) = (from?, to?);
        let twice = !new_names.insert(canonical_name(&to).to_owned());
        if canonical_name(&from) == canonical_name(&to) {
            let message = format!("{} and {} are the same field", quoted(&from), quoted(&to));
            errors.push(ConfigError::new(value.position(), message));
        } else if twice {
            let message = format!("two fields are renamed to {}", quoted(&to));
            errors.push(
                ConfigError::new(value.position(), message).with_hint("only one of them would be left"),
            );
        }
        Some(Operation::Rename { from, to })
    });
    renames.collect()
}

fn read_values(field: Field, errors: &mut Vec<ConfigError>) -> Vec<Operation> {
    let entries = entries_at_most(field, "fields and their values, as `{team: core}`", errors);
    let values = entries.into_iter().filter_map(|entry| {
        let name = checked_name(entry.key, entry.key_position, "set", errors);
        let value = read_value(entry.field(), errors);
        Some(Operation::AddField { field: name?, value: value? })
    });
    values.collect()
}

/// A text, or a number or boolean that stands there without quotes.
fn read_value(field: Field, errors: &mut Vec<ConfigError>) -> Option<FieldValue> {
    field.parse("a text, a number, `true` or `false`", errors, |text| {
        if field.is_plain()
            && let Some(value) = plain_value(text)
        {
            return Ok(FieldValue::Constant(value));
        }
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("a text may have {TEXT_BYTES_MAX} bytes"));
        }
        Template::parse(text).map(FieldValue::Text).map_err(|error| error.to_string())
    })
}

/// What is no text where it stands without quotes. `007` and `1.` are texts, as in JSON.
fn plain_value(text: &str) -> Option<Value<'static>> {
    match text {
        "true" => return Some(Value::Boolean(true)),
        "false" => return Some(Value::Boolean(false)),
        _ => {}
    }
    if let Some(number) = text.parse::<i64>().ok().filter(|number| number.to_string() == text) {
        return Some(Value::Integer(number));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.ends_with(|last: char| last.is_ascii_digit())
        && (digits.starts_with("0.") || !digits.starts_with('0'));
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite()).map(Value::Float)
}

fn read_tags(field: Field, errors: &mut Vec<ConfigError>) -> Vec<Operation> {
    let items = field.one_or_more("a tag", errors);
    let read_tag = |item: Field| {
        let tag = item.text(errors)?;
        if tag.contains(',') || tag.len() > FIELD_NAME_BYTES_MAX {
            errors.push(item.wrong("a short word without commas", &quoted(tag)));
        }
        Some(Operation::AddTag(tag.to_owned()))
    };
    items.into_iter().filter_map(read_tag).collect()
}

fn entries_at_most<'a>(field: Field<'a>, expected: &str, errors: &mut Vec<ConfigError>) -> Vec<Entry<'a>> {
    let mut entries = field.entries(expected, errors).unwrap_or_default();
    if let Some(entry) = entries.get(NAMES_MAX) {
        errors
            .push(ConfigError::new(entry.key_position, format!("more than {NAMES_MAX} fields in one step")));
        entries.truncate(NAMES_MAX);
    }
    entries
}

/// The name of a field that may be `done`: set, renamed or removed.
fn checked_name(name: &str, position: Position, done: &str, errors: &mut Vec<ConfigError>) -> Option<String> {
    let canonical = canonical_name(name);
    let fixed = FIXED_FIELDS.contains(&canonical).then_some(canonical);
    let hint = match fixed {
        Some("tags") => "tags are added with `add_tag`",
        Some("service" | "route") => "services and their routes are named by `services`",
        Some(_) => "a record's moment and its source are what it is counted under",
        None if is_own_name(name) => "weir itself has a field of this name",
        None if name.trim().is_empty() || name.contains(char::is_control) => "write a name on one line",
        None if name.len() > FIELD_NAME_BYTES_MAX => "names of fields are shorter",
        None if name.contains("%{") => "a name is the same for every record",
        None => return Some(name.to_owned()),
    };
    let also = fixed.filter(|fixed| *fixed != name).map(|fixed| format!(", which is `{fixed}`,"));
    let message = format!("the field {}{} can't be {done}", quoted(name), also.unwrap_or_default());
    errors.push(ConfigError::new(position, message).with_hint(hint));
    None
}
