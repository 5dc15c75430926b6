//! What happened in each minute of event time, by source, service, route, method and status class.
//!
//! These are the most rows of all: 400 days of minutes. So the text of a key is kept once and numbered, and
//! a row has minute and number, 12 bytes. Rows lie by minute, since minutes are asked for and expire
//! together. The last day of each key is kept too, or keys of routes that are long gone would never leave.
//!
//! Growth: `expire_slots` by age, and `expire_slot_keys` after it; keys within one day are bounded by the
//! budget of the minutes in memory.

use weir_meter::durable::{StoredSlot, StoredSlotKey};
use weir_record::Minute;

use crate::codec::{day_of_minute, decode, encode, from_signed, key, part, signed};
use crate::error::LedgerError;
use crate::tables::tallies::TallyKind;
use crate::view::{Access, View, Writing};

impl<A: Access> View<A> {
    /// All keys with their numbers, in the order of numbers.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn slot_keys(&self) -> Result<Vec<(u32, StoredSlotKey)>, LedgerError> {
        let mut keys = Vec::new();
        self.tables.slot_keys.each(0, u32::MAX, |number, bytes| {
            keys.push((number, decode("slot_keys", bytes)?));
            Ok(true)
        })?;
        Ok(keys)
    }

    /// The number of a key; `None` where it has none.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn known_slot_key_number(&self, key: &StoredSlotKey) -> Result<Option<u32>, LedgerError> {
        self.tables.slot_numbers.find(&encode("slot_keys", key)?, Ok)
    }

    /// Shows what happened from minute `from` (inclusive) to `to` (exclusive), in the order of minutes and
    /// then of numbers of keys.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn slots(
        &self,
        from: Minute,
        to: Minute,
        mut each: impl FnMut(Minute, u32, StoredSlot),
    ) -> Result<(), LedgerError> {
        if from >= to {
            return Ok(());
        }
        self.tables.slots.each(&slot_key(from, 0), &last_before(to), |key, bytes| {
            let minute = Minute(from_signed(part(key, 0)));
            each(minute, u32::from_be_bytes(part(key, 8)), decode("slots", bytes)?);
            Ok(true)
        })
    }
}

impl Writing<'_> {
    /// The number of a key, a new one where it has none. It stays until `expire_slot_keys` returns it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn slot_key_number(&self, key: &StoredSlotKey) -> Result<u32, LedgerError> {
        let bytes = encode("slot_keys", key)?;
        if let Some(number) = self.tables.slot_numbers.find(&bytes, Ok)? {
            return Ok(number);
        }
        let number = self.next_number(TallyKind::SlotKeys)?;
        self.tables.slot_numbers.set(&bytes, number)?;
        self.tables.slot_keys.set(number, &bytes)?;
        Ok(number)
    }

    /// Adds what happened in a minute under the key of this number to what is there. Cheapest in the order
    /// of minutes and numbers.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn add_slot(&self, minute: Minute, number: u32, slot: &StoredSlot) -> Result<(), LedgerError> {
        let key = slot_key(minute, number);
        match self.tables.slots.get::<StoredSlot>(&key)? {
            Some(mut sum) => {
                sum.merge(slot);
                self.tables.slots.put(&key, &sum)?;
            }
            None => {
                self.tables.slots.put(&key, slot)?;
            }
        }
        let day = day_of_minute(minute);
        if self.tables.slot_days.find(number, Ok)?.is_none_or(|last| last < day) {
            self.tables.slot_days.set(number, day)?;
        }
        Ok(())
    }

    /// Forgets up to `max` slots of minutes before `before`, oldest first, and returns how many.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn expire_slots(&self, before: Minute, max: usize) -> Result<usize, LedgerError> {
        self.tables.slots.take_range((&[0; 12], &last_before(before)), max, |_, _| Ok(()))
    }

    /// Forgets up to `max` keys whose last slot is of a day before that of `before`, and returns their
    /// numbers, which are not given again. Right only where `expire_slots` has removed all before `before`.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn expire_slot_keys(&self, before: Minute, max: usize) -> Result<Vec<u32>, LedgerError> {
        let mut expired = Vec::new();
        self.tables.slot_days.each(0, u32::MAX, |number, day| {
            if expired.len() < max && day < day_of_minute(before) {
                expired.push(number);
            }
            Ok(expired.len() < max)
        })?;
        for &number in &expired {
            self.tables.slot_days.remove(number)?;
            if let Some(bytes) = self.tables.slot_keys.find(number, |bytes| Ok(bytes.to_vec()))? {
                self.tables.slot_numbers.remove(&bytes)?;
                self.tables.slot_keys.remove(number)?;
            }
        }
        Ok(expired)
    }
}

fn slot_key(minute: Minute, number: u32) -> [u8; 12] {
    key(&[&signed(minute.0), &number.to_be_bytes()])
}

/// The last possible key before a minute.
fn last_before(minute: Minute) -> [u8; 12] {
    slot_key(Minute(minute.0.saturating_sub(1)), u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, counts, in_memory};

    fn slot_key_of(route: &str) -> StoredSlotKey {
        StoredSlotKey {
            source: "alb".into(),
            service: "shop".into(),
            route: route.into(),
            method: "GET".into(),
            status_class: Some(2),
        }
    }

    fn slot(count: u64) -> StoredSlot {
        StoredSlot { count, request_times: counts(count).request_times }
    }

    fn minutes(view: &View<impl Access>, from: i64, to: i64) -> Vec<(i64, u32, u64)> {
        let mut seen = Vec::new();
        view.slots(Minute(from), Minute(to), |minute, number, slot| {
            seen.push((minute.0, number, slot.count));
        })
        .unwrap();
        seen
    }

    #[test]
    fn slots_add_up_by_minute_and_key() {
        let ledger = in_memory();
        let numbers = committed(&ledger, |w| {
            let numbers = ["/a", "/b", "/a"].map(|route| w.slot_key_number(&slot_key_of(route)).unwrap());
            for (minute, number, count) in [(5, 2, 1), (-5, 1, 1), (5, 1, 1), (5, 2, 2), (6, 1, 1)] {
                w.add_slot(Minute(minute), number, &slot(count))?;
            }
            Ok(numbers)
        });
        assert_eq!(numbers, [1, 2, 1]);
        ledger
            .read(|r| {
                assert_eq!(r.slot_keys()?, [(1, slot_key_of("/a")), (2, slot_key_of("/b"))]);
                let known = ["/b", "/c"].map(|route| r.known_slot_key_number(&slot_key_of(route)).unwrap());
                assert_eq!(known, [Some(2), None]);
                assert_eq!(minutes(r, -5, 6), [(-5, 1, 1), (5, 1, 1), (5, 2, 3)]);
                assert_eq!((minutes(r, 6, 6), minutes(r, 9, 6)), (vec![], vec![]));
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn old_slots_expire_and_then_the_keys_that_have_none() {
        let ledger = in_memory();
        let day = 24 * 60;
        committed(&ledger, |w| {
            for (route, minute) in [("/old", 3), ("/old", 4), ("/both", 5), ("/both", 2 * day)] {
                let number = w.slot_key_number(&slot_key_of(route))?;
                w.add_slot(Minute(minute), number, &slot(1))?;
            }
            Ok(())
        });
        committed(&ledger, |w| {
            let before = Minute(day);
            assert_eq!(
                [w.expire_slots(before, 2)?, w.expire_slots(before, 2)?, w.expire_slots(before, 2)?],
                [2, 1, 0]
            );
            assert_eq!((w.expire_slot_keys(before, 9)?, w.expire_slot_keys(before, 9)?), (vec![1], vec![]));
            assert_eq!(w.slot_keys()?, [(2, slot_key_of("/both"))]);
            assert_eq!(w.slot_key_number(&slot_key_of("/old"))?, 3);
            assert_eq!(minutes(w, 0, 3 * day), [(2 * day, 2, 1)]);
            Ok(())
        });
    }
}
