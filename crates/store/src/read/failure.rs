//! Why a query gives no answer.
//!
//! A closed set that a caller turns into a status of its own. A damaged file is none of them: it is left out of
//! the answer and named beside it, because the records of the other files are still true.

use thiserror::Error;

/// A query that was not answered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryFailure {
    /// Somebody asked it to stop.
    #[error("the query was cancelled")]
    Cancelled,
    /// It ran until its deadline.
    #[error("the query took longer than it may; narrow the time range or the filter")]
    TimedOut,
    /// What it gathers does not fit.
    #[error(
        "the query would gather more than {memory_bytes_max} bytes; ask for fewer records or fields at once, \
         or group by a field with fewer values"
    )]
    TooMuchMemory {
        /// How much it may gather.
        memory_bytes_max: usize,
    },
    /// A cursor that this store did not give.
    #[error("`{cursor}` is no cursor; pass on the one of the last answer as it is")]
    BadCursor {
        /// What came instead.
        cursor: String,
    },
    /// Reading failed in a way that is not a file's damage.
    #[error("cannot read the store: {problem}")]
    Unreadable {
        /// What went wrong.
        problem: String,
    },
}
