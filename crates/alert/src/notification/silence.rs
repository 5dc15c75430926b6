//! Silences: for a time, nobody hears of alerts that meet all matchers; with who said so and why.
//!
//! They behave as Alertmanager's, so that `amtool` and what is built on its API find what they know: one that has
//! begun cannot be changed, only ended or made longer; anything else makes a new one and ends the old.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_record::Timestamp;

use super::matcher::Matcher;
use super::stored;
use crate::Labels;

/// Silences that are kept, those that are over included.
pub const SILENCES_MAX: usize = 10_000;

/// How long one that is over is still shown, in microseconds: as long as Alertmanager does, 5 days.
const KEPT_MICROS: i64 = 120 * 3600 * 1_000_000;

/// A time in which nobody hears of some alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its name, given by whoever made it up; empty for one that is to be.
    pub id: Box<str>,
    /// What an alert must meet, all of them.
    pub matchers: Vec<Matcher>,
    /// From when on.
    #[serde(with = "stored::micros")]
    pub starts_at: Timestamp,
    /// Until when.
    #[serde(with = "stored::micros")]
    pub ends_at: Timestamp,
    /// When it was last changed.
    #[serde(with = "stored::micros")]
    pub updated_at: Timestamp,
    /// Who wanted it.
    pub created_by: Box<str>,
    /// Why.
    pub comment: Box<str>,
}

/// Where in its life a silence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SilenceState {
    /// It has not begun.
    Pending,
    /// It silences.
    Active,
    /// It is over.
    Expired,
}

impl SilenceState {
    /// As Alertmanager calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

/// Why a silence is not made, or not ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    /// Without an end behind its start.
    #[error("the end of a silence must lie behind its start, and not in the past")]
    Span,
    /// It would silence everything, or nothing.
    #[error("a silence needs a matcher that an empty value does not meet, or it would silence everything")]
    Matchers,
    /// Nobody says who wants it, or why.
    #[error("a silence needs an author and a comment, for whoever wonders why nothing came")]
    NoReason,
    /// None has this name.
    #[error("there is no silence {0}")]
    Unknown(Box<str>),
    /// It is over already.
    #[error("silence {0} has expired already")]
    Expired(Box<str>),
    /// No more fit.
    #[error("there are {SILENCES_MAX} silences, and no more are kept; those that are over go after 5 days")]
    Full,
}

impl Silence {
    /// Where in its life it is.
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now < self.ends_at {
            SilenceState::Active
        } else {
            SilenceState::Expired
        }
    }

    /// Whether it silences an alert with these labels now.
    pub fn silences(&self, labels: &Labels, now: Timestamp) -> bool {
        self.state(now) == SilenceState::Active && self.matchers.iter().all(|m| m.matches(labels))
    }
}

/// All silences, and which have changed since somebody asked.
#[derive(Clone, Debug, Default)]
pub struct Silences {
    by_id: BTreeMap<Box<str>, Silence>,
    changed: Vec<Box<str>>,
}

impl Silences {
    /// Puts one back as it was kept.
    pub(super) fn restore(&mut self, silence: Silence) {
        self.by_id.insert(silence.id.clone(), silence);
    }

    /// Makes one, or changes the one that `silence` names; its name. `new_id` is one that no silence has had.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn set(&mut self, silence: Silence, new_id: &str, now: Timestamp) -> Result<Box<str>, SilenceError> {
        if silence.ends_at <= silence.starts_at || silence.ends_at <= now {
            return Err(SilenceError::Span);
        }
        if silence.matchers.is_empty() || silence.matchers.iter().all(|m| m.matches_value("")) {
            return Err(SilenceError::Matchers);
        }
        if silence.created_by.trim().is_empty() || silence.comment.trim().is_empty() {
            return Err(SilenceError::NoReason);
        }
        let mut silence = Silence { updated_at: now, ..silence };
        let known = match &*silence.id {
            "" => None,
            id => Some(self.by_id.get(id).ok_or_else(|| SilenceError::Unknown(id.into()))?),
        };
        if let Some(known) = known {
            if can_become(known, &silence, now) {
                return Ok(self.put(silence));
            }
            if known.state(now) != SilenceState::Expired {
                let id = known.id.clone();
                self.expire(&id, now)?;
            }
        }
        if self.by_id.len() >= SILENCES_MAX {
            return Err(SilenceError::Full);
        }
        silence.id = new_id.into();
        silence.starts_at = silence.starts_at.max(now);
        Ok(self.put(silence))
    }

    /// Ends one.
    ///
    /// # Errors
    ///
    /// There is none of that name, or it is over.
    pub fn expire(&mut self, id: &str, now: Timestamp) -> Result<(), SilenceError> {
        let silence = self.by_id.get(id).ok_or_else(|| SilenceError::Unknown(id.into()))?;
        let starts_at = match silence.state(now) {
            SilenceState::Expired => return Err(SilenceError::Expired(id.into())),
            SilenceState::Active => silence.starts_at,
            SilenceState::Pending => now,
        };
        let ended = Silence { starts_at, ends_at: now, updated_at: now, ..silence.clone() };
        self.put(ended);
        Ok(())
    }

    /// Those that silence an alert with these labels.
    pub fn of(&self, labels: &Labels, now: Timestamp) -> Vec<Box<str>> {
        self.by_id.values().filter(|one| one.silences(labels, now)).map(|one| one.id.clone()).collect()
    }

    /// One by its name.
    pub fn get(&self, id: &str) -> Option<&Silence> {
        self.by_id.get(id)
    }

    /// All.
    pub fn iter(&self) -> impl Iterator<Item = &Silence> {
        self.by_id.values()
    }

    /// Forgets those that have been over for long.
    pub(super) fn forget_old(&mut self, now: Timestamp) {
        let is_old = |one: &Silence| one.ends_at.plus_micros(KEPT_MICROS) <= now;
        let old: Vec<Box<str>> =
            self.by_id.values().filter(|one| is_old(one)).map(|one| one.id.clone()).collect();
        for id in old {
            self.by_id.remove(&id);
            self.changed.push(id);
        }
    }

    /// The names of those that are other than they were when this was asked last.
    pub(super) fn take_changed(&mut self) -> Vec<Box<str>> {
        std::mem::take(&mut self.changed)
    }

    fn put(&mut self, silence: Silence) -> Box<str> {
        let id = silence.id.clone();
        self.changed.push(id.clone());
        self.by_id.insert(id.clone(), silence);
        id
    }
}

/// Whether a silence can be changed into another without becoming a new one.
fn can_become(known: &Silence, wanted: &Silence, now: Timestamp) -> bool {
    known.matchers == wanted.matchers
        && match known.state(now) {
            SilenceState::Active => known.starts_at == wanted.starts_at && wanted.ends_at >= now,
            SilenceState::Pending => wanted.starts_at >= now,
            SilenceState::Expired => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn silence(from_s: i64, to_s: i64, matchers: &str) -> Silence {
        Silence {
            id: "".into(),
            matchers: Matcher::parse_all(matchers).unwrap(),
            starts_at: NOW.plus_micros(from_s * 1_000_000),
            ends_at: NOW.plus_micros(to_s * 1_000_000),
            updated_at: NOW,
            created_by: "ann".into(),
            comment: "deployment".into(),
        }
    }

    fn after(seconds: i64) -> Timestamp {
        NOW.plus_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_silence_silences_between_its_times() {
        let mut silences = Silences::default();
        let id = silences.set(silence(10, 60, "service=shop"), "1", NOW).unwrap();
        let shop: Labels = [("service".into(), "shop".into())].into();
        for (seconds, expected) in [(9, 0), (10, 1), (59, 1), (60, 0)] {
            assert_eq!(silences.of(&shop, after(seconds)).len(), expected, "{seconds}");
        }
        assert_eq!(silences.of(&Labels::new(), after(10)).len(), 0);
        silences.expire(&id, after(20)).unwrap();
        assert_eq!(silences.of(&shop, after(20)).len(), 0);
        assert_eq!(silences.expire(&id, after(21)), Err(SilenceError::Expired(id)));
        silences.forget_old(after(20 + 120 * 3600));
        assert_eq!((silences.iter().count(), silences.take_changed().len()), (0, 3));
    }

    #[test]
    fn one_that_has_begun_can_be_prolonged_and_else_becomes_another() {
        let mut silences = Silences::default();
        let id = silences.set(silence(0, 60, "service=shop"), "1", NOW).unwrap();
        let longer = Silence { id: id.clone(), ..silence(0, 90, "service=shop") };
        assert_eq!(silences.set(longer, "2", after(5)), Ok("1".into()));
        let other = Silence { id, ..silence(0, 90, "service=pay") };
        assert_eq!(silences.set(other, "2", after(6)), Ok("2".into()));
        assert_eq!(silences.get("1").unwrap().state(after(6)), SilenceState::Expired);
        assert_eq!(silences.get("2").unwrap().starts_at, after(6));
        let again = Silence { id: "1".into(), ..silence(0, 90, "service=shop") };
        assert_eq!(silences.set(again, "3", after(7)), Ok("3".into()));
    }

    #[test]
    fn what_would_silence_everything_or_has_no_reason_is_refused() {
        let mut silences = Silences::default();
        let mut check = |silence, expected| assert_eq!(silences.set(silence, "1", NOW), Err(expected));
        check(silence(0, 60, "{}"), SilenceError::Matchers);
        check(silence(0, 60, "a=~\".*\""), SilenceError::Matchers);
        check(silence(60, 60, "a=b"), SilenceError::Span);
        check(silence(-60, -1, "a=b"), SilenceError::Span);
        check(Silence { comment: " ".into(), ..silence(0, 60, "a=b") }, SilenceError::NoReason);
        check(Silence { id: "9".into(), ..silence(0, 60, "a=b") }, SilenceError::Unknown("9".into()));
    }
}
