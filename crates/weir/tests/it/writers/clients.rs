//! Clients as their users have them.

use std::process::{Command, Stdio};

use serde_json::json;

use super::{account, assert_has, found, hits, server};
use crate::support::{output, python, python_folder};

const DOCUMENTS: u64 = 50;

/// Writes with a Python client, whose module may be in a folder of its own.
#[track_caller]
fn write_with(module: &str, folder: Option<&str>) {
    let (server, _folder) = server("es: {listen: \"127.0.0.1:0\"}");
    let log = server.log();
    let line = log.lines().find(|line| line.contains("clients of Elasticsearch")).unwrap();
    let own_port = line.split(' ').find_map(|word| word.strip_prefix("address=")).unwrap();
    let addresses = [format!("http://{own_port}"), format!("http://{}/es", server.address)];
    for (round, address) in (1..).zip(addresses) {
        let count = DOCUMENTS.to_string();
        let mut command = python(include_str!("../support/elastic.py"), &[module, &address, &count]);
        if let Some(folder) = folder {
            command.env("PYTHONPATH", python_folder().join(folder));
        }
        output(command.stdin(Stdio::null())).expect(0);
        for kind in ["bulk", "stream", "parallel"] {
            assert_eq!(
                found(&server, &format!("index:{module}-{kind} AND user.email:a@b.com")),
                round * DOCUMENTS
            );
        }
        assert_eq!(found(&server, &format!("index:{module}-single")), round);
    }
    assert_eq!(account(&server, "http"), [2 * (3 * DOCUMENTS + 1), 2 * (3 * DOCUMENTS + 1), 0, 0]);
}

#[test]
fn the_client_of_elasticsearch_8_writes() {
    write_with("elasticsearch", None);
}

#[test]
fn the_client_of_elasticsearch_7_writes() {
    write_with("elasticsearch", Some("elasticsearch-7"));
}

#[test]
fn the_client_of_opensearch_writes() {
    write_with("opensearchpy", None);
}

#[test]
fn the_exporter_of_opentelemetry_writes() {
    let (server, _folder) = server("");
    let address = format!("http://{}", server.address);
    for compression in ["none", "gzip"] {
        let script = include_str!("../support/otlp.py");
        output(python(script, &[&address, compression, "30"]).stdin(Stdio::null())).expect(0);
    }
    assert_eq!(account(&server, "http"), [60, 60, 0, 0]);
    let hits = hits(&server, "message:\"order 7 failed\"");
    assert_eq!(hits.len(), 2);
    let expected = json!({"service.name": "python-shop", "scope.name": "shop.orders", "level": 3,
        "severity_text": "ERROR", "user_email": "a@b.com", "number": 7});
    assert_has(&hits[0], &expected);
}

#[test]
fn curl_writes() {
    let (server, folder) = server("");
    let lines: String =
        (0..2_000).map(|number| format!("{{\"message\":\"curled\",\"number\":{number}}}\n")).collect();
    let file = folder.write("lines.ndjson", lines);
    let url = format!("http://{}/ingest/ndjson", server.address);
    let mut command = Command::new("curl");
    command.args([
        "-sS",
        "--fail-with-body",
        "-H",
        "Expect: 100-continue",
        "--data-binary",
        &format!("@{file}"),
        &url,
    ]);
    let run = output(command.stdin(Stdio::null())).expect(0);
    assert!(run.stdout.contains("\"received\":2000"), "{}", run.stdout);
    assert_eq!(found(&server, "curled"), 2_000);
}
