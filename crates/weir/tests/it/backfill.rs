//! Backfills of a real bucket: history is counted once, and disturbs nothing that tells of now.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::aws::{Bucket, CREDENTIALS};
use crate::support::{Account, Folder, Run, Server, alb_key, gzip, now_seconds, output, until, weir_command};

const COUNT: &str = "alb_log_request_count_total";
const DUPLICATES: &str = "weir_duplicate_objects_total";
const STORED: &str = "weir_source_stored_total";

/// A bucket with objects that nobody told of, and a config.
struct Setting {
    bucket: Bucket,
    folder: Folder,
    config: String,
    /// What all objects have.
    account: Account,
    base: i64,
}

impl Setting {
    fn with(bucket: Bucket, input: &str) -> Self {
        let folder = Folder::new();
        let config = folder.write("weir.yaml", format!("sources: [{{name: alb, type: alb, {input}}}]\n"));
        // All of it long complete: what is younger is left to the source itself.
        let base = now_seconds() / 300 * 300 - 30 * 3600;
        Self { bucket, folder, config, account: Account::default(), base }
    }

    /// A source with a queue that is told of nothing by itself.
    fn queue(what: &str) -> Self {
        let bucket = Bucket::without_notifications(what);
        let input = bucket.sqs("");
        Self::with(bucket, &input)
    }

    fn data(&self) -> String {
        self.folder.path("data")
    }

    fn start(&self) -> Server {
        Server::start_in(&self.data(), &["-c", &self.config])
    }

    /// Puts an object with `count` requests into the interval of this number, and returns its key.
    fn put(&mut self, number: i64, count: u64) -> String {
        let second = self.base + number * 300;
        let text = self.account.requests(second + 7, "/cart", 200, count);
        let key = alb_key(second + 300, "10.0.0.1", &format!("x{number}"));
        self.account.objects += 1;
        self.bucket.put(&key, gzip(text));
        key
    }

    #[track_caller]
    fn backfill(&self, arguments: &[&str]) -> Run {
        let url = format!("s3://{}/", self.bucket.name);
        let data = self.data();
        let mut command = weir_command(&["backfill", &url, "-c", &self.config, "--data-dir", &data]);
        output(command.args(arguments).envs(CREDENTIALS))
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let run = self.backfill(&[arguments, &["--output", "json"]].concat()).expect(0);
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
    }
}

#[track_caller]
fn check(result: &Value, counted: u64, duplicates: u64, records: u64) {
    let number = |name: &str| result[name].as_u64().unwrap();
    assert_eq!(result["state"], "complete", "{result}");
    let found = (number("counted"), number("duplicates"), number("records"), number("failed"));
    assert_eq!(found, (counted, duplicates, records, 0), "{result}");
}

#[test]
fn history_is_in_the_numbers_of_a_promise_and_in_no_counter_of_it() {
    let mut setting = Setting::queue("promise");
    let text = std::fs::read_to_string(&setting.config).unwrap();
    let sla = "services: [{name: shop, match: {source: alb}}]\n\
        slas: [{name: fast, service: shop, indicator: {latency: {threshold: 0.4s}}, objective: 95}]\n";
    setting.config = setting.folder.write("slas.yaml", text + sla);
    let server = setting.start();
    setting.put(1, 7);
    check(&setting.json(&[]), 1, 0, 7);
    until("the promise to have it", || {
        let sla = server.get("/api/slas").json()["slas"][0].clone();
        (sla["good"] == 7 && sla["bad"] == 0).then_some(())
    });
    assert_eq!(server.sum("weir_sla_events_total", &[("sla", "fast")]), 0.0);
}

#[test]
fn history_goes_into_the_minutes_only_and_is_known_to_the_queue() {
    let mut setting = Setting::queue("history");
    let server = setting.start();
    let told = setting.put(0, 5);
    setting.bucket.queue.send(&setting.bucket.notification(&[&told]));
    server.await_sum(COUNT, &[], 5.0);
    let keys = [setting.put(1, 7), setting.put(2, 11)];
    let watermark = server.get("/api/sources").json()["sources"][0]["nodes"].clone();

    check(&setting.json(&[]), 2, 1, 18);
    assert_eq!(server.sum(COUNT, &[]), 5.0, "the counters tell of now");
    assert_eq!(server.sum(STORED, &[("source", "alb")]), 23.0);
    assert_eq!(server.sum("weir_source_late_records_total", &[("source", "alb")]), 0.0);
    assert_eq!(server.get("/api/sources").json()["sources"][0]["nodes"], watermark);
    setting.account.check_minutes(&server);

    let before = server.sum(DUPLICATES, &[("source", "alb")]);
    setting.bucket.queue.send(&setting.bucket.notification(&[&keys[0], &keys[1]]));
    server.await_sum(DUPLICATES, &[("source", "alb")], before + 2.0);
    assert_eq!(server.sum(COUNT, &[]), 5.0);
    check(&setting.json(&["--counters"]), 0, 3, 0);
    setting.put(3, 13);
    check(&setting.json(&["--counters"]), 1, 3, 13);
    assert_eq!(server.sum(COUNT, &[]), 18.0);
    setting.account.check_minutes(&server);
}

#[test]
fn only_the_span_is_counted_and_a_source_of_its_own_takes_what_is_nobodys() {
    let bucket = Bucket::without_notifications("span");
    let input = format!("s3: {{bucket: {}, prefix: elsewhere/, {}}}", bucket.name, bucket.endpoint());
    let mut setting = Setting::with(bucket, &input);
    for number in 0..4 {
        setting.put(number, 2);
    }
    // The first two intervals only; a line of the third could be none of these.
    let to = (setting.base + 600).to_string();
    let run = setting.backfill(&["--to", &to, "--source", "alb"]).expect(0);
    assert!(
        run.stdout.starts_with("complete: 2 objects counted for alb (4 records, 0 rejects)"),
        "{}",
        run.stdout
    );
    check(&setting.json(&["--source", "alb"]), 2, 2, 4);
    let server = setting.start();
    setting.account.check_minutes(&server);
    assert_eq!(server.sum(COUNT, &[]), 0.0);
    let wrong = setting.backfill(&["--source", "nobody"]).expect(2).stderr;
    assert!(wrong.contains("no source `nobody`"), "{wrong}");
}

#[test]
fn a_crash_at_any_step_of_a_backfill_counts_nothing_twice() {
    for step in ["gathered", "looked up", "prepared", "written", "applied", "answered"] {
        let mut setting = Setting::queue("crash");
        for number in 0..3 {
            setting.put(number, 4);
        }
        let url = format!("s3://{}/", setting.bucket.name);
        let data = setting.data();
        let mut command =
            weir_command(&["backfill", &url, "-c", &setting.config, "--data-dir", &data, "--counters"]);
        let crashed = output(command.envs(CREDENTIALS).env("WEIR_CRASH_AT", format!("{step}:1")));
        assert_eq!(crashed.code, -1, "{step}: {}", crashed.stderr);
        setting.backfill(&["--counters"]).expect(0);
        setting.account.check(&setting.start(), "alb");
    }
}

#[test]
fn an_object_that_cannot_be_read_is_a_reject_until_it_is_mended() {
    let mut setting = Setting::queue("broken");
    setting.put(0, 4);
    let good = gzip(setting.account.requests(setting.base + 310, "/cart", 200, 2));
    let key = alb_key(setting.base + 600, "10.0.0.2", "cut");
    setting.bucket.put(&key, &good[..good.len() / 2]);
    let result = setting.backfill(&["--output", "json", "--strict"]).expect(3);
    let result: Value = serde_json::from_str(&result.stdout).unwrap();
    assert_eq!((&result["counted"], &result["rejected_objects"]), (&1.into(), &1.into()), "{result}");
    // Mended in the bucket, it is counted when its reject is replayed.
    setting.bucket.put(&key, &good);
    let mut command =
        weir_command(&["rejects", "-c", &setting.config, "--data-dir", &setting.data(), "replay", "--all"]);
    let replayed = output(command.envs(CREDENTIALS)).expect(0);
    assert_eq!(replayed.stdout, "replayed 1 reject: 2 records; 0 still rejected\n", "{}", replayed.stderr);
    let missing = output(
        weir_command(&[
            "backfill",
            "s3://no-such-bucket/",
            "-c",
            &setting.config,
            "--data-dir",
            &setting.data(),
        ])
        .envs(CREDENTIALS),
    );
    assert!(missing.expect(1).stderr.contains("does not exist"));
}

/// Objects of a backfill that is stopped: more than are done within a second.
const OBJECTS: i64 = 280;

/// Objects that are counted at the same time, and so also after the stop.
const IN_WORK: i64 = 70;

#[test]
fn a_backfill_that_nobody_listens_to_stops_and_the_next_one_counts_the_rest() {
    let mut setting = Setting::queue("stopped");
    for number in 0..OBJECTS {
        setting.put(number, 1);
    }
    let server = setting.start();
    let body = format!("{{\"url\": \"s3://{}/\"}}", setting.bucket.name);
    let head = format!(
        "POST /api/backfill HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let done = first_done(&stream);
    drop(stream);
    let result = until("the other one to stop", || {
        let run = setting.backfill(&["--output", "json"]);
        assert!(run.code == 0 || run.stderr.contains("a backfill is under way"), "{}", run.stderr);
        (run.code == 0).then(|| serde_json::from_str::<Value>(&run.stdout).unwrap())
    });
    assert_eq!(result["state"], "complete", "{result}");
    if done + IN_WORK < OBJECTS {
        assert!(result["resumed_after"].is_string(), "{done} were done: {result}");
        assert!(result["listed"].as_i64().unwrap() < OBJECTS, "{result}");
    }
    assert_eq!(server.sum(STORED, &[("source", "alb")]), OBJECTS as f64, "{result}");
    setting.account.check_minutes(&server);
    // A backfill that was finished begins anew.
    check(&setting.json(&[]), 0, OBJECTS.unsigned_abs(), 0);
}

/// The number of objects in the first line of an answer that has some done.
fn first_done(stream: &TcpStream) -> i64 {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let done = |line: String| {
        let (_, rest) = line.split_once("\"done\":")?;
        rest.split(',').next()?.parse().ok().filter(|done| *done > 0)
    };
    lines.into_iter().find_map(done).expect("progress")
}
