//! What is left out before reading never matches, and enough is left out for a needle to be cheap.

use proptest::collection::vec;
use proptest::prelude::*;
use weir_query::Predicate;
use weir_record::{Timestamp, Value};

use super::parts::{Parts, span_of};
use super::records::{START_US, TestRecord, predicate, record};
use crate::filter::GRANULE_ROWS;
use crate::read::evaluate::Evaluator;
use crate::read::scan::Scan;
use crate::read::unit::Unit;
use crate::read::{Cancel, Limits};
use crate::upkeep::read_all;

fn compiled(query: &str) -> Predicate {
    weir_query::parse(query).expect("a query").filter.compile(Timestamp::from_micros(0)).expect("a query")
}

/// Rows of files that a query reads.
fn rows_read(parts: &Parts, predicate: &Predicate) -> usize {
    let span = Timestamp::from_micros(i64::MIN)..Timestamp::from_micros(i64::MAX);
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let scan = Scan::new(predicate, span, &limits, &cancel);
    scan.units(&parts.view).expect("not stopped").units.iter().map(Unit::rows).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_matches_is_left_out(
        parts in vec((Just(true), vec(record(), 1..30)), 1..3),
        predicate in predicate(),
        (from, to) in (0..120i64, 0..130i64),
    ) {
        let parts = Parts::new(&parts);
        let (limits, cancel) = (Limits::default(), Cancel::new());
        let scan = Scan::new(&predicate, span_of(from, to), &limits, &cancel);
        let units = scan.units(&parts.view).expect("not stopped").units;
        for file in &parts.view.files {
            let mut evaluator = Evaluator::new(&predicate);
            let matches = read_all(file).expect("whole").iter().any(|batch| {
                let matching = evaluator.evaluate(batch, &|_| true);
                let times = crate::rows::times(batch);
                matching.set_indices().any(|row| span_of(from, to).contains(&Timestamp::from_micros(times[row])))
            });
            let is_read = units.iter().any(|unit| unit.is_of_file(file.stored.id));
            prop_assert!(is_read || !matches);
        }
    }
}

#[test]
fn a_needle_is_looked_for_in_its_granule() {
    let records: Vec<TestRecord> = (0..20 * GRANULE_ROWS)
        .map(|number| TestRecord {
            time: Timestamp::from_micros(START_US + number as i64),
            fields: [
                ("source".to_owned(), Value::Text("web".into())),
                ("request_id".to_owned(), Value::Text(format!("id-{number}").into())),
                ("user".to_owned(), Value::Text(format!("u{number}@example.com").into())),
                ("message".to_owned(), Value::Text(format!("order {number} was paid").into())),
                ("bytes_out".to_owned(), Value::Integer(number as i64)),
                ("tags".to_owned(), Value::Text(format!("all,t{}", number / GRANULE_ROWS).into())),
                ("ids".to_owned(), Value::Json(format!("[{number},\"x{number}\"]").into())),
            ]
            .into(),
        })
        .collect();
    let parts = Parts::new(&[(true, records)]);
    for (query, granules_max) in [
        ("request_id:id-50000", 2),
        ("user:u50000@example.com", 2),
        ("\"order 50000\"", 2),
        ("ids:50000", 2),
        ("ids:x50000", 2),
        ("tags:t7", 2),
        ("bytes_out:50000", 1),
        ("bytes_out:>=81000", 1),
        ("request_id:id-50000 AND bytes_out:<10", 0),
        ("request_id:id-1 OR request_id:id-50000", 3),
        ("request_id:absent", 1),
        ("nothing:here", 0),
        ("source:mail", 0),
        ("source:mail OR request_id:id-1", 2),
        ("status:200", 0),
        ("source:web", 20),
        ("NOT request_id:id-1", 20),
    ] {
        let rows = rows_read(&parts, &compiled(query));
        assert!(rows <= granules_max * GRANULE_ROWS, "{query}: {rows}");
    }
    let minute = START_US + 50_000;
    let span = Timestamp::from_micros(minute)..Timestamp::from_micros(minute + 10);
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let units =
        Scan::new(&Predicate::All, span, &limits, &cancel).units(&parts.view).expect("not stopped").units;
    assert_eq!(units.iter().map(Unit::rows).sum::<usize>(), GRANULE_ROWS);
}
