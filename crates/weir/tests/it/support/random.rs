//! Numbers that look random: the same for the same seed, so that what failed once can be seen again.

/// A sequence of numbers (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        // A state of 0 would stay 0.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The seed in `$WEIR_TEST_SEED`, or another one for each process; for the test to print.
    pub fn seed_of_this_run() -> u64 {
        #[expect(clippy::disallowed_methods, reason = "a run that failed is to be repeated")]
        let given = std::env::var("WEIR_TEST_SEED").ok();
        match given {
            Some(text) => text.parse().expect("WEIR_TEST_SEED is a number"),
            None => u64::from(std::process::id()) ^ super::now_seconds().cast_unsigned() << 20,
        }
    }

    /// Between 0 and `end`, without it.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `choices`.
    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}
