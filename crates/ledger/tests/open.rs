//! Which files are opened as a ledger, and which are left alone.
//!
//! A data folder is a path in a config: it may be another program's, another version's, or in use.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise, and so may their helpers")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use redb::{Database, ReadableDatabase as _, TableDefinition};
use weir_ledger::{FORMAT, Ledger, LedgerError};

const META: TableDefinition<'_, &str, u32> = TableDefinition::new("meta");

fn refusal(path: &Path) -> LedgerError {
    match Ledger::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

#[test]
fn a_ledger_is_there_again_and_its_folder_has_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    Ledger::open(&path).unwrap().write(|w| w.put_state("name", &1_u8)).unwrap();
    let ledger = Ledger::open(&path).unwrap();
    assert_eq!(ledger.read(|r| r.state("name")).unwrap(), Some(1_u8));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_ledger_without_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(refusal(&folder.path().join("none/ledger.redb")), LedgerError::Io(_)));
}

#[test]
fn an_empty_file_becomes_a_ledger() {
    let file = tempfile::NamedTempFile::new().unwrap();
    Ledger::open(file.path()).unwrap().write(|w| w.put_state("name", &1_u8)).unwrap();
}

#[test]
fn a_second_handle_is_refused_and_told_which_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let first = Ledger::open(&path).unwrap();
    let error = refusal(&path);
    assert!(matches!(&error, LedgerError::Locked { path: locked } if *locked == path), "{error}");
    assert!(error.to_string().contains("only one `weir serve` may use a data folder"), "{error}");
    first.write(|w| w.put_state("name", &1_u8)).unwrap();
    drop(first);
    Ledger::open(&path).unwrap();
}

#[test]
fn a_newer_format_is_refused_with_both_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    drop(Ledger::open(&path).unwrap());
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert("format", FORMAT + 8).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = refusal(&path);
    assert!(matches!(error, LedgerError::Newer { found: 9, known: 1 }), "{error}");
}

#[test]
fn other_files_are_refused_and_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    for bytes in [&b"x"[..], b"a text of someone else\n", &[0; 100_000], &[0x1f; 5_000]] {
        fs::write(&path, bytes).unwrap();
        let error = refusal(&path);
        assert!(matches!(&error, LedgerError::NotALedger { path: other } if *other == path), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_database_of_another_program_is_refused_and_keeps_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let others = TableDefinition::<&str, &str>::new("others");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(others).unwrap().insert("key", "value").unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert!(matches!(refusal(&path), LedgerError::NotALedger { .. }));
    let database = Database::open(&path).unwrap();
    let reading = database.begin_read().unwrap();
    assert_eq!(
        redb::ReadableTable::get(&reading.open_table(others).unwrap(), "key").unwrap().unwrap().value(),
        "value"
    );
    assert_eq!(reading.list_tables().unwrap().count(), 1);
}

#[test]
fn only_its_owner_may_read_a_new_ledger_even_where_a_crash_left_an_open_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("ledger.redb");
    let left = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&left, "half").unwrap();
    fs::set_permissions(&left, Permissions::from_mode(0o666)).unwrap();
    drop(Ledger::open(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
