//! The query language: one syntax that searches, selects, shapes and counts, wherever records are.
//!
//! Text becomes an [`Expression`], an expression a [`Predicate`], and a predicate asks one record, or the store
//! asks its [`Test`]s of whole columns. Both ways go through the same few functions of [`Test`], so that the
//! store and a plain file cannot disagree. Pure: the current time is an argument of
//! [`Expression::compile`], and nothing here reads a file or a clock. The grammar for users is in docs/query.md.

mod aggregate;
mod aggregation;
mod aggregation_text;
mod compile;
mod error;
mod expression;
mod expression_text;
mod field_test;
mod json_elements;
mod literal;
mod needles;
mod network;
mod number;
mod operand_parser;
mod parser;
mod predicate;
mod quantity;
mod range;
mod record_fields;
mod scanner;
mod stats_parser;
#[cfg(test)]
mod tests;
mod wildcard;
mod words;

pub use aggregate::{
    Answer, Bounds, DISTINCT_EXACT_MAX, DISTINCT_TOTAL_MAX, EXACT_VALUES_MAX, GROUP_ELEMENTS_MAX,
    GROUP_KEY_BYTES_MAX, GROUPS_MAX, GroupValue, Groups, METRIC_STATES_MAX, MetricValue, Row,
    SKETCH_BUCKETS_MAX, SKETCH_ERROR, group_values, metric_number, text_hash, value_hash,
};
pub use aggregation::{
    Aggregation, AggregationError, GROUP_BY_MAX, GroupBy, METRICS_MAX, Metric, NAME_BYTES_MAX, Order,
    ROWS_DEFAULT, ROWS_MAX, TIME_FIELD,
};
pub use compile::REGEX_BYTES_MAX;
pub use error::QueryError;
pub use expression::{Column, Expression, Operand, Query, RangeBound, Term};
pub use field_test::Test;
pub use literal::Literal;
pub use needles::{Needles, number_needle, value_needles, value_tokens};
pub use network::Network;
pub use number::Number;
pub use parser::{NESTING_MAX, QUERY_BYTES_MAX, TERMS_MAX, parse};
pub use predicate::{FieldTest, Fields, Predicate};
pub use range::{Bound, Range};
pub use wildcard::{Pattern, PatternPart, WILDCARD_BYTES_MAX, WILDCARD_STARS_MAX, Wildcard};
pub use words::{PHRASE_WORDS_MAX, TOKEN_BYTES_MAX, Words, tokens};
