//! Text of rule files: YAML and PromQL, with everything that came from a config quoted.
//!
//! Written by hand: a library for YAML would write the same with less control over what a person reads, and the text
//! is checked by promtool itself.

use std::fmt::Write;
use std::time::Duration;

use crate::alert::Labels;

/// A string of YAML, which is one of JSON too.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A label's value that is compared in PromQL.
pub fn matcher(name: &str, value: &str) -> String {
    format!("{name}={}", promql_string(value))
}

fn promql_string(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// A text of several lines, indented.
pub fn block(text: &str, indent: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("{:indent$}{line}", "")).collect();
    format!("|-\n{}", lines.join("\n"))
}

/// `labels:` of a rule; nothing where there are none.
pub fn labels(labels: &Labels) -> String {
    section("labels", labels.iter().filter(|(name, _)| &***name != "alertname"))
}

/// `annotations:` of a rule.
pub fn annotations(annotations: &Labels) -> String {
    section("annotations", annotations.iter())
}

fn section<'l>(name: &str, pairs: impl Iterator<Item = (&'l Box<str>, &'l Box<str>)>) -> String {
    let lines: String = pairs.map(|(name, value)| format!("      {name}: {}\n", quoted(value))).collect();
    if lines.is_empty() { String::new() } else { format!("    {name}:\n{lines}") }
}

/// A span of minutes as Prometheus writes it, in one unit.
pub fn minutes(count: i64) -> String {
    match count {
        0 => "0s".to_owned(),
        _ if count % 1440 == 0 => format!("{}d", count / 1440),
        _ if count % 60 == 0 => format!("{}h", count / 60),
        _ => format!("{count}m"),
    }
}

/// A span of seconds as Prometheus writes it.
pub fn seconds(count: i64) -> String {
    if count % 60 == 0 { minutes(count / 60) } else { format!("{count}s") }
}

/// The same of a duration.
pub fn duration(duration: Duration) -> String {
    match i64::try_from(duration.as_millis()) {
        Ok(milliseconds) if milliseconds % 1000 == 0 => seconds(milliseconds / 1000),
        Ok(milliseconds) => format!("{milliseconds}ms"),
        Err(_) => "100y".to_owned(),
    }
}

/// The head of a group.
pub fn group_head(name: &str, interval: &str, query_offset: Option<i64>) -> String {
    let offset =
        query_offset.map(|offset| format!("  query_offset: {}\n", seconds(offset))).unwrap_or_default();
    format!("- name: {}\n  interval: {interval}\n{offset}  rules:\n", quoted(name))
}

/// How much a counter has grown over a window.
pub fn increase(selector: &str, window: i64, offset: Option<i64>) -> String {
    let window_text = minutes(window);
    let ago = |seconds_ago: i64| {
        if seconds_ago == 0 { String::new() } else { format!(" offset {}", seconds(seconds_ago)) }
    };
    let offset = offset.unwrap_or(0);
    let (now, before) = (ago(offset), ago(offset + window * 60));
    format!("(({selector}{now} - {selector}{before}) >= 0) or increase({selector}[{window_text}]{now})")
}
