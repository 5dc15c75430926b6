//! The calls that shippers make, from files: each has a request, and what must come back at least.

use std::fs;

use serde_json::Value;

use super::{account, found, server};
use crate::support::{get, repository, request};

/// A call and what must come of it.
struct Call<'t> {
    title: &'t str,
    method: &'t str,
    path: &'t str,
    headers: Vec<(&'t str, &'t str)>,
    body: &'t str,
    status: u16,
    answer_headers: Vec<(&'t str, &'t str)>,
    /// Members that the answer has.
    answer: Option<Value>,
}

fn calls(text: &str) -> Vec<Call<'_>> {
    text.split("\n=== ").skip(1).map(call).collect()
}

fn call(text: &str) -> Call<'_> {
    let (asked, expected) = text.split_once("\n>>> ").unwrap();
    let (title, asked) = asked.split_once('\n').unwrap();
    let (head, body) = asked.split_once("\n\n").unwrap_or((asked, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let mut expected = expected.lines();
    let status = expected.next().unwrap().parse().unwrap();
    let (answer, answer_headers): (Vec<_>, Vec<_>) =
        expected.filter(|line| !line.is_empty()).partition(|line| line.starts_with('{'));
    let pair = |line| str::split_once(line, ": ").unwrap();
    Call {
        title,
        method,
        path,
        headers: lines.map(pair).collect(),
        body,
        status,
        answer_headers: answer_headers.into_iter().map(pair).collect(),
        answer: answer.first().map(|text| serde_json::from_str(text).unwrap()),
    }
}

/// Whether `found` has all that `expected` has.
fn has(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(name, value)| found.get(name).is_some_and(|found| has(found, value)))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(found, value)| has(found, value))
        }
        _ => found == expected,
    }
}

/// Makes the calls of a file at an address, below a path.
#[track_caller]
fn check(address: &str, prefix: &str, name: &str) {
    let file = repository(&format!("testdata/writers/{name}.txt"));
    let text = fs::read_to_string(&file).unwrap();
    let calls = calls(&text);
    assert!(!calls.is_empty(), "{name}");
    for call in calls {
        // A body of lines ends with a line end.
        let body = if call.body.is_empty() { String::new() } else { format!("{}\n", call.body) };
        let path = format!("{prefix}{}", call.path);
        let answer = request(address, call.method, &path, &call.headers, body.as_bytes());
        let place = format!("{name}: {}: {}", call.title, answer.lossy());
        assert_eq!(answer.status, call.status, "{place}");
        for (header, value) in call.answer_headers {
            assert_eq!(answer.header(header), value, "{place}");
        }
        assert_eq!(answer.header("x-elastic-product"), "Elasticsearch", "{place}");
        if let Some(expected) = call.answer {
            let found = answer.json();
            assert!(has(&found, &expected), "{place}");
        }
    }
}

#[test]
fn each_shipper_finds_what_it_asks_for() {
    let (server, _folder) = server("");
    for (name, records) in [("logstash", 2), ("filebeat", 3), ("fluent_bit", 2), ("vector", 2), ("odd", 3)] {
        check(&server.address, "/es", name);
        let words =
            if name == "odd" { "\"odd one\"" } else { &format!("\"from {}\"", name.replace('_', " ")) };
        assert_eq!(found(&server, words), records, "{name}");
    }
    assert_eq!(found(&server, "index:logstash-2026.11.20 AND host.name:web1"), 1);
    assert_eq!(found(&server, "document_id:7/8"), 1);
    // One of Logstash's and one of the odd ones are no JSON.
    assert_eq!(account(&server, "http"), [14, 12, 2, 0]);
    assert_eq!(server.get("/api/rejects").json()["kept"], 2);
}

#[test]
fn a_port_of_its_own_needs_no_path() {
    let (server, _folder) = server("es: {listen: \"127.0.0.1:0\", version: 7.17.0}");
    let log = server.log();
    let line = log.lines().find(|line| line.contains("clients of Elasticsearch")).unwrap();
    let address = line.split(' ').find_map(|word| word.strip_prefix("address=")).unwrap();
    assert_eq!(get(address, "/").json()["version"]["number"], "7.17.0");
    let body = b"{\"index\":{\"_index\":\"a\"}}\n{\"message\":\"own port\"}\n";
    assert_eq!(request(address, "POST", "/_bulk", &[], body).json()["errors"], false);
    assert_eq!(found(&server, "\"own port\" AND index:a"), 1);
    assert_eq!(request(address, "POST", "/api/delete", &[], b"{}").status, 404);
}
