//! Small states of the program by name: accounts of sources, scrapers, the progress of a back fill.
//!
//! Each has one owner and no rows of its own that anyone asks for, so a table per owner would only spread
//! their shapes over two crates. What is in a state its owner alone knows; a name is a path, `source/alb`.
//!
//! Growth: one row per owner and name; names come from the config, or from what their owner bounds.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::decode;
use crate::error::LedgerError;
use crate::view::{Access, LazyTable, View, Writing};

impl<A: Access> View<A> {
    /// A state; `None` where there is none.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read, or the state is visibly of another shape.
    pub fn state<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LedgerError> {
        self.tables.states.get(name)
    }

    /// All states whose name begins with `prefix`, in the order of names.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read, or a state is visibly of another shape.
    pub fn states_with_prefix<T: DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<Vec<(Box<str>, T)>, LedgerError> {
        rows_with_prefix(&self.tables.states, prefix)
    }
}

impl Writing<'_> {
    /// Keeps a state in the place of the former one.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn put_state<T: Serialize + ?Sized>(&self, name: &str, state: &T) -> Result<(), LedgerError> {
        self.tables.states.put(name, state).map(|_| ())
    }

    /// Forgets a state; whether there was one.
    ///
    /// # Errors
    ///
    /// When the ledger can't be written.
    pub fn remove_state(&self, name: &str) -> Result<bool, LedgerError> {
        self.tables.states.remove(name)
    }
}

/// The rows of a table by names that begin with `prefix`.
pub(crate) fn rows_with_prefix<A: Access, T: DeserializeOwned>(
    table: &LazyTable<A, &'static str, &'static [u8]>,
    prefix: &str,
) -> Result<Vec<(Box<str>, T)>, LedgerError> {
    let mut rows = Vec::new();
    table.each_from(prefix, |name, bytes| {
        let is_wanted = name.starts_with(prefix);
        if is_wanted {
            rows.push((name.into(), decode(table.name(), bytes)?));
        }
        Ok(is_wanted)
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use crate::testing::{committed, in_memory};

    #[test]
    fn states_are_found_by_name_and_by_the_beginning_of_names() {
        let ledger = in_memory();
        committed(&ledger, |w| {
            for name in ["source/b", "sources", "source/a", "scraper/x"] {
                w.put_state(name, &(name.to_owned(), -1_i64))?;
            }
            w.put_state("source/a", &("new".to_owned(), 7_i64))?;
            assert!(w.remove_state("source/b")? && !w.remove_state("source/b")?);
            w.put_state("source/c", &("c".to_owned(), 1_i64))
        });
        ledger
            .read(|r| {
                let new = ("new".to_owned(), 7_i64);
                assert_eq!(r.state("source/a")?, Some(new.clone()));
                assert_eq!(r.state::<(String, i64)>("source/b")?, None);
                let found = r.states_with_prefix::<(String, i64)>("source/")?;
                assert_eq!(found, [("source/a".into(), new), ("source/c".into(), ("c".to_owned(), 1))]);
                assert!(r.state::<Vec<u64>>("source/a").is_err());
                Ok(())
            })
            .unwrap();
    }
}
