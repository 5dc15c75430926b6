//! The config as it may be shown: as YAML, without secrets.
//!
//! Written anew from the tree and not cut out of the text, so that no style of writing it gets past what hides
//! secrets. Comments are gone, since they too may hold what nobody should read; what comes from the environment is
//! shown by its name.

use super::yaml::{self, Node, Value};

/// What stands in the place of a secret.
const HIDDEN: &str = "<hidden>";

/// Keys with whose ends those of secrets end. A file that holds one is named by `_file`, which is none.
const SECRET_ENDS: [&str; 7] =
    ["password", "secret", "token", "credentials", "api_key", "secret_key", "apikey"];

/// The list of addresses that hold a secret, as each webhook's does.
const WEBHOOKS: &str = "webhook_configs";

/// The config of a text that can be read; `None` where there is nothing in it.
pub fn shown(text: &str) -> Option<String> {
    let by_name = |name: &str| Some(format!("${{{name}}}"));
    let root = yaml::load(text, &by_name, &mut Vec::new()).ok()??;
    let mut out = String::new();
    write(&root, Place::default(), &mut out);
    Some(out)
}

/// Where a value stands.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    indent: usize,
    /// The key that it is the value of.
    key: &'a str,
    is_in_webhook: bool,
}

/// Writes a node whose first line is indented already.
fn write(node: &Node, place: Place<'_>, out: &mut String) {
    match &node.value {
        Value::Null | Value::Reported => out.push_str("~\n"),
        Value::Scalar(text) => {
            let text = shown_text(text, place);
            let is_plain = node.is_plain && is_plain(&text);
            out.push_str(&if is_plain { text } else { quoted(&text) });
            out.push('\n');
        }
        Value::Sequence(items) if items.is_empty() => out.push_str("[]\n"),
        Value::Mapping(entries) if entries.is_empty() => out.push_str("{}\n"),
        Value::Sequence(items) => {
            for (at, item) in items.iter().enumerate() {
                begin_line(at, place.indent, out);
                out.push_str("- ");
                write(item, Place { indent: place.indent + 1, ..place }, out);
            }
        }
        Value::Mapping(entries) => {
            for (at, (key, value)) in entries.iter().enumerate() {
                begin_line(at, place.indent, out);
                out.push_str(&if is_plain(&key.text) { key.text.clone() } else { quoted(&key.text) });
                out.push(':');
                write_value(&key.text, value, place, out);
            }
        }
    }
}

fn write_value(key: &str, value: &Node, place: Place<'_>, out: &mut String) {
    let is_in_webhook = place.is_in_webhook || key == WEBHOOKS;
    let inner = Place { indent: place.indent + 1, key, is_in_webhook };
    let is_block = match &value.value {
        Value::Sequence(items) => !items.is_empty(),
        Value::Mapping(entries) => !entries.is_empty(),
        _ => false,
    };
    if is_block {
        out.push('\n');
        out.push_str(&"  ".repeat(inner.indent));
    } else {
        out.push(' ');
    }
    write(value, inner, out);
}

fn begin_line(at: usize, indent: usize, out: &mut String) {
    if at > 0 {
        out.push_str(&"  ".repeat(indent));
    }
}

fn shown_text(text: &str, place: Place<'_>) -> String {
    let key = place.key.to_ascii_lowercase();
    let is_secret = SECRET_ENDS.iter().any(|end| key.ends_with(end));
    if is_secret || (place.is_in_webhook && key == "url") {
        return HIDDEN.to_owned();
    }
    without_login(text)
}

/// An address without its password, and without what stands behind its `?`.
fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(host_end);
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{HIDDEN}@{host}"),
        None => authority.to_owned(),
    };
    let path = match path.split_once('?') {
        Some((path, _)) => format!("{path}?{HIDDEN}"),
        None => path.to_owned(),
    };
    format!("{scheme}://{authority}{path}")
}

/// Whether a text can stand without quotes and is the same text then; more are quoted than have to be.
fn is_plain(text: &str) -> bool {
    let is_simple =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+' | '<' | '>' | '=');
    let is_start = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.');
    text.starts_with(is_start) && text.chars().all(is_simple)
}

/// A text in double quotes: JSON's are YAML's too.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = shown(text).unwrap_or_default();
        assert_eq!(shown, expected);
        // What is shown is YAML of the same structure.
        if !shown.is_empty() {
            assert_eq!(super::shown(&shown).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_shown_is_the_config() {
        check("", "");
        check("# password: x\n", "");
        check("a: 1\nb: [x, 'y z', {c: d}]\n", "a: 1\nb:\n  - x\n  - \"y z\"\n  - c: d\n");
        check("a: []\nb: {}\nc:\nd: ~\n", "a: []\nb: {}\nc: ~\nd: ~\n");
        check("a: \"1\"\nb: |\n  x\n  y\n", "a: \"1\"\nb: \"x\\ny\\n\"\n");
        check("- - a\n  - b\n- c\n", "- - a\n  - b\n- c\n");
        check("a: {b: {c: [1, 2], d: e}}\n", "a:\n  b:\n    c:\n      - 1\n      - 2\n    d: e\n");
        check("x: &a {k: v}\ny: *a\n", "x:\n  k: v\ny:\n  k: v\n");
        check("a: ${PORT}\nb: ${PORT:-80}\n", "a: \"${PORT}\"\nb: \"${PORT}\"\n");
        check("'a b': {'c: d': 1}\n", "\"a b\":\n  \"c: d\": 1\n");
    }

    #[test]
    fn no_secret_is_shown_however_it_is_written() {
        for text in [
            "password: hunter2\n",
            "smtp_auth_password: hunter2\n",
            "\"auth_password\": \"hunter2\"\n",
            "{a: [{bearer_token: hunter2}]}\n",
            "credentials: |\n  hunter2\n",
            "password: &p hunter2\nb: {password: *p}\n",
            "password: [hunter2]\n",
            "Password: {a: {password: hunter2}}\n",
            "url: redis://user:hunter2@localhost:6379/0\n",
            "url: redis://:hunter2@localhost\n",
            "url: \"https://a.example/?token=hunter2\"\n",
            "urls: [\"http://a:hunter2@b:9093\"]\n",
            "webhook_configs: [{url: https://hooks.example/hunter2}]\n",
            "# hunter2\na: 1 # hunter2\n",
        ] {
            let shown = shown(text).unwrap();
            assert!(!shown.contains("hunter2"), "{text} {shown}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        check(
            "password_file: a/b\nurl: https://a.example/x\ntoken_file: t\n",
            "password_file: a/b\nurl: \"https://a.example/x\"\ntoken_file: t\n",
        );
    }
}
