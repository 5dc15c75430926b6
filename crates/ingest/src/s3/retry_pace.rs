//! How long to wait before another try.
//!
//! Twice as long each time, so that a service in trouble gets rest, and with jitter, so that a thousand messages that
//! failed together do not come back together. The jitter is a hash of what is retried and not a random number: a test
//! can say what comes out, and no generator is needed.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A pause that doubles with each attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryPace {
    /// Doubled by each attempt.
    pub(crate) first: Duration,
    /// The longest pause.
    pub(crate) longest: Duration,
}

/// How often a queue or a bucket that cannot be reached is asked.
pub(crate) const SERVICE_PACE: RetryPace =
    RetryPace { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

/// How soon an object is counted again whose unit fell through: what broke it is gone from the next one.
pub(crate) const AGAIN_PACE: RetryPace =
    RetryPace { first: Duration::from_millis(200), longest: Duration::from_secs(2) };

impl RetryPace {
    /// The pause before attempt `attempt` (the first retry is 0) for what `key` names: between half of it and all.
    pub(crate) fn pause(&self, attempt: u32, key: &str) -> Duration {
        let factor = 2_u32.checked_pow(attempt).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(factor).min(self.longest);
        let fraction =
            f64::from(xxh3_64_with_seed(key.as_bytes(), attempt.into()) as u32) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + fraction / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_differ_by_key() {
        let pace = RetryPace { first: Duration::from_secs(5), longest: Duration::from_secs(900) };
        for (attempt, whole_s) in [(0, 5.0), (1, 10.0), (2, 20.0), (7, 640.0), (8, 900.0), (u32::MAX, 900.0)]
        {
            let pause_s = pace.pause(attempt, "message").as_secs_f64();
            assert!((whole_s / 2.0..=whole_s).contains(&pause_s), "{attempt}: {pause_s}");
        }
        assert_ne!(pace.pause(3, "a"), pace.pause(3, "b"));
    }
}
