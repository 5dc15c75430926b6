//! Backtests: history says what the live run said, another threshold says what the lines say.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::support::{FalseClock, Folder, Server, date_time, until, weir};

/// 2026-11-20T00:00:00Z.
const START: i64 = 1_795_132_800;

/// Minutes of a day.
const DAY: i64 = 24 * 60;

const CONFIG: &str = "slas:
  - name: latency
    service: shop
    by: [route]
    indicator: {latency: {threshold: 0.4s}}
    objective: 95
    overrides: [{route: /pay, threshold: 1s}]
    alerting: [{name: ShopSlow, kind: threshold, window: 5m, for: 5m, min_events: 10}]
    on_no_traffic: keep
  - name: availability
    service: shop
    indicator: {ratio: {bad: 'status:>=500'}}
    objective: 99.9
    exclusions: [{from: '18:00', to: '18:30'}]
    alerting:
      - {name: ShopFails, kind: threshold, window: 10m, keep_firing_for: 4m, min_events: 20}
      - {name: Burn, kind: burnrate}
alerts:
  - {name: Failures, kind: threshold, query: 'status:>=500', by: [route], window: 5m, above: 3}
  - {name: More, kind: spike, query: 'status:>=500', window: 5m, reference: 1h, spike_height: 3}
  - {name: New, kind: new_value, query: 'status:>=500', by: [route], window: 10m, learning: 1h}
  - {name: Silent, kind: flatline, source: web, window: 10m}
alerting: {max_age: 2d}
http: {external_url: 'http://weir.example.com/'}
notifications:
  route: {receiver: core, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
  receivers: [{name: core, webhook_configs: [{url: 'http://127.0.0.1:9/', send_resolved: true}]}]
";

/// A request of the day: its second, route, status and time in milliseconds.
struct Line {
    second: i64,
    path: &'static str,
    status: u16,
    millis: u32,
}

/// A day with a slow hour, two bursts of failures, a new failing route and a silence.
fn day() -> Vec<Line> {
    let mut lines = Vec::new();
    for minute in (0..DAY).filter(|minute| !(200..215).contains(minute)) {
        for number in 0..12 {
            let second = minute * 60 + number * 5;
            let path = ["/api/7", "/pay", "/api/9", "/cart"][(number % 4) as usize];
            // Without chance, and not in step with minutes: some are above each threshold at all times.
            let odd = (minute * 31 + number * 17) % 97;
            let is_slow = (600..640).contains(&minute) && odd < 50;
            let millis = if is_slow { 900 } else { 100 + u32::try_from(odd).unwrap() * 3 };
            let is_burst = (840..848).contains(&minute) || (1085..1095).contains(&minute);
            let fails = is_burst && number % 3 == 0 || minute == 900 && path == "/cart";
            lines.push(Line { second, path, status: if fails { 503 } else { 200 }, millis });
        }
    }
    lines
}

fn text(lines: &[Line]) -> String {
    let mut text = String::new();
    for Line { second, path, status, millis } in lines {
        let time = date_time(START + second);
        let _ = writeln!(
            text,
            "{{\"time_iso8601\":\"{time}+00:00\",\"host\":\"h\",\"request_method\":\"GET\",\"request_uri\":\"{path}\",\
             \"status\":\"{status}\",\"request_time\":\"{}.{:03}\"}}",
            millis / 1000,
            millis % 1000
        );
    }
    text
}

/// A server that has lived through the day.
struct Lived {
    folder: Folder,
    config: String,
    clock: FalseClock,
    server: Server,
}

impl Lived {
    fn new(keep: &str) -> Self {
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path("logs")).unwrap();
        let config = folder.write("weir.yaml", config(&folder, keep, CONFIG));
        let clock = FalseClock::at(START + 11);
        let server = Server::start_at(&clock, &folder.path("data"), &["-c", &config]);
        let lived = Self { folder, config, clock, server };
        // The first moment is judged when the first line is there: the live run is one of the whole day.
        let lines = day();
        let (first, rest) = lines.split_at(1);
        lived.deliver("first", first);
        lived.judged_to(0);
        lived.deliver("rest", rest);
        lived.server.await_sum("weir_source_stored_total", &[("source", "web")], day().len() as f64);
        lived.clock.set(START + DAY * 60 + 11);
        lived.judged_to(DAY);
        lived
    }

    fn deliver(&self, name: &str, lines: &[Line]) {
        let written = self.folder.write("new", text(lines));
        std::fs::rename(written, self.folder.path(&format!("logs/{name}.json"))).unwrap();
    }

    fn judged_to(&self, minute: i64) {
        let to = date_time(START + minute * 60);
        until("the minutes to be judged", || {
            let slas = self.server.get("/api/slas").json();
            (slas["slas"][0]["to"].as_str()? >= to.as_str()).then_some(())
        });
    }

    fn backtest(&self, config: &str, more: &[&str]) -> Value {
        let (from, to) = (date_time(START), date_time(START + DAY * 60));
        let (from, to) = (format!("{from}Z"), format!("{to}Z"));
        let data = self.folder.path("data");
        let mut arguments = vec![
            "backtest",
            "-c",
            config,
            "--data-dir",
            &data,
            "--from",
            &from,
            "--to",
            &to,
            "--output",
            "json",
        ];
        arguments.extend(more);
        let run = weir(&arguments).expect(0);
        serde_json::from_str(&run.stdout).unwrap()
    }

    fn asked(&self, parameters: &str) -> Value {
        let (from, to) = (date_time(START), date_time(START + DAY * 60));
        self.server.get(&format!("/api/backtest?from={from}Z&to={to}Z&{parameters}")).json()
    }
}

fn config(folder: &Folder, keep: &str, more: &str) -> String {
    format!(
        "sources: [{{name: web, type: file, path: '{}', format: nginx_json, keep: {keep}}}]\n\
         services: [{{name: shop, match: {{source: web}}, routes: ['/api/{{id}}', /pay, /cart]}}]\n{more}",
        folder.path("logs")
    )
}

/// Changes as they are compared: whether somebody was told of them then is not what a backtest is about.
fn changes(list: &Value) -> Vec<String> {
    let shown = |change: &Value| {
        let mut change = change.clone();
        change.as_object_mut().unwrap().remove("is_history");
        change.to_string()
    };
    let mut changes: Vec<String> = list.as_array().unwrap().iter().map(shown).collect();
    changes.sort();
    changes
}

/// Firings as alert, start and end, with how often each came.
fn names(answer: &Value) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for firing in answer["firings"].as_array().unwrap() {
        *names.entry(firing["labels"]["alertname"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    names
}

#[test]
fn a_backtest_of_a_day_is_the_live_run_of_that_day() {
    let lived = Lived::new("all");
    let live = until("the last alert to be judged", || {
        let alerts = lived.server.get("/api/alerts").json();
        let history = alerts["history"].as_array()?.clone();
        (!history.is_empty()).then_some(Value::Array(history))
    });
    let answer = lived.backtest(&lived.config, &[]);
    let found = names(&answer);
    for name in ["ShopSlow", "Burn", "ShopFails", "Failures", "More", "New", "Silent"] {
        assert!(found.contains_key(name), "{name} did not fire, so it proves nothing: {found:?}");
    }
    assert_eq!(changes(&answer["changes"]), changes(&live), "{}", answer["warnings"]);
    for row in answer["rows"].as_array().unwrap() {
        assert_eq!(row["data"][0]["data"], "slots", "{row}");
    }
    // The promise has every request of the day, and what it says of them.
    let row = &answer["rows"][0];
    let bad = day().iter().filter(|line| is_bad(line, 400)).count();
    assert_eq!(
        (row["good"].as_u64(), row["bad"].as_u64()),
        (Some((day().len() - bad) as u64), Some(bad as u64))
    );
    assert_eq!(answer["mails"]["receivers"][0]["kind"], "webhook");
    assert!(answer["mails"]["total"].as_u64().unwrap() > 0, "{}", answer["mails"]);

    // The same where no server runs.
    let Lived { server, folder, config, clock } = lived;
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
    let (from, to) = (format!("{}Z", date_time(START)), format!("{}Z", date_time(START + DAY * 60)));
    let data = folder.path("data");
    let mut command = crate::support::weir_command(&[
        "backtest",
        "-c",
        &config,
        "--data-dir",
        &data,
        "--from",
        &from,
        "--to",
        &to,
        "--output",
        "json",
    ]);
    clock.show_to(&mut command);
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let alone: Value = serde_json::from_slice(&ran.stdout).unwrap();
    for member in ["firings", "changes", "mails", "rows"] {
        assert_eq!(alone[member], answer[member], "{member}");
    }
}

/// Whether a request is bad with this threshold, in milliseconds.
fn is_bad(line: &Line, threshold: u32) -> bool {
    let threshold = if line.path == "/pay" { 1000 } else { threshold };
    line.status >= 500 || line.millis > threshold
}

#[test]
fn another_threshold_is_judged_from_minutes_where_they_can_tell_and_else_from_records() {
    let lived = Lived::new("all");
    let bad = |threshold| day().iter().filter(|line| is_bad(line, threshold)).count() as u64;
    for (threshold, data) in
        [(400, "slots"), (300, "slots"), (200, "slots"), (350, "records"), (123, "records")]
    {
        let answer = lived.asked(&format!("sla=latency&threshold=0.{threshold}s"));
        let row = &answer["rows"][0];
        assert_eq!(row["data"][0]["data"], data, "{threshold}: {row}");
        assert_eq!(row["bad"].as_u64(), Some(bad(threshold)), "{threshold}");
        assert_eq!(row["good"].as_u64(), Some(day().len() as u64 - bad(threshold)), "{threshold}");
        let steps = row["steps"].as_array().unwrap();
        assert_eq!(steps.iter().map(|step| step["bad"].as_u64().unwrap()).sum::<u64>(), bad(threshold));
    }
    // Minutes and records agree, alert by alert, where both can tell.
    let of_minutes = lived.asked("sla=latency&threshold=0.3s");
    let of_records = lived.asked("sla=latency&threshold=0.300001s");
    assert_eq!(of_records["rows"][0]["data"][0]["data"], "records");
    assert_eq!(changes(&of_minutes["changes"]), changes(&of_records["changes"]));
    assert!(of_minutes["firing_minutes"].as_u64() > lived.asked("sla=latency")["firing_minutes"].as_u64());
    // Another objective is judged from what was counted.
    let answer = lived.asked("sla=latency&objective=80");
    assert_eq!(answer["rows"][0]["data"][0]["data"], "slots");
    assert_eq!(answer["rows"][0]["objective"], 80.0);
    // A query about whole classes of statuses, and one that only records tell.
    for (query, data) in [("status:4xx OR status:5xx", "slots"), ("status:503 AND path:/cart", "records")] {
        let text = CONFIG.replace("status:>=500'}}", &format!("{query}'}}}}"));
        let path = lived.folder.write("other.yaml", config(&lived.folder, "all", &text));
        let answer = lived.backtest(&path, &["--sla", "availability"]);
        let row = &answer["rows"][0];
        let is_meant = |line: &&Line| line.status >= 500 && (data == "slots" || line.path == "/cart");
        let is_counted = |line: &&Line| !(18 * 3600..18 * 3600 + 1800).contains(&line.second);
        let lines = day();
        let bad = lines.iter().filter(is_counted).filter(is_meant).count() as u64;
        assert_eq!((row["data"][0]["data"].as_str(), row["bad"].as_u64()), (Some(data), Some(bad)), "{row}");
    }
    for (parameters, error) in [
        ("sla=no", "no SLA is named"),
        ("threshold=0.3s", "of one SLA"),
        ("sla=latency&threshold=x", "threshold"),
        ("sla=availability&threshold=1s", "no threshold"),
        ("sla=latency&from=now&to=now-1d", "ends before"),
    ] {
        let answer = lived.server.request("GET", &format!("/api/backtest?{parameters}"), &[], b"");
        assert_eq!(answer.status, 400, "{parameters}");
        assert!(answer.lossy().contains(error), "{parameters}: {}", answer.lossy());
    }
}

#[test]
fn a_suggestion_gives_no_more_pages_than_can_be_borne() {
    let lived = Lived::new("all");
    let answer = lived.asked("sla=latency&threshold=0.2s&pages_per_month=500");
    let suggestion = &answer["suggestion"];
    assert_eq!(suggestion["setting"], "threshold", "{}", answer["warnings"]);
    assert!(suggestion["pages_per_month"].as_f64().unwrap() <= 500.0, "{suggestion}");
    assert!(suggestion["pages_per_month_now"].as_f64().unwrap() > 500.0, "{suggestion}");
    // With the next stricter one it would have fired all day, which is no few pages though it is few alerts.
    assert_eq!(suggestion["value"], "0.4s");
    let stricter = lived.asked("sla=latency&threshold=0.3s");
    assert!(stricter["firing_minutes"].as_u64().unwrap() > 1000, "{}", stricter["firings"]);
}

#[test]
fn a_difference_says_what_only_one_config_would_have_given() {
    let lived = Lived::new("all");
    let later = CONFIG
        .replace("for: 5m, min_events: 10", "for: 12m, min_events: 10")
        .replace("above: 3", "above: 300");
    let new = lived.folder.write("new.yaml", config(&lived.folder, "all", &later));
    let compared = lived.backtest(&new, &["--diff", &lived.config]);
    let of = |list: &str| {
        let name = |firing: &Value| {
            let firing = if firing.is_array() { &firing[1] } else { firing };
            firing["labels"]["alertname"].as_str().unwrap().to_owned()
        };
        let mut names: Vec<String> = compared[list].as_array().unwrap().iter().map(name).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(of("only_old"), ["Failures", "ShopSlow"]);
    assert!(of("only_new").is_empty());
    assert_eq!(of("moved"), ["ShopSlow"]);
    assert!(compared["same"].as_u64().unwrap() >= 5);
    let itself = lived.backtest(&lived.config, &["--diff", &lived.config, &lived.config]);
    assert_eq!(itself["only_old"].as_array().unwrap().len() + itself["moved"].as_array().unwrap().len(), 0);
}

#[test]
fn where_records_are_not_kept_nothing_is_made_up() {
    let lived = Lived::new("errors");
    let answer = lived.asked("sla=latency&threshold=0.35s");
    assert_eq!(answer["rows"][0]["data"][0]["data"], "none", "{answer}");
    assert_eq!(answer["rows"][0]["good"], 0);
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("keeps only a part") && warnings.contains("nothing is known"), "{warnings}");
    assert_eq!(lived.asked("sla=latency&threshold=0.3s")["rows"][0]["data"][0]["data"], "slots");
}
