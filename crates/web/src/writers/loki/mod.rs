//! `POST /loki/api/v1/push`: what promtail, Alloy and Loki's drivers send.
//!
//! An entry becomes a JSON line: the labels of its stream and its structured metadata as fields, its text as
//! `message`. A tenant's header (`X-Scope-OrgID`) is read over. Sources: Loki's HTTP API, "Ingest logs", and
//! `pkg/push/push.proto`.

mod json;
mod labels;
mod protobuf;

use std::borrow::Cow;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::body::Packing;
use super::json_line::JsonLine;
use super::{Call, DecodeError, Messages, Protocol, Refused, SOURCE_PARAMETER, Writers, parameter};
use crate::Handlers;

/// What stands before the name of a label that has the name of a part of an entry.
const LABEL_PREFIX: &str = "labels.";

/// In which form a body comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// JSON.
    Json,
    /// Protobuf, unpacked from snappy.
    Protobuf,
}

pub(crate) async fn push(State(handlers): State<Handlers>, request: Request) -> Response {
    match take(&handlers.writers, request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        // Its clients log the text as it is.
        Err(refused) => refused.mark((refused.status, format!("{}\n", refused.text)).into_response()),
    }
}

async fn take(writers: &Writers, request: Request) -> Result<(), Refused> {
    writers.origin(request.headers())?;
    let encoding = Encoding::of(request.headers());
    let packing = if encoding == Encoding::Json { Packing::ByContent } else { Packing::Snappy };
    let call = Call {
        protocol: Protocol::Loki,
        source: parameter(request.uri().query(), SOURCE_PARAMETER),
        packing,
    };
    let read = move |body: &[u8], messages: &mut Messages| decode(encoding, body, messages);
    writers.take(request, call, read).await?;
    Ok(())
}

impl Encoding {
    /// As Loki itself: what is not said to be JSON is protobuf.
    fn of(headers: &HeaderMap) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        match content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim() {
            "application/json" => Self::Json,
            _ => Self::Protobuf,
        }
    }
}

/// Reads a push.
///
/// # Errors
///
/// It is none, or there is too much in it.
pub fn decode(encoding: Encoding, body: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    match encoding {
        Encoding::Json => json::push(body, messages),
        Encoding::Protobuf => protobuf::push(body, messages),
    }
}

/// The name of a label's field.
fn label_name(name: Cow<'_, str>) -> Cow<'_, str> {
    let is_own = matches!(name.as_ref(), "@timestamp" | "message");
    if is_own { Cow::Owned(format!("{LABEL_PREFIX}{name}")) } else { name }
}

/// Ends a line that has its fields.
fn finish(mut line: JsonLine, time_nanos: Option<u64>, text: &str) -> Vec<u8> {
    if let Some(nanos) = time_nanos {
        line.time("@timestamp", nanos);
    }
    line.text("message", text);
    line.finish()
}

#[cfg(test)]
mod tests;
