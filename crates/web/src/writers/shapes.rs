//! What `/ingest/ndjson` answers.
//!
//! Apart from what is done, as all shapes of the API are: the document of the API is checked against these. Counts
//! and the first few rejects, not a status for each line: who sends a million lines wants to know that something
//! is wrong and where it begins; all of it is in `/api/rejects`.

use serde::Serialize;

/// What became of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WriteAnswerShape {
    /// Lines that were not empty.
    pub received: usize,
    /// How many of them are no records; they are kept as rejects.
    pub rejected: usize,
    /// The first of those.
    pub rejects: Vec<WriteReject>,
    /// Whether a body with this idempotency key came before, and this one was not taken again.
    pub is_duplicate: bool,
}

/// A line that is no record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WriteReject {
    /// Its number in the body, from 1.
    pub line: usize,
    /// Why, as the metrics name it.
    pub reason: &'static str,
    /// What is wrong, and where, for a person.
    pub error: String,
}
