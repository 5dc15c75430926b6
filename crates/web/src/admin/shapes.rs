//! The JSON of sources, rejects and backfills, as it stands on the wire.
//!
//! Both ends are ours: the server writes it and `weir rejects` and `weir backfill` read it, so each shape stands
//! here once and is read and written by the same definition. Fields may be added; none is renamed or removed.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// What is known of all sources.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SourcesStatus {
    /// One row per source, by name.
    pub sources: Vec<SourceStatus>,
    /// The moment up to which all of them are complete, in RFC 3339; `None` before that is known of each.
    pub complete_to: Option<String>,
    /// Rejects that are kept.
    pub rejects_kept: u64,
    /// The room that they take, in bytes.
    pub rejects_kept_bytes: u64,
}

/// What came of a source and what became of it. Counts never go down; times are RFC 3339.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its name in the config.
    pub name: String,
    /// Where its lines are: `files`, `sqs`, `s3`, or `backfill` where only backfills bring some.
    pub kind: String,
    /// Lines and messages: `stored`, all of `rejected` and all of `dropped`.
    pub received: u64,
    /// Records that are counted.
    pub stored: u64,
    /// Lines that are no records, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Messages that are neither, by cause.
    #[serde(default)]
    pub dropped: BTreeMap<String, u64>,
    /// What became of the datagrams sent to it, since the start of the server, where it listens for any.
    pub datagrams: Option<DatagramsStatus>,
    /// Rejects that were counted and not kept, for want of room.
    pub rejects_not_kept: u64,
    /// Lines that were rejected once and are among `stored` since they were replayed.
    pub replayed: u64,
    /// Records of minutes that had been taken as complete.
    pub late: u64,
    /// Records too old or too far ahead to be in a minute.
    pub implausible: u64,
    /// Objects that were counted.
    pub objects: u64,
    /// Objects that came again.
    pub duplicates: u64,
    /// Objects that hold no requests, by kind.
    pub skipped: BTreeMap<String, u64>,
    /// Attempts at an object that failed, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Messages and objects that were given up and kept as rejects, by reason.
    pub given_up: BTreeMap<String, u64>,
    /// The time of the youngest record.
    pub last_record: Option<String>,
    /// Up to when it is complete.
    pub complete_to: Option<String>,
    /// How long ago that is, in seconds.
    pub lag_seconds: Option<f64>,
    /// The nodes of its load balancers that were heard of within a day, by name.
    pub nodes: Vec<NodeStatus>,
    /// The first minute that no remote write has published, where one has this source.
    pub first_unpublished: Option<String>,
}

/// What became of datagrams.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DatagramsStatus {
    /// Those that were read.
    pub read: u64,
    /// Those that were not, by cause.
    pub dropped: BTreeMap<String, u64>,
}

/// A node of a load balancer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its address.
    pub node: String,
    /// The end of the last interval that it delivered.
    pub interval_end: String,
    /// When that came.
    pub heard_at: String,
    /// Nothing came from it for 15 minutes.
    pub is_silent: bool,
}

/// `GET /api/line`: the line that a record came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineQuery {
    /// The record's `_id`.
    pub id: String,
}

/// The line that a record came from, without what may not be kept of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineAnswer {
    /// The line; `None` where nobody has it any more.
    pub line: Option<String>,
    /// Whether the store has it; else it was read again.
    pub is_kept: bool,
    /// The file or object in which it is: another name than the record's where it was rotated.
    pub origin: String,
    /// Why there is none.
    pub why_not: Option<String>,
}

/// Which rejects to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RejectsQuery {
    /// Only those with ids above this one.
    pub after: Option<u64>,
    /// At most so many; 100 by default.
    pub limit: Option<usize>,
    /// Only of this source.
    pub source: Option<String>,
    /// Only with this reason.
    pub reason: Option<String>,
}

/// Rejects in the order in which they came.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RejectsPage {
    /// The rows.
    pub rejects: Vec<RejectRow>,
    /// The value of `after` that goes on behind this page; `None` at the end.
    pub next: Option<u64>,
    /// Rejects that are kept, whatever was asked for.
    pub kept: u64,
}

/// A reject in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectRow {
    /// Its id, from 1, which is never given again.
    pub id: u64,
    /// The source's name.
    pub source: String,
    /// The file, the object or the message that it came from.
    pub origin: String,
    /// Its line there, from 1; 0 for a whole object or message.
    pub line: u64,
    /// The byte at which it went wrong, from 1; 0 for all of it.
    pub column: u32,
    /// Why it is a reject.
    pub reason: String,
    /// When it was read, in RFC 3339.
    pub received_at: String,
    /// How many bytes of it are kept.
    pub bytes: u64,
    /// It was longer than what is kept of it.
    pub is_cut: bool,
    /// How it begins, without control characters.
    pub preview: String,
}

/// A reject and all that is kept of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RejectDetail {
    /// As it stands in a list.
    #[serde(flatten)]
    pub row: RejectRow,
    /// What is kept, as text; bytes that are no UTF-8 are replaced.
    pub text: String,
    /// What is kept, exactly.
    pub base64: String,
}

impl RejectDetail {
    /// A row and its bytes.
    pub fn new(row: RejectRow, bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        Self { row, text, base64: BASE64_STANDARD.encode(bytes) }
    }

    /// What is kept, exactly; nothing where that is not what a server writes.
    pub fn bytes(&self) -> Vec<u8> {
        BASE64_STANDARD.decode(&self.base64).unwrap_or_default()
    }
}

/// Which rejects to read again; with none of the fields all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// These.
    pub ids: Option<Vec<u64>>,
    /// Those of this source.
    pub source: Option<String>,
    /// Those with this reason.
    pub reason: Option<String>,
    /// What the line of the one that `ids` names should have been.
    pub text: Option<String>,
}

impl fmt::Display for ReplayRequest {
    /// In one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ids.as_deref() {
            Some([id]) => write!(f, "reject {id}")?,
            Some(ids) => write!(f, "{} rejects by id", ids.len())?,
            None => f.write_str("all rejects")?,
        }
        for (name, value) in [("source", &self.source), ("reason", &self.reason)] {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        f.write_str(if self.text.is_some() { ", edited" } else { "" })
    }
}

/// What became of rejects that were read again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReplayResult {
    /// Rejects that are none any more.
    pub replayed: u64,
    /// Records that they gave.
    pub records: u64,
    /// Rejects that stay.
    pub still_rejected: u64,
    /// Why the first of them stay.
    pub problems: Vec<ReplayProblem>,
    /// How many more stay, without a word here.
    pub problems_left_out: u64,
}

impl fmt::Display for ReplayResult {
    /// In one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replayed, records, still_rejected, .. } = self;
        write!(f, "{replayed} replayed as {records} records, {still_rejected} stay")
    }
}

/// Why a reject stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayProblem {
    /// Its id.
    pub id: u64,
    /// Why.
    pub error: String,
}

/// Which objects to count that nobody told of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackfillRequest {
    /// The bucket and with what keys begin: `s3://bucket/prefix`.
    pub url: String,
    /// Lines from this time on, as RFC 3339, epoch or `now-7d`.
    pub from: Option<String>,
    /// Lines before this time.
    pub to: Option<String>,
    /// Whether they also go into the counters of `/metrics`.
    #[serde(default)]
    pub counters: bool,
    /// The source that they are counted for.
    pub source: Option<String>,
}

impl fmt::Display for BackfillRequest {
    /// In one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        for (name, value) in [("from", &self.from), ("to", &self.to), ("for", &self.source)] {
            if let Some(value) = value {
                write!(f, " {name} {value}")?;
            }
        }
        Ok(())
    }
}

/// How far a backfill is; the last one is its result.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BackfillProgress {
    /// What it does.
    pub state: BackfillState,
    /// The source that it counts for.
    pub source: String,
    /// Objects that were found in the span.
    pub listed: u64,
    /// Their size in bytes, packed.
    pub listed_bytes: u64,
    /// Objects that need nothing more.
    pub done: u64,
    /// Their size in bytes, packed.
    pub done_bytes: u64,
    /// Objects that were counted now.
    pub counted: u64,
    /// Objects that were counted before.
    pub duplicates: u64,
    /// Objects that hold no requests.
    pub skipped: u64,
    /// Objects outside of the span.
    pub outside: u64,
    /// Objects of which other content was counted before, or that can never be read; kept as rejects.
    pub rejected_objects: u64,
    /// Records of the objects that were counted now.
    pub records: u64,
    /// Their lines that are no records.
    pub rejects: u64,
    /// Objects that could not be counted now.
    pub failed: u64,
    /// What was wrong with the first of them.
    pub first_failure: Option<String>,
    /// The key behind which it began, where an earlier one was not finished.
    pub resumed_after: Option<String>,
    /// Why it ended before its end.
    pub error: Option<String>,
}

/// What a backfill does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackfillState {
    /// It runs.
    #[default]
    Running,
    /// Everything is counted.
    Complete,
    /// It was stopped, or left objects behind; asked for again, it goes on.
    Incomplete,
}

/// What became of a config that was read again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadAnswer {
    /// The sections that are other than before and in force.
    pub reloaded: Vec<String>,
    /// The sections that are other than what is in force, and will not be before a restart.
    pub needs_restart: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reject_is_flat_and_keeps_its_bytes() {
        let row = RejectRow { id: 7, reason: "bad_time".to_owned(), ..RejectRow::default() };
        let detail = RejectDetail::new(row, b"a\xff\0");
        let json = serde_json::to_value(&detail).unwrap();
        assert_eq!((json["id"].as_u64(), json["reason"].as_str()), (Some(7), Some("bad_time")));
        assert_eq!(json["text"], "a\u{fffd}\0");
        let read: RejectDetail = serde_json::from_value(json).unwrap();
        assert_eq!((read.row.id, read.bytes()), (7, b"a\xff\0".to_vec()));
    }

    #[test]
    fn a_misspelt_selection_never_means_all() {
        for (text, is_right) in [
            ("{}", true),
            (r#"{"ids":[1]}"#, true),
            (r#"{"reasn":"bad_time"}"#, false),
            (r#"{"ids":[-1]}"#, false),
        ] {
            assert_eq!(serde_json::from_str::<ReplayRequest>(text).is_ok(), is_right, "{text}");
        }
    }
}
