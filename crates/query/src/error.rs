//! What is wrong with a query, said so that the next try is right.
//!
//! People type queries under pressure; an error that only says "syntax error" sends them to the manual. So each
//! names the column and, wherever there is something to say, what would be right.

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}, column {column}{}", .hint.iter().map(|hint| format!("; {hint}")).collect::<String>())]
pub struct QueryError {
    /// What is wrong, lower-case.
    pub problem: String,
    /// Where, in characters from 1.
    pub column: usize,
    /// What would be right.
    pub hint: Option<String>,
}

impl QueryError {
    /// An error at a column, with what would be right.
    pub(crate) fn new(column: usize, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { problem: problem.into(), column, hint: Some(hint.into()) }
    }
}
