//! Groups of columns are the groups of their records, whichever thread met which record.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use weir_query::{Aggregation, GroupBy, GroupValue, Groups, Metric, MetricValue, Predicate, ROWS_MAX};
use weir_record::{Timestamp, Value};

use super::parts::{Parts, span_of};
use super::records::{START_US, TestRecord, predicate, record};
use crate::read::{AggregateRequest, BatchAggregate, Cancel, Limits, QueryFailure};

const GROUP_FIELDS: &[&str] =
    &["source", "tags", "host", "path", "status", "request_time", "message", "attrs.n", "labels", "nothing"];

fn group_by() -> impl Strategy<Value = GroupBy> {
    prop_oneof![
        4 => select(GROUP_FIELDS).prop_map(|field| GroupBy::Field(field.to_owned())),
        1 => select(vec![60_000_000i64, 3_600_000_000, 7]).prop_map(|interval_us| GroupBy::Time { interval_us }),
    ]
}

fn metric() -> impl Strategy<Value = Metric> {
    let field = || select(GROUP_FIELDS).prop_map(str::to_owned);
    prop_oneof![
        Just(Metric::Count),
        (field(), select(vec![1.0, 50.0, 95.0, 100.0]))
            .prop_map(|(field, p)| Metric::Percentile { field, p }),
        field().prop_map(|field| Metric::Average { field }),
        field().prop_map(|field| Metric::Sum { field }),
        field().prop_map(|field| Metric::Min { field }),
        field().prop_map(|field| Metric::Max { field }),
        field().prop_map(|field| Metric::Cardinality { field }),
    ]
}

fn aggregation() -> impl Strategy<Value = Aggregation> {
    (vec(group_by(), 0..4), vec(metric(), 1..5)).prop_filter_map("refused", |(mut group_by, metrics)| {
        group_by.dedup();
        let metrics =
            (0..).zip(metrics).map(|(index, metric): (u32, _)| (format!("m{index}"), metric)).collect();
        Aggregation { group_by, metrics, order: None, limit: ROWS_MAX }.checked().ok()
    })
}

fn everything(aggregation: Aggregation) -> AggregateRequest {
    let (from, to) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    AggregateRequest { predicate: Predicate::All, from, to, aggregation }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn columns_are_grouped_as_their_records_are(
        parts in vec((any::<bool>(), vec(record(), 1..40)), 1..5),
        predicate in predicate(),
        aggregation in aggregation(),
        (from, to, threads) in (0..120i64, 0..130i64, 1..4usize),
    ) {
        let parts = Parts::new(&parts);
        let span = span_of(from, to);
        let mut groups = Groups::new(&aggregation);
        for (_, record) in &parts.records {
            if span.contains(&record.time) && predicate.matches(record) {
                groups.add_record(record);
            }
        }
        let request = AggregateRequest { predicate, from: span.start, to: span.end, aggregation };
        let limits = Limits { threads, ..Limits::default() };
        let found = parts.view.aggregate(&request, &limits, &Cancel::new()).expect("within bounds");
        prop_assert_eq!(found.problems, Vec::<String>::new());
        prop_assert_eq!(found.answer, groups.into_answer());
    }

    #[test]
    fn rows_handed_in_are_grouped_as_a_view_is(
        parts in vec((Just(false), vec(record(), 1..40)), 1..5),
        aggregation in aggregation(),
    ) {
        let parts = Parts::new(&parts);
        let request = everything(aggregation);
        let mut grouped = BatchAggregate::new(&request, &Limits::default(), &Cancel::new());
        for rows in parts.view.segments.iter().flat_map(|segment| &segment.rows) {
            grouped.take(rows).expect("within bounds");
        }
        let found = parts.view.aggregate(&request, &Limits::default(), &Cancel::new()).expect("within bounds");
        prop_assert_eq!(grouped.total(), parts.records.len() as u64);
        prop_assert_eq!(grouped.finish(), found.answer);
    }
}

/// Records with a field that is different in each.
fn all_different(count: usize) -> Vec<TestRecord> {
    (0..count)
        .map(|number| TestRecord {
            time: Timestamp::from_micros(START_US + number as i64),
            fields: [
                ("request_id".to_owned(), Value::Text(format!("id-{number}").into())),
                ("route".to_owned(), Value::Text(format!("/r/{}", number % 3).into())),
                ("size".to_owned(), Value::Integer(number as i64)),
            ]
            .into(),
        })
        .collect()
}

fn count_by(fields: &[&str]) -> Aggregation {
    let group_by = fields.iter().map(|field| GroupBy::Field((*field).to_owned())).collect();
    let metrics = vec![("n".to_owned(), Metric::Count)];
    Aggregation { group_by, metrics, order: None, limit: ROWS_MAX }.checked().expect("an aggregation")
}

#[test]
fn more_groups_than_an_answer_keeps_are_counted_as_left_out() {
    // More than have a code, so that the last ones have none.
    let count = crate::read::dimension::CODES_MAX + 5_000;
    let parts = Parts::new(&[(false, all_different(count))]);
    let request = everything(count_by(&["route", "request_id"]));
    let answer =
        parts.view.aggregate(&request, &Limits::default(), &Cancel::new()).expect("within bounds").answer;
    assert!(answer.is_cut);
    assert!(!answer.rows.iter().any(|row| row.keys.contains(&GroupValue::text("(more)"))));
    let kept: u64 = answer.rows.iter().map(|row| row.values[0].as_f64().unwrap_or_default() as u64).sum();
    assert_eq!(kept + answer.cut_records, count as u64);
}

#[test]
fn an_aggregation_is_stopped_and_bounded() {
    let parts = Parts::new(&[(true, all_different(20_000))]);
    let request = everything(count_by(&["request_id"]));
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(parts.view.aggregate(&request, &Limits::default(), &cancel), Err(QueryFailure::Cancelled));
    let limits = Limits { memory_bytes_max: 100_000, ..Limits::default() };
    let failure = QueryFailure::TooMuchMemory { memory_bytes_max: 100_000 };
    assert_eq!(parts.view.aggregate(&request, &limits, &Cancel::new()), Err(failure));
    let by_route = everything(count_by(&["route"]));
    let answer = parts.view.aggregate(&by_route, &limits, &Cancel::new()).expect("within bounds").answer;
    assert_eq!(answer.rows[0].values, [MetricValue::Integer(6_667)]);
}
