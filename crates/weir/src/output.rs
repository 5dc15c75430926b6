//! What all commands say in the same way: results to stdout, everything else to stderr.
//!
//! One place decides what reaches a terminal and with which exit code a command ends, because scripts rely
//! on both and a second way of saying things would sooner or later say them differently.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::LazyLock;

use serde::Serialize;

use crate::account::Account;

/// Says something to the person at the terminal: on stderr, so that stdout stays the result.
pub fn say(text: &impl Display) {
    // Nobody may be listening, and the result is worth no less for it.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// An argument whose value is wrong: the command ends with 2, as for a word that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{argument}: {problem}")]
pub struct UsageError {
    argument: &'static str,
    problem: String,
}

impl UsageError {
    /// What is wrong with the value of `argument`.
    pub fn new(argument: &'static str, problem: impl Display) -> Self {
        Self { argument, problem: problem.to_string() }
    }
}

/// 2: wrong use. 1: the command could not do it.
pub fn failure_code(error: &anyhow::Error) -> ExitCode {
    let is_usage = error.chain().any(<dyn std::error::Error>::is::<UsageError>);
    ExitCode::from(if is_usage { 2 } else { 1 })
}

/// 0: done. 1: a file could not be read. 3: lines were rejected and the user asked to be strict.
pub fn exit_code(account: &Account, is_strict: bool) -> ExitCode {
    if !account.failures.is_empty() {
        ExitCode::from(1)
    } else if is_strict && account.reject_count() > 0 {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}

/// Text from a log for a terminal: what could move the cursor or change colours is replaced.
pub fn harmless(text: &str) -> String {
    text.chars().map(|char| if is_harmful(char) { char::REPLACEMENT_CHARACTER } else { char }).collect()
}

/// A value as JSON of several lines, for standard output.
///
/// # Errors
///
/// As `serde_json`.
pub fn pretty_json(value: &impl Serialize) -> serde_json::Result<String> {
    Ok(harmless_json(&serde_json::to_string_pretty(value)?).into_owned() + "\n")
}

/// JSON whose texts a terminal may be shown: what `serde_json` leaves as it is and could do harm is written `\u…`.
/// The value is the same, so this is for files and pipes too.
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    if json.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len());
    for char in json.chars() {
        if is_harmful(char) && char != '\n' {
            // Writing to a text never fails, and none of these has more than four digits.
            let _ = write!(shown, "\\u{:04x}", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

/// Whole lines of a table as CSV for standard output. CSV has no escapes, so in a file or a pipe the values stay
/// what they are, and only for a terminal are they cleaned.
pub fn shown_csv(table: String) -> String {
    if is_on_terminal() { harmless_csv(&table) } else { table }
}

/// Whether a person reads what stands on standard output.
pub fn is_on_terminal() -> bool {
    static IS_TERMINAL: LazyLock<bool> = LazyLock::new(|| std::io::stdout().is_terminal());
    *IS_TERMINAL
}

fn harmless_csv(table: &str) -> String {
    let line = |line: &str| {
        let (text, end) = match line.strip_suffix('\n') {
            Some(text) => text.strip_suffix('\r').map_or((text, "\n"), |text| (text, "\r\n")),
            None => (line, ""),
        };
        harmless(text) + end
    };
    table.split_inclusive('\n').map(line).collect()
}

/// Control characters, the marks that reverse the direction of text, and those that end a line for some programs.
fn is_harmful(char: char) -> bool {
    let is_mark = matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2066}'..='\u{2069}');
    char.is_control() || is_mark || matches!(char, '\u{2028}'..='\u{202e}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_logs_cannot_speak_to_the_terminal() {
        assert_eq!(harmless("/a\u{1b}[31m\u{202e}b\n"), "/a\u{fffd}[31m\u{fffd}b\u{fffd}");
        assert_eq!(harmless("/поиск"), "/поиск");
        assert_eq!(
            harmless("a\u{85}\u{9b}\u{2028}\u{2029}\u{61c}b"),
            "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}b"
        );
    }

    #[test]
    fn json_says_the_same_and_cannot_speak_to_the_terminal() {
        let text = "a\u{1b}\u{7f}\u{85}\u{9b}\u{202e}\u{2028}\u{2029}\u{2066}\n\té\"\\";
        let value = serde_json::json!({ text: [text, 1] });
        for json in [harmless_json(&value.to_string()).into_owned(), pretty_json(&value).unwrap()] {
            assert!(json.trim_end().chars().all(|char| !is_harmful(char) || char == '\n'), "{json:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
        }
        assert_eq!(harmless_json("\"\u{9b}\u{202e}é\""), r#""\u009b\u202eé""#);
    }

    #[test]
    fn a_table_keeps_its_lines_and_cannot_speak_to_the_terminal() {
        assert_eq!(
            harmless_csv("a\u{1b}[1m,b\r\n\"x\u{9b}\ny\rz\",\u{202e}\r\n"),
            "a\u{fffd}[1m,b\r\n\"x\u{fffd}\ny\u{fffd}z\",\u{fffd}\r\n"
        );
        assert_eq!(harmless_csv("a"), "a");
    }
}
