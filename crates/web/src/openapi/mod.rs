//! `GET /api/openapi.json`: the API for programs that write programs.
//!
//! Made of tables beside this file and of the table of access, which is the one that decides; a test compares
//! them with the routes that are served, with the parameters that the handlers take and with the shapes that they
//! answer, so that the document cannot promise anything else.

mod endpoints;
mod page_schemas;
mod schemas;

use axum::Json;
use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::access::roles_for;
use endpoints::{Answer, ENDPOINTS, Endpoint, Parameter};

/// The document.
pub(crate) async fn openapi() -> Json<Value> {
    Json(document())
}

fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(endpoint.method.to_ascii_lowercase(), operation(endpoint));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Logweir",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Logs of web services: search, numbers, metrics, reports. Times are RFC 3339, epoch seconds \
                            or milliseconds, or relative, as now-1h. x-roles says which roles of http.auth may ask.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas::components(),
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "weir"},
            },
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut operation = json!({
        "summary": endpoint.summary,
        "parameters": endpoint.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses(endpoint),
        "x-roles": roles(endpoint),
    });
    if roles(endpoint).is_some() {
        operation["security"] = json!([{"basic": []}, {"bearer": []}, {"session": []}]);
    }
    if let Some(schema) = endpoint.body {
        let content = json!({"application/json": {"schema": schemas::reference(schema)}});
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

/// Who may ask, besides administrators; `None`: everyone.
fn roles(endpoint: &Endpoint) -> Option<Vec<&'static str>> {
    let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap_or_default();
    let path = endpoint.path.replace("{*pairs}", "job/x");
    roles_for(&method, &path).map(|roles| roles.iter().map(|role| role.name()).collect())
}

fn parameter(parameter: &Parameter) -> Value {
    let is_in_path = parameter.place == "path";
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": is_in_path || parameter.is_required,
        "description": parameter.description,
        "schema": {"type": parameter.kind},
    })
}

fn responses(endpoint: &Endpoint) -> Value {
    let ok = match endpoint.answer {
        Answer::Shape(name) => json!({"application/json": {"schema": schemas::reference(name)}}),
        Answer::List(name) => {
            json!({"application/json": {"schema": {"type": "array", "items": schemas::reference(name)}}})
        }
        Answer::Search => json!({
            "application/json": {"schema": schemas::reference("SearchAnswer")},
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
        }),
        Answer::Lines => json!({"application/x-ndjson": {"schema": {"type": "string"}}}),
        Answer::Events => json!({"text/event-stream": {"schema": {"type": "string"}}}),
        Answer::Text => json!({"text/plain": {"schema": {"type": "string"}}}),
    };
    let problem = json!({
        "description": "What is wrong, and what to do about it.",
        "content": {"application/json": {"schema": schemas::reference("Problem")}},
    });
    json!({"200": {"description": "Done.", "content": ok}, "default": problem})
}

#[cfg(test)]
mod tests;
