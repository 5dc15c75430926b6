//! A predicate on columns and on records is one question.

use proptest::collection::vec;
use proptest::prelude::*;

use super::records::{numbered, predicate, record, rows_of};
use crate::SequenceNumbers;
use crate::read::evaluate::Evaluator;
use crate::read::select;

proptest! {
    #[test]
    fn columns_match_as_their_records_do(records in vec(record(), 1..60), predicate in predicate()) {
        let rows = rows_of(&records, &SequenceNumbers::starting_at(0));
        let matching = select(&predicate, &rows);
        for (row, record) in numbered(&records).iter().enumerate() {
            prop_assert_eq!(matching.value(row), predicate.matches(record), "row {}: {:?}", row, record);
        }
    }

    #[test]
    fn what_is_remembered_of_one_batch_does_not_change_the_next(
        batches in vec(vec(record(), 1..20), 1..5),
        predicate in predicate(),
    ) {
        let numbers = SequenceNumbers::starting_at(0);
        let mut evaluator = Evaluator::new(&predicate);
        for records in &batches {
            let rows = rows_of(records, &numbers);
            let matching = evaluator.evaluate(&rows.batch, &|name| rows.names.may_have(name));
            prop_assert_eq!(matching, select(&predicate, &rows));
        }
    }
}
