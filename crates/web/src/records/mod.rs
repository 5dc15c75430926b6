//! Records: found, counted, followed as they come, exported and removed.
//!
//! The answers come through functions, as everywhere in this crate: it knows neither the query language nor the
//! store. A question ends with its asker: when a client goes, axum drops the future that answers it, and whoever
//! made the future sees to it that the work behind it stops.

mod event_stream;
mod export;
mod pairs;
mod problem;
mod shapes;

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;

use crate::Handlers;
use crate::access::credentials;
use crate::audit::{Action, AuditNote, audited};
use crate::authentication::{Credentials, Identity};
use crate::gateway::BoxFuture;
use crate::problem::problem;
use crate::routes::{RoutesAnswer, RoutesQuery};
use event_stream::MayGoOn;
pub use event_stream::{TailSender, TailStream, tail_stream};
pub use export::{ExportFormat, ExportSender, ExportStream, ReaderGone, csv_cell, export_stream, line};
pub use pairs::Pairs;
pub use problem::{RecordsProblem, RecordsProblemKind};
pub use shapes::{
    AggregateAnswer, AggregateQuery, AggregateRequest, ContextAnswer, ContextQuery, DeleteAnswer,
    DeleteRequest, FieldRow, FieldsAnswer, FieldsQuery, GroupField, GroupKey, Hit, MetricKind, NoField,
    OfField, PercentileOf, SearchAnswer, SearchFormat, SearchQuery, StoryAnswer, StoryQuery, TailQuery,
    ValueCount,
};

/// Asks for a `T` with a `Q`. The work behind it stops when the future is dropped.
pub type AskRecords<Q, T> = Arc<dyn Fn(Q) -> BoxFuture<Result<T, RecordsProblem>> + Send + Sync>;

/// Where the answers come from.
#[derive(Clone)]
pub struct Records {
    /// A page of records.
    pub search: AskRecords<SearchQuery, SearchAnswer>,
    /// All of them as lines, in the format that the query names.
    pub export: AskRecords<SearchQuery, ExportStream>,
    /// Numbers of groups.
    pub aggregate: AskRecords<AggregateRequest, AggregateAnswer>,
    /// Records as they come.
    pub tail: AskRecords<TailQuery, TailStream>,
    /// Fields and what is in them.
    pub fields: AskRecords<FieldsQuery, FieldsAnswer>,
    /// The numbers of each route, of the records that match a query.
    pub routes: AskRecords<RoutesQuery, RoutesAnswer>,
    /// What belongs to one request.
    pub story: AskRecords<StoryQuery, StoryAnswer>,
    /// What happened around a record.
    pub context: AskRecords<ContextQuery, ContextAnswer>,
    /// Removes records.
    pub delete: AskRecords<DeleteRequest, DeleteAnswer>,
}

pub(crate) async fn search(
    State(handlers): State<Handlers>,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Response {
    let (records, query) = match asked(handlers, query) {
        Ok(asked) => asked,
        Err(response) => return *response,
    };
    match query.format.unwrap_or_default() {
        SearchFormat::Json => answered((records.search)(query).await),
        SearchFormat::Ndjson | SearchFormat::Csv => streamed((records.export)(query).await),
    }
}

pub(crate) async fn aggregate_by_query(
    State(handlers): State<Handlers>,
    query: Result<Query<AggregateQuery>, QueryRejection>,
) -> Response {
    match asked(handlers, query) {
        Ok((records, AggregateQuery { query, from, to, tz })) => {
            let request = AggregateRequest { query, from, to, tz, ..AggregateRequest::default() };
            answered((records.aggregate)(request).await)
        }
        Err(response) => *response,
    }
}

pub(crate) async fn aggregate(
    State(handlers): State<Handlers>,
    request: Result<Json<AggregateRequest>, JsonRejection>,
) -> Response {
    match posted(handlers, request, AGGREGATE_HINT) {
        Ok((records, request)) => answered((records.aggregate)(request).await),
        Err(response) => *response,
    }
}

pub(crate) async fn tail(
    State(handlers): State<Handlers>,
    headers: HeaderMap,
    query: Result<Query<TailQuery>, QueryRejection>,
) -> Response {
    let may_go_on = while_signed_in(&handlers, &headers);
    match asked(handlers, query) {
        Ok((records, query)) => {
            streamed((records.tail)(query).await.map(|stream| stream.while_it(may_go_on)))
        }
        Err(response) => *response,
    }
}

/// Whether who asks by a session still has it; `None` for who says with each request who he is.
fn while_signed_in(handlers: &Handlers, headers: &HeaderMap) -> Option<MayGoOn> {
    let Credentials::Session(id) = credentials(handlers, headers) else { return None };
    let authentication = Arc::clone(&handlers.authentication);
    Some(Box::new(move || authentication.has_session(id)))
}

pub(crate) async fn fields(
    State(handlers): State<Handlers>,
    query: Result<Query<FieldsQuery>, QueryRejection>,
) -> Response {
    match asked(handlers, query) {
        Ok((records, query)) => answered((records.fields)(query).await),
        Err(response) => *response,
    }
}

pub(crate) async fn story(
    State(handlers): State<Handlers>,
    query: Result<Query<StoryQuery>, QueryRejection>,
) -> Response {
    match asked(handlers, query) {
        Ok((records, query)) => answered((records.story)(query).await),
        Err(response) => *response,
    }
}

pub(crate) async fn context(
    State(handlers): State<Handlers>,
    query: Result<Query<ContextQuery>, QueryRejection>,
) -> Response {
    match asked(handlers, query) {
        Ok((records, query)) => answered((records.context)(query).await),
        Err(response) => *response,
    }
}

pub(crate) async fn delete(
    State(handlers): State<Handlers>,
    Extension(who): Extension<Identity>,
    request: Result<Json<DeleteRequest>, JsonRejection>,
) -> Response {
    // What only counts is no deed.
    let audit = handlers.audit.clone();
    match posted(handlers, request, DELETE_HINT) {
        Ok((records, request)) => {
            let audit = audit.filter(|_| !request.dry_run);
            let target = format!("{} from {} to {}", request.query, request.from, request.to);
            let note = AuditNote::new(&who, Action::RecordsDeleted, target);
            let deleted = audited(audit.as_ref(), note, (records.delete)(request), |answer| {
                format!("{} records", answer.records)
            });
            answered(deleted.await)
        }
        Err(response) => *response,
    }
}

/// Routes of the records that match a query.
pub(crate) async fn filtered_routes(records: Option<Records>, query: RoutesQuery) -> Response {
    match records {
        Some(records) => answered((records.routes)(query).await),
        None => no_records(),
    }
}

const AGGREGATE_HINT: &str = "send {\"query\": \"...\", \"group_by\": [\"route\"]} as application/json; \
     /api/openapi.json has all of it";

const DELETE_HINT: &str = "send {\"query\": \"...\", \"from\": \"0\", \"to\": \"now\", \"dry_run\": true} \
     as application/json";

/// A question by the query of an address, and who answers it.
fn asked<Q>(
    handlers: Handlers,
    query: Result<Query<Q>, QueryRejection>,
) -> Result<(Records, Q), Box<Response>> {
    let records = handlers.records.ok_or_else(|| Box::new(no_records()))?;
    let Query(query) = query.map_err(|rejection| {
        let hint = "each parameter comes once, with a value of its kind; /api/openapi.json lists them";
        Box::new(problem(StatusCode::BAD_REQUEST, "bad_parameters", rejection.body_text(), hint))
    })?;
    Ok((records, query))
}

/// A question by a body, and who answers it.
fn posted<Q>(
    handlers: Handlers,
    request: Result<Json<Q>, JsonRejection>,
    hint: &'static str,
) -> Result<(Records, Q), Box<Response>> {
    let records = handlers.records.ok_or_else(|| Box::new(no_records()))?;
    // A body that is no JSON keeps its status: 415 without the right type, 413 for too much.
    let Json(request) = request.map_err(|rejection| {
        Box::new(problem(rejection.status(), "bad_body", rejection.body_text(), hint))
    })?;
    Ok((records, request))
}

fn answered<T: Serialize>(answer: Result<T, RecordsProblem>) -> Response {
    answer.map_or_else(RecordsProblem::into_response, |answer| Json(answer).into_response())
}

fn streamed<T: IntoResponse>(answer: Result<T, RecordsProblem>) -> Response {
    answer.map_or_else(RecordsProblem::into_response, IntoResponse::into_response)
}

fn no_records() -> Response {
    let error = "this server keeps no records".to_owned();
    problem(StatusCode::NOT_FOUND, "not_found", error, "GET / lists what there is")
}
