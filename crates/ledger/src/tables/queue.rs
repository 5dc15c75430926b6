//! Bodies that are to be sent and were not yet accepted.
//!
//! A receiver that is down for an hour must not stop counting, and what was counted must not be forgotten by
//! a restart. A body is numbered in the transaction that took its counts, and removed when it was accepted or
//! given up. How much waits is known without reading it.
//!
//! Growth: the caller looks at `queue_bytes` and stops publishing (counts then wait, see `pending`).

use serde::{Deserialize, Serialize};

use crate::codec::{decode_with, encode_with, key, part};
use crate::error::LedgerError;
use crate::tables::tallies::TallyKind;
use crate::view::{Access, View, Writing};

/// A body to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueItem {
    /// The start of the first minute in it: microseconds since the epoch.
    pub first_minute_us: i64,
    /// The start of the last minute in it: microseconds since the epoch.
    pub last_minute_us: i64,
    /// Samples in it.
    pub samples: u64,
    /// What is sent, as it is sent.
    pub body: Vec<u8>,
}

/// What of an item stands in front of its body.
#[derive(Serialize, Deserialize)]
struct Head {
    first_minute_us: i64,
    last_minute_us: i64,
    samples: u64,
}

impl<A: Access> View<A> {
    /// The first `max_items` items with their numbers, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn queue_front(&self, queue: &str, max_items: usize) -> Result<Vec<(u64, QueueItem)>, LedgerError> {
        let mut items = Vec::new();
        let Some(number) = self.name_number(queue)? else {
            return Ok(items);
        };
        self.tables.queue.each(&queue_key(number, 0), &queue_key(number, u64::MAX), |key, bytes| {
            if items.len() < max_items {
                items.push((u64::from_be_bytes(part(key, 4)), item_from(bytes)?));
            }
            Ok(items.len() < max_items)
        })?;
        Ok(items)
    }

    /// How many items wait and how many bytes their bodies have; costs the same whatever their number.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn queue_bytes(&self, queue: &str) -> Result<(u64, u64), LedgerError> {
        let Some(number) = self.name_number(queue)? else {
            return Ok((0, 0));
        };
        let tally = self.tally(TallyKind::Queue, number)?;
        Ok((tally.count, tally.bytes))
    }
}

impl Writing<'_> {
    /// Puts an item at the end of a queue; its number, from 1, which the queue never gives again.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn push_queue(&self, queue: &str, item: &QueueItem) -> Result<u64, LedgerError> {
        let number = self.name_number_or_new(queue)?;
        let QueueItem { first_minute_us, last_minute_us, samples, .. } = *item;
        let bytes = encode_with("queue", &Head { first_minute_us, last_minute_us, samples }, &item.body)?;
        let mut tally = self.tally(TallyKind::Queue, number)?;
        let sequence = tally.add(item.body.len());
        self.set_tally(TallyKind::Queue, number, tally)?;
        self.tables.queue.set(&queue_key(number, sequence), bytes.as_slice())?;
        Ok(sequence)
    }

    /// Removes an item; whether it was there.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn remove_queue(&self, queue: &str, sequence: u64) -> Result<bool, LedgerError> {
        let Some(number) = self.name_number(queue)? else {
            return Ok(false);
        };
        let key = queue_key(number, sequence);
        let Some(item) = self.tables.queue.find(&key, item_from)? else {
            return Ok(false);
        };
        let mut tally = self.tally(TallyKind::Queue, number)?;
        tally.subtract(item.body.len());
        self.set_tally(TallyKind::Queue, number, tally)?;
        self.tables.queue.remove(&key)
    }
}

fn queue_key(queue: u32, sequence: u64) -> [u8; 12] {
    key(&[&queue.to_be_bytes(), &sequence.to_be_bytes()])
}

fn item_from(bytes: &[u8]) -> Result<QueueItem, LedgerError> {
    let (Head { first_minute_us, last_minute_us, samples }, body) = decode_with("queue", bytes)?;
    Ok(QueueItem { first_minute_us, last_minute_us, samples, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, in_memory};

    #[test]
    fn items_leave_in_their_order_and_numbers_are_not_given_again() {
        let item = |samples: u64| QueueItem {
            first_minute_us: -60,
            last_minute_us: 60,
            samples,
            body: vec![200; samples as usize],
        };
        let ledger = in_memory();
        committed(&ledger, |w| {
            assert_eq!((w.push_queue("a", &item(1))?, w.push_queue("a", &item(300))?), (1, 2));
            assert_eq!((w.push_queue("b", &item(0))?, w.queue_bytes("a")?), (1, (2, 301)));
            Ok(())
        });
        committed(&ledger, |w| {
            assert!(w.remove_queue("a", 2)? && !w.remove_queue("a", 2)? && !w.remove_queue("c", 2)?);
            assert_eq!(w.push_queue("a", &item(3))?, 3);
            Ok(())
        });
        ledger
            .read(|r| {
                assert_eq!(r.queue_front("a", 9)?, [(1, item(1)), (3, item(3))]);
                assert_eq!(r.queue_front("a", 1)?, [(1, item(1))]);
                assert_eq!((r.queue_front("a", 0)?, r.queue_front("c", 9)?), (vec![], vec![]));
                assert_eq!(
                    [r.queue_bytes("a")?, r.queue_bytes("b")?, r.queue_bytes("c")?],
                    [(2, 4), (1, 0), (0, 0)]
                );
                Ok(())
            })
            .unwrap();
    }
}
