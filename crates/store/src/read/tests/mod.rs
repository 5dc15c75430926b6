//! What the executor answers, against answers that are found the plain way.

mod aggregating;
mod deleting;
mod evaluation;
pub(crate) mod parts;
mod pruning;
pub(crate) mod records;
mod searching;
mod summaries;
