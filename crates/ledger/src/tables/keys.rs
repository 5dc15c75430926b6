//! Idempotency keys of pushes: a push that is sent again because its answer was lost counts once.
//!
//! Clients choose keys, so neither their length nor their number may matter: the caller hashes them to 16
//! bytes, and beside the age there is a cap, at which the oldest make room. A second table has them by time.
//!
//! Growth: `expire_keys` by age and `cap_keys` by number. About 80 bytes per key in both tables.

use redb::ReadableTableMetadata as _;
use weir_record::Timestamp;

use crate::codec::{LAST, key, micros, part, signed};
use crate::error::LedgerError;
use crate::view::{Access, View, Writing};

impl<A: Access> View<A> {
    /// When a key was seen, in microseconds since the epoch; `None` where it was not, or expired.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn key(&self, hash: [u8; 16]) -> Result<Option<i64>, LedgerError> {
        self.tables.keys.find(&hash, Ok)
    }

    /// How many keys are kept; costs the same whatever their number.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn keys_len(&self) -> Result<u64, LedgerError> {
        self.tables.keys.look(|table| Ok(table.len()?))
    }
}

impl Writing<'_> {
    /// Keeps a key as seen at `now`, whatever was known of it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_key(&self, hash: [u8; 16], now: Timestamp) -> Result<(), LedgerError> {
        if let Some(former_us) = self.key(hash)? {
            self.tables.keys_by_time.remove(&by_time(former_us, hash))?;
        }
        self.tables.keys.set(&hash, micros(now))?;
        self.tables.keys_by_time.set(&by_time(micros(now), hash), ())?;
        Ok(())
    }

    /// Forgets up to `max` keys seen before `before`, oldest first, and returns how many.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn expire_keys(&self, before: Timestamp, max: usize) -> Result<usize, LedgerError> {
        self.take_keys(by_time(micros(before).saturating_sub(1), LAST), max)
    }

    /// Forgets the oldest keys until `max` are left, and returns how many were forgotten.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn cap_keys(&self, max: usize) -> Result<usize, LedgerError> {
        let len = usize::try_from(self.keys_len()?).unwrap_or(usize::MAX);
        match len.saturating_sub(max) {
            0 => Ok(0),
            excess => self.take_keys([u8::MAX; 24], excess),
        }
    }

    fn take_keys(&self, last: [u8; 24], max: usize) -> Result<usize, LedgerError> {
        self.tables
            .keys_by_time
            .take_range((&[0; 24], &last), max, |key, ()| self.tables.keys.remove(&part(key, 8)).map(|_| ()))
    }
}

fn by_time(seen_at_us: i64, hash: [u8; 16]) -> [u8; 24] {
    key(&[&signed(seen_at_us), &hash])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, in_memory};

    #[test]
    fn keys_expire_by_age_and_by_number_oldest_first() {
        let ledger = in_memory();
        let at = Timestamp::from_micros;
        committed(&ledger, |w| {
            for number in 0..10 {
                w.put_key([number; 16], at(i64::from(number) - 5))?;
            }
            // Seen again: it is as young as its last use.
            w.put_key([0; 16], at(100))?;
            assert_eq!((w.key([0; 16])?, w.keys_len()?), (Some(100), 10));
            assert_eq!((w.expire_keys(at(-3), 10)?, w.expire_keys(at(-1), 1)?), (1, 1));
            assert_eq!((w.cap_keys(8)?, w.cap_keys(3)?), (0, 5));
            Ok(())
        });
        let left: Vec<u8> = ledger
            .read(|r| (0..10).map(|number| Ok((number, r.key([number; 16])?))).collect::<Result<Vec<_>, _>>())
            .unwrap()
            .into_iter()
            .filter_map(|(number, seen)| seen.map(|_| number))
            .collect();
        assert_eq!(left, [0, 8, 9]);
    }
}
