//! Files that can't be read: set aside or left, named either way, and never lost.

use std::fs;
use std::path::PathBuf;

use crate::read::Cancel;
use crate::testing::{TestStore, kept_at, kept_in_files, records};
use crate::{Store, StoreError, filter_path};
use weir_record::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_795_132_800 + 3_600);

/// A store with a file of one record and one of two, each of its own day, and where they are.
fn two_files() -> (TestStore, Vec<PathBuf>) {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_in_files(&store, [1]), kept_in_files(&store, [90_000, 90_001])]);
    let paths = test.files.iter().map(|file| file.path(&test.options.folder)).collect();
    (test, paths)
}

/// Asks every file, as a query does, and then for work.
fn meet_all(store: &Store) -> usize {
    let unreadable = store.view().files.iter().filter(|file| file.meta().is_err()).count();
    assert!(store.next_work(NOW).is_none());
    unreadable
}

#[test]
fn a_file_without_a_footer_is_set_aside_and_comes_back_as_a_whole_copy() {
    let (test, paths) = two_files();
    let (whole, before) = (fs::read(&paths[0]).unwrap(), records(&test.open().view()));
    fs::write(&paths[0], b"PAR1 and nothing else PAR1").unwrap();
    let store = test.open();
    assert_eq!((store.view().rows(), meet_all(&store)), (3, 1));
    let aside = test.files[0].damaged_path(&test.options.folder);
    assert_eq!(fs::read(&aside).unwrap(), b"PAR1 and nothing else PAR1");
    assert!(filter_path(&aside).exists() && !paths[0].parent().unwrap().exists());
    // Named as before, counted no more.
    assert_eq!((store.view().rows(), meet_all(&store), store.problems().len()), (2, 1, 1));
    drop(store);
    let store = test.open();
    assert_eq!((store.view().rows(), meet_all(&store), store.problems().len()), (2, 1, 1));
    assert!(store.problems()[0].contains(&paths[0].display().to_string()), "{:?}", store.problems());
    drop(store);
    fs::create_dir(paths[0].parent().unwrap()).unwrap();
    fs::write(&paths[0], whole).unwrap();
    let store = test.open();
    assert_eq!((meet_all(&store), records(&store.view())), (0, before));
    assert!(aside.exists(), "what was set aside is never deleted");
}

#[test]
fn a_file_that_was_mended_where_it_lies_is_moved_back() {
    let (test, paths) = two_files();
    let (whole, before) = (fs::read(&paths[1]).unwrap(), records(&test.open().view()));
    fs::write(&paths[1], &whole[..whole.len() - 1]).unwrap();
    meet_all(&test.open());
    let aside = test.files[1].damaged_path(&test.options.folder);
    fs::write(&aside, whole).unwrap();
    let store = test.open();
    assert_eq!((meet_all(&store), records(&store.view()), store.problems().len()), (0, before, 0));
    assert!(paths[1].exists() && filter_path(&paths[1]).exists() && !aside.exists());
}

#[test]
fn a_second_damaged_copy_does_not_replace_the_first() {
    let (test, paths) = two_files();
    let aside = test.files[0].damaged_path(&test.options.folder);
    for text in ["first", "second"] {
        fs::create_dir_all(paths[0].parent().unwrap()).unwrap();
        fs::write(&paths[0], text).unwrap();
        meet_all(&test.open());
    }
    assert_eq!(
        (fs::read(&aside).unwrap(), fs::read(&paths[0]).unwrap()),
        (b"first".to_vec(), b"second".to_vec())
    );
}

#[test]
fn what_was_set_aside_goes_with_its_retention_only() {
    let (mut test, paths) = two_files();
    fs::write(&paths[0], b"nothing").unwrap();
    let store = test.open();
    meet_all(&store);
    drop(store);
    test.options.retention = Some(std::time::Duration::from_secs(86_400));
    let store = test.open();
    let aside = test.files[0].damaged_path(&test.options.folder);
    // No record is more than a day ahead.
    assert!(store.next_work(NOW.plus_micros(3_600_000_000)).is_none() && aside.exists());
    let work = store.next_work(NOW.plus_micros(2 * 86_400_000_000)).expect("a file that is too old");
    let change = store.perform(work, &Cancel::new()).unwrap();
    test.apply(&store, change);
    assert!(!aside.exists() && test.files.len() == 1);
}

#[test]
fn a_file_with_a_damaged_row_group_stays_and_is_joined_no_more() {
    let mut test = TestStore::new();
    let store = test.open();
    for part in 0..9 {
        test.commit(&store, vec![kept_in_files(&store, (0..20).map(|second| second * 9 + part))]);
    }
    drop(store);
    let path = test.files[3].path(&test.options.folder);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4..200].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let store = test.open();
    let work = store.next_work(NOW).expect("a join");
    assert!(matches!(store.perform(work, &Cancel::new()), Err(StoreError::Damaged { .. })));
    assert!(path.exists() && store.problems().len() == 1);
    let work = store.next_work(NOW).expect("a join of the others");
    let change = store.perform(work, &Cancel::new()).unwrap();
    assert_eq!(change.removed.len(), 8);
    test.apply(&store, change);
    assert!(store.next_work(NOW).is_none() && path.exists());
    assert_eq!(store.view().rows(), 180);
}

#[test]
fn the_folder_of_a_day_goes_with_its_last_file() {
    let mut test = TestStore::new();
    test.options.retention = Some(std::time::Duration::from_secs(86_400));
    let store = test.open();
    test.commit(
        &store,
        vec![kept_in_files(&store, [0, 1]), kept_in_files(&store, [90_000]), kept_at(&store, [2])],
    );
    let day = |index: usize| test.files[index].path(&test.options.folder).parent().unwrap().to_owned();
    let (first, second) = (day(0), day(1));
    let work = store.next_work(Timestamp::from_seconds(1_795_132_800 + 172_800)).expect("a day that is over");
    let change = store.perform(work, &Cancel::new()).unwrap();
    test.apply(&store, change);
    assert!(!first.exists() && second.exists());
}
