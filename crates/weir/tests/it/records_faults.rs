//! What goes wrong with records: no room, damaged files, input and questions that are out of all proportion.
//!
//! Each time the same is asked: is everything found once that can be, is it said what cannot, and does the server
//! go on as if nothing were.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Folder, Random, Server, escaped, now_seconds, until};

const STORED: &str = "weir_source_stored_total";

/// More than the server needs for anything here, and far less than it would need without bounds.
const MEMORY_BYTES_MAX: f64 = 1.5e9;

/// Watched events, and a data folder that outlives the server.
struct Setting {
    folder: Folder,
    config: String,
    data: String,
}

impl Setting {
    /// With more lines of config.
    fn new(more: &str) -> Self {
        let folder = Folder::new();
        let logs = folder.path("*.log");
        let config = folder.write(
            "weir.yaml",
            format!("sources: [{{name: app, type: file, format: ndjson, path: \"{logs}\"}}]\n{more}"),
        );
        let data = folder.path("data");
        Self { folder, config, data }
    }

    fn start(&self) -> Server {
        Server::start_in(&self.data, &["-c", &self.config])
    }

    /// The files below a folder of the store whose name ends so, sorted.
    fn files(&self, end: &str) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![PathBuf::from(format!("{}/store", self.data))]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.to_string_lossy().ends_with(end) {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

/// The answer to a search of everything ever.
#[track_caller]
fn search(server: &Server, query: &str, more: &str) -> Value {
    let response = server.get(&format!("/api/search?query={}&from=0&to=now%2B1d{more}", escaped(query)));
    assert_eq!(response.status, 200, "{query}: {}", response.lossy());
    response.json()
}

#[track_caller]
fn total(server: &Server, query: &str) -> u64 {
    let answer = search(server, query, "&limit=0");
    answer["total"].as_u64().unwrap_or_else(|| panic!("{query}: {answer}"))
}

/// Has everything that is in memory written to files, as a deletion of nothing does.
#[track_caller]
fn roll(server: &Server) {
    let nobody = br#"{"query": "user_email:nobody", "from": "0", "to": "1", "dry_run": false}"#;
    let headers = [("Content-Type", "application/json")];
    let answer = server.request("POST", "/api/delete", &headers, nobody);
    assert_eq!(answer.status, 200, "{}", answer.lossy());
}

/// Every record with its number `n` once, from 0 on.
#[track_caller]
fn check_numbers(server: &Server, count: u64) {
    let lines = server.get("/api/search?from=0&to=now%2B1d&format=ndjson&fields=n").text();
    let number = |line: &str| serde_json::from_str::<Value>(line).unwrap()["n"].as_u64().unwrap();
    let mut numbers: Vec<u64> = lines.lines().map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>());
}

/// Events with numbers from `first` on, each with `bytes` of text that does not pack.
fn events(random: &mut Random, first: u64, count: u64, bytes: u64) -> String {
    events_at(now_seconds() - 3_600, random, first, count, bytes)
}

/// The same, of one second.
fn events_at(second: i64, random: &mut Random, first: u64, count: u64, bytes: u64) -> String {
    let mut text = String::new();
    for number in first..first + count {
        write!(text, "{{\"ts\":{second},\"n\":{number},\"message\":\"").unwrap();
        (0..bytes / 8).for_each(|_| write!(text, "{:08x}", random.below(u64::from(u32::MAX))).unwrap());
        text.push_str("\"}\n");
    }
    text
}

#[test]
fn records_wait_for_room_and_are_found_once_when_there_is_some() {
    /// Enough for the ledger, and not for the records.
    const ROOM_KIB: u64 = 3_000;
    const FILES: u64 = 8;
    const RECORDS: u64 = 100;
    let setting = Setting::new("");
    let mut random = Random::new(1);
    for file in 0..FILES {
        let text = events(&mut random, file * RECORDS, RECORDS, 8_000);
        setting.folder.publish(&format!("{file}.log"), text);
    }
    let server = Server::start_with_little_room(&setting.data, ROOM_KIB, &["-c", &setting.config]);
    until("the disk to be full", || (server.sum("weir_ledger_writable", &[]) == 0.0).then_some(()));
    let counted = server.sum(STORED, &[]);
    assert!(counted < (FILES * RECORDS) as f64, "there was room for all");
    assert_eq!(total(&server, "*") as f64, counted, "what is counted is found, and nothing else");
    assert!(server.log().contains("intake waits"), "{}", server.log());
    server.make_room();
    server.await_sum(STORED, &[], (FILES * RECORDS) as f64);
    check_numbers(&server, FILES * RECORDS);
    roll(&server);
    check_numbers(&server, FILES * RECORDS);
    server.kill();
    check_numbers(&setting.start(), FILES * RECORDS);
}

#[test]
fn less_free_disk_than_is_wanted_stops_intake_and_removes_nothing() {
    let mut setting = Setting::new("");
    setting.folder.append("a.log", events(&mut Random::new(2), 0, 10, 80));
    let server = setting.start();
    server.await_sum(STORED, &[], 10.0);
    server.kill();
    let plenty = fs::read_to_string(&setting.config).unwrap();
    setting.config =
        setting.folder.write("full.yaml", format!("{plenty}store: {{min_free_disk: 900000GB}}\n"));
    setting.folder.append("a.log", events(&mut Random::new(3), 10, 10, 80));
    let server = setting.start();
    until("intake to wait", || (server.sum("weir_ledger_writable", &[]) == 0.0).then_some(()));
    assert!(server.log().contains("free space"), "{}", server.log());
    check_numbers(&server, 10);
    server.kill();
    setting.config = setting.folder.write("weir.yaml", plenty);
    let server = setting.start();
    server.await_sum(STORED, &[], 20.0);
    check_numbers(&server, 20);
}

/// Turns the bytes of the first half of a file over, but for what tells its format.
fn damage(path: &PathBuf) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[4..middle].iter_mut().for_each(|byte| *byte ^= 0x5a);
    fs::write(path, bytes).unwrap();
}

/// Two files of 100 records each, in two days, and the server ended.
fn two_files(setting: &Setting) -> Vec<PathBuf> {
    let server = setting.start();
    for (number, days_ago) in [(0, 1), (1, 3)] {
        let second = now_seconds() - days_ago * 86_400;
        let text = events_at(second, &mut Random::new(4), number * 100, 100, 400);
        setting.folder.append(&format!("{number}.log"), text);
        server.await_sum(STORED, &[], (number * 100 + 100) as f64);
    }
    roll(&server);
    check_numbers(&server, 200);
    server.terminate();
    setting.files(".parquet")
}

#[test]
fn a_damaged_file_is_named_and_the_rest_serves() {
    for harm in ["damaged", "cut", "gone"] {
        let setting = Setting::new("");
        let files = two_files(&setting);
        assert!(files.len() >= 2, "{files:?}");
        match harm {
            "damaged" => damage(&files[0]),
            "cut" => fs::write(&files[0], &fs::read(&files[0]).unwrap()[..500]).unwrap(),
            _ => fs::remove_file(&files[0]).unwrap(),
        }
        let server = setting.start();
        let answer = search(&server, "message:*", "&limit=10000");
        let name = files[0].file_name().unwrap().to_string_lossy().into_owned();
        let found = answer["hits"].as_array().unwrap().len();
        assert!((100..200).contains(&found), "{harm}: {found} of the other file are found");
        assert!(answer["warnings"].to_string().contains(&name), "{harm}: {answer}");
        until("the log to name it", || {
            let log = server.log();
            log.lines().any(|line| line.contains("level=error") && line.contains(&name)).then_some(())
        });
        // It goes on, and says it no second time.
        setting.folder.append("more.log", events(&mut Random::new(5), 200, 10, 80));
        server.await_sum(STORED, &[], 210.0);
        search(&server, "message:*", "");
        roll(&server);
        let log = server.log();
        let said = log.lines().filter(|line| line.contains("level=error") && line.contains(&name)).count();
        assert_eq!(said, 1, "{harm}: {log}");
    }
}

#[test]
fn a_filter_that_is_damaged_or_gone_only_costs_time() {
    let setting = Setting::new("");
    two_files(&setting);
    let filters = setting.files(".filter");
    damage(&filters[0]);
    fs::remove_file(&filters[1]).unwrap();
    let server = setting.start();
    check_numbers(&server, 200);
    for number in [0, 99, 100, 199] {
        assert_eq!(total(&server, &format!("n:{number}")), 1, "{number}");
    }
    assert_eq!(total(&server, "n:4711"), 0);
}

#[test]
fn a_damaged_segment_is_set_aside_and_what_can_be_read_serves() {
    let setting = Setting::new("");
    let server = setting.start();
    for part in 0..4 {
        setting.folder.append("a.log", events(&mut Random::new(6), part * 10, 10, 400));
        server.await_sum(STORED, &[], (part * 10 + 10) as f64);
    }
    server.kill();
    let segments = setting.files(".wal");
    assert_eq!(segments.len(), 1, "{segments:?}");
    // Somewhere in the third commit of four.
    let mut bytes = fs::read(&segments[0]).unwrap();
    let at = bytes.len() * 5 / 8;
    bytes[at] ^= 0xff;
    fs::write(&segments[0], &bytes).unwrap();

    let server = setting.start();
    let name = segments[0].file_stem().unwrap().to_string_lossy().into_owned();
    let log = server.log();
    assert!(log.lines().any(|line| line.contains("level=error") && line.contains(&name)), "{log}");
    let aside = fs::read_dir(format!("{}/store/damaged", setting.data)).unwrap();
    let aside: Vec<PathBuf> = aside.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(fs::read(&aside[0]).unwrap(), bytes, "all of it is set aside");
    let left = total(&server, "*");
    assert!((20..40).contains(&left), "{left} of 40 are left");
    // What comes later is kept as ever, over a restart too.
    setting.folder.append("a.log", events(&mut Random::new(7), 40, 10, 400));
    server.await_sum(STORED, &[], 50.0);
    assert_eq!(total(&server, "*"), left + 10);
    roll(&server);
    assert_eq!(total(&server, "*"), left + 10);
    server.kill();
    assert_eq!(total(&setting.start(), "*"), left + 10);
}

#[test]
fn input_out_of_all_proportion_is_kept_and_bounded() {
    let setting = Setting::new("limits: {line_bytes: 4MiB}\n");
    let second = now_seconds() - 60;
    let names: String = (0..1_000)
        .map(|record| {
            let fields: String =
                (0..100).map(|field| format!(",\"field_{}\":\"v\"", record * 100 + field)).collect();
            format!("{{\"ts\":{second},\"kind\":\"names\"{fields}}}\n")
        })
        .collect();
    let large = format!(
        "{{\"ts\":{second},\"kind\":\"large\",\"body\":\"{}end\"}}\n",
        "0123456789abcdef".repeat(65_536)
    );
    let nested = |kind: &str, depth: usize, open: &str, close: &str| {
        format!(
            "{{\"ts\":{second},\"kind\":\"{kind}\",\"tree\":{}7{}}}\n",
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    let deep: String = [("deep", 60), ("too deep", 5_000)]
        .map(|(kind, depth)| nested(kind, depth, "{\"a\":", "}") + &nested(kind, depth, "[", "]"))
        .concat();
    let mut bytes = (names + &large + &deep).into_bytes();
    bytes.extend_from_slice(format!("{{\"ts\":{second},\"kind\":\"bytes\",\"b\":\"a").as_bytes());
    bytes.extend_from_slice(b"\xff\xfe\xc3\"}\n");
    setting.folder.publish("a.log", bytes);
    let server = setting.start();
    server.await_sum("weir_source_received_total", &[], 1_006.0);
    assert_eq!(server.sum(STORED, &[]), 1_004.0, "{}", server.log());
    // Kept whole, as every line that is no record.
    assert_eq!(server.sum("weir_source_rejected_total", &[]), 2.0);
    let check = |server: &Server| {
        for (query, expected) in [
            ("kind:names", 1_000),
            ("field_0:v", 1),
            ("field_99999:v", 1),
            ("field_4711:* AND field_4712:v", 1),
            ("field_4711:* AND field_4812:v", 0),
            ("kind:large AND body:*end", 1),
            ("body =~ \"abcdef0123456789abcdefend$\"", 1),
            ("kind:deep", 2),
            ("kind:deep AND tree:*", 1),
            ("kind:deep AND tree.a.a.a.a.a.a.a:*", 1),
            ("kind:bytes AND b:a*", 1),
        ] {
            assert_eq!(total(server, query), expected, "{query}");
        }
        let hits = search(server, "NOT kind:names", "&limit=10");
        assert_eq!(hits["hits"].as_array().unwrap().len(), 4);
        let memory = server.sum("process_resident_memory_bytes", &[]);
        assert!(memory > 0.0 && memory < MEMORY_BYTES_MAX, "{memory} bytes");
    };
    check(&server);
    let fields = server.get("/api/fields?from=0&to=now");
    assert_eq!(fields.status, 200, "{}", fields.lossy());
    roll(&server);
    check(&server);
    server.kill();
    check(&setting.start());
}

#[test]
fn hostile_questions_get_an_answer_and_harm_nobody() {
    let setting = Setting::new("");
    let mut text = String::new();
    for number in 0..20_000_u64 {
        let second = now_seconds() - 60;
        writeln!(
            text,
            "{{\"ts\":{second},\"n\":{number},\"id\":\"{number:x}-{}\",\"message\":\"{}\"}}",
            number * 7,
            "a".repeat(60)
        )
        .unwrap();
    }
    setting.folder.publish("a.log", text);
    let server = setting.start();
    server.await_sum(STORED, &[], 20_000.0);
    roll(&server);
    let nested = |depth: usize| format!("{}n:1{}", "(".repeat(depth), ")".repeat(depth));
    let many = |terms: usize| (0..terms).map(|term| format!("n:{term}")).collect::<Vec<_>>().join(" OR ");
    for (query, status) in [
        ("message =~ \"(a+)+$\"".to_owned(), 200),
        ("message =~ \"(a|a?)+b\"".to_owned(), 200),
        ("message =~ \"a{1000}{1000}\"".to_owned(), 400),
        ("message =~ \"\\w{5000}\"".to_owned(), 400),
        (format!("message =~ \"{}\"", "(a*)*".repeat(200)), 200),
        ("message =~ \"(?=a)\"".to_owned(), 400),
        ("id:*1*2*3*4*5*6*7*8*9*".to_owned(), 200),
        (format!("id:{}", "*a".repeat(17)), 400),
        ("id:*".to_owned(), 200),
        ("*a* *b* *c*".to_owned(), 200),
        (nested(100), 200),
        (nested(101), 400),
        (nested(5_000), 400),
        (format!("{} n:1", "NOT ".repeat(3_000)), 400),
        (many(1_000), 200),
        (many(1_001), 400),
        (format!("message:{}", "x".repeat(16_384)), 400),
        (format!("message:\"{}\"", "a ".repeat(65)), 400),
        ("n:[".to_owned(), 400),
        ("\u{0}\u{1b}[31m\u{202e}".to_owned(), 200),
    ] {
        let path = format!("/api/search?query={}&from=0&to=now&limit=1", escaped(&query));
        let response = server.get(&path);
        let shown: String = query.chars().take(80).collect();
        assert_eq!(response.status, status, "{shown}: {}", response.lossy());
        let answer = response.json();
        if status == 400 {
            assert_eq!(answer["code"], "bad_query", "{shown}: {answer}");
            assert!(answer["column"].is_u64() && answer["hint"].is_string(), "{shown}: {answer}");
            assert!(answer.to_string().len() < 2_000, "{shown}: {answer}");
        }
    }
    for statistics in [
        "p99(n), cardinality(id), p50(n) by id",
        "p99(n), avg(n), min(n), max(n) by n, id, @timestamp:1s",
        "cardinality(message) by id, n",
    ] {
        let query = format!("* | stats {statistics} | limit 100000");
        let response = server.get(&format!("/api/aggregate?query={}&from=0&to=now", escaped(&query)));
        assert_eq!(response.status, 200, "{statistics}: {}", response.lossy());
        assert_eq!(response.json()["rows"].as_array().unwrap().len(), 20_000, "{statistics}");
    }
    let memory = server.sum("process_resident_memory_bytes", &[]);
    assert!(memory < MEMORY_BYTES_MAX, "{memory} bytes");
    assert_eq!(total(&server, "n:4711"), 1);
    assert!(!server.log().contains("panic"), "{}", server.log());
}

#[test]
fn exports_that_nobody_reads_hold_up_nobody_else() {
    /// Exports at a time.
    const EXPORTS: usize = 16;
    const RECORDS: u64 = 300;
    let setting = Setting::new("");
    // More than all buffers between two programs have.
    setting.folder.publish("a.log", events(&mut Random::new(8), 0, RECORDS, 100_000));
    let server = setting.start();
    server.await_sum(STORED, &[], RECORDS as f64);
    let open = || {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let path = "/api/search?format=ndjson&from=0&to=now";
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", server.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        (String::from_utf8_lossy(&status).into_owned(), stream)
    };
    let mut exports: Vec<(String, TcpStream)> = (0..EXPORTS).map(|_| open()).collect();
    let statuses: BTreeSet<&str> = exports.iter().map(|(status, _)| &status[9..]).collect();
    assert_eq!(statuses, BTreeSet::from(["200"]));
    // Nobody reads on, and everything else is as ever.
    assert_eq!(&open().0[9..], "503", "one more export has to wait");
    assert_eq!(total(&server, "n:7"), 1);
    setting.folder.publish("b.log", events(&mut Random::new(9), RECORDS, 20, 80));
    server.await_sum(STORED, &[], (RECORDS + 20) as f64);
    assert_eq!(total(&server, "n:310"), 1);
    roll(&server);
    assert_eq!(total(&server, "n:310"), 1);
    let memory = server.sum("process_resident_memory_bytes", &[]);
    assert!(memory < MEMORY_BYTES_MAX, "{memory} bytes");
    // Who reads at last gets what was there when he asked; who goes makes room.
    let (_, mut last) = exports.pop().unwrap();
    let mut text = String::new();
    last.read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("\"n\":")).count() as u64, RECORDS);
    drop(exports);
    until("an export to be taken", || (&open().0[9..] == "200").then_some(()));
}
