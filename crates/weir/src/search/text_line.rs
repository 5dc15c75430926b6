//! Records as lines for people: what one looks for first stands first, the rest behind it by name.
//!
//! Everything in a record was written by a stranger, so it is cleaned before it reaches a terminal.

use serde_json::Value;
use weir_web::Hit;

use super::hit::{ID_FIELD, TIME_FIELD};
use crate::output::harmless;

/// The fields of a request that stand without their names, in this order.
const REQUEST_FIELDS: [&str; 5] = ["status", "method", "host", "path", "request_time"];

/// The fields of an event that stand without their names, in this order.
const EVENT_FIELDS: [&str; 2] = ["level", "message"];

/// Fields that are left out of a line unless they are asked for: they say where a record lies.
const LEFT_OUT: [&str; 4] = [ID_FIELD, "_origin", "_line", "_raw"];

/// What of a request's further fields a line shows; the others are many and in the JSON.
const REQUEST_DETAILS: [&str; 8] =
    ["service", "route", "query", "upstream_time", "target_status", "error_reason", "request_id", "trace_id"];

/// The longest value in a line, in characters; the JSON has it whole.
const VALUE_CHARS_MAX: usize = 2_000;

/// Before each further line of a message, so that none can be taken for a record of its own.
const INDENTATION: &str = "    ";

/// A line for a record, without its end. Where the user has chosen fields, it has those, in that order. Else what a
/// message of several lines has behind its first, a stack, stands below, indented.
pub fn text_line(hit: &Hit, chosen: Option<&[String]>) -> String {
    let mut line = plain(hit.get(TIME_FIELD));
    if let Some(chosen) = chosen {
        let found = chosen.iter().filter(|name| *name != TIME_FIELD);
        let found = found.filter_map(|name| Some((name.as_str(), hit.get(name)?)));
        return with_named(line, found);
    }
    let is_request = hit.get("status").is_some() || hit.get("method").is_some();
    let leading: &[&str] = if is_request { &REQUEST_FIELDS } else { &EVENT_FIELDS };
    for &name in ["source"].iter().chain(leading) {
        line.push(' ');
        line.push_str(&leading_value(name, hit.get(name)));
    }
    let is_shown = |name: &str| {
        name == TIME_FIELD || name == "source" || leading.contains(&name) || LEFT_OUT.contains(&name)
    };
    let is_wanted = |name: &str| !is_shown(name) && (!is_request || REQUEST_DETAILS.contains(&name));
    let pairs = hit.0.iter().map(|(name, value)| (name.as_str(), value));
    let line = with_named(line, pairs.filter(|(name, _)| is_wanted(name)));
    with_rest_of_message(line, hit, leading)
}

fn with_rest_of_message(mut line: String, hit: &Hit, leading: &[&str]) -> String {
    let message = hit.get("message").and_then(Value::as_str).filter(|_| leading.contains(&"message"));
    let Some((first, rest)) = message.and_then(|message| message.split_once('\n')) else { return line };
    let room = VALUE_CHARS_MAX.saturating_sub(first.chars().count());
    let end = rest.char_indices().nth(room).map_or(rest.len(), |(end, _)| end);
    for further in rest[..end].lines() {
        line.push('\n');
        line.push_str(INDENTATION);
        line.push_str(&harmless(further.trim_start_matches('\t')));
    }
    if end < rest.len() {
        line.push('\u{2026}');
    }
    line
}

fn with_named<'h>(mut line: String, pairs: impl Iterator<Item = (&'h str, &'h Value)>) -> String {
    for (name, value) in pairs {
        line.push(' ');
        line.push_str(&harmless(name));
        line.push('=');
        line.push_str(&named_value(value));
    }
    line
}

/// A value without its name: `-` where there is none, so that columns stay where they are.
fn leading_value(name: &str, value: Option<&Value>) -> String {
    match (name, value) {
        ("request_time", Some(Value::Number(seconds))) => format!("{seconds}s"),
        ("message", Some(Value::String(text))) if text.contains('\n') => {
            cut(text.lines().next().unwrap_or_default())
        }
        _ => plain(value),
    }
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => cut(text),
        Some(other) => cut(&other.to_string()),
    }
}

/// A value behind its name: in quotes where it would not be seen where it ends.
fn named_value(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() || text.contains([' ', '"', '=']) => {
            format!("\"{}\"", cut(text).replace('"', "\\\""))
        }
        other => plain(Some(other)),
    }
}

fn cut(text: &str) -> String {
    let mut chars = text.char_indices();
    match chars.nth(VALUE_CHARS_MAX) {
        Some((end, _)) => harmless(&text[..end]) + "\u{2026}",
        None => harmless(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let hit: Hit = serde_json::from_str(json).unwrap();
        assert_eq!(text_line(&hit, None), expected);
    }

    #[test]
    fn chosen_fields_stand_in_the_order_that_was_asked_for() {
        let json = r#"{"@timestamp":"t","path":"/a b","status":200,"user_agent":"x","_id":"00"}"#;
        let hit: Hit = serde_json::from_str(json).unwrap();
        let chosen = ["status", "none", "path", "_id"].map(str::to_owned);
        assert_eq!(text_line(&hit, Some(&chosen)), "t status=200 path=\"/a b\" _id=00");
    }

    #[test]
    fn a_stack_stands_below_its_message_and_cannot_be_taken_for_records() {
        check(
            "{\"@timestamp\":\"t\",\"source\":\"errors\",\"level\":3,\"node\":\"n\",\
             \"message\":\"E: a\\n\\tat f\\u001b[31m\\r\\nt errors 3 forged\"}",
            "t errors 3 E: a node=n\n    at f\u{fffd}[31m\n    t errors 3 forged",
        );
    }

    #[test]
    fn requests_and_events_have_their_own_lines() {
        check(
            r#"{"@timestamp":"2026-11-20T10:15:30Z","source":"nginx","host":"shop","method":"GET","path":"/a",
                "route":"/a","status":503,"request_time":0.4,"user_agent":"x","request_id":"r1","_id":"00"}"#,
            "2026-11-20T10:15:30Z nginx 503 GET shop /a 0.4s route=/a request_id=r1",
        );
        check(
            r#"{"@timestamp":"2026-11-20T10:15:30Z","source":"errors","message":"payment failed","level":3,
                "user_email":"a@b.com","note":"a b","empty":"","_id":"00","_origin":"x"}"#,
            "2026-11-20T10:15:30Z errors 3 payment failed user_email=a@b.com note=\"a b\" empty=\"\"",
        );
        check(r#"{"@timestamp":"t","method":"GET"}"#, "t - - GET - - -");
    }

    #[test]
    fn what_strangers_wrote_cannot_speak_to_the_terminal() {
        check(
            r#"{"@timestamp":"t","source":"s","message":"a\u001b[31m\nb","x\u0007":"\u202e"}"#,
            "t s - a\u{fffd}[31m x\u{fffd}=\u{fffd}\n    b",
        );
        let long =
            format!(r#"{{"@timestamp":"t","source":"s","level":1,"message":"{}"}}"#, "é".repeat(3_000));
        let hit: Hit = serde_json::from_str(&long).unwrap();
        assert_eq!(text_line(&hit, None).chars().count(), "t s 1 ".len() + VALUE_CHARS_MAX + 1);
    }
}
