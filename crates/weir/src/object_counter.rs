//! One object or file, counted whole in a meter of its own, as what is pushed of it.
//!
//! What `push` and `lambda` have in common. Each object is pushed by itself and under its own key, because a
//! gateway can only tell that it has an object already if a push is about that object and nothing else. The
//! meter is emptied, not made anew, for the next one.

use std::path::Path;

use weir_enrich::{Enricher, Scratch};
use weir_ingest::{ObjectError, ObjectLine, ObjectReader, Outcome, ReadLimits};
use weir_ledger::ObjectId;
use weir_meter::exposition::{self, Format as Exposition};
use weir_meter::{Family, Meter, MeterOptions, Snapshot, View};
use weir_record::Record;
use weir_ship::{GatewayTarget, PushError};

use crate::account::Account;
use crate::search::enriched_context;
use crate::shaping::Shaping;
use crate::tally::Tally;

/// The size of a push in bytes; what is more goes into further pushes. Half of what weir's own gateway takes
/// unless it is told otherwise, so that a few long labels do not make a push too large.
const PART_BYTES_MAX: usize = 4 << 20;

/// All pushes of one object in bytes; far more than an object of real traffic gives, and what is held in
/// memory until they are pushed.
const TEXT_BYTES_MAX: usize = 128 << 20;

/// Series that are written at once, between two looks at how large a push has become.
const SERIES_STEP: usize = 64;

/// Counts objects, one after the other.
pub struct ObjectCounter {
    reader: ObjectReader,
    scratch: Scratch,
    meter: Meter,
}

/// How a request's owner and route are told, and whether it is counted.
#[derive(Clone, Copy)]
pub struct Naming<'a> {
    /// Names services and routes.
    pub enricher: &'a Enricher,
    /// The source's name, for services that match on it.
    pub source: &'a str,
    /// Says which requests are left out.
    pub shaping: &'a Shaping,
}

/// There is too much to push.
#[derive(Debug, thiserror::Error)]
#[error(
    "its metrics are more than {TEXT_BYTES_MAX} bytes of text; give its services route patterns, or lower \
     metrics.max_series"
)]
pub struct TooMuchText;

impl ObjectCounter {
    /// A counter within these bounds.
    pub fn new(limits: ReadLimits, options: MeterOptions) -> Self {
        Self {
            reader: ObjectReader::with_text_hash(limits),
            scratch: Scratch::default(),
            meter: Meter::new(options),
        }
    }

    /// Counts what `read` hands on, and forgets what was counted before. `name` is what rejects are said of.
    ///
    /// # Errors
    ///
    /// As `read`; nothing is counted then, and `account` is as it was.
    pub fn count(
        &mut self,
        name: &Path,
        naming: Naming<'_>,
        account: &mut Account,
        read: impl FnOnce(&mut ObjectReader, &mut dyn FnMut(ObjectLine<'_, '_>)) -> Result<Outcome, ObjectError>,
    ) -> Result<Outcome, ObjectError> {
        let Self { reader, scratch, meter, .. } = self;
        meter.clear();
        let mut own = Account::default();
        let outcome = read(reader, &mut |line| match line {
            ObjectLine::Line(line) => match line.outcome {
                Ok(record @ Record::Request(request)) => {
                    let enriched = naming.enricher.enrich(naming.source, request, scratch);
                    let context = || enriched_context(line.context(naming.source), &enriched);
                    if let Some(why) = naming.shaping.dropped(record, context) {
                        return own.drop_record(why);
                    }
                    own.record(request.time);
                    Tally::observe(meter, request, &enriched);
                }
                Ok(Record::Event(_)) => own.events += 1,
                Err(reject) => own.reject(name, line.number, *reject),
            },
            ObjectLine::Long(number, reject) => own.reject(name, number, reject),
        });
        match &outcome {
            Ok(Outcome::Read { .. }) => own.files = 1,
            Ok(Outcome::Skipped(kind)) => *own.skipped.entry(*kind).or_default() += 1,
            Err(_) => {
                self.meter.clear();
                return outcome;
            }
        }
        account.merge(own);
        outcome
    }

    /// The hash of the text that was counted last.
    pub fn text_hash(&self) -> u128 {
        self.reader.text_hash()
    }

    /// What was counted, as texts to push, each valid by itself; none if no request was counted.
    ///
    /// The same requests under the same config give the same texts.
    ///
    /// # Errors
    ///
    /// When it is too much; see [`TooMuchText`].
    pub fn parts(&self) -> Result<Vec<Vec<u8>>, TooMuchText> {
        let mut parts = Parts::new(PART_BYTES_MAX);
        if self.meter.requests() == 0 {
            return Ok(parts.texts);
        }
        for family in self.meter.families(View::ALL) {
            parts.add(family);
            if parts.bytes > TEXT_BYTES_MAX {
                return Err(TooMuchText);
            }
        }
        Ok(parts.texts)
    }
}

/// Texts of bounded size.
struct Parts {
    texts: Vec<Vec<u8>>,
    bytes: usize,
    part_bytes_max: usize,
}

impl Parts {
    fn new(part_bytes_max: usize) -> Self {
        Self { texts: Vec::new(), bytes: 0, part_bytes_max }
    }

    /// Adds a family, a few series at a time. No text has a family twice, and none has half a series.
    fn add(&mut self, family: Family) {
        let Family { name, help, kind, mut series } = family;
        let mut is_open = false;
        let mut step = Snapshot { families: vec![Family { name, help, kind, series: Vec::new() }] };
        let mut text = Vec::new();
        while !series.is_empty() {
            let rest = series.split_off(SERIES_STEP.min(series.len()));
            step.families[0].series = std::mem::replace(&mut series, rest);
            text.clear();
            exposition::encode(&step, Exposition::Text, &mut text);
            let room = self.texts.last().map(|part| self.part_bytes_max.saturating_sub(part.len()));
            if room.is_none_or(|room| room < text.len()) {
                self.texts.push(Vec::new());
                is_open = false;
            }
            let added = if is_open { without_head(&text) } else { &text };
            self.bytes += added.len();
            if let Some(part) = self.texts.last_mut() {
                part.extend_from_slice(added);
            }
            is_open = true;
        }
    }
}

/// The samples of one family, without the comments before them.
fn without_head(mut text: &[u8]) -> &[u8] {
    while text.starts_with(b"#") {
        let end = text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |end| end + 1);
        text = &text[end..];
    }
    text
}

/// The idempotency key of an object's push.
///
/// `parts` name the object; `kind` keeps objects of a bucket and texts of files apart. A hash, since a key of a
/// bucket may be longer than a header and have any characters.
pub fn push_key(kind: &str, job: &str, parts: &[&str]) -> String {
    let mut all = vec!["weir push", kind, job];
    all.extend_from_slice(parts);
    let ObjectId(bytes) = ObjectId::of(&all);
    format!("weir-{kind}-{:032x}", u128::from_be_bytes(bytes))
}

/// Pushes the texts of one object in their order: the first under `key`, the others under keys made of it.
///
/// # Errors
///
/// The first push that fails; those before it have been counted, and count once if all are pushed again.
pub async fn push_parts(target: &GatewayTarget, parts: Vec<Vec<u8>>, key: &str) -> Result<(), PushError> {
    for (index, part) in parts.into_iter().enumerate() {
        match index {
            0 => target.push(part, Some(key)).await?,
            _ => target.push(part, Some(&format!("{key}-{}", index + 1))).await?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use weir_meter::{Kind, Series, Value};

    use super::*;

    fn family(name: &str, count: usize) -> Family {
        let series = |number: usize| Series {
            labels: [("path".into(), format!("/{number:03}").into())].into(),
            value: Value::Number(1.0),
            created_ms: None,
        };
        Family {
            name: name.into(),
            help: "What it is.".into(),
            kind: Kind::Counter,
            series: (0..count).map(series).collect(),
        }
    }

    fn parts(families: &[(&str, usize)], part_bytes_max: usize) -> Vec<String> {
        let mut parts = Parts::new(part_bytes_max);
        for (name, series) in families {
            parts.add(family(name, *series));
        }
        assert_eq!(parts.bytes, parts.texts.iter().map(Vec::len).sum::<usize>());
        parts.texts.into_iter().map(|text| String::from_utf8(text).unwrap()).collect()
    }

    #[test]
    fn a_family_has_one_head_in_each_text_and_every_series_is_in_one() {
        for (part_bytes_max, expected_parts) in [(usize::MAX, 1), (3_000, 5), (1, 7)] {
            let texts = parts(&[("a_total", 200), ("b_total", 150)], part_bytes_max);
            assert_eq!(texts.len(), expected_parts, "{part_bytes_max}");
            let mut samples = 0;
            for text in &texts {
                for name in ["a_total", "b_total"] {
                    let heads = text.matches(&format!("# TYPE {name} counter\n")).count();
                    let has_samples = text.contains(&format!("\n{name}{{"));
                    assert_eq!(heads, usize::from(has_samples), "{text}");
                }
                samples += text.lines().filter(|line| !line.starts_with('#')).count();
            }
            assert_eq!(samples, 350, "{part_bytes_max}");
        }
        assert!(parts(&[], 10).is_empty());
    }

    #[test]
    fn keys_are_of_the_job_and_the_object_and_fit_a_header() {
        let key = push_key("s3", "weir", &["bucket", "a/b.gz", "etag"]);
        assert!(key.starts_with("weir-s3-") && key.len() == 8 + 32, "{key}");
        let others = [
            push_key("s3", "other", &["bucket", "a/b.gz", "etag"]),
            push_key("text", "weir", &["bucket", "a/b.gz", "etag"]),
            push_key("s3", "weir", &["bucket", "a/b.gz", "etag2"]),
            push_key("s3", "weir", &["bucketa", "/b.gz", "etag"]),
        ];
        assert!(others.iter().all(|other| *other != key));
        assert_eq!(key, push_key("s3", "weir", &["bucket", "a/b.gz", "etag"]));
    }
}
