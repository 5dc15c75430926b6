//! The messages of which a template was made, as a regular expression.
//!
//! A template stands for all messages that differ in numbers and ids only; a query needs what finds just those. A
//! message that has stars of its own may be found with others: the template does not tell them from its signs.

use weir_query::{Expression, Operand};

use super::field;

/// A template of this length may be the beginning of a longer one.
const CUT_BYTES_MIN: usize = 196;

/// Characters of which a word consists whose place a sign may take.
const WORD: &str = "[\\p{Alphabetic}\\p{N}_.@-]*";

/// The records whose field has a text of which this template was made.
pub(super) fn of_template(name: &str, template: &str) -> Expression {
    if template.is_empty() {
        return field(name, Operand::Regex("^\\s*$".to_owned()));
    }
    let mut regex = String::from("^\\s*");
    for char in template.chars() {
        match char {
            '*' => regex.push_str(&format!("(?:{WORD}[0-9@]{WORD}|\\*)")),
            ' ' => regex.push_str("[^\\S\\n]+"),
            char => push_escaped(&mut regex, char),
        }
    }
    if template.len() < CUT_BYTES_MIN {
        regex.push_str("[^\\S\\n]*(?:\\n|$)");
    }
    field(name, Operand::Regex(regex))
}

/// The records whose field begins with a text that was cut off.
pub(super) fn of_beginning(name: &str, beginning: &str) -> Expression {
    let mut regex = String::from("^");
    beginning.chars().for_each(|char| push_escaped(&mut regex, char));
    field(name, Operand::Regex(regex))
}

/// The records whose field is this text.
pub(super) fn of_text(name: &str, text: &str) -> Expression {
    let mut regex = String::from("^");
    text.chars().for_each(|char| push_escaped(&mut regex, char));
    regex.push('$');
    field(name, Operand::Regex(regex))
}

/// A character as it is. Quotes and backslashes have a meaning in the query too, so the one is left as it is, and
/// the other is told by its number.
fn push_escaped(regex: &mut String, char: char) {
    match char {
        '\\' => regex.push_str("\\x5C"),
        '"' => regex.push(char),
        _ if char.is_ascii_punctuation() => regex.extend(['\\', char]),
        _ => regex.push(char),
    }
}
