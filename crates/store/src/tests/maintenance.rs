//! Rolls, joins and retention: the same records before and after, in fewer files.

use std::time::Duration;

use weir_record::Timestamp;

use crate::read::Cancel;
use crate::testing::{TestStore, kept_at, kept_in_files, leave_behind, records};
use crate::{DropReason, Options, Store, StoreError, Work};

/// An hour after the first record of the tests.
const NOW: Timestamp = Timestamp::from_seconds(1_795_132_800 + 3_600);

/// Does the work that is due, as the server does, until none is.
fn work_off(test: &mut TestStore, store: &Store, now: Timestamp) -> Vec<&'static str> {
    let mut done = Vec::new();
    while let Some(work) = store.next_work(now) {
        done.push(match &work {
            Work::Roll(_) => "roll",
            Work::Join(_) => "join",
            Work::Copy(_) => "copy",
            Work::Drop(_, DropReason::Age) => "old",
            Work::Drop(_, DropReason::Size) => "size",
        });
        let change = store.perform(work, &Cancel::new()).unwrap();
        test.apply(store, change);
        assert!(done.len() < 100, "{done:?}");
    }
    done
}

fn with_options(set: impl FnOnce(&mut Options)) -> TestStore {
    let mut test = TestStore::new();
    set(&mut test.options);
    test
}

#[test]
fn what_is_in_memory_becomes_files_by_rows_and_by_age() {
    let mut test = with_options(|options| options.roll_rows = 10);
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, 0..4), kept_at(&store, 90_000..90_003)]);
    assert_eq!(work_off(&mut test, &store, NOW), [""; 0]);
    test.commit(&store, vec![kept_at(&store, 4..9)]);
    let before = records(&store.view());
    assert_eq!(work_off(&mut test, &store, NOW), ["roll"]);
    assert_eq!((test.files.len(), store.view().segments.len()), (2, 0));
    assert_eq!(records(&store.view()), before);
    test.commit(&store, vec![kept_at(&store, [9])]);
    assert_eq!(work_off(&mut test, &store, NOW), [""; 0]);
    assert_eq!(work_off(&mut test, &store, NOW.plus_micros(59_000_000)), [""; 0]);
    assert_eq!(work_off(&mut test, &store, NOW.plus_micros(60_000_000)), ["roll"]);
    assert_eq!(records(&store.view()), records(&test.open().view()));
    assert_eq!(store.view().rows(), 13);
}

#[test]
fn records_that_come_during_a_roll_stay_in_memory() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, 0..5)]);
    let change = store.force_roll(&Cancel::new()).unwrap().unwrap();
    test.commit(&store, vec![kept_at(&store, 5..8)]);
    assert_eq!(store.view().rows(), 8);
    let before = records(&store.view());
    test.apply(&store, change);
    assert_eq!(records(&store.view()), before);
    assert_eq!(records(&test.open().view()), before);
    assert_eq!(test.state.segments.len(), 1);
}

#[test]
fn a_roll_that_the_ledger_has_not_is_as_if_it_never_was() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, 0..5)]);
    let before = records(&store.view());
    leave_behind(&store.force_roll(&Cancel::new()).unwrap().expect("a roll").files);
    drop(store);
    assert_eq!(records(&test.open().view()), before);
    // And one that it has, and that was not applied, is as if it had been.
    let store = test.open();
    let change = store.force_roll(&Cancel::new()).unwrap().unwrap();
    test.note(&store, &change);
    leave_behind(&change.files);
    drop(change);
    let store = test.open();
    assert_eq!(records(&store.view()), before);
    assert_eq!((store.view().segments.len(), store.view().files.len()), (0, 1));
}

#[test]
fn no_roll_begins_while_a_commit_is_open() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, [1])]);
    let kept = kept_at(&store, [2]);
    let appended = store.append(&[&kept]).unwrap();
    assert!(store.force_roll(&Cancel::new()).unwrap().is_none());
    test.state = appended.state().clone();
    store.publish(appended, vec![kept]);
    let change = store.force_roll(&Cancel::new()).unwrap().unwrap();
    assert_eq!(change.rows_added(), 2);
}

#[test]
fn small_files_of_a_day_are_joined() {
    let mut test = TestStore::new();
    let store = test.open();
    for part in 0..8 {
        assert_eq!(work_off(&mut test, &store, NOW), [""; 0]);
        test.commit(&store, vec![kept_in_files(&store, (0..20).map(|second| second * 8 + part))]);
    }
    let before = records(&store.view());
    assert_eq!(work_off(&mut test, &store, NOW), ["join"]);
    assert_eq!((test.files.len(), test.files[0].rows, test.files[0].row_group_rows.len()), (1, 160, 1));
    assert_eq!(records(&store.view()), before);
    assert_eq!(records(&test.open().view()), before);
    assert!(test.files[0].may_have_source("web") && !test.files[0].may_have_source("other"));
}

#[test]
fn what_is_left_of_a_day_is_joined_once_it_is_over() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_in_files(&store, 0..5), kept_in_files(&store, 5..400)]);
    let before = records(&store.view());
    assert_eq!(work_off(&mut test, &store, NOW), [""; 0]);
    assert_eq!(work_off(&mut test, &store, NOW.plus_micros(2 * 86_400_000_000)), ["join"]);
    assert_eq!(records(&store.view()), before);
}

#[test]
fn a_reader_keeps_the_files_that_it_sees() {
    let mut test = TestStore::new();
    let store = test.open();
    for part in 0..8 {
        test.commit(&store, vec![kept_in_files(&store, [part])]);
    }
    let view = store.view();
    let before = records(&view);
    work_off(&mut test, &store, NOW);
    assert!(view.files.iter().all(|file| file.path.exists()));
    assert_eq!(records(&view), before);
    let paths: Vec<_> = view.files.iter().map(|file| file.path.clone()).collect();
    drop(view);
    assert!(paths.iter().all(|path| !path.exists() && !crate::filter_path(path).exists()));
    assert_eq!(records(&store.view()), before);
}

#[test]
fn a_change_that_no_longer_fits_is_refused() {
    let mut test = TestStore::new();
    let store = test.open();
    for part in 0..8 {
        test.commit(&store, vec![kept_in_files(&store, [part])]);
    }
    let work = store.next_work(NOW).unwrap();
    let (one, other) =
        (store.perform(work.clone(), &Cancel::new()).unwrap(), store.perform(work, &Cancel::new()).unwrap());
    test.apply(&store, one);
    assert!(store.state_after(&other).is_none());
    drop(other);
    assert_eq!(store.view().rows(), 8);
    assert_eq!(records(&test.open().view()).len(), 8);
}

#[test]
fn files_are_dropped_by_age_whole_days_at_a_time() {
    let mut test = with_options(|options| options.retention = Some(Duration::from_secs(86_400)));
    let store = test.open();
    test.commit(&store, vec![kept_in_files(&store, [0, 90_000, 180_000])]);
    for (seconds, left) in [(172_799, 3), (172_800, 2), (259_200, 1), (345_600, 0)] {
        work_off(&mut test, &store, Timestamp::from_seconds(1_795_132_800 + seconds));
        assert_eq!(store.view().rows(), left, "{seconds}");
    }
    assert_eq!(test.files, []);
}

#[test]
fn the_oldest_files_are_dropped_by_size() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_in_files(&store, [0, 90_000, 180_000])]);
    drop(store);
    test.options.disk_bytes_max = Some(test.files[1].bytes + test.files[2].bytes);
    let store = test.open();
    assert_eq!(work_off(&mut test, &store, ARRIVAL), ["size"]);
    let left: Vec<i64> = records(&store.view()).iter().map(|(time, _, _)| time / 1_000_000).collect();
    assert_eq!(left, [1_795_132_800 + 90_000, 1_795_132_800 + 180_000]);
}

/// Two days after the first record of the tests.
const ARRIVAL: Timestamp = Timestamp::from_seconds(1_795_132_800 + 2 * 86_400);

/// Seconds of some years.
const YEARS: i64 = 5 * 365 * 86_400;

fn days_left(store: &Store) -> Vec<i64> {
    records(&store.view()).iter().map(|(time, _, _)| (time / 1_000_000 - 1_795_132_800) / 86_400).collect()
}

#[test]
fn records_far_in_the_future_age_from_their_arrival_also_when_their_files_are_joined() {
    let mut test = with_options(|options| options.retention = Some(Duration::from_secs(3 * 86_400)));
    let store = test.open();
    assert!(store.next_work(ARRIVAL).is_none());
    for part in 0..8 {
        test.commit(&store, vec![kept_in_files(&store, [86_400 + part, YEARS + part])]);
    }
    let joined_at = ARRIVAL.plus_micros(86_400_000_000);
    assert_eq!(work_off(&mut test, &store, joined_at), ["join", "join"]);
    assert_eq!(store.view().rows(), 16);
    // The day of the true ones ends a day before that of the arrival.
    for (days, left) in [(2, 16), (3, 8), (4, 0)] {
        work_off(&mut test, &store, ARRIVAL.plus_micros(days * 86_400_000_000));
        assert_eq!(store.view().rows(), left, "{days} days after the arrival");
    }
}

#[test]
fn records_that_came_while_the_clock_was_behind_age_by_their_own_time() {
    let mut test = with_options(|options| {
        options.retention = Some(Duration::from_secs(3 * 86_400));
        options.now = Timestamp::from_seconds(60);
    });
    let store = test.open();
    assert!(store.next_work(Timestamp::from_seconds(60)).is_none());
    test.commit(&store, vec![kept_in_files(&store, [0])]);
    work_off(&mut test, &store, ARRIVAL);
    assert_eq!(store.view().rows(), 1);
}

#[test]
fn records_far_in_the_future_are_dropped_by_size_in_the_order_of_arrival() {
    let mut test = TestStore::new();
    let store = test.open();
    assert!(store.next_work(ARRIVAL).is_none());
    test.commit(&store, vec![kept_in_files(&store, [0, YEARS])]);
    let later = ARRIVAL.plus_micros(86_400_000_000);
    assert!(store.next_work(later).is_none());
    test.commit(&store, vec![kept_in_files(&store, [3 * 86_400])]);
    drop(store);
    test.options.disk_bytes_max = Some(test.files[2].bytes);
    let store = test.open();
    assert_eq!(work_off(&mut test, &store, later), ["size"]);
    assert_eq!(days_left(&store), [3]);
}

#[test]
fn work_that_is_stopped_leaves_nothing() {
    let mut test = TestStore::new();
    let store = test.open();
    test.commit(&store, vec![kept_at(&store, 0..5)]);
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(matches!(store.force_roll(&cancel), Err(StoreError::Stopped)));
    let pending = std::fs::read_dir(test.options.folder.join("pending")).unwrap();
    assert_eq!((pending.count(), store.view().rows()), (0, 5));
}
