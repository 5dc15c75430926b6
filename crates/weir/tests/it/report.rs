//! The report: a table for people, JSON and CSV for programs, and numbers that are right.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::recount::Line;
use crate::support::lines::{alb, albs, nginx_json};
use crate::support::{Folder, Server, gzip, output, weir, weir_command, weir_with_input};

const COUNT: &str = "alb_log_request_count_total";

/// The columns of values, by the names that JSON, CSV and `--order` have for them.
const VALUES: [&str; 9] = ["count", "rate", "error_ratio", "avg", "p50", "p95", "p99", "max", "bytes_out"];

/// A plain file of sample traffic, and its folder.
fn sample(requests: &str) -> (Folder, String) {
    let folder = Folder::new();
    let write = ["demo", "--requests", requests, "--files", "1", "--plain", "--write", &folder.path("")];
    weir(&write).expect(0);
    let path = folder.path("part-0000.log");
    (folder, path)
}

/// The JSON report of a file.
#[track_caller]
fn json(arguments: &[&str]) -> Value {
    let run = weir(&[&["report", "--output", "json"], arguments].concat()).expect(0);
    serde_json::from_str(&run.stdout).unwrap()
}

fn rows(report: &Value) -> &Vec<Value> {
    report["rows"].as_array().unwrap()
}

#[test]
fn the_table_fits_its_columns() {
    let (_folder, path) = sample("3000");
    for by in ["route,method", "host,status", "route,method,status", "hour", "target_group,status"] {
        let arguments = ["report", "--by", by, &path];
        let table = output(weir_command(&arguments).env("COLUMNS", "80")).expect(0).stdout;
        let widest = table.lines().max_by_key(|line| unicode_width::UnicodeWidthStr::width(*line)).unwrap();
        assert!(unicode_width::UnicodeWidthStr::width(widest) <= 80, "--by {by}:\n{widest}");
        assert!(table.lines().all(|line| line == line.trim_end()), "{table}");
        let whole = weir(&arguments).expect(0).stdout;
        assert!(!whole.contains('\u{2026}'), "what is no terminal gets all of it:\n{whole}");
    }
}

#[test]
fn the_total_stands_below_its_columns() {
    let text = albs(1_200, "/cart", 200) + &albs(3, "/orders/7", 503);
    for by in ["route", "route,method", "route,method,status"] {
        let table = weir_with_input(&["report", "--by", by, "-"], text.as_bytes()).expect(0).stdout;
        let widths: Vec<usize> = table.lines().map(str::len).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "--by {by}:\n{table}");
    }
}

#[test]
fn wide_letters_are_measured_as_a_terminal_does() {
    let path = "/\u{5546}\u{54c1}/\u{691c}\u{7d22}".repeat(8);
    let lines: String = [path.as_str(), "/a"].map(|path| nginx_json(path, 200)).concat();
    let table = weir_with_input(&["report", "--by", "path", "-"], lines.as_bytes()).expect(0).stdout;
    let widths: Vec<usize> = table.lines().map(unicode_width::UnicodeWidthStr::width).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
}

#[test]
fn the_limit_is_30_rows_and_what_is_left_out_is_said() {
    let (_folder, path) = sample("3000");
    let table = weir(&["report", &path]).expect(0).stdout;
    assert_eq!(table.lines().count(), 1 + 30 + 2, "{table}");
    assert!(table.lines().nth(31).unwrap().contains(" more rows "), "{table}");
    assert!(table.lines().last().unwrap().contains(" 3,000 "), "{table}");
    let all = json(&["--limit", "0", &path]);
    let some = json(&["--limit", "7", &path]);
    assert_eq!((rows(&some).len(), all["rows_left_out"].as_u64()), (7, Some(0)));
    assert_eq!(some["rows_left_out"].as_u64().unwrap() as usize, rows(&all).len() - 7);
    assert_eq!(rows(&some)[..], rows(&all)[..7]);
    assert_eq!(some["total"], all["total"]);
}

#[test]
fn every_column_orders_in_both_directions() {
    let (_folder, path) = sample("2000");
    let by = ["--by", "route,method,status", "--limit", "0"];
    for column in ["route", "method", "status"].iter().chain(&VALUES) {
        let order_of = |order: &str| -> Vec<Value> {
            let report = json(&[&by[..], &["--order", order, &path]].concat());
            rows(&report).iter().map(|row| row[column].clone()).collect()
        };
        let (rising, falling) = (order_of(column), order_of(&format!("-{column}")));
        for (values, is_rising) in [(&rising, true), (&falling, false)] {
            let known = values.iter().take_while(|value| !value.is_null()).count();
            assert!(values[known..].iter().all(Value::is_null), "{column}: a missing value is not last");
            let in_order =
                |pair: &[Value]| is_at_most(&pair[usize::from(!is_rising)], &pair[usize::from(is_rising)]);
            assert!(values[..known].windows(2).all(in_order), "{column}: {values:?}");
        }
        assert!(rising[0] != falling[0], "{column} has one value only");
    }
}

fn is_at_most(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one <= other,
        _ => one.as_str().unwrap() <= other.as_str().unwrap(),
    }
}

#[test]
fn csv_and_json_say_the_same() {
    let (_folder, path) = sample("2000");
    let arguments = ["--by", "host,status", "--limit", "0", path.as_str()];
    let report = json(&arguments);
    let csv = weir(&[&["report", "--output", "csv"][..], &arguments].concat()).expect(0).stdout;
    let mut lines = csv.split_terminator("\r\n").map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    assert_eq!(header, [&["host", "status"][..], &VALUES].concat());
    let lines: Vec<Vec<&str>> = lines.collect();
    assert_eq!(lines.len(), rows(&report).len());
    for (line, row) in lines.iter().zip(rows(&report)) {
        for (name, cell) in header.iter().zip(line) {
            let value = row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
            assert_eq!(*cell, if value == "null" { "" } else { &value }, "{name} of {row}");
        }
    }
    let counts = rows(&report).iter().map(|row| row["count"].as_u64().unwrap());
    assert_eq!((counts.sum(), report["total"]["count"].as_u64()), (2_000_u64, Some(2_000)));
}

#[test]
fn a_cell_of_csv_is_no_formula_and_one_field() {
    let lines: String = ["=cmd|' /C calc'!A0", r#"/a,\"b\""#].map(|path| nginx_json(path, 200)).concat();
    let run =
        weir_with_input(&["report", "--output", "csv", "--by", "path", "-"], lines.as_bytes()).expect(0);
    let cells: Vec<&str> = run.stdout.split_terminator("\r\n").skip(1).collect();
    assert!(cells[0].starts_with("\"/a,\"\"b\"\"\",1,"), "{}", run.stdout);
    assert!(cells[1].starts_with("\"'=cmd|' /C calc'!A0\",1,"), "{}", run.stdout);
}

/// Whether an estimate lies within 1 % of the exact percentile, by whatever rule that is ranked.
fn is_near(estimate: f64, sorted_us: &[u64], percent: usize) -> bool {
    let rank = sorted_us.len() * percent / 100;
    let at = |rank: usize| sorted_us[rank.min(sorted_us.len() - 1)] as f64 / 1e6;
    (at(rank.saturating_sub(1)) * 0.99..=at(rank) * 1.01).contains(&estimate)
}

#[test]
fn percentiles_are_within_1_percent() {
    let (folder, path) = sample("10000");
    let text = String::from_utf8_lossy(&std::fs::read(folder.path("part-0000.log")).unwrap()).into_owned();
    let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for line in text.lines().map(Line::read) {
        *counts.entry(line.status.clone()).or_default() += 1;
        if let Some(time) = line.request_time_us.filter(|_| !line.is_connection) {
            times.entry(line.status).or_default().push(time);
        }
    }
    let report = json(&["--by", "status", "--limit", "0", &path]);
    assert_eq!(rows(&report).len(), counts.len());
    for row in rows(&report) {
        let status = row["status"].as_str().unwrap();
        assert_eq!(row["count"].as_u64(), Some(counts[status]), "{status}");
        let Some(times) = times.get_mut(status) else {
            assert!(row["p50"].is_null() && row["avg"].is_null() && row["max"].is_null(), "{row}");
            continue;
        };
        times.sort_unstable();
        for (name, percent) in [("p50", 50), ("p95", 95), ("p99", 99)] {
            assert!(is_near(row[name].as_f64().unwrap(), times, percent), "{name} of {row}");
        }
        assert_eq!(row["max"].as_f64(), times.last().map(|&time| time as f64 / 1e6), "{row}");
        let mean = times.iter().sum::<u64>() as f64 / times.len() as f64 / 1e6;
        assert!((row["avg"].as_f64().unwrap() - mean).abs() < 1e-6, "{mean}: {row}");
    }
}

#[test]
fn hours_are_those_of_the_requests() {
    let (_folder, path) = sample("2000");
    let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for line in text.lines() {
        let time = line.split(' ').nth(1).unwrap();
        *expected.entry(format!("{}:00:00Z", &time[..13])).or_default() += 1;
    }
    let report = json(&["--by", "hour", "--order", "hour", &path]);
    let found = rows(&report)
        .iter()
        .map(|row| (row["hour"].as_str().unwrap().to_owned(), row["count"].as_u64().unwrap()));
    assert_eq!(found.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
}

/// The requests that are left of three, at 10:00:00, 10:00:01 and 10:00:02.
#[track_caller]
fn check_span(arguments: &[&str], expected: u64) {
    let text = albs(3, "/cart", 200);
    let run =
        weir_with_input(&[&["report", "--output", "json"], arguments, &["-"]].concat(), text.as_bytes())
            .expect(0);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["total"]["count"].as_u64(), Some(expected), "{arguments:?}");
}

#[test]
fn from_is_inclusive_and_to_is_exclusive() {
    check_span(&["--from", "2026-11-20T10:00:01Z"], 2);
    check_span(&["--to", "2026-11-20T10:00:01Z"], 1);
    check_span(&["--from", "2026-11-20T10:00:00Z", "--to", "2026-11-20T10:00:02Z"], 2);
    check_span(&["--from", "2026-11-20", "--to", "2026-11-21"], 3);
    check_span(&["--from", "2026-11-20T13:00:01+03:00"], 2);
    check_span(&["--from", "1795168801", "--to", "1795168801001"], 1);
    check_span(&["--to", "2026-11-20T10:00:00Z"], 0);
    check_span(&["--from", "2026-11-21"], 0);
}

#[test]
fn a_report_of_nothing_is_a_report() {
    for output in ["table", "json", "csv"] {
        let run = weir_with_input(&["report", "--output", output, "-"], b"").expect(0);
        assert!(!run.stdout.is_empty() && run.stderr.contains("0 records"), "{output}: {}", run.stderr);
    }
    check_span(&["--from", "2027-01-01"], 0);
}

#[test]
fn errors_are_a_share_of_all_requests() {
    let text =
        albs(97, "/cart", 200) + &albs(2, "/cart", 404) + &alb("2026-11-20T10:15:30.123456Z", "/cart", 503);
    let run = weir_with_input(&["report", "-"], text.as_bytes()).expect(0);
    let row: Vec<&str> = run.stdout.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..4], ["/cart", "GET", "100", "1.00%"], "{}", run.stdout);
}

#[test]
fn a_report_of_the_server_is_that_of_the_files() {
    let folder = Folder::new();
    let data = folder.path("data");
    let log = folder.publish("a.log.gz", gzip(albs(30, "/cart", 200) + &albs(12, "/orders/7", 503)));
    let server = Server::start_in(&data, &[&log]);
    server.await_sum(COUNT, &[], 42.0);
    let span =
        ["--from", "2026-11-20", "--to", "2026-11-21", "--output", "json", "--where", "NOT path:/nothing"];
    let rows = |more: &[&str]| {
        let run = weir(&[&["report"], more, &span[..]].concat()).expect(0);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let row = |row: &Value| {
            let names = ["route", "method", "count", "error_ratio"];
            names.iter().map(|name| row[*name].to_string()).collect::<Vec<_>>().join(" ")
        };
        report["rows"].as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let of_files = rows(&[&log]);
    assert_eq!(of_files, ["\"/cart\" \"GET\" 30 0.0", "\"/orders/{id}\" \"GET\" 12 1.0"]);
    assert_eq!(rows(&["--data-dir", &data]), of_files);
    drop(server);
}

#[test]
fn a_report_of_the_server_has_what_is_not_kept() {
    let folder = Folder::new();
    let log = folder.publish("a.log.gz", gzip(albs(30, "/cart", 200) + &albs(12, "/orders/7", 503)));
    let config = folder
        .write("weir.yaml", format!("sources: [{{name: edge, type: alb, path: \"{log}\", keep: errors}}]\n"));
    let data = folder.path("data");
    let server = Server::start_in(&data, &["-c", &config]);
    server.await_sum(COUNT, &[], 42.0);
    let asked = |more: &[&str]| {
        let asked = ["report", "--data-dir", &data, "--from", "2026-11-20", "--to", "2026-11-21T00:00"];
        weir(&[&asked[..], &["--output", "csv"], more].concat()).expect(0)
    };
    let counts = |run: &str| -> Vec<String> {
        let cells = |line: &str| line.split(',').take(2).collect::<Vec<_>>().join(" ");
        run.lines().skip(1).map(cells).collect()
    };
    for (by, expected) in [
        ("route", &["/cart 30", "/orders/{id} 12"][..]),
        ("source", &["edge 42"]),
        ("method", &["GET 42"]),
        // Of the records that are kept.
        ("status", &["503 12"]),
    ] {
        assert_eq!(counts(&asked(&["--by", by]).stdout), expected, "{by}");
    }
    let of_records = asked(&["--by", "route", "--where", "*"]);
    assert_eq!(counts(&of_records.stdout), ["/orders/{id} 12"]);
    assert!(of_records.stderr.contains("42 requests were counted"), "{}", of_records.stderr);
    let wrong = |more: &[&str]| weir(&[&["report", "--data-dir", &data], more].concat()).expect(2).stderr;
    for (more, said) in [
        (&["--where", "path:/a OR statsu:2"][..], "column 12"),
        (&["--tz", "Mars"], "--tz: `Mars` is no time zone"),
        (&["--from", "soon"], "--from: `soon` is not a time"),
        (&["--by", "controller"], "by controller'"),
    ] {
        let stderr = wrong(more);
        assert!(stderr.contains(said), "{stderr}");
    }
    drop(server);
}
