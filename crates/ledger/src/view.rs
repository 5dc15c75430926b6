//! The tables as one transaction sees them.
//!
//! Reading and writing share every method that only looks, so a writer sees its own changes by the same code
//! that readers use; the store's two kinds of tables have no common type that would allow that by itself. A
//! table is opened when it is first used and once per transaction: a group commit makes thousands of small
//! changes, and opening costs about as much as one.

use std::cell::RefCell;
use std::collections::HashMap;

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, TableError, TableHandle,
    Value, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{decode, encode};
use crate::error::LedgerError;
use crate::tables::Tables;

/// The ledger as a transaction sees it that may change it.
pub type Writing<'t> = View<&'t WriteTransaction>;

/// The ledger as it was when the transaction began.
pub type Reading<'t> = View<&'t ReadTransaction>;

/// All tables, seen by one transaction. Its methods are grouped by table, one file each in `tables/`.
pub struct View<A: Access> {
    pub(crate) tables: Tables<A>,
    /// Names of which the number is known already.
    pub(crate) name_numbers: RefCell<HashMap<Box<str>, u32>>,
}

impl<A: Access> View<A> {
    pub(crate) fn new(transaction: A) -> Self {
        Self { tables: Tables::new(transaction), name_numbers: RefCell::default() }
    }
}

/// A transaction that tables can be opened in. Only the store's two have it.
pub trait Access: Copy {
    /// An open table.
    type Table<K: Key + 'static, V: Value + 'static>: ReadableTable<K, V>;

    /// Opens a table.
    ///
    /// # Errors
    ///
    /// Whatever the store says.
    fn open<K: Key + 'static, V: Value + 'static>(
        self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Self::Table<K, V>, TableError>;
}

impl<'t> Access for &'t WriteTransaction {
    type Table<K: Key + 'static, V: Value + 'static> = Table<'t, K, V>;

    fn open<K: Key + 'static, V: Value + 'static>(
        self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Self::Table<K, V>, TableError> {
        self.open_table(definition)
    }
}

impl Access for &ReadTransaction {
    type Table<K: Key + 'static, V: Value + 'static> = ReadOnlyTable<K, V>;

    fn open<K: Key + 'static, V: Value + 'static>(
        self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Self::Table<K, V>, TableError> {
        self.open_table(definition)
    }
}

/// A table that is opened when it is first used.
pub(crate) struct LazyTable<A: Access, K: Key + 'static, V: Value + 'static> {
    transaction: A,
    name: &'static str,
    open: RefCell<Option<A::Table<K, V>>>,
}

impl<A: Access, K: Key + 'static, V: Value + 'static> LazyTable<A, K, V> {
    pub(crate) const fn new(transaction: A, name: &'static str) -> Self {
        Self { transaction, name, open: RefCell::new(None) }
    }

    /// The table's name, for errors.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    fn ensure_open(&self) -> Result<(), LedgerError> {
        let is_open = self.open.borrow().is_some();
        if !is_open {
            let table = self.transaction.open(TableDefinition::new(self.name))?;
            *self.open.borrow_mut() = Some(table);
        }
        Ok(())
    }

    /// Looks into the table. What `look` calls may look too, but not change this same table.
    pub(crate) fn look<R>(
        &self,
        look: impl FnOnce(&A::Table<K, V>) -> Result<R, LedgerError>,
    ) -> Result<R, LedgerError> {
        self.ensure_open()?;
        match self.open.borrow().as_ref() {
            Some(table) => look(table),
            None => Err(LedgerError::corrupt(self.name, &"the table did not open")),
        }
    }

    /// The value of `key`, as `read` understands it.
    pub(crate) fn find<R>(
        &self,
        key: K::SelfType<'_>,
        read: impl FnOnce(V::SelfType<'_>) -> Result<R, LedgerError>,
    ) -> Result<Option<R>, LedgerError> {
        self.look(|table| table.get(key)?.map(|value| read(value.value())).transpose())
    }

    /// Goes through the rows from `first` to `last`, both inclusive, until `each` says `false`.
    pub(crate) fn each<'k>(
        &self,
        first: K::SelfType<'k>,
        last: K::SelfType<'k>,
        mut each: impl FnMut(K::SelfType<'_>, V::SelfType<'_>) -> Result<bool, LedgerError>,
    ) -> Result<(), LedgerError> {
        self.look(|table| {
            for row in table.range(first..=last)? {
                let (key, value) = row?;
                if !each(key.value(), value.value())? {
                    break;
                }
            }
            Ok(())
        })
    }
}

impl<A: Access, K: Key + 'static> LazyTable<A, K, &'static [u8]> {
    /// Goes through the rows from `first` on until `each` says `false`.
    pub(crate) fn each_from(
        &self,
        first: K::SelfType<'_>,
        mut each: impl FnMut(K::SelfType<'_>, &[u8]) -> Result<bool, LedgerError>,
    ) -> Result<(), LedgerError> {
        self.look(|table| {
            for row in table.range(first..)? {
                let (key, value) = row?;
                if !each(key.value(), value.value())? {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The value of `key`.
    pub(crate) fn get<T: DeserializeOwned>(&self, key: K::SelfType<'_>) -> Result<Option<T>, LedgerError> {
        self.find(key, |bytes| decode(self.name, bytes))
    }
}

impl<K: Key + 'static, V: Value + 'static> LazyTable<&WriteTransaction, K, V> {
    /// Changes the table.
    pub(crate) fn change<R>(
        &self,
        change: impl FnOnce(&mut Table<'_, K, V>) -> Result<R, LedgerError>,
    ) -> Result<R, LedgerError> {
        self.ensure_open()?;
        match self.open.borrow_mut().as_mut() {
            Some(table) => change(table),
            None => Err(LedgerError::corrupt(self.name, &"the table did not open")),
        }
    }

    /// Writes a row; whether it is a new one.
    pub(crate) fn set(&self, key: K::SelfType<'_>, value: V::SelfType<'_>) -> Result<bool, LedgerError> {
        self.change(|table| Ok(table.insert(key, value)?.is_none()))
    }

    /// Removes a row; whether there was one.
    pub(crate) fn remove(&self, key: K::SelfType<'_>) -> Result<bool, LedgerError> {
        self.change(|table| Ok(table.remove(key)?.is_some()))
    }

    /// Removes up to `max` rows from `first` to `last`, both inclusive, the first ones first; shows each to
    /// `each` and returns how many there were.
    pub(crate) fn take_range<'k>(
        &self,
        (first, last): (K::SelfType<'k>, K::SelfType<'k>),
        max: usize,
        mut each: impl FnMut(K::SelfType<'_>, V::SelfType<'_>) -> Result<(), LedgerError>,
    ) -> Result<usize, LedgerError> {
        self.change(|table| {
            let mut removed = 0;
            for row in table.extract_from_if(first..=last, |_, _| true)?.take(max) {
                let (key, value) = row?;
                each(key.value(), value.value())?;
                removed += 1;
            }
            Ok(removed)
        })
    }
}

impl<K: Key + 'static> LazyTable<&WriteTransaction, K, &'static [u8]> {
    /// Writes a row; whether it is a new one.
    pub(crate) fn put<T: Serialize + ?Sized>(
        &self,
        key: K::SelfType<'_>,
        value: &T,
    ) -> Result<bool, LedgerError> {
        let bytes = encode(self.name, value)?;
        self.set(key, bytes.as_slice())
    }
}

/// Whether the database has a table of this name.
pub(crate) fn has_table(transaction: &ReadTransaction, name: &str) -> Result<bool, LedgerError> {
    Ok(transaction.list_tables()?.any(|table| table.name() == name))
}
