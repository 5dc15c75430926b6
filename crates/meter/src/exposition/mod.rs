//! A snapshot as bytes, in each format that Prometheus scrapes.
//!
//! Our own encoders, because every client library owns a registry: none of them can be handed a finished
//! table with values, births and buckets, and a second registry beside the meter's would be a second truth.
//! The price is that the formats' rules are ours to keep; tests read each format back and compare.
//!
//! Decided for all formats:
//! * A family without series is left out. Prometheus skips it in protobuf and takes a lone `# TYPE` in
//!   text, but what re-encodes a scrape (a push gateway built on `expfmt`) fails on a family without metrics.
//! * No sample has a timestamp: one with a timestamp gets no staleness marker when its series ends.
//! * Output depends on the snapshot alone, so two encodings of one snapshot are the same bytes.

mod messages;
mod negotiation;
mod number;
mod open_metrics;
mod protobuf;
mod samples;
mod text;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod read_back;

use crate::{Family, Histogram, Snapshot};

/// A format of exposition. [`Format::negotiate`] chooses one by an `Accept` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.0 text.
    OpenMetrics,
    /// OpenMetrics by its draft's number, which old scrapers ask for: the same bytes under another type.
    OpenMetrics0_0_1,
    /// `io.prometheus.client.MetricFamily` messages, each after its length as a varint.
    Protobuf,
}

impl Format {
    /// The `Content-Type` to answer with. Prometheus 3 refuses a scrape without a valid one.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::OpenMetrics0_0_1 => "application/openmetrics-text; version=0.0.1; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

/// Appends `snapshot` in `format` to `out`.
///
/// Names are written as they are: that they are valid, and that no label of a histogram is called `le`,
/// is the meter's duty.
pub fn encode(snapshot: &Snapshot, format: Format, out: &mut Vec<u8>) {
    match format {
        Format::Text => text::encode(snapshot, out),
        Format::OpenMetrics | Format::OpenMetrics0_0_1 => open_metrics::encode(snapshot, out),
        Format::Protobuf => protobuf::encode(snapshot, out),
    }
}

/// Gives one family as text 0.0.4 to `write`, in pieces of some 64 KiB.
///
/// # Errors
///
/// The first error of `write`.
pub fn write_text<E>(family: &Family, write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    text::write_family(family, write)
}

/// The families that have something to show.
fn exposed(snapshot: &Snapshot) -> impl Iterator<Item = &Family> {
    snapshot.families.iter().filter(|family| !family.series.is_empty())
}

/// Observations up to and including each bound, then all of them: `le` means "at most".
fn cumulative(histogram: &Histogram) -> impl Iterator<Item = u64> {
    histogram.counts.iter().scan(0_u64, |sum, count| {
        *sum = sum.saturating_add(*count);
        Some(*sum)
    })
}

/// The unit that a name (without `_total`) ends with, where it is a base unit of ours; a name such as
/// `nginx_http_request_time` has none, and OpenMetrics forbids to declare one that is not its suffix.
fn unit(name: &str) -> Option<&'static str> {
    ["seconds", "bytes"]
        .into_iter()
        .find(|unit| name.strip_suffix(unit).is_some_and(|base| base.ends_with('_')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use fixture::{counter, family, snapshot};

    const EVERY: [Format; 4] =
        [Format::Text, Format::OpenMetrics, Format::OpenMetrics0_0_1, Format::Protobuf];

    fn encoded(snapshot: &Snapshot, format: Format) -> Vec<u8> {
        let mut out = Vec::new();
        encode(snapshot, format, &mut out);
        out
    }

    #[test]
    fn a_family_without_series_is_left_out() {
        let empty = snapshot([family("requests_total", "Requests.", Kind::Counter, [])]);
        for format in EVERY {
            assert_eq!(encoded(&empty, format), encoded(&Snapshot::default(), format), "{format:?}");
        }
    }

    #[test]
    fn encoding_appends() {
        let table = snapshot([counter("requests_total", &[], 5.0)]);
        for format in EVERY {
            let mut out = b"before".to_vec();
            encode(&table, format, &mut out);
            assert_eq!(out, [b"before".as_slice(), &encoded(&table, format)].concat(), "{format:?}");
        }
    }

    #[test]
    fn both_numbers_of_open_metrics_have_the_same_bytes() {
        let table = fixture::every_kind();
        assert_eq!(encoded(&table, Format::OpenMetrics), encoded(&table, Format::OpenMetrics0_0_1));
    }

    #[test]
    fn a_unit_is_the_last_word_of_the_name() {
        let check = |name, expected| assert_eq!(unit(name), expected, "{name}");
        check("alb_log_request_time_seconds", Some("seconds"));
        check("alb_log_sent_bytes", Some("bytes"));
        check("nginx_http_request_time", None);
        check("milliseconds", None);
        check("seconds", None);
        check("read_bytes_total", None);
    }
}
