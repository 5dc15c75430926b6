//! What makes a group: a value that can be compared, hashed and ordered.
//!
//! A [`Value`] cannot be all of that, because of floats. Here `5` and `5.0` are the same number and one group,
//! while the text `5` is another: they are different answers to "which values are there".

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use weir_record::{Timestamp, Value};

use crate::number::{Number, whole};

/// One value of a group's key. Ordered: numbers, then texts, truth values and times; missing ones last.
#[derive(Clone, Debug)]
pub enum GroupValue {
    /// A whole number, also one that came as a float.
    Integer(i64),
    /// Any other number. Use [`GroupValue::number`] to make one.
    Float(f64),
    /// Text; of a list, its JSON.
    Text(Box<str>),
    /// `true` or `false`.
    Boolean(bool),
    /// A moment, or the start of an interval of time.
    Time(Timestamp),
    /// The record lacks the field.
    Missing,
}

impl GroupValue {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// A number: whole ones become integers.
    pub fn number(number: f64) -> Self {
        whole(number).map_or(Self::Float(number), Self::Integer)
    }

    /// The start of the span in which `time` lies; spans begin at multiples of their length since 1970.
    pub fn span(time: Timestamp, interval_us: i64) -> Self {
        let interval_us = interval_us.max(1);
        Self::Time(Timestamp::from_micros(time.micros().div_euclid(interval_us).saturating_mul(interval_us)))
    }

    /// How many bytes it keeps outside of itself.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            _ => 0,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Integer(_) | Self::Float(_) => 0,
            Self::Text(_) => 1,
            Self::Boolean(_) => 2,
            Self::Time(_) => 3,
            Self::Missing => 4,
        }
    }
}

impl From<&Value<'_>> for GroupValue {
    fn from(value: &Value<'_>) -> Self {
        match value {
            Value::Text(text) | Value::Json(text) => Self::text(text),
            Value::Integer(integer) => Self::Integer(*integer),
            Value::Float(float) => Self::number(*float),
            Value::Boolean(boolean) => Self::Boolean(*boolean),
            Value::Time(time) => Self::Time(*time),
        }
    }
}

impl Ord for GroupValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one.cmp(other),
            (Self::Float(one), Self::Float(other)) => one.total_cmp(other),
            (Self::Integer(one), Self::Float(other)) => Number::Float(*other).compare_integer(*one).reverse(),
            (Self::Float(one), Self::Integer(other)) => Number::Float(*one).compare_integer(*other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Boolean(one), Self::Boolean(other)) => one.cmp(other),
            (Self::Time(one), Self::Time(other)) => one.cmp(other),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for GroupValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for GroupValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for GroupValue {}

impl Hash for GroupValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Integer(integer) => integer.hash(state),
            Self::Float(float) => match whole(*float) {
                Some(integer) => integer.hash(state),
                None => float.to_bits().hash(state),
            },
            Self::Text(text) => text.hash(state),
            Self::Boolean(boolean) => boolean.hash(state),
            Self::Time(time) => time.hash(state),
            Self::Missing => {}
        }
    }
}
