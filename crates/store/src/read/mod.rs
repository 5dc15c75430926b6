//! Answers questions about the records of a [`View`](crate::View).
//!
//! An executor of our own rather than a general one: it knows how our files are sorted, that a granule is a
//! page, and what the filters say, so that a needle costs a few pages, and it stays within a bound of memory
//! that it counts itself. The order of work is always the same: leave out what cannot match
//! ([`prune`]), read the predicate's columns of what is left ([`mod@unit`]), decide row by row ([`evaluate`]), and
//! only then read what is asked for.

mod aggregate;
mod best;
mod cancel;
mod column;
mod delete;
mod dimension;
mod evaluate;
mod failure;
mod field_counts;
mod fields;
mod grouping;
mod hit;
mod over_rows;
mod pair_table;
mod prune;
mod request;
mod scan;
mod search;
#[cfg(test)]
mod tests;
mod unit;
mod word_search;

pub use aggregate::{Aggregated, BatchAggregate};
pub use cancel::Cancel;
pub use delete::Deletion;
pub use failure::QueryFailure;
pub use fields::SUMMARIES_MAX;
pub use over_rows::{BatchSearch, select};
pub use request::{
    AggregateRequest, Cursor, FieldSummaries, FieldSummary, FieldsRequest, Found, Hit, Limits,
    MEMORY_BYTES_DEFAULT, SearchRequest, THREADS_MAX,
};
pub(crate) use unit::guarded;
