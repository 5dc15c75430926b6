//! Pushes as delimited protobuf (`io.prometheus.client.MetricFamily`).
//!
//! The wire is walked here, field by field, and no message is built: an empty metric is two bytes on the
//! wire and some 300 in memory as a decoded message, so a body within its limit could fill a machine. What
//! the fields mean is pinned by tests against the messages that our scrapes are written with.

use std::borrow::Cow;

use super::builder::{Label, Part, PushBuilder};
use super::grouping::{check_label_name, check_metric_name, shown};
use super::{Grouping, Problem, Push, PushError};
use crate::Kind;

/// Reads a body; see [`Push::parse`].
pub(super) fn parse(body: &[u8], grouping: &Grouping) -> Result<Push, PushError> {
    let mut builder = PushBuilder::new(grouping, body.len());
    let mut rest = body;
    while !rest.is_empty() {
        let damaged = || PushError::Protobuf { family: String::new(), problem: Problem::Protobuf };
        let message = bytes(&mut rest).ok_or_else(damaged)?;
        let head =
            Head::read(message).map_err(|problem| PushError::Protobuf { family: String::new(), problem })?;
        family(&mut builder, &head, message)
            .map_err(|problem| PushError::Protobuf { family: shown(head.name), problem })?;
    }
    let error = |(_, problem)| PushError::Protobuf { family: String::new(), problem };
    builder.finish().map_err(error)
}

/// A family without its metrics.
struct Head<'b> {
    name: &'b str,
    help: &'b str,
    kind: u64,
}

impl<'b> Head<'b> {
    fn read(message: &'b [u8]) -> Result<Self, Problem> {
        let mut head = Head { name: "", help: "", kind: 0 };
        for field in Fields(message) {
            match field? {
                (1, Field::Bytes(name)) => head.name = text(name)?,
                (2, Field::Bytes(help)) => head.help = text(help)?,
                (3, Field::Number(kind)) => head.kind = kind,
                _ => {}
            }
        }
        Ok(head)
    }
}

fn family<'b>(builder: &mut PushBuilder<'b>, head: &Head<'b>, message: &'b [u8]) -> Result<(), Problem> {
    check_metric_name(head.name)?;
    if builder.family_named(head.name).is_some() {
        return Err(Problem::DeclaredTwice { keyword: "family", name: head.name.to_owned() });
    }
    let kind = match head.kind {
        0 => Kind::Counter,
        1 => Kind::Gauge,
        2 => Kind::Summary,
        3 => Kind::Untyped,
        4 => Kind::Histogram,
        5 => return Err(Problem::Type("gauge histogram".to_owned())),
        other => return Err(Problem::Type(other.to_string())),
    };
    let family = builder.new_family(Cow::Borrowed(head.name))?;
    builder.families[family].help = Some(Cow::Borrowed(head.help));
    builder.families[family].kind = Some(kind);
    for field in Fields(message) {
        if let (4, Field::Bytes(metric)) = field? {
            self::metric(builder, family, kind, metric)?;
        }
    }
    Ok(())
}

/// The number of a metric's field that has the value of a kind.
fn value_field(kind: Kind) -> u64 {
    match kind {
        Kind::Gauge => 2,
        Kind::Counter => 3,
        Kind::Summary => 4,
        Kind::Untyped => 5,
        Kind::Histogram => 7,
    }
}

fn metric<'b>(
    builder: &mut PushBuilder<'b>,
    family: usize,
    kind: Kind,
    message: &'b [u8],
) -> Result<(), Problem> {
    let mut value = None;
    let mut samples = Samples { builder, family, message };
    for field in Fields(message) {
        match field? {
            (number, Field::Bytes(bytes)) if number == value_field(kind) => value = Some(bytes),
            _ => {}
        }
    }
    let value = value.ok_or(Problem::Expected("a value of the family's type"))?;
    match kind {
        Kind::Counter | Kind::Gauge | Kind::Untyped => {
            let mut number = 0.0;
            for field in Fields(value) {
                if let (1, Field::Double(value)) = field? {
                    number = value;
                }
            }
            samples.add(Part::Value, None, number)
        }
        Kind::Summary => {
            let (mut count, mut sum) = (0, 0.0);
            for field in Fields(value) {
                match field? {
                    (1, Field::Number(number)) => count = number,
                    (2, Field::Double(number)) => sum = number,
                    _ => {}
                }
            }
            samples.add(Part::Count, None, count as f64)?;
            samples.add(Part::Sum, None, sum)
        }
        Kind::Histogram => histogram(&mut samples, value),
    }
}

fn histogram(samples: &mut Samples<'_, '_>, message: &[u8]) -> Result<(), Problem> {
    let (mut has_classic, mut has_native, mut count, mut sum) = (false, false, 0, 0.0);
    for field in Fields(message) {
        match field? {
            (1, Field::Number(number)) => count = number,
            (2, Field::Double(number)) => sum = number,
            (3, Field::Bytes(bucket)) => {
                has_classic = true;
                self::bucket(samples, bucket)?;
            }
            (4, Field::Double(number)) if number != 0.0 => return Err(Problem::FloatHistogram),
            // The schema, and spans, deltas and counts of both signs.
            (5 | 9..=14, _) => has_native = true,
            _ => {}
        }
    }
    if has_native && !has_classic {
        return Err(Problem::NativeOnly);
    }
    samples.add(Part::Count, None, count as f64)?;
    samples.add(Part::Sum, None, sum)
}

fn bucket(samples: &mut Samples<'_, '_>, message: &[u8]) -> Result<(), Problem> {
    let (mut count, mut bound) = (0, 0.0_f64);
    for field in Fields(message) {
        match field? {
            (1, Field::Number(number)) => count = number,
            (2, Field::Double(number)) => bound = number,
            (4, Field::Double(number)) if number != 0.0 => return Err(Problem::FloatHistogram),
            _ => {}
        }
    }
    if bound.is_nan() {
        return Err(Problem::Number("NaN".to_owned()));
    }
    samples.add(Part::Bucket, Some(bound), count as f64)
}

/// Gives the samples of one metric, each with its labels.
struct Samples<'p, 'b> {
    builder: &'p mut PushBuilder<'b>,
    family: usize,
    message: &'b [u8],
}

impl Samples<'_, '_> {
    fn add(&mut self, part: Part, bound: Option<f64>, value: f64) -> Result<(), Problem> {
        for field in Fields(self.message) {
            if let (1, Field::Bytes(pair)) = field? {
                let (mut name, mut value) = ("", "");
                for field in Fields(pair) {
                    match field? {
                        (1, Field::Bytes(bytes)) => name = text(bytes)?,
                        (2, Field::Bytes(bytes)) => value = text(bytes)?,
                        _ => {}
                    }
                }
                check_label_name(name)?;
                self.builder.labels.push(Label { name, value: value.into(), is_url: false });
            }
        }
        self.builder.add(self.family, part, bound, value, 0)
    }
}

/// A field's value as the wire has it.
enum Field<'b> {
    Number(u64),
    Double(f64),
    Bytes(&'b [u8]),
    /// 32 bits, of which these messages have none.
    Other,
}

/// The fields of a message: number and value.
struct Fields<'b>(&'b [u8]);

impl<'b> Iterator for Fields<'b> {
    type Item = Result<(u64, Field<'b>), Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = field(&mut self.0);
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Problem::Protobuf))
    }
}

fn field<'b>(rest: &mut &'b [u8]) -> Option<(u64, Field<'b>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Field::Number(varint(rest)?),
        1 => Field::Double(f64::from_le_bytes(rest.split_off(..8)?.try_into().ok()?)),
        2 => Field::Bytes(bytes(rest)?),
        5 => {
            rest.split_off(..4)?;
            Field::Other
        }
        // Groups, which these messages never had.
        _ => return None,
    };
    Some((key >> 3, value))
}

fn bytes<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(varint(rest)?).ok()?;
    rest.split_off(..length)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    str::from_utf8(bytes).map_err(|_| Problem::NotUtf8)
}
