//! What a crash leaves, and what is seen when.

use std::fs;
use std::path::Path;

use crate::error::StoreError;
use crate::testing::{TestStore, kept_at, kept_in_files, leave_behind, records};
use crate::{Kept, Store};

/// The seconds of all records of a store, which the tests' records have in a field too.
fn seconds(store: &Store) -> Vec<i64> {
    let found = records(&store.view());
    found.iter().for_each(|(time, _, fields)| {
        let second = time / 1_000_000 - 1_795_132_800;
        assert_eq!(fields["retries"], second.to_string());
        assert_eq!(fields["path"], format!("'/orders/{second}'"));
    });
    let mut numbers: Vec<i64> = found.iter().map(|(_, number, _)| *number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), found.len(), "an arrival number is there twice");
    found.iter().map(|(time, _, _)| time / 1_000_000 - 1_795_132_800).collect()
}

/// Every file under a folder, by its path in it.
fn paths(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_is_committed_is_seen_at_once_and_after_a_restart() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, [3, 1]), kept_in_files(&store, [2])]);
    test.commit(&store, vec![kept_at(&store, [5]), Kept::default()]);
    test.commit(&store, vec![kept_in_files(&store, [4, 90_000])]);
    assert_eq!(seconds(&store), [1, 2, 3, 4, 5, 90_000]);
    assert_eq!(store.view().rows(), 6);
    drop(store);
    let store = test.open();
    assert_eq!(seconds(&store), [1, 2, 3, 4, 5, 90_000]);
    assert_eq!(store.problems(), [""; 0]);
    test.commit(&store, vec![kept_at(&store, [6]), kept_in_files(&store, [7])]);
    assert_eq!(seconds(&test.open()), [1, 2, 3, 4, 5, 6, 7, 90_000]);
    let days: Vec<String> =
        paths(&test.options.folder).into_iter().filter(|path| path.ends_with("parquet")).collect();
    assert_eq!(
        days,
        [
            "day=2026-11-20/0000000000000000.parquet",
            "day=2026-11-20/0000000000000001.parquet",
            "day=2026-11-20/0000000000000003.parquet",
            "day=2026-11-21/0000000000000002.parquet",
        ]
    );
}

#[test]
fn what_the_ledger_does_not_have_is_not_seen_and_goes() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, [1])]);
    let kept = [kept_at(&store, [2]), kept_in_files(&store, [3])];
    let appended = store.append(&kept.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(seconds(&store), [1]);
    // The power fails: nobody tidies up.
    drop(appended);
    kept.iter().for_each(|kept| leave_behind(&kept.files));
    drop(kept);
    let own = test.options.folder.join("day=2026-11-20");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("00000000000000aa.parquet"), b"x").unwrap();
    fs::write(own.join("notes.txt"), b"of the user").unwrap();
    fs::write(test.options.folder.join("wal/00000000000000aa.wal"), b"x").unwrap();
    let store = test.open();
    assert_eq!(seconds(&store), [1]);
    assert_eq!(paths(&test.options.folder), ["day=2026-11-20/notes.txt", "wal/0000000000000000.wal"]);
    test.commit(&store, vec![kept_at(&store, [4])]);
    assert_eq!(seconds(&test.open()), [1, 4]);
}

#[test]
fn files_are_moved_into_their_day_if_the_crash_came_before() {
    let mut test = TestStore::new();
    let store = test.open();
    let kept = [kept_in_files(&store, [3, 90_000]), kept_at(&store, [1])];
    let appended = store.append(&kept.iter().collect::<Vec<_>>()).unwrap();
    test.state = appended.state().clone();
    test.files.extend(appended.files().iter().cloned());
    kept.iter().for_each(|kept| leave_behind(&kept.files));
    drop(kept);
    // One was moved without its filter.
    let folder = &test.options.folder;
    fs::create_dir_all(folder.join("day=2026-11-20")).unwrap();
    let name = "0000000000000000.parquet";
    fs::rename(folder.join("pending").join(name), folder.join("day=2026-11-20").join(name)).unwrap();
    let store = test.open();
    assert_eq!(seconds(&store), [1, 3, 90_000]);
    assert!(paths(folder).iter().all(|path| !path.contains("pending")), "{:?}", paths(folder));
}

#[test]
fn an_append_that_was_not_published_is_cut_off_by_the_next() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, [1])]);
    for _ in 0..3 {
        let kept = kept_at(&store, 100..400);
        drop(store.append(&[&kept]).unwrap());
    }
    test.commit(&store, vec![kept_at(&store, [2])]);
    assert_eq!(seconds(&store), [1, 2]);
    assert_eq!(seconds(&test.open()), [1, 2]);
    let bytes = fs::metadata(test.options.folder.join("wal/0000000000000000.wal")).unwrap().len();
    assert_eq!(bytes, test.state.segments[0].bytes);
}

#[test]
fn a_unit_that_is_given_up_leaves_nothing() {
    let test = TestStore::new();
    let store = test.open();
    let kept = kept_in_files(&store, [1, 90_000]);
    assert_eq!((kept.rows_len(), kept.is_empty()), (2, false));
    assert_eq!(paths(&test.options.folder).len(), 4);
    drop(kept);
    assert_eq!(paths(&test.options.folder), [""; 0]);
}

#[test]
fn a_disk_that_is_too_full_takes_nothing_and_loses_nothing() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, [1])]);
    drop(store);
    test.options.free_bytes_min = u64::MAX;
    let store = test.open();
    let kept = kept_at(&store, [2]);
    let error = store.append(&[&kept]).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }) && error.is_retryable(), "{error}");
    assert_eq!(seconds(&store), [1]);
}

#[test]
fn nothing_is_taken_in_while_too_much_waits_for_its_files() {
    let mut test = TestStore::new();
    test.options.roll_bytes = 1_000;
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, 0..50)]);
    let kept = kept_at(&store, [60]);
    assert!(matches!(store.append(&[&kept]), Err(StoreError::Behind)));
    let change = store.force_roll(&crate::read::Cancel::new()).unwrap().unwrap();
    test.apply(&store, change);
    test.commit(&store, vec![kept]);
    assert_eq!(seconds(&test.open()), (0..50).chain([60]).collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_gone_or_damaged_is_a_problem_and_not_a_failure() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_in_files(&store, [1]), kept_in_files(&store, [2]), kept_at(&store, [3])]);
    drop(store);
    fs::remove_file(test.files[0].path(&test.options.folder)).unwrap();
    fs::write(test.files[1].path(&test.options.folder), b"PAR1 and nothing else PAR1").unwrap();
    let store = test.open();
    let view = store.view();
    for file in &view.files {
        assert!(file.meta().is_err() && file.meta().is_err());
    }
    assert_eq!(store.problems().len(), 2, "{:?}", store.problems());
    assert_eq!(view.segments[0].rows_len(), 1);
}
