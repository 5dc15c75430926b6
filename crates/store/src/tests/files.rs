//! Records through a file and back, and what a file is made of.

use arrow_array::RecordBatch;
use proptest::prelude::*;
use weir_record::{Timestamp, Value};

use crate::builder::{RowsBuilder, SequenceNumbers};
use crate::day_files::DayFiles;
use crate::filter::{GRANULE_ROWS, value_hash, word_hash};
use crate::read::Cancel;
use crate::rows::sequences;
use crate::testing::{TestStore, kept_at, records, records_of};
use crate::upkeep::read_all;
use crate::{Kept, Work};

#[test]
fn a_large_file_has_full_row_groups_of_whole_granules_and_a_filter_that_knows_them() {
    let mut test = TestStore::new();
    let store = test.open();
    let kept = (0..4).map(|part| kept_at(&store, (0..40_000).map(|row| (row * 4 + part) / 4))).collect();
    test.commit(&store, kept);
    let change = store.force_roll(&Cancel::new()).unwrap().unwrap();
    test.apply(&store, change);
    assert_eq!(test.files.len(), 1);
    assert_eq!(test.files[0].row_group_rows, [80_000, 80_000]);
    let view = store.view();
    let meta = view.files[0].meta().unwrap();
    let filter = meta.filter.as_ref().expect("a filter");
    let metadata = meta.arrow.metadata();
    for group in 0..2 {
        let pages = metadata.page_index_for_row_group(group);
        for column in [0, 1, 8, 11] {
            let locations = pages.page_locations(column).expect("an offset index");
            let starts: Vec<i64> = locations.iter().map(|page| page.first_row_index).collect();
            let expected: Vec<i64> = (0..80_000).step_by(GRANULE_ROWS).map(|row| row as i64).collect();
            assert_eq!(starts, expected, "column {column}");
        }
    }
    // Four records of each second, so 20,000 seconds in a row group.
    for second in (0..40_000).step_by(997) {
        let (group, granule) = (second / 20_000, second % 20_000 * 4 / GRANULE_ROWS);
        for hash in [
            value_hash("path", &format!("/orders/{second}")),
            value_hash("user", &format!("text {second}")),
            value_hash("retries", &second.to_string()),
            value_hash("source", "web"),
            word_hash("message", &second.to_string()),
            word_hash("message", "payment"),
        ] {
            assert!(filter.granules(group, hash) >> granule & 1 == 1, "second {second}");
        }
        let elsewhere = filter.granules(1 - group, value_hash("path", &format!("/orders/{second}")));
        assert!((elsewhere & 0xF_FFFF).count_ones() < 4);
    }
}

#[test]
fn files_of_full_row_groups_are_copied_into_one() {
    let mut test = TestStore::new();
    let store = test.open();
    for part in 0..8i64 {
        let mut files = DayFiles::new(&store.shared);
        let mut builder = RowsBuilder::new();
        for row in 0..66_000i64 {
            let fields = [("source", Value::Text("s".into())), ("n", Value::Integer(row * 8 + part))];
            builder.push_fields(Timestamp::from_micros(row), fields);
        }
        files.write(&builder.finish(&store.shared.sequence).unwrap().unwrap()).unwrap();
        test.commit(&store, vec![Kept { rows: Vec::new(), files: files.finish().unwrap() }]);
    }
    let view = store.view();
    let work = store.next_work(Timestamp::from_seconds(0)).expect("work");
    assert!(matches!(&work, Work::Copy(files) if files.len() == 8));
    let change = store.perform(work, &Cancel::new()).unwrap();
    test.apply(&store, change);
    let joined = store.view();
    assert_eq!((joined.files.len(), joined.rows()), (1, 8 * 66_000));
    assert!(store.next_work(Timestamp::from_seconds(0)).is_none());
    let (before, after) = (view.files[3].meta().unwrap(), joined.files[0].meta().unwrap());
    for number in (3..8 * 66_000).step_by(8_000) {
        let hash = value_hash("n", &number.to_string());
        let granules = |meta: &crate::FileMeta, group| meta.filter.as_ref().unwrap().granules(group, hash);
        assert_eq!(granules(&after, 3), granules(&before, 0));
        assert_ne!(granules(&after, 3) & 0x1_FFFF, 0);
    }
    let page_counts = |meta: &crate::FileMeta, group| {
        meta.arrow.metadata().page_index_for_row_group(group).page_locations(0).map(Vec::len)
    };
    assert_eq!((page_counts(&after, 3), page_counts(&before, 0)), (Some(17), Some(17)));
    let batches = read_all(&joined.files[0]).unwrap();
    let sum = |batch: &RecordBatch| sequences(batch).iter().sum::<i64>();
    assert_eq!(batches.iter().map(sum).sum::<i64>(), (0..8 * 66_000).sum::<i64>());
}

fn value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        "[a-c]{0,3}".prop_map(|text| Value::Text(text.into())),
        "\\PC{0,20}".prop_map(|text| Value::Text(text.into())),
        any::<i64>().prop_map(Value::Integer),
        (-1e9..1e9f64).prop_map(Value::Float),
        any::<bool>().prop_map(Value::Boolean),
        Just(Value::Json("[1,\"x\"]".into())),
    ]
}

fn field() -> impl Strategy<Value = (String, Value<'static>)> {
    let name = prop_oneof![
        prop::sample::select(vec!["source", "tags", "status", "path", "request_time", "message", "level"])
            .prop_map(str::to_owned),
        "[a-d]{1,2}",
    ];
    (name, value())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_records_are_the_same_behind_a_segment_and_a_file(
        times in prop::collection::vec(
            (-200_000_000_000i64..2_000_000_000_000, prop::collection::vec(field(), 0..6)),
            1..40,
        ),
        parts in 1usize..4,
    ) {
        let mut test = TestStore::new();
        let store = test.open();
        let mut expected = Vec::new();
        for part in times.chunks(times.len().div_ceil(parts)) {
            let mut builder = RowsBuilder::new();
            for (time, fields) in part {
                let fields = fields.iter().map(|(name, value)| (name.as_str(), value.clone()));
                builder.push_fields(Timestamp::from_micros(*time), fields);
            }
            let rows = builder.finish(&store.shared.sequence).unwrap().expect("records");
            expected.extend(records_of(&rows.batch));
            test.commit(&store, vec![Kept { rows: vec![rows], files: Vec::new() }]);
        }
        expected.sort();
        prop_assert_eq!(&records(&store.view()), &expected);
        drop(store);
        let store = test.open();
        prop_assert_eq!(&records(&store.view()), &expected);
        let change = store.force_roll(&Cancel::new()).unwrap().expect("a roll");
        test.apply(&store, change);
        prop_assert!(store.view().segments.is_empty());
        prop_assert_eq!(&records(&store.view()), &expected);
        prop_assert_eq!(&records(&test.open().view()), &expected);
    }
}

#[test]
fn numbers_are_given_once() {
    let numbers = SequenceNumbers::starting_at(5);
    assert_eq!((numbers.take(3), numbers.take(1), numbers.next()), (5, 8, 9));
}
