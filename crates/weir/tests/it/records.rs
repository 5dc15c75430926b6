//! What becomes of records beside being found: counted by metrics of the user's own, redacted, kept or not, dropped
//! when they are old, put into the day they happened.
//!
//! The counts of searches, reports, own metrics and `/metrics` come from different code, so here they are held
//! against each other, to the last record.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::duckdb::Reader;
use crate::prometheus::Prometheus;
use crate::support::lines::nginx_json;
use crate::support::{Folder, Server, date_time, escaped, gzip, now_seconds, request, until, weir};

const NGINX_COUNT: &str = "nginx_http_requests_total";
const STORED: &str = "weir_source_stored_total";

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A request at a second, in nginx's JSON; `more` are further members, each behind a comma.
fn line(second: i64, path: &str, status: u16, more: &str) -> String {
    let time = format!("\"time_iso8601\":\"{}+00:00\"", date_time(second));
    let plain = nginx_json(path, status);
    let (_, rest) = plain.split_once(",\"host\"").unwrap();
    let rest = rest.trim_end().strip_suffix('}').unwrap();
    format!("{{{time},\"host\"{rest}{more}}}\n")
}

/// How many records a server finds.
#[track_caller]
fn found(server: &Server, query: &str) -> f64 {
    let path = format!("/api/search?query={}&from=0&to=now%2B1d&limit=0", escaped(query));
    let answer = server.get(&path).json();
    answer["total"].as_f64().unwrap_or_else(|| panic!("{query}: {answer}"))
}

/// Has everything that is in memory written to files, as a deletion of nothing does.
#[track_caller]
fn roll(server: &Server, data: &str) {
    let nobody = br#"{"query": "user_email:nobody", "from": "0", "to": "1", "dry_run": false}"#;
    let headers = [("Content-Type", "application/json")];
    until("all records to be in files", || {
        let answer = request(&server.address, "POST", "/api/delete", &headers, nobody);
        assert_eq!(answer.status, 200, "{}", answer.lossy());
        (fs::read_dir(format!("{data}/store/wal")).unwrap().count() == 0).then_some(())
    });
}

#[test]
fn search_report_and_metrics_agree_to_the_last_record() {
    let folder = Folder::new();
    weir(&["demo", "--requests", "3000", "--write", &folder.path("")]).expect(0);
    let data = folder.path("data");
    let server = Server::start_in(&data, &[&folder.path("**/*.log.gz")]);
    server.await_sum("alb_log_request_count_total", &[], 3_000.0);
    let count = |labels: &[(&str, &str)]| server.sum("alb_log_request_count_total", labels);
    let everything = ["--data-dir", &data, "--from", "0", "--to", "now+30d"];
    for (query, expected) in [
        ("*", 3_000.0),
        ("status:503", count(&[("status", "503")])),
        (
            "status:>=500",
            server.sum("alb_log_elb_5xx_total", &[]) + server.sum("alb_log_target_5xx_total", &[]),
        ),
        ("status:>=500 AND NOT target_status:*", server.sum("alb_log_elb_5xx_total", &[])),
        ("method:POST", count(&[("request_method", "POST")])),
        ("request_time <= 0.4", server.sum("alb_log_request_time_seconds_bucket", &[("le", "0.4")])),
    ] {
        let run = weir(&[&["search", query, "--output", "json"], &everything[..]].concat()).expect(0);
        let ids: BTreeSet<String> = run
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!((run.stdout.lines().count() as f64, ids.len() as f64), (expected, expected), "{query}");
        let report = ["report", "--where", query, "--by", "status", "--limit", "0", "--output", "json"];
        let run = weir(&[&report[..], &everything].concat()).expect(0);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(total(&report, query), expected, "{query}: {}", run.stdout);
        let path = format!("/api/routes?from=0&to=now%2B30d&query={}", escaped(query));
        let routes = server.get(&path).json();
        assert_eq!(total(&routes["routes"], query), expected, "{query}");
    }
    // Each route by itself, from the minutes and from the records.
    let of_minutes = server.get("/api/routes?from=0&to=now%2B30d").json();
    let of_records = server.get("/api/routes?from=0&to=now%2B30d&query=*").json();
    assert_eq!(by_route(&of_minutes), by_route(&of_records));
}

/// The sum of `count` over rows.
#[track_caller]
fn total(rows: &Value, query: &str) -> f64 {
    let rows = rows.as_array().or_else(|| rows["rows"].as_array());
    let rows = rows.unwrap_or_else(|| panic!("{query}: {rows:?}"));
    rows.iter().map(|row| row["count"].as_f64().unwrap()).sum()
}

fn by_route(answer: &Value) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for row in answer["routes"].as_array().unwrap() {
        let key = format!("{} {} {} {}", row["source"], row["service"], row["route"], row["method"]);
        *counts.entry(key).or_default() += row["count"].as_u64().unwrap();
    }
    counts
}

#[test]
fn prometheus_has_the_metrics_that_a_user_declares() {
    let folder = Folder::new();
    let logs = folder.path("*.gz");
    let config = folder.write(
        "weir.yaml",
        format!(
            "sources: [{{name: web, type: file, path: \"{logs}\"}}]\n\
             metrics:\n  counters:\n  \
             - {{name: shop_errors_total, where: \"status:>=500 AND path:/pay*\", labels: [status, plan]}}\n  \
             - {{name: shop_sent_bytes_total, value: bytes_out}}\n  \
             - {{name: shop_never_total, where: \"path:/nowhere\"}}\n  histograms:\n  \
             - {{name: shop_pay_seconds, where: \"path:/pay\", buckets: [20ms, 0.1]}}\n"
        ),
    );
    let data = folder.path("data");
    let start = || Server::start_in(&data, &["-c", &config]);
    let server = start();
    let base = now_seconds() - 7_200;
    let texts: Vec<String> = (0..3)
        .map(|file| {
            let plan = |number: i64| format!(",\"plan\":\"{}\"", ["free", "pro"][number as usize % 2]);
            (0..40)
                .map(|number| {
                    let (path, status) = [("/pay", 200), ("/pay", 503), ("/cart", 500)][number as usize % 3];
                    line(base + file * 60 + number, path, status, &plan(number))
                })
                .collect()
        })
        .collect();
    folder.publish("0.gz", gzip(&texts[0]));
    server.await_sum(NGINX_COUNT, &[], 40.0);
    folder.publish("1.gz", gzip(&texts[1]));
    server.await_sum(NGINX_COUNT, &[], 80.0);
    server.kill();
    let server = start();
    folder.publish("2.gz", gzip(&texts[2]));
    server.await_sum(NGINX_COUNT, &[], 120.0);
    let prometheus = Prometheus::start(&server, &[]);
    let bytes = server
        .get("/api/aggregate?from=0&to=now&query=%2A%20%7C%20stats%20sum(bytes_out)%20as%20n")
        .json()["rows"][0]["n"]
        .as_f64();
    for (query, expected) in [
        ("sum(shop_errors_total)", found(&server, "status:>=500 AND path:/pay*")),
        ("sum(shop_errors_total{plan=\"pro\"})", found(&server, "status:>=500 AND path:/pay* AND plan:pro")),
        ("sum(shop_errors_total{status=\"503\"})", 39.0),
        ("sum(shop_sent_bytes_total)", bytes.unwrap()),
        ("sum(shop_never_total)", 0.0),
        ("sum(shop_pay_seconds_count)", found(&server, "path:/pay")),
        ("sum(shop_pay_seconds_bucket{le=\"0.1\"})", found(&server, "path:/pay AND request_time <= 100ms")),
        ("sum(shop_pay_seconds_bucket{le=\"0.02\"})", found(&server, "path:/pay AND request_time <= 0.02")),
    ] {
        prometheus.await_value(query, expected);
    }
}

/// Whether any file of a folder holds these bytes.
fn is_in_a_file(folder: &str, text: &str) -> bool {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.display().to_string());
            } else if fs::read(&path).is_ok_and(|bytes| memmem(&bytes, text.as_bytes())) {
                return true;
            }
        }
    }
    false
}

fn memmem(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[test]
fn a_secret_that_is_redacted_is_nowhere_in_the_data_folder() {
    const SECRETS: [&str; 5] =
        ["s3cr3t-token", "hunter2-password", "jane.doe@secret", "s3cr3t-reject", "nested-s3cr3t"];
    let folder = Folder::new();
    let logs = folder.path("*.json");
    let config = folder.write(
        "weir.yaml",
        format!(
            "sources: [{{name: web, type: file, format: ndjson, path: \"{logs}\"}}]\n\
             redact:\n- {{field: query, params: [token]}}\n- {{field: payload, json_keys: [password]}}\n\
             - {{field: user_email}}\nstore: {{keep_raw: true}}\n"
        ),
    );
    let data = folder.path("data");
    let server = Server::start_in(&data, &["-c", &config]);
    let now = now_seconds();
    let mut text = String::new();
    for number in 0..30 {
        text += &format!(
            "{{\"ts\":{},\"message\":\"GET /login?token=s3cr3t-token&control-{number}\",\"user_email\":\
             \"jane.doe@secret\",\"payload\":\"{{\\\"password\\\":\\\"hunter2-password\\\"}}\",\"deep\":{{\"password\":\
             [\"nested-s3cr3t\"],\"kept\":\"control-value\"}}}}\n",
            now - number
        );
    }
    text += "GET /reject?token=s3cr3t-reject&control-reject is no JSON\n";
    folder.append("app.json", &text);
    server.await_sum(STORED, &[], 30.0);
    server.await_sum("weir_source_rejected_total", &[], 1.0);
    let check = |server: &Server| {
        for secret in SECRETS {
            assert!(!is_in_a_file(&data, secret), "{secret} is in the data folder");
            for path in ["/api/search?format=ndjson&from=0&to=now%2B1d", "/api/rejects", "/metrics"] {
                assert!(!server.get(path).text().contains(secret), "{secret} is in {path}");
            }
        }
        assert_eq!(found(server, "message:\"control-7\" AND deep.kept:control-value"), 1.0);
        assert_eq!(found(server, "user_email:\"[redacted]\""), 30.0);
    };
    check(&server);
    assert!(
        is_in_a_file(&data, "control-7"),
        "what is not redacted is there, so the look can find something"
    );
    assert!(is_in_a_file(&data, "control-reject"), "the reject is there");
    roll(&server, &data);
    check(&server);
    // What is packed in the files, as others unpack it.
    let unpacked = format!("{:?}", Reader::start(&data).records().unwrap());
    assert!(unpacked.contains("control-7"));
    for secret in SECRETS {
        assert!(!unpacked.contains(secret), "{secret} is in the files of the store");
    }
    server.kill();
    check(&Server::start_in(&data, &["-c", &config]));
}

#[test]
fn what_is_not_kept_is_counted_all_the_same() {
    const MODES: [(&str, &str); 6] = [
        ("all", "all"),
        ("errors", "errors"),
        ("slow", "{slow: 1s}"),
        ("none", "none"),
        ("sample", "{sample: 4}"),
        ("same", "{sample: 4}"),
    ];
    let folder = Folder::new();
    let mut sources = "sources:\n".to_owned();
    for (name, keep) in MODES {
        let logs = folder.path(&format!("{name}/*"));
        sources += &format!("- {{name: {name}, type: file, path: \"{logs}\", keep: {keep}}}\n");
    }
    let config = folder.write("weir.yaml", sources);
    let data = folder.path("data");
    let server = Server::start_in(&data, &["-c", &config]);
    let base = now_seconds() - 7_200;
    for (name, _) in MODES {
        let text: String = (0..400)
            .map(|number| {
                let status = if number % 10 == 0 { 503 } else { 200 };
                let seconds = if number % 8 == 0 { "1.5" } else { "0.1" };
                let id = format!(",\"request_id\":\"id-{number}\",\"own\":\"{name}\"");
                line(base + number, "/cart", status, &id).replace("\"0.025\"", &format!("\"{seconds}\""))
            })
            .collect();
        fs::create_dir(folder.path(name)).unwrap();
        fs::rename(folder.publish(&format!("{name}.json"), text), folder.path(&format!("{name}/a.json")))
            .unwrap();
    }
    server.await_sum(NGINX_COUNT, &[], 400.0 * MODES.len() as f64);
    for (name, _) in MODES {
        assert_eq!(server.sum(STORED, &[("source", name)]), 400.0, "{name} is counted whole");
    }
    for (name, expected) in [("all", 400.0), ("errors", 40.0), ("slow", 80.0), ("none", 0.0)] {
        assert_eq!(found(&server, &format!("source:{name}")), expected, "{name}");
    }
    assert_eq!(found(&server, "source:slow AND (status:>=500 OR request_time >= 1)"), 80.0);
    let ids = |source: &str| -> BTreeSet<String> {
        let path = format!("/api/search?query=source:{source}&from=0&to=now&format=ndjson&fields=request_id");
        let lines = server.get(&path).text();
        let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["request_id"].to_string();
        lines.lines().map(id).collect()
    };
    let sampled = ids("sample");
    assert!((60..=140).contains(&sampled.len()), "one of four of 400: {}", sampled.len());
    assert_eq!(sampled, ids("same"), "the records of a request are kept in both sources or in none");
}

#[test]
fn records_lie_in_the_day_they_happened_and_old_days_go() {
    let folder = Folder::new();
    let logs = folder.path("*.gz");
    let config = folder.write(
        "weir.yaml",
        format!("sources: [{{name: web, type: file, path: \"{logs}\"}}]\nstore: {{retention: 5d}}\n"),
    );
    let data = folder.path("data");
    let server = Server::start_in(&data, &["-c", &config]);
    let today = now_seconds() / DAY * DAY;
    let mut total = 0.0;
    // The youngest first, so that the others are late; one file has them all.
    for days_ago in [0, 1, 2, 4] {
        let text: String =
            (0..10).map(|second| line(today - days_ago * DAY + second, "/cart", 200, "")).collect();
        folder.publish(&format!("{days_ago}.gz"), gzip(text));
        total += 10.0;
        server.await_sum(NGINX_COUNT, &[], total);
    }
    let midnight = today - DAY;
    let across: String = (-5..5).map(|second| line(midnight + second, "/across", 200, "")).collect();
    folder.publish("across.gz", gzip(across));
    server.await_sum(NGINX_COUNT, &[], total + 10.0);
    roll(&server, &data);
    let days_of_records = "SELECT DISTINCT regexp_extract(filename, 'day=([0-9-]+)', 1), \
                           strftime(\"@timestamp\", '%Y-%m-%d') FROM records ORDER BY 1";
    let mut reader = Reader::start(&data);
    reader.ask(days_of_records);
    let rows = reader.rows().unwrap();
    let days: Vec<&str> = rows.iter().map(|row| row[0].as_str().unwrap()).collect();
    let expected: Vec<String> =
        [4, 2, 1, 0].iter().map(|days_ago| date_time(today - days_ago * DAY)[..10].to_owned()).collect();
    assert_eq!(days, expected);
    assert!(rows.iter().all(|row| row[0] == row[1]), "{rows:?}");

    // What is older than the retention goes, as soon as it is in a file; the counts stay.
    let old: String = (0..10).map(|second| line(today - 9 * DAY + second, "/old", 200, "")).collect();
    folder.publish("old.gz", gzip(old));
    server.await_sum(NGINX_COUNT, &[], total + 20.0);
    roll(&server, &data);
    until("the old day to be gone", || (found(&server, "path:/old") == 0.0).then_some(()));
    assert_eq!(found(&server, "*"), total + 10.0);
    let old_day = format!("{data}/store/day={}", &date_time(today - 9 * DAY)[..10]);
    until("its files to be gone", || fs::read_dir(&old_day).map_or(0, Iterator::count).eq(&0).then_some(()));
    assert_eq!(server.sum(NGINX_COUNT, &[]), total + 20.0, "counts stay");
    assert!(server.log().contains("records have had their time"), "{}", server.log());
}

#[test]
fn a_command_with_another_config_forgets_nothing() {
    let folder = Folder::new();
    let (logs, data) = (folder.path("*.gz"), folder.path("data"));
    let config = folder.write(
        "weir.yaml",
        format!(
            "sources: [{{name: web, type: file, path: \"{logs}\"}}]\nstore: {{retention: 3650d}}\n\
             metrics: {{counters: [{{name: carts_total, where: \"path:/cart\"}}]}}\n"
        ),
    );
    let long_ago = now_seconds() - 90 * DAY;
    let text: String = (0..10).map(|second| line(long_ago + second, "/cart", 200, "")).collect();
    folder.publish("old.gz", gzip(text));
    let server = Server::start_in(&data, &["-c", &config]);
    server.await_sum("carts_total", &[], 10.0);
    roll(&server, &data);
    assert_eq!(server.terminate().0, Some(0));
    // Twice: what the first one dropped, the second would miss.
    for _ in 0..2 {
        let run =
            weir(&["search", "* | count", "--from", "0", "--data-dir", &data, "--output", "json"]).expect(0);
        assert!(run.stdout.contains("10"), "{}", run.stdout);
    }
    let server = Server::start_in(&data, &["-c", &config]);
    assert_eq!(server.sum("carts_total", &[]), 10.0);
    assert_eq!(found(&server, "path:/cart"), 10.0);
}
