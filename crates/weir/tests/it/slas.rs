//! Promises: what counts as good, in which minute, on `/metrics` and in rules that a real Prometheus takes.

use std::fmt::Write;
use std::process::Command;

use crate::support::metrics::samples;
use crate::support::{Folder, Server, weir};

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
