//! The bucket bounds of the classic histograms.
//!
//! Bounds are kept in whole microseconds beside the seconds that are written, so that an observation
//! of exactly 0.4 s falls within the bucket `le="0.4"` by integer comparison and no rounding decides
//! whether a promise was kept.

use std::sync::Arc;

/// The bounds of `nginx_http_request_time`, in microseconds; those of the Lua module it replaces.
const COMMON_US: [u64; 19] = [
    5_000, 10_000, 20_000, 30_000, 50_000, 75_000, 100_000, 200_000, 300_000, 400_000, 500_000, 750_000,
    1_000_000, 1_500_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 10_000_000,
];

/// A load balancer waits longer than nginx: its idle timeout is 60 s unless configured otherwise.
const LOAD_BALANCER_US: [u64; 3] = [30_000_000, 60_000_000, 120_000_000];

/// Upper bounds, inclusive, in rising order; above the last lies `+Inf`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    micros: Arc<[u64]>,
    seconds: Arc<[f64]>,
}

impl Bounds {
    /// The bounds for nginx, and `thresholds_us` among them.
    pub fn nginx(thresholds_us: &[u64]) -> Self {
        Self::from_micros([COMMON_US.as_slice(), thresholds_us].concat())
    }

    /// The bounds for load balancers, and `thresholds_us` among them.
    pub fn load_balancer(thresholds_us: &[u64]) -> Self {
        Self::from_micros([COMMON_US.as_slice(), LOAD_BALANCER_US.as_slice(), thresholds_us].concat())
    }

    /// The bounds that histograms of all sources have whatever the config says, in microseconds, in rising order:
    /// whatever was counted, it can be told on which side of one of these it was.
    pub const fn always() -> &'static [u64] {
        &COMMON_US
    }

    fn from_micros(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        micros.dedup();
        let seconds = micros.iter().map(|&bound| bound as f64 / 1e6).collect();
        Self { micros: micros.into(), seconds }
    }

    /// The buckets, the one above the last bound included.
    pub fn bucket_count(&self) -> usize {
        self.micros.len() + 1
    }

    /// The bucket of an observation in microseconds.
    #[inline]
    pub fn bucket_of(&self, value_us: u64) -> usize {
        self.micros.partition_point(|&bound| bound < value_us)
    }

    /// The upper bound of a bucket, in microseconds; `u64::MAX` for the one above all bounds.
    pub(crate) fn upper_us(&self, bucket: usize) -> u64 {
        self.micros.get(bucket).copied().unwrap_or(u64::MAX)
    }

    /// The bounds in seconds, as they are written.
    pub fn seconds(&self) -> Arc<[f64]> {
        Arc::clone(&self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let bounds = Bounds::nginx(&[]);
        let bound_of = |value_us| bounds.seconds().get(bounds.bucket_of(value_us)).copied();
        assert_eq!(bound_of(0), Some(0.005));
        assert_eq!(bound_of(400_000), Some(0.4));
        assert_eq!(bound_of(400_001), Some(0.5));
        assert_eq!(bound_of(10_000_001), None);
        let bounds = Bounds::nginx(&[350_000, 400_000]);
        assert_eq!(bounds.bucket_count(), Bounds::nginx(&[]).bucket_count() + 1);
        assert_ne!(bounds.bucket_of(350_000), bounds.bucket_of(350_001));
    }

    #[test]
    fn a_load_balancer_has_bounds_beyond_its_idle_timeout() {
        let bounds = Bounds::load_balancer(&[]);
        assert_eq!(bounds.bucket_count(), 23);
        assert_eq!(bounds.bucket_of(60_000_000), bounds.bucket_of(59_999_999));
        assert_ne!(bounds.bucket_of(60_000_000), bounds.bucket_of(60_000_001));
    }
}
