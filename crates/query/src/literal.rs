//! A value that a field is asked to equal: its text, and the numbers that the text may mean.
//!
//! The same field may hold `5` as a number in one record and as text in the next; a query finds both.

use std::cmp::Ordering;

use crate::number::Number;
use crate::quantity::quantity;

/// A value, and the numbers that equal it.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// As typed.
    pub text: Box<str>,
    /// The number that it reads as, units resolved.
    pub number: Option<Number>,
    /// `5xx`: the whole numbers from here to here, both included.
    pub class: Option<(i64, i64)>,
}

impl Literal {
    /// A value; `is_bare` if it stood without quotes, so that `5xx` is a class.
    pub fn new(text: &str, is_bare: bool) -> Self {
        Self { text: text.into(), number: quantity(text), class: class(text).filter(|_| is_bare) }
    }

    /// Whether a text equals it: by its bytes, or as a number of its class.
    pub fn matches_text(&self, text: &str) -> bool {
        *text == *self.text
            || (self.class.is_some() && Number::from_text(text).is_some_and(|it| self.has(it)))
    }

    /// Whether a whole number equals it.
    pub fn matches_integer(&self, integer: i64) -> bool {
        self.number.is_some_and(|number| number.compare_integer(integer) == Ordering::Equal)
            || self.has(Number::Integer(integer))
    }

    /// Whether a float equals it.
    pub fn matches_float(&self, float: f64) -> bool {
        self.number.is_some_and(|number| number.compare_float(float) == Some(Ordering::Equal))
            || self.has(Number::Float(float))
    }

    /// Whether `number` is of the class.
    fn has(&self, number: Number) -> bool {
        self.class.is_some_and(|(from, to)| (from as f64..=to as f64).contains(&number.as_f64()))
    }

    /// Closed bounds of every number that equals it; the lower one is above where there is none.
    pub(crate) fn number_range(&self) -> (f64, f64) {
        match (self.class, self.number) {
            (Some((from, to)), _) => (from as f64, to as f64),
            (None, Some(number)) => (number.float_below(), number.float_above()),
            (None, None) => (f64::INFINITY, f64::NEG_INFINITY),
        }
    }
}

/// `5xx`: 500 to 599.
fn class(text: &str) -> Option<(i64, i64)> {
    match text.as_bytes() {
        [first @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] => {
            let from = i64::from(first - b'0') * 100;
            Some((from, from + 99))
        }
        _ => None,
    }
}
