//! What a receiver was last told of a group, and whether it must be told again.
//!
//! The decision is Alertmanager's, to the letter, because people know it: something fires that was not said;
//! nothing fires any more; something is resolved, for those who want to hear that; or the same has been true for
//! `repeat_interval`. What fired and was over between two looks is never said.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_record::Timestamp;

use super::stored;

/// What a receiver was told of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The alerts that fired, by their fingerprints.
    pub firing: BTreeSet<u64>,
    /// Those that had been resolved.
    pub resolved: BTreeSet<u64>,
    /// When.
    #[serde(with = "stored::micros")]
    pub told_at: Timestamp,
    /// Until when it is remembered.
    #[serde(with = "stored::micros")]
    pub kept_until: Timestamp,
    /// What the messages since the first one that fires belong to.
    pub incident: Incident,
}

/// From the first alert of a group that fires to the last one that is resolved: what mail shows as a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Different for each.
    pub id: u64,
    /// Messages so far.
    pub messages: u32,
    /// What it is called, the same for all its messages.
    pub title: Box<str>,
}

/// Why a receiver is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It has never heard of the group, or not since everything was resolved.
    First,
    /// Something fires that it does not know of.
    NewFiring,
    /// Nothing fires any more.
    AllResolved,
    /// Something is resolved that it does not know of.
    NewResolved,
    /// Nothing has changed for `repeat_interval`.
    Repeat,
}

impl Reason {
    /// In words, as the end of "sent because".
    pub fn text(self) -> &'static str {
        match self {
            Self::First => "this is the first alert of the group",
            Self::NewFiring => "another alert of the group fires",
            Self::AllResolved => "all alerts of the group are resolved",
            Self::NewResolved => "an alert of the group is resolved",
            Self::Repeat => "it still fires after the repeat interval",
        }
    }
}

/// Why to tell a receiver of these alerts, where there is a reason.
pub(super) fn reason_to_tell(
    entry: Option<&LogEntry>,
    firing: &BTreeSet<u64>,
    resolved: &BTreeSet<u64>,
    sends_resolved: bool,
    repeat_interval: Duration,
    now: Timestamp,
) -> Option<Reason> {
    let Some(entry) = entry else {
        return (!firing.is_empty()).then_some(Reason::First);
    };
    if !firing.is_subset(&entry.firing) {
        return Some(if entry.firing.is_empty() { Reason::First } else { Reason::NewFiring });
    }
    if firing.is_empty() {
        // Even where nobody wants to hear it: the log must not say that something fires.
        return (!entry.firing.is_empty()).then_some(Reason::AllResolved);
    }
    if sends_resolved && !resolved.is_subset(&entry.resolved) {
        return Some(Reason::NewResolved);
    }
    (entry.told_at < now.minus(repeat_interval)).then_some(Reason::Repeat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_those_of_alertmanager() {
        let told_at = Timestamp::from_seconds(100_000);
        let set = |numbers: &[u64]| numbers.iter().copied().collect::<BTreeSet<u64>>();
        let entry = |firing: &[u64], resolved: &[u64]| LogEntry {
            firing: set(firing),
            resolved: set(resolved),
            told_at,
            kept_until: told_at,
            incident: Incident::default(),
        };
        let check =
            |entry: Option<LogEntry>, firing: &[u64], resolved: &[u64], sends, after_s: i64, expected| {
                let now = Timestamp::from_seconds(100_000 + after_s);
                let (firing, resolved) = (set(firing), set(resolved));
                let repeat = Duration::from_secs(3600);
                assert_eq!(
                    reason_to_tell(entry.as_ref(), &firing, &resolved, sends, repeat, now),
                    expected,
                    "{entry:?} {firing:?} {resolved:?} {after_s}"
                );
            };
        check(None, &[1], &[], true, 0, Some(Reason::First));
        check(None, &[], &[1], true, 0, None);
        check(Some(entry(&[1], &[])), &[1, 2], &[], false, 1, Some(Reason::NewFiring));
        check(Some(entry(&[], &[1])), &[1], &[], false, 1, Some(Reason::First));
        check(Some(entry(&[1, 2], &[])), &[1], &[], true, 1, None);
        check(Some(entry(&[1, 2], &[])), &[1], &[2], true, 1, Some(Reason::NewResolved));
        check(Some(entry(&[1, 2], &[])), &[1], &[2], false, 1, None);
        check(Some(entry(&[1], &[2])), &[1], &[2], true, 1, None);
        check(Some(entry(&[1], &[])), &[], &[1], false, 1, Some(Reason::AllResolved));
        check(Some(entry(&[], &[1])), &[], &[1], true, 9999, None);
        check(Some(entry(&[1], &[])), &[1], &[], true, 3600, None);
        check(Some(entry(&[1], &[])), &[1], &[], true, 3601, Some(Reason::Repeat));
    }
}
