//! Good and bad events of promises and alerts: in each minute of event time, in all, and in minutes that remote write
//! has not published yet.
//!
//! As with [`slots`](super::slots), the text of a key is kept once and numbered. A key says what was measured, by a
//! hash: with another threshold a minute's events are others, and must not be added to what was counted before. The
//! first and the last minute of each key are kept too: the last lets keys expire, and the first says what was never
//! seen before.
//!
//! A minute is one row with all its keys, as is an hour. They are read for days at once, at each start and by
//! backtests, and a row costs the store more than what is in it: a row for each key and minute took five times the
//! room and ten times as long. What that costs is that whoever adds to one key of a minute writes all of it.
//!
//! Growth: `expire_events` by age, and `expire_event_keys` after it; keys are bounded by whoever gives new ones.

use redb::WriteTransaction;
use serde::{Deserialize, Serialize};
use weir_record::Minute;

use crate::codec::{decode, encode, from_signed, key, part, signed};
use crate::error::LedgerError;
use crate::tables::tallies::TallyKind;
use crate::tables::{Bytes, Fixed};
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
        self.tables.events.each(&signed(from.0), &last_before(to.0), |key, bytes| {
            let minute = Minute(from_signed(*key));
            let row = unpacked("minute_events", bytes)?;
            row.into_iter().for_each(|(number, events)| each(minute, number, events));
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
        self.tables.event_hours.each(&signed(from), &[u8::MAX; 8], |key, bytes| {
            let row = unpacked("hour_events", bytes)?;
            row.into_iter().for_each(|(number, events)| each(from_signed(*key), number, events));
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

    /// Adds what happened in a minute under the keys of these numbers.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn add_events(&self, minute: Minute, added: &[(u32, EventCounts)]) -> Result<(), LedgerError> {
        add_to_row(&self.tables.events, minute.0, added)?;
        for (number, _) in added {
            let span = self.event_span(*number)?;
            let (first, last) = span.unwrap_or((minute.0, minute.0));
            let wider = (first.min(minute.0), last.max(minute.0));
            if span != Some(wider) {
                self.tables.event_spans.set(*number, wider)?;
            }
        }
        Ok(())
    }

    /// Adds what happened in an hour, which makes long spans quick to add up; maintenance is left out of it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn add_event_hour(&self, hour: i64, added: &[(u32, EventCounts)]) -> Result<(), LedgerError> {
        add_to_row(&self.tables.event_hours, hour, added)
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
        let (first, minute, hour) = ([0; 8], last_before(before.0), last_before(before.0.div_euclid(60)));
        let hours = self.tables.event_hours.take_range((&first, &hour), max, |_, _| Ok(()))?;
        let minutes = self.tables.events.take_range((&first, &minute), max, |_, _| Ok(()))?;
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

/// Adds to the row of a minute or an hour.
pub(crate) fn add_to_row(
    table: &Fixed<&WriteTransaction, 8, Bytes>,
    time: i64,
    added: &[(u32, EventCounts)],
) -> Result<(), LedgerError> {
    let key = signed(time);
    let mut row = table.find(&key, |bytes| unpacked(table.name(), bytes))?.unwrap_or_default();
    for (number, events) in added {
        let place = row.binary_search_by_key(number, |(known, _)| *known);
        match place.map(|at| row.get_mut(at)) {
            Ok(Some((_, sum))) => sum.add(*events),
            Ok(None) => {}
            Err(at) => row.insert(at, (*number, *events)),
        }
    }
    table.put(&key, &packed(row))?;
    Ok(())
}

/// A row as it is kept: each number as how much it is more than the one before, which mostly is a byte.
fn packed(mut row: Vec<(u32, EventCounts)>) -> Vec<(u32, EventCounts)> {
    let mut last = 0;
    row.iter_mut().for_each(|(number, _)| *number -= std::mem::replace(&mut last, *number));
    row
}

/// What happened under each key, in the order of their numbers.
fn unpacked(table: &'static str, bytes: &[u8]) -> Result<Vec<(u32, EventCounts)>, LedgerError> {
    let mut row: Vec<(u32, EventCounts)> = decode(table, bytes)?;
    let mut last = 0_u32;
    for (number, _) in &mut row {
        last = last.saturating_add(*number);
        *number = last;
    }
    Ok(row)
}

/// The key of the last minute or hour before this one.
const fn last_before(time: i64) -> [u8; 8] {
    signed(time.saturating_sub(1))
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
                w.add_events(Minute(minute), &[(number, counts)])?;
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
    fn keys_of_a_minute_are_in_the_order_of_their_numbers_whenever_they_come() {
        let ledger = in_memory();
        let added: [&[_]; 3] =
            [&[(700, events(1, 0)), (3, events(0, 1))], &[(500_000, events(u64::MAX, 0))], &[]];
        let more = [(3, events(2, 0)), (701, events(5, 5))];
        committed(&ledger, |w| {
            for added in added.into_iter().chain([&more[..]]) {
                w.add_events(Minute(-1), added)?;
                w.add_event_hour(-1, added)?;
            }
            Ok(())
        });
        let expected =
            [(3, events(2, 1)), (700, events(1, 0)), (701, events(5, 5)), (500_000, events(u64::MAX, 0))];
        let (mut minutes, mut hours) = (Vec::new(), Vec::new());
        ledger
            .read(|r| {
                r.events(Minute(-1), Minute(0), |_, number, events| minutes.push((number, events)))?;
                r.event_hours(-1, |_, number, events| hours.push((number, events)))
            })
            .unwrap();
        assert_eq!((minutes, hours), (expected.to_vec(), expected.to_vec()));
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
