//! `GET /api/routes`: what each route did over a span of time.
//!
//! The JSON's shape lives here and only here: what the meter gives is turned into rows of this module, so
//! that a change inside never changes what scripts read by accident. Without a query the numbers come from the
//! minutes, which are kept for a year and of everything that was counted; with one from the records, which can be
//! asked anything and of which less may be kept.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use weir_meter::RouteSummary;

use crate::Handlers;
use crate::problem::problem;
use crate::records::filtered_routes;

/// The span asked for, as the user wrote it: RFC 3339, epoch seconds or milliseconds, or `now-1h`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutesQuery {
    /// Inclusive; an hour ago by default.
    pub from: Option<String>,
    /// Exclusive; now by default.
    pub to: Option<String>,
    /// Only the records that match; in the query language.
    pub query: Option<String>,
    /// What rows are of, any of `source`, `service`, `route` and `method`, separated by commas; all four by default,
    /// and all requests in one row where it is empty.
    pub by: Option<String>,
}

impl RoutesQuery {
    /// Which of `source`, `service`, `route` and `method` rows are of, in this order.
    ///
    /// # Errors
    ///
    /// A name that is none of them.
    pub fn columns(&self) -> Result<[bool; 4], String> {
        let Some(by) = &self.by else { return Ok([true; 4]) };
        let mut columns = [false; 4];
        for name in by.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let Some(index) = ROUTE_COLUMNS.iter().position(|column| *column == name) else {
                let name: String = name.chars().take(64).collect();
                return Err(format!(
                    "`{name}` is no column of routes; they are {}",
                    ROUTE_COLUMNS.join(", ")
                ));
            };
            columns[index] = true;
        }
        Ok(columns)
    }
}

/// What a row of routes may be of.
pub const ROUTE_COLUMNS: [&str; 4] = ["source", "service", "route", "method"];

/// The answer to a [`RoutesQuery`] from the minutes.
pub struct RouteStatistics {
    /// The span's length, in seconds.
    pub span_seconds: f64,
    /// The moment up to which all sources are complete, in RFC 3339; `None` before any is.
    pub complete_to: Option<String>,
    /// One row per source, service, route and method.
    pub routes: Vec<RouteSummary>,
}

/// What each route did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoutesAnswer {
    /// One row per source, service, route and method.
    pub routes: Vec<RouteRow>,
    /// The moment up to which all sources are complete.
    pub complete_to: Option<String>,
    /// How the percentiles were found.
    pub percentiles: Percentiles,
    /// What should be known about the answer.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Whether records could not be read, so that some may be missing; `warnings` says which.
    #[serde(default)]
    pub is_partial: bool,
}

/// How percentiles were found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Whether they are values that were there.
    pub is_exact: bool,
    /// How far they may be from the right ones, as a share of what is shown, 0 or more; of all rows the most. `None`
    /// where there is no percentile, and where one lies above the last bound of the histogram: it is that bound
    /// then, and the right one may be anything longer.
    pub error_bound: Option<f64>,
}

impl Percentiles {
    /// Those of rows that come from the buckets of minutes.
    fn within_buckets(routes: &[RouteSummary]) -> Self {
        let quantiles =
            |route: &RouteSummary| [0.5, 0.95, 0.99].map(|quantile| route.quantile_error(quantile));
        let errors = routes.iter().flat_map(quantiles).flatten();
        let most = errors.reduce(f64::max).filter(|error| error.is_finite());
        Self { is_exact: false, error_bound: most }
    }
}

/// A route's numbers: times in seconds, rate per second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteRow {
    /// The source's name.
    pub source: Box<str>,
    /// The service's name; empty where no service has it.
    pub service: Box<str>,
    /// The route.
    pub route: Box<str>,
    /// The method.
    pub method: Box<str>,
    /// Requests.
    pub count: u64,
    /// Requests per second of the span.
    pub rate: f64,
    /// The share of server errors.
    pub error_ratio: f64,
    /// The mean request time; `None` where no request had one.
    pub avg: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
}

pub(crate) async fn routes(
    State(handlers): State<Handlers>,
    query: Result<Query<RoutesQuery>, QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(rejection) => {
            let hint = "the parameters are from, to, query and by, each at most once";
            return problem(StatusCode::BAD_REQUEST, "bad_parameters", rejection.body_text(), hint);
        }
    };
    if let Err(error) = query.columns() {
        let hint = "write by=route,method; without it rows are of all of them";
        return problem(StatusCode::BAD_REQUEST, "bad_parameters", error, hint);
    }
    let is_filtered = query.query.as_deref().is_some_and(|query| !query.trim().is_empty());
    if is_filtered {
        return filtered_routes(handlers.records, query).await;
    }
    // Half a million slots may have to be summed up: too long for a thread that serves others.
    let statistics =
        tokio::task::spawn_blocking(move || (handlers.routes)(query).map(RouteStatistics::into_answer)).await;
    match statistics.unwrap_or_else(|_| Err("the summing up failed".to_owned())) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let hint = "write a time as 2026-11-20T10:15:30Z, 1795169730, or now-1h";
            problem(StatusCode::BAD_REQUEST, "bad_time", error, hint)
        }
    }
}

impl RouteStatistics {
    /// As it stands on the wire.
    pub fn into_answer(self) -> RoutesAnswer {
        let span_seconds = self.span_seconds.max(1.0);
        let percentiles = Percentiles::within_buckets(&self.routes);
        let row = |route: RouteSummary| RouteRow {
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
        RoutesAnswer {
            routes: self.routes.into_iter().map(row).collect(),
            complete_to: self.complete_to,
            percentiles,
            ..RoutesAnswer::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_meter::RouteSummaries;
    use weir_meter::durable::{StoredDistribution, StoredSlot, StoredSlotKey};

    use super::*;

    /// The bound for routes of ten requests each, all of them in the bucket with this upper bound in microseconds.
    fn check(buckets: &[u64], expected: Option<f64>) {
        let mut routes = RouteSummaries::default();
        for (route, &upper_us) in buckets.iter().enumerate() {
            let key = StoredSlotKey {
                source: "web".into(),
                service: "".into(),
                route: format!("/{route}").into(),
                method: "GET".into(),
                status_class: Some(2),
            };
            let request_times = StoredDistribution { buckets: vec![(upper_us, 10)], ..Default::default() };
            routes.add(&key, &StoredSlot { count: 10, request_times });
        }
        let statistics = RouteStatistics { span_seconds: 60.0, complete_to: None, routes: routes.finish() };
        let Percentiles { is_exact, error_bound } = statistics.into_answer().percentiles;
        let shown = error_bound.map(|bound| (bound * 1000.0).round() / 1000.0);
        assert_eq!((is_exact, shown), (false, expected), "{buckets:?}");
    }

    #[test]
    fn percentiles_of_minutes_are_off_by_a_bucket_at_most() {
        check(&[], None);
        // 0.399 s is shown for what may be anything from 0.3 s.
        check(&[400_000], Some(0.248));
        check(&[400_000, 200_000], Some(0.497));
        check(&[5_000], Some(1.0));
        check(&[400_000, u64::MAX], None);
    }
}
