//! What was counted from buckets and folders, so that it is not counted again.
//!
//! A row is found by a hash of the object's name, 16 bytes where bucket and key may take a thousand; two names
//! with one hash are expected once in 2^64 objects. A second table has the same names by the time of their
//! commit: an expiry that had to read all rows to find the old ones would stop every commit meanwhile. New
//! rows come last in it, so it costs a commit little; by day and hash it took as many pages as the first.
//!
//! Growth: `expire_objects`, called with the time after which the bucket itself has dropped an object. One
//! that comes again after that is counted again. About 100 bytes per object in both tables.

use serde::{Deserialize, Serialize};
use weir_record::Timestamp;
use xxhash_rust::xxh3::Xxh3;

use crate::codec::{LAST, key, micros, part, signed};
use crate::error::LedgerError;
use crate::view::{Access, View, Writing};

/// An object's name, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub [u8; 16]);

impl ObjectId {
    /// The hash of a name's parts (bucket and key, or folder and file): XXH3-128 over each part's length and
    /// bytes, so that `a` and `bc` is another name than `ab` and `c`. It is the same in every version.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Xxh3::new();
        for part in parts {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.digest128().to_be_bytes())
    }
}

/// What is known of an object that was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectEntry {
    /// The bucket's name for the content; empty for files. The caller bounds its length.
    pub etag: Box<str>,
    /// Packed bytes.
    pub size: u64,
    /// A hash of the unpacked text, by which other bytes with the same lines are known.
    pub text_hash: u128,
    /// When it was counted: microseconds since the epoch.
    pub committed_at_us: i64,
}

impl<A: Access> View<A> {
    /// What is known of an object; `None` where it was not counted, or expired.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn object(&self, id: ObjectId) -> Result<Option<ObjectEntry>, LedgerError> {
        self.tables.objects.get(&id.0)
    }
}

impl Writing<'_> {
    /// Keeps that an object was counted, in the place of what was known of it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_object(&self, id: ObjectId, entry: &ObjectEntry) -> Result<(), LedgerError> {
        if let Some(former) = self.object(id)? {
            self.tables.objects_by_time.remove(&by_time(former.committed_at_us, id.0))?;
        }
        self.tables.objects.put(&id.0, entry)?;
        self.tables.objects_by_time.set(&by_time(entry.committed_at_us, id.0), ())?;
        Ok(())
    }

    /// Forgets an object that cannot come again; one that is not known is no error.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn forget_object(&self, id: ObjectId) -> Result<(), LedgerError> {
        if let Some(former) = self.object(id)? {
            self.tables.objects_by_time.remove(&by_time(former.committed_at_us, id.0))?;
            self.tables.objects.remove(&id.0)?;
        }
        Ok(())
    }

    /// Forgets up to `max` objects that were counted before `before`, oldest first, and returns how many. Fewer
    /// than `max` means that none is left.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn expire_objects(&self, before: Timestamp, max: usize) -> Result<usize, LedgerError> {
        let last = by_time(micros(before).saturating_sub(1), LAST);
        self.tables.objects_by_time.take_range((&[0; 24], &last), max, |key, ()| {
            self.tables.objects.remove(&part(key, 8)).map(|_| ())
        })
    }
}

/// The key of an object in the order of commits.
fn by_time(committed_at_us: i64, id: [u8; 16]) -> [u8; 24] {
    key(&[&signed(committed_at_us), &id])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, in_memory};

    const DAY_US: i64 = 86_400_000_000;

    fn entry(committed_at_us: i64) -> ObjectEntry {
        ObjectEntry {
            etag: "\"9b2cf535f27731c974343645a3985328-3\"".into(),
            size: 5 << 30,
            text_hash: u128::MAX - 1,
            committed_at_us,
        }
    }

    #[test]
    fn the_hash_of_a_name_never_changes_and_knows_its_parts() {
        let id = ObjectId::of(&["logs", "a.gz"]);
        let hex: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "fd2ca26b32d08fe965f7d3c616c13e88");
        assert_ne!(ObjectId::of(&["a", "bc"]), ObjectId::of(&["ab", "c"]));
    }

    #[test]
    fn an_object_is_known_by_its_last_entry() {
        let ledger = in_memory();
        let id = ObjectId::of(&["bucket", "key"]);
        committed(&ledger, |w| {
            w.put_object(id, &entry(5))?;
            w.put_object(id, &entry(3 * DAY_US))?;
            assert_eq!(w.expire_objects(Timestamp::from_micros(2 * DAY_US), 10)?, 0);
            assert_eq!(w.object(id)?, Some(entry(3 * DAY_US)));
            Ok(())
        });
        ledger
            .read(|r| {
                assert_eq!(r.object(id)?, Some(entry(3 * DAY_US)));
                assert_eq!(r.object(ObjectId::of(&["bucket", "other"]))?, None);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn objects_expire_by_age_and_in_portions() {
        let ledger = in_memory();
        committed(&ledger, |w| {
            (0..100_000_u64).try_for_each(|number| {
                let day = i64::try_from(number % 10).unwrap();
                w.put_object(ObjectId::of(&[&number.to_string()]), &entry(day * DAY_US + 7))
            })
        });
        let before = Timestamp::from_micros(4 * DAY_US + DAY_US / 2);
        for (max, expected) in [(30_000, 30_000), (30_000, 20_000), (30_000, 0)] {
            assert_eq!(committed(&ledger, |w| w.expire_objects(before, max)), expected);
        }
        ledger
            .read(|r| {
                let known = |number: u64| r.object(ObjectId::of(&[&number.to_string()]));
                for number in [3, 4, 99_993, 99_994] {
                    assert_eq!(known(number)?.is_some(), number % 10 >= 5, "{number}");
                }
                Ok(())
            })
            .unwrap();
    }
}
