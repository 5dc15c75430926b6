//! Numbers as people write them in queries, and comparisons that are exact.
//!
//! A whole number beyond 2^53 has no exact double, and ids are often that large; so whole numbers stay whole and
//! are compared with others without rounding.

use std::cmp::Ordering;

/// A number of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Integer(i64),
    /// Any other; finite.
    Float(f64),
}

impl Number {
    /// Reads a number without a unit.
    pub fn from_text(text: &str) -> Option<Self> {
        if !text.starts_with(|char: char| char.is_ascii_digit() || char == '-' || char == '.') {
            return None;
        }
        if let Ok(number) = text.parse() {
            return Some(Self::Integer(number));
        }
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Float)
    }

    /// As a double, rounded where it has none.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    /// How it compares to a whole number, exactly.
    pub fn compare_integer(self, other: i64) -> Ordering {
        match self {
            Self::Integer(number) => number.cmp(&other),
            Self::Float(number) => compare(other, number).reverse(),
        }
    }

    /// How it compares to a double, exactly; not at all to NaN.
    pub fn compare_float(self, other: f64) -> Option<Ordering> {
        match self {
            Self::Integer(number) => (!other.is_nan()).then(|| compare(number, other)),
            Self::Float(number) => number.partial_cmp(&other),
        }
    }

    /// The greatest double that is not above it, or the one before that.
    pub(crate) fn float_below(self) -> f64 {
        if self.is_exact() { self.as_f64() } else { self.as_f64().next_down() }
    }

    /// The least double that is not below it, or the one after that.
    pub(crate) fn float_above(self) -> f64 {
        if self.is_exact() { self.as_f64() } else { self.as_f64().next_up() }
    }

    fn is_exact(self) -> bool {
        const EXACT_MAX: u64 = 1 << 53;
        !matches!(self, Self::Integer(number) if number.unsigned_abs() > EXACT_MAX)
    }
}

/// The whole number that a double is, if it is one of 64 bits.
pub(crate) fn whole(float: f64) -> Option<i64> {
    (float.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&float)).then_some(float as i64)
}

/// The first whole number beyond 64 bits.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

fn compare(integer: i64, float: f64) -> Ordering {
    if float.is_nan() || float >= TWO_TO_63 {
        return Ordering::Less;
    }
    if float < -TWO_TO_63 {
        return Ordering::Greater;
    }
    let whole = float.floor();
    integer.cmp(&(whole as i64)).then(if float > whole { Ordering::Less } else { Ordering::Equal })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        for (text, expected) in [
            ("500", Some(Number::Integer(500))),
            ("-1", Some(Number::Integer(-1))),
            ("0.4", Some(Number::Float(0.4))),
            ("9007199254740993", Some(Number::Integer(9_007_199_254_740_993))),
            ("1e3", Some(Number::Float(1000.0))),
            ("fast", None),
            ("10.0.0.1", None),
            ("inf", None),
            ("NaN", None),
            ("", None),
            ("5xx", None),
        ] {
            assert_eq!(Number::from_text(text), expected, "{text}");
        }
    }

    #[test]
    fn whole_numbers_compare_exactly() {
        let large = 9_007_199_254_740_993;
        assert_eq!(Number::Integer(large).compare_integer(large - 1), Ordering::Greater);
        assert_eq!(Number::Float(9_007_199_254_740_992.0).compare_integer(large), Ordering::Less);
        assert_eq!(Number::Float(0.5).compare_integer(0), Ordering::Greater);
        assert_eq!(Number::Float(-0.5).compare_integer(0), Ordering::Less);
        assert_eq!(Number::Integer(1).compare_float(f64::NAN), None);
        assert_eq!(Number::Float(0.0).compare_float(-0.0), Some(Ordering::Equal));
    }
}
