//! A number per pair of numbers: what makes a group of two codes without touching the values behind them.
//!
//! Asked once per record and field that is grouped by, where the standard map would be most of the time of an
//! aggregation. The keys are codes that we gave ourselves, so nobody outside can make them collide on purpose.
//! Pairs of few values, as status and minute, are found by their place in a square; the rest in a hash table.

/// The number of each pair that was asked for, in the order of asking.
pub(crate) struct PairTable {
    /// A pair and its number; a power of two long, at most half full.
    slots: Vec<(u64, u32)>,
    pairs: Vec<(u32, u32)>,
    /// Numbers by `second << first_bits | first`, as far as the square reaches.
    square: Vec<u32>,
    first_bits: u32,
}

/// No pair has this number.
const EMPTY: u32 = u32::MAX;

const SLOTS_START: usize = 256;

/// The first codes that the square has, as bits of their number: statuses, methods and hosts fit.
const FIRST_BITS: u32 = 6;

/// The most first codes that it grows to.
const FIRST_BITS_MAX: u32 = 10;

/// What the square has at most, a number: 1 MiB of memory, which the processor keeps at hand.
const SQUARE_MAX: usize = 1 << 18;

impl PairTable {
    pub(crate) fn new() -> Self {
        let slots = vec![(0, EMPTY); SLOTS_START];
        Self { slots, pairs: Vec::new(), square: Vec::new(), first_bits: FIRST_BITS }
    }

    /// The number of a pair; a new one gets the next number.
    #[inline]
    pub(crate) fn number(&mut self, first: u32, second: u32) -> u32 {
        if first >> self.first_bits == 0
            && let Some(&number) = self.square.get((second as usize) << self.first_bits | first as usize)
            && number != EMPTY
        {
            return number;
        }
        self.number_by_hash(first, second)
    }

    fn number_by_hash(&mut self, first: u32, second: u32) -> u32 {
        let key = u64::from(first) << 32 | u64::from(second);
        let at = self.place_of(key);
        if self.slots[at].1 != EMPTY {
            return self.slots[at].1;
        }
        let number = self.pairs.len() as u32;
        self.slots[at] = (key, number);
        self.pairs.push((first, second));
        self.square(number);
        if self.pairs.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    /// The number of a pair that was asked for before.
    pub(crate) fn known(&self, first: u32, second: u32) -> Option<u32> {
        let at = self.place_of(u64::from(first) << 32 | u64::from(second));
        Some(self.slots[at].1).filter(|&number| number != EMPTY)
    }

    /// The pair of a number that was given.
    pub(crate) fn pair(&self, number: u32) -> (u32, u32) {
        self.pairs[number as usize]
    }

    /// How many pairs have a number.
    pub(crate) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Gives the pair of this number its place in the square, if that reaches so far.
    fn square(&mut self, number: u32) {
        let (first, second) = self.pair(number);
        if first >> self.first_bits != 0 && first >> FIRST_BITS_MAX == 0 {
            self.first_bits = u32::BITS - first.leading_zeros();
            self.square.clear();
            (0..=number).for_each(|number| self.square(number));
            return;
        }
        let at = (second as usize) << self.first_bits | first as usize;
        if first >> self.first_bits == 0 && at < SQUARE_MAX {
            if self.square.len() <= at {
                let row_end = (second as usize + 1) << self.first_bits;
                self.square.resize(row_end.next_power_of_two(), EMPTY);
            }
            self.square[at] = number;
        }
    }

    /// Where a key is, or where it would be.
    #[inline]
    fn place_of(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        // Fibonacci hashing: the upper bits of the product are the ones that are mixed.
        let mut at = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & mask;
        while self.slots[at].1 != EMPTY && self.slots[at].0 != key {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let larger = vec![(0, EMPTY); self.slots.len() * 2];
        let smaller = std::mem::replace(&mut self.slots, larger);
        for (key, number) in smaller.into_iter().filter(|(_, number)| *number != EMPTY) {
            let at = self.place_of(key);
            self.slots[at] = (key, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_and_the_hash_table_agree() {
        let mut table = PairTable::new();
        let pairs = (0..40_000u32).map(|index| (index * 7 % 1_500, index * 13 % 700)).collect::<Vec<_>>();
        let numbers: Vec<u32> = pairs.iter().map(|&(first, second)| table.number(first, second)).collect();
        for (&(first, second), &number) in pairs.iter().zip(&numbers) {
            assert_eq!((table.number(first, second), table.pair(number)), (number, (first, second)));
            assert_eq!(table.known(first, second), Some(number));
        }
    }

    #[test]
    fn each_pair_has_a_number_of_its_own() {
        let mut table = PairTable::new();
        for round in 0..2 {
            for number in 0..10_000u32 {
                assert_eq!(table.number(number % 7, number / 7), number, "{round}");
            }
        }
        assert_eq!((table.len(), table.pair(8)), (10_000, (1, 1)));
        assert_eq!((table.known(1, 1), table.known(8, 1)), (Some(8), None));
    }
}
