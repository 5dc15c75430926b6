//! Buckets whose width is a fixed share of their value: native histograms and percentiles.
//!
//! One structure for both: bucket `i` at a schema holds `(2^((i-1)/2^schema), 2^(i/2^schema)]`
//! seconds, as Prometheus defines native histograms ("Native Histograms", schema 0 to 8). At schema 6
//! a bucket is 1.1 % wide, so a percentile taken from its middle is off by 0.55 % at most; merging
//! adds counts and loses nothing, unlike digests whose error depends on the order of merging.
//!
//! Counts are dense between the least and the greatest bucket seen: latencies of one route span a few
//! powers of two, and a dense array costs an index where a map costs a look-up for every record.

/// The resolution of percentiles: at most 0.55 % off.
pub const PERCENTILE_SCHEMA: u8 = 6;

/// The resolution of exposed native histograms: buckets 9 % wide, about 110 of them from 1 ms to 10 s.
pub const NATIVE_SCHEMA: u8 = 3;

const SCHEMA_MAX: u8 = 6;

/// Indices that a latency in microseconds can have at the finest schema; others are no one's.
const INDICES: std::ops::RangeInclusive<i32> = -2_000..=4_000;

/// Observations in exponential buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExponentialBuckets {
    schema: u8,
    zero_count: u64,
    first_index: i32,
    counts: Vec<u64>,
}

impl ExponentialBuckets {
    /// No observations, at a schema of 0 to 6 (greater ones are taken as 6).
    pub fn new(schema: u8) -> Self {
        Self { schema: schema.min(SCHEMA_MAX), zero_count: 0, first_index: 0, counts: Vec::new() }
    }

    /// Observations that were counted before, by index of their bucket.
    pub(crate) fn restore(schema: u8, zero_count: u64, buckets: &[(i32, u64)]) -> Self {
        let mut restored = Self { zero_count, ..Self::new(schema) };
        for &(index, count) in buckets.iter().filter(|(index, _)| INDICES.contains(index)) {
            *restored.count_mut(index) += count;
        }
        restored
    }

    /// Counts one observation, in microseconds.
    #[inline]
    pub fn observe(&mut self, value_us: u64) {
        if value_us == 0 {
            self.zero_count += 1;
            return;
        }
        let index = bucket_index(value_us, self.schema);
        *self.count_mut(index) += 1;
    }

    /// Adds all observations of `other`, which must have the same schema.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.schema, other.schema);
        self.zero_count += other.zero_count;
        for (index, count) in other.buckets() {
            *self.count_mut(index) += count;
        }
    }

    /// The number of observations.
    pub fn count(&self) -> u64 {
        self.zero_count + self.counts.iter().sum::<u64>()
    }

    /// The schema.
    pub fn schema(&self) -> u8 {
        self.schema
    }

    /// Observations of exactly 0.
    pub fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// Index and count of the buckets that are not empty, in rising order.
    pub fn buckets(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        (self.first_index..).zip(self.counts.iter().copied()).filter(|&(_, count)| count > 0)
    }

    /// The value in microseconds that the share `quantile` (0 to 1) of all observations does not
    /// exceed, by nearest rank; `None` without observations, as a quantile of nothing is not "fast".
    ///
    /// Off by at most half a bucket: 0.55 % at [`PERCENTILE_SCHEMA`].
    pub fn quantile_us(&self, quantile: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = ((quantile.clamp(0.0, 1.0) * count as f64).ceil() as u64).max(1);
        let mut seen = self.zero_count;
        if rank <= seen {
            return Some(0.0);
        }
        let found = self.buckets().find(|&(_, in_bucket)| {
            seen += in_bucket;
            rank <= seen
        });
        found.map(|(index, _)| middle_us(index, self.schema))
    }

    #[inline]
    fn count_mut(&mut self, index: i32) -> &mut u64 {
        if self.counts.is_empty() {
            self.first_index = index;
        }
        if index < self.first_index {
            let missing = (self.first_index - index) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first_index = index;
        }
        let position = (index - self.first_index) as usize;
        if position >= self.counts.len() {
            self.counts.resize(position + 1, 0);
        }
        &mut self.counts[position]
    }
}

/// The bucket of a value of at least one microsecond.
///
/// The exponent of the float gives the power of two, a table the part of it: exact at every bound,
/// which a logarithm is not (the same way as Prometheus' client_golang).
#[inline]
fn bucket_index(value_us: u64, schema: u8) -> i32 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = (value_us as f64 / 1e6).to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let fraction = f64::from_bits(bits & MANTISSA | 1023 << 52);
    let step = 1 << (SCHEMA_MAX - schema);
    let above = FRACTIONS.partition_point(|&bound| bound < fraction);
    (exponent << schema) + above.div_ceil(step) as i32
}

/// The geometric middle of a bucket, in microseconds: as far from its lower as from its upper bound.
fn middle_us(index: i32, schema: u8) -> f64 {
    ((f64::from(index) - 0.5) / f64::from(1u32 << schema)).exp2() * 1e6
}

/// `2^(i/64)` for `i` from 0 to 63.
static FRACTIONS: std::sync::LazyLock<[f64; 1 << SCHEMA_MAX]> =
    std::sync::LazyLock::new(|| std::array::from_fn(|index| (index as f64 / 64.0).exp2()));

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_power_of_two_ends_its_bucket() {
        assert_eq!(bucket_index(1_000_000, 3), 0);
        assert_eq!(bucket_index(1_000_001, 3), 1);
        assert_eq!(bucket_index(2_000_000, 3), 8);
        assert_eq!(bucket_index(500_000, 3), -8);
        assert_eq!(bucket_index(250_000, 0), -2);
    }

    #[test]
    fn nothing_has_no_percentile_and_zeros_are_zero() {
        let mut buckets = ExponentialBuckets::new(PERCENTILE_SCHEMA);
        assert_eq!(buckets.quantile_us(0.5), None);
        buckets.observe(0);
        assert_eq!(buckets.quantile_us(0.99), Some(0.0));
    }

    proptest! {
        #[test]
        fn percentiles_are_within_one_percent_of_exact(
            mut values in proptest::collection::vec(1u64..200_000_000, 1..300), quantile in 0.0f64..=1.0,
        ) {
            let mut buckets = ExponentialBuckets::new(PERCENTILE_SCHEMA);
            values.iter().for_each(|&value| buckets.observe(value));
            values.sort_unstable();
            let rank = ((quantile * values.len() as f64).ceil() as usize).max(1);
            let exact = values[rank - 1] as f64;
            let estimate = buckets.quantile_us(quantile).expect("not empty");
            prop_assert!((estimate - exact).abs() / exact < 0.01, "{estimate} for {exact}");
        }

        #[test]
        fn merging_in_any_order_is_counting_together(
            values in proptest::collection::vec(0u64..10_000_000_000, 0..200), split in 0usize..200,
        ) {
            let count = |values: &[u64]| {
                let mut buckets = ExponentialBuckets::new(NATIVE_SCHEMA);
                values.iter().for_each(|&value| buckets.observe(value));
                buckets
            };
            let (left, right) = values.split_at(split.min(values.len()));
            let mut merged = count(right);
            merged.merge(&count(left));
            let whole = count(&values);
            prop_assert_eq!(merged.zero_count(), whole.zero_count());
            prop_assert!(merged.buckets().eq(whole.buckets()));
        }

        #[test]
        fn every_value_lies_within_its_bucket(value_us in 1u64..1_000_000_000_000, schema in 0u8..=6) {
            let index = bucket_index(value_us, schema);
            let bound = |index: i32| (f64::from(index) / f64::from(1u32 << schema)).exp2();
            let value = value_us as f64 / 1e6;
            prop_assert!(value <= bound(index) * (1.0 + 1e-12));
            prop_assert!(value > bound(index - 1) * (1.0 - 1e-12));
        }
    }
}
