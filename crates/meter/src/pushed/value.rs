//! Pushed values, and what two of them make.
//!
//! Histograms of different buckets are merged only where the result is exact: where one list of bounds
//! contains the other, the finer is counted over to the coarser, which loses detail and no truth. A union of
//! the two, as known gateways write it, has bounds for which one side counted nothing, and a curve that
//! falls. Everything else is refused, and both lists are named.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Histogram, Kind, Value};

/// A pushed series' value. Its bytes are kept on disk: add variants at the end only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PushedValue {
    /// A counter, gauge or untyped number.
    Number(f64),
    /// A histogram.
    Histogram(Box<PushedHistogram>),
    /// A summary.
    Summary {
        /// The sum of all observations.
        sum: f64,
        /// How many there were.
        count: u64,
    },
}

/// A histogram with classic buckets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PushedHistogram {
    /// Upper bounds (inclusive) in rising order, without `+Inf`.
    pub bounds: Arc<[f64]>,
    /// Observations per bucket, not cumulative; one more than `bounds`.
    pub counts: Box<[u64]>,
    /// The sum of all observations.
    pub sum: f64,
}

/// Why two values make no third.
#[derive(Debug, PartialEq)]
pub(super) enum Unmergeable {
    /// The bounds of the known and of the pushed one.
    Buckets(String, String),
    /// This cannot be added.
    NotFinite(f64),
}

impl PushedValue {
    /// The value of both. Values of different variants are never compared: the family's type is.
    ///
    /// # Errors
    ///
    /// Buckets that differ, or a sum that is no number or does not fit.
    pub(super) fn sum(&self, pushed: &Self) -> Result<Self, Unmergeable> {
        match (self, pushed) {
            (Self::Number(known), Self::Number(pushed)) => Ok(Self::Number(add(*known, *pushed)?)),
            (Self::Histogram(known), Self::Histogram(pushed)) => {
                Ok(Self::Histogram(Box::new(known.sum(pushed)?)))
            }
            (Self::Summary { sum, count }, Self::Summary { sum: more_sum, count: more }) => {
                Ok(Self::Summary { sum: add(*sum, *more_sum)?, count: add_counts(*count, *more)? })
            }
            _ => Ok(pushed.clone()),
        }
    }

    /// Fails where nothing could be added to it ever after.
    pub(super) fn check_can_add(&self) -> Result<(), Unmergeable> {
        match self {
            Self::Number(value) if !value.is_finite() => Err(Unmergeable::NotFinite(*value)),
            _ => Ok(()),
        }
    }

    /// Whether a family of this kind has such values.
    pub(super) fn is_of(&self, kind: Kind) -> bool {
        match self {
            Self::Number(_) => matches!(kind, Kind::Counter | Kind::Gauge | Kind::Untyped),
            Self::Histogram(histogram) => {
                kind == Kind::Histogram && histogram.counts.len() == histogram.bounds.len() + 1
            }
            Self::Summary { .. } => kind == Kind::Summary,
        }
    }

    /// The value as it is shown.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Number(value) => Value::Number(*value),
            Self::Summary { sum, count } => Value::Summary { sum: *sum, count: *count },
            Self::Histogram(histogram) => Value::Histogram(Histogram {
                bounds: Arc::clone(&histogram.bounds),
                counts: histogram.counts.to_vec(),
                sum: histogram.sum,
                native: None,
            }),
        }
    }
}

impl PushedHistogram {
    fn sum(&self, pushed: &Self) -> Result<Self, Unmergeable> {
        let sum = add(self.sum, pushed.sum)?;
        if is_same(&self.bounds, &pushed.bounds) {
            return self.with(sum, &pushed.counts);
        }
        let (coarse, fine) =
            if self.bounds.len() < pushed.bounds.len() { (self, pushed) } else { (pushed, self) };
        match fine.counted_over(&coarse.bounds) {
            Some(counts) => coarse.with(sum, &counts),
            None => Err(Unmergeable::Buckets(bounds_text(&self.bounds), bounds_text(&pushed.bounds))),
        }
    }

    /// This one's bounds with `counts` added to its own.
    fn with(&self, sum: f64, counts: &[u64]) -> Result<Self, Unmergeable> {
        let pairs = self.counts.iter().zip(counts);
        let counts = pairs.map(|(one, other)| add_counts(*one, *other)).collect::<Result<_, _>>()?;
        Ok(Self { bounds: Arc::clone(&self.bounds), counts, sum })
    }

    /// Its observations in the buckets of `bounds`, which must all be bounds of its own, and one at least:
    /// a push without buckets would take those of everyone.
    fn counted_over(&self, bounds: &[f64]) -> Option<Vec<u64>> {
        if bounds.is_empty() {
            return None;
        }
        let mut counts = vec![0_u64; bounds.len() + 1];
        let mut at = 0;
        for (index, count) in self.counts.iter().enumerate() {
            counts[at] = counts[at].saturating_add(*count);
            if self.bounds.get(index) == bounds.get(at) {
                at = (at + 1).min(bounds.len());
            }
        }
        (at == bounds.len()).then_some(counts)
    }
}

/// Whether two lists are the same; those of one family mostly are one in memory.
pub(super) fn is_same(one: &Arc<[f64]>, other: &Arc<[f64]>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

fn add(known: f64, pushed: f64) -> Result<f64, Unmergeable> {
    let sum = known + pushed;
    if sum.is_finite() { Ok(sum) } else { Err(Unmergeable::NotFinite(pushed)) }
}

fn add_counts(known: u64, pushed: u64) -> Result<u64, Unmergeable> {
    known.checked_add(pushed).ok_or(Unmergeable::NotFinite(pushed as f64))
}

fn bounds_text(bounds: &[f64]) -> String {
    let texts: Vec<String> = bounds.iter().map(f64::to_string).collect();
    format!("[{}]", texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(bounds: &[f64], counts: &[u64]) -> PushedHistogram {
        PushedHistogram { bounds: bounds.into(), counts: counts.into(), sum: 1.0 }
    }

    fn check(known: (&[f64], &[u64]), pushed: (&[f64], &[u64]), expected: Option<(&[f64], &[u64])>) {
        let found = histogram(known.0, known.1).sum(&histogram(pushed.0, pushed.1));
        match expected {
            Some((bounds, counts)) => {
                let expected = PushedHistogram { sum: 2.0, ..histogram(bounds, counts) };
                assert_eq!(found.unwrap(), expected);
            }
            None => assert!(matches!(found, Err(Unmergeable::Buckets(..)))),
        }
    }

    #[test]
    fn buckets_are_merged_where_it_is_exact() {
        check((&[1.0, 2.0], &[1, 2, 3]), (&[1.0, 2.0], &[10, 20, 30]), Some((&[1.0, 2.0], &[11, 22, 33])));
        check((&[1.0, 2.0], &[1, 2, 3]), (&[2.0], &[10, 20]), Some((&[2.0], &[13, 23])));
        check((&[1.0], &[1, 2]), (&[1.0, 2.0], &[10, 20, 30]), Some((&[1.0], &[11, 52])));
        check((&[1.0, 2.0, 3.0], &[1, 1, 1, 1]), (&[1.0, 3.0], &[0, 0, 0]), Some((&[1.0, 3.0], &[1, 2, 1])));
        check((&[], &[1]), (&[], &[2]), Some((&[], &[3])));
    }

    #[test]
    fn other_buckets_are_refused() {
        check((&[1.0, 2.0], &[1, 2, 3]), (&[1.5], &[1, 1]), None);
        check((&[1.0, 2.0], &[1, 2, 3]), (&[1.0, 3.0], &[1, 1, 1]), None);
        check((&[1.0], &[1, 2]), (&[], &[1]), None);
        check((&[1.0, 2.0], &[1, 2, 3]), (&[3.0], &[1, 1]), None);
    }

    #[test]
    fn a_sum_that_is_no_number_is_refused() {
        let number = PushedValue::Number;
        assert_eq!(number(1.0).sum(&number(f64::NAN)).map_err(|_| ()), Err(()));
        assert_eq!(number(f64::MAX).sum(&number(f64::MAX)), Err(Unmergeable::NotFinite(f64::MAX)));
        let many = PushedValue::Summary { sum: 0.0, count: u64::MAX };
        assert!(many.sum(&PushedValue::Summary { sum: 0.0, count: 1 }).is_err());
    }
}
