//! A deletion takes exactly what its query finds, from the disk too, and damage elsewhere does not stop it.

use std::fs;
use std::path::PathBuf;

use weir_query::Predicate;
use weir_record::Timestamp;

use crate::read::{Cancel, Limits, SearchRequest};
use crate::testing::{TestStore, kept_at, kept_in_files, records};
use crate::{Store, View};

fn compiled(query: &str) -> Predicate {
    weir_query::parse(query).expect("a query").filter.compile(Timestamp::from_micros(0)).expect("a query")
}

fn everything() -> std::ops::Range<Timestamp> {
    Timestamp::from_micros(i64::MIN)..Timestamp::from_micros(i64::MAX)
}

fn count(view: &View, query: &str) -> (u64, Vec<String>) {
    let request =
        SearchRequest { with_total: true, ..SearchRequest::newest(compiled(query), everything(), 0) };
    let found = view.search(&request, &Limits::default(), &Cancel::new()).expect("within bounds");
    (found.total.unwrap_or_default(), found.problems)
}

fn roll(ledger: &mut TestStore, store: &Store) {
    if let Some(change) = store.force_roll(&Cancel::new()).expect("the disk has room") {
        ledger.apply(store, change);
    }
}

#[test]
fn what_matches_goes_and_the_rest_stays() {
    let mut ledger = TestStore::new();
    let store = ledger.open();
    ledger.commit(&store, vec![kept_in_files(&store, 0..100)]);
    ledger.commit(&store, vec![kept_at(&store, 50..150), kept_in_files(&store, 1000..1010)]);
    roll(&mut ledger, &store);
    let before = records(&store.view());
    let paths: Vec<PathBuf> = store.view().files.iter().map(|file| file.path.clone()).collect();
    let doomed = "user:\"text 60\" OR retries:[1000 TO 1009]";
    assert_eq!(count(&store.view(), doomed).0, 12);
    let predicate = compiled(doomed);
    let deletion = store
        .delete(&predicate, everything(), &Limits::default(), &Cancel::new())
        .expect("the disk has room");
    assert_eq!((deletion.records_deleted, deletion.files_rewritten), (12, 3));
    assert_eq!(deletion.problems, Vec::<String>::new());
    assert!(deletion.bytes_freed > 0);
    assert_eq!(count(&store.view(), doomed).0, 12, "nothing is gone before it is committed");
    ledger.apply(&store, deletion.change);
    let is_doomed = |time_us: i64| {
        let second = time_us / 1_000_000 - 1_795_132_800;
        second == 60 || (1000..1010).contains(&second)
    };
    let rest: Vec<_> = before.into_iter().filter(|(time_us, _, _)| !is_doomed(*time_us)).collect();
    assert_eq!(count(&store.view(), doomed), (0, Vec::new()));
    assert_eq!(records(&store.view()), rest);
    let is_there = |path: &PathBuf| path.exists() || crate::filter_path(path).exists();
    assert_eq!(paths.iter().filter(|path| is_there(path)).count(), 0, "the bytes are gone");
    drop(store);
    assert_eq!(records(&ledger.open().view()), rest);
}

#[test]
fn a_deletion_in_a_span_leaves_what_is_outside() {
    let mut ledger = TestStore::new();
    let store = ledger.open();
    ledger.commit(&store, vec![kept_in_files(&store, 0..100)]);
    let time = |second: i64| Timestamp::from_seconds(1_795_132_800 + second);
    let deletion = store
        .delete(&Predicate::All, time(10)..time(20), &Limits::default(), &Cancel::new())
        .expect("the disk has room");
    assert_eq!(deletion.records_deleted, 10);
    ledger.apply(&store, deletion.change);
    assert_eq!(count(&store.view(), "retries:[10 TO 19]").0, 0);
    assert_eq!(count(&store.view(), "*").0, 90);
    let nothing = compiled("user:nobody");
    let deletion =
        store.delete(&nothing, everything(), &Limits::default(), &Cancel::new()).expect("the disk has room");
    assert!(deletion.change.is_empty());
}

#[test]
fn a_damaged_file_is_named_and_the_others_answer() {
    let mut ledger = TestStore::new();
    let store = ledger.open();
    ledger.commit(&store, vec![kept_in_files(&store, 0..5000), kept_in_files(&store, 5000..5100)]);
    let victim = store.view().files[0].path.clone();
    let whole = fs::read(&victim).expect("a file");
    for damage in [0..8usize, 100..20_000, whole.len() - 300..whole.len()] {
        let mut bytes = whole.clone();
        let end = damage.end.min(bytes.len());
        bytes[damage.start.min(end)..end].fill(0xA5);
        fs::write(&victim, bytes).expect("written");
        // Opened anew, so that nothing of the file is remembered.
        let view = ledger.open().view();
        let (total, problems) = count(&view, "message:payment");
        assert!((100..=5100).contains(&total), "{total}");
        if total < 5100 {
            assert!(problems.len() == 1 && problems[0].contains(".parquet"), "{problems:?}");
        }
    }
    fs::write(&victim, &whole).expect("written");
    assert_eq!(count(&ledger.open().view(), "message:payment"), (5100, Vec::new()));
}

#[test]
fn a_file_without_its_filter_answers_the_same() {
    let mut ledger = TestStore::new();
    let store = ledger.open();
    ledger.commit(&store, vec![kept_in_files(&store, 0..10_000)]);
    let filter = crate::filter_path(&store.view().files[0].path);
    drop(store);
    let queries = ["user:\"text 77\"", "payment", "retries:>9990", "user:\"text 1*\"", "path:/orders/5"];
    let answers = |view: &View| queries.map(|query| count(view, query));
    let expected = answers(&ledger.open().view());
    assert_eq!(expected[0].0, 1);
    let mut bytes = fs::read(&filter).expect("a filter");
    let end = bytes.len();
    bytes[end / 2..].fill(0);
    fs::write(&filter, bytes).expect("written");
    assert_eq!(answers(&ledger.open().view()), expected);
    fs::remove_file(&filter).expect("removed");
    assert_eq!(answers(&ledger.open().view()), expected);
}
