//! The line that a record came from: read again where it lies now, and never more than may be kept of it.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::support::aws::Bucket;
use crate::support::{Account, Folder, Server, alb_key, escaped, gzip, now_seconds, until};

const RECEIVED: &str = "weir_source_received_total";

/// A line of nginx's JSON with a user in it.
fn line(second: u32, user: &str) -> String {
    format!(
        "{{\"time_iso8601\":\"2026-11-20T10:15:{second:02}+00:00\",\"host\":\"shop.example.com\",\"request_method\":\
         \"GET\",\"request_uri\":\"/cart/{second}\",\"status\":\"200\",\"request_time\":\"0.025\",\"user_email\":\
         \"{user}\"}}"
    )
}

/// What is answered for the one record that a query finds.
#[track_caller]
fn original(server: &Server, query: &str) -> Value {
    let found = server.get(&format!("/api/search?from=0&query={}", escaped(query))).json();
    assert_eq!(found["total"], 1, "{query}: {found}");
    let id = found["hits"][0]["_id"].as_str().unwrap();
    let answer = server.get(&format!("/api/line?id={id}"));
    assert_eq!(answer.status, 200, "{}", answer.lossy());
    answer.json()
}

#[track_caller]
fn check(answer: &Value, line: &str, origin: &str) {
    assert_eq!(answer["line"], line.trim_end(), "{answer}");
    assert_eq!((&answer["origin"], &answer["is_kept"]), (&origin.into(), &false.into()));
}

#[test]
fn a_line_is_found_again_where_its_file_was_rotated_and_packed() {
    let (folder, data) = (Folder::new(), Folder::new());
    let config = format!(
        "sources: [{{name: web, type: file, path: '{}', format: nginx_json, add_field: {{shop: west}}}}]\n\
         redact: [{{field: user_email}}]\n\
         transforms: [{{where: 'path:/cart/3', remove_field: [host]}}]\n",
        folder.path("*.log")
    );
    let server = Server::start_in(&data.path("data"), &["-c", &data.write("weir.yaml", config)]);
    let mut log: String = (0..50).map(|second| line(second, "ann@example.com") + "\n").collect();
    folder.append("a.log", &log);
    server.await_sum(RECEIVED, &[], 50.0);
    // A second piece, whose lines nobody has counted; with a twin of another user at the same moment.
    let more = line(55, "bob@example.com") + "\n" + &line(55, "eve@example.com") + "\n";
    folder.append("a.log", &more);
    log += &more;
    server.await_sum(RECEIVED, &[], 52.0);
    let hidden = |line: &str| line.replace("ann@example.com", "[redacted]");
    let (path, packed) = (folder.path("a.log"), folder.path("a.log.1.gz"));
    check(&original(&server, "path:/cart/7"), &hidden(&line(7, "ann@example.com")), &path);
    let without_host = hidden(&line(3, "ann@example.com")).replace("shop.example.com", "[redacted]");
    check(&original(&server, "path:/cart/3"), &without_host, &path);

    fs::write(&packed, gzip(&log)).unwrap();
    fs::write(&path, line(59, "kim@example.com") + "\n").unwrap();
    server.await_sum("weir_duplicate_objects_total", &[], 0.0);
    check(&original(&server, "path:/cart/7"), &hidden(&line(7, "ann@example.com")), &packed);

    fs::remove_file(&packed).unwrap();
    let answer = original(&server, "path:/cart/7");
    assert_eq!(answer["line"], Value::Null, "{answer}");
    assert!(answer["why_not"].as_str().unwrap().contains("no file there has a line"), "{answer}");
}

#[test]
fn a_line_that_was_changed_since_is_not_shown() {
    let (folder, data) = (Folder::new(), Folder::new());
    let config = format!(
        "sources: [{{name: web, type: file, path: '{}', format: nginx_json}}]\n",
        folder.path("a.log.gz")
    );
    folder.publish("a.log.gz", gzip(line(1, "ann@example.com") + "\n"));
    let server = Server::start_in(&data.path("data"), &["-c", &data.write("weir.yaml", config)]);
    server.await_sum(RECEIVED, &[], 1.0);
    check(&original(&server, "*"), &line(1, "ann@example.com"), &folder.path("a.log.gz"));
    fs::remove_file(folder.path("a.log.gz")).unwrap();
    fs::write(folder.path("a.log.gz.1"), gzip(line(1, "root@example.com") + "\n")).unwrap();
    let answer = original(&server, "*");
    assert!(!answer.to_string().contains("root@example.com"), "{answer}");
}

#[test]
fn of_what_lies_beside_a_log_nothing_is_said() {
    let (folder, data) = (Folder::new(), Folder::new());
    let path = folder.path("a.log");
    let config =
        format!("sources: [{{name: web, type: file, path: '{path}'}}]\nredact: [{{field: token}}]\n");
    folder.append("a.log", line(1, "ann@example.com") + "\n");
    let server = Server::start_in(&data.path("data"), &["-c", &data.write("weir.yaml", config)]);
    server.await_sum(RECEIVED, &[], 1.0);
    let secret = data.write("secret", "root:*:20228:0:99999\n");
    fs::remove_file(&path).unwrap();
    fs::write(folder.path("a.log-private"), "a private note\n").unwrap();
    symlink(&secret, folder.path("a.log.lnk")).unwrap();
    symlink("/proc/kmsg", folder.path("a.log.kmsg")).unwrap();
    let answer = original(&server, "*").to_string();
    assert!(
        !answer.contains("root") && !answer.contains("note") && answer.contains("no file there"),
        "{answer}"
    );
    // Another file under the name itself is not shown either, and the log says nothing of its first line.
    fs::write(&path, "a private note\n").unwrap();
    let answer = original(&server, "*").to_string();
    assert!(!answer.contains("note") && answer.contains("no log of a known format"), "{answer}");
    until("the file to be refused", || server.log().contains("not counted").then_some(()));
    assert!(!server.log().contains("private note"), "{}", server.log());
}

#[test]
fn a_line_that_is_looked_for_does_not_hold_up_the_end() {
    let (folder, data) = (Folder::new(), Folder::new());
    let config = format!(
        "sources: [{{name: web, type: file, path: '{}', format: nginx_json}}]\n",
        folder.path("a.log")
    );
    folder.append("a.log", line(1, "ann@example.com") + "\n");
    let server = Server::start_in(&data.path("data"), &["-c", &data.write("weir.yaml", config)]);
    server.await_sum(RECEIVED, &[], 1.0);
    let other = line(1, "ann@example.com").replace("/cart/1", "/cart/2") + "\n";
    fs::write(folder.path("a.log.1.gz"), gzip(other.repeat(500_000))).unwrap();
    fs::remove_file(folder.path("a.log")).unwrap();
    let found = server.get("/api/search?from=0").json();
    let id = found["hits"][0]["_id"].as_str().unwrap().to_owned();
    // Who has gone waits for nothing, and neither does who ends the server; `terminate` waits 10 s at most.
    let mut asked = TcpStream::connect(&server.address).unwrap();
    asked
        .write_all(format!("GET /api/line?id={id} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).as_bytes())
        .unwrap();
    server.get("/-/ready");
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("could not be written"), "{log}");
}

#[test]
fn an_event_of_several_lines_is_found_again() {
    let (folder, data) = (Folder::new(), Folder::new());
    let trace =
        "2026-11-20 10:15:30,250 ERROR payment failed\njava.lang.Exception: no\n\tat shop.Pay(P.java:7)";
    let config = format!(
        "sources: [{{name: app, type: file, path: '{}', format: text, multiline: {{start: '^\\d{{4}}-'}}}}]\n",
        folder.path("a.log")
    );
    let server = Server::start_in(&data.path("data"), &["-c", &data.write("weir.yaml", config)]);
    folder.append(
        "a.log",
        format!("2026-11-20 10:15:30,250 INFO before\n{trace}\n2026-11-20 10:15:31 after\n"),
    );
    server.await_sum(RECEIVED, &[], 3.0);
    check(&original(&server, "payment"), trace, &folder.path("a.log"));
}

#[test]
fn an_object_is_fetched_again() {
    let bucket = Bucket::without_notifications("original");
    let (mut account, base) = (Account::default(), now_seconds() / 300 * 300 - 1_800);
    let (text, key) = (account.requests(base, "/cart/1", 503, 1), alb_key(base + 300, "10.0.0.1", "a"));
    bucket.put(&key, gzip(&text));
    let folder = Folder::new();
    let config = format!(
        "sources: [{{name: alb, type: alb, s3: {{bucket: {}, poll: 1s, {}}}}}]\n",
        bucket.name,
        bucket.endpoint()
    );
    let server = Server::start_in(&folder.path("data"), &["-c", &folder.write("weir.yaml", config)]);
    server.await_sum(RECEIVED, &[], 1.0);
    check(&original(&server, "*"), &text, &format!("s3://{}/{key}", bucket.name));
    bucket.delete(&key);
    let answer = original(&server, "*");
    assert!(answer["line"].is_null() && answer["why_not"].is_string(), "{answer}");
}

#[test]
fn what_came_over_a_network_nobody_has_and_what_is_kept_is_shown() {
    let folder = Folder::new();
    for (more, is_kept) in [("", false), ("store: {keep_raw: true}\n", true)] {
        let config = format!("sources: [{{name: in, type: http}}]\n{more}");
        let data = folder.path(&format!("data-{is_kept}"));
        let server = Server::start_in(&data, &["-c", &folder.write("weir.yaml", config)]);
        let event = "{\"@timestamp\":\"2026-11-20T10:15:30Z\",\"message\":\"hello\"}";
        let sent = server.request("POST", "/ingest/ndjson", &[], event.as_bytes());
        assert!(sent.status < 300, "{}", sent.lossy());
        let answer = original(&server, "hello");
        assert_eq!(answer["is_kept"], is_kept, "{answer}");
        assert_eq!(answer["line"].as_str(), is_kept.then_some(event), "{answer}");
        assert_eq!(answer["why_not"].is_string(), !is_kept, "{answer}");
    }
}

#[test]
fn an_id_that_no_record_has_is_said_so() {
    let folder = Folder::new();
    let server = Server::start(&[&folder.path("")]);
    let missing = format!("/api/line?id={}", "0".repeat(32));
    for (path, status) in [("/api/line", 400), ("/api/line?id=1", 400), (missing.as_str(), 404)] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
}
