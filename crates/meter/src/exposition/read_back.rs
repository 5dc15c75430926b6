//! Encode any snapshot, read it back, and find every sample: in text with a parser that knows nothing of the
//! encoder, in protobuf by unfolding the messages. What both are compared with is unfolded from the snapshot,
//! so the formats agree with it and with each other.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::messages::{Counter, Gauge, LabelPair, Metric, MetricFamily, Untyped};
use super::{Format, encode, fixture};
use crate::{Family, Histogram, Kind, Series, Snapshot, Value};

/// One line: name, labels but `le`, `le` as a number, value.
type Sample = (String, Vec<(String, String)>, Option<f64>, f64);

/// Equal, where NaN equals itself.
fn same(left: &[Sample], right: &[Sample]) -> bool {
    let same_value = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
    left.len() == right.len()
        && left.iter().zip(right).all(|(a, b)| (&a.0, &a.1, a.2) == (&b.0, &b.1, b.2) && same_value(a.3, b.3))
}

fn histogram_samples(
    name: &str,
    labels: &[(String, String)],
    buckets: impl Iterator<Item = (f64, u64)>,
    (sum, count): (f64, u64),
) -> Vec<Sample> {
    let sample = |suffix, le, value| (format!("{name}{suffix}"), labels.to_vec(), le, value);
    let buckets = buckets.chain([(f64::INFINITY, count)]);
    let mut samples: Vec<_> = buckets.map(|(le, count)| sample("_bucket", Some(le), count as f64)).collect();
    samples.extend([sample("_sum", None, sum), sample("_count", None, count as f64)]);
    samples
}

fn samples_of(snapshot: &Snapshot) -> Vec<Sample> {
    let families = snapshot.families.iter();
    families
        .flat_map(|family| family.series.iter().flat_map(|series| series_samples(&family.name, series)))
        .collect()
}

fn series_samples(name: &str, series: &Series) -> Vec<Sample> {
    let labels: Vec<_> =
        series.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    match &series.value {
        Value::Number(value) => vec![(name.to_string(), labels, None, *value)],
        Value::Histogram(histogram) => {
            let bounds = histogram.bounds.iter().enumerate();
            let buckets = bounds.map(|(at, bound)| (*bound, histogram.counts[..=at].iter().sum()));
            histogram_samples(name, &labels, buckets, (histogram.sum, histogram.count()))
        }
        Value::Summary { sum, count } => summary_samples(name, &labels, *sum, *count),
    }
}

fn summary_samples(name: &str, labels: &[(String, String)], sum: f64, count: u64) -> Vec<Sample> {
    let sample = |suffix, value| (format!("{name}{suffix}"), labels.to_vec(), None, value);
    vec![sample("_sum", sum), sample("_count", count as f64)]
}

/// Reads the sample lines of a text format; panics on what is not one.
fn read_text(text: &str) -> Vec<Sample> {
    text.split_terminator('\n').filter(|line| !line.starts_with('#')).map(read_line).collect()
}

fn read_line(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    while let Some(label) = rest.strip_prefix(['{', ',']) {
        let (name, quoted) = label.split_once("=\"").unwrap();
        let (value, after) = read_quoted(quoted);
        labels.push((name.to_string(), value));
        rest = after.strip_prefix('}').unwrap_or(after);
    }
    let le = labels.pop_if(|(name, _)| name == "le").map(|(_, value)| value.parse().unwrap());
    (name.to_string(), labels, le, rest.strip_prefix(' ').unwrap().parse().unwrap())
}

/// The unescaped text before the closing quote, and what follows it.
fn read_quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    loop {
        match characters.next().unwrap() {
            (at, '"') => return (value, &text[at + 1..]),
            (_, '\\') => value.push(match characters.next().unwrap().1 {
                'n' => '\n',
                other => other,
            }),
            (_, other) => value.push(other),
        }
    }
}

fn read_protobuf(mut bytes: &[u8]) -> Vec<Sample> {
    let mut samples = Vec::new();
    while !bytes.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut bytes).unwrap();
        samples.extend(family.metric.iter().flat_map(|metric| metric_samples(family.name(), metric)));
    }
    samples
}

fn metric_samples(name: &str, metric: &Metric) -> Vec<Sample> {
    let pair = |pair: &LabelPair| (pair.name().to_string(), pair.value().to_string());
    let labels: Vec<_> = metric.label.iter().map(pair).collect();
    if let Some(histogram) = &metric.histogram {
        let buckets = histogram.bucket.iter().map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
        return histogram_samples(name, &labels, buckets, (histogram.sample_sum(), histogram.sample_count()));
    }
    if let Some(summary) = &metric.summary {
        return summary_samples(name, &labels, summary.sample_sum(), summary.sample_count());
    }
    let counter = metric.counter.as_ref().map(Counter::value);
    let value = counter.or(metric.gauge.as_ref().map(Gauge::value));
    let value = value.or(metric.untyped.as_ref().map(Untyped::value));
    vec![(name.to_string(), labels, None, value.unwrap())]
}

fn any_text() -> impl Strategy<Value = String> {
    vec(prop_oneof![Just('"'), Just('\\'), Just('\n'), Just('}'), any::<char>()], 1..6)
        .prop_map(String::from_iter)
}

fn any_labels() -> impl Strategy<Value = Vec<(Arc<str>, Arc<str>)>> {
    let numbered = |(number, value): (usize, String)| (Arc::from(format!("l{number}")), Arc::from(value));
    vec(any_text(), 0..3).prop_map(move |values| values.into_iter().enumerate().map(numbered).collect())
}

fn any_histogram() -> impl Strategy<Value = Histogram> {
    let finite = any::<f64>().prop_filter("a bound is finite", |bound| bound.is_finite());
    let buckets = vec((finite, 0..1_000_000_u64), 0..5);
    (buckets, 0..1_000_000_u64, any::<f64>()).prop_map(|(mut buckets, above, sum)| {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (bounds, mut counts): (Vec<_>, Vec<_>) = buckets.into_iter().unzip();
        counts.push(above);
        fixture::classic(&bounds, &counts, sum)
    })
}

fn any_series(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<Series>> {
    let series = |(labels, value): (Vec<_>, _)| Series { labels: labels.into(), value, created_ms: None };
    vec((any_labels(), value).prop_map(series), 0..4)
}

fn any_summary() -> impl Strategy<Value = Value> {
    (any::<f64>(), 0..1_000_000_u64).prop_map(|(sum, count)| Value::Summary { sum, count })
}

fn any_family() -> impl Strategy<Value = Family> {
    let number = || any::<f64>().prop_map(Value::Number);
    let series = prop_oneof![
        (Just(Kind::Counter), any_series(number())),
        (Just(Kind::Gauge), any_series(number())),
        (Just(Kind::Untyped), any_series(number())),
        (Just(Kind::Summary), any_series(any_summary())),
        (Just(Kind::Histogram), any_series(any_histogram().prop_map(Value::Histogram))),
    ];
    (any_text(), series).prop_map(|(help, (kind, series))| fixture::family("", &help, kind, series))
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    vec(any_family(), 0..4).prop_map(|mut families| {
        for (number, family) in families.iter_mut().enumerate() {
            family.name = format!("m{number}_total").into();
        }
        Snapshot { families }
    })
}

proptest! {
    #[test]
    fn every_format_reads_back_as_the_snapshot(snapshot in any_snapshot()) {
        let encoded = |format| {
            let mut out = Vec::new();
            encode(&snapshot, format, &mut out);
            out
        };
        let expected = samples_of(&snapshot);
        for format in [Format::Text, Format::OpenMetrics] {
            let text = String::from_utf8(encoded(format)).unwrap();
            let found = read_text(&text);
            prop_assert!(same(&found, &expected), "{:?}\n{}\n{:?}\n{:?}", format, text, found, expected);
        }
        let found = read_protobuf(&encoded(Format::Protobuf));
        prop_assert!(same(&found, &expected), "{:?}\n{:?}", found, expected);
    }
}
