//! What others pushed to the gateway: families by name, series by a key that the gateway makes of labels.
//!
//! They are apart from weir's own series, whose shape they don't share: a pushed family may have any type and
//! buckets. Shapes are the meter's; this table keeps whatever it is given. A key should begin with its
//! grouping labels, so that `DELETE` on a group is one run of rows.
//!
//! Growth: the gateway's budget of series, above which a push is refused; `pushed_series_len` tells.

use redb::ReadableTableMetadata as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::decode;
use crate::error::LedgerError;
use crate::tables::states::rows_with_prefix;
use crate::view::{Access, View, Writing};

impl<A: Access> View<A> {
    /// All pushed families, in the order of names.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read, or a family is visibly of another shape.
    pub fn pushed_families<T: DeserializeOwned>(&self) -> Result<Vec<(Box<str>, T)>, LedgerError> {
        rows_with_prefix(&self.tables.pushed_families, "")
    }

    /// A pushed family; `None` where there is none of this name.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read, or the family is visibly of another shape.
    pub fn pushed_family<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LedgerError> {
        self.tables.pushed_families.get(name)
    }

    /// A pushed series; `None` where there is none of this key.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read, or the series is visibly of another shape.
    pub fn pushed_series<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, LedgerError> {
        self.tables.pushed_series.get(key)
    }

    /// Shows all pushed series whose key begins with `prefix`, in the order of keys.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read, or a series is visibly of another shape.
    pub fn pushed_series_with_prefix<T: DeserializeOwned>(
        &self,
        prefix: &[u8],
        mut each: impl FnMut(&[u8], T),
    ) -> Result<(), LedgerError> {
        self.tables.pushed_series.each_from(prefix, |key, bytes| {
            let is_wanted = key.starts_with(prefix);
            if is_wanted {
                each(key, decode("pushed_series", bytes)?);
            }
            Ok(is_wanted)
        })
    }

    /// How many pushed series there are; costs the same whatever their number.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn pushed_series_len(&self) -> Result<u64, LedgerError> {
        self.tables.pushed_series.look(|table| Ok(table.len()?))
    }
}

impl Writing<'_> {
    /// Keeps a pushed family in the place of the former one.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_pushed_family<T: Serialize + ?Sized>(
        &self,
        name: &str,
        family: &T,
    ) -> Result<(), LedgerError> {
        self.tables.pushed_families.put(name, family).map(|_| ())
    }

    /// Forgets a pushed family, but not its series; whether there was one.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn remove_pushed_family(&self, name: &str) -> Result<bool, LedgerError> {
        self.tables.pushed_families.remove(name)
    }

    /// Keeps a pushed series in the place of the former one.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_pushed_series<T: Serialize + ?Sized>(
        &self,
        key: &[u8],
        series: &T,
    ) -> Result<(), LedgerError> {
        self.tables.pushed_series.put(key, series).map(|_| ())
    }

    /// Forgets a pushed series; whether there was one.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn remove_pushed_series(&self, key: &[u8]) -> Result<bool, LedgerError> {
        self.tables.pushed_series.remove(key)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{committed, in_memory};

    #[test]
    fn families_and_series_come_back_in_order_and_by_the_beginning_of_keys() {
        let ledger = in_memory();
        committed(&ledger, |w| {
            w.put_pushed_family("jobs_total", &1_u8)?;
            w.put_pushed_family("gone", &2_u8)?;
            assert!(w.remove_pushed_family("gone")? && !w.remove_pushed_family("gone")?);
            for key in [&b"job=b\0x"[..], b"job=a\0y", b"job=a\0x", b"", b"job=a\0z"] {
                w.put_pushed_series(key, &key.len())?;
            }
            w.put_pushed_series(b"job=a\0x", &9_usize)?;
            assert!(w.remove_pushed_series(b"job=a\0z")? && !w.remove_pushed_series(b"job=a\0z")?);
            Ok(())
        });
        ledger
            .read(|r| {
                assert_eq!(r.pushed_families::<u8>()?, [("jobs_total".into(), 1)]);
                assert_eq!(
                    (r.pushed_family("jobs_total")?, r.pushed_family::<u8>("gone")?),
                    (Some(1_u8), None)
                );
                let mut seen = Vec::new();
                r.pushed_series_with_prefix(b"job=a", |key, value: usize| seen.push((key.to_vec(), value)))?;
                assert_eq!(seen, [(b"job=a\0x".to_vec(), 9), (b"job=a\0y".to_vec(), 7)]);
                assert_eq!((r.pushed_series::<usize>(b"")?, r.pushed_series_len()?), (Some(0), 4));
                Ok(())
            })
            .unwrap();
    }
}
