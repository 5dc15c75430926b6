//! The running server: `/metrics` in every format, first scrapes, health, the API, and its end.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::lines::{alb, albs, nginx_json};
use crate::support::metrics::{samples, sum};
use crate::support::{Folder, Process, Server, assert_same_text, get_with, gzip, serve_command, until, weir};

const COUNT: &str = "alb_log_request_count_total";

/// What Prometheus 2.42 asks for, and what it asks for with native histograms.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,\
    application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const PROMETHEUS_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
    encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,\
    application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// A server that has counted five requests of one file.
fn server_with_requests() -> (Folder, Server) {
    let folder = Folder::new();
    folder.publish("a.log.gz", gzip(albs(3, "/cart", 200) + &albs(2, "/orders/7", 503)));
    let server = Server::start(&[&folder.path("")]);
    server.await_sum(COUNT, &[], 5.0);
    (folder, server)
}

#[test]
fn metrics_come_in_the_format_that_is_asked_for() {
    let (_folder, server) = server_with_requests();
    for (accept, content_type) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/plain; version=0.0.4; charset=utf-8"),
        (PROMETHEUS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (
            PROMETHEUS_NATIVE,
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
        ),
    ] {
        let response = server.scrape(&[("Accept", accept)]);
        assert_eq!((response.status, response.header("content-type")), (200, content_type), "{accept}");
        assert_eq!(response.header("content-encoding"), "", "{accept}");
    }
    assert_eq!(server.get("/metrics").header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
}

#[test]
fn every_format_has_the_same_numbers() {
    let (_folder, server) = server_with_requests();
    let text = server.metrics();
    let open = server.scrape(&[("Accept", PROMETHEUS)]).text();
    assert!(open.ends_with("# EOF\n"), "{open}");
    let of_requests = |text: &str| -> Vec<_> {
        let created = |name: &str| name.ends_with("_created");
        samples(text).into_iter().filter(|it| it.name.starts_with("alb_log_") && !created(&it.name)).collect()
    };
    assert_eq!(of_requests(&text), of_requests(&open));
    let protobuf = server.scrape(&[("Accept", PROMETHEUS_NATIVE)]).body;
    let names =
        |line: &str| line.strip_prefix("# TYPE ").map(|rest| rest.split(' ').next().unwrap().to_owned());
    assert_eq!(families(&protobuf), text.lines().filter_map(names).collect::<Vec<_>>());
}

/// The names of the families in delimited protobuf: a length, then a message that begins with its name.
#[track_caller]
fn families(mut body: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    while !body.is_empty() {
        let length = varint(&mut body);
        let (mut message, rest) = body.split_at(length);
        body = rest;
        assert_eq!(varint(&mut message), 0x0a, "field 1 is the name");
        let length = varint(&mut message);
        names.push(String::from_utf8(message[..length].to_vec()).unwrap());
    }
    names
}

fn varint(bytes: &mut &[u8]) -> usize {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let (&byte, rest) = bytes.split_first().expect("a varint");
        *bytes = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

#[test]
fn metrics_are_packed_for_who_can_unpack_them() {
    let (_folder, server) = server_with_requests();
    for (encoding, packed) in
        [("gzip", "gzip"), ("deflate, gzip;q=1.0", "gzip"), ("gzip;q=0", ""), ("br", "")]
    {
        for accept in ["*/*", PROMETHEUS] {
            let response = server.scrape(&[("Accept-Encoding", encoding), ("Accept", accept)]);
            assert_eq!(response.header("content-encoding"), packed, "{encoding}");
            assert_eq!(sum(&response.text(), COUNT, &[]), 5.0, "{encoding}");
        }
        let protobuf = server.scrape(&[("Accept-Encoding", encoding), ("Accept", PROMETHEUS_NATIVE)]);
        assert!(families(&protobuf.unpacked()).contains(&COUNT.to_owned()), "{encoding}");
    }
}

/// `/metrics` as a Prometheus sees it whose User-Agent is `agent`.
#[track_caller]
fn scraped(server: &Server, agent: &str) -> String {
    server.scrape(&[("User-Agent", agent), ("Accept", PROMETHEUS)]).text()
}

#[test]
fn each_prometheus_sees_a_new_series_at_0_first() {
    let folder = Folder::new();
    folder.append("a.log", albs(3, "/cart", 200));
    let server = Server::start(&[&folder.path("")]);
    server.await_sum(COUNT, &[], 3.0);
    let (cart, orders) = ([("path", "/cart")], [("path", "/orders")]);
    for (agent, first) in [("Prometheus/2.42.0", 0.0), ("vmagent/1.90", 0.0), ("curl/8", 3.0)] {
        assert_eq!(sum(&scraped(&server, agent), COUNT, &cart), first, "{agent}");
        // It shows its value as soon as the disk knows that the 0 was shown.
        until("the value", || (sum(&scraped(&server, agent), COUNT, &cart) == 3.0).then_some(()));
    }
    folder.append("a.log", albs(1, "/cart", 200) + &albs(1, "/orders", 503));
    server.await_sum(COUNT, &orders, 1.0);
    let first = scraped(&server, "Prometheus/2.42.0");
    assert_eq!((sum(&first, COUNT, &orders), sum(&first, COUNT, &cart)), (0.0, 4.0));
    assert_eq!(sum(&first, "alb_log_elb_5xx_total", &orders), 0.0);
    assert_eq!(sum(&first, "alb_log_target_5xx_total", &orders), 0.0);
    assert_eq!(sum(&first, "alb_log_request_time_seconds_count", &orders), 0.0);
    assert!(first.contains("path=\"/orders\""), "the series is there, at 0");
    let second = until("the value", || {
        let next = scraped(&server, "Prometheus/2.42.0");
        (sum(&next, COUNT, &orders) == 1.0).then_some(next)
    });
    assert_eq!((sum(&second, COUNT, &orders), sum(&second, COUNT, &cart)), (1.0, 4.0));
    assert_eq!(sum(&second, "alb_log_target_5xx_total", &orders), 1.0);
    assert_eq!(sum(&second, "alb_log_request_time_seconds_count", &orders), 1.0);
    assert_eq!(sum(&scraped(&server, "vmagent/1.90"), COUNT, &orders), 0.0);
}

#[test]
fn a_server_whose_log_nobody_reads_any_more_goes_on_and_ends_in_order() {
    let folder = Folder::new();
    let mut command = serve_command(&folder.path("data"), &[&folder.path("")]);
    let mut process = Process(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(process.0.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("message=started") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the server ended");
    }
    drop(log);
    assert_eq!(process.terminate().code(), Some(0));
}

#[test]
fn health_is_open() {
    let folder = Folder::new();
    let server = Server::start(&[&folder.path("")]);
    for path in ["/-/healthy", "/healthy", "/-/ready", "/ready"] {
        let response = server.get(path);
        assert_eq!(
            (response.status, response.header("content-type")),
            (200, "text/plain; charset=utf-8"),
            "{path}"
        );
    }
    assert!(server.get("/").text().contains("/metrics"));
    assert_eq!(server.get("/nothing/here").status, 404);
}

#[test]
fn the_source_is_accounted_for() {
    let folder = Folder::new();
    folder.append("a.log", albs(3, "/cart", 200) + "https only\n");
    let server = Server::start(&[&folder.path("")]);
    server.await_sum(COUNT, &[], 3.0);
    let of_source = [("source", "files")];
    let now = now_seconds();
    until("a watermark", || {
        let watermark = server.sum("weir_source_watermark_timestamp_seconds", &of_source);
        (watermark > 0.0)
            .then(|| assert!((now - 60.0..now + 60.0).contains(&watermark), "{watermark} of {now}"))
    });
    let metrics = server.metrics();
    for (name, expected) in [
        ("weir_source_received_total", 4.0),
        ("weir_source_rejected_total", 1.0),
        ("weir_source_late_records_total", 0.0),
        ("weir_source_last_record_timestamp_seconds", 1_795_168_802.0),
    ] {
        assert_eq!(sum(&metrics, name, &of_source), expected, "{name}");
        assert!(metrics.contains(&format!("\n{name}{{source=\"files\"")), "{name}");
    }
    assert_eq!(sum(&metrics, "weir_source_rejected_total", &[("reason", "too_few_fields")]), 1.0);
    assert_eq!(sum(&metrics, "weir_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert!(sum(&metrics, "process_resident_memory_bytes", &[]) > 1e6);
    folder.append("a.log", alb("2015-05-13T23:39:43.945958Z", "/cart", 200).repeat(2));
    server.await_sum("weir_source_late_records_total", &of_source, 2.0);
    server.await_sum(COUNT, &[], 5.0);
}

#[test]
fn routes_are_summed_over_a_span() {
    // Minutes are kept for times that are plausible by the clock, so these are of the last hours.
    let start = now_seconds() as u64 / 3_600 * 3_600 - 7_200;
    let at = |second: u64, path: &str, status: u16| {
        let line = nginx_json(path, status);
        line.replace(
            "\"time_iso8601\":\"2026-11-20T10:15:30+00:00\"",
            &format!("\"msec\":\"{}.500\"", start + second),
        )
    };
    let folder = Folder::new();
    folder
        .append("a.json", at(0, "/orders/7", 200) + &at(1_799, "/orders/8", 500) + &at(1_800, "/cart", 200));
    let server = Server::start(&[&folder.path("")]);
    server.await_sum("nginx_http_requests_total", &[], 3.0);
    let routes = |from: u64, to: u64| {
        let answer = server.get(&format!("/api/routes?from={}&to={}", start + from, start + to)).json();
        answer["routes"].as_array().unwrap().clone()
    };
    assert_eq!(routes(0, 3_600).len(), 2);
    let half = routes(0, 1_800);
    assert_eq!(half.len(), 1, "{half:?}");
    let row = &half[0];
    assert_eq!(
        (&row["source"], &row["route"], &row["method"]),
        (&"files".into(), &"/orders/{id}".into(), &"GET".into())
    );
    assert_eq!((&row["count"], &row["error_ratio"]), (&2.into(), &0.5.into()));
    assert!((row["avg"].as_f64().unwrap() - 0.025).abs() < 1e-9, "{row}");
    assert!((row["rate"].as_f64().unwrap() - 2.0 / 1800.0).abs() < 1e-9, "{row}");
    for percentile in ["p50", "p95", "p99"] {
        assert!((0.02..=0.03).contains(&row[percentile].as_f64().unwrap()), "{row}");
    }
    assert!(routes(3_600, 7_200).is_empty());
    assert_eq!(server.get("/api/routes").header("content-type"), "application/json");
}

fn now_seconds() -> f64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "what the server says of the present is compared with the clock"
    )]
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

#[test]
fn wrong_requests_to_the_api_are_answered_in_json() {
    let folder = Folder::new();
    let server = Server::start(&[&folder.path("")]);
    for query in ["from=yesterday", "to=x", "from=", "from=now-1h&from=now"] {
        let response = server.get(&format!("/api/routes?{query}"));
        assert_eq!(response.status, 400, "{query}");
        assert_eq!(response.header("content-type"), "application/json", "{query}");
        let error = response.json();
        assert!(error["error"].is_string() && error["code"].is_string(), "{query}: {error}");
    }
    let error = server.get("/api/routes?from=yesterday").json();
    assert!(error["error"].as_str().unwrap().contains("`yesterday` is not a time"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("now-1h"), "{error}");
}

#[test]
fn an_api_path_that_is_none_is_answered_in_json() {
    let folder = Folder::new();
    let server = Server::start(&[&folder.path("")]);
    let response = server.get("/api/nothing");
    assert_eq!((response.status, response.header("content-type")), (404, "application/json"));
    assert!(response.json()["error"].is_string());
}

#[test]
fn sigterm_ends_the_server_in_order() {
    let (_folder, server) = server_with_requests();
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("why=terminated") && log.contains("message=stopped"), "{log}");
}

#[test]
fn a_client_that_never_finishes_does_not_keep_the_server() {
    let (_folder, server) = server_with_requests();
    let idle = TcpStream::connect(&server.address).unwrap();
    let mut unfinished = TcpStream::connect(&server.address).unwrap();
    unfinished.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n").unwrap();
    let mut kept = TcpStream::connect(&server.address).unwrap();
    kept.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    // Answered behind the others, so they have been accepted.
    assert_eq!(get_with(&server.address, "/ready", &[]).status, 200);
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
    drop((idle, unfinished, kept));
}

#[test]
fn a_server_counts_what_count_counts() {
    let folder = Folder::new();
    weir(&["demo", "--requests", "2000", "--write", &folder.path("")]).expect(0);
    let pattern = folder.path("**/*.log.gz");
    let server = Server::start(&[&pattern]);
    let expected = weir(&["count", &pattern]).expect(0).stdout;
    server.await_sum(COUNT, &[], 2_000.0);
    let metrics = server.metrics();
    let is_of_requests = |line: &&str| {
        let name = ["# HELP ", "# TYPE "].iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line);
        name.starts_with("alb_log_")
    };
    let served: String = metrics.split_inclusive('\n').filter(is_of_requests).collect();
    assert_same_text(&served, &expected, "served");
}
