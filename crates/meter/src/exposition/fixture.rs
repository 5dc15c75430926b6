//! Small snapshots for the tests of every format.

use std::sync::Arc;

use crate::{Family, Histogram, Kind, NativeHistogram, Series, Snapshot, Value};

pub(super) fn snapshot(families: impl Into<Vec<Family>>) -> Snapshot {
    Snapshot { families: families.into() }
}

pub(super) fn family(name: &str, help: &str, kind: Kind, series: impl Into<Vec<Series>>) -> Family {
    Family { name: name.into(), help: help.into(), kind, series: series.into() }
}

pub(super) fn gauge(labels: &[(&str, &str)], value: f64) -> Series {
    series(labels, Value::Number(value))
}

pub(super) fn counter(name: &str, labels: &[(&str, &str)], value: f64) -> Family {
    family(name, "Help.", Kind::Counter, [series(labels, Value::Number(value))])
}

pub(super) fn histogram(name: &str, labels: &[(&str, &str)], histogram: Histogram) -> Family {
    family(name, "Help.", Kind::Histogram, [series(labels, Value::Histogram(histogram))])
}

pub(super) fn summary(name: &str, labels: &[(&str, &str)], sum: f64, count: u64) -> Family {
    family(name, "Help.", Kind::Summary, [series(labels, Value::Summary { sum, count })])
}

pub(super) fn untyped(name: &str, value: f64) -> Family {
    family(name, "Help.", Kind::Untyped, [series(&[], Value::Number(value))])
}

pub(super) fn classic(bounds: &[f64], counts: &[u64], sum: f64) -> Histogram {
    Histogram { bounds: bounds.into(), counts: counts.into(), sum, native: None }
}

pub(super) fn series(labels: &[(&str, &str)], value: Value) -> Series {
    let labels = labels.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect();
    Series { labels, value, created_ms: None }
}

/// A counter of each naming, a gauge, and a histogram with native buckets of observations 0, 1, 1 and 10.125.
pub(super) fn every_kind() -> Snapshot {
    let native = NativeHistogram { schema: 0, zero_count: 1, buckets: vec![(0, 2), (4, 1)] };
    let times = Histogram { native: Some(native), ..classic(&[0.005, 1.0, 10.0], &[1, 2, 0, 1], 12.125) };
    let mut requests = family(
        "alb_log_request_count_total",
        "Requests.",
        Kind::Counter,
        [
            series(&[("request_method", "GET"), ("status", "200")], Value::Number(5.0)),
            series(&[("request_method", "POST"), ("status", "200")], Value::Number(0.0)),
        ],
    );
    requests.series[0].created_ms = Some(1_795_430_400_250);
    let mut times = histogram("alb_log_request_time_seconds", &[("application", "shop")], times);
    times.help = "Time to answer.".into();
    times.series[0].created_ms = Some(1_795_430_400_000);
    let mut errors = counter("alb_log_elb_5xx", &[("status", "502")], 3.0);
    errors.help = "Errors of the load balancer.".into();
    let queue = family("weir_queue_bytes", "Bytes waiting.", Kind::Gauge, [gauge(&[], 1_048_576.0)]);
    snapshot([errors, requests, times, queue])
}
