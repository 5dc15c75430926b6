//! Errors of the API: always JSON of one shape, so that a script has one way to read them.

use axum::Json;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

#[derive(Serialize)]
struct Problem {
    error: String,
    code: &'static str,
    hint: &'static str,
}

/// An answer that says what is wrong, and what to do about it.
pub(crate) fn problem(status: StatusCode, code: &'static str, error: String, hint: &'static str) -> Response {
    (status, Json(Problem { error, code, hint })).into_response()
}

/// There is nothing at this address.
pub(crate) async fn not_found(uri: Uri) -> Response {
    let error = format!("there is nothing at {}", uri.path());
    problem(StatusCode::NOT_FOUND, "not_found", error, "GET / lists what there is")
}
