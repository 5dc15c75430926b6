//! What others write by HTTP: every protocol, with the real clients where they can be had.

/// Clients from PyPI, and curl.
mod clients;
/// Killed, without room, and asked by those who never finish.
mod faults;
/// The calls of shippers, word for word.
mod replay;

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};

use crate::support::{Folder, Response, Server, escaped, gzip};

/// A server with this config, and its folder.
fn server(config: &str) -> (Server, Folder) {
    let folder = Folder::new();
    let path = folder.write("weir.yaml", format!("version: 1\n{config}\n"));
    (Server::start(&["-c", &path]), folder)
}

/// The records that match, oldest first.
#[track_caller]
fn hits(server: &Server, query: &str) -> Vec<Value> {
    let path = format!("/api/search?query={}&from=0&to=now%2B1d&limit=1000&order=oldest", escaped(query));
    let answer = server.get(&path).json();
    answer["hits"].as_array().unwrap_or_else(|| panic!("{query}: {answer}")).clone()
}

/// How many records match.
#[track_caller]
fn found(server: &Server, query: &str) -> u64 {
    let path = format!("/api/search?query={}&from=0&to=now%2B1d&limit=0", escaped(query));
    let answer = server.get(&path).json();
    answer["total"].as_u64().unwrap_or_else(|| panic!("{query}: {answer}"))
}

/// Fails where a record has not these fields.
#[track_caller]
fn assert_has(hit: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&hit[name], value, "{name} of {hit}");
    }
}

/// The account of a source: received, stored, rejected and duplicates.
#[track_caller]
fn account(server: &Server, source: &str) -> [u64; 4] {
    let answer = server.get("/api/sources").json();
    let sources = answer["sources"].as_array().unwrap();
    let source = sources.iter().find(|row| row["name"] == source).unwrap_or_else(|| panic!("{answer}"));
    let rejected = source["rejected"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    let number = |name: &str| source[name].as_u64().unwrap();
    [number("received"), number("stored"), rejected, number("duplicates")]
}

fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Response {
    server.request("POST", path, headers, body.as_ref())
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn json_lines_are_taken_and_the_answer_says_which_are_none() {
    let (server, _folder) = server("");
    assert!(server.get("/api/sources").json()["sources"].as_array().unwrap().is_empty());
    let body = "{\"@timestamp\":\"2026-11-20T10:15:30Z\",\"message\":\"one\",\"user_email\":\"a@b.com\"}\n\n{\"message\":\"two\"}\nno json\n";
    let answer = post(&server, "/ingest/ndjson", &[], body);
    assert_eq!(answer.status, 200, "{}", answer.lossy());
    let answer = answer.json();
    assert_has(&answer, &json!({"received": 3, "rejected": 1, "is_duplicate": false}));
    assert_has(&answer["rejects"][0], &json!({"line": 4, "reason": "not_json"}));
    assert_has(
        &hits(&server, "user_email:a@b.com")[0],
        &json!({"source": "http", "message": "one", "@timestamp": "2026-11-20T10:15:30Z"}),
    );
    assert_eq!(hits(&server, "message:two").len(), 1, "a line without a time has that of its arrival");
    assert_eq!(account(&server, "http"), [3, 2, 1, 0]);
    let rejects = server.get("/api/rejects").json();
    assert_has(
        &rejects["rejects"][0],
        &json!({"source": "http", "reason": "not_json", "preview": "no json"}),
    );
}

#[test]
fn a_body_may_be_packed_and_says_so_or_not() {
    let (server, _folder) = server("");
    let body = b"{\"message\":\"packed\"}\n{\"message\":\"packed\"}\n";
    let zstd = zstd::encode_all(body.as_slice(), 1).unwrap();
    for (headers, body) in [
        (&[("Content-Encoding", "gzip")] as &[(&str, &str)], gzip(body)),
        (&[("Content-Encoding", "deflate")], zlib(body)),
        (&[("Content-Encoding", "zstd")], zstd.clone()),
        (&[], gzip(body)),
        (&[], zlib(body)),
        (&[], zstd),
    ] {
        let answer = post(&server, "/ingest/ndjson", headers, body);
        assert_eq!((answer.status, &answer.json()["received"]), (200, &json!(2)), "{}", answer.lossy());
    }
    assert_eq!(found(&server, "packed"), 12);
    let refused = post(&server, "/ingest/ndjson", &[("Content-Encoding", "br")], body);
    assert_eq!(refused.status, 415, "{}", refused.lossy());
    let cut = &gzip(body)[..20];
    assert_eq!(post(&server, "/ingest/ndjson", &[("Content-Encoding", "gzip")], cut).status, 400);
}

#[test]
fn a_body_that_comes_again_with_its_key_counts_once() {
    let (server, _folder) = server("");
    let send =
        |key: &str, body: &str| post(&server, "/ingest/ndjson", &[("X-Idempotency-Key", key)], body).json();
    assert_has(&send("a", "{\"message\":\"once\"}"), &json!({"received": 1, "is_duplicate": false}));
    assert_has(&send("a", "{\"message\":\"once\"}"), &json!({"is_duplicate": true}));
    assert_has(&send("b", "{\"message\":\"once\"}"), &json!({"is_duplicate": false}));
    assert_eq!(found(&server, "once"), 2);
    assert_eq!(account(&server, "http"), [2, 2, 0, 1]);
}

#[test]
fn sources_are_named_and_have_formats_of_their_own() {
    let config = "sources:\n- {name: app, type: http}\n- {name: web, type: http, format: {by: job, map: {nginx: nginx_json}, default: ndjson}}";
    let (server, _folder) = server(config);
    assert_eq!(post(&server, "/ingest/ndjson", &[], "{\"message\":\"first\"}").status, 200);
    let line = r#"{\"status\":\"503\",\"host\":\"shop\",\"msec\":\"1795169730\",\"request_uri\":\"/cart\",\"request_method\":\"GET\",\"request_time\":\"0.5\"}"#;
    let push = format!(
        r#"{{"streams":[{{"stream":{{"job":"nginx","env":"prod"}},"values":[["1795169731000000000","{line}"]]}}]}}"#
    );
    let json_type = [("Content-Type", "application/json")];
    let answer = post(&server, "/loki/api/v1/push?source=web", &json_type, push);
    assert_eq!(answer.status, 204, "{}", answer.lossy());
    assert_has(
        &hits(&server, "source:web")[0],
        &json!({"status": 503, "path": "/cart", "env": "prod", "job": "nginx", "@timestamp": "2026-11-20T10:15:30Z"}),
    );
    assert_has(&hits(&server, "source:app")[0], &json!({"message": "first"}));
    server.await_sum("nginx_http_requests_total", &[("status", "503")], 1.0);
    let refused = post(&server, "/ingest/ndjson?source=http", &[], "{}");
    assert_eq!(refused.status, 404);
    assert_has(
        &refused.json(),
        &json!({"code": "no_source", "error": "no source of this name takes this; there are: app, web"}),
    );
}

#[test]
fn gelf_is_accepted_alone_and_in_bulk() {
    let (server, _folder) = server("gateway: {cors_origins: [\"https://app.example.com\"]}");
    let message = |text: &str| {
        format!(r#"{{"version":"1.1","host":"web1","short_message":"{text}","_user_email":"a@b.com"}}"#)
    };
    assert_eq!(post(&server, "/gelf", &[], message("one")).status, 202);
    let bulk = format!("{}\r\n{}\n\n{}\0", message("two"), message("three"), message("four"));
    assert_eq!(post(&server, "/gelf", &[("Content-Encoding", "gzip")], gzip(bulk.as_bytes())).status, 202);
    assert_eq!(post(&server, "/gelf", &[], zlib(message("five").as_bytes())).status, 202);
    assert_eq!(account(&server, "http"), [5, 5, 0, 0]);
    let origin = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "POST")];
    let preflight = server.request("OPTIONS", "/gelf", &origin, b"");
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (204, "https://app.example.com")
    );
    let other = [("Origin", "https://evil.example")];
    assert_eq!(post(&server, "/gelf", &other, message("six")).status, 403);
    assert_eq!(post(&server, "/es/_bulk", &other, "{\"index\":{}}\n{}\n").status, 403);
}

#[test]
fn loki_pushes_are_taken_in_protobuf() {
    let (server, _folder) = server("");
    let bytes = |number: u8, value: &[u8]| [&[number << 3 | 2, value.len() as u8], value].concat();
    let time = [&[0x08][..], &[0x82, 0xe6, 0xff, 0xd7, 0x06]].concat();
    let metadata = [bytes(1, b"user_email"), bytes(2, b"a@b.com")].concat();
    let entry = [bytes(1, &time), bytes(2, b"line of loki"), bytes(3, &metadata)].concat();
    let stream = [bytes(1, br#"{app="shop"}"#), bytes(2, &entry)].concat();
    let packed = snap(&bytes(1, &stream));
    let headers = [("Content-Type", "application/x-protobuf"), ("X-Scope-OrgID", "tenant")];
    let answer = post(&server, "/loki/api/v1/push", &headers, &packed);
    assert_eq!(answer.status, 204, "{}", answer.lossy());
    let snappy = [("Content-Type", "application/x-protobuf"), ("Content-Encoding", "snappy")];
    assert_eq!(post(&server, "/loki/api/v1/push", &snappy, &packed).status, 204);
    let hits = hits(&server, "app:shop");
    assert_eq!(hits.len(), 2);
    assert_has(&hits[0], &json!({"message": "line of loki", "user_email": "a@b.com"}));
    assert_eq!(post(&server, "/loki/api/v1/push", &headers, b"\xff\xff\xff\xff\x0f").status, 413);
    assert_eq!(post(&server, "/loki/api/v1/push", &headers, b"x").status, 400);
}

/// Snappy's block format, in literals only.
fn snap(bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 128);
    let literal = [60 << 2, bytes.len() as u8 - 1];
    [&[bytes.len() as u8][..], &literal, bytes].concat()
}

#[test]
fn otlp_answers_in_the_encoding_that_it_was_asked_in() {
    let (server, _folder) = server("limits: {line_bytes: 1KiB}");
    let record = |body: &str| {
        format!(
            r#"{{"timeUnixNano":"1795169730000000000","severityNumber":17,"severityText":"ERROR","body":{{"stringValue":"{body}"}},
            "attributes":[{{"key":"user_email","value":{{"stringValue":"a@b.com"}}}}],"traceId":"5b8efff798038103d269b633813fc60c"}}"#
        )
    };
    let request = |records: &str| {
        format!(
            r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
            "scopeLogs":[{{"scope":{{"name":"lib"}},"logRecords":[{records}]}}]}}]}}"#
        )
    };
    let json_type = [("Content-Type", "application/json")];
    let answer = post(&server, "/v1/logs", &json_type, request(&record("otlp failed")));
    assert_eq!((answer.status, answer.lossy().as_str()), (200, "{}"));
    assert_has(
        &hits(&server, "level:<=3")[0],
        &json!({"message": "otlp failed", "service.name": "shop", "scope.name": "lib", "level": 3,
            "severity_text": "ERROR", "user_email": "a@b.com", "trace_id": "5b8efff798038103d269b633813fc60c",
            "@timestamp": "2026-11-20T10:15:30Z"}),
    );
    let both = [record("short"), record(&"x".repeat(2_000))].join(",");
    let answer = post(&server, "/v1/logs", &json_type, request(&both));
    assert_has(&answer.json()["partialSuccess"], &json!({"rejectedLogRecords": "1"}));
    let refused = post(&server, "/v1/logs", &json_type, "[]");
    assert_eq!((refused.status, refused.json()["code"].as_u64()), (400, Some(3)));
    let protobuf = [("Content-Type", "application/x-protobuf")];
    let refused = post(&server, "/v1/logs", &protobuf, "\x0a\x05a");
    assert_eq!((refused.status, refused.header("content-type")), (400, "application/x-protobuf"));
    assert_eq!(post(&server, "/v1/logs", &[], "{}").status, 415);
    assert_eq!(account(&server, "http"), [3, 2, 1, 0]);
}

/// A field of protobuf with bytes; all of the tests' are short.
fn wire(number: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 1 << 14);
    let length = [bytes.len() as u8 | 0x80, (bytes.len() >> 7) as u8];
    [&[number << 3 | 2][..], &length, bytes].concat()
}

/// A JSON value as an `AnyValue` of OTLP, in both encodings.
fn any_value(value: &Value) -> (Value, Vec<u8>) {
    let Value::Object(members) = value else {
        let text = value.as_str().unwrap();
        return (json!({ "stringValue": text }), wire(1, text.as_bytes()));
    };
    let (values, bytes) = key_values(members, 1);
    (json!({ "kvlistValue": { "values": values } }), wire(6, &bytes))
}

/// Members as fields of this number.
fn key_values(members: &serde_json::Map<String, Value>, number: u8) -> (Vec<Value>, Vec<u8>) {
    let pair = |(key, value): (&String, &Value)| {
        let (json, bytes) = any_value(value);
        let wired = wire(number, &[wire(1, key.as_bytes()), wire(2, &bytes)].concat());
        (json!({ "key": key, "value": json }), wired)
    };
    let (values, wired): (Vec<Value>, Vec<Vec<u8>>) = members.iter().map(pair).unzip();
    (values, wired.concat())
}

#[test]
fn what_is_redacted_in_nested_json_is_redacted_in_maps_of_otlp_and_behind_dotted_names() {
    let (server, _folder) = server(
        "store: {keep_raw: true}\nredact:\n- {field: payload, json_keys: [password, card]}\n- {field: user_email}",
    );
    let members = json!({
        "payload": {"password": "LEAK1", "card": {"n": "LEAK2"}, "kept": "seen1"},
        "http": {"user_email": "LEAK3", "kept": "seen2"},
        "user_email": {"z": "LEAK4"},
        "payload.password": "LEAK5", "a.user_email.b": "LEAK6", "a.user_emails": "seen3",
    });
    let body = json!({"user_email": "LEAK7", "deep": {"card": {"x": "LEAK8"}}, "kept": "seen4"});
    let flat = post(&server, "/ingest/ndjson", &[], format!("{members}\n"));
    assert_eq!(flat.status, 200, "{}", flat.lossy());
    let (attributes, attribute_bytes) = key_values(members.as_object().unwrap(), 6);
    let (body, body_bytes) = any_value(&body);
    let records = json!([{ "body": body, "attributes": attributes }]);
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string();
    let record = [wire(5, &body_bytes), attribute_bytes].concat();
    let wired = wire(1, &wire(2, &wire(2, &record)));
    for (kind, bytes) in [("application/json", request.into_bytes()), ("application/x-protobuf", wired)] {
        let answer = post(&server, "/v1/logs", &[("Content-Type", kind)], bytes);
        assert_eq!(answer.status, 200, "{}", answer.lossy());
    }
    let hits = hits(&server, "*");
    assert_eq!(hits.len(), 3);
    for (index, hit) in hits.iter().enumerate() {
        let text = hit.to_string();
        assert!(!text.contains("LEAK"), "{text}");
        let seen = if index == 0 { 3 } else { 4 };
        (1..=seen).for_each(|number| assert!(text.contains(&format!("seen{number}")), "{number}: {text}"));
    }
    assert_has(&hits[1], &json!({"payload.card.n": "[redacted]", "http.user_email": "[redacted]"}));
}

#[test]
fn who_may_push_may_write_and_nobody_else() {
    let folder = Folder::new();
    let (push, read) = (folder.write("push", "secret-push"), folder.write("read", "secret-read"));
    let (server, _folder) = server(&format!(
        "http: {{auth: {{users: [{{name: push, password_file: \"{push}\", token_file: \"{push}\", roles: [push]}}, \
         {{name: read, password_file: \"{read}\", roles: [read]}}]}}}}"
    ));
    // push:secret-push and read:secret-read in base64.
    let pusher = [("Authorization", "Basic cHVzaDpzZWNyZXQtcHVzaA==")];
    let token = [("Authorization", "Bearer secret-push")];
    let api_key = [("Authorization", "ApiKey cHVzaDpzZWNyZXQtcHVzaA==")];
    let reader = [("Authorization", "Basic cmVhZDpzZWNyZXQtcmVhZA==")];
    for path in ["/ingest/ndjson", "/gelf", "/v1/logs", "/loki/api/v1/push", "/es/_bulk", "/es/a/_doc"] {
        let nobody = post(&server, path, &[], "{}");
        assert_eq!(nobody.status, 401, "{path}");
        assert_eq!(nobody.header("www-authenticate"), "Basic realm=\"weir\"", "{path}");
        assert_eq!(post(&server, path, &reader, "{}").status, 403, "{path}");
    }
    let refused = server.get("/es/");
    assert_eq!(refused.header("x-elastic-product"), "Elasticsearch");
    assert_has(&refused.json(), &json!({"status": 401}));
    for headers in [&pusher, &token, &api_key] {
        assert_eq!(post(&server, "/ingest/ndjson", headers, "{\"message\":\"x\"}").status, 200);
        assert_eq!(post(&server, "/es/_bulk", headers, "{\"index\":{}}\n{\"message\":\"x\"}\n").status, 200);
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_in_memory() {
    let (server, _folder) = server("limits: {write_bytes: 64KiB, write_unpacked_bytes: 1MiB}");
    let line = format!("{{\"message\":\"{}\"}}\n", "x".repeat(1_000));
    let large = line.repeat(100);
    let bomb = gzip(line.repeat(5_000).as_bytes());
    assert!(bomb.len() < 64 << 10);
    let bulk = format!("{{\"index\":{{}}}}\n{line}").repeat(100);
    for (path, body) in [("/ingest/ndjson", large.as_bytes()), ("/gelf", &bomb), ("/ingest/ndjson", &bomb)] {
        assert_eq!(post(&server, path, &[], body).status, 413, "{path}");
    }
    let refused = post(&server, "/es/_bulk", &[], &bulk);
    assert_eq!(refused.status, 413);
    assert_has(&refused.json()["error"], &json!({"type": "content_too_long_exception"}));
    assert!(server.get("/api/sources").json()["sources"].as_array().unwrap().is_empty());
    let answer = post(&server, "/ingest/ndjson", &[], gzip(line.repeat(900).as_bytes()));
    assert_eq!(answer.json()["received"], json!(900));
}
