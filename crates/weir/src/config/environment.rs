//! `${X}` in a value: what stands there is taken from the environment.
//!
//! Applied to single values after YAML was parsed, not to the text of the file: a variable can't
//! break the file's syntax, add a key, or run in a comment, and positions stay those of the file.
//! An unset variable is an error; that a config silently loses a value is worse than not starting.
//! `${X:-default}` also stands in for an empty variable, as in a shell; `$${` is a plain `${`.

use super::reader::quoted;

/// Looks up a variable of the environment; an argument, so that reading a config is pure.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The longest value that may come of it, in bytes; bounds what repeating a long variable costs.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// Why a value's variables could not be put in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// The variable is not set and has no default.
    #[error("environment variable `{0}` is not set")]
    Unset(String),
    /// What stands between `${` and `}` is not a name.
    #[error("{} is not the name of a variable", quoted(.0))]
    BadName(String),
    /// `${` without `}`.
    #[error("`${{` has no `}}` after it")]
    Unclosed,
    /// The value is longer than [`VALUE_BYTES_MAX`].
    #[error("this value with its variables is longer than {VALUE_BYTES_MAX} bytes")]
    TooLong,
}

/// Replaces every `${X}` and `${X:-default}` of `text`; what is put in is not looked at again.
///
/// # Errors
///
/// Every variable that is unset or badly written, in the order of the text.
pub fn interpolate(text: &str, environment: Environment) -> Result<String, Vec<EnvironmentError>> {
    let mut value = String::new();
    let mut errors = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            value.push_str(before);
            value.push_str("${");
            rest = after;
        } else if let Some((reference, after)) = after.split_once('}') {
            value.push_str(before);
            match look_up(reference, environment) {
                Ok(found) => value.push_str(&found),
                Err(error) => errors.push(error),
            }
            rest = after;
        } else {
            errors.push(EnvironmentError::Unclosed);
            break;
        }
        if value.len() > VALUE_BYTES_MAX {
            errors.push(EnvironmentError::TooLong);
            break;
        }
    }
    value.push_str(rest);
    if errors.is_empty() { Ok(value) } else { Err(errors) }
}

fn look_up(reference: &str, environment: Environment) -> Result<String, EnvironmentError> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_name_char) {
        return Err(EnvironmentError::BadName(name.to_owned()));
    }
    match (environment(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(EnvironmentError::Unset(name.to_owned())),
    }
}

impl EnvironmentError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            EnvironmentError::Unset(name) => format!("set it, or give a default: `${{{name}:-default}}`"),
            EnvironmentError::BadName(_) | EnvironmentError::Unclosed => {
                "write `${NAME}` or `${NAME:-default}`; a plain `${` is written `$${`".to_owned()
            }
            EnvironmentError::TooLong => "look for a variable that holds more than you meant".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EnvironmentError::{BadName, TooLong, Unclosed, Unset};
    use super::*;

    fn check(text: &str, expected: Result<&str, Vec<EnvironmentError>>) {
        let environment = |name: &str| match name {
            "PORT" => Some("9099".to_owned()),
            "EMPTY" => Some(String::new()),
            "LOOP" => Some("${PORT}".to_owned()),
            "LONG" => Some("x".repeat(VALUE_BYTES_MAX)),
            _ => None,
        };
        assert_eq!(interpolate(text, &environment), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn variables_are_put_in() {
        for (text, value) in [
            ("", ""),
            ("plain $PORT {x} $ }", "plain $PORT {x} $ }"),
            ("${PORT}", "9099"),
            ("a${PORT}b${PORT}c", "a9099b9099c"),
            ("${PORT:-80}", "9099"),
            ("${NOT_SET:-80}", "80"),
            ("${NOT_SET:-a:-b}", "a:-b"),
            ("${NOT_SET:-}", ""),
            ("${EMPTY}", ""),
            ("${EMPTY:-80}", "80"),
        ] {
            check(text, Ok(value));
        }
    }

    #[test]
    fn a_doubled_dollar_keeps_the_braces() {
        check("$${PORT}", Ok("${PORT}"));
        check("$$${PORT}", Ok("$${PORT}"));
        check("a$$b", Ok("a$$b"));
    }

    #[test]
    fn what_a_variable_holds_is_not_looked_at_again() {
        check("${LOOP}", Ok("${PORT}"));
    }

    #[test]
    fn every_wrong_variable_is_named() {
        check("${A} ${PORT} ${B}", Err(vec![Unset("A".to_owned()), Unset("B".to_owned())]));
        check("${A} ${", Err(vec![Unset("A".to_owned()), Unclosed]));
        check("${}", Err(vec![BadName(String::new())]));
        check("${1X}", Err(vec![BadName("1X".to_owned())]));
        check("${A-b}", Err(vec![BadName("A-b".to_owned())]));
    }

    #[test]
    fn a_repeated_long_variable_is_refused() {
        check(&"${LONG}".repeat(1000), Err(vec![TooLong]));
    }
}
