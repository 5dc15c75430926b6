//! A push in protobuf. Field numbers are those of Loki's `pkg/push/push.proto`.
//!
//! Fields may come in any order, and the labels are needed before the first entry, so each stream is walked twice;
//! bytes that are passed over cost nothing beside those that are copied.

use super::super::json_line::{JsonLine, lossy};
use super::super::wire::{Fields, NotProtobuf, Wire};
use super::super::{DecodeError, Messages};
use super::{finish, label_name, labels};

/// `PushRequest`: `repeated StreamAdapter streams = 1`.
pub(super) fn push(body: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    for field in Fields::of(body) {
        if let (1, Wire::Bytes(stream)) = field? {
            self::stream(stream, messages)?;
        }
    }
    Ok(())
}

/// `string labels = 1; repeated EntryAdapter entries = 2`.
fn stream(stream: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    let mut line = JsonLine::new();
    for field in Fields::of(stream) {
        if let (1, Wire::Bytes(text)) = field? {
            labels::parse(&lossy(text), |name, value| line.text(&label_name(name.into()), value))?;
        }
    }
    for field in Fields::of(stream) {
        if let (2, Wire::Bytes(entry)) = field? {
            messages.push_line(self::entry(entry, line.members())?)?;
        }
    }
    Ok(())
}

/// `Timestamp timestamp = 1; string line = 2; repeated LabelPairAdapter structuredMetadata = 3`.
fn entry(entry: &[u8], members: &str) -> Result<Vec<u8>, NotProtobuf> {
    let mut line = JsonLine::with_members(members);
    let (mut time, mut text) = (None, &[] as &[u8]);
    for field in Fields::of(entry) {
        match field? {
            (1, Wire::Bytes(timestamp)) => time = nanos(timestamp)?,
            (2, Wire::Bytes(line)) => text = line,
            (3, Wire::Bytes(pair)) => {
                let (name, value) = label_pair(pair)?;
                line.text(&label_name(lossy(name)), &lossy(value));
            }
            _ => {}
        }
    }
    Ok(finish(line, time, &lossy(text)))
}

/// `google.protobuf.Timestamp`: `int64 seconds = 1; int32 nanos = 2`. What is before 1970 is no time of a log.
fn nanos(timestamp: &[u8]) -> Result<Option<u64>, NotProtobuf> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::of(timestamp) {
        match field? {
            (1, Wire::Varint(value)) => seconds = value,
            (2, Wire::Varint(value)) => nanos = value,
            _ => {}
        }
    }
    let time = seconds.checked_mul(1_000_000_000).and_then(|time| time.checked_add(nanos));
    Ok(time.filter(|_| i64::try_from(seconds).is_ok() && nanos < 1_000_000_000))
}

/// `string name = 1; string value = 2`.
fn label_pair(pair: &[u8]) -> Result<(&[u8], &[u8]), NotProtobuf> {
    let mut found = (&[] as &[u8], &[] as &[u8]);
    for field in Fields::of(pair) {
        match field? {
            (1, Wire::Bytes(name)) => found.0 = name,
            (2, Wire::Bytes(value)) => found.1 = value,
            _ => {}
        }
    }
    Ok(found)
}
