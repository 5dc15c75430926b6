//! A search finds what a filter and a sort of all records find, in pages that miss nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use weir_query::Predicate;
use weir_record::{Timestamp, Value};

use super::parts::{Parts, placed, span_of};
use super::records::{START_US, TestRecord, predicate, record};
use crate::read::best::Direction;
use crate::read::{Cancel, Cursor, Found, Hit, Limits, QueryFailure, SearchRequest};
use crate::{SequenceNumbers, View};

/// What a search should find: the records that match, in the order of the answer.
fn expected(records: &[(Cursor, TestRecord)], request: &SearchRequest) -> Vec<(Cursor, TestRecord)> {
    let direction = Direction { is_oldest_first: request.is_oldest_first };
    let mut matching: Vec<_> = records
        .iter()
        .filter(|(cursor, record)| request.span().contains(&cursor.time) && request.predicate.matches(record))
        .cloned()
        .collect();
    matching.sort_by_key(|(cursor, _)| direction.rank(*cursor));
    matching
}

fn check_hits(hits: &[Hit], expected: &[(Cursor, TestRecord)]) {
    let found: Vec<Cursor> = hits.iter().map(Hit::cursor).collect();
    let wanted: Vec<Cursor> = expected.iter().map(|(cursor, _)| *cursor).collect();
    assert_eq!(found, wanted);
    for (hit, (_, record)) in hits.iter().zip(expected) {
        assert_eq!(hit.field("@timestamp"), Some(&Value::Time(record.time)));
        assert_eq!(hit.fields.len(), record.fields.len() + 1, "{hit:?} {record:?}");
        for (name, value) in &record.fields {
            assert!(is_same(hit.field(name), value), "{name}: {hit:?} {record:?}");
        }
    }
}

/// Whether a value came back; a number may have changed its type, not its value.
fn is_same(found: Option<&Value<'_>>, value: &Value<'_>) -> bool {
    let number = |value: &Value<'_>| match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Float(float) => Some(*float),
        _ => None,
    };
    found == Some(value) || found.and_then(number).is_some_and(|found| number(value) == Some(found))
}

/// Searches page after page until there are no more.
fn all_pages(view: &View, request: &SearchRequest, threads: usize) -> Vec<Hit> {
    let mut request = request.clone();
    let limits = Limits { threads, ..Limits::default() };
    let mut hits = Vec::new();
    loop {
        let found: Found = view.search(&request, &limits, &Cancel::new()).expect("within bounds");
        assert_eq!(found.problems, Vec::<String>::new());
        assert!(found.hits.len() <= request.limit);
        hits.extend(found.hits);
        match found.cursor {
            Some(cursor) => request.after = Some(cursor.to_string().parse().expect("our own cursor")),
            None => return hits,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_files_are_searched_as_one(
        parts in vec((any::<bool>(), vec(record(), 1..40)), 1..5),
        predicate in predicate(),
        (is_oldest_first, limit, threads) in (any::<bool>(), 1..50usize, 1..4usize),
        (from, to) in (0..120i64, 0..130i64),
    ) {
        let parts = Parts::new(&parts);
        let span = span_of(from, to);
        let request = SearchRequest { is_oldest_first, ..SearchRequest::newest(predicate, span, limit) };
        let expected = expected(&parts.records, &request);
        check_hits(&all_pages(&parts.view, &request, threads), &expected);
        let counted = SearchRequest { with_total: true, ..request };
        let found = parts.view.search(&counted, &Limits::default(), &Cancel::new()).expect("within bounds");
        prop_assert_eq!(found.total, Some(expected.len() as u64));
        check_hits(&found.hits, &expected[..found.hits.len()]);
        prop_assert_eq!(found.hits.len(), limit.min(expected.len()));
    }

    #[test]
    fn rows_handed_in_are_searched_as_a_view_is(
        parts in vec((Just(false), vec(record(), 1..40)), 1..5),
        predicate in predicate(),
        (is_oldest_first, limit) in (any::<bool>(), 0..50usize),
    ) {
        let parts = Parts::new(&parts);
        let request = SearchRequest {
            is_oldest_first,
            with_total: true,
            ..SearchRequest::newest(predicate, span_of(0, 200), limit)
        };
        let mut search = crate::read::BatchSearch::new(&request, &Limits::default(), &Cancel::new());
        for rows in parts.view.segments.iter().flat_map(|segment| &segment.rows) {
            search.take(rows).expect("within bounds");
        }
        let found = parts.view.search(&request, &Limits::default(), &Cancel::new()).expect("within bounds");
        prop_assert_eq!(search.finish(), found);
    }
}

/// Many records, so that there are several granules.
fn many(count: usize) -> Vec<TestRecord> {
    (0..count)
        .map(|number| TestRecord {
            time: Timestamp::from_micros(START_US + number as i64 / 3),
            fields: [
                ("request_id".to_owned(), Value::Text(format!("id-{number}").into())),
                ("status".to_owned(), Value::Integer(if number % 1000 == 0 { 500 } else { 200 })),
                ("user".to_owned(), Value::Text(format!("u{}@example.com", number % 5000).into())),
            ]
            .into(),
        })
        .collect()
}

fn everything(predicate: Predicate, limit: usize) -> SearchRequest {
    SearchRequest::newest(
        predicate,
        Timestamp::from_micros(i64::MIN)..Timestamp::from_micros(i64::MAX),
        limit,
    )
}

fn compiled(query: &str) -> Predicate {
    weir_query::parse(query).expect("a query").filter.compile(Timestamp::from_micros(0)).expect("a query")
}

#[test]
fn needles_and_pages_are_found_across_granules() {
    let parts = Parts::new(&[(true, many(20_000)), (false, many(5_000))]);
    for (query, expected) in [
        ("request_id:id-19999", 1),
        ("request_id:id-4999", 2),
        ("user:\"u4999@example.com\"", 5),
        ("status:>=500", 25),
        ("NOT status:200", 25),
        ("request_id:nothing", 0),
        ("nothing:5", 0),
    ] {
        let mut request = everything(compiled(query), 7);
        let hits = all_pages(&parts.view, &request, 2);
        assert_eq!(hits.len(), expected, "{query}");
        request.with_total = true;
        let found = parts.view.search(&request, &Limits::default(), &Cancel::new()).expect("within bounds");
        assert_eq!(found.total, Some(expected as u64), "{query}");
    }
    let hits = all_pages(&parts.view, &everything(Predicate::All, 999), 2);
    let mut cursors: Vec<Cursor> = hits.iter().map(Hit::cursor).collect();
    assert!(cursors.is_sorted_by(|one, other| one > other));
    cursors.dedup();
    assert_eq!(cursors.len(), 25_000);
}

#[test]
fn only_the_fields_asked_for_come() {
    let parts = Parts::new(&[(true, many(10)), (false, many(10))]);
    let fields = Some(vec!["user".to_owned(), "status".to_owned()]);
    let request = SearchRequest { fields, ..everything(Predicate::All, 100) };
    for hit in parts.view.search(&request, &Limits::default(), &Cancel::new()).expect("within bounds").hits {
        let names: Vec<&str> = hit.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["@timestamp", "status", "user"]);
    }
}

#[test]
fn a_query_is_stopped_and_bounded() {
    let parts = Parts::new(&[(true, many(10_000))]);
    let request = everything(Predicate::All, 10_000);
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(parts.view.search(&request, &Limits::default(), &cancel), Err(QueryFailure::Cancelled));
    let limits = Limits { memory_bytes_max: 1 << 20, ..Limits::default() };
    let failure = QueryFailure::TooMuchMemory { memory_bytes_max: 1 << 20 };
    assert_eq!(parts.view.search(&request, &limits, &Cancel::new()), Err(failure));
    let few = SearchRequest { limit: 10, ..request };
    assert_eq!(parts.view.search(&few, &limits, &Cancel::new()).map(|found| found.hits.len()), Ok(10));
}

#[test]
fn numbers_are_given_in_the_order_of_the_parts() {
    let numbers = SequenceNumbers::starting_at(7);
    let records = many(4);
    let sequences: Vec<i64> = placed(&records, &numbers).iter().map(|(cursor, _)| cursor.sequence).collect();
    assert_eq!(sequences, [7, 8, 9, 10]);
}
