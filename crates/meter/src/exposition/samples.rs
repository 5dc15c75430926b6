//! The sample lines of a family, which text 0.0.4 and OpenMetrics share to the byte.
//!
//! A histogram's series is some 20 lines that differ in `le` and count alone, so what they have in common is
//! rendered once per series and copied, and the bounds' text once per family. Formatting each line from its
//! parts would spend most of a scrape on escaping the same label values.

use std::convert::Infallible;
use std::sync::Arc;

use super::{cumulative, number};
use crate::{Family, Histogram, Value};

/// Appends a line for each sample of `family`, in the order of its series; `flush` may take what there is
/// after each series.
pub(super) fn write<E>(
    family: &Family,
    out: &mut Vec<u8>,
    mut flush: impl FnMut(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut lines =
        Lines { name: &family.name, labels: Vec::new(), bucket: Vec::new(), bounds: BoundTexts::default() };
    for series in &family.series {
        lines.set_labels(&series.labels);
        match &series.value {
            Value::Number(value) => lines.number(out, "", *value),
            Value::Histogram(histogram) => lines.histogram(out, histogram),
            Value::Summary { sum, count } => lines.sum_and_count(out, *sum, *count),
        }
        flush(out)?;
    }
    Ok(())
}

/// As [`write()`], all of it to `out`.
pub(super) fn append(family: &Family, out: &mut Vec<u8>) {
    match write(family, out, |_| Ok::<(), Infallible>(())) {
        Ok(()) => {}
    }
}

/// Appends `text` with `\` and line ends escaped, and double quotes too where `quotes` says so.
pub(super) fn escape(out: &mut Vec<u8>, text: &str, quotes: Quotes) {
    for byte in text.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if quotes == Quotes::Escaped => out.extend_from_slice(b"\\\""),
            other => out.push(other),
        }
    }
}

/// What becomes of a double quote: in a label's value it would end it, in the help of text 0.0.4 it is plain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    Escaped,
    Plain,
}

/// The parts of lines that are used again: one value for a whole family, so its buffers are too.
struct Lines<'a> {
    name: &'a str,
    /// `a="x",b="y"` of the current series.
    labels: Vec<u8>,
    /// `name_bucket{a="x",b="y",le="` of the current series.
    bucket: Vec<u8>,
    bounds: BoundTexts,
}

impl Lines<'_> {
    fn set_labels(&mut self, labels: &[(Arc<str>, Arc<str>)]) {
        self.labels.clear();
        for (name, value) in labels {
            if !self.labels.is_empty() {
                self.labels.push(b',');
            }
            self.labels.extend_from_slice(name.as_bytes());
            self.labels.extend_from_slice(b"=\"");
            escape(&mut self.labels, value, Quotes::Escaped);
            self.labels.push(b'"');
        }
    }

    fn histogram(&mut self, out: &mut Vec<u8>, histogram: &Histogram) {
        self.buckets(out, histogram);
        self.sum_and_count(out, histogram.sum, histogram.count());
    }

    fn sum_and_count(&self, out: &mut Vec<u8>, sum: f64, count: u64) {
        self.number(out, "_sum", sum);
        self.start(out, "_count");
        number::integer(out, count);
        out.push(b'\n');
    }

    fn buckets(&mut self, out: &mut Vec<u8>, histogram: &Histogram) {
        self.bucket.clear();
        self.bucket.extend_from_slice(self.name.as_bytes());
        self.bucket.extend_from_slice(b"_bucket{");
        self.bucket.extend_from_slice(&self.labels);
        self.bucket.extend_from_slice(if self.labels.is_empty() { b"le=\"" } else { b",le=\"" });
        for (bound, count) in self.bounds.of(&histogram.bounds).iter().zip(cumulative(histogram)) {
            out.extend_from_slice(&self.bucket);
            out.extend_from_slice(bound);
            number::integer(out, count);
            out.push(b'\n');
        }
    }

    fn number(&self, out: &mut Vec<u8>, suffix: &str, value: f64) {
        self.start(out, suffix);
        number::value(out, value);
        out.push(b'\n');
    }

    /// Appends the line up to its value.
    fn start(&self, out: &mut Vec<u8>, suffix: &str) {
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(suffix.as_bytes());
        if !self.labels.is_empty() {
            out.push(b'{');
            out.extend_from_slice(&self.labels);
            out.push(b'}');
        }
        out.push(b' ');
    }
}

/// The text after `le="` for each bucket of the bounds seen last; a family's series share their bounds.
#[derive(Default)]
struct BoundTexts {
    bounds: Arc<[f64]>,
    texts: Vec<Vec<u8>>,
}

impl BoundTexts {
    /// One text for each of `bounds`, and one for `+Inf`.
    fn of(&mut self, bounds: &Arc<[f64]>) -> &[Vec<u8>] {
        if self.texts.is_empty() || !Arc::ptr_eq(&self.bounds, bounds) {
            self.texts = bounds.iter().copied().chain([f64::INFINITY]).map(bound_text).collect();
            self.bounds = Arc::clone(bounds);
        }
        &self.texts
    }
}

fn bound_text(bound: f64) -> Vec<u8> {
    let mut text = Vec::new();
    number::bound(&mut text, bound);
    text.extend_from_slice(b"\"} ");
    text
}
