//! All series at one moment: the single table from which every exposition format is written.
//!
//! The encoders see only this, so text, OpenMetrics and protobuf cannot disagree, and the meter's
//! lock is held for the copy, not for the encoding.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Every family at one moment, sorted by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Families, each name once.
    pub families: Vec<Family>,
}

/// All series of one metric name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The metric's name as users know it; a counter's with `_total` where it has that.
    pub name: Arc<str>,
    /// One sentence for `# HELP`.
    pub help: Arc<str>,
    /// What the values mean.
    pub kind: Kind,
    /// The series, sorted by their label values.
    pub series: Vec<Series>,
}

/// What a family's values mean. Its number is kept on disk: add variants at the end only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution; its values are [`Value::Histogram`].
    Histogram,
    /// A number of which nobody said what it means; only pushed series are.
    Untyped,
    /// A distribution of which only sum and count are known; its values are [`Value::Summary`].
    Summary,
}

impl Kind {
    /// The word of the text format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Untyped => "untyped",
            Self::Summary => "summary",
        }
    }
}

/// Names and values; shared by all families that have the same, since each would hold a copy of its text.
pub type LabelPairs = Arc<[(Arc<str>, Arc<str>)]>;

/// One label set and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Names and values in the order they are written; no name twice, no empty value.
    pub labels: LabelPairs,
    /// The value.
    pub value: Value,
    /// When the series began to count, in milliseconds since the epoch, where that is known.
    pub created_ms: Option<i64>,
}

/// A series' value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A counter, a gauge, or an untyped number.
    Number(f64),
    /// A distribution.
    Histogram(Histogram),
    /// Sum and count of what was observed.
    Summary {
        /// The sum of all observations.
        sum: f64,
        /// How many there were.
        count: u64,
    },
}

/// A distribution with classic buckets, and native ones where they were kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Upper bounds (inclusive) in rising order, without `+Inf`; shared by all series of a family.
    pub bounds: Arc<[f64]>,
    /// Observations per bucket, not cumulative; one more than `bounds`, the last is above all of them.
    pub counts: Vec<u64>,
    /// The sum of all observations.
    pub sum: f64,
    /// Prometheus' native (exponential) buckets.
    pub native: Option<NativeHistogram>,
}

/// Prometheus' native buckets: bucket `i` holds values in `(base^(i-1), base^i]`, base `2^(2^-schema)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeHistogram {
    /// The resolution, -4 to 8.
    pub schema: i32,
    /// Observations of exactly 0.
    pub zero_count: u64,
    /// Index and count of each bucket that is not empty, in rising order.
    pub buckets: Vec<(i32, u64)>,
}

impl Histogram {
    /// The number of observations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}
