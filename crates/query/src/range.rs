//! Values between two bounds: of numbers, of texts, or of times.
//!
//! Which of them it is depends on the bounds alone, never on the record, so that a column is compared with one
//! kind of bound. Text that reads as a number meets numeric bounds as that number.

use std::cmp::Ordering;

use weir_record::Timestamp;

use crate::number::Number;

/// A range, open at an end that has no bound.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// Of numbers.
    Number {
        /// From here.
        lower: Option<Bound<Number>>,
        /// To here.
        upper: Option<Bound<Number>>,
    },
    /// Of texts, by their bytes. No number lies in it.
    Text {
        /// From here.
        lower: Option<Bound<Box<str>>>,
        /// To here.
        upper: Option<Bound<Box<str>>>,
    },
    /// Of moments, both ends included. Text lies in it if it is RFC 3339, a number as seconds since 1970.
    Time {
        /// From here.
        lower: Option<Timestamp>,
        /// To here.
        upper: Option<Timestamp>,
    },
}

/// One end of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound<T> {
    /// Where.
    pub value: T,
    /// Whether the range includes it.
    pub is_inclusive: bool,
}

impl<T> Bound<T> {
    /// Whether something that stands like this to the lower bound is inside.
    fn admits_from(&self, value_to_bound: Option<Ordering>) -> bool {
        value_to_bound == Some(Ordering::Greater)
            || (self.is_inclusive && value_to_bound == Some(Ordering::Equal))
    }

    fn admits_to(&self, value_to_bound: Option<Ordering>) -> bool {
        self.admits_from(value_to_bound.map(Ordering::reverse))
    }
}

impl Range {
    /// Whether a text lies in it.
    pub fn matches_text(&self, text: &str) -> bool {
        match self {
            Self::Number { .. } => match Number::from_text(text) {
                Some(Number::Integer(integer)) => self.matches_integer(integer),
                Some(Number::Float(float)) => self.matches_float(float),
                None => false,
            },
            Self::Text { lower, upper } => {
                lower.as_ref().is_none_or(|bound| bound.admits_from(Some(text.cmp(&*bound.value))))
                    && upper.as_ref().is_none_or(|bound| bound.admits_to(Some(text.cmp(&*bound.value))))
            }
            Self::Time { .. } => {
                Timestamp::parse_rfc3339(text.as_bytes()).is_some_and(|time| self.matches_time(time))
            }
        }
    }

    /// Whether a whole number lies in it.
    pub fn matches_integer(&self, integer: i64) -> bool {
        match self {
            Self::Number { lower, upper } => is_between(lower.as_ref(), upper.as_ref(), |bound| {
                Some(bound.compare_integer(integer).reverse())
            }),
            Self::Text { .. } => false,
            Self::Time { .. } => self.matches_time(Timestamp::from_seconds(integer)),
        }
    }

    /// Whether a float lies in it.
    pub fn matches_float(&self, float: f64) -> bool {
        match self {
            Self::Number { lower, upper } => is_between(lower.as_ref(), upper.as_ref(), |bound| {
                bound.compare_float(float).map(Ordering::reverse)
            }),
            Self::Text { .. } => false,
            Self::Time { .. } => self.matches_time(Timestamp::from_micros((float * 1e6) as i64)),
        }
    }

    /// Whether a moment lies in it.
    pub fn matches_time(&self, time: Timestamp) -> bool {
        match self {
            Self::Number { .. } => self.matches_float(time.seconds_f64()),
            Self::Text { .. } => self.matches_text(&time.to_string()),
            Self::Time { lower, upper } => {
                lower.is_none_or(|bound| time >= bound) && upper.is_none_or(|bound| time <= bound)
            }
        }
    }

    /// Closed bounds of every number in it; `None` where nothing is known.
    pub(crate) fn number_range(&self) -> Option<(f64, f64)> {
        match self {
            Self::Number { lower, upper } => Some((
                lower.as_ref().map_or(f64::NEG_INFINITY, |bound| bound.value.float_below()),
                upper.as_ref().map_or(f64::INFINITY, |bound| bound.value.float_above()),
            )),
            Self::Text { .. } => Some((f64::INFINITY, f64::NEG_INFINITY)),
            Self::Time { .. } => None,
        }
    }
}

/// Whether what stands to bounds as `value_to` says is between them.
fn is_between(
    lower: Option<&Bound<Number>>,
    upper: Option<&Bound<Number>>,
    value_to: impl Fn(Number) -> Option<Ordering>,
) -> bool {
    lower.is_none_or(|bound| bound.admits_from(value_to(bound.value)))
        && upper.is_none_or(|bound| bound.admits_to(value_to(bound.value)))
}
