//! What is wrong with a config file, all of it at once.
//!
//! A reader that stops at the first mistake makes its user run the program once per mistake. So every
//! reading function reports here and goes on with a default; the whole config is refused at the end
//! if anything was reported. The cost: a function may not trust that what it read earlier was right.

use std::fmt;

/// A place in the config file; both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

/// One mistake and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong, with the value as written.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

/// Every mistake of one file, in the order of the file; never empty when [`super::parse`] returns it.
///
/// Displays as `weir.yaml:14:7: message`, one mistake per line, each hint on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The name of the file, as the user gave it.
    pub file_name: String,
    /// The mistakes.
    pub errors: Vec<ConfigError>,
}

impl ConfigError {
    /// A mistake at `position`.
    pub fn new(position: Position, message: impl Into<String>) -> Self {
        Self { line: position.line, column: position.column, message: message.into(), hint: None }
    }

    /// The same mistake with what to do about it.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{}:{}:{}: {}", self.file_name, error.line, error.column, error.message)?;
            if let Some(hint) = &error.hint {
                write!(f, "\n    {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_has_its_place_and_its_hint_on_the_next_line() {
        let at = |line, column| Position { line, column };
        let errors = ConfigErrors {
            file_name: "weir.yaml".to_owned(),
            errors: vec![
                ConfigError::new(at(2, 3), "unknown key `nme` in `sources[]`")
                    .with_hint("did you mean `name`?"),
                ConfigError::new(at(14, 7), "`path` is missing"),
            ],
        };
        assert_eq!(
            errors.to_string(),
            "weir.yaml:2:3: unknown key `nme` in `sources[]`\n    did you mean `name`?\nweir.yaml:14:7: `path` is missing"
        );
    }
}
