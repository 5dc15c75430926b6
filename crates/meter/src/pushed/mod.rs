//! Series that others push: read, summed, and kept apart from what weir counts itself.
//!
//! A short-lived job cannot be scraped, so it pushes its counts, and the gateway sums them. Known gateways
//! merge family by family, so that a push with one bad family is half counted and its retry counts the other
//! half twice; they sum buckets of different bounds into curves that go down; and they lose all at a restart.
//! Here a push is read whole ([`Push::parse`]), merged whole or not at all onto what is not yet durable
//! ([`Staged`]), written by the caller, and only then applied ([`PushedSeries::apply`]).
//!
//! Decided:
//! * Counters, untyped numbers, histograms and summaries (sum and count) add; gauges as [`GaugeMode`] says.
//!   A label `clearmode` says otherwise for its series, whatever the type, and is not kept: `sum` or
//!   `aggregate`, `replace`, and `family` or `info`, which drops the family's other series first. The modes
//!   over time (`mean5m`, `sum5m`) of gravel-gateway are refused: a sum over time is Prometheus' part.
//! * Quantiles, exemplars and sample timestamps are read over: two quantiles make no third, and a count
//!   that is pushed carries its time of arrival, because there is no other that a scrape could show.
//! * `x_created` is dropped where `x` is a known counter, histogram or summary: a sum of times means nothing.
//! * Native buckets are dropped where classic ones stand beside them, and refused where they stand alone.
//! * Sums of whole numbers are exact up to 2^53 and the same in any order; of others, up to rounding.

mod addition;
mod builder;
mod clear_mode;
mod error;
mod grouping;
mod rows;
mod staged;
mod store;
mod text;
mod value;
mod wire;

#[cfg(test)]
mod tests;

pub use addition::{AddedPoint, Addition, DeclaredSeries, write_label};
pub use clear_mode::{ClearMode, GaugeMode};
pub use error::{AdditionRefused, Problem, PushError, PushRefused, RestoreError};
pub use grouping::Grouping;
pub use rows::{FamilyChange, SeriesChange, StoredFamily, StoredSeries};
pub use staged::{HasSeriesFn, OwnSeries, Staged};
pub use store::{PushedOptions, PushedSeries};
pub use value::{PushedHistogram, PushedValue};

use crate::Kind;

/// The most series in one push. A push is one program's registry; more is a mistake, and must not take the
/// memory that merging it would need.
pub const PUSH_SERIES_MAX: usize = 100_000;

/// The most families in one push, and of all pushes: each has a name and a help in memory.
pub const FAMILIES_MAX: usize = 10_000;

/// The most labels of a series, so that a bit for each fits a word and one is left. Prometheus' users have some ten.
pub const LABELS_MAX: usize = 63;

/// The longest name of a metric or a label, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// The longest value of a label, in bytes.
pub const LABEL_VALUE_BYTES_MAX: usize = 2_048;

/// The most bytes of all names and values of one series. With the budget of series it bounds memory.
pub const LABEL_SET_BYTES_MAX: usize = 4_096;

/// The most bytes of `# HELP` that are kept; the rest is cut off, for it is only read by people.
pub const HELP_BYTES_MAX: usize = 1_024;

/// The most buckets of a histogram without `+Inf`; client libraries make 10 to 20.
pub const BUCKETS_MAX: usize = 256;

/// How a push is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushFormat {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0 text, which must end with `# EOF`.
    OpenMetrics,
    /// `io.prometheus.client.MetricFamily` messages, each after its length as a varint.
    Protobuf,
}

impl PushFormat {
    /// The format that a `Content-Type` names; what is absent or unknown is text, as pushers often say
    /// nothing or what their HTTP library says by itself.
    pub fn of_content_type(content_type: Option<&str>) -> Self {
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/openmetrics-text") {
            Self::OpenMetrics
        } else if media_type.eq_ignore_ascii_case("application/vnd.google.protobuf") {
            Self::Protobuf
        } else {
            Self::Text
        }
    }
}

/// A push that was read and found sound in itself; whether it fits to what is known, staging finds out.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    families: Vec<PushedFamily>,
    /// Indexes of families, sorted by their names.
    by_name: Vec<u32>,
    points: Vec<Point>,
    /// The label sets of all points, one behind the other.
    keys: Vec<u8>,
}

/// A family of a push.
#[derive(Clone, Debug, PartialEq)]
struct PushedFamily {
    name: Box<str>,
    help: Box<str>,
    kind: Kind,
    /// It was not only declared.
    has_points: bool,
    /// A point of it has [`ClearMode::Family`].
    is_cleared: bool,
}

/// A series of a push.
#[derive(Clone, Debug, PartialEq)]
struct Point {
    /// Index in [`Push::families`].
    family: u32,
    /// Where its label set begins and ends in [`Push::keys`].
    key: (u32, u32),
    /// A bit for each label of the set, in its order: it came from the URL.
    url_labels: u64,
    /// What its `clearmode` said.
    mode: Option<ClearMode>,
    value: PushedValue,
}

impl Push {
    /// Reads a body.
    ///
    /// `grouping` are the labels of the URL, which every series gets. A label that the body has too is
    /// refused unless its value is the same: the gateways that override it make one series of two.
    ///
    /// # Errors
    ///
    /// What is wrong and where; a wrong push has no part that counts.
    pub fn parse(body: &[u8], format: PushFormat, grouping: &Grouping) -> Result<Self, PushError> {
        match format {
            PushFormat::Text => text::parse(body, false, grouping),
            PushFormat::OpenMetrics => text::parse(body, true, grouping),
            PushFormat::Protobuf => wire::parse(body, grouping),
        }
    }

    /// The number of series.
    pub fn series_count(&self) -> usize {
        self.points.len()
    }

    /// The type of its family of this name, where that has series.
    fn kind_of(&self, name: &str) -> Option<Kind> {
        let family = |index: &u32| &self.families[*index as usize];
        let at = self.by_name.binary_search_by(|index| (*family(index).name).cmp(name)).ok()?;
        Some(family(&self.by_name[at])).filter(|family| family.has_points).map(|family| family.kind)
    }
}

/// What ends each name and each value in a label set's bytes; no byte of UTF-8 text is this one.
const END: u8 = 0xff;

/// The names and values of a label set's bytes, sorted by name.
fn labels_of(key: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let mut texts = key.split(|byte| *byte == END).map(|text| str::from_utf8(text).unwrap_or_default());
    std::iter::from_fn(move || {
        let name = texts.next()?;
        Some((name, texts.next()?))
    })
}

/// Writes labels as people know them: `{a="b",c="d"}`.
fn label_text<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> =
        labels.into_iter().map(|(name, value)| format!("{name}=\"{}\"", value.escape_debug())).collect();
    format!("{{{}}}", pairs.join(","))
}
