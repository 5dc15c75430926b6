//! What whoever keeps the server running asks of it: sources, rejects, replays, backfills.
//!
//! The answers come through functions, as everywhere in this crate; the commands of the program call the same
//! functions without HTTP when no server runs, so that both ways cannot come to different results. What
//! changes something is a POST with a JSON body, which no page of another site can send.

mod backtest;
mod lines;
mod promises;
mod shapes;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::Handlers;
use crate::audit::{Action, AuditNote, audited};
use crate::authentication::Identity;
use crate::gateway::BoxFuture;
use crate::problem::problem;
use crate::status::ServerStatus;
pub use backtest::{
    BacktestAnswer, BacktestData, BacktestFiring, BacktestMails, BacktestMessage, BacktestQuery,
    BacktestReceiver, BacktestRequest, BacktestRow, BacktestStep, BacktestSuggestion,
};
pub(crate) use backtest::{by_query as backtest, of_config as backtest_config};
use lines::LinesBody;
pub use promises::{AlertChange, AlertRow, AlertsAnswer, SlaBudget, SlaDay, SlaStatus, SlasAnswer};
pub use shapes::{
    BackfillProgress, BackfillRequest, BackfillState, DatagramsStatus, LineAnswer, LineQuery, NodeStatus,
    RejectDetail, RejectRow, RejectsPage, RejectsQuery, ReloadAnswer, ReplayProblem, ReplayRequest,
    ReplayResult, SourceStatus, SourcesStatus,
};

/// An answer that takes its time.
pub type Answer<T> = BoxFuture<Result<T, AdminProblem>>;

/// Asks for a `T` with a `Q`.
pub type Ask<Q, T> = Arc<dyn Fn(Q) -> Answer<T> + Send + Sync>;

/// Where the answers come from.
#[derive(Clone)]
pub struct Admin {
    /// What is known of the sources.
    pub sources: Ask<(), SourcesStatus>,
    /// What the server is and has.
    pub status: Ask<(), ServerStatus>,
    /// What became of promises.
    pub slas: Ask<(), SlasAnswer>,
    /// Alerts, and what became of them.
    pub alerts: Ask<(), AlertsAnswer>,
    /// What alerts of the server's own config there would have been.
    pub backtest: Ask<BacktestQuery, BacktestAnswer>,
    /// The same of another config.
    pub backtest_config: Ask<BacktestRequest, BacktestAnswer>,
    /// Reads the config again.
    pub reload: Ask<(), ReloadAnswer>,
    /// A page of rejects.
    pub rejects: Ask<RejectsQuery, RejectsPage>,
    /// One reject, by its id.
    pub reject: Ask<u64, RejectDetail>,
    /// The line that a record came from.
    pub line: Ask<LineQuery, LineAnswer>,
    /// Reads rejects again.
    pub replay: Ask<ReplayRequest, ReplayResult>,
    /// Starts a backfill. It stops when the receiver is dropped; its last message is its result.
    pub backfill: Ask<BackfillRequest, mpsc::Receiver<BackfillProgress>>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}; {hint}")]
pub struct AdminProblem {
    /// Whose fault it is.
    pub kind: ProblemKind,
    /// What is wrong.
    pub error: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// Whose fault a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The request's.
    BadRequest,
    /// Somebody else may, but not who asks.
    NotAllowed,
    /// There is no such thing.
    NotFound,
    /// Something else is under way.
    Busy,
    /// The server stops.
    Stopping,
    /// The server's.
    Failed,
}

impl AdminProblem {
    /// A problem of a kind.
    pub fn new(kind: ProblemKind, error: impl Into<String>, hint: &'static str) -> Self {
        Self { kind, error: error.into(), hint }
    }

    pub(crate) fn into_response(self) -> Response {
        let (status, code) = match self.kind {
            ProblemKind::BadRequest => (StatusCode::BAD_REQUEST, "bad_parameters"),
            ProblemKind::NotAllowed => (StatusCode::FORBIDDEN, "forbidden"),
            ProblemKind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            ProblemKind::Busy => (StatusCode::CONFLICT, "busy"),
            ProblemKind::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            ProblemKind::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        };
        problem(status, code, self.error, self.hint)
    }
}

pub(crate) async fn sources(State(handlers): State<Handlers>) -> Response {
    match handlers.admin {
        Some(admin) => answered((admin.sources)(()).await),
        None => nothing_here(),
    }
}

pub(crate) async fn slas(State(handlers): State<Handlers>) -> Response {
    match handlers.admin {
        Some(admin) => answered((admin.slas)(()).await),
        None => nothing_here(),
    }
}

pub(crate) async fn alerts(State(handlers): State<Handlers>) -> Response {
    match handlers.admin {
        Some(admin) => answered((admin.alerts)(()).await),
        None => nothing_here(),
    }
}

pub(crate) async fn reload(State(handlers): State<Handlers>) -> Response {
    match handlers.admin {
        Some(admin) => answered((admin.reload)(()).await),
        None => nothing_here(),
    }
}

pub(crate) async fn rejects(
    State(handlers): State<Handlers>,
    query: Result<Query<RejectsQuery>, QueryRejection>,
) -> Response {
    match (handlers.admin, query) {
        (Some(admin), Ok(Query(query))) => answered((admin.rejects)(query).await),
        (Some(_), Err(rejection)) => {
            bad_request(rejection.body_text(), "the parameters are after, limit, source and reason")
        }
        (None, _) => nothing_here(),
    }
}

pub(crate) async fn reject(
    State(handlers): State<Handlers>,
    id: Result<Path<u64>, PathRejection>,
) -> Response {
    match (handlers.admin, id) {
        (Some(admin), Ok(Path(id))) => answered((admin.reject)(id).await),
        (Some(_), Err(rejection)) => bad_request(rejection.body_text(), "an id is a whole number"),
        (None, _) => nothing_here(),
    }
}

pub(crate) async fn line(
    State(handlers): State<Handlers>,
    query: Result<Query<LineQuery>, QueryRejection>,
) -> Response {
    match (handlers.admin, query) {
        (Some(admin), Ok(Query(query))) => answered((admin.line)(query).await),
        (Some(_), Err(rejection)) => bad_request(rejection.body_text(), "send the _id of a hit as id"),
        (None, _) => nothing_here(),
    }
}

pub(crate) async fn replay(
    State(handlers): State<Handlers>,
    Extension(who): Extension<Identity>,
    request: Result<Json<ReplayRequest>, JsonRejection>,
) -> Response {
    match (handlers.admin, request) {
        (Some(admin), Ok(Json(request))) => {
            let note = AuditNote::new(&who, Action::RejectsReplayed, request.to_string());
            let replayed = (admin.replay)(request);
            answered(audited(handlers.audit.as_ref(), note, replayed, ToString::to_string).await)
        }
        (Some(_), Err(rejection)) => {
            wrong_body(&rejection, "send {\"ids\": [1, 2]}, a source, a reason, or {}")
        }
        (None, _) => nothing_here(),
    }
}

pub(crate) async fn backfill(
    State(handlers): State<Handlers>,
    Extension(who): Extension<Identity>,
    request: Result<Json<BackfillRequest>, JsonRejection>,
) -> Response {
    let (admin, request) = match (handlers.admin, request) {
        (Some(admin), Ok(Json(request))) => (admin, request),
        (Some(_), Err(rejection)) => {
            return wrong_body(
                &rejection,
                "send {\"url\": \"s3://bucket/prefix\", \"from\": \"2026-11-01\"}",
            );
        }
        (None, _) => return nothing_here(),
    };
    let note = AuditNote::new(&who, Action::BackfillStarted, request.to_string());
    let started = (admin.backfill)(request);
    match audited(handlers.audit.as_ref(), note, started, |_| "started".to_owned()).await {
        Ok(progress) => {
            let mut response = Body::new(LinesBody::new(progress)).into_response();
            let ndjson = HeaderValue::from_static("application/x-ndjson");
            response.headers_mut().insert(header::CONTENT_TYPE, ndjson);
            response
        }
        Err(problem) => problem.into_response(),
    }
}

pub(crate) fn answered<T: Serialize>(answer: Result<T, AdminProblem>) -> Response {
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => problem.into_response(),
    }
}

pub(crate) fn bad_request(error: String, hint: &'static str) -> Response {
    AdminProblem::new(ProblemKind::BadRequest, error, hint).into_response()
}

/// A body that is no JSON keeps its status: 415 without the right type, 413 for too much.
pub(crate) fn wrong_body(rejection: &JsonRejection, hint: &'static str) -> Response {
    problem(rejection.status(), "bad_body", rejection.body_text(), hint)
}

pub(crate) fn nothing_here() -> Response {
    AdminProblem::new(ProblemKind::NotFound, "this server has no such thing", "GET / lists what there is")
        .into_response()
}
