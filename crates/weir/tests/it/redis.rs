//! What Beaver puts into Redis is found as Logstash would have shown it, and the lists are left as they should be.

use serde_json::Value;

use crate::support::redis::{Answer, Redis};
use crate::support::{Folder, Server, escaped, until};

/// A list with this key and format.
fn config(folder: &Folder, redis: &Redis, rest: &str) -> String {
    let url = redis.url();
    folder.write("weir.yaml", format!("sources: [{{name: beaver, type: redis, url: \"{url}\", {rest}}}]\n"))
}

/// Every record of a query, in the order of time.
fn records(server: &Server, query: &str) -> Vec<Value> {
    let path = format!("/api/search?query={}&from=0&to=now%2B1d&format=ndjson&order=oldest", escaped(query));
    server.get(&path).text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn await_stored(server: &Server, stored: usize) {
    server.await_sum("weir_source_stored_total", &[("source", "beaver")], stored as f64);
}

const MAPPED: &str =
    "key: \"logstash:beaver\", format: {by: type, map: {nginx: nginx_json}, default: beaver}";

/// A line of nginx, as its text stands in a JSON text.
const NGINX: &str = r#"{\"time_local\":\"20/Nov/2026:13:15:30 +0300\",\"request_method\":\"GET\",\"request_uri\":\"/cart?id=7\",\"request_time\":\"0.250\",\"status\":\"200\",\"host\":\"shop.example.com\",\"request_id\":\"r1\"}"#;

#[test]
fn every_shape_of_beaver_is_a_record_with_logstashs_fields() {
    let redis = Redis::start(&[]);
    let folder = Folder::new();
    let mut client = redis.client();
    let entries = [
        format!(
            r#"{{"host":"web1","file":"/n","message":"{NGINX}","type":"nginx","tags":["nginx","prod"],"@timestamp":"2026-11-20T10:15:31.123Z","@version":1,"env":["prod"]}}"#
        ),
        r#"{"@source_path":"/a","@type":"app","@tags":[],"@message":"slow query","@source_host":"db1","@timestamp":"2026-11-20T10:16:00.000Z","@source":"file:///a","@fields":{"env":["test"]}}"#.to_owned(),
        r#"{"message":"","host":"web2","file":"","tags":"","type":"nginx","@timestamp":"2026-11-20T10:17:00.000Z","time_local":"20/Nov/2026:13:16:59 +0300","status":"502","request_uri":"/raw","request_time":"1.000"}"#.to_owned(),
        "[web3] [2026-11-20T10:18:00.000Z] a plain line".to_owned(),
        r#"{"host":"web1","type":"nginx","message":"GET / 200","@timestamp":"2026-11-20T10:15:31Z"}"#.to_owned(),
        r#"{"message":"cut"#.to_owned(),
    ];
    assert_eq!(client.push("logstash:beaver", &entries), 6);
    let config = config(&folder, &redis, MAPPED);
    let server = Server::start(&["-c", &config]);
    await_stored(&server, 4);
    server.await_sum("weir_source_rejected_total", &[("source", "beaver")], 2.0);
    assert_eq!(server.sum("weir_source_received_total", &[("source", "beaver")]), 6.0);

    let found = records(&server, "source:beaver");
    let fields = |index: usize, names: &[&str]| -> String {
        let shown: Vec<String> = names.iter().map(|&name| found[index][name].to_string()).collect();
        shown.join(" ")
    };
    assert_eq!(
        fields(
            0,
            &[
                "@timestamp",
                "type",
                "tags",
                "host",
                "node",
                "file",
                "env",
                "path",
                "query",
                "status",
                "request_id"
            ]
        ),
        r#""2026-11-20T10:15:30Z" "nginx" "nginx,prod" "shop.example.com" "web1" "/n" "prod" "/cart" "id=7" 200 "r1""#
    );
    assert_eq!(
        fields(1, &["@timestamp", "type", "tags", "host", "node", "file", "env", "message"]),
        r#""2026-11-20T10:16:00Z" "app" null "db1" "db1" "/a" "test" "slow query""#
    );
    assert_eq!(
        fields(2, &["@timestamp", "type", "tags", "host", "node", "path", "status"]),
        r#""2026-11-20T10:16:59Z" "nginx" null null "web2" "/raw" 502"#
    );
    assert_eq!(fields(3, &["host", "node", "message"]), r#""web3" "web3" "a plain line""#);

    // All of nginx, with its status, is in the histogram of system B.
    let count =
        |endpoint: &str| server.sum("nginx_http_request_time_count", &[("api_method_end_point", endpoint)]);
    assert_eq!((count("/cart"), count("/raw")), (1.0, 1.0));
    let rejects = server.get("/api/rejects").text();
    assert!(rejects.contains("GET / 200") && rejects.contains("redis:logstash:beaver"), "{rejects}");
    until("the processing lists to go", || client.keys().is_empty().then_some(()));
}

#[test]
fn raw_lines_are_messages_and_several_lists_are_one_source() {
    let redis = Redis::start(&[]);
    let folder = Folder::new();
    let mut client = redis.client();
    client.push("a", &["one".to_owned(), "two\nlines".to_owned()]);
    client.push("b", &["three".to_owned()]);
    let config = config(&folder, &redis, "key: [a, b], format: text, batch: {entries: 1}");
    let server = Server::start(&["-c", &config]);
    await_stored(&server, 3);
    client.push("b", &["four".to_owned()]);
    await_stored(&server, 4);
    let mut messages: Vec<String> =
        records(&server, "*").iter().map(|record| record["message"].as_str().unwrap().to_owned()).collect();
    messages.sort();
    assert_eq!(messages, ["four", "one", "three", "two\nlines"]);
    until("the source to be complete", || {
        let watermark = server.sum("weir_source_watermark_timestamp_seconds", &[("source", "beaver")]);
        (watermark > 0.0).then_some(())
    });
}

#[test]
fn a_channel_is_heard_with_a_password_from_a_file() {
    let redis = Redis::start(&["--user", "weir", "on", ">secret", "~*", "&*", "+@all"]);
    let folder = Folder::new();
    let password = folder.write("password", "secret\n");
    let url = redis.url().replace("://", "://weir@");
    let text = format!(
        "sources: [{{name: beaver, type: redis, url: \"{url}\", password_file: \"{password}\", channel: [\"logs\", \"app.*\"]}}]\n"
    );
    let config = folder.write("weir.yaml", text);
    let server = Server::start(&["-c", &config]);
    let mut client = redis.client();
    let mut heard = 0;
    for channel in ["logs", "app.x"] {
        until("the subscription", || {
            let answer = client.ask(&["PUBLISH", channel, r#"{"message":"hello","type":"app"}"#]);
            let is_heard = answer == Answer::Number(1);
            heard += usize::from(is_heard);
            is_heard.then_some(())
        });
    }
    await_stored(&server, heard);
}

#[test]
fn another_reader_of_the_list_is_warned_about() {
    let redis = Redis::start(&[]);
    let folder = Folder::new();
    let mut rival = redis.client();
    rival.send(&["BLPOP", "logstash:beaver", "0"]).unwrap();
    let mut client = redis.client();
    until("the rival to wait", || {
        let Answer::Text(clients) = client.ask(&["CLIENT", "LIST"]) else { panic!("no text") };
        clients.contains("cmd=blpop").then_some(())
    });
    let config = config(&folder, &redis, MAPPED);
    let server = Server::start(&["-c", &config]);
    until("the warning", || server.log().contains("another client takes entries").then_some(()));
    let log = server.log();
    let line = log.lines().find(|line| line.contains("another client")).unwrap();
    assert!(line.contains("level=warn") && line.contains("command=blpop"), "{line}");
}

#[test]
fn a_server_that_is_down_at_the_start_is_waited_for() {
    let mut redis = Redis::stopped(&[]);
    let folder = Folder::new();
    let config = config(&folder, &redis, MAPPED);
    let server = Server::start(&["-c", &config]);
    until("the warning", || server.log().contains("unavailable").then_some(()));
    redis.restart();
    redis.client().push("logstash:beaver", &[r#"{"message":"late"}"#.to_owned()]);
    await_stored(&server, 1);
    let log = server.log();
    assert_eq!(log.matches("unavailable").count(), 1, "{log}");
    assert!(log.contains("works again"), "{log}");
}

#[test]
fn a_config_with_mistakes_says_where() {
    let folder = Folder::new();
    let redis = Redis::stopped(&[]);
    for (rest, expected) in [
        ("key: a, channel: b", "`key` and `channel` are both given"),
        ("", "`key` or `channel` is missing"),
        ("key: [a, a]", "`a` is there twice"),
        ("key: a, path: b", "`path` is not for `type: redis`"),
        ("channel: a, batch: {entries: 7}", "`batch` is for lists"),
        ("key: a, batch: {entries: 0}", "`entries` should be"),
        ("key: a, batch: {bytes: 1GB}", "`bytes` should be"),
        ("key: a, keys: b", "did you mean `key`?"),
    ] {
        let config = config(&folder, &redis, rest);
        let run = crate::support::weir(&["check", "-c", &config]).expect(1);
        assert!(run.stderr.contains(expected) || run.stdout.contains(expected), "{rest}: {run:?}");
    }
}
