//! One condition on a label: `severity="page"`, `service=~"shop|pay"`.
//!
//! A label that is not there has the value `""`, and a regular expression must match all of the value: both as in
//! Alertmanager, whose files are read here.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::Labels;

/// A regular expression that needs more memory than this, in bytes, is refused.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// How the value of a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    MatchesNot,
}

/// A condition on a label.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Matcher {
    name: Box<str>,
    comparison: Comparison,
    value: Box<str>,
    /// That of a comparison by one.
    regex: Option<Regex>,
}

/// What of a matcher is kept.
#[derive(Serialize, Deserialize)]
struct Written(Box<str>, Comparison, Box<str>);

/// Why a text is no matcher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// No name with a comparison behind it.
    #[error("expected a label, one of = != =~ !~, and a value, as in severity=\"page\"")]
    Shape,
    /// A quote that does not end, or in the middle of a value.
    #[error("a value with a quote in it is written in quotes, with \\ before the one inside")]
    Quote,
    /// The regular expression.
    #[error("{0}")]
    Regex(String),
}

impl Matcher {
    /// A condition of these parts.
    ///
    /// # Errors
    ///
    /// A regular expression that is none, or too large.
    pub fn new(name: &str, comparison: Comparison, value: &str) -> Result<Self, MatcherError> {
        let is_regex = matches!(comparison, Comparison::Matches | Comparison::MatchesNot);
        let regex = is_regex.then(|| {
            let whole = format!("^(?:{value})$");
            regex::RegexBuilder::new(&whole).size_limit(REGEX_BYTES_MAX).build().map_err(
                |error| match error {
                    regex::Error::CompiledTooBig(_) => {
                        MatcherError::Regex("the regular expression is too large".to_owned())
                    }
                    _ => MatcherError::Regex(format!("`{value}` is no regular expression")),
                },
            )
        });
        Ok(Self { name: name.into(), comparison, value: value.into(), regex: regex.transpose()? })
    }

    /// Reads one as Alertmanager writes it; the value may be in quotes.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        let text = text.trim();
        let name_end =
            text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
        let (name, rest) = text.split_at(name_end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(MatcherError::Shape);
        }
        let rest = rest.trim_start();
        let comparisons = [
            ("=~", Comparison::Matches),
            ("!~", Comparison::MatchesNot),
            ("!=", Comparison::NotEqual),
            ("=", Comparison::Equal),
        ];
        let found = comparisons.iter().find_map(|(sign, comparison)| {
            rest.strip_prefix(sign).map(|value| (*comparison, value.trim_start()))
        });
        let (comparison, value) = found.ok_or(MatcherError::Shape)?;
        Self::new(name, comparison, &unquoted(value)?)
    }

    /// Reads several: `{a="b",c=~"d"}`, with or without the braces.
    ///
    /// # Errors
    ///
    /// What is wrong with one of them.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, MatcherError> {
        let text = text.trim();
        let text = text.strip_prefix('{').unwrap_or(text);
        let text = text.strip_suffix('}').unwrap_or(text);
        let mut parts = Vec::new();
        let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
        for (at, c) in text.char_indices() {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => {
                    parts.push(&text[start..at]);
                    start = at + 1;
                }
                _ => {}
            }
        }
        parts.push(&text[start..]);
        parts.iter().filter(|part| !part.trim().is_empty()).map(|part| Self::parse(part)).collect()
    }

    /// Whether labels meet it.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_value(labels.get(&self.name).map_or("", |value| value))
    }

    /// Whether a value meets it.
    pub fn matches_value(&self, value: &str) -> bool {
        let by_regex = || self.regex.as_ref().is_some_and(|regex| regex.is_match(value));
        match self.comparison {
            Comparison::Equal => *self.value == *value,
            Comparison::NotEqual => *self.value != *value,
            Comparison::Matches => by_regex(),
            Comparison::MatchesNot => !by_regex(),
        }
    }

    /// The label.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is compared with.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// How it is compared.
    pub fn comparison(&self) -> Comparison {
        self.comparison
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.comparison, &self.value) == (&other.name, other.comparison, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.comparison {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
            Comparison::Matches => "=~",
            Comparison::MatchesNot => "!~",
        };
        write!(f, "{}{sign}{}", self.name, in_quotes(&self.value))
    }
}

impl From<Matcher> for Written {
    fn from(matcher: Matcher) -> Self {
        Self(matcher.name, matcher.comparison, matcher.value)
    }
}

impl TryFrom<Written> for Matcher {
    type Error = MatcherError;

    fn try_from(Written(name, comparison, value): Written) -> Result<Self, MatcherError> {
        Self::new(&name, comparison, &value)
    }
}

/// A value as Alertmanager shows it.
pub(crate) fn in_quotes(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

fn unquoted(value: &str) -> Result<String, MatcherError> {
    let inner = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').ok_or(MatcherError::Quote)?,
        None => value,
    };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Err(MatcherError::Quote),
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some(c @ ('"' | '\\')) => text.push(c),
                // As in Alertmanager: what is no escape stays, so that `\d` can be written once.
                Some(other) => text.extend(['\\', other]),
                None if value.starts_with('"') => return Err(MatcherError::Quote),
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_read_as_alertmanager_writes_them() {
        for (text, expected) in [
            ("a=b", "a=\"b\""),
            (" a = \"b c\" ", "a=\"b c\""),
            ("a=~\"b|c\"", "a=~\"b|c\""),
            ("a!=", "a!=\"\""),
            ("a!~\\d+", "a!~\"\\\\d+\""),
            ("a=\"x\\\"y\\\\\"", "a=\"x\\\"y\\\\\""),
        ] {
            let matcher = Matcher::parse(text).unwrap();
            assert_eq!(matcher.to_string(), expected, "{text}");
            assert_eq!(Matcher::parse(&matcher.to_string()).as_ref(), Ok(&matcher));
            let kept = postcard::to_stdvec(&matcher).unwrap();
            assert_eq!(postcard::from_bytes::<Matcher>(&kept).as_ref(), Ok(&matcher));
        }
        for text in ["", "=b", "1a=b", "a", "a b", "a=\"b", "a=b\"c", "a=~(", "a=~a{1000}{1000}{1000}"] {
            assert!(Matcher::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn several_are_split_outside_of_quotes() {
        let shown = |text| {
            let all = Matcher::parse_all(text).unwrap();
            all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown("{a=\"b,c\", d=~\"e}\"}"), "a=\"b,c\" d=~\"e}\"");
        assert_eq!(shown("a=b,"), "a=\"b\"");
        assert_eq!(shown("{}"), "");
    }

    #[test]
    fn a_missing_label_is_empty_and_a_regex_matches_all_of_the_value() {
        let labels: Labels = [("a".into(), "page".into())].into();
        for (text, expected) in [
            ("a=page", true),
            ("a=pag", false),
            ("a=~pag", false),
            ("a=~pa.*", true),
            ("a!~pag", true),
            ("b=\"\"", true),
            ("b!=x", true),
            ("b=~\".*\"", true),
            ("b=~\".+\"", false),
        ] {
            assert_eq!(Matcher::parse(text).unwrap().matches(&labels), expected, "{text}");
        }
    }
}
