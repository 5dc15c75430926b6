//! How long to wait before trying again.
//!
//! Doubling keeps a receiver that is down from being hammered. Jitter over the whole span keeps many
//! senders, who all saw it fail at the same moment, from coming back at the same moment; a wait with only
//! its last part left to chance would still bring them in waves.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// The longest first wait.
const FIRST_MAX: Duration = Duration::from_secs(1);

/// No wait is longer. A receiver that comes back is then found within a minute.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Counts failures in a row and says how long to wait after each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure: from 0 to a limit that begins at 1 s and doubles up to 60 s.
    ///
    /// `fraction` is a random number from 0 up to 1, for which [`random_fraction`] is a source; what lies
    /// outside counts as the nearer end.
    pub fn after_failure(&mut self, fraction: f64) -> Duration {
        let doubled = FIRST_MAX.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        doubled.min(WAIT_MAX).mul_f64(if fraction.is_nan() { 1.0 } else { fraction.clamp(0.0, 1.0) })
    }

    /// Begins anew, after a success.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// A random number from 0 up to 1 (exclusive), good enough to spread senders over time and for no more.
///
/// The standard library's hash keys are random, which spares a crate of random numbers.
pub fn random_fraction() -> f64 {
    /// Values that an `f64` below 1 can tell apart: 2^53.
    const STEPS: f64 = 9_007_199_254_740_992.0;
    (RandomState::new().build_hasher().finish() >> 11) as f64 / STEPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_doubles_from_a_second_to_a_minute() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..9).map(|_| backoff.after_failure(1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.after_failure(1.0).as_secs(), 1);
    }

    #[test]
    fn the_wait_is_anywhere_below_the_limit() {
        let check = |fraction, expected_ms| {
            assert_eq!(Backoff { failures: 3 }.after_failure(fraction).as_millis(), expected_ms);
        };
        check(0.0, 0);
        check(0.25, 2_000);
        check(1.0, 8_000);
        check(-1.0, 0);
        check(7.0, 8_000);
        check(f64::NAN, 8_000);
    }

    #[test]
    fn many_failures_do_not_overflow() {
        for failures in [31, 32, 33, u32::MAX] {
            assert_eq!(Backoff { failures }.after_failure(1.0), WAIT_MAX, "{failures}");
        }
    }

    #[test]
    fn random_fractions_are_in_range_and_differ() {
        let fractions: Vec<f64> = (0..100).map(|_| random_fraction()).collect();
        assert!(fractions.iter().all(|fraction| (0.0..1.0).contains(fraction)), "{fractions:?}");
        assert!(fractions.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
