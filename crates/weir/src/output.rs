//! What all commands say in the same way: results to stdout, everything else to stderr.
//!
//! One place decides what reaches a terminal and with which exit code a command ends, because scripts rely
//! on both and a second way of saying things would sooner or later say them differently.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

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

/// Control characters, and the marks that reverse the direction of text.
fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_logs_cannot_speak_to_the_terminal() {
        assert_eq!(harmless("/a\u{1b}[31m\u{202e}b\n"), "/a\u{fffd}[31m\u{fffd}b\u{fffd}");
        assert_eq!(harmless("/поиск"), "/поиск");
    }
}
