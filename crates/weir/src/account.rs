//! What was read: files, lines, and everything that was not counted, with the reason.
//!
//! A number that came of files is only worth something beside what was left out of it, so every
//! command that reads files says this first.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use weir_enrich::Dropped;
use weir_ingest::ObjectError;
use weir_record::{NotAccessLog, Reason, Reject, Timestamp};

use crate::output::harmless;

/// Rejects that are shown with their place; the rest is counted by reason.
const EXAMPLES_MAX: usize = 5;

/// What became of the files that were read.
#[derive(Debug, Default)]
pub struct Account {
    /// Files that were read to their end.
    pub files: u64,
    /// Requests.
    pub records: u64,
    /// Records that are no requests; nothing of them was counted.
    pub events: u64,
    /// Requests that transforms left out; nothing of them was counted.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Lines that could not be read, by reason.
    pub rejects: BTreeMap<Reason, u64>,
    /// Files that hold no requests, by kind.
    pub skipped: BTreeMap<NotAccessLog, u64>,
    /// Files that could not be read; nothing of them was counted.
    pub failures: Vec<(PathBuf, ObjectError)>,
    span: Option<(Timestamp, Timestamp)>,
    examples: Vec<(PathBuf, u64, Reject)>,
}

impl Account {
    /// Takes in a request's time.
    #[inline]
    pub fn record(&mut self, time: Timestamp) {
        self.records += 1;
        self.span = Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
    }

    /// Takes in a request that is left out.
    pub fn drop_record(&mut self, why: Dropped) {
        *self.dropped.entry(why.label()).or_default() += 1;
    }

    /// Takes in a line that could not be read.
    pub fn reject(&mut self, path: &Path, line: u64, reject: Reject) {
        *self.rejects.entry(reject.reason).or_default() += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push((path.to_owned(), line, reject));
        }
    }

    /// Lines that could not be read.
    pub fn reject_count(&self) -> u64 {
        self.rejects.values().sum()
    }

    /// Adds another account to this one.
    pub fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.records += other.records;
        self.events += other.events;
        for (cause, count) in other.dropped {
            *self.dropped.entry(cause).or_default() += count;
        }
        for (reason, count) in other.rejects {
            *self.rejects.entry(reason).or_default() += count;
        }
        for (kind, count) in other.skipped {
            *self.skipped.entry(kind).or_default() += count;
        }
        self.failures.extend(other.failures);
        let room = EXAMPLES_MAX.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
        self.span = match (self.span, other.span) {
            (Some((first, last)), Some(span)) => Some((first.min(span.0), last.max(span.1))),
            (own, other) => own.or(other),
        };
    }

    /// Puts what was gathered by several threads into the order of the files.
    pub fn sort(&mut self) {
        self.failures.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.examples.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
        self.examples.truncate(EXAMPLES_MAX);
    }
}

impl fmt::Display for Account {
    /// One line of totals, then one line for each thing that was left out and why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = counted(self.files, "file", "files");
        let records = counted(self.records, "record", "records");
        let rejects = counted(self.reject_count(), "reject", "rejects");
        match self.span {
            Some((first, last)) => write!(f, "{files}, {first} to {last} (UTC), {records}, {rejects}")?,
            None => write!(f, "{files}, {records}, {rejects}")?,
        }
        match self.events {
            0 => {}
            1 => f.write_str("\npassed over: 1 event, which has no request to count")?,
            many => write!(f, "\npassed over: {} events, which have no request to count", grouped(many))?,
        }
        for (cause, &count) in &self.dropped {
            write!(f, "\nleft out by `transforms` ({cause}): {}", counted(count, "record", "records"))?;
        }
        for (kind, &count) in &self.skipped {
            write!(f, "\nskipped: {} {}", grouped(count), kind.description())?;
        }
        for (path, line, reject) in &self.examples {
            write!(f, "\nreject: {}:{line}: {reject}", shown(path))?;
        }
        if self.reject_count() > self.examples.len() as u64 {
            let reasons: Vec<String> = self
                .rejects
                .iter()
                .map(|(reason, &count)| format!("{} {}", grouped(count), reason.label()))
                .collect();
            write!(f, "\nrejects by reason: {}", reasons.join(", "))?;
        }
        for (path, error) in &self.failures {
            write!(f, "\nerror: {}: {}", shown(path), harmless(&error.to_string()))?;
        }
        Ok(())
    }
}

/// A count with its noun: `1 file`, `2,000 files`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A file's name, which may hold anything, for a terminal.
fn shown(path: &Path) -> String {
    harmless(&path.to_string_lossy())
}

/// A number with its thousands apart: `2,000,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn what_was_left_out_is_said_with_its_place() {
        let mut account = Account { files: 1, ..Account::default() };
        account.record(Timestamp::from_seconds(60));
        account.reject("a.log".as_ref(), 7, Reject { reason: Reason::BadTime, column: 7 });
        account.events = 2_000;
        account.skipped.insert(NotAccessLog::TestFile, 1);
        account.failures.push(("b.gz".into(), ObjectError::Bomb));
        let shown = account.to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines[0],
            "1 file, 1970-01-01T00:01:00Z to 1970-01-01T00:01:00Z (UTC), 1 record, 1 reject"
        );
        assert_eq!(lines[1], "passed over: 2,000 events, which have no request to count");
        assert_eq!(lines[2], "skipped: 1 test files that AWS wrote when logging was turned on");
        assert_eq!(lines[3], "reject: a.log:7: column 7: expected the time of the response");
        assert!(lines[4].starts_with("error: b.gz: it unpacks to more than 500 times"), "{}", lines[4]);
    }
}
