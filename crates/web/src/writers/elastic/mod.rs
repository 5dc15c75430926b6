//! `/es/`: as much of Elasticsearch as it takes to write to it.
//!
//! Logstash, Filebeat, Fluent Bit, Vector and the official clients only need another address. Documents become
//! events; the name of the index becomes the field `index`, an id that the sender chose `document_id`. What
//! clients ask before they write is answered in `answers.rs`; searching is not answered here but by `/api/search`.
//!
//! Every answer is JSON, of errors too: Filebeat takes an empty one for the end of the world. A document that is no
//! JSON object is refused with 400, so that its sender knows, and kept as a reject, so that nothing is lost if he
//! does not care.

mod answers;
pub mod bulk;
mod filter;

use std::fmt::Write;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::body::Packing;
use super::json_line::push_text;
use super::room::Ticket;
use super::{Call, Messages, Protocol, Refused, Rejected, SOURCE_PARAMETER, Taken, Writers, parameter};
use crate::Handlers;
pub(crate) use answers::denied;
use bulk::{Item, Operation};
use filter::Parts;

/// The version that clients are told unless the operator says otherwise. Filebeat refuses a server that is older
/// than itself, and the clients of 9 one that is older than 8.
pub const VERSION_DEFAULT: &str = "8.19.0";

/// Under which path it is.
pub(crate) const PREFIX: &str = "/es";

/// The largest body that is read over, in bytes: a template.
const IGNORED_BYTES_MAX: usize = 4 << 20;

/// What a document that is no JSON object is refused with.
const NOT_PARSED: &str = "mapper_parsing_exception";

/// Whether a request is for Elasticsearch, so that even its refusal is in that shape.
pub(crate) fn is_elastic(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Under [`PREFIX`].
pub(crate) async fn below_prefix(State(handlers): State<Handlers>, request: Request) -> Response {
    let path = request.uri().path();
    let path = path.strip_prefix(PREFIX).unwrap_or(path).to_owned();
    answer(&handlers, &path, request).await
}

/// On a port of its own.
pub(crate) async fn at_root(State(handlers): State<Handlers>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    answer(&handlers, &path, request).await
}

async fn answer(handlers: &Handlers, path: &str, request: Request) -> Response {
    let path = path.trim_matches('/').to_owned();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let writers = &handlers.writers;
    let result = match writes(request.method(), &parts) {
        Some(Target::Bulk(index)) => bulk_items(writers, request, &index).await,
        Some(Target::Document { index, id, operation }) => {
            document(writers, request, Address { index, id, operation }).await
        }
        None => other(writers, request, &parts).await,
    };
    // 507 is no status that its clients know.
    let too_many = StatusCode::TOO_MANY_REQUESTS;
    answers::marked(result.unwrap_or_else(|refused| answers::refusal(&refused.with_disk_full_as(too_many))))
}

/// What a path that writes is about.
enum Target {
    Bulk(String),
    Document { index: String, id: Option<String>, operation: Operation },
}

fn writes(method: &Method, parts: &[&str]) -> Option<Target> {
    if !matches!(*method, Method::POST | Method::PUT) {
        return None;
    }
    let name = |text: &str| crate::gateway::decoded(text).unwrap_or_else(|_| text.to_owned());
    let document = |index: &str, id: Option<&str>, operation| {
        Some(Target::Document { index: name(index), id: id.map(name), operation })
    };
    match parts {
        ["_bulk"] => Some(Target::Bulk(String::new())),
        // With a type between them before 7.
        [index, "_bulk"] | [index, _, "_bulk"] => Some(Target::Bulk(name(index))),
        [index, "_doc"] => document(index, None, Operation::Index),
        [index, "_doc", id] => document(index, Some(id), Operation::Index),
        [index, "_create", id] => document(index, Some(id), Operation::Create),
        _ => None,
    }
}

async fn bulk_items(writers: &Writers, request: Request, index: &str) -> Result<Response, Refused> {
    let began = Instant::now();
    writers.origin(request.headers())?;
    let query = request.uri().query().map(str::to_owned);
    let index = index.to_owned();
    let call = call(&request);
    let read = move |body: &[u8], messages: &mut Messages| bulk::decode(body, &index, messages);
    let taken = writers.take(request, call, read).await?;
    if taken.decoded.is_empty() {
        return Err(Refused::bad("request body is required"));
    }
    let parts = Parts::of(parameter(query.as_deref(), "filter_path").as_deref());
    let text = bulk_answer(&taken, parts, began.elapsed().as_millis());
    let body = Bytes::from_owner(HeldAnswer { text, _ticket: taken.ticket });
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// An answer, and the room that it takes until its client has read it.
struct HeldAnswer {
    text: String,
    _ticket: Ticket,
}

impl AsRef<[u8]> for HeldAnswer {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

fn call(request: &Request) -> Call {
    let source = parameter(request.uri().query(), SOURCE_PARAMETER);
    Call { protocol: Protocol::Elastic, source, packing: Packing::ByContent }
}

/// What became of an item.
enum Outcome<'t> {
    Added,
    Rejected(&'t Rejected),
    NoDocument,
    NotDone,
}

fn bulk_answer(taken: &Taken<Vec<Item>>, parts: Parts, took_ms: u128) -> String {
    let ids = Ids::new();
    let mut rejected = taken.rejected.iter().peekable();
    let (mut items, mut message, mut has_errors) = (String::new(), 0, false);
    for (number, item) in taken.decoded.iter().enumerate() {
        let outcome = match item.operation {
            Operation::Update | Operation::Delete => Outcome::NotDone,
            _ if !item.has_message => Outcome::NoDocument,
            _ => {
                message += 1;
                let is_rejected = |reject: &&Rejected| reject.index == message - 1;
                rejected.next_if(is_rejected).map_or(Outcome::Added, Outcome::Rejected)
            }
        };
        has_errors |= !matches!(outcome, Outcome::Added);
        push_item(&mut items, item, &outcome, parts, || ids.of(number));
    }
    let mut out = String::with_capacity(items.len() + 64);
    let mut separator = "{";
    // Writing to a text never fails.
    if parts.took {
        let _ = write!(out, "{separator}\"took\":{took_ms}");
        separator = ",";
    }
    if parts.errors {
        let _ = write!(out, "{separator}\"errors\":{has_errors}");
        separator = ",";
    }
    if !items.is_empty() {
        let _ = write!(out, "{separator}\"items\":[{items}]");
        separator = ",";
    }
    out.push_str(if separator == "{" { "{}" } else { "}" });
    out
}

fn push_item(
    out: &mut String,
    item: &Item,
    outcome: &Outcome<'_>,
    parts: Parts,
    id: impl FnOnce() -> String,
) {
    let mut text = String::new();
    let name = |name: &str, text: &mut String| {
        text.push(if text.is_empty() { '{' } else { ',' });
        push_text(text, name);
        text.push(':');
    };
    if parts.index {
        name("_index", &mut text);
        push_text(&mut text, &item.index);
    }
    if parts.id {
        name("_id", &mut text);
        match &item.id {
            Some(id) => push_text(&mut text, id),
            None => push_text(&mut text, &id()),
        }
    }
    let is_added = matches!(outcome, Outcome::Added);
    if parts.rest && is_added {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(ADDED);
    }
    if parts.status {
        name("status", &mut text);
        text.push_str(if is_added { "201" } else { "400" });
    }
    if parts.error && !is_added {
        name("error", &mut text);
        let (kind, reason) = error_of(item.operation, outcome);
        text.push_str(&json!({"type": kind, "reason": reason}).to_string());
    }
    if text.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push(',');
    }
    // Writing to a text never fails.
    let _ = write!(out, "{{\"{}\":{text}}}}}", item.operation.name());
}

/// What an answer says of each document that was added.
const ADDED: &str = "\"_version\":1,\"result\":\"created\",\
     \"_shards\":{\"total\":1,\"successful\":1,\"failed\":0},\"_seq_no\":0,\"_primary_term\":1";

fn error_of(operation: Operation, outcome: &Outcome<'_>) -> (&'static str, String) {
    match outcome {
        Outcome::Rejected(reject) => (NOT_PARSED, reason(reject)),
        Outcome::NoDocument => (NOT_PARSED, "the document is an empty line".to_owned()),
        Outcome::NotDone | Outcome::Added => {
            let text =
                format!("logs are added and never changed, so there is no {}; use create", operation.name());
            ("illegal_argument_exception", text)
        }
    }
}

fn reason(reject: &Rejected) -> String {
    format!("{}: {}", reject.reason, reject.text)
}

/// Where a document goes.
struct Address {
    index: String,
    id: Option<String>,
    operation: Operation,
}

/// A document by itself.
async fn document(writers: &Writers, request: Request, address: Address) -> Result<Response, Refused> {
    writers.origin(request.headers())?;
    let call = call(&request);
    let index: Arc<str> = address.index.as_str().into();
    let id: Option<Arc<str>> = address.id.as_deref().map(Into::into);
    let (own_index, own_id) = (Arc::clone(&index), id.clone());
    let read = move |body: &[u8], messages: &mut Messages| {
        // It may stand on many lines; a line end in a text of JSON is always escaped.
        let mut line = body.trim_ascii().to_vec();
        line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        if line.is_empty() { Ok(()) } else { messages.push(bulk::message(line, &own_index, own_id.as_ref())) }
    };
    let taken = writers.take(request, call, read).await?;
    if taken.count == 0 {
        return Err(Refused::bad("request body is required"));
    }
    if let Some(reject) = taken.rejected.first() {
        return Ok(answers::error(StatusCode::BAD_REQUEST, NOT_PARSED, &reason(reject)));
    }
    let item = Item { operation: address.operation, index, id, has_message: true };
    let parts = Parts { status: false, ..Parts::of(None) };
    let mut text = String::new();
    push_item(&mut text, &item, &Outcome::Added, parts, || Ids::new().of(0));
    // The same as an item, but for what is around it.
    let inner = text.split_once(':').map_or("{}", |(_, inner)| &inner[..inner.len() - 1]).to_owned();
    Ok((StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], inner).into_response())
}

/// What is asked or made before and beside writing.
async fn other(writers: &Writers, request: Request, parts: &[&str]) -> Result<Response, Refused> {
    let (head, body) = request.into_parts();
    read_over(body).await?;
    let is_reading = matches!(head.method, Method::GET | Method::HEAD);
    let found = if is_reading {
        asked(&writers.options.elastic_version, &head.headers, parts)
    } else {
        made(&head.method, parts)
    };
    Ok(match found {
        Some(value) => Json(value).into_response(),
        None => {
            let text = format!(
                "weir takes documents here and has no {} of /{}; search with /api/search",
                head.method,
                parts.join("/")
            );
            answers::error(StatusCode::NOT_FOUND, "invalid_request_exception", &text)
        }
    })
}

/// Reads a body that says nothing here, so that the connection can be used again.
async fn read_over(body: Body) -> Result<(), Refused> {
    let read = Limited::new(body, IGNORED_BYTES_MAX).collect();
    match tokio::time::timeout(super::body::SILENCE_MAX, read).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(Refused::too_large(IGNORED_BYTES_MAX, "bytes")),
        Err(_) => Err(super::body::too_slow()),
    }
}

/// Kinds of things that clients look for and make.
const KINDS: [&str; 12] = [
    "_alias",
    "_aliases",
    "_cat",
    "_cluster",
    "_component_template",
    "_data_stream",
    "_ilm",
    "_index_template",
    "_ingest",
    "_security",
    "_slm",
    "_template",
];

fn asked(version: &str, headers: &HeaderMap, parts: &[&str]) -> Option<Value> {
    Some(match parts {
        [] => answers::info(version),
        ["_license"] => answers::license(),
        ["_xpack", ..] => answers::features(),
        ["_cluster", "health", ..] => answers::health(),
        ["_nodes", ..] => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            answers::nodes(version, host.unwrap_or("127.0.0.1:9200"))
        }
        ["_ilm", "policy", name] | ["_ingest", "pipeline", name] => answers::there_is("", Some(name)),
        [kind, rest @ ..] if KINDS.contains(kind) => answers::there_is(kind, rest.last().copied()),
        [index] if !index.starts_with('_') => answers::there_is("", Some(index)),
        [index, "_mapping" | "_settings" | "_alias", ..] => answers::there_is("", Some(index)),
        _ => return None,
    })
}

fn made(method: &Method, parts: &[&str]) -> Option<Value> {
    let is_put = matches!(*method, Method::PUT | Method::POST);
    match parts {
        [kind, ..] if KINDS.contains(kind) => Some(answers::acknowledged()),
        ["_refresh" | "_flush"] | [_, "_refresh" | "_flush"] if is_put => Some(answers::shards()),
        [_, "_mapping" | "_settings" | "_alias", ..] if is_put => Some(answers::acknowledged()),
        [index] if *method == Method::PUT && !index.starts_with('_') => Some(answers::index_made(index)),
        _ => None,
    }
}

/// Ids for documents whose senders chose none: they only have to differ.
struct Ids(u64);

impl Ids {
    fn new() -> Self {
        Self(RandomState::new().hash_one(()))
    }

    fn of(&self, number: usize) -> String {
        format!("{:012x}{number:08x}", self.0 >> 16)
    }
}

#[cfg(test)]
mod tests;
