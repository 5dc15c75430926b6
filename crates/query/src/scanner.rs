//! A place in the text of a query, and the smallest things that can stand there.
//!
//! There is no list of tokens: what a character means depends on where it stands (`/`, `-` and `:` are plain
//! inside a value, and `]` ends a range only), so the parser asks for what may come next.

use crate::error::QueryError;
use crate::wildcard::{Pattern, PatternPart};

/// Words that join terms, in either case.
const OPERATORS: &[&str] = &["AND", "OR", "NOT", "and", "or", "not"];

/// Whether `text` would be read as an operator.
pub fn is_operator_word(text: &str) -> bool {
    OPERATORS.contains(&text)
}

/// Where a text without quotes stands, which decides where it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Where a field's name could be: ends before an operator of a field too.
    Head,
    /// Behind the operator of a field.
    Value,
    /// Inside a range: ends before its bracket too.
    Range,
}

/// A place in a query.
#[derive(Clone)]
pub struct Scanner<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Scanner<'a> {
    /// The beginning of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    /// What is still to be read.
    pub fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    /// This place, from 1, in characters.
    pub fn column(&self) -> usize {
        self.text[..self.offset].chars().count() + 1
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// An error at this place.
    pub fn error(&self, problem: impl Into<String>, hint: impl Into<String>) -> QueryError {
        QueryError::new(self.column(), problem, hint)
    }

    /// Passes over white space.
    pub fn skip_space(&mut self) {
        self.offset = self.text.len() - self.rest().trim_start().len();
    }

    /// Passes over `prefix` if it is here.
    pub fn accept(&mut self, prefix: &str) -> bool {
        let is_here = self.rest().starts_with(prefix);
        if is_here {
            self.offset += prefix.len();
        }
        is_here
    }

    /// Passes over one of `words` if it is here as a word of its own.
    pub fn accept_word(&mut self, words: &[&str]) -> bool {
        let found = words.iter().find(|word| self.is_at_word(word));
        self.offset += found.map_or(0, |word| word.len());
        found.is_some()
    }

    /// The operator that is here as a word of its own.
    pub fn operator_word(&self) -> Option<&'static str> {
        OPERATORS.iter().find(|word| self.is_at_word(word)).copied()
    }

    fn is_at_word(&self, word: &str) -> bool {
        let behind = self.rest().strip_prefix(word);
        behind.is_some_and(|behind| behind.chars().next().is_none_or(ends_word))
    }

    /// Whether statistics begin here.
    pub fn is_at_pipe(&self) -> bool {
        self.rest().starts_with('|') && !self.rest().starts_with("||")
    }

    /// The letters, digits and the few other characters of a name that begins here; may be empty.
    pub fn name(&mut self) -> &'a str {
        let is_part = |char: char| char.is_alphanumeric() || "_.@-".contains(char);
        let rest = self.rest();
        let end = rest.find(|char| !is_part(char)).unwrap_or(rest.len());
        self.offset += end;
        &rest[..end]
    }

    /// A text without quotes, up to where it ends; may be empty.
    pub fn term(&mut self, stop: Stop) -> Result<Pattern, QueryError> {
        let mut pattern = Pattern::default();
        while let Some(char) = self.peek() {
            if self.ends_term(char, stop) {
                break;
            }
            self.offset += char.len_utf8();
            match char {
                '*' => pattern.push_any(),
                '?' => pattern.0.push(PatternPart::One),
                '\\' => match self.peek() {
                    Some(escaped) => {
                        self.offset += escaped.len_utf8();
                        pattern.push_char(escaped);
                    }
                    None => {
                        return Err(self.error("`\\` is the last character", "write `\\\\` for a backslash"));
                    }
                },
                _ => pattern.push_char(char),
            }
        }
        Ok(pattern)
    }

    fn ends_term(&self, char: char, stop: Stop) -> bool {
        let rest = self.rest();
        let always = ends_word(char) || char == '|' || rest.starts_with("&&");
        always
            || match stop {
                Stop::Head => ":<>=".contains(char) || rest.starts_with("!=") || rest.starts_with("!~"),
                Stop::Value => false,
                Stop::Range => "]}".contains(char),
            }
    }

    /// The text in double quotes that begins here. `\` takes away the meaning of the sign behind it, and stays
    /// before letters and digits, so that `"C:\temp"` is what it looks like.
    pub fn quoted(&mut self) -> Result<String, QueryError> {
        self.between_quotes(|char| char.is_ascii_punctuation())
    }

    /// The regular expression in double quotes that begins here: only `\"` is not as it stands.
    pub fn quoted_regex(&mut self) -> Result<String, QueryError> {
        self.between_quotes(|char| char == '"')
    }

    fn between_quotes(&mut self, loses_backslash: impl Fn(char) -> bool) -> Result<String, QueryError> {
        let start = self.clone();
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.offset += at + 1;
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, escaped)) => {
                        if !loses_backslash(escaped) {
                            text.push('\\');
                        }
                        text.push(escaped);
                    }
                    None => break,
                },
                _ => text.push(char),
            }
        }
        Err(start.error(
            "a quote is not closed",
            "write `\"` at the end of the phrase, or `\\\"` for a quote itself",
        ))
    }
}

/// What a word cannot have in it.
fn ends_word(char: char) -> bool {
    char.is_whitespace() || matches!(char, '(' | ')' | '"')
}
