//! The distinct hashes of a granule.
//!
//! The standard set would hash the hashes again and free its room each time; this one is cleared 32 times per
//! row group on the way that every stored record takes.

/// A set of 64-bit hashes that keeps its room when it is cleared.
pub(crate) struct HashSet64 {
    /// Hashes at or behind their place; 0 is an empty one. A power of two long, at most half full.
    slots: Vec<u64>,
    members: Vec<u64>,
}

const SLOTS_START: usize = 1 << 12;

impl HashSet64 {
    pub(crate) fn new() -> Self {
        Self { slots: vec![0; SLOTS_START], members: Vec::new() }
    }

    /// Adds a hash, and says whether it was not there yet; 0 counts as 1.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64) -> bool {
        let hash = hash.max(1);
        let is_new = place(&mut self.slots, hash);
        if is_new {
            self.members.push(hash);
            if self.members.len() * 2 > self.slots.len() {
                self.grow();
            }
        }
        is_new
    }

    /// The members, in the order they came; the set is empty afterwards.
    pub(crate) fn take(&mut self) -> Vec<u64> {
        self.slots.fill(0);
        let room = self.members.len();
        std::mem::replace(&mut self.members, Vec::with_capacity(room))
    }

    fn grow(&mut self) {
        let mut slots = vec![0; self.slots.len() * 2];
        for &member in &self.members {
            place(&mut slots, member);
        }
        self.slots = slots;
    }
}

/// Puts a hash into its place, and says whether it was not there yet.
#[inline]
fn place(slots: &mut [u64], hash: u64) -> bool {
    let mask = slots.len() - 1;
    let mut slot = hash as usize & mask;
    loop {
        match slots[slot] {
            0 => {
                slots[slot] = hash;
                return true;
            }
            taken if taken == hash => return false,
            _ => slot = (slot + 1) & mask,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hash_is_a_member_once() {
        let mut set = HashSet64::new();
        for round in 0..3u64 {
            for hash in (0..20_000u64).chain(0..20_000) {
                set.insert(hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) + round);
            }
            let members = set.take();
            assert_eq!(members.len(), 20_000);
        }
        assert!(set.take().is_empty());
    }
}
