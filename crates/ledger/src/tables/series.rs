//! Series and what was counted under them, so that counters continue after a restart.
//!
//! Labels never change and counts change with every group, so they are apart: a commit writes the counts
//! alone. Rows lie in the order of births and new ones come last, where a tree takes them cheapest.
//!
//! Growth: the meter's series budget, live and expired together; `remove_series` when the meter purges one.

use weir_meter::durable::{SeriesId, StoredCounts, StoredLabels};
use weir_record::Origin;

use crate::codec::{decode, key, origin_byte, part, series_bytes, series_from};
use crate::error::LedgerError;
use crate::view::{Access, View, Writing};

/// The last key of a meter.
const LAST_SERIES: [u8; 9] = [u8::MAX; 9];

impl<A: Access> View<A> {
    /// All series of a meter with their labels and counts, by origin and in the order of their births. One
    /// that has no counts yet has empty ones.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read, or has counts of a series without labels.
    pub fn series(&self, meter: &str) -> Result<Vec<(SeriesId, StoredLabels, StoredCounts)>, LedgerError> {
        let mut series = Vec::new();
        let Some(number) = self.name_number(meter)? else {
            return Ok(series);
        };
        let (first, last) = (series_key(number, [0; 9]), series_key(number, LAST_SERIES));
        self.tables.labels.each(&first, &last, |key, bytes| {
            let id = series_from("labels", part(key, 4))?;
            series.push((id, decode("labels", bytes)?, StoredCounts::default()));
            Ok(true)
        })?;
        // Both tables are in the same order, so one pass over each is enough.
        let mut rows = series.iter_mut();
        self.tables.counts.each(&first, &last, |key, bytes| {
            let id = series_from("counts", part(key, 4))?;
            let Some((_, _, counts)) = rows.find(|(row, _, _)| *row == id) else {
                return Err(LedgerError::corrupt("counts", &format!("series {} has no labels", id.birth)));
            };
            *counts = decode("counts", bytes)?;
            Ok(true)
        })?;
        Ok(series)
    }

    /// The last birth number that was given in a meter; 0 where none was.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn births(&self, meter: &str, origin: Origin) -> Result<u64, LedgerError> {
        let Some(number) = self.name_number(meter)? else {
            return Ok(0);
        };
        Ok(self.tables.births.find(&births_key(number, origin), Ok)?.unwrap_or(0))
    }
}

impl Writing<'_> {
    /// Keeps a new series.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_labels(
        &self,
        meter: &str,
        series: SeriesId,
        labels: &StoredLabels,
    ) -> Result<(), LedgerError> {
        let number = self.name_number_or_new(meter)?;
        self.tables.labels.put(&series_key(number, series_bytes(series)), labels).map(|_| ())
    }

    /// Keeps what was counted under a series so far, in the place of what was kept. Cheapest in the order of
    /// births.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_counts(
        &self,
        meter: &str,
        series: SeriesId,
        counts: &StoredCounts,
    ) -> Result<(), LedgerError> {
        let number = self.name_number_or_new(meter)?;
        self.tables.counts.put(&series_key(number, series_bytes(series)), counts).map(|_| ())
    }

    /// Forgets a series; whether it was known. Its birth number is not given again.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn remove_series(&self, meter: &str, series: SeriesId) -> Result<bool, LedgerError> {
        let Some(number) = self.name_number(meter)? else {
            return Ok(false);
        };
        let key = series_key(number, series_bytes(series));
        self.tables.counts.remove(&key)?;
        self.tables.labels.remove(&key)
    }

    /// Keeps the last birth number that was given in a meter; a lesser one than before changes nothing, so
    /// that a number is never given twice, even when its series was purged.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_births(&self, meter: &str, origin: Origin, births: u64) -> Result<(), LedgerError> {
        if births > self.births(meter, origin)? {
            let number = self.name_number_or_new(meter)?;
            self.tables.births.set(&births_key(number, origin), births)?;
        }
        Ok(())
    }
}

fn series_key(meter: u32, series: [u8; 9]) -> [u8; 13] {
    key(&[&meter.to_be_bytes(), &series])
}

fn births_key(meter: u32, origin: Origin) -> [u8; 5] {
    key(&[&meter.to_be_bytes(), &[origin_byte(origin)]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{committed, counts, in_memory, labels, series};

    #[test]
    fn series_come_back_in_the_order_of_births_with_their_last_counts() {
        let ledger = in_memory();
        committed(&ledger, |w| {
            for birth in [300, 2, 1] {
                w.put_labels("metrics", series(birth), &labels(birth))?;
                w.put_counts("metrics", series(birth), &counts(1))?;
            }
            w.put_counts("metrics", series(2), &counts(7))?;
            w.put_labels("metrics", series(301), &labels(301))?;
            w.put_labels("remote_write/a", series(1), &labels(1))?;
            w.put_births("metrics", Origin::Alb, 301)?;
            w.put_births("metrics", Origin::Alb, 5)
        });
        committed(&ledger, |w| w.remove_series("metrics", series(300)));
        ledger
            .read(|r| {
                let expected = [(1, counts(1)), (2, counts(7)), (301, StoredCounts::default())]
                    .map(|(birth, counts)| (series(birth), labels(birth), counts));
                assert_eq!(r.series("metrics")?, expected);
                assert_eq!(r.series("remote_write/a")?.len(), 1);
                assert_eq!(r.series("remote_write/b")?, []);
                assert_eq!(
                    (r.births("metrics", Origin::Alb)?, r.births("metrics", Origin::Nginx)?),
                    (301, 0)
                );
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn counts_without_labels_are_damage() {
        let ledger = in_memory();
        committed(&ledger, |w| w.put_counts("metrics", series(1), &counts(1)));
        let error = ledger.read(|r| r.series("metrics")).unwrap_err();
        assert!(matches!(error, LedgerError::Corrupt { table: "counts", .. }), "{error}");
    }
}
