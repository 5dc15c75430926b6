//! Files that are too large, too deep or made of anything, and keys that must not be ignored.

use super::*;

fn check_bomb(text: &str, message: &str) {
    let errors = parse("f", text, &environment).unwrap_err().errors;
    let found: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(found, [message]);
}

#[test]
fn files_that_are_too_large_or_too_deep_are_refused() {
    check_bomb(&" ".repeat(FILE_BYTES_MAX + 1), "the file is larger than 1MiB");
    let source = |number| format!("- {{name: s{number}, type: alb, path: p}}\n");
    check_bomb(&format!("sources:\n{}", (0..2000).map(source).collect::<String>()), "more than 1000 sources");
    for nested in ["- ", "[", "{a: "] {
        check_bomb(&format!("- {}", nested.repeat(200_000)), "nested too deeply");
    }
    let deep = |levels| format!("http: {}{}", "[".repeat(levels), "]".repeat(levels));
    check_bomb(&deep(31), "`http` should be keys and values, found a list");
    check_bomb(&deep(32), "nested too deeply");
    let longer = |text: String, level: usize| format!("{text}a{level}: &a{level} [[*a{}]]\n", level - 1);
    check_bomb(&(1..2000).fold("a0: &a0 x\n".to_owned(), longer), "nested too deeply");
}

#[test]
fn files_that_multiply_are_refused() {
    let message = "more values than a config may hold";
    let ten_times = |text: String, name: u8| {
        let alias = format!("*{},", char::from(name - 1)).repeat(10);
        format!("{text}{0}: &{0} [{alias}]\n", char::from(name))
    };
    check_bomb(&(b'b'..=b'j').fold("a: &a [lol]\n".to_owned(), ten_times), message);
    let long_text = "x".repeat(500_000);
    check_bomb(&format!("a: &a {long_text}\nb: [{}]", "*a, ".repeat(100_000)), message);
    let anchors = format!("{}{}, ", "[&a ".repeat(30), "]".repeat(30));
    check_bomb(&format!("a: [{}]", anchors.repeat(6000)), message);
    check_bomb(&format!("a: [{}]", "\"${LONG}\", ".repeat(2000)), message);
}

#[test]
fn the_largest_file_of_ordinary_lines_is_read() {
    let head = "services:\n- name: a\n  match: {host: a}\n  routes:\n";
    let route = "  - /api/v1/orders/{id}\n";
    let routes = (FILE_BYTES_MAX - head.len()) / route.len();
    let [service] = read(&format!("{head}{}", route.repeat(routes))).services.try_into().unwrap();
    assert_eq!(service.routes.len(), routes);
}

/// A config in which `key` of `section` is nonsense whatever its type; `zz-` is not even a label.
fn with_nonsense(section: &Section, key: &str) -> String {
    let parents = section.path.rsplit('.').filter(|parent| !parent.is_empty());
    parents.fold(format!("{key}: {{zz-: 1}}"), |inner, parent| match parent.strip_suffix("[]") {
        Some(list) => format!("{list}: [{{{inner}}}]"),
        None => format!("{parent}: {{{inner}}}"),
    })
}

/// Keys of which the names in them are the user's.
const OPEN_KEYS: [&str; 2] = ["rename", "add_field"];

#[test]
fn no_key_is_accepted_and_ignored() {
    for section in SECTIONS {
        for key in section.keys.iter().filter(|key| !OPEN_KEYS.contains(key)) {
            let errors = errors_of(&with_nonsense(section, key));
            let is_read = errors.contains("`zz-`") || errors.contains(&format!("`{key}` should be"));
            assert!(is_read, "`{key}` of `{}` takes anything: {errors}", section.path);
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        errors_of(&text);
    }

    #[test]
    fn any_mix_of_what_configs_are_made_of_is_read_or_refused(parts in proptest::collection::vec(part(), 0..60)) {
        if let Err(ConfigErrors { errors, .. }) = parse("f", &parts.concat(), &environment) {
            let places: Vec<_> = errors.iter().map(|error| (error.line, error.column)).collect();
            prop_assert!(!places.is_empty() && places.is_sorted());
            prop_assert!(places.iter().all(|&(line, column)| line >= 1 && column >= 1));
        }
    }
}

fn part() -> impl Strategy<Value = &'static str> {
    let parts = "version: 1\n|http:|auth:|users:|sqs:|s3:|remote_write:|gateway:|store:|notifications:|receivers:|route:|group_by:|redact:|counters:|where:|sources:|services:|metrics:|limits:|name:|match:|routes:|path:|listen:|\n|\n  |\n    |\t| \
                 |- |[|]|{|}|, |: |? |&a |*a |*|!t |'|\"|>\n|#|---\n|...\n|%|~|${PORT}|${|$${|alb|12m|1MiB|é|\0|\\";
    prop::sample::select(parts.split('|').collect::<Vec<_>>())
}
