//! Good and bad events of promises and alerts: in each minute of event time, in all, and in minutes that remote write
//! has not published yet.
//!
//! As with [`slots`](super::slots), the text of a key is kept once and numbered. A key says what was measured, by a
//! hash: with another threshold a minute's events are others, and must not be added to what was counted before. The
//! first and the last minute of each key are kept too: the last lets keys expire, and the first says what was never
//! seen before.
//!
//! Growth: `expire_events` by age, and `expire_event_keys` after it; keys are bounded by whoever gives new ones.

use serde::{Deserialize, Serialize};
use weir_record::Minute;

use crate::codec::{decode, encode, from_signed, key, part, signed};
use crate::error::LedgerError;
use crate::tables::tallies::TallyKind;
use crate::view::{Access, View, Writing};

/// What events are counted under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventKey {
    /// The name of the promise or alert.
    pub indicator: Box<str>,
    /// A hash of what decides which events are counted, and which are good.
    pub measure: u64,
    /// The labels of the instance, in the order of names.
    pub labels: Vec<(Box<str>, Box<str>)>,
}

/// Events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCounts {
    /// Good ones.
    pub good: u64,
    /// Bad ones.
    pub bad: u64,
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEventKey {
    /// Its number.
    pub number: u32,
    /// The key.
    pub key: EventKey,
    /// The first minute that has events.
    pub first: Minute,
    /// The last.
    pub last: Minute,
}

impl EventCounts {
    /// Adds what `other` counted.
    pub const fn add(&mut self, other: Self) {
        self.good = self.good.saturating_add(other.good);
        self.bad = self.bad.saturating_add(other.bad);
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.good == 0 && self.bad == 0
    }
}

impl<A: Access> View<A> {
    /// All keys, in the order of numbers.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn event_keys(&self) -> Result<Vec<StoredEventKey>, LedgerError> {
        let mut keys = Vec::new();
        self.tables.event_keys.each(0, u32::MAX, |number, bytes| {
            let (first, last) = self.event_span(number)?.unwrap_or_default();
            keys.push(StoredEventKey {
                number,
                key: decode("event_keys", bytes)?,
                first: Minute(first),
                last: Minute(last),
            });
            Ok(true)
        })?;
        Ok(keys)
    }

    /// Shows what happened from minute `from` (inclusive) to `to` (exclusive), in the order of minutes and then of
    /// numbers of keys.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn events(
        &self,
        from: Minute,
        to: Minute,
        mut each: impl FnMut(Minute, u32, EventCounts),
    ) -> Result<(), LedgerError> {
        if from >= to {
            return Ok(());
        }
        self.tables.events.each(&event_key(from, 0), &last_before(to), |key, bytes| {
            let minute = Minute(from_signed(part(key, 0)));
            each(minute, u32::from_be_bytes(part(key, 8)), decode("events", bytes)?);
            Ok(true)
        })
    }

    /// Shows what happened in each hour from `from` on (hours since the epoch), in the order of hours and then of
    /// numbers of keys.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn event_hours(
        &self,
        from: i64,
        mut each: impl FnMut(i64, u32, EventCounts),
    ) -> Result<(), LedgerError> {
        let (first, last) = (event_key(Minute(from), 0), [u8::MAX; 12]);
        self.tables.event_hours.each(&first, &last, |key, bytes| {
            each(from_signed(part(key, 0)), u32::from_be_bytes(part(key, 8)), decode("event_hours", bytes)?);
            Ok(true)
        })
    }

    /// What was counted in all, for `meter`, by the numbers of keys.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn event_totals(&self, meter: &str) -> Result<Vec<(u32, EventCounts)>, LedgerError> {
        let mut totals = Vec::new();
        let Some(name) = self.name_number(meter)? else { return Ok(totals) };
        self.tables.event_totals.each(&total_key(name, 0), &total_key(name, u32::MAX), |key, bytes| {
            totals.push((u32::from_be_bytes(part(key, 4)), decode("event_totals", bytes)?));
            Ok(true)
        })?;
        Ok(totals)
    }

    /// What waits to be published for `target` from minute `from` (inclusive) to `to` (exclusive), by the numbers of
    /// keys.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn pending_events(
        &self,
        target: &str,
        from: Minute,
        to: Minute,
    ) -> Result<Vec<(u32, EventCounts)>, LedgerError> {
        let mut pending = Vec::new();
        let Some(name) = self.name_number(target)? else { return Ok(pending) };
        if from >= to {
            return Ok(pending);
        }
        let last = pending_key(name, Minute(to.0 - 1), u32::MAX);
        self.tables.event_pending.each(&pending_key(name, from, 0), &last, |key, bytes| {
            pending.push((u32::from_be_bytes(part(key, 12)), decode("event_pending", bytes)?));
            Ok(true)
        })?;
        Ok(pending)
    }

    fn event_span(&self, number: u32) -> Result<Option<(i64, i64)>, LedgerError> {
        self.tables.event_spans.find(number, Ok)
    }
}

impl Writing<'_> {
    /// The number of a key, a new one where it has none. It stays until `expire_event_keys` returns it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn event_key_number(&self, key: &EventKey) -> Result<u32, LedgerError> {
        let bytes = encode("event_keys", key)?;
        if let Some(number) = self.tables.event_numbers.find(&bytes, Ok)? {
            return Ok(number);
        }
        let number = self.next_number(TallyKind::EventKeys)?;
        self.tables.event_numbers.set(&bytes, number)?;
        self.tables.event_keys.set(number, &bytes)?;
        Ok(number)
    }

    /// Adds what happened in a minute under the key of this number.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn add_events(&self, minute: Minute, number: u32, events: EventCounts) -> Result<(), LedgerError> {
        let key = event_key(minute, number);
        let mut sum = self.tables.events.get::<EventCounts>(&key)?.unwrap_or_default();
        sum.add(events);
        self.tables.events.put(&key, &sum)?;
        let span = self.event_span(number)?;
        let (first, last) = span.unwrap_or((minute.0, minute.0));
        let wider = (first.min(minute.0), last.max(minute.0));
        if span != Some(wider) {
            self.tables.event_spans.set(number, wider)?;
        }
        Ok(())
    }

    /// Adds what happened in an hour, which makes long spans quick to add up; maintenance is left out of it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn add_event_hour(&self, hour: i64, number: u32, events: EventCounts) -> Result<(), LedgerError> {
        let key = event_key(Minute(hour), number);
        let mut sum = self.tables.event_hours.get::<EventCounts>(&key)?.unwrap_or_default();
        sum.add(events);
        self.tables.event_hours.put(&key, &sum)?;
        Ok(())
    }

    /// Adds to what was counted in all, for `meter`.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn add_event_total(&self, meter: &str, number: u32, events: EventCounts) -> Result<(), LedgerError> {
        let key = total_key(self.name_number_or_new(meter)?, number);
        let mut sum = self.tables.event_totals.get::<EventCounts>(&key)?.unwrap_or_default();
        sum.add(events);
        self.tables.event_totals.put(&key, &sum)?;
        Ok(())
    }

    /// Adds what waits to be published for `target` in a minute.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn add_pending_events(
        &self,
        target: &str,
        minute: Minute,
        number: u32,
        events: EventCounts,
    ) -> Result<(), LedgerError> {
        let key = pending_key(self.name_number_or_new(target)?, minute, number);
        let mut sum = self.tables.event_pending.get::<EventCounts>(&key)?.unwrap_or_default();
        sum.add(events);
        self.tables.event_pending.put(&key, &sum)?;
        Ok(())
    }

    /// Adds what waits for `target` before minute `to` to what was counted for it in all, and lets go of it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn publish_events(&self, target: &str, to: Minute) -> Result<(), LedgerError> {
        let Some(name) = self.name_number(target)? else { return Ok(()) };
        let first = pending_key(name, Minute(i64::MIN), 0);
        let last = pending_key(name, Minute(to.0.saturating_sub(1)), u32::MAX);
        let mut taken = Vec::new();
        self.tables.event_pending.take_range((&first, &last), usize::MAX, |key, bytes| {
            taken.push((u32::from_be_bytes(part(key, 12)), decode::<EventCounts>("event_pending", bytes)?));
            Ok(())
        })?;
        taken.into_iter().try_for_each(|(number, events)| self.add_event_total(target, number, events))
    }

    /// Forgets up to `max` minutes' events before `before`, oldest first, and returns how many.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn expire_events(&self, before: Minute, max: usize) -> Result<usize, LedgerError> {
        let hour = Minute(before.0.div_euclid(60));
        let hours = self.tables.event_hours.take_range((&[0; 12], &last_before(hour)), max, |_, _| Ok(()))?;
        let minutes = self.tables.events.take_range((&[0; 12], &last_before(before)), max, |_, _| Ok(()))?;
        Ok(minutes.max(hours))
    }

    /// Forgets up to `max` keys whose last events are before `before`, and returns their numbers, which are not
    /// given again. Their totals stay, a few bytes each. Right only where `expire_events` has removed all
    /// before `before`.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn expire_event_keys(&self, before: Minute, max: usize) -> Result<Vec<u32>, LedgerError> {
        let mut expired = Vec::new();
        self.tables.event_spans.each(0, u32::MAX, |number, (_, last)| {
            if expired.len() < max && last < before.0 {
                expired.push(number);
            }
            Ok(expired.len() < max)
        })?;
        for &number in &expired {
            self.tables.event_spans.remove(number)?;
            if let Some(bytes) = self.tables.event_keys.find(number, |bytes| Ok(bytes.to_vec()))? {
                self.tables.event_numbers.remove(&bytes)?;
                self.tables.event_keys.remove(number)?;
            }
        }
        Ok(expired)
    }
}

fn event_key(minute: Minute, number: u32) -> [u8; 12] {
    key(&[&signed(minute.0), &number.to_be_bytes()])
}

fn last_before(minute: Minute) -> [u8; 12] {
    event_key(Minute(minute.0.saturating_sub(1)), u32::MAX)
}

fn total_key(name: u32, number: u32) -> [u8; 8] {
    key(&[&name.to_be_bytes(), &number.to_be_bytes()])
}

fn pending_key(name: u32, minute: Minute, number: u32) -> [u8; 16] {
    key(&[&name.to_be_bytes(), &signed(minute.0), &number.to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, in_memory};

    fn key_of(route: &str) -> EventKey {
        EventKey { indicator: "sla".into(), measure: 7, labels: vec![("route".into(), route.into())] }
    }

    const fn events(good: u64, bad: u64) -> EventCounts {
        EventCounts { good, bad }
    }

    #[test]
    fn events_add_up_by_minute_and_key_and_old_ones_expire() {
        let ledger = in_memory();
        committed(&ledger, |w| {
            let numbers = ["/a", "/b", "/a"].map(|route| w.event_key_number(&key_of(route)).unwrap());
            assert_eq!(numbers, [1, 2, 1]);
            for (minute, number, counts) in [(5, 1, events(1, 0)), (9, 2, events(0, 2)), (5, 1, events(2, 1))]
            {
                w.add_events(Minute(minute), number, counts)?;
            }
            Ok(())
        });
        let seen = |from, to| {
            let mut seen = Vec::new();
            ledger
                .read(|r| {
                    r.events(Minute(from), Minute(to), |at, number, sum| seen.push((at.0, number, sum)))
                })
                .unwrap();
            seen
        };
        assert_eq!(seen(0, 9), [(5, 1, events(3, 1))]);
        let spans = |r: &crate::Reading<'_>| {
            r.event_keys()
                .map(|keys| keys.iter().map(|key| (key.number, key.first.0, key.last.0)).collect::<Vec<_>>())
        };
        assert_eq!(ledger.read(spans).unwrap(), [(1, 5, 5), (2, 9, 9)]);
        committed(&ledger, |w| {
            assert_eq!((w.expire_events(Minute(6), 9)?, w.expire_event_keys(Minute(6), 9)?), (1, vec![1]));
            assert_eq!(w.event_key_number(&key_of("/a"))?, 3);
            Ok(())
        });
        assert_eq!(seen(0, 10), [(9, 2, events(0, 2))]);
    }

    #[test]
    fn what_waits_is_published_once() {
        let ledger = in_memory();
        committed(&ledger, |w| {
            w.add_event_total("metrics", 1, events(1, 1))?;
            for (minute, counts) in [(3, events(1, 0)), (3, events(1, 0)), (4, events(0, 1))] {
                w.add_pending_events("remote_write/x", Minute(minute), 1, counts)?;
            }
            w.publish_events("remote_write/x", Minute(4))?;
            w.publish_events("remote_write/x", Minute(4))
        });
        ledger
            .read(|r| {
                assert_eq!(r.event_totals("metrics")?, [(1, events(1, 1))]);
                assert_eq!(r.event_totals("remote_write/x")?, [(1, events(2, 0))]);
                assert_eq!(r.pending_events("remote_write/x", Minute(0), Minute(9))?, [(1, events(0, 1))]);
                Ok(())
            })
            .unwrap();
    }
}
