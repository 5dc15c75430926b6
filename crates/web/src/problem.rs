//! Errors of the API: always JSON of one shape, so that a script has one way to read them.
//!
//! What axum answers by itself, an empty 404 or 405, is answered here instead: whoever mistypes an address or a
//! method needs a hint as much as whoever mistypes a query.
//!
//! A path or a method that is not there answers in that shape too; an empty 405 tells nobody what would be right.

use axum::Json;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What is wrong with a request, or why it is not answered.
#[derive(Debug, Serialize)]
pub(crate) struct Problem<'a> {
    /// What is wrong, with the value.
    pub error: String,
    /// The same for programs; it never changes.
    pub code: &'static str,
    /// What to do about it.
    pub hint: &'a str,
    /// Where in the query, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Where in that line, in characters from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// An answer that says what is wrong, and what to do about it.
pub(crate) fn problem(status: StatusCode, code: &'static str, error: String, hint: &'static str) -> Response {
    (status, Json(Problem { error, code, hint, line: None, column: None })).into_response()
}

/// What is at this address is asked in another way.
pub(crate) async fn not_allowed(method: Method, uri: Uri) -> Response {
    let error = format!("{} takes no {method}", uri.path());
    if uri.path().starts_with("/metrics") {
        // Who pushes reads plain text, as from other gateways.
        let text = format!("{error}; the header Allow says what it takes");
        return (StatusCode::METHOD_NOT_ALLOWED, text).into_response();
    }
    problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        error,
        "the header Allow says what it takes",
    )
}

/// There is nothing at this address.
pub(crate) async fn not_found(uri: Uri) -> Response {
    let error = format!("there is nothing at {}", uri.path());
    problem(StatusCode::NOT_FOUND, "not_found", error, "GET / lists what there is")
}
