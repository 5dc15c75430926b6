//! `GET /api/routes`: what each route did over a span of time.
//!
//! The JSON's shape lives here and only here: what the meter gives is turned into rows of this module, so
//! that a change inside never changes what scripts read by accident.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use weir_meter::RouteSummary;

use crate::Handlers;
use crate::problem::problem;

/// The span asked for, as the user wrote it: RFC 3339, epoch seconds or milliseconds, or `now-1h`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RoutesQuery {
    /// Inclusive; an hour ago by default.
    pub from: Option<String>,
    /// Exclusive; now by default.
    pub to: Option<String>,
}

/// The answer to a [`RoutesQuery`].
pub struct RouteStatistics {
    /// The span's length, in seconds.
    pub span_seconds: f64,
    /// The moment up to which all sources are complete, in RFC 3339; `None` before any is.
    pub complete_to: Option<String>,
    /// One row per source, service, route and method.
    pub routes: Vec<RouteSummary>,
}

#[derive(Serialize)]
struct Answer {
    routes: Vec<Row>,
    complete_to: Option<String>,
}

/// Times in seconds, rate per second, percentiles estimated within a bucket.
#[derive(Serialize)]
struct Row {
    source: Box<str>,
    service: Box<str>,
    route: Box<str>,
    method: Box<str>,
    count: u64,
    rate: f64,
    error_ratio: f64,
    avg: Option<f64>,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

pub(crate) async fn routes(
    State(handlers): State<Handlers>,
    query: Result<Query<RoutesQuery>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => {
            let hint = "the parameters are from and to, each at most once";
            return problem(StatusCode::BAD_REQUEST, "bad_parameters", rejection.body_text(), hint);
        }
    };
    // Half a million slots may have to be summed up: too long for a thread that serves others.
    let statistics = tokio::task::spawn_blocking(move || (handlers.routes)(query).map(answer)).await;
    match statistics.unwrap_or_else(|_| Err("the summing up failed".to_owned())) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let hint = "write a time as 2026-11-20T10:15:30Z, 1795169730, or now-1h";
            problem(StatusCode::BAD_REQUEST, "bad_time", error, hint)
        }
    }
}

fn answer(statistics: RouteStatistics) -> Answer {
    let span_seconds = statistics.span_seconds.max(1.0);
    let row = |route: RouteSummary| Row {
        rate: route.count as f64 / span_seconds,
        error_ratio: route.error_ratio(),
        avg: route.mean_seconds(),
        p50: route.quantile_seconds(0.5),
        p95: route.quantile_seconds(0.95),
        p99: route.quantile_seconds(0.99),
        count: route.count,
        source: route.key.source,
        service: route.key.service,
        route: route.key.route,
        method: route.key.method,
    };
    Answer { routes: statistics.routes.into_iter().map(row).collect(), complete_to: statistics.complete_to }
}
