//! Which files are chosen, and what one that can't be read does to the others.

use std::fs;
use std::sync::Arc;

use weir_record::Timestamp;

use super::{Work, copy, join};
use crate::file_meta::MetaCache;
use crate::problems::Problems;
use crate::read::Cancel;
use crate::stored_file::StoredFile;
use crate::testing::{TestStore, kept_in_files};
use crate::view::{StoreFile, View};
use crate::{Store, StoreError};

const NOW: Timestamp = Timestamp::from_seconds(1_795_132_800 + 3_600);

/// Two days and some hours after the day 0 of [`view`] is over.
const LATER: Timestamp = Timestamp::from_seconds(3 * 86_400 + 10_800);

const MIB: u64 = 1 << 20;

/// Files that are not there, each with its day, its records in one row group, and the bytes of them.
fn view(files: impl IntoIterator<Item = (i32, u32, u64)>) -> View {
    let (cache, problems) = (Arc::new(MetaCache::default()), Problems::default());
    let file = |(id, (day, rows, unpacked_bytes))| {
        let stored =
            StoredFile { rows: u64::from(rows), row_group_rows: vec![rows], ..StoredFile::empty(id, day, 0) };
        let file = StoreFile::new(stored, format!("{id}").into(), &cache, &problems);
        file.set_unpacked_bytes(unpacked_bytes);
        file
    };
    View { segments: Vec::new(), files: (0..).zip(files).map(file).collect() }
}

fn ids(work: Option<&Work>) -> Vec<u64> {
    match work {
        Some(Work::Join(files) | Work::Copy(files)) => files.iter().map(|file| file.stored.id).collect(),
        _ => Vec::new(),
    }
}

fn some<T: Clone>(count: usize, file: T) -> Vec<T> {
    vec![file; count]
}

#[test]
fn files_that_are_too_fat_to_be_joined_do_not_stop_the_others() {
    let early = Timestamp::from_seconds(0);
    let check = |now, files: &[Vec<(i32, u32, u64)>], expected: &[u64]| {
        let work = join::due(&view(files.concat()), now);
        assert_eq!(ids(work.as_ref()), expected, "{files:?}");
    };
    let (fat, slim) = ((0, 100, 300 * MIB), (1, 100, MIB));
    let others: Vec<u64> = (9..17).collect();
    check(early, &[some(9, fat), some(8, slim)], &others);
    check(early, &[some(9, fat), some(7, slim)], &[]);
    // Of the same day and size, where eight are wanted as everywhere.
    check(early, &[some(9, fat), some(8, (0, 100, MIB))], &others);
    check(early, &[some(9, fat), some(7, (0, 100, MIB))], &[]);
    // Two of them would not fit; two of half the size do.
    check(early, &[some(9, (0, 100, 129 * MIB)), some(8, slim)], &others);
    check(early, &[some(9, (0, 100, 128 * MIB))], &[0, 1]);
    check(early, &[some(9, (0, 60_000, MIB))], &[0, 1, 2, 3]);
    // What is left of days that are over.
    check(LATER, &[some(2, fat), some(1, slim), some(2, (2, 100, MIB))], &[3, 4]);
    check(LATER, &[some(2, fat), some(1, (0, 100, MIB))], &[]);
    check(LATER, &[some(1, fat), some(1, (0, 9, MIB)), some(1, (0, 100, MIB))], &[1, 2]);
}

#[test]
fn long_files_do_not_stop_the_copy_of_short_ones() {
    let check = |files: &[Vec<(i32, u32, u64)>], expected: &[u64]| {
        let work = copy::due(&view(files.concat()));
        assert_eq!(ids(work.as_ref()), expected, "{files:?}");
    };
    let (long, short) = ((0, 1_900_000, 0), (0, 70_000, 0));
    check(&[some(3, long), some(8, short)], &[0, 3, 4, 5, 6, 7, 8, 9, 10]);
    check(&[some(9, (0, 600_000, 0)), some(8, (1, 70_000, 0))], &(9..17).collect::<Vec<_>>());
    check(&[some(9, (0, 600_000, 0))], &[]);
    check(&[some(8, (0, 500_000, 0))], &(0..8).collect::<Vec<_>>());
    check(&[some(7, short)], &[]);
}

#[test]
fn a_damaged_file_is_never_chosen() {
    let joined = view(some(9, (0, 100, MIB)));
    joined.files[4].report_damage("it is");
    assert_eq!(ids(join::due(&joined, LATER).as_ref()), [0, 1, 2, 3, 5, 6, 7, 8]);
    let copied = view(some(9, (0, 70_000, 0)));
    copied.files[4].report_damage("it is");
    assert_eq!(ids(copy::due(&copied).as_ref()), [0, 1, 2, 3, 5, 6, 7, 8]);
}

#[test]
fn a_file_whose_footer_is_gone_is_left_out_before_a_join_begins() {
    let (mut test, store) = nine_files();
    fs::write(&store.view().files[2].path, "nothing").unwrap();
    let work = store.next_work(NOW);
    assert_eq!(ids(work.as_ref()).len(), 8);
    let change = store.perform(work.expect("a join"), &Cancel::new()).unwrap();
    test.apply(&store, change);
    assert_eq!((store.view().files.len(), store.problems().len()), (2, 1));
}

/// Nine small files of one day.
fn nine_files() -> (TestStore, Store) {
    let mut test = TestStore::new();
    let store = test.open();
    for part in 0..9 {
        test.commit(&store, vec![kept_in_files(&store, (0..20).map(|second| second * 9 + part))]);
    }
    (test, store)
}

/// Whatever byte is changed: all records, or this file named; never another one, never a panic of the library.
#[test]
fn work_on_changed_bytes_ends_with_the_file_named_or_with_all_records() {
    let (_test, store) = nine_files();
    let view = store.view();
    let path = &view.files[3].path;
    let whole = fs::read(path).unwrap();
    let footer_len = u32::from_le_bytes(whole[whole.len() - 8..whole.len() - 4].try_into().unwrap());
    let footer_at = whole.len() - 8 - footer_len as usize;
    let check = |work: Work, at: usize| match store.perform(work, &Cancel::new()) {
        Ok(change) => assert_eq!(change.rows_added(), 40),
        Err(StoreError::Damaged { path: named, .. }) => assert_eq!(&named, path),
        Err(error) => panic!("byte {at}: {error}"),
    };
    // The first headers and pages, then the footer.
    for at in (4..300).step_by(5).chain((30..300).step_by(56)).chain((footer_at..whole.len()).step_by(79)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x57;
        fs::write(path, bytes).unwrap();
        // Opened anew each time, as nothing is kept of a damaged file.
        let (cache, problems) = (Arc::new(MetaCache::default()), Problems::default());
        let open = || StoreFile::new(view.files[3].stored.clone(), path.clone(), &cache, &problems);
        check(Work::Join(vec![Arc::clone(&view.files[0]), open()]), at);
        check(Work::Copy(vec![Arc::clone(&view.files[0]), open()]), at);
    }
    assert!(!view.files[0].is_damaged() && store.problems().is_empty());
}

#[test]
fn a_copy_names_the_file_that_it_can_not_read_and_leaves_nothing() {
    let check = |spoil: &dyn Fn(&StoreFile)| {
        let (test, store) = nine_files();
        let view = store.view();
        view.files.iter().for_each(|file| drop(file.meta().unwrap()));
        spoil(&view.files[3]);
        let error = store.perform(Work::Copy(view.files.clone()), &Cancel::new()).unwrap_err();
        assert!(error.to_string().contains(&view.files[3].path.display().to_string()), "{error}");
        assert!(
            view.files.iter().all(|file| file.is_damaged() == (file.stored.id == view.files[3].stored.id))
        );
        assert_eq!(store.problems().len(), 1);
        let pending = fs::read_dir(test.options.folder.join("pending")).unwrap();
        assert_eq!((pending.count(), store.view().rows()), (0, 180));
    };
    check(&|file| fs::write(&file.path, "cut off").unwrap());
    check(&|file| fs::remove_file(&file.path).unwrap());
    // One that opens and can't be read.
    check(&|file| {
        fs::remove_file(&file.path).unwrap();
        fs::create_dir(&file.path).unwrap();
    });
}

#[test]
fn a_copy_of_another_file_than_was_written_is_refused() {
    let (mut test, store) = nine_files();
    drop(store);
    test.files[3].row_group_rows = vec![19];
    let store = test.open();
    let view = store.view();
    let error = store.perform(Work::Copy(view.files.clone()), &Cancel::new()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { path, .. } if path == view.files[3].path));
    assert!(view.files[3].is_damaged());
}
