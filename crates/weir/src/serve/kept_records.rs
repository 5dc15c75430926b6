//! Which records are kept, as the ledger says it.
//!
//! The store writes records, and the ledger's transaction decides which of them count: it names the committed
//! bytes of each write-ahead segment, and every file. What it does not name is gone at the next start, so records
//! and counters are always of the same commits.

use weir_ledger::{LedgerError, Reading, Writing};
use weir_store::{Appended, Change, StoreState, StoredFile};

/// The name of the segments and of the next numbers.
const STATE: &str = "store/state";

/// Before a file's number.
const FILES: &str = "store/file/";

/// The store as the last commit left it.
///
/// # Errors
///
/// When the ledger can't be read.
pub fn load(ledger: &Reading<'_>) -> Result<(StoreState, Vec<StoredFile>), LedgerError> {
    let files = ledger.states_with_prefix(FILES)?.into_iter().map(|(_, file)| file).collect();
    Ok((ledger.state(STATE)?.unwrap_or_default(), files))
}

/// Names the records that were appended.
///
/// # Errors
///
/// Whatever the ledger says.
pub fn write_appended(ledger: &Writing<'_>, appended: &Appended) -> Result<(), LedgerError> {
    ledger.put_state(STATE, appended.state())?;
    appended.files().iter().try_for_each(|file| put_file(ledger, file))
}

/// Names files in the place of others.
///
/// # Errors
///
/// Whatever the ledger says.
pub fn write_change(ledger: &Writing<'_>, state: &StoreState, change: &Change) -> Result<(), LedgerError> {
    ledger.put_state(STATE, state)?;
    for id in &change.removed {
        ledger.remove_state(&file_name(*id))?;
    }
    change.added().iter().try_for_each(|file| put_file(ledger, file))
}

fn put_file(ledger: &Writing<'_>, file: &StoredFile) -> Result<(), LedgerError> {
    ledger.put_state(&file_name(file.id), file)
}

fn file_name(id: u64) -> String {
    format!("{FILES}{id:016x}")
}
