//! Whether the server lives, and whether it is of use yet; and what there is to ask.
//!
//! Two answers and not one: a supervisor that restarts what is merely starting never gets it started.

use axum::extract::State;
use axum::http::StatusCode;

use crate::Handlers;

/// The process answers.
pub(crate) async fn healthy() -> &'static str {
    "weir is healthy.\n"
}

/// The sources run; 503 before that and while stopping.
pub(crate) async fn ready(State(handlers): State<Handlers>) -> (StatusCode, &'static str) {
    if (handlers.is_ready)() {
        (StatusCode::OK, "weir is ready.\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "weir is starting or stopping.\n")
    }
}

/// What there is to read, for a person who asks with curl.
pub(crate) const fn overview() -> &'static str {
    "weir turns access logs into metrics, and keeps and finds their records.\n\n\
     /metrics       all series, for Prometheus\n\
     /metrics/job/x POST, PUT, DELETE: counts that others push, where the gateway is on\n\
     /api/search    records that match; ?query=status:>=500&from=now-1h&limit=100\n\
     /api/aggregate numbers of groups; ?query=* | stats p95(request_time) by route, or POST\n\
     /api/tail      records as they come, as server-sent events; ?query=\n\
     /api/fields    the fields of the records and their most frequent values\n\
     /api/story     what belongs to one request; ?request_id=\n\
     /api/context   what happened around a record; ?id=\n\
     /api/delete    POST: removes records\n\
     /api/routes    requests, errors and percentiles per route; ?from=now-1h&to=now\n\
     /              the page, in a browser\n\
     /api/sources   what came of each source, and up to when it is complete\n\
     /api/rejects   lines that are no records; POST /api/rejects/replay reads them again\n\
     /api/backfill  POST: counts objects of a bucket\n\
     /api/openapi.json  all of the API, for programs\n\
     /-/healthy     200 while the process lives\n\
     /-/ready       200 when the sources run\n"
}
