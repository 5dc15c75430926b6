//! Why a question about records is not answered, as one value for HTTP and for the commands.
//!
//! A kind and not a status: what the commands say and how they end depends on whose fault it is, and the numbers
//! of HTTP belong to HTTP.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// When a client that found no room should try again, in seconds.
const RETRY_AFTER: &str = "2";

/// Why a question is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsProblem {
    /// Whose fault it is.
    pub kind: RecordsProblemKind,
    /// What is wrong, with the value.
    pub error: String,
    /// What to do about it.
    pub hint: String,
    /// Line and column in the query, from 1, in characters; `None` where it is not about the query.
    pub place: Option<(usize, usize)>,
}

/// Whose fault a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordsProblemKind {
    /// The query's.
    BadQuery,
    /// A parameter's.
    BadParameters,
    /// It would need more memory than a query may have.
    TooLarge,
    /// There is no such record.
    NotFound,
    /// Too many ask.
    Busy,
    /// It took longer than a query may.
    TooSlow,
    /// The server stops.
    Stopping,
    /// There is no room on disk.
    DiskFull,
    /// The server's.
    Failed,
}

impl RecordsProblem {
    /// A problem of a kind.
    pub fn new(kind: RecordsProblemKind, error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, error: error.into(), hint: hint.into(), place: None }
    }

    /// Whether asking otherwise would help, and asking again would not.
    pub fn is_wrong_use(&self) -> bool {
        matches!(self.kind, RecordsProblemKind::BadQuery | RecordsProblemKind::BadParameters)
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self.kind {
            RecordsProblemKind::BadQuery => (StatusCode::BAD_REQUEST, "bad_query"),
            RecordsProblemKind::BadParameters => (StatusCode::BAD_REQUEST, "bad_parameters"),
            RecordsProblemKind::TooLarge => (StatusCode::UNPROCESSABLE_ENTITY, "too_large"),
            RecordsProblemKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            RecordsProblemKind::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            RecordsProblemKind::TooSlow => (StatusCode::SERVICE_UNAVAILABLE, "too_slow"),
            RecordsProblemKind::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            RecordsProblemKind::DiskFull => (StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
            RecordsProblemKind::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        }
    }
}

impl fmt::Display for RecordsProblem {
    /// In one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((1, column)) => write!(f, "column {column}: ")?,
            Some((line, column)) => write!(f, "line {line}, column {column}: ")?,
            None => {}
        }
        f.write_str(&self.error)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "; {}", self.hint) }
    }
}

impl std::error::Error for RecordsProblem {}

impl IntoResponse for RecordsProblem {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let (line, column) = self.place.unzip();
        let body = Problem { error: self.error, code, hint: &self.hint, line, column };
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_come_again_is_told_when() {
        use RecordsProblemKind::{BadQuery, Busy, DiskFull, Stopping, TooSlow};
        for (kind, status, has_retry_after) in [
            (BadQuery, 400, false),
            (Busy, 503, true),
            (TooSlow, 503, true),
            (Stopping, 503, true),
            (DiskFull, 507, false),
        ] {
            let response = RecordsProblem::new(kind, "no", "wait").into_response();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), has_retry_after, "{status}");
        }
    }

    #[test]
    fn a_place_is_said_first() {
        let mut problem = RecordsProblem::new(RecordsProblemKind::BadQuery, "unclosed quote", "add one");
        assert_eq!(problem.to_string(), "unclosed quote; add one");
        problem.place = Some((1, 7));
        assert_eq!(problem.to_string(), "column 7: unclosed quote; add one");
        problem.place = Some((2, 7));
        assert_eq!(problem.to_string(), "line 2, column 7: unclosed quote; add one");
    }
}
