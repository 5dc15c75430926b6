//! A share of all events, as a whole number.
//!
//! Whether a promise was kept must not hang on a float: 1 - 0.95 is 0.050000000000000044. So an objective and a burn
//! rate become a whole number of millionths of millionths, events stay integers, and both sides of a comparison
//! are multiplied out. The same number is written into rules for Prometheus, digit by digit.

use std::fmt;

/// What there are of in the whole.
const WHOLE: u64 = 1_000_000_000_000;

/// A share of the whole, from nothing to all, in steps of 10^-12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u64);

/// A promise: the least share of good events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objective {
    /// Millionths of a percent: 99.9 % is 99,900,000.
    percent_micros: u64,
}

/// How many times faster than allowed bad events come, in ten-thousandths: 14.4 is 144,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BurnFactor(pub u64);

/// A hundred percent, in millionths of a percent.
const PERCENT_MICROS: u64 = 100_000_000;

impl Share {
    /// Whether `bad` of `total` are more than this share.
    pub fn is_exceeded_by(self, bad: u64, total: u64) -> bool {
        u128::from(bad) * u128::from(WHOLE) > u128::from(self.0) * u128::from(total)
    }

    /// The fewest events of which two are not more than this share: below it one bad event would decide.
    pub fn events_min(self) -> u64 {
        (2 * WHOLE).div_ceil(self.0.max(1))
    }

    /// Whether more than this share is possible.
    pub fn can_be_exceeded(self) -> bool {
        self.0 < WHOLE
    }

    /// Whether it is more than half.
    pub fn is_over_half(self) -> bool {
        self.0 > WHOLE / 2
    }

    /// As a number from 0 to 1, to be shown.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / WHOLE as f64
    }

    /// How many of `total` events may be bad.
    pub fn of(self, total: u64) -> f64 {
        (u128::from(self.0) * u128::from(total)) as f64 / WHOLE as f64
    }
}

impl fmt::Display for Share {
    /// As a decimal from 0 to 1, exactly: `0.05`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / WHOLE, self.0 % WHOLE);
        let digits = format!("{fraction:012}");
        match digits.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            digits => write!(f, "{whole}.{digits}"),
        }
    }
}

impl Objective {
    /// An objective from millionths of a percent; `None` unless it is above 0 and below 100 %.
    pub const fn from_percent_micros(percent_micros: u64) -> Option<Self> {
        match percent_micros {
            1..PERCENT_MICROS => Some(Self { percent_micros }),
            _ => None,
        }
    }

    /// The share of events that may be bad.
    pub const fn allowed(self) -> Share {
        Share((PERCENT_MICROS - self.percent_micros) * (WHOLE / PERCENT_MICROS))
    }

    /// The share of bad events at which the budget burns `factor` times as fast as allowed; more than all where no
    /// share does.
    pub fn burning(self, factor: BurnFactor) -> Share {
        let allowed = PERCENT_MICROS - self.percent_micros;
        Share(allowed.saturating_mul(factor.0).saturating_mul(WHOLE / PERCENT_MICROS / BurnFactor::ONE.0))
    }

    /// The percentage, to be shown.
    pub fn percent(self) -> f64 {
        self.percent_micros as f64 / 1e6
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent())
    }
}

impl BurnFactor {
    /// As fast as allowed.
    pub const ONE: Self = Self(10_000);

    /// The factor at which `percent` of the budget of `period_minutes` is gone within `long_minutes`.
    pub const fn spending(percent: u64, period_minutes: u64, long_minutes: u64) -> Self {
        let divisor = 100 * long_minutes;
        Self((percent * period_minutes * Self::ONE.0 + divisor / 2) / divisor)
    }
}

impl fmt::Display for BurnFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 as f64 / Self::ONE.0 as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(percent: f64) -> Objective {
        Objective::from_percent_micros((percent * 1e6).round() as u64).expect("an objective")
    }

    #[test]
    fn shares_are_exact_where_floats_are_not() {
        let allowed = objective(95.0).allowed();
        assert_eq!(allowed.to_string(), "0.05");
        for (bad, total, expected) in [(5, 100, false), (6, 100, true), (1, 20, false), (0, 0, false)] {
            assert_eq!(allowed.is_exceeded_by(bad, total), expected, "{bad} of {total}");
        }
        assert_eq!((allowed.events_min(), objective(99.9).allowed().events_min()), (40, 2_000));
        assert!(allowed.is_exceeded_by(u64::MAX, u64::MAX));
    }

    #[test]
    fn burn_factors_are_those_of_the_workbook_and_scale_with_the_period() {
        let factor = |percent, days: u64, long| BurnFactor::spending(percent, days * 1440, long).to_string();
        let factors = |days| {
            [factor(2, days, 60), factor(5, days, 360), factor(10, days, 1440), factor(10, days, 4320)]
        };
        assert_eq!(factors(30), ["14.4", "6", "3", "1"]);
        assert_eq!(factors(28), ["13.44", "5.6", "2.8", "0.9333"]);
        let burning = |percent, factor| objective(percent).burning(BurnFactor(factor));
        assert_eq!(burning(99.9, 144_000).to_string(), "0.0144");
        assert_eq!(
            (burning(95.0, 144_000).can_be_exceeded(), burning(95.0, 144_000).is_over_half()),
            (true, true)
        );
        assert!(!burning(90.0, 144_000).can_be_exceeded());
    }
}
