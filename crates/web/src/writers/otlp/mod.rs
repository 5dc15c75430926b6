//! `POST /v1/logs`: log records of OpenTelemetry, as protobuf and as JSON.
//!
//! A record becomes a JSON line: its attributes under their names, nested ones with dots, its body as `message`,
//! and what OTLP has numbers for under the names that other formats have. Sources: opentelemetry-proto 1.9,
//! `logs.proto`, `common.proto` and `logs_service.proto`, and "OTLP/HTTP" of the OpenTelemetry specification.

mod json;
mod protobuf;
mod record;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::body::Packing;
use super::wire::{put_bytes, put_varint};
use super::{
    Call, DecodeError, Messages, Protocol, Refused, SOURCE_PARAMETER, Taken, Writers, json_line, parameter,
};
use crate::Handlers;

/// Values in values: deeper ones come from no logger.
const DEPTH_MAX: usize = 32;

/// In which form a body comes, and its answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

pub(crate) async fn logs(State(handlers): State<Handlers>, request: Request) -> Response {
    let Some(encoding) = Encoding::of(request.headers()) else {
        let text = "send application/x-protobuf or application/json";
        let refused = Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_content_type", text);
        return refusal(Encoding::Json, &refused);
    };
    match take(&handlers.writers, request, encoding).await {
        Ok(taken) => success(encoding, &taken),
        // 507 is no status of the protocol's that says to come again.
        Err(refused) => refusal(encoding, &refused.with_disk_full_as(StatusCode::SERVICE_UNAVAILABLE)),
    }
}

async fn take(writers: &Writers, request: Request, encoding: Encoding) -> Result<Taken<()>, Refused> {
    writers.origin(request.headers())?;
    let source = parameter(request.uri().query(), SOURCE_PARAMETER);
    let call = Call { protocol: Protocol::Otlp, source, packing: Packing::ByHeader };
    writers.take(request, call, move |body, messages| decode(encoding, body, messages)).await
}

/// Reads an `ExportLogsServiceRequest`.
///
/// # Errors
///
/// It is none, or there is too much in it.
pub fn decode(encoding: Encoding, body: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    match encoding {
        Encoding::Protobuf => protobuf::request(body, messages),
        Encoding::Json => json::request(body, messages),
    }
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/x-protobuf" | "application/protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        })
    }
}

fn check_depth(depth: usize) -> Result<(), DecodeError> {
    if depth < DEPTH_MAX {
        return Ok(());
    }
    Err(DecodeError::Malformed(format!("values are nested deeper than {DEPTH_MAX}")))
}

/// An `ExportLogsServiceResponse`; its `partial_success` is there only where something was rejected.
fn success(encoding: Encoding, taken: &Taken<()>) -> Response {
    let count = taken.rejected.len();
    let text = taken.rejected.first().map(|first| format!("{}: {}", first.reason, first.text));
    let text = text.unwrap_or_default();
    let body = match encoding {
        Encoding::Protobuf if count == 0 => Vec::new(),
        Encoding::Protobuf => {
            let mut partial = Vec::new();
            put_varint(&mut partial, 1, count as u64);
            put_bytes(&mut partial, 2, text.as_bytes());
            let mut body = Vec::new();
            put_bytes(&mut body, 1, &partial);
            body
        }
        Encoding::Json if count == 0 => b"{}".to_vec(),
        Encoding::Json => {
            let mut message = String::new();
            json_line::push_text(&mut message, &text);
            // A number of 64 bits is a text in protobuf's JSON.
            format!(r#"{{"partialSuccess":{{"rejectedLogRecords":"{count}","errorMessage":{message}}}}}"#)
                .into_bytes()
        }
    };
    ([(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}

/// A `google.rpc.Status`, as the specification wants for every error.
fn refusal(encoding: Encoding, refused: &Refused) -> Response {
    // google/rpc/code.proto.
    let code: u64 = match refused.status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE => 8,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        StatusCode::FORBIDDEN => 7,
        StatusCode::NOT_FOUND => 5,
        _ => 3,
    };
    let body = match encoding {
        Encoding::Protobuf => {
            let mut body = Vec::new();
            put_varint(&mut body, 1, code);
            put_bytes(&mut body, 2, refused.text.as_bytes());
            body
        }
        Encoding::Json => {
            let mut body = format!(r#"{{"code":{code},"message":"#);
            json_line::push_text(&mut body, &refused.text);
            body.push('}');
            body.into_bytes()
        }
    };
    refused.mark((refused.status, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response())
}

#[cfg(test)]
mod tests;
