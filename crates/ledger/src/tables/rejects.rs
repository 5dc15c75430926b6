//! Lines that could not be parsed, whole, until someone has looked at them.
//!
//! They are in the ledger and not in a file beside it because they belong to the same truth: a line is
//! counted or rejected, and a crash must not make it neither or both. Their size is known without reading.
//!
//! Growth: `expire_rejects` by age; the caller looks at `rejects_bytes` before it adds, and says what then
//! happens. One line is as long as its source allows, and says `is_cut` where it was longer.

use serde::{Deserialize, Serialize};
use weir_record::Timestamp;

use crate::codec::{decode_with, encode_with, micros};
use crate::error::LedgerError;
use crate::tables::tallies::TallyKind;
use crate::view::{Access, View, Writing};

/// A line that could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReject {
    /// The source's name in the config.
    pub source: Box<str>,
    /// The file or S3 URL.
    pub origin: Box<str>,
    /// Its line there, from 1; 0 where it has none.
    pub line: u64,
    /// The column where parsing ended, from 1; 0 for the whole line.
    pub column: u32,
    /// The reason's name.
    pub reason: Box<str>,
    /// When it was read: microseconds since the epoch.
    pub received_at_us: i64,
    /// The line as it came, without its end.
    pub bytes: Vec<u8>,
    /// The line was longer than what is kept of it.
    pub is_cut: bool,
    /// The number of the format that it was read as, where that is known.
    pub format: Option<u8>,
}

/// What of a reject stands in front of its line.
#[derive(Serialize, Deserialize)]
struct Head {
    source: Box<str>,
    origin: Box<str>,
    line: u64,
    column: u32,
    reason: Box<str>,
    received_at_us: i64,
    is_cut: bool,
    format: Option<u8>,
}

impl<A: Access> View<A> {
    /// A reject; `None` where there is none of this id.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn reject(&self, id: u64) -> Result<Option<StoredReject>, LedgerError> {
        self.tables.rejects.find(id, reject_from)
    }

    /// Up to `max` rejects with ids above `after_id`, in the order in which they came; 0 is before all.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn rejects(&self, after_id: u64, max: usize) -> Result<Vec<(u64, StoredReject)>, LedgerError> {
        let mut rejects = Vec::new();
        let Some(first) = after_id.checked_add(1) else {
            return Ok(rejects);
        };
        self.tables.rejects.each(first, u64::MAX, |id, bytes| {
            if rejects.len() < max {
                rejects.push((id, reject_from(bytes)?));
            }
            Ok(rejects.len() < max)
        })?;
        Ok(rejects)
    }

    /// How many rejects are kept and how many bytes their rows have; costs the same whatever their number.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn rejects_bytes(&self) -> Result<(u64, u64), LedgerError> {
        let tally = self.tally(TallyKind::Rejects, 0)?;
        Ok((tally.count, tally.bytes))
    }
}

impl Writing<'_> {
    /// Keeps a reject; its id, from 1, which is never given again.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_reject(&self, reject: &StoredReject) -> Result<u64, LedgerError> {
        self.put_rejects([reject])?;
        Ok(self.tally(TallyKind::Rejects, 0)?.last_number)
    }

    /// Keeps rejects, in their order; cheaper than one at a time.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_rejects<'r>(
        &self,
        rejects: impl IntoIterator<Item = &'r StoredReject>,
    ) -> Result<(), LedgerError> {
        let mut rejects = rejects.into_iter().peekable();
        if rejects.peek().is_none() {
            return Ok(());
        }
        let mut tally = self.tally(TallyKind::Rejects, 0)?;
        for reject in rejects {
            let bytes = row_of(reject)?;
            self.tables.rejects.set(tally.add(bytes.len()), &bytes)?;
        }
        self.set_tally(TallyKind::Rejects, 0, tally)
    }

    /// Forgets a reject; whether it was there.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn remove_reject(&self, id: u64) -> Result<bool, LedgerError> {
        let Some(len) = self.tables.rejects.find(id, |bytes| Ok(bytes.len()))? else {
            return Ok(false);
        };
        let mut tally = self.tally(TallyKind::Rejects, 0)?;
        tally.subtract(len);
        self.set_tally(TallyKind::Rejects, 0, tally)?;
        self.tables.rejects.remove(id)
    }

    /// Forgets up to `max` rejects read before `before`, in the order in which they came, and returns how
    /// many. Stops at the first that is younger: after the clock was set back, some stay a little longer.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn expire_rejects(&self, before: Timestamp, max: usize) -> Result<usize, LedgerError> {
        let mut expired = Vec::new();
        self.tables.rejects.each(0, u64::MAX, |id, bytes| {
            let (head, _) = postcard::take_from_bytes::<Head>(bytes)
                .map_err(|error| LedgerError::corrupt("rejects", &error))?;
            let is_expired = expired.len() < max && head.received_at_us < micros(before);
            if is_expired {
                expired.push(id);
            }
            Ok(is_expired)
        })?;
        for &id in &expired {
            self.remove_reject(id)?;
        }
        Ok(expired.len())
    }
}

fn row_of(reject: &StoredReject) -> Result<Vec<u8>, LedgerError> {
    let head = Head {
        source: reject.source.clone(),
        origin: reject.origin.clone(),
        line: reject.line,
        column: reject.column,
        reason: reject.reason.clone(),
        received_at_us: reject.received_at_us,
        is_cut: reject.is_cut,
        format: reject.format,
    };
    encode_with("rejects", &head, &reject.bytes)
}

fn reject_from(bytes: &[u8]) -> Result<StoredReject, LedgerError> {
    let (head, bytes): (Head, _) = decode_with("rejects", bytes)?;
    let Head { source, origin, line, column, reason, received_at_us, is_cut, format } = head;
    Ok(StoredReject { source, origin, line, column, reason, received_at_us, bytes, is_cut, format })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, in_memory};

    fn reject(received_at_us: i64) -> StoredReject {
        StoredReject {
            source: "alb".into(),
            origin: "s3://logs/a.gz".into(),
            line: 5_123,
            column: 7,
            reason: "alb_too_few_fields".into(),
            received_at_us,
            bytes: b"http \xff\0 2026".to_vec(),
            is_cut: received_at_us % 2 == 0,
            format: Some(3),
        }
    }

    #[test]
    fn rejects_come_back_whole_and_their_size_is_known() {
        let ledger = in_memory();
        committed(&ledger, |w| {
            for time in 1..=5 {
                assert_eq!(w.put_reject(&reject(time))?, time.unsigned_abs());
            }
            let (count, bytes) = w.rejects_bytes()?;
            assert!(w.remove_reject(2)? && !w.remove_reject(2)?);
            let (left, left_bytes) = w.rejects_bytes()?;
            assert_eq!((count, left, left_bytes), (5, 4, bytes / 5 * 4));
            Ok(())
        });
        ledger
            .read(|r| {
                assert_eq!((r.reject(3)?, r.reject(2)?), (Some(reject(3)), None));
                assert_eq!(r.rejects(1, 2)?, [(3, reject(3)), (4, reject(4))]);
                assert_eq!(
                    (r.rejects(0, 9)?.len(), r.rejects(5, 9)?, r.rejects(u64::MAX, 9)?),
                    (4, vec![], vec![])
                );
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn rejects_expire_in_the_order_in_which_they_came() {
        let ledger = in_memory();
        committed(&ledger, |w| {
            [1, 2, 9, 3].iter().try_for_each(|&time| w.put_reject(&reject(time)).map(|_| ()))?;
            let before = Timestamp::from_micros(5);
            assert_eq!([w.expire_rejects(before, 1)?, w.expire_rejects(before, 9)?], [1, 1]);
            assert_eq!(w.expire_rejects(Timestamp::from_micros(10), 9)?, 2);
            assert_eq!((w.rejects_bytes()?, w.put_reject(&reject(4))?), ((0, 0), 5));
            Ok(())
        });
    }

    #[test]
    fn rejects_that_are_kept_together_are_counted_as_those_kept_one_by_one() {
        let (together, one_by_one) = (in_memory(), in_memory());
        let rejects = [reject(1), reject(2), reject(3)];
        committed(&together, |w| {
            w.put_rejects([])?;
            assert_eq!(w.rejects_bytes()?, (0, 0));
            w.put_rejects(&rejects[..2])?;
            w.put_rejects(&rejects[2..])
        });
        committed(&one_by_one, |w| rejects.iter().try_for_each(|reject| w.put_reject(reject).map(|_| ())));
        let all =
            |ledger: &crate::Ledger| ledger.read(|r| Ok((r.rejects_bytes()?, r.rejects(0, 9)?))).unwrap();
        assert_eq!(all(&together), all(&one_by_one));
        assert_eq!(all(&together).0.0, 3);
    }
}
