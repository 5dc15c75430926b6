//! The generator's only source of chance: SplitMix64, twelve lines that never change.
//!
//! The `rand` crate may change its sequences between versions, and then every kept benchmark input
//! and every expected number would change with a `cargo update`. SplitMix64 also starts anywhere
//! for the price of one multiplication, so each second of traffic has a stream of its own and live
//! traffic can be produced for any span without walking through what came before.

/// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
#[derive(Clone, Copy, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A stream that depends on `seed` only.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        scramble(self.0)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    ///
    /// Uneven by at most `bound / 2^64`, which nobody can see in sample traffic.
    pub fn below(&mut self, bound: u64) -> u64 {
        scale(self.bits(), bound)
    }

    /// True once in `n` draws on average.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of `choices`; the type's default when there are none.
    pub fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        choices.get(self.below(choices.len() as u64) as usize).copied().unwrap_or_default()
    }

    /// A number in `0..bound` of which small ones are far more common: half of all draws fall into
    /// the first sixteenth of the range, as with products, pages and customers.
    pub fn skewed(&mut self, bound: u64) -> u64 {
        let uniform = self.bits() >> 32;
        let square = (uniform * uniform) >> 32;
        scale(square * square, bound)
    }

    /// A value spread around `median` as response times are: nearly log-normal.
    ///
    /// `spread` is the standard deviation of its base-2 logarithm, in sixteenths: at 16 the p95 is
    /// about 3.1 times the median, at 8 about 1.8 times. Integers only (a sum of four uniforms for
    /// the normal, `2^f ~ 1 + f` for the power), so that every machine computes the same.
    pub fn log_normal(&mut self, median: u64, spread: u8) -> u64 {
        let bits = self.bits();
        let sum: i64 = (0..4).map(|i| (bits >> (16 * i) & 0xFFFF) as i64).sum();
        // Four uniforms of 16 bits: mean 131070, standard deviation 37837.
        let octaves_16_16 = ((sum - 131_070) * i64::from(spread) * 7094) >> 16;
        let fraction = (octaves_16_16 & 0xFFFF) as u64;
        let mantissa = median.saturating_mul(0x1_0000 + fraction);
        match octaves_16_16 >> 16 {
            up @ 0.. => (mantissa >> 16) << up.min(16),
            down => mantissa >> (16 - down).min(63),
        }
    }
}

/// A hash of two numbers: the start of the stream that belongs to both.
pub fn mix(a: u64, b: u64) -> u64 {
    scramble(scramble(a ^ 0xD1B5_4A32_D192_ED03).wrapping_add(b.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// `bits` of 0..2^64 scaled down to `0..bound`.
pub fn scale(bits: u64, bound: u64) -> u64 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u64
}

fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_published_algorithm() {
        // First outputs for seed 1234567, from the reference implementation's test vectors.
        let mut rng = Rng::new(1_234_567);
        let drawn = [rng.bits(), rng.bits(), rng.bits()];
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn a_log_normal_value_has_the_promised_median_and_p95() {
        for (spread, p95_percent) in [(8, 150..210), (16, 270..350)] {
            let mut rng = Rng::new(7);
            let mut values: Vec<u64> = (0..20_000).map(|_| rng.log_normal(1_000_000, spread)).collect();
            values.sort_unstable();
            let (p50, p95) = (values[10_000] / 10_000, values[19_000] / 10_000);
            assert!((94..106).contains(&p50), "spread {spread}: median is {p50} % of what was asked");
            assert!(p95_percent.contains(&p95), "spread {spread}: p95 is {p95} % of the median");
        }
    }

    #[test]
    fn bounds_hold() {
        let mut rng = Rng::new(1);
        assert!((0..10_000).all(|_| rng.below(7) < 7 && rng.skewed(7) < 7));
        assert_eq!((rng.below(0), rng.pick::<u8>(&[])), (0, 0));
    }
}
