//! Names of meters, remote-write targets, queues and sources, as numbers of four bytes.
//!
//! They stand in front of millions of keys; written out there they would be most of the file. A name keeps
//! its number for ever, so a source that leaves the config and returns finds its rows again.
//!
//! Growth: names come from the config alone, some dozens in a lifetime; never from a log or a client.

use crate::error::LedgerError;
use crate::tables::tallies::TallyKind;
use crate::view::{Access, View, Writing};

impl<A: Access> View<A> {
    /// The number of a name; `None` where nothing was ever written under it.
    pub(crate) fn name_number(&self, name: &str) -> Result<Option<u32>, LedgerError> {
        if let Some(&number) = self.name_numbers.borrow().get(name) {
            return Ok(Some(number));
        }
        let number = self.tables.names.find(name, Ok)?;
        if let Some(number) = number {
            self.name_numbers.borrow_mut().insert(name.into(), number);
        }
        Ok(number)
    }
}

impl Writing<'_> {
    /// The number of a name, a new one where it has none.
    pub(crate) fn name_number_or_new(&self, name: &str) -> Result<u32, LedgerError> {
        if let Some(number) = self.name_number(name)? {
            return Ok(number);
        }
        let number = self.next_number(TallyKind::Names)?;
        self.tables.names.set(name, number)?;
        self.name_numbers.borrow_mut().insert(name.into(), number);
        Ok(number)
    }
}
