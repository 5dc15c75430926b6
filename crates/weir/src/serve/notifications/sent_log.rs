//! What was sent to whom: the last thousand messages that were taken or given up.
//!
//! Kept in the ledger with the outbox, in the transaction that takes a message out of it, so that whoever asks in the
//! morning who was told at night gets an answer whatever happened in between.

use std::collections::{BTreeSet, VecDeque};

use weir_alert::notification::Stored;
use weir_record::Timestamp;
use weir_web::SentRow;

use super::Address;

/// What begins the names of what is kept of it, behind [`super::KEPT`].
pub(super) const SENT: &str = "sent/";

/// Messages that are remembered.
const ROWS_MAX: usize = 1_000;

/// The longest error, in characters.
const ERROR_CHARS_MAX: usize = 500;

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct SentLog {
    /// Oldest first.
    rows: VecDeque<SentRow>,
    last_id: u64,
    changed: BTreeSet<u64>,
}

impl SentLog {
    /// The log as it was kept.
    pub(super) fn new(kept: &[(String, Vec<u8>)]) -> Self {
        let rows: VecDeque<SentRow> =
            kept.iter().filter_map(|(_, bytes)| serde_json::from_slice(bytes).ok()).collect();
        Self { last_id: rows.back().map_or(0, |row| row.id), rows, changed: BTreeSet::new() }
    }

    /// Notes what became of a message; `error` is why it was given up.
    pub(super) fn note(&mut self, address: &Address, title: &str, error: Option<&str>, now: Timestamp) {
        self.last_id += 1;
        self.changed.insert(self.last_id);
        self.rows.push_back(SentRow {
            id: self.last_id,
            at: now.to_string(),
            receiver: address.id.receiver.clone(),
            kind: address.kind().to_owned(),
            to: address.to(),
            title: title.to_owned(),
            outcome: if error.is_some() { "given_up" } else { "sent" }.to_owned(),
            error: error.map(|error| error.chars().take(ERROR_CHARS_MAX).collect()),
        });
        while self.rows.len() > ROWS_MAX {
            self.changed.extend(self.rows.pop_front().map(|row| row.id));
        }
    }

    /// All of them, youngest first.
    pub(super) fn rows(&self) -> Vec<SentRow> {
        self.rows.iter().rev().cloned().collect()
    }

    /// What must be kept of what has changed since this was asked last.
    pub(super) fn take_changes(&mut self) -> Vec<Stored> {
        let row = |id: u64| {
            let row = self.rows.binary_search_by_key(&id, |row| row.id).ok().and_then(|at| self.rows.get(at));
            (format!("{SENT}{id:016x}"), row.and_then(|row| serde_json::to_vec(row).ok()))
        };
        std::mem::take(&mut self.changed).into_iter().map(row).collect()
    }
}
