//! Another config for a server that runs, while an alert fires.

use std::fmt::Write;
use std::sync::Mutex;

use serde_json::Value;

use crate::support::gateway_sink::GatewaySink;
use crate::support::{FalseClock, Folder, Server, date_time, until};

/// 2026-11-20T10:00:00Z.
const START: i64 = 1_795_168_800;

const SLA: &str = "slas:
  - name: latency
    service: shop
    indicator: {latency: {threshold: 0.4s}}
    objective: 95
    alerting: [{name: ShopSlow, kind: threshold, window: 5m, min_events: 10}]
";

/// A server whose webhooks are noted.
struct Told {
    folder: Folder,
    clock: FalseClock,
    sink: GatewaySink,
    server: Server,
    files: Mutex<u32>,
}

impl Told {
    fn new() -> Self {
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path("logs")).unwrap();
        let (clock, sink) = (FalseClock::at(START), GatewaySink::answering(|_| Some(200)));
        let config = folder.write("weir.yaml", config(&folder, &sink.address, SLA, "10m"));
        let server = Server::start_at(&clock, &folder.path("data"), &["-c", &config]);
        Self { folder, clock, sink, server, files: Mutex::new(0) }
    }

    /// Requests of one minute, and the clock behind it.
    fn requests(&self, minute: i64, good: u32, bad: u32) {
        let number = {
            let mut files = self.files.lock().unwrap();
            *files += 1;
            *files
        };
        let time = date_time(START + minute * 60 + 7);
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
        let written = self.folder.write("new", lines);
        let before = self.server.sum("weir_source_stored_total", &[]);
        std::fs::rename(written, self.folder.path(&format!("logs/{number}.json"))).unwrap();
        let after = before + f64::from(good + bad);
        self.server.await_sum("weir_source_stored_total", &[], after);
        self.clock.set(START + (minute + 1) * 60 + 11);
    }

    fn reload(&self, text: &str) -> Value {
        self.folder.write("weir.yaml", text);
        self.server.request("POST", "/-/reload", &[], b"").json()
    }

    /// The state of an alert; empty where there is none.
    fn state(&self, name: &str) -> String {
        let alerts = self.server.get("/api/alerts").json();
        let alerts = alerts["alerts"].as_array().unwrap();
        let alert = alerts.iter().find(|alert| alert["labels"]["alertname"] == name);
        alert.map(|alert| alert["state"].as_str().unwrap().to_owned()).unwrap_or_default()
    }

    fn await_state(&self, name: &str, state: &str) {
        until(&format!("{name} to be {state}"), || (self.state(name) == state).then_some(()));
    }

    /// What was told: the state of each message and the names of its alerts.
    fn told(&self) -> Vec<String> {
        let shown = |body: &Value| {
            let names = body["alerts"].as_array().unwrap().iter();
            let names = names.map(|alert| alert["labels"]["alertname"].as_str().unwrap());
            format!("{} {}", body["status"].as_str().unwrap(), names.collect::<Vec<_>>().join(","))
        };
        let pushes = self.sink.pushes();
        pushes.iter().map(|push| shown(&serde_json::from_str(&push.text()).unwrap())).collect()
    }

    fn await_told(&self, expected: &[&str]) {
        until(&format!("{expected:?} to be told"), || {
            let told = self.told();
            assert!(told.len() <= expected.len(), "{told:?}");
            (told == expected).then_some(())
        });
    }
}

fn config(folder: &Folder, sink: &str, more: &str, repeat: &str) -> String {
    format!(
        "sources: [{{name: web, type: file, path: '{}', format: nginx_json}}]\n\
         services: [{{name: shop, match: {{source: web}}, routes: [/pay]}}]\n\
         http: {{external_url: 'http://weir.example.com/'}}\n\
         notifications:\n  \
         route: {{receiver: core, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: {repeat}}}\n  \
         receivers: [{{name: core, webhook_configs: [{{url: 'http://{sink}/', send_resolved: true}}]}}]\n\
         {more}",
        folder.path("logs")
    )
}

#[test]
fn an_alert_that_fires_outlives_a_reload_and_nobody_is_told_twice() {
    let told = Told::new();
    let text = |more: &str, repeat: &str| config(&told.folder, &told.sink.address, more, repeat);
    let is_successful = || told.server.sum("weir_config_last_reload_successful", &[]);
    told.requests(0, 20, 20);
    told.await_state("ShopSlow", "firing");
    told.await_told(&["firing ShopSlow"]);
    let fired_at = told.server.get("/api/alerts").json()["alerts"][0]["fired_at"].clone();

    // Nothing has changed; then another way of telling, and another alert.
    assert_eq!(told.reload(&text(SLA, "10m"))["reloaded"], serde_json::json!([]));
    let more = format!(
        "{SLA}alerts:\n  - {{name: Many, kind: threshold, query: 'status:200', window: 5m, above: 30}}\n"
    );
    let answer = told.reload(&text(&more, "2h"));
    assert_eq!(answer["reloaded"], serde_json::json!(["alerts", "notifications"]), "{answer}");
    assert_eq!(answer["needs_restart"], serde_json::json!([]), "{answer}");
    assert_eq!(is_successful(), 1.0);
    assert_eq!(told.state("ShopSlow"), "firing");
    assert_eq!(told.server.get("/api/alerts").json()["alerts"][0]["fired_at"], fired_at);

    // What is new counts from now on, and what goes on is told no second time.
    told.requests(1, 40, 0);
    told.await_state("Many", "firing");
    told.await_told(&["firing ShopSlow", "firing Many"]);
    assert_eq!(told.state("ShopSlow"), "firing");

    // What is wrong changes nothing, and says what it is.
    let answer = told.reload(&text(&more.replace("above: 30", "abvoe: 30"), "2h"));
    assert!(answer["error"].as_str().unwrap().contains("unknown key `abvoe`"), "{answer}");
    assert_eq!(is_successful(), 0.0);
    assert_eq!((told.state("Many"), told.state("ShopSlow")), ("firing".to_owned(), "firing".to_owned()));

    // What the config has no more is over; what cannot be exchanged is named.
    let without = text("", "2h").replace("routes: [/pay]", "routes: ['/pay', '/x']");
    let answer = told.reload(&without);
    assert_eq!(answer["reloaded"], serde_json::json!(["slas", "alerts"]), "{answer}");
    assert_eq!(answer["needs_restart"], serde_json::json!(["services"]), "{answer}");
    assert_eq!(is_successful(), 1.0);
    assert_eq!((told.state("Many"), told.state("ShopSlow")), (String::new(), String::new()));
    until("both to be told to be over", || {
        let mut told = told.told();
        told.sort();
        (told == ["firing Many", "firing ShopSlow", "resolved Many", "resolved ShopSlow"]).then_some(())
    });
    until("the end of both to be in the history", || {
        let alerts = told.server.get("/api/alerts").json();
        let is_end = |change: &&Value| change["from"] == "firing" && change["to"] == "inactive";
        (alerts["history"].as_array()?.iter().filter(is_end).count() == 2).then_some(())
    });

    let Told { server, .. } = told;
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("did not finish in time") && !log.contains("panicked"), "{log}");
}

#[test]
fn a_hangup_reads_the_config_again() {
    let told = Told::new();
    let text = config(&told.folder, &told.sink.address, "", "10m");
    told.folder.write("weir.yaml", &text);
    let slas = || told.server.get("/api/slas").json()["slas"].as_array().unwrap().len();
    until("the promise to be there", || (slas() == 1).then_some(()));
    told.server.hang_up();
    until("the promise to be gone", || (slas() == 0).then_some(()));
    assert!(told.server.log().contains("the config was read again"), "{}", told.server.log());
}

#[test]
fn a_config_that_is_no_file_or_not_whole_changes_nothing() {
    let told = Told::new();
    let text = config(&told.folder, &told.sink.address, SLA, "10m");
    let path = told.folder.path("weir.yaml");
    let slas = || told.server.get("/api/slas").json()["slas"].as_array().unwrap().len();
    let check = |expected: &str| {
        let answer = told.server.request("POST", "/-/reload", &[], b"").json();
        assert!(answer["error"].as_str().unwrap().contains(expected), "{expected}: {answer}");
        assert_eq!(told.server.sum("weir_config_last_reload_successful", &[]), 0.0);
        assert_eq!(slas(), 1, "{expected}");
    };
    until("the promise to be there", || (slas() == 1).then_some(()));
    for (text, expected) in [
        ("", "weir.yaml is empty and the one in force is not"),
        ("# nothing\n", "is empty"),
        (
            "http: {external_url: 'http://weir.example.com/'}\n",
            "has no sources and the one in force has 1 source",
        ),
        (&" ".repeat((1 << 20) + 1), "it has more than 1048576 bytes"),
    ] {
        told.folder.write("weir.yaml", text);
        check(expected);
    }
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    check("it is no regular file");
    std::fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    check("it is no regular file");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(told.reload(&text)["reloaded"], serde_json::json!([]));
    assert_eq!(told.server.sum("weir_config_last_reload_successful", &[]), 1.0);
}
