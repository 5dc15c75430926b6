//! Promises: what counts as good, in which minute, on `/metrics` and in rules that a real Prometheus takes.

use std::fmt::Write;
use std::process::Command;

use crate::support::metrics::samples;
use crate::support::receiver::Receiver;
use crate::support::{FalseClock, Folder, Server, date_time, now_seconds, until, weir};

const EVENTS: &str = "weir_sla_events_total";

/// A config with these SLAs about requests that files of `logs/` have.
fn config(folder: &Folder, slas: &str) -> String {
    std::fs::create_dir_all(folder.path("logs")).unwrap();
    let text = format!(
        "sources: [{{name: web, type: file, path: '{}', format: nginx_json}}]\n\
         services: [{{name: shop, match: {{source: web}}, routes: ['/api/{{id}}', /pay]}}]\n{slas}",
        folder.path("logs")
    );
    folder.write("weir.yaml", text)
}

fn line(path: &str, status: u16, seconds: &str, second: u32) -> String {
    format!(
        "{{\"time_iso8601\":\"2026-11-20T10:{:02}:{:02}+00:00\",\"host\":\"shop.example.com\",\"request_method\":\"GET\",\
         \"request_uri\":\"{path}\",\"status\":\"{status}\",\"request_time\":\"{seconds}\"}}\n",
        second / 60,
        second % 60
    )
}

fn deliver(folder: &Folder, name: &str, lines: &str) {
    let written = folder.write(&format!("{name}.new"), lines);
    std::fs::rename(written, folder.path(&format!("logs/{name}"))).unwrap();
}

const SLAS: &str = "slas:
  - name: latency
    service: shop
    by: [route, method]
    indicator: {latency: {threshold: 0.35s}}
    objective: 95
    only: [{route: /pay, method: GET}, {route: '/api/{id}', method: GET}]
    overrides: [{route: /pay, threshold: 1s, objective: 90}]
    alerting: [{name: ShopSlow, kind: threshold, window: 5m, for: 5m, min_events: 40}]
    labels: {team: core}
  - name: availability
    service: shop
    indicator: {ratio: {bad: 'status:>=500'}}
    objective: 99.9
    alerting: [{kind: burnrate}]
    on_no_traffic: keep
";

fn sums(server: &Server) -> Vec<(String, u64)> {
    let metrics = server.metrics();
    let mut sums: Vec<(String, u64)> = samples(&metrics)
        .into_iter()
        .filter(|sample| sample.name == EVENTS)
        .map(|sample| {
            let label = |name: &str| sample.labels.get(name).cloned().unwrap_or_default();
            (format!("{} {} {}", label("sla"), label("route"), label("result")), sample.value as u64)
        })
        .collect();
    sums.sort();
    sums
}

#[test]
fn requests_are_good_or_bad_and_counted_once() {
    let folder = Folder::new();
    let config = config(&folder, SLAS);
    let data = folder.path("data");
    let expected = |values: [u64; 6]| {
        let names = [
            "availability  bad",
            "availability  good",
            "latency /api/{id} bad",
            "latency /api/{id} good",
            "latency /pay bad",
            "latency /pay good",
        ];
        names.map(str::to_owned).into_iter().zip(values).collect::<Vec<_>>()
    };
    let server = Server::start_in(&data, &["-c", &config]);
    assert_eq!(sums(&server), expected([0; 6]), "there at 0 before the first request");
    let mut lines = String::new();
    for (path, status, seconds) in [
        ("/api/1", 200, "0.350"),
        ("/api/2", 404, "0.350"),
        ("/api/3", 200, "0.351"),
        ("/api/4", 503, "0.001"),
        ("/pay", 200, "1.000"),
        ("/pay", 200, "1.001"),
        ("/other", 200, "0.001"),
    ] {
        let _ = write!(lines, "{}", line(path, status, seconds, 5));
    }
    deliver(&folder, "a.json", &lines);
    server.await_sum(EVENTS, &[("sla", "availability")], 7.0);
    assert_eq!(sums(&server), expected([1, 6, 2, 2, 1, 1]));
    // The time that is promised is a bound of the histogram.
    server.await_sum(
        "nginx_http_request_time_bucket",
        &[("le", "0.35"), ("api_method_end_point", "/api/{id}")],
        3.0,
    );
    server.kill();

    let server = Server::start_in(&data, &["-c", &config]);
    assert_eq!(sums(&server), expected([1, 6, 2, 2, 1, 1]), "after a restart");
    deliver(&folder, "b.json", &line("/pay", 200, "0.1", 70));
    server.await_sum(EVENTS, &[("sla", "availability")], 8.0);
    assert_eq!(sums(&server), expected([1, 7, 2, 2, 1, 2]));
}

#[test]
fn the_config_is_checked_and_says_when_somebody_can_know() {
    let folder = Folder::new();
    let config = config(&folder, SLAS);
    let check = weir(&["check", "-c", &config]).expect(0);
    for line in [
        "alert `ShopSlow` (page) of the SLA `latency`: the earliest page is 10m10s after onset (lateness 10s + window 5m \
         + for 5m)",
        "alert `ErrorBudgetBurn` (page) of the SLA `availability`: the earliest page is 5m10s after onset",
        "alert `ErrorBudgetBurn` (ticket) of the SLA `availability`",
    ] {
        assert!(check.stderr.contains(line), "{line}\n{}", check.stderr);
    }
}

#[test]
fn a_real_prometheus_takes_the_rules_and_their_tests() {
    let folder = Folder::new();
    let remote = "metrics: {remote_write: [{url: 'http://127.0.0.1:1/w', sources: [web]}]}\n";
    for more in ["", remote] {
        let config = config(&folder, &format!("{SLAS}{more}"));
        let out = folder.path("rules");
        weir(&["rules", "-c", &config, "--out", &out]).expect(0);
        for arguments in [
            ["check", "rules", "weir.rules.yaml"],
            ["check", "rules", "weir-plain.rules.yaml"],
            ["test", "rules", "weir.rules.test.yaml"],
        ] {
            let ran = Command::new("promtool").args(arguments).current_dir(&out).output().unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert!(ran.status.success(), "{arguments:?} {}{}", text(&ran.stdout), text(&ran.stderr));
        }
        let rules = weir(&["rules", "-c", &config]).expect(0).stdout;
        assert_eq!(rules.contains(" offset 2m"), more == remote, "{rules}");
        let newer = weir(&["rules", "-c", &config, "--target-version", "2.53"]).expect(0).stdout;
        assert_eq!(newer.contains("query_offset: 2m"), more == remote, "{newer}");
    }
}

#[test]
fn without_promises_there_are_no_rules() {
    let folder = Folder::new();
    let config = config(&folder, "");
    let run = weir(&["rules", "-c", &config]).expect(1);
    assert!(run.stderr.contains("no `slas`"), "{}", run.stderr);
}

/// A server with a clock that the test moves, and what it says of alerts.
struct Watched {
    folder: Folder,
    config: String,
    clock: FalseClock,
    files: u32,
}

impl Watched {
    fn new(slas: &str) -> Self {
        let folder = Folder::new();
        let config = config(&folder, slas);
        Self { folder, config, clock: FalseClock::at(START), files: 0 }
    }

    fn start(&self) -> Server {
        Server::start_at(&self.clock, &self.folder.path("data"), &["-c", &self.config])
    }

    /// Delivers requests of one minute, and waits until they are counted.
    fn requests(&mut self, server: &Server, minute: i64, good: u32, bad: u32) {
        self.files += 1;
        let second = minute * 60 + 7;
        let time = date_time(START + second);
        let mut lines = String::new();
        for (count, seconds) in [(good, "0.400"), (bad, "0.401")] {
            for _ in 0..count {
                let _ = writeln!(
                    lines,
                    "{{\"time_iso8601\":\"{time}+00:00\",\"host\":\"h\",\"request_method\":\"GET\",\"request_uri\":\"/pay\",\
                     \"status\":\"200\",\"request_time\":\"{seconds}\"}}"
                );
            }
        }
        let before = server.sum(EVENTS, &[]);
        deliver(&self.folder, &format!("{}.json", self.files), &lines);
        server.await_sum(EVENTS, &[], before + f64::from(good + bad));
    }

    /// Puts the clock so that minutes up to this one are complete, and waits until they are judged.
    fn complete(&self, server: &Server, minute: i64) {
        self.clock.set(START + minute * 60 + 11);
        let to = date_time(START + minute * 60);
        until("the minute to be judged", || {
            let slas = server.get("/api/slas").json();
            (slas["slas"][0]["to"].as_str()? >= to.as_str()).then_some(())
        });
    }
}

/// 2026-11-20T10:00:00Z.
const START: i64 = 1_795_168_800;

const WATCHED: &str = "slas:
  - name: latency
    service: shop
    indicator: {latency: {threshold: 0.4s}}
    objective: 95
    alerting: [{name: ShopSlow, kind: threshold, window: 5m, for: 2m, min_events: 10}]
alerts:
  - {name: Silent, kind: flatline, source: web, window: 5m}
";

#[test]
fn an_alert_fires_survives_and_is_over() {
    let mut watched = Watched::new(WATCHED);
    let server = watched.start();
    watched.requests(&server, 0, 100, 5);
    watched.complete(&server, 1);
    let sla = server.get("/api/slas").json()["slas"][0].clone();
    assert_eq!(
        (sla["good"].as_u64(), sla["bad"].as_u64(), sla["state"].as_str()),
        (Some(100), Some(5), Some("met"))
    );
    assert!(server.get("/api/alerts").json()["alerts"].as_array().unwrap().is_empty());
    // 5 of 105 are within 5 %; 6 of 106 are not.
    watched.requests(&server, 1, 0, 1);
    watched.complete(&server, 2);
    let state = |server: &Server| {
        let alerts = server.get("/api/alerts").json();
        let alert = alerts["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|alert| alert["labels"]["alertname"] == "ShopSlow");
        alert.map(|alert| alert["state"].as_str().unwrap().to_owned()).unwrap_or_default()
    };
    until("the alert to be pending", || (state(&server) == "pending").then_some(()));
    server.kill();

    let server = watched.start();
    watched.complete(&server, 4);
    until("the alert to fire", || (state(&server) == "firing").then_some(()));
    let alerts = server.get("/api/alerts").json();
    let alert = &alerts["alerts"][0];
    assert_eq!((alert["bad"].as_u64(), alert["total"].as_u64()), (Some(6), Some(106)), "{alerts}");
    assert_eq!(alert["active_at"], "2026-11-20T10:02:00Z");
    assert_eq!(alert["fired_at"], "2026-11-20T10:04:00Z");
    let table = weir(&["alerts", "--server", &server.address]).expect(0).stdout;
    assert!(table.contains("firing") && table.contains("ShopSlow") && table.contains("6 of 106"), "{table}");
    server.kill();

    // Moments that were missed are judged as if they had not been, the silence among them.
    let server = watched.start();
    watched.complete(&server, 12);
    until("the alert to be over", || (state(&server) == "resolved").then_some(()));
    let history = weir(&["alerts", "--history", "--server", &server.address]).expect(0).stdout;
    let changes: Vec<String> = history
        .lines()
        .rev()
        .map(|line| {
            line.split_whitespace()
                .filter(|word| *word != "->" && *word != "of")
                .take(3)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        changes,
        [
            "2026-11-20T10:02:00Z inactive pending",
            "2026-11-20T10:04:00Z pending firing",
            "2026-11-20T10:06:00Z firing resolved",
            "2026-11-20T10:07:00Z inactive firing",
        ],
        "{history}"
    );
}

#[test]
fn written_minutes_have_the_events_of_their_minute() {
    let receiver = Receiver::prometheus("0s");
    let start = (now_seconds() / 60 - 90) * 60;
    let remote =
        format!("metrics: {{remote_write: [{{url: '{}', sources: [web]}}]}}\n", receiver.write_url());
    let folder = Folder::new();
    let config = config(&folder, &format!("{SLAS}{remote}"));
    let clock = FalseClock::at(start);
    let server = Server::start_at(&clock, &folder.path("data"), &["-c", &config]);
    let mut lines = String::new();
    for (second, status) in [(600, 200), (601, 503), (659, 503), (660, 503), (725, 200)] {
        let time = date_time(start + second);
        let _ = writeln!(
            lines,
            "{{\"time_iso8601\":\"{time}+00:00\",\"host\":\"h\",\"request_method\":\"GET\",\"request_uri\":\"/pay\",\
             \"status\":\"{status}\",\"request_time\":\"0.1\"}}"
        );
    }
    clock.set(start + 730);
    deliver(&folder, "a.json", &lines);
    server.await_sum("weir_source_stored_total", &[("source", "web")], 5.0);
    assert!(!server.metrics().contains(EVENTS), "what is written leaves /metrics");
    clock.set(start + 800);
    // By the form of the rules: the counter less itself a minute ago.
    let bad = format!("{EVENTS}{{sla='availability',result='bad'}}");
    for (end, expected) in [(660, 2.0), (720, 1.0), (780, 0.0)] {
        receiver.await_value(&format!("{bad} - ({bad} offset 1m)"), start + end, expected);
    }
    receiver.await_value(&format!("sum({EVENTS}{{sla='latency'}})"), start + 780, 5.0);
}
