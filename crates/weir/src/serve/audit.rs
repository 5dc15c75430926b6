//! Who did what, kept in the ledger: the last ten thousand entries.
//!
//! All of it is in memory too, as it is small and its bound is known. Wrong passwords are added up by name and hour,
//! and of an hour only the first names are told apart: who tries passwords must not push out what others did.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use weir_ledger::{Ledger, LedgerError};
use weir_record::Timestamp;
use weir_web::{Action, Audit, AuditEntry, AuditNote, AuditPage, AuditQuery, BoxFuture};

use super::commit::{Commits, Request};
use crate::clock;
use crate::output::harmless;

/// What begins the names of entries in the ledger.
const KEPT: &str = "audit/";

/// Entries that are kept; some 3 MB.
const ENTRIES_MAX: usize = 10_000;

/// Entries of a page, unless more are asked for, and at most.
const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 1_000;

/// The longest text of an entry, in characters.
const TEXT_CHARS_MAX: usize = 500;

/// Names that are told apart among the wrong passwords of an hour.
const FAILED_NAMES_MAX: usize = 20;

/// How long a deed waits for its entry to be on the disk.
const BEGIN_MAX: Duration = Duration::from_secs(2);

const HOUR_US: i64 = 3600 * 1_000_000;

/// Who did what.
pub struct AuditLog {
    inner: Mutex<Inner>,
    commits: Commits,
}

#[derive(Default)]
struct Inner {
    /// By id, oldest first.
    entries: VecDeque<AuditEntry>,
    last_id: u64,
    /// Entries about wrong passwords in this hour, by name; "" has the rest.
    failed: HashMap<String, u64>,
    hour: i64,
}

/// What is to be written: names and texts, of which an empty one is forgotten.
type Changes = Vec<(String, Vec<u8>)>;

impl AuditLog {
    /// The log as the ledger has it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn load(ledger: &Ledger, commits: Commits) -> Result<Arc<Self>, LedgerError> {
        let kept = ledger.read(|ledger| ledger.states_with_prefix::<Vec<u8>>(KEPT))?;
        // One that cannot be read is of a later version; it is left alone until its place is needed.
        let entries: VecDeque<AuditEntry> =
            kept.iter().filter_map(|(_, bytes)| serde_json::from_slice(bytes).ok()).collect();
        let last_id = entries.back().map_or(0, |entry| entry.id);
        Ok(Arc::new(Self { inner: Mutex::new(Inner { entries, last_id, ..Inner::default() }), commits }))
    }

    /// The functions that HTTP calls.
    pub fn handlers(self: &Arc<Self>) -> Audit {
        let (begin, end, page) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        Audit {
            begin: Arc::new(move |note| -> BoxFuture<u64> {
                let log = Arc::clone(&begin);
                Box::pin(async move { log.begin(note).await })
            }),
            end: Arc::new(move |id, outcome| {
                let changes = end.lock().end(id, &outcome);
                tokio::spawn(write(end.commits.clone(), changes));
            }),
            page: Arc::new(move |query| Box::pin(std::future::ready(Ok(page.lock().page(&query))))),
        }
    }

    async fn begin(&self, note: AuditNote) -> u64 {
        let (id, changes) = self.lock().begin(note, clock::now());
        // Written even if nobody waits for it any more.
        let written = tokio::spawn(write(self.commits.clone(), changes));
        if tokio::time::timeout(BEGIN_MAX, written).await.is_err() {
            tracing::warn!(
                "an entry of the audit could not be written yet; what it is about is done all the same"
            );
        }
        id
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic between two changes leaves an entry without its outcome.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(commits: Commits, changes: Changes) {
    let (done, is_done) = oneshot::channel();
    if commits.send_async(Request::KeepAll(changes, done)).await.is_ok() {
        let _ = is_done.await;
    }
}

impl Inner {
    fn begin(&mut self, note: AuditNote, now: Timestamp) -> (u64, Changes) {
        let AuditNote { user, address, action, target } = note;
        let entry = AuditEntry {
            id: self.last_id + 1,
            at: now.to_string(),
            user: user.as_deref().map(cut),
            address,
            action: action_name(action),
            target: cut(&target),
            outcome: None,
            count: 1,
        };
        if action == Action::SignInFailed {
            return self.failed(entry, now);
        }
        (entry.id, self.push(entry))
    }

    /// A wrong password: one more of those with its name in this hour, if there was one.
    fn failed(&mut self, mut entry: AuditEntry, now: Timestamp) -> (u64, Changes) {
        let hour = now.micros().div_euclid(HOUR_US);
        if hour != self.hour {
            self.hour = hour;
            self.failed.clear();
        }
        let is_told_apart = self.failed.contains_key(&entry.target) || self.failed.len() < FAILED_NAMES_MAX;
        if !is_told_apart {
            entry.target = "(other names)".to_owned();
        }
        let key = if is_told_apart { entry.target.clone() } else { String::new() };
        let known = self.failed.get(&key).copied();
        if let Some(known) = known.and_then(|id| self.find(id)) {
            known.count += 1;
            known.at = entry.at;
            known.address = entry.address;
            return (known.id, vec![row(known)]);
        }
        self.failed.insert(key, entry.id);
        (entry.id, self.push(entry))
    }

    fn push(&mut self, entry: AuditEntry) -> Changes {
        self.last_id = entry.id;
        let mut changes = vec![row(&entry)];
        self.entries.push_back(entry);
        while self.entries.len() > ENTRIES_MAX {
            changes.extend(self.entries.pop_front().map(|entry| (name(entry.id), Vec::new())));
        }
        changes
    }

    fn end(&mut self, id: u64, outcome: &str) -> Changes {
        let Some(entry) = self.find(id) else { return Vec::new() };
        entry.outcome = Some(cut(outcome));
        vec![row(entry)]
    }

    fn find(&mut self, id: u64) -> Option<&mut AuditEntry> {
        let at = self.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        self.entries.get_mut(at)
    }

    fn page(&self, query: &AuditQuery) -> AuditPage {
        let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
        let before = query.before.unwrap_or(u64::MAX);
        let end = self.entries.partition_point(|entry| entry.id < before);
        let begin = end.saturating_sub(limit);
        let entries: Vec<AuditEntry> = self.entries.range(begin..end).rev().cloned().collect();
        let next = entries.last().filter(|_| begin > 0).map(|entry| entry.id);
        AuditPage { entries, next }
    }
}

fn row(entry: &AuditEntry) -> (String, Vec<u8>) {
    // Our own shapes have only text keys, so they are always JSON.
    (name(entry.id), serde_json::to_vec(entry).unwrap_or_default())
}

fn name(id: u64) -> String {
    format!("{KEPT}{id:016x}")
}

/// A text as it is kept: not too long, and without what changes how it looks.
fn cut(text: &str) -> String {
    let short: String = text.chars().take(TEXT_CHARS_MAX).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    harmless(&short) + dots
}

/// The action as it stands on the wire.
fn action_name(action: Action) -> String {
    match serde_json::to_value(action) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(action: Action, target: &str) -> AuditNote {
        AuditNote { user: Some("anna".to_owned()), address: None, action, target: target.to_owned() }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn pages_follow_each_other_the_youngest_first() {
        let mut inner = Inner::default();
        for number in 1..=5 {
            let (id, changes) = inner.begin(note(Action::RecordsDeleted, "*"), at(number));
            assert_eq!((id, changes.len()), (number.unsigned_abs(), 1));
        }
        for (before, limit, expected, next) in [
            (None, None, vec![5, 4, 3, 2, 1], None),
            (None, Some(2), vec![5, 4], Some(4)),
            (Some(4), Some(2), vec![3, 2], Some(2)),
            (Some(2), Some(2), vec![1], None),
            (Some(1), None, vec![], None),
            (Some(9), Some(0), vec![5], Some(5)),
        ] {
            let page = inner.page(&AuditQuery { before, limit });
            let ids: Vec<u64> = page.entries.iter().map(|entry| entry.id).collect();
            assert_eq!((ids, page.next), (expected, next), "{before:?} {limit:?}");
        }
    }

    #[test]
    fn a_deed_has_its_outcome_when_it_is_over() {
        let mut inner = Inner::default();
        let (id, _) = inner.begin(note(Action::RecordsDeleted, "a\u{202e}b\n"), at(0));
        let entry = inner.page(&AuditQuery::default()).entries.remove(0);
        assert_eq!((&*entry.action, entry.outcome, entry.count), ("records_deleted", None, 1));
        assert!(!entry.target.contains(['\u{202e}', '\n']), "{}", entry.target);
        let changes = inner.end(id, &"12 records".repeat(100));
        assert_eq!((changes.len(), changes[0].0.as_str()), (1, "audit/0000000000000001"));
        let outcome = inner.page(&AuditQuery::default()).entries.remove(0).outcome.unwrap();
        assert_eq!(outcome.chars().count(), TEXT_CHARS_MAX + 3);
        assert_eq!(inner.end(99, "never"), []);
    }

    #[test]
    fn who_tries_passwords_pushes_nothing_out() {
        let mut inner = Inner::default();
        for second in 0..3600 {
            let name = if second % 2 == 0 { "anna".to_owned() } else { format!("user{second}") };
            inner.begin(note(Action::SignInFailed, &name), at(second));
        }
        let page = inner.page(&AuditQuery { limit: Some(1000), before: None });
        let counts: Vec<u64> = page.entries.iter().map(|entry| entry.count).collect();
        assert_eq!(counts.len(), FAILED_NAMES_MAX + 1);
        assert_eq!(counts.iter().sum::<u64>(), 3600);
        assert_eq!(page.entries.last().map(|entry| (&*entry.target, entry.count)), Some(("anna", 1800)));
        // The next hour begins anew.
        inner.begin(note(Action::SignInFailed, "anna"), at(3600));
        assert_eq!(inner.page(&AuditQuery { limit: Some(1), before: None }).entries[0].count, 1);
    }

    #[test]
    fn the_oldest_give_way() {
        let mut inner = Inner::default();
        let mut forgotten = 0;
        for number in 0..ENTRIES_MAX + 3 {
            let (_, changes) = inner.begin(note(Action::SignOut, ""), at(i64::try_from(number).unwrap()));
            forgotten += changes.iter().filter(|(_, bytes)| bytes.is_empty()).count();
        }
        assert_eq!((inner.entries.len(), forgotten), (ENTRIES_MAX, 3));
        assert_eq!(inner.entries.front().map(|entry| entry.id), Some(4));
    }
}
