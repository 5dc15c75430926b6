//! A query that knows the time: a tree of tests, to be asked of records.
//!
//! Parts that are always or never true are folded away when it is built, so that a scan does not ask them a
//! million times. A field that a record lacks passes no test; `NOT` of it passes.

use weir_record::{Timestamp, Value};

use crate::field_test::Test;
use crate::needles::list_elements;
use crate::range::Range;

/// What a predicate asks for the fields of one record.
pub trait Fields {
    /// The value of a field, by its name in records; `None` if the record lacks it.
    fn field(&self, name: &str) -> Option<Value<'_>>;
}

/// Which records, ready to be asked.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// Every record.
    All,
    /// No record.
    Nothing,
    /// All of these.
    And(Vec<Predicate>),
    /// One of these or more.
    Or(Vec<Predicate>),
    /// Not this.
    Not(Box<Predicate>),
    /// The test of a field.
    Field(FieldTest),
}

/// A test, and whose.
#[derive(Clone, Debug)]
pub struct FieldTest {
    /// The field's name in records.
    pub field: Box<str>,
    /// Whether the field's text is several, separated by commas, of which one must pass.
    pub is_list: bool,
    /// What it is asked.
    pub test: Test,
}

impl FieldTest {
    /// Whether a value of the field passes.
    pub fn matches(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Text(text) => self.matches_text(text),
            _ => self.test.matches(value),
        }
    }

    /// Whether a text of the field passes; cuts it where the field is a list.
    pub fn matches_text(&self, text: &str) -> bool {
        if self.is_list && !matches!(self.test, Test::Exists) {
            list_elements(text).any(|element| self.test.matches_text(element))
        } else {
            self.test.matches_text(text)
        }
    }
}

impl Predicate {
    /// All of `parts`.
    pub fn and(parts: impl IntoIterator<Item = Predicate>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Self::All => {}
                Self::Nothing => return Self::Nothing,
                Self::And(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match (kept.len(), kept.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                kept.push(last);
                Self::And(kept)
            }
            (_, None) => Self::All,
        }
    }

    /// One of `parts` or more.
    pub fn or(parts: impl IntoIterator<Item = Predicate>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Self::Nothing => {}
                Self::All => return Self::All,
                Self::Or(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match (kept.len(), kept.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                kept.push(last);
                Self::Or(kept)
            }
            (_, None) => Self::Nothing,
        }
    }

    /// Not `part`.
    pub fn negated(part: Predicate) -> Self {
        match part {
            Self::All => Self::Nothing,
            Self::Nothing => Self::All,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Whether a record matches.
    pub fn matches(&self, record: &impl Fields) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::And(parts) => parts.iter().all(|part| part.matches(record)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Self::Not(part) => !part.matches(record),
            Self::Field(test) => record.field(&test.field).is_some_and(|value| test.matches(&value)),
        }
    }

    /// The first and the last moment at which a matching record can be, both included; `None` for no bound.
    ///
    /// The first is behind the last where no record matches.
    pub fn time_range(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        match self {
            Self::Nothing => EMPTY,
            Self::And(parts) => parts.iter().map(Self::time_range).fold((None, None), intersection),
            Self::Or(parts) => parts.iter().map(Self::time_range).fold(EMPTY, union),
            Self::Field(FieldTest { field, test: Test::Range(Range::Time { lower, upper }), .. })
                if **field == *"@timestamp" =>
            {
                (*lower, *upper)
            }
            Self::All | Self::Not(_) | Self::Field(_) => (None, None),
        }
    }
}

type TimeRange = (Option<Timestamp>, Option<Timestamp>);

const EMPTY: TimeRange = (Some(Timestamp::from_micros(i64::MAX)), Some(Timestamp::from_micros(i64::MIN)));

fn intersection(one: TimeRange, other: TimeRange) -> TimeRange {
    let upper = match (one.1, other.1) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (bound, None) | (None, bound) => bound,
    };
    (one.0.max(other.0), upper)
}

fn union(one: TimeRange, other: TimeRange) -> TimeRange {
    // `None` is less than any bound, which is what a lower bound needs.
    let upper = one.1.zip(other.1).map(|(one, other)| one.max(other));
    (one.0.min(other.0), upper)
}
