//! A minute's steps as bodies, written straight into the wire format.
//!
//! A histogram is some thirty series that differ in `le` alone, and a full table is millions of samples a
//! minute: as messages with a `String` per label they would be a gigabyte. So a label set is encoded once
//! and copied. A test reads everything back through the declared messages and compares the bytes.

use std::sync::Arc;

use prost::encoding::encode_varint;
use weir_meter::{Histogram, LabelPairs, Value};

use super::STALE_MARKER_BITS;
use super::body::{Body, BodyWriter};
use super::bound_text::bound_text;
use super::changes::{SeriesChange, Step};
use super::message::Sample;
use super::publisher::MINUTE_MS;

const NAME: &str = "__name__";
const BOUND: &str = "le";

/// How long before a minute's end a series that ended in it is marked: 1 ms. Were the marker at the end
/// itself, a series that came back in the next minute could not begin there: one moment has one value.
const STALE_LEAD_MS: i64 = 1;

/// Tags of fields 1 and 2 with a length behind them, of a double in field 1, of a varint in field 2.
const FIELD_1_BYTES: u8 = 0x0a;
const FIELD_2_BYTES: u8 = 0x12;
const FIELD_1_DOUBLE: u8 = 0x09;
const FIELD_2_VARINT: u8 = 0x10;

/// The bodies of the minute that ends at `minute_end_ms`. `external_labels` are added to each series that has
/// no label of that name.
pub(super) fn encode_minute(
    changes: &[SeriesChange<'_>],
    minute_end_ms: i64,
    external_labels: &[(String, String)],
) -> Vec<Body> {
    let mut encoder = Encoder {
        minute_end_ms,
        labels: LabelBytes::default(),
        bounds: BoundLabels::default(),
        name: Vec::new(),
        samples: Vec::new(),
        lead: Vec::new(),
        writer: BodyWriter::default(),
    };
    for change in changes {
        encoder.change(change, external_labels);
    }
    encoder.writer.into_bodies()
}

struct Encoder {
    minute_end_ms: i64,
    labels: LabelBytes,
    bounds: BoundLabels,
    name: Vec<u8>,
    samples: Vec<u8>,
    lead: Vec<u8>,
    writer: BodyWriter,
}

impl Encoder {
    fn change(&mut self, change: &SeriesChange<'_>, external_labels: &[(String, String)]) {
        let (before, now, has_start) = match change.step {
            Step::Continued { before, now } => (Some(before), Some(now), false),
            Step::Begun { before, now } => (before, Some(now), change.counts_from_zero()),
            Step::Ended { before } => (Some(before), None, false),
        };
        let is_histogram = matches!(now.or(before), Some(Value::Histogram(_)));
        self.labels.set(change.labels, external_labels, is_histogram);
        let name = change.family.name.as_ref();
        match (now, before) {
            (Some(Value::Number(now)), before) => {
                self.point(name, "", has_start.then(|| number(before)), *now);
            }
            (Some(Value::Histogram(now)), before) => {
                self.histogram(name, before.and_then(as_histogram), now, has_start);
            }
            (Some(Value::Summary { sum, count }), before) => {
                let (before_sum, before_count) = summary(before);
                self.point(name, "_sum", has_start.then_some(before_sum), *sum);
                self.point(name, "_count", has_start.then_some(before_count), *count as f64);
                if let Some(before) = before.and_then(as_histogram).filter(|_| !has_start) {
                    self.end_buckets(name, before, |_| true);
                }
            }
            (None, Some(Value::Number(_))) => self.end(name, "", &[]),
            (None, Some(Value::Histogram(before))) => {
                self.end_buckets(name, before, |_| true);
                self.end_sum_and_count(name);
            }
            (None, Some(Value::Summary { .. })) => self.end_sum_and_count(name),
            (None, None) => {}
        }
    }

    /// A bucket that the histogram did not have begins from what the others say of it: the observations up
    /// to the next smaller bound. From 0 it would be an increase by all that was ever counted.
    fn histogram(&mut self, name: &str, before: Option<&Histogram>, now: &Histogram, has_start: bool) {
        let is_same = before.is_some_and(|before| before.bounds == now.bounds);
        let mut count = 0;
        let bounds = now.bounds.iter().copied().chain([f64::INFINITY]);
        for (position, (bound, own)) in bounds.zip(&now.counts).enumerate() {
            count += own;
            let is_new = !is_same && before.is_none_or(|before| !has_bound(before, bound));
            let first =
                (has_start || is_new).then(|| before.map_or(0, |before| count_up_to(before, bound)) as f64);
            self.name_label(name, "_bucket");
            self.samples(first, count as f64);
            let bound = self.bounds.label(&now.bounds, position);
            write(&mut self.writer, &mut self.lead, &self.labels.parts(&self.name, bound), &self.samples);
        }
        let first = |value: fn(&Histogram) -> f64| has_start.then(|| before.map_or(0.0, value));
        self.point(name, "_sum", first(|histogram| histogram.sum), now.sum);
        self.point(name, "_count", first(|histogram| histogram.count() as f64), now.count() as f64);
        if let Some(before) = before.filter(|_| !is_same && !has_start) {
            self.end_buckets(name, before, |bound| !has_bound(now, bound));
        }
    }

    fn end_sum_and_count(&mut self, name: &str) {
        self.end(name, "_sum", &[]);
        self.end(name, "_count", &[]);
    }

    fn end_buckets(&mut self, name: &str, before: &Histogram, is_ended: impl Fn(f64) -> bool) {
        let bounds = before.bounds.iter().copied().chain([f64::INFINITY]);
        for (position, _) in bounds.enumerate().filter(|(_, bound)| is_ended(*bound)) {
            let bound = self.bounds.label(&before.bounds, position).to_vec();
            self.end(name, "_bucket", &bound);
        }
    }

    /// One value at the minute's end, and `first` a minute earlier.
    fn point(&mut self, name: &str, suffix: &str, first: Option<f64>, now: f64) {
        self.name_label(name, suffix);
        self.samples(first, now);
        write(&mut self.writer, &mut self.lead, &self.labels.parts(&self.name, &[]), &self.samples);
    }

    fn end(&mut self, name: &str, suffix: &str, bound: &[u8]) {
        self.name_label(name, suffix);
        self.samples.clear();
        let timestamp = self.minute_end_ms - STALE_LEAD_MS;
        push_sample(&mut self.samples, Sample { value: f64::from_bits(STALE_MARKER_BITS), timestamp });
        write(&mut self.writer, &mut self.lead, &self.labels.parts(&self.name, bound), &self.samples);
    }

    fn samples(&mut self, first: Option<f64>, now: f64) {
        self.samples.clear();
        if let Some(value) = first {
            push_sample(&mut self.samples, Sample { value, timestamp: self.minute_end_ms - MINUTE_MS });
        }
        push_sample(&mut self.samples, Sample { value: now, timestamp: self.minute_end_ms });
    }

    fn name_label(&mut self, name: &str, suffix: &str) {
        self.name.clear();
        push_label(&mut self.name, NAME, &[name, suffix]);
    }
}

fn number(value: Option<&Value>) -> f64 {
    if let Some(Value::Number(number)) = value { *number } else { 0.0 }
}

/// Sum and count.
fn summary(value: Option<&Value>) -> (f64, f64) {
    match value {
        Some(Value::Summary { sum, count }) => (*sum, *count as f64),
        Some(Value::Histogram(histogram)) => (histogram.sum, histogram.count() as f64),
        Some(Value::Number(_)) | None => (0.0, 0.0),
    }
}

fn as_histogram(value: &Value) -> Option<&Histogram> {
    if let Value::Histogram(histogram) = value { Some(histogram) } else { None }
}

fn has_bound(histogram: &Histogram, bound: f64) -> bool {
    bound == f64::INFINITY || histogram.bounds.contains(&bound)
}

/// Observations known to be at most `bound`.
fn count_up_to(histogram: &Histogram, bound: f64) -> u64 {
    let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
    bounds.zip(&histogram.counts).take_while(|(own, _)| *own <= bound).map(|(_, count)| count).sum()
}

/// Adds an entry of `WriteRequest::timeseries` made of `labels` and `samples`.
fn write(writer: &mut BodyWriter, lead: &mut Vec<u8>, labels: &[&[u8]; 5], samples: &[u8]) {
    let length: usize = labels.iter().map(|part| part.len()).sum::<usize>() + samples.len();
    lead.clear();
    lead.push(FIELD_1_BYTES);
    encode_varint(length as u64, lead);
    let [a, b, c, d, e] = *labels;
    writer.push(&[lead, a, b, c, d, e, samples], sample_count(samples));
}

/// The number of encoded samples. One is at least 4 bytes, and its length is one byte, at most 20.
fn sample_count(mut samples: &[u8]) -> usize {
    let mut count = 0;
    while let [_, length, rest @ ..] = samples {
        samples = rest.get(usize::from(*length)..).unwrap_or_default();
        count += 1;
    }
    count
}

fn push_sample(out: &mut Vec<u8>, sample: Sample) {
    let start = out.len();
    out.extend([FIELD_2_BYTES, 0]);
    // What is 0 is left out, as proto3 has it.
    if sample.value != 0.0 {
        out.push(FIELD_1_DOUBLE);
        out.extend(sample.value.to_le_bytes());
    }
    if sample.timestamp != 0 {
        out.push(FIELD_2_VARINT);
        // Negative numbers are 10 bytes: a varint of their two's complement.
        encode_varint(sample.timestamp as u64, out);
    }
    out[start + 1] = (out.len() - start - 2) as u8;
}

/// Adds an entry of `TimeSeries::labels`; the value is its parts joined.
fn push_label(out: &mut Vec<u8>, name: &str, value: &[&str]) {
    let value_length: usize = value.iter().map(|part| part.len()).sum();
    let length = string_length(name.len()) + string_length(value_length);
    out.push(FIELD_1_BYTES);
    encode_varint(length as u64, out);
    out.push(FIELD_1_BYTES);
    encode_varint(name.len() as u64, out);
    out.extend_from_slice(name.as_bytes());
    out.push(FIELD_2_BYTES);
    encode_varint(value_length as u64, out);
    value.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

/// Bytes of a string field with its tag and length.
fn string_length(length: usize) -> usize {
    1 + prost::encoding::encoded_len_varint(length as u64) + length
}

/// The encoded labels of a series, in three parts around `__name__` and `le`, since names are sorted.
#[derive(Default)]
struct LabelBytes {
    before_name: Vec<u8>,
    between: Vec<u8>,
    after_bound: Vec<u8>,
}

impl LabelBytes {
    fn set(&mut self, labels: &LabelPairs, external: &[(String, String)], is_histogram: bool) {
        let own = labels.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        let is_own = |name: &str| labels.iter().any(|(own, _)| own.as_ref() == name);
        let external = external.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut all: Vec<(&str, &str)> = own.chain(external.filter(|(name, _)| !is_own(name))).collect();
        all.retain(|(name, value)| !value.is_empty() && *name != NAME && !(is_histogram && *name == BOUND));
        all.sort_unstable();
        all.dedup_by_key(|(name, _)| *name);
        [&mut self.before_name, &mut self.between, &mut self.after_bound].into_iter().for_each(Vec::clear);
        for (name, value) in all {
            let part = match name {
                name if name < NAME => &mut self.before_name,
                name if name < BOUND => &mut self.between,
                _ => &mut self.after_bound,
            };
            push_label(part, name, &[value]);
        }
    }

    /// All labels, with those of the metric's name and the bound between them.
    fn parts<'a>(&'a self, name: &'a [u8], bound: &'a [u8]) -> [&'a [u8]; 5] {
        [&self.before_name, name, &self.between, bound, &self.after_bound]
    }
}

/// The encoded `le` labels of the bounds last asked for; a family's series share theirs.
#[derive(Default)]
struct BoundLabels {
    bounds: Option<Arc<[f64]>>,
    labels: Vec<Vec<u8>>,
}

impl BoundLabels {
    /// The label of the bound at `position`; behind the last is `+Inf`.
    fn label(&mut self, bounds: &Arc<[f64]>, position: usize) -> &[u8] {
        if !self.bounds.as_ref().is_some_and(|own| Arc::ptr_eq(own, bounds)) {
            self.bounds = Some(bounds.clone());
            let all = bounds.iter().copied().chain([f64::INFINITY]);
            self.labels = all.map(bound_label).collect();
        }
        self.labels.get(position).map_or(&[], Vec::as_slice)
    }
}

fn bound_label(bound: f64) -> Vec<u8> {
    let mut label = Vec::new();
    push_label(&mut label, BOUND, &[&bound_text(bound)]);
    label
}
