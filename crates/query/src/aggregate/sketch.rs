//! Percentiles of more values than are kept: buckets whose width is a share of their value.
//!
//! Values become counts per bucket, so a merge is an addition and no order matters. When there are too many
//! buckets, all of them are joined in pairs, which doubles the error; since buckets only ever become more, the
//! width in the end is the same whoever joined first. Method: DDSketch (Masson, Rim, Lee 2019) with the
//! uniform collapse of UDDSketch (Epicoco et al. 2020).

use super::bounds::SKETCH_ERROR;

/// Beyond this width there is nothing left to join: all of a sign are in a few buckets.
const JOINS_MAX: u32 = 16;

/// Added to a bucket's number, so that numbers of positive values are positive; larger than any number.
const OFFSET: i32 = 1 << 17;

/// Numbers of buckets depend on how often buckets were joined in pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Width {
    joins: u32,
}

impl Width {
    /// The logarithm of the quotient of a bucket's bounds.
    fn ln_gamma(self) -> f64 {
        (SKETCH_ERROR.ln_1p() - (-SKETCH_ERROR).ln_1p()) * f64::from(1_u32 << self.joins)
    }

    /// How far from a value of the bucket its middle can be, as a share of the value.
    fn error(self) -> f64 {
        (self.ln_gamma() / 2.0).tanh()
    }

    /// Twice as wide; `None` if that would be of no use.
    fn wider(self) -> Option<Self> {
        (self.joins < JOINS_MAX).then_some(Self { joins: self.joins + 1 })
    }

    fn key(self, value: f64) -> i32 {
        if value == 0.0 {
            return 0;
        }
        // Numbered at the finest width and joined, so that a value added late is where it would be had it come
        // early; |ln| of a float is below 746, which makes less than 2^16 numbers.
        let finest = (value.abs().ln() / Self::default().ln_gamma()).ceil() as i32;
        let key = joined(finest, self.joins) + OFFSET;
        if value < 0.0 { -key } else { key }
    }

    /// The value in the middle of a bucket.
    fn value(self, key: i32) -> f64 {
        if key == 0 {
            return 0.0;
        }
        // 2 γ^n / (γ + 1), so that γ itself, which may be beyond a float, is not needed.
        let (number, ln_gamma) = (f64::from(key.abs() - OFFSET), self.ln_gamma());
        let exponent = (number - 1.0) * ln_gamma + std::f64::consts::LN_2 - (-ln_gamma).exp().ln_1p();
        let middle = exponent.exp().min(f64::MAX);
        if key < 0 { -middle } else { middle }
    }
}

/// The number of a bucket after its bucket was joined with a neighbour so often.
fn joined(number: i32, joins: u32) -> i32 {
    // Half, rounded up, each time.
    -((-number) >> joins)
}

/// Counts per bucket, ordered by value.
#[derive(Clone, Debug, Default)]
struct Sketch {
    buckets: Vec<(i32, u64)>,
    count: u64,
}

impl Sketch {
    /// Adds to a bucket; whether there was none.
    fn add(&mut self, key: i32, count: u64) -> bool {
        self.count += count;
        match self.buckets.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(index) => {
                self.buckets[index].1 += count;
                false
            }
            Err(index) => {
                self.buckets.insert(index, (key, count));
                true
            }
        }
    }

    /// Joins buckets `joins` times in pairs.
    fn widen(&mut self, joins: u32) {
        for (key, _) in &mut self.buckets {
            let number = joined(key.abs() - OFFSET, joins) + OFFSET;
            *key = if *key == 0 { 0 } else { number * key.signum() };
        }
        self.buckets.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            kept.1 += if is_same { next.1 } else { 0 };
            is_same
        });
    }

    /// The bucket with the value of rank `rank`, from 1.
    fn key_at(&self, rank: u64) -> Option<i32> {
        let mut before = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            before += count;
            before >= rank
        });
        found.or(self.buckets.last()).map(|(key, _)| *key)
    }
}

/// The sketches of all groups, for each field that a percentile is asked of; all of one width.
#[derive(Clone, Debug)]
pub(super) struct Sketches {
    columns: Vec<Vec<Sketch>>,
    width: Width,
    buckets_len: usize,
    buckets_max: usize,
}

impl Sketches {
    pub(super) fn new(columns_len: usize, buckets_max: usize) -> Self {
        Self { columns: vec![Vec::new(); columns_len], width: Width::default(), buckets_len: 0, buckets_max }
    }

    /// Makes room for groups up to `slots_len`.
    pub(super) fn grow(&mut self, slots_len: usize) {
        self.columns.iter_mut().for_each(|column| column.resize_with(slots_len, Sketch::default));
    }

    /// Adds a finite number.
    pub(super) fn add(&mut self, column: usize, slot: usize, value: f64) {
        let is_new = self.columns[column][slot].add(self.width.key(value), 1);
        if is_new {
            self.buckets_len += 1;
            self.make_room();
        }
    }

    /// Adds all that others have, slot by slot as `slots` maps theirs to ours.
    pub(super) fn merge(&mut self, mut other: Self, slots: &[usize]) {
        let common = self.width.max(other.width);
        self.widen(common);
        other.widen(common);
        for (ours, theirs) in self.columns.iter_mut().zip(other.columns) {
            for (sketch, &slot) in theirs.into_iter().zip(slots) {
                for (key, count) in sketch.buckets {
                    self.buckets_len += usize::from(ours[slot].add(key, count));
                }
            }
        }
        self.make_room();
    }

    /// The value whose rank among so many values `rank` gives; `None` without values.
    pub(super) fn value_at(&self, column: usize, slot: usize, rank: impl Fn(u64) -> u64) -> Option<f64> {
        let sketch = &self.columns[column][slot];
        sketch.key_at(rank(sketch.count)).map(|key| self.width.value(key))
    }

    /// How far a value may be from the right one, as a share of it.
    pub(super) fn error(&self) -> f64 {
        self.width.error()
    }

    /// The memory taken, roughly: a vector has up to twice the room that it needs.
    pub(super) fn memory_bytes(&self) -> usize {
        let slots: usize = self.columns.iter().map(Vec::len).sum();
        slots * size_of::<Sketch>() + self.buckets_len * 2 * size_of::<(i32, u64)>()
    }

    /// Joins buckets in pairs until there are no more than allowed.
    fn make_room(&mut self) {
        while self.buckets_len > self.buckets_max {
            match self.width.wider() {
                Some(wider) => self.widen(wider),
                None => return,
            }
        }
    }

    fn widen(&mut self, to: Width) {
        let joins = to.joins - self.width.joins;
        if joins == 0 {
            return;
        }
        self.columns.iter_mut().flatten().for_each(|sketch| sketch.widen(joins));
        self.width = to;
        self.buckets_len = self.columns.iter().flatten().map(|sketch| sketch.buckets.len()).sum();
    }
}
