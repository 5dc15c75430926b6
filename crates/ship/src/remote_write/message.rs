//! The messages of `prometheus.WriteRequest`, as far as 1.0 has them.
//!
//! Declared by hand, not generated: eight fields that will not change are less to carry than `protoc` in
//! every build. The tags are those of Prometheus' `prompb/types.proto` and `remote.proto`; a test pins them
//! as bytes. A minute is not written through these (see `encoder`), but what a receiver refused is read and
//! cut with them.

/// What one request carries.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteRequest {
    /// The series.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
}

/// One label set and its samples.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TimeSeries {
    /// Sorted by name, the metric's name among them as `__name__`; no name twice, no empty value.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// In rising order of time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
}

/// A label's name and value.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Label {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A value at a moment.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Sample {
    /// The value; a `NaN` of [`super::STALE_MARKER_BITS`] ends the series.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since the epoch.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    /// Decoding with these declarations cannot show that a tag or a wire type is wrong; their bytes can.
    #[test]
    fn a_request_has_the_bytes_of_remote_proto() {
        let label = |name: &str, value: &str| Label { name: name.to_owned(), value: value.to_owned() };
        let request = WriteRequest {
            timeseries: vec![TimeSeries {
                labels: vec![label("__name__", "up"), label("a", "b")],
                samples: vec![
                    Sample { value: 1.0, timestamp: 300 },
                    Sample { value: f64::from_bits(super::super::STALE_MARKER_BITS), timestamp: 301 },
                ],
            }],
        };
        let expected: [&[u8]; 9] = [
            b"\x0a\x34",                             // 1 timeseries, 52 bytes
            b"\x0a\x0e\x0a\x08__name__\x12\x02up",   // its 1 label: 1 name, 2 value
            b"\x0a\x06\x0a\x01a\x12\x01b",           // its 1 label
            b"\x12\x0c",                             // its 2 sample, 12 bytes
            b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f", // 1 value, a double
            b"\x10\xac\x02",                         // 2 timestamp, a varint
            b"\x12\x0c",
            b"\x09\x02\x00\x00\x00\x00\x00\xf0\x7f", // the stale marker
            b"\x10\xad\x02",
        ];
        assert_eq!(request.encode_to_vec(), expected.concat());
    }
}
