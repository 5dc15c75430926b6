//! Delimited protobuf: the only scraped format with native histograms and times of birth.
//!
//! A histogram carries classic buckets beside the native ones: SLA thresholds lie on classic bounds and are
//! exact there, where a native bucket would be interpolated. The scraper chooses what it keeps
//! (`always_scrape_classic_histograms`) and by default drops the classic ones; 2.42 has no choice.
//!
//! A family is encoded one metric at a time: concatenated messages merge, so a family with one metric after
//! another is the whole family, and its 50,000 series never exist as messages at once.

use std::sync::Arc;

use prost::Message;

use super::messages::{
    Bucket, BucketSpan, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType, Summary,
    Timestamp, Untyped,
};
use super::{cumulative, unit};
use crate::{Family, Kind, NativeHistogram, Series, Snapshot, Value};

/// The zero bucket's half width, 2^-128: client_golang's default, a bucket boundary in every schema.
const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// Appends `snapshot` as `MetricFamily` messages, each after its length as a varint.
pub(super) fn encode(snapshot: &Snapshot, out: &mut Vec<u8>) {
    let mut message = Vec::new();
    for family in super::exposed(snapshot) {
        message.clear();
        append(&mut message, &head(family));
        for series in &family.series {
            let with_one = MetricFamily { metric: vec![metric(family.kind, series)], ..Default::default() };
            append(&mut message, &with_one);
        }
        // As in `append`.
        let _ = prost::encode_length_delimiter(message.len(), out);
        out.extend_from_slice(&message);
    }
}

fn append(out: &mut Vec<u8>, message: &MetricFamily) {
    // Encoding fails for want of room, and a vector grows.
    let _ = message.encode(out);
}

fn head(family: &Family) -> MetricFamily {
    let name: &str = &family.name;
    let (metric_type, base) = match family.kind {
        Kind::Counter => (MetricType::Counter, name.strip_suffix("_total").unwrap_or(name)),
        Kind::Gauge => (MetricType::Gauge, name),
        Kind::Histogram => (MetricType::Histogram, name),
        Kind::Summary => (MetricType::Summary, name),
        Kind::Untyped => (MetricType::Untyped, name),
    };
    MetricFamily {
        name: Some(name.to_string()),
        help: Some(family.help.to_string()),
        r#type: Some(metric_type.into()),
        metric: Vec::new(),
        unit: unit(base).map(str::to_string),
    }
}

fn metric(kind: Kind, series: &Series) -> Metric {
    let created = series.created_ms.map(timestamp);
    let metric = Metric { label: series.labels.iter().map(label_pair).collect(), ..Default::default() };
    match (&series.value, kind) {
        (Value::Histogram(histogram), _) => {
            Metric { histogram: Some(histogram_message(histogram, created)), ..metric }
        }
        (Value::Summary { sum, count }, _) => {
            let summary = Summary { sample_count: Some(*count), sample_sum: Some(*sum) };
            Metric { summary: Some(summary), ..metric }
        }
        (Value::Number(value), Kind::Gauge) => {
            Metric { gauge: Some(Gauge { value: Some(*value) }), ..metric }
        }
        (Value::Number(value), Kind::Untyped) => {
            Metric { untyped: Some(Untyped { value: Some(*value) }), ..metric }
        }
        (Value::Number(value), _) => {
            Metric { counter: Some(Counter { value: Some(*value), created_timestamp: created }), ..metric }
        }
    }
}

fn label_pair((name, value): &(Arc<str>, Arc<str>)) -> LabelPair {
    LabelPair { name: Some(name.to_string()), value: Some(value.to_string()) }
}

fn timestamp(ms: i64) -> Timestamp {
    Timestamp { seconds: ms.div_euclid(1_000), nanos: ms.rem_euclid(1_000) as i32 * 1_000_000 }
}

fn histogram_message(histogram: &crate::Histogram, created: Option<Timestamp>) -> Histogram {
    let native = histogram.native.as_ref();
    Histogram {
        sample_count: Some(histogram.count()),
        sample_sum: Some(histogram.sum),
        bucket: classic_buckets(histogram),
        schema: native.map(|native| native.schema),
        zero_threshold: native.map(|_| ZERO_THRESHOLD),
        zero_count: native.map(|native| native.zero_count),
        positive_span: native.map(spans).unwrap_or_default(),
        positive_delta: native.map(deltas).unwrap_or_default(),
        created_timestamp: created,
    }
}

/// A bucket for each bound; `+Inf` is `sample_count`, so it is left out as client_golang does.
fn classic_buckets(histogram: &crate::Histogram) -> Vec<Bucket> {
    let bounds = histogram.bounds.iter();
    bounds
        .zip(cumulative(histogram))
        .map(|(bound, count)| Bucket { cumulative_count: Some(count), upper_bound: Some(*bound) })
        .collect()
}

/// The runs of consecutive bucket indexes. Without any bucket it is one span of no length, by which a reader
/// tells a native histogram before its first observation from a classic one.
fn spans(native: &NativeHistogram) -> Vec<BucketSpan> {
    let mut spans: Vec<(i32, u32)> = Vec::new();
    let mut next = 0_i32;
    for (index, _) in &native.buckets {
        match spans.last_mut() {
            Some((_, length)) if *index == next => *length += 1,
            _ => spans.push((index.saturating_sub(next), 1)),
        }
        next = index.saturating_add(1);
    }
    if spans.is_empty() {
        spans.push((0, 0));
    }
    spans
        .into_iter()
        .map(|(offset, length)| BucketSpan { offset: Some(offset), length: Some(length) })
        .collect()
}

fn deltas(native: &NativeHistogram) -> Vec<i64> {
    let mut before = 0;
    let difference = |(_, count): &(i32, u64)| {
        let delta = count.wrapping_sub(before) as i64;
        before = *count;
        delta
    };
    native.buckets.iter().map(difference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::fixture::every_kind;

    fn decoded(snapshot: &Snapshot) -> Vec<MetricFamily> {
        let mut out = Vec::new();
        encode(snapshot, &mut out);
        let mut rest = out.as_slice();
        let mut families = Vec::new();
        while !rest.is_empty() {
            families.push(MetricFamily::decode_length_delimited(&mut rest).unwrap());
        }
        families
    }

    fn labels(pairs: &[(&str, &str)]) -> Vec<LabelPair> {
        pairs.iter().map(|(name, value)| label_pair(&(Arc::from(*name), Arc::from(*value)))).collect()
    }

    fn family(name: &str, help: &str, metric_type: MetricType, metric: Vec<Metric>) -> MetricFamily {
        let (name, help) = (Some(name.to_string()), Some(help.to_string()));
        MetricFamily { name, help, r#type: Some(metric_type.into()), metric, unit: None }
    }

    fn counted(pairs: &[(&str, &str)], value: f64, created_timestamp: Option<Timestamp>) -> Metric {
        let counter = Some(Counter { value: Some(value), created_timestamp });
        Metric { label: labels(pairs), counter, ..Default::default() }
    }

    fn observed() -> Histogram {
        let bucket =
            |upper_bound, count| Bucket { cumulative_count: Some(count), upper_bound: Some(upper_bound) };
        let span = |offset, length| BucketSpan { offset: Some(offset), length: Some(length) };
        Histogram {
            sample_count: Some(4),
            sample_sum: Some(12.125),
            bucket: vec![bucket(0.005, 1), bucket(1.0, 3), bucket(10.0, 3)],
            schema: Some(0),
            zero_threshold: Some(2.0_f64.powi(-128)),
            zero_count: Some(1),
            positive_span: vec![span(0, 1), span(3, 1)],
            positive_delta: vec![2, -1],
            created_timestamp: Some(Timestamp { seconds: 1_795_430_400, nanos: 0 }),
        }
    }

    #[test]
    fn every_kind_is_written() {
        let created = Timestamp { seconds: 1_795_430_400, nanos: 250_000_000 };
        let requests = vec![
            counted(&[("request_method", "GET"), ("status", "200")], 5.0, Some(created)),
            counted(&[("request_method", "POST"), ("status", "200")], 0.0, None),
        ];
        let errors = vec![counted(&[("status", "502")], 3.0, None)];
        let times = Metric {
            label: labels(&[("application", "shop")]),
            histogram: Some(observed()),
            ..Default::default()
        };
        let queue = Metric { gauge: Some(Gauge { value: Some(1_048_576.0) }), ..Default::default() };
        let unit = |unit: &str| Some(unit.to_string());
        let expected = [
            family("alb_log_elb_5xx", "Errors of the load balancer.", MetricType::Counter, errors),
            family("alb_log_request_count_total", "Requests.", MetricType::Counter, requests),
            MetricFamily {
                unit: unit("seconds"),
                ..family(
                    "alb_log_request_time_seconds",
                    "Time to answer.",
                    MetricType::Histogram,
                    vec![times],
                )
            },
            MetricFamily {
                unit: unit("bytes"),
                ..family("weir_queue_bytes", "Bytes waiting.", MetricType::Gauge, vec![queue])
            },
        ];
        assert_eq!(decoded(&every_kind()), expected);
    }

    fn check_native(buckets: &[(i32, u64)], expected_spans: &[(i32, u32)], expected_deltas: &[i64]) {
        let native = NativeHistogram { schema: 3, zero_count: 0, buckets: buckets.to_vec() };
        let found: Vec<_> = spans(&native).iter().map(|span| (span.offset(), span.length())).collect();
        assert_eq!(found, expected_spans, "{buckets:?}");
        assert_eq!(deltas(&native), expected_deltas, "{buckets:?}");
    }

    #[test]
    fn native_buckets_are_spans_and_deltas() {
        check_native(&[], &[(0, 0)], &[]);
        check_native(&[(0, 7)], &[(0, 1)], &[7]);
        check_native(&[(-5, 1), (-4, 3), (-3, 2)], &[(-5, 3)], &[1, 2, -1]);
        check_native(&[(-5, 1), (-3, 1), (2, 1), (3, 1)], &[(-5, 1), (1, 1), (4, 2)], &[1, 0, 0, 0]);
        check_native(&[(i32::MIN, 1), (i32::MAX, 1)], &[(i32::MIN, 1), (i32::MAX, 1)], &[1, 0]);
    }

    #[test]
    fn a_birth_before_the_epoch_has_positive_nanos() {
        assert_eq!(timestamp(-1), Timestamp { seconds: -1, nanos: 999_000_000 });
    }
}
