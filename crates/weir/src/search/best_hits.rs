//! The first so many records of many, in order, in bounded memory.
//!
//! A heap that drops the last one when it is full: a folder of any size is searched in the memory of the answer. An
//! answer without a limit is bounded by its bytes, and says so instead of taking all memory there is.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use weir_web::Hit;

/// What all records that are held may take, in bytes, about. Lines that are printed as they are read have no bound.
pub const BYTES_MAX: usize = 512 << 20;

/// The place of a record: its time, then where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Microseconds since the epoch.
    pub time_us: i64,
    /// The number of its file.
    pub file: usize,
    /// Its line there.
    pub line: u64,
}

/// Records, the first ones by their places.
pub struct BestHits {
    heap: BinaryHeap<Ranked>,
    limit: usize,
    is_oldest_first: bool,
    bytes: usize,
    bytes_max: usize,
    /// Records that were found, held or not.
    pub total: u64,
    /// Records were dropped for want of memory.
    pub is_cut: bool,
}

struct Ranked {
    place: Place,
    is_oldest_first: bool,
    bytes: usize,
    hit: Hit,
}

impl BestHits {
    /// At most `limit` of them, in `bytes_max`.
    pub fn new(limit: usize, is_oldest_first: bool, bytes_max: usize) -> Self {
        Self { heap: BinaryHeap::new(), limit, is_oldest_first, bytes: 0, bytes_max, total: 0, is_cut: false }
    }

    /// Counts a record; whether it would be held.
    pub fn wants(&mut self, place: Place) -> bool {
        self.total += 1;
        self.limit > 0
            && (self.heap.len() < self.limit
                || self.heap.peek().is_some_and(|last| self.is_before(place, last.place)))
    }

    /// Holds a record that is wanted.
    pub fn hold(&mut self, place: Place, hit: Hit) {
        let bytes = bytes_of(&hit);
        self.bytes += bytes;
        self.heap.push(Ranked { place, is_oldest_first: self.is_oldest_first, bytes, hit });
        while self.heap.len() > self.limit || self.bytes > self.bytes_max {
            self.is_cut |= self.heap.len() <= self.limit;
            let Some(last) = self.heap.pop() else { break };
            self.bytes -= last.bytes;
        }
    }

    /// Adds what another holds.
    pub fn absorb(&mut self, other: Self) {
        self.total += other.total;
        self.is_cut |= other.is_cut;
        for ranked in other.heap {
            self.hold(ranked.place, ranked.hit);
        }
    }

    /// The records, in order.
    pub fn into_hits(self) -> Vec<Hit> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.hit).collect()
    }

    fn is_before(&self, one: Place, other: Place) -> bool {
        if self.is_oldest_first { one < other } else { one > other }
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.place.cmp(&other.place);
        if self.is_oldest_first { order } else { order.reverse() }
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Ranked {}

/// Memory that a record takes, about.
fn bytes_of(hit: &Hit) -> usize {
    let of_value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => 1_024,
        _ => 0,
    };
    let pair = |(name, value): &(String, serde_json::Value)| {
        name.len() + of_value(value) + size_of::<(String, serde_json::Value)>()
    };
    size_of::<Ranked>() + hit.0.iter().map(pair).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(limit: usize, is_oldest_first: bool, bytes_max: usize, times: &[i64]) -> BestHits {
        let mut hits = BestHits::new(limit, is_oldest_first, bytes_max);
        for (line, &time_us) in times.iter().enumerate() {
            let place = Place { time_us, file: 0, line: line as u64 };
            if hits.wants(place) {
                let pairs = [("n".to_owned(), serde_json::json!(format!("{time_us}.{line}")))];
                hits.hold(place, pairs.into_iter().collect());
            }
        }
        hits
    }

    fn shown(hits: BestHits) -> Vec<String> {
        let text = |hit: Hit| hit.get("n").and_then(|n| n.as_str()).unwrap_or_default().to_owned();
        hits.into_hits().into_iter().map(text).collect()
    }

    #[test]
    fn the_first_ones_are_held_in_order() {
        let times = [3, -1, 2, 2, 5];
        for (limit, is_oldest_first, expected) in [
            (9, true, vec!["-1.1", "2.2", "2.3", "3.0", "5.4"]),
            (9, false, vec!["5.4", "3.0", "2.3", "2.2", "-1.1"]),
            (2, true, vec!["-1.1", "2.2"]),
            (3, false, vec!["5.4", "3.0", "2.3"]),
            (0, false, vec![]),
        ] {
            let found = hits(limit, is_oldest_first, usize::MAX, &times);
            assert_eq!((found.total, found.is_cut), (5, false));
            assert_eq!(shown(found), expected);
        }
    }

    #[test]
    fn parts_come_together_as_if_they_were_one() {
        let mut one = hits(3, false, usize::MAX, &[7, 1]);
        one.absorb(hits(3, false, usize::MAX, &[6, 9, 2]));
        assert_eq!(one.total, 5);
        assert_eq!(shown(one), ["9.1", "7.0", "6.0"]);
    }

    #[test]
    fn memory_has_a_bound_that_is_told() {
        let found = hits(usize::MAX, false, 1_000, &(0..100).collect::<Vec<_>>());
        assert!(found.is_cut);
        assert_eq!(found.total, 100);
        let held = shown(found);
        assert!(held.len() < 10 && held[0] == "99.99", "{held:?}");
    }
}
