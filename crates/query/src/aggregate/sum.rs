//! Sums that do not depend on the order of what is added.
//!
//! Threads scan in parallel and the store joins files, so the order of records is not fixed; a float that is summed
//! up as it comes would show another last digit on every call. Whole numbers, and seconds with up to six decimals,
//! are summed as millionths in 128 bits. What is neither is kept as a sum of floats that do not overlap, which is
//! exact too (J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997; Python's `math.fsum`).

/// Values beyond this are not summed: a sum of them could be beyond what a float can be.
const SUMMED_MAX: f64 = 1e290;

const MILLIONTHS: f64 = 1e6;

/// Up to here each millionth is told from the next by a float.
const EXACT_MILLIONTHS_MAX: f64 = 9_007_199_254_740_992.0;

/// Up to here the nearest millionth is found without the library's rounding, which is most of the time of a sum.
const QUICK_MILLIONTHS_MAX: f64 = 1_125_899_906_842_624.0;

/// Up to here whole numbers are summed as millionths: 2^63, so that 10^13 of them still fit into 128 bits.
const WHOLE_MAX: f64 = 9_223_372_036_854_775_808.0;

/// A sum and the number of values in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    count: u64,
    millionths: i128,
    /// Floats that do not overlap, least first; at most about 40.
    parts: Vec<f64>,
    has_overflowed: bool,
}

impl Sum {
    /// Adds a finite number.
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1;
        let scaled = value * MILLIONTHS;
        if scaled.abs() <= QUICK_MILLIONTHS_MAX {
            let nearest = (scaled + 0.5_f64.copysign(scaled)) as i64;
            if nearest as f64 / MILLIONTHS == value {
                self.millionths += i128::from(nearest);
                return;
            }
        }
        self.add_other(value);
    }

    /// Adds a number whose millionths are not found at once.
    fn add_other(&mut self, value: f64) {
        let scaled = (value * MILLIONTHS).round();
        if scaled.abs() <= EXACT_MILLIONTHS_MAX && scaled / MILLIONTHS == value {
            self.millionths += scaled as i128;
        } else if value.abs() <= WHOLE_MAX && value.fract() == 0.0 {
            self.millionths = self.millionths.saturating_add(value as i128 * 1_000_000);
        } else if value.abs() <= SUMMED_MAX {
            self.add_part(value);
        } else {
            self.has_overflowed = true;
        }
    }

    /// Adds all that another sum has.
    pub(super) fn merge(&mut self, other: &Sum) {
        self.count += other.count;
        self.millionths = self.millionths.saturating_add(other.millionths);
        self.has_overflowed |= other.has_overflowed;
        for &part in &other.parts {
            self.add_part(part);
        }
    }

    /// The sum; `None` without values, and where a value was too large to be summed.
    pub(super) fn total(&self) -> Option<f64> {
        if self.count == 0 || self.has_overflowed {
            return None;
        }
        if self.parts.is_empty() {
            return Some(millionths_as_float(self.millionths));
        }
        // What 128 bits hold is split into floats, so that what is large does not swallow what is small.
        let mut all = self.clone();
        let (whole, fraction) = (self.millionths / 1_000_000, self.millionths % 1_000_000);
        let high = whole as f64;
        all.add_part(high);
        all.add_part(whole.saturating_sub(high as i128) as f64);
        all.add_part(fraction as f64 / MILLIONTHS);
        Some(rounded(&all.parts))
    }

    /// The mean; `None` where there is no sum.
    pub(super) fn mean(&self) -> Option<f64> {
        let count = self.count as f64;
        if self.parts.is_empty() && self.count > 0 && !self.has_overflowed {
            return Some(self.millionths as f64 / count / MILLIONTHS);
        }
        self.total().map(|total| total / count)
    }

    fn add_part(&mut self, value: f64) {
        let (mut carried, mut kept) = (value, 0);
        for index in 0..self.parts.len() {
            let part = self.parts[index];
            let (large, small) = if carried.abs() < part.abs() { (part, carried) } else { (carried, part) };
            let sum = large + small;
            let rest = small - (sum - large);
            if rest != 0.0 {
                self.parts[kept] = rest;
                kept += 1;
            }
            carried = sum;
        }
        self.parts.truncate(kept);
        self.parts.push(carried);
    }
}

/// Whole where it is a whole number.
fn millionths_as_float(millionths: i128) -> f64 {
    if millionths % 1_000_000 == 0 { (millionths / 1_000_000) as f64 } else { millionths as f64 / MILLIONTHS }
}

/// The float nearest to the sum of floats that do not overlap, least first (Python's `math.fsum`).
fn rounded(parts: &[f64]) -> f64 {
    let Some((&last, rest)) = parts.split_last() else {
        return 0.0;
    };
    let (mut high, mut low, mut next) = (last, 0.0, rest.len());
    while next > 0 {
        next -= 1;
        let before = high;
        high = before + rest[next];
        low = rest[next] - (high - before);
        if low != 0.0 {
            break;
        }
    }
    // Half-way cases: what comes below decides.
    let is_half_way =
        next > 0 && ((low < 0.0 && rest[next - 1] < 0.0) || (low > 0.0 && rest[next - 1] > 0.0));
    let doubled = low * 2.0;
    let candidate = high + doubled;
    if is_half_way && doubled == candidate - high { candidate } else { high }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(values: &[f64]) -> Sum {
        let mut sum = Sum::default();
        values.iter().for_each(|&value| sum.add(value));
        sum
    }

    #[test]
    fn sums_are_exact() {
        for (values, total, mean) in [
            (&[][..], None, None),
            (&[0.1; 10], Some(1.0), Some(0.1)),
            (&[0.1, 0.2], Some(0.3), Some(0.15)),
            (&[200.0, 404.0], Some(604.0), Some(302.0)),
            (&[1e16, 1.0, -1e16], Some(1.0), Some(1.0 / 3.0)),
            (&[1e100, 1.0, -1e100], Some(1.0), Some(1.0 / 3.0)),
            // As Python's `math.fsum` has it: the floats themselves are not quite 1e-9 and 2e-9.
            (&[1e-9, 2e-9], Some(3.000_000_000_000_000_4e-9), Some(1.500_000_000_000_000_2e-9)),
            (&[1e-9, 1e18, -1e18], Some(1e-9), Some(1e-9 / 3.0)),
            (&[1e300, 1.0], None, None),
            (&[0.0, -0.0], Some(0.0), Some(0.0)),
        ] {
            let sum = sum(values);
            assert_eq!((sum.total(), sum.mean()), (total, mean), "{values:?}");
        }
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            (-5_000_000..90_000_000i64).prop_map(|micros| micros as f64 / 1e6),
            any::<i64>().prop_map(|number| number as f64),
            -1e6..1e6f64,
            (-300..290i32).prop_map(|exponent| 10f64.powi(exponent)),
        ]
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(values in prop::collection::vec(number(), 0..40), cut in 0..40usize) {
            let forward = sum(&values);
            let backward: Vec<f64> = values.iter().rev().copied().collect();
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = sum(right);
            merged.merge(&sum(left));
            for other in [sum(&backward), merged] {
                prop_assert_eq!(forward.total(), other.total());
                prop_assert_eq!(forward.mean(), other.mean());
            }
        }
    }
}
