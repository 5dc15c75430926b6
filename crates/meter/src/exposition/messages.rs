//! The messages of `io.prometheus.client`, as far as we write them.
//!
//! Declared by hand, not generated: a dozen fields that have not changed in years are less to carry than
//! `protoc` in every build. The tags are those of client_model's `io/prometheus/client/metrics.proto`
//! (<https://github.com/prometheus/client_model>), and a test pins them as bytes.

/// All metrics of one name.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MetricFamily {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub help: Option<String>,
    #[prost(enumeration = "MetricType", optional, tag = "3")]
    pub r#type: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    pub metric: Vec<Metric>,
    /// Old readers do not know it; Prometheus 3 checks that `name` (without `_total`) ends with it.
    #[prost(string, optional, tag = "5")]
    pub unit: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum MetricType {
    Counter = 0,
    Gauge = 1,
    Summary = 2,
    Untyped = 3,
    Histogram = 4,
}

/// One label set and the value of its family's type.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Metric {
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    pub gauge: Option<Gauge>,
    #[prost(message, optional, tag = "3")]
    pub counter: Option<Counter>,
    #[prost(message, optional, tag = "4")]
    pub summary: Option<Summary>,
    #[prost(message, optional, tag = "5")]
    pub untyped: Option<Untyped>,
    #[prost(message, optional, tag = "7")]
    pub histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LabelPair {
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Gauge {
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Counter {
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
    #[prost(message, optional, tag = "3")]
    pub created_timestamp: Option<Timestamp>,
}

/// Its quantiles are left out: those of two summaries make none of both.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Summary {
    #[prost(uint64, optional, tag = "1")]
    pub sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub sample_sum: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Untyped {
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
}

/// Classic buckets, and native ones where `schema` is there.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    pub sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    pub sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    pub bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    pub schema: Option<i32>,
    /// Half the width of the zero bucket.
    #[prost(double, optional, tag = "6")]
    pub zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    pub zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    pub positive_span: Vec<BucketSpan>,
    /// Each native bucket's count less the count of the one before it.
    #[prost(sint64, repeated, tag = "13")]
    pub positive_delta: Vec<i64>,
    #[prost(message, optional, tag = "15")]
    pub created_timestamp: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    pub cumulative_count: Option<u64>,
    /// Inclusive.
    #[prost(double, optional, tag = "2")]
    pub upper_bound: Option<f64>,
}

/// A run of consecutive native buckets.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct BucketSpan {
    /// The first bucket's index in the first span, later the gap after the span before.
    #[prost(sint32, optional, tag = "1")]
    pub offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    pub length: Option<u32>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(super) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Decoding with these declarations cannot show that a tag or a wire type is wrong; their bytes can.
#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    fn check(message: &impl Message, expected: &[&[u8]]) {
        assert_eq!(message.encode_to_vec(), expected.concat());
    }

    #[test]
    fn a_family_has_the_bytes_of_metrics_proto() {
        let family = MetricFamily {
            name: Some("a_bytes".to_string()),
            help: Some("Help.".to_string()),
            r#type: Some(MetricType::Gauge.into()),
            metric: vec![Metric { gauge: Some(Gauge { value: Some(1.0) }), ..Default::default() }],
            unit: Some("bytes".to_string()),
        };
        check(
            &family,
            &[
                b"\x0a\x07a_bytes",                      // 1 name
                b"\x12\x05Help.",                        // 2 help
                b"\x18\x01",                             // 3 type
                b"\x22\x0b\x12\x09",                     // 4 metric, its 2 gauge
                b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f", // its 1 value, a double
                b"\x2a\x05bytes",                        // 5 unit
            ],
        );
    }

    #[test]
    fn a_counter_has_the_bytes_of_metrics_proto() {
        let created_timestamp = Some(Timestamp { seconds: 1, nanos: 500_000_000 });
        let label = LabelPair { name: Some("b".to_string()), value: Some("c".to_string()) };
        let counter = Some(Counter { value: Some(1.0), created_timestamp });
        check(
            &Metric { label: vec![label], counter, ..Default::default() },
            &[
                b"\x0a\x06\x0a\x01b\x12\x01c",               // 1 label: 1 name, 2 value
                b"\x1a\x13",                                 // 3 counter
                b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f",     // its 1 value
                b"\x1a\x08\x08\x01\x10\x80\xca\xb5\xee\x01", // its 3 created: 1 seconds, 2 nanos
            ],
        );
    }

    #[test]
    fn a_summary_and_an_untyped_number_have_the_bytes_of_metrics_proto() {
        let summary = Some(Summary { sample_count: Some(4), sample_sum: Some(1.0) });
        let untyped = Some(Untyped { value: Some(1.0) });
        check(
            &Metric { summary, untyped, ..Default::default() },
            &[
                b"\x22\x0b\x08\x04",                     // 4 summary: 1 sample count
                b"\x11\x00\x00\x00\x00\x00\x00\xf0\x3f", // 2 sum
                b"\x2a\x09",                             // 5 untyped
                b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f", // its 1 value
            ],
        );
    }

    #[test]
    fn a_histogram_has_the_bytes_of_metrics_proto() {
        let span = |offset| BucketSpan { offset: Some(offset), length: Some(1) };
        let histogram = Histogram {
            sample_count: Some(4),
            sample_sum: Some(1.0),
            bucket: vec![Bucket { cumulative_count: Some(3), upper_bound: Some(1.0) }],
            schema: Some(-1),
            zero_threshold: Some(1.0),
            zero_count: Some(1),
            positive_span: vec![span(-2), span(3)],
            positive_delta: vec![2, -1],
            created_timestamp: Some(Timestamp { seconds: 1, nanos: 0 }),
        };
        check(
            &Metric { histogram: Some(histogram), ..Default::default() },
            &[
                b"\x3a\x39",                                             // 7 histogram
                b"\x08\x04",                                             // 1 sample count
                b"\x11\x00\x00\x00\x00\x00\x00\xf0\x3f",                 // 2 sum
                b"\x1a\x0b\x08\x03\x11\x00\x00\x00\x00\x00\x00\xf0\x3f", // 3 bucket: 1 count, 2 bound
                b"\x28\x01",                                             // 5 schema, zigzag
                b"\x31\x00\x00\x00\x00\x00\x00\xf0\x3f",                 // 6 zero threshold
                b"\x38\x01",                                             // 7 zero count
                b"\x62\x04\x08\x03\x10\x01\x62\x04\x08\x06\x10\x01", // 12 spans: 1 offset, zigzag; 2 length
                b"\x6a\x02\x04\x01",                                 // 13 deltas, packed
                b"\x7a\x02\x08\x01",                                 // 15 created
            ],
        );
    }
}
