//! What one field is asked, answered for a text, a number or a moment.
//!
//! The store asks once for each distinct value of a column, a stream once for each record; both come here, so
//! they cannot disagree. [`Test::matches`] does nothing but choose between the others.

use regex::Regex;
use weir_record::{Timestamp, Value};

use crate::json_elements::{Element, elements};
use crate::literal::Literal;
use crate::needles::{Needles, number_text};
use crate::network::Network;
use crate::number::Number;
use crate::range::Range;
use crate::wildcard::Wildcard;
use crate::words::Words;

/// A question to one value.
#[derive(Clone, Debug)]
pub enum Test {
    /// Whether there is one.
    Exists,
    /// Whether it is this.
    Equals(Literal),
    /// Whether it is an address of this net.
    Network(Network),
    /// Whether its text matches as a whole.
    Wildcard(Wildcard),
    /// Whether it lies in between.
    Range(Range),
    /// Whether it is found anywhere in its text.
    Regex(Regex),
    /// Whether its text has these words.
    Words(Words),
}

impl Test {
    /// Whether a value passes. A list passes if one of its elements does, or if it is only asked to be there.
    pub fn matches(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Text(text) => self.matches_text(text),
            Value::Integer(integer) => self.matches_integer(*integer),
            Value::Float(float) => self.matches_float(*float),
            Value::Boolean(boolean) => self.matches_text(if *boolean { "true" } else { "false" }),
            Value::Time(time) => self.matches_time(*time),
            Value::Json(text) => self.matches_json(text),
        }
    }

    /// Whether a text passes.
    pub fn matches_text(&self, text: &str) -> bool {
        match self {
            Self::Exists => true,
            Self::Equals(literal) => literal.matches_text(text),
            Self::Network(network) => network.matches_text(text),
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Range(range) => range.matches_text(text),
            Self::Regex(regex) => regex.is_match(text),
            Self::Words(words) => words.matches(text),
        }
    }

    /// Whether a whole number passes; where text is asked for, its decimal digits are it.
    pub fn matches_integer(&self, integer: i64) -> bool {
        match self {
            Self::Exists => true,
            Self::Equals(literal) => literal.matches_integer(integer),
            Self::Range(range) => range.matches_integer(integer),
            Self::Network(_) => false,
            Self::Wildcard(_) | Self::Regex(_) | Self::Words(_) => self.matches_text(&integer.to_string()),
        }
    }

    /// Whether a float passes; where text is asked for, its shortest decimal form is it.
    pub fn matches_float(&self, float: f64) -> bool {
        match self {
            Self::Exists => true,
            Self::Equals(literal) => literal.matches_float(float),
            Self::Range(range) => range.matches_float(float),
            Self::Network(_) => false,
            Self::Wildcard(_) | Self::Regex(_) | Self::Words(_) => self.matches_text(&number_text(float)),
        }
    }

    /// Whether a moment passes; where text is asked for, RFC 3339 in UTC with six decimals at most is it.
    pub fn matches_time(&self, time: Timestamp) -> bool {
        match self {
            Self::Exists => true,
            Self::Range(range) => range.matches_time(time),
            _ => self.matches_text(&time.to_string()),
        }
    }

    /// Whether an element of a list passes; `text` is the list's JSON.
    pub fn matches_json(&self, text: &str) -> bool {
        matches!(self, Self::Exists)
            || elements(text).any(|element| match element {
                Element::Text(text) => self.matches_text(&text),
                Element::Number(Number::Integer(integer)) => self.matches_integer(integer),
                Element::Number(Number::Float(float)) => self.matches_float(float),
            })
    }

    /// What a record must have to pass, for filters.
    pub fn needles(&self) -> Needles {
        match self {
            Self::Equals(literal) => Needles::of_literal(literal),
            Self::Words(words) => Needles { values: Vec::new(), words: words.needles() },
            Self::Exists | Self::Network(_) | Self::Wildcard(_) | Self::Range(_) | Self::Regex(_) => {
                Needles::default()
            }
        }
    }

    /// Closed bounds in which every *number* lies that passes, for minima and maxima of a column.
    ///
    /// The lower bound is above the upper one where no number passes; `None` where nothing is known. Text is not
    /// covered: it may pass whatever the bounds say.
    pub fn number_range(&self) -> Option<(f64, f64)> {
        match self {
            Self::Equals(literal) => Some(literal.number_range()),
            Self::Range(range) => range.number_range(),
            // An address is text, whatever it looks like.
            Self::Network(_) => Some((f64::INFINITY, f64::NEG_INFINITY)),
            Self::Exists | Self::Wildcard(_) | Self::Regex(_) | Self::Words(_) => None,
        }
    }
}
