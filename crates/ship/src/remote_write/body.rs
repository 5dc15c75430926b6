//! What one request carries, packed: the unit that is queued, sent, and cut when part of it is refused.
//!
//! A body is bounded in samples and bytes, so that a receiver's limit (Mimir: 100 MiB unpacked, many
//! proxies: 1 MiB packed) is never met, a retry repeats little, and one refused sample holds up few others.

use bytes::Bytes;
use prost::Message;

use super::message::{TimeSeries, WriteRequest};

/// The most samples in a body: some 0.5 MiB unpacked with usual labels, and what Prometheus itself is
/// advised to send at once lies between 500 and 10,000.
pub const BODY_SAMPLES_MAX: usize = 5_000;

/// The most bytes of a body before packing, but for a single series that has more.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// The most that a body may be unpacked to when it is read back, in bytes: one series alone may pass
/// [`BODY_BYTES_MAX`], and nothing of ours comes near this.
const UNPACKED_BYTES_MAX: usize = 64 << 20;

/// A `prometheus.WriteRequest`, packed with snappy's block format. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Body {
    packed: Bytes,
    samples: u64,
}

/// Bodies are what they are on the wire; one that was kept does not know how many samples it has.
impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.packed == other.packed
    }
}

impl Eq for Body {}

/// Why a body cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Not what snappy writes, or too large unpacked.
    #[error("a remote write body of {0} bytes cannot be unpacked; it was damaged where it was kept")]
    Packing(usize),
    /// Not the message.
    #[error("a remote write body cannot be decoded: {0}; it was damaged where it was kept")]
    Message(#[from] prost::DecodeError),
}

impl Body {
    /// A body from the bytes that [`Self::bytes`] gave; they are looked at only when it is decoded.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self { packed: bytes.into(), samples: 0 }
    }

    /// How many samples are in it; 0 for one from [`Self::from_bytes`], as nobody has looked into that.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// The packed bytes, as they go over the wire.
    pub fn bytes(&self) -> &Bytes {
        &self.packed
    }

    /// Packs series into one body, whatever their number.
    pub fn pack(timeseries: Vec<TimeSeries>) -> Self {
        let samples = timeseries.iter().map(|series| series.samples.len()).sum();
        Self::pack_message(&WriteRequest { timeseries }.encode_to_vec(), samples)
    }

    pub(super) fn pack_message(message: &[u8], samples: usize) -> Self {
        let packed = snap::raw::Encoder::new().compress_vec(message);
        // Snappy refuses nothing below 4 GiB, and a message is bounded far below it.
        let packed = packed.expect("a message has less than 4 GiB").into();
        Self { packed, samples: samples as u64 }
    }

    /// The series in the body.
    ///
    /// # Errors
    ///
    /// When the bytes are not what [`Self::bytes`] gave.
    pub fn decode(&self) -> Result<WriteRequest, BodyError> {
        let refused = || BodyError::Packing(self.packed.len());
        let length = snap::raw::decompress_len(&self.packed).map_err(|_| refused())?;
        if length > UNPACKED_BYTES_MAX {
            return Err(refused());
        }
        let message = snap::raw::Decoder::new().decompress_vec(&self.packed).map_err(|_| refused())?;
        Ok(WriteRequest::decode(message.as_slice())?)
    }
}

/// Gathers encoded series into bodies within the bounds.
#[derive(Default)]
pub(super) struct BodyWriter {
    bodies: Vec<Body>,
    message: Vec<u8>,
    samples: usize,
}

impl BodyWriter {
    /// Adds one series, encoded as an entry of [`WriteRequest::timeseries`] with its tag and length.
    pub fn push(&mut self, parts: &[&[u8]], samples: usize) {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let is_over =
            self.samples + samples > BODY_SAMPLES_MAX || self.message.len() + bytes > BODY_BYTES_MAX;
        if is_over {
            self.end_body();
        }
        parts.iter().for_each(|part| self.message.extend_from_slice(part));
        self.samples += samples;
    }

    /// All bodies, in the order of what was added.
    pub fn into_bodies(mut self) -> Vec<Body> {
        self.end_body();
        self.bodies
    }

    fn end_body(&mut self) {
        if self.samples > 0 {
            self.bodies.push(Body::pack_message(&self.message, self.samples));
        }
        self.message.clear();
        self.samples = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{Label, Sample};
    use super::*;
    use proptest::prelude::*;

    fn bodies_of(series: &[(usize, usize)]) -> Vec<usize> {
        let mut writer = BodyWriter::default();
        for (bytes, samples) in series {
            writer.push(&[&vec![7; bytes - 1], &[7]], *samples);
        }
        let unpacked = |body: &Body| snap::raw::decompress_len(body.bytes()).unwrap();
        writer.into_bodies().iter().map(unpacked).collect()
    }

    #[test]
    fn bodies_are_bounded_in_samples_and_bytes() {
        let check = |series: &[(usize, usize)], expected: &[usize]| assert_eq!(bodies_of(series), expected);
        check(&[], &[]);
        check(&[(10, 1), (10, 2)], &[20]);
        check(&[(10, 4_999), (10, 1)], &[20]);
        check(&[(10, 4_999), (10, 2), (10, 4_998)], &[10, 20]);
        check(&[(1 << 19, 1), (1 << 19, 1), (1, 1)], &[1 << 20, 1]);
        check(&[(5, 1), (1 << 21, 1), (5, 1)], &[5, 1 << 21, 5]);
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        let check = |bytes: &[u8], expected| {
            let error = Body::from_bytes(bytes.to_vec()).decode().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(b"", "cannot be unpacked");
        check(b"\xff\xff\xff\xff\x0f", "cannot be unpacked");
        check(b"\x05\x00a", "cannot be unpacked");
        check(Body::pack_message(b"\x0a\x07abc", 1).bytes(), "cannot be decoded");
    }

    fn any_series() -> impl Strategy<Value = TimeSeries> {
        let label = (".*", ".*").prop_map(|(name, value)| Label { name, value });
        // A NaN is not equal to itself; the golden bytes have one.
        let value = any::<f64>().prop_map(|value| if value.is_nan() { 0.5 } else { value });
        let sample = (value, any::<i64>()).prop_map(|(value, timestamp)| Sample { value, timestamp });
        let labels = prop::collection::vec(label, 0..4);
        (labels, prop::collection::vec(sample, 0..4))
            .prop_map(|(labels, samples)| TimeSeries { labels, samples })
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(series in prop::collection::vec(any_series(), 0..5)) {
            prop_assert_eq!(Body::pack(series.clone()).decode().unwrap().timeseries, series);
        }

        #[test]
        fn any_bytes_are_a_request_or_an_error(bytes: Vec<u8>) {
            let _ = Body::from_bytes(bytes).decode();
        }
    }
}
