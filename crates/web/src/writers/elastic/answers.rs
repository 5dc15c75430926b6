//! What Elasticsearch says of itself, as far as those who write to it ask before they do.
//!
//! Logstash, Filebeat and the official clients check name, version and licence, look for templates and policies
//! of theirs and create them; none of that means anything here, and each is told that it is in order.

use axum::Json;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::Refused;

/// By which clients know Elasticsearch from 7.14 on.
pub(super) const PRODUCT_HEADER: (&str, &str) = ("x-elastic-product", "Elasticsearch");

/// An id of the shape that cluster and licence ids have.
const CLUSTER_ID: &str = "bG9nd2Vpci1lcy13cml0ZQ";

/// `GET /`.
pub(super) fn info(version: &str) -> Value {
    json!({
        "name": "weir",
        "cluster_name": "logweir",
        "cluster_uuid": CLUSTER_ID,
        "version": {
            "number": version,
            // What clients before 7.14 look at.
            "build_flavor": "default",
            "build_type": "tar",
            "build_hash": "unknown",
            "build_date": "2026-01-01T00:00:00.000000000Z",
            "build_snapshot": false,
            "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    })
}

/// `GET /_license`.
pub(super) fn license() -> Value {
    json!({"license": {
        "status": "active",
        "uid": CLUSTER_ID,
        "type": "basic",
        "issue_date": "2026-01-01T00:00:00.000Z",
        "issue_date_in_millis": 1_767_225_600_000_u64,
        "max_nodes": 1000,
        "issued_to": "logweir",
        "issuer": "elasticsearch",
        "start_date_in_millis": -1,
    }})
}

/// `GET /_xpack`.
pub(super) fn features() -> Value {
    json!({
        "license": {"uid": CLUSTER_ID, "type": "basic", "mode": "basic", "status": "active"},
        "features": {
            "data_streams": {"available": true, "enabled": true},
            "ilm": {"available": true, "enabled": true},
        },
        "tagline": "You Know, for Search",
    })
}

/// `GET /_cluster/health`.
pub(super) fn health() -> Value {
    json!({
        "cluster_name": "logweir",
        "status": "green",
        "timed_out": false,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
        "active_primary_shards": 1,
        "active_shards": 1,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "active_shards_percent_as_number": 100.0,
    })
}

/// `GET /_nodes` and below: one, at the address that was asked.
pub(super) fn nodes(version: &str, address: &str) -> Value {
    json!({
        "_nodes": {"total": 1, "successful": 1, "failed": 0},
        "cluster_name": "logweir",
        "nodes": {CLUSTER_ID: {
            "name": "weir",
            "version": version,
            "roles": ["data", "ingest", "master"],
            "http": {"bound_address": [address], "publish_address": address},
        }},
    })
}

/// Templates, policies, pipelines: there is what is asked for.
pub(super) fn there_is(kind: &str, name: Option<&str>) -> Value {
    match (kind, name) {
        ("_data_stream", Some(name)) => json!({"data_streams": [{"name": name, "status": "GREEN"}]}),
        ("_index_template", Some(name)) => {
            json!({"index_templates": [{"name": name, "index_template": {"index_patterns": [name]}}]})
        }
        (_, Some(name)) => json!({name: {}}),
        (_, None) => json!({}),
    }
}

/// Something was made, as far as anybody cares.
pub(super) fn acknowledged() -> Value {
    json!({"acknowledged": true})
}

/// An index was made.
pub(super) fn index_made(index: &str) -> Value {
    json!({"acknowledged": true, "shards_acknowledged": true, "index": index})
}

/// An index was refreshed.
pub(super) fn shards() -> Value {
    json!({"_shards": {"total": 1, "successful": 1, "failed": 0}})
}

/// An error in Elasticsearch's shape.
pub(super) fn error(status: StatusCode, kind: &str, reason: &str) -> Response {
    let cause = json!({"type": kind, "reason": reason});
    let body = json!({
        "error": {"root_cause": [cause], "type": kind, "reason": reason},
        "status": status.as_u16(),
    });
    marked((status, Json(body)).into_response())
}

/// The same of what the guard refuses.
pub(crate) fn denied(status: StatusCode, reason: &str) -> Response {
    error(status, "security_exception", reason)
}

/// The same of a body that was not taken.
pub(super) fn refusal(refused: &Refused) -> Response {
    let kind = match refused.status {
        StatusCode::TOO_MANY_REQUESTS => "es_rejected_execution_exception",
        StatusCode::PAYLOAD_TOO_LARGE => "content_too_long_exception",
        StatusCode::FORBIDDEN => "security_exception",
        StatusCode::NOT_FOUND => "index_not_found_exception",
        StatusCode::REQUEST_TIMEOUT => "timeout_exception",
        _ => "illegal_argument_exception",
    };
    refused.mark(error(refused.status, kind, &refused.text))
}

/// Adds the header that every answer has.
pub(super) fn marked(mut response: Response) -> Response {
    let (name, value) = PRODUCT_HEADER;
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
