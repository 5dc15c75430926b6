//! Durations as Prometheus writes them: `1h30m`, `12m`, `250ms`, `1d`.
//!
//! Users carry values between this file and their Prometheus, so the grammar is its own and nothing
//! more: whole numbers, units from large to small, a day is 24 h and a year 365 d. Fractions such as
//! `1.5h` are refused here because they are refused there.
//! Source: `ParseDuration` and `Duration.String` in prometheus/common, model/time.go.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Name and milliseconds, from large to small: the order in which they must be written.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Prometheus keeps nanoseconds in 63 bits.
const MILLISECONDS_MAX: u64 = i64::MAX as u64 / 1_000_000;

/// A duration in whole milliseconds; [`FromStr`] and [`fmt::Display`] are each other's inverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrometheusDuration(pub Duration);

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No text.
    #[error("there is no text")]
    Empty,
    /// A unit without its number, a sign, a fraction or a space.
    #[error("each unit needs a whole number before it")]
    NoNumber,
    /// A number without its unit.
    #[error("each number needs a unit after it")]
    NoUnit,
    /// A unit that is none of the seven.
    #[error("the units are y, w, d, h, m, s and ms")]
    UnknownUnit,
    /// A unit after a smaller one, or twice.
    #[error("units go from large to small, each once")]
    UnitOrder,
    /// Beyond 292 years.
    #[error("it is longer than 292 years")]
    TooLong,
}

impl FromStr for PrometheusDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        match text {
            "" => return Err(DurationError::Empty),
            "0" => return Ok(Self(Duration::ZERO)),
            _ => {}
        }
        let mut milliseconds = 0_u64;
        let mut units_left = UNITS.as_slice();
        let mut rest = text;
        while !rest.is_empty() {
            let (number, after_number) = split_where(rest, |c| !c.is_ascii_digit());
            let (unit, after_unit) = split_where(after_number, |c| !c.is_ascii_alphabetic());
            let (unit_milliseconds, smaller_units) = take_unit(number, unit, units_left)?;
            milliseconds = number
                .parse::<u64>()
                .ok()
                .and_then(|number| number.checked_mul(unit_milliseconds)?.checked_add(milliseconds))
                .filter(|&total| total <= MILLISECONDS_MAX)
                .ok_or(DurationError::TooLong)?;
            (units_left, rest) = (smaller_units, after_unit);
        }
        Ok(Self(Duration::from_millis(milliseconds)))
    }
}

type Units = [(&'static str, u64)];

fn take_unit<'u>(number: &str, unit: &str, units_left: &'u Units) -> Result<(u64, &'u Units), DurationError> {
    if number.is_empty() {
        return Err(DurationError::NoNumber);
    }
    if unit.is_empty() {
        return Err(DurationError::NoUnit);
    }
    let mut units = units_left.iter();
    if let Some((_, milliseconds)) = units.find(|(name, _)| *name == unit) {
        return Ok((*milliseconds, units.as_slice()));
    }
    let is_known = UNITS.iter().any(|(name, _)| *name == unit);
    Err(if is_known { DurationError::UnitOrder } else { DurationError::UnknownUnit })
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

impl fmt::Display for PrometheusDuration {
    /// Years and weeks only where nothing is left over: `90d` reads better than `12w6d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if left == 0 {
            return f.write_str("0s");
        }
        for (name, milliseconds) in UNITS {
            let is_whole_only = matches!(name, "y" | "w");
            if left >= milliseconds && (!is_whole_only || left.is_multiple_of(milliseconds)) {
                write!(f, "{}{name}", left / milliseconds)?;
                left %= milliseconds;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<u64, DurationError>) {
        let parsed = text.parse::<PrometheusDuration>();
        assert_eq!(parsed.map(|duration| duration.0), expected.map(Duration::from_millis), "{text:?}");
    }

    #[test]
    fn what_prometheus_takes_is_taken() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250),
            ("10s", 10_000),
            ("12m", 720_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1w", 604_800_000),
            ("1y", 31_536_000_000),
            ("1m1ms", 60_001),
            ("90m", 5_400_000),
        ] {
            check(text, Ok(milliseconds));
        }
    }

    #[test]
    fn anything_else_says_why_not() {
        for (text, error) in [
            ("", DurationError::Empty),
            ("m", DurationError::NoNumber),
            ("-5m", DurationError::NoNumber),
            (" 5m", DurationError::NoNumber),
            ("5m ", DurationError::NoNumber),
            ("5m-", DurationError::NoNumber),
            ("5", DurationError::NoUnit),
            ("00", DurationError::NoUnit),
            ("1.5h", DurationError::NoUnit),
            ("5 m", DurationError::NoUnit),
            ("5min", DurationError::UnknownUnit),
            ("5M", DurationError::UnknownUnit),
            ("30m1h", DurationError::UnitOrder),
            ("1h1h", DurationError::UnitOrder),
            ("293y", DurationError::TooLong),
            ("99999999999999999999s", DurationError::TooLong),
        ] {
            check(text, Err(error));
        }
    }

    #[test]
    fn display_is_as_prometheus_does_it() {
        for (text, shown) in [
            ("0", "0s"),
            ("3600s", "1h"),
            ("90d", "90d"),
            ("14d", "2w"),
            ("365d", "1y"),
            ("5400500ms", "1h30m500ms"),
        ] {
            assert_eq!(text.parse::<PrometheusDuration>().unwrap().to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_to_the_same(milliseconds in 0..=MILLISECONDS_MAX) {
            let duration = PrometheusDuration(Duration::from_millis(milliseconds));
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "[0-9a-zé .-]{0,12}") {
            let _ = text.parse::<PrometheusDuration>();
        }
    }
}
