//! The rules of `weir rules` on minutes that weir writes to a real Prometheus: which alerts there were in an hour, and
//! which there are now.
//!
//! A Prometheus judges the present only. So it takes the rules when an hour was written to it, and its `ALERTS` are
//! compared with weir's at each evaluation from then on, by weir's moment that lies the rules' offset before. Of the
//! hour before, promtool judges the samples that it has: Prometheus' own rules and states, by a clock that is told.
//!
//! The bound is none for both, but for this: a Prometheus knows nothing of what held before it took the rules, so an
//! alert that has a `for` is pending there until it has held for so long again. What is changed in the rules is how
//! often they are evaluated, each second instead of each minute: who waits for a test has less time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::receiver::{Receiver, Series};
use crate::support::{
    FalseClock, Folder, Random, Server, date_time, now_seconds, output, until, weir, within,
};

/// How late lines may be, in seconds.
const LATENESS: i64 = 300;

/// How far behind the clock the rules look: the lateness, and a minute for the way.
const OFFSET: i64 = LATENESS + 60;

/// Minutes that are delivered, and minutes of one file.
const MINUTES: i64 = 76;
const FILE_MINUTES: usize = 4;

/// From this minute on each route stays as it is, but for the one that never does.
const STEADY_FROM: i64 = 58;

/// The last moment of the hour.
const HISTORY: i64 = MINUTES - LATENESS / 60 - 1;

/// The longest `for`, in milliseconds.
const HOLD_MS: i64 = 60_000;

/// How long a Prometheus must have watched until it knows about it, in seconds.
const WATCHED: i64 = HOLD_MS / 1_000 + 1;

const SLAS: &str = "slas:
  - name: latency
    service: shop
    by: [route]
    indicator: {latency: {threshold: 0.4s}}
    objective: 95
    overrides: [{route: /flaps, objective: 50}]
    alerting:
      - {name: Slow, kind: threshold, window: 5m, for: 1m, min_events: 20}
      - {name: SlowNow, kind: threshold, window: 5m, severity: ticket}
  - name: availability
    service: shop
    indicator: {ratio: {bad: 'status:>=500'}}
    objective: 99
    alerting: [{kind: burnrate}]
";

/// The alerts that are pending or fire, each with its state.
type States = BTreeMap<BTreeMap<String, String>, String>;

/// What each route is like, while it stays so.
struct Traffic {
    random: Random,
    routes: BTreeMap<&'static str, (u64, u64)>,
}

impl Traffic {
    fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), routes: BTreeMap::new() }
    }

    /// The lines of a minute.
    fn minute(&mut self, start: i64, minute: i64) -> String {
        let mut lines = String::new();
        for route in ["/good", "/bad", "/flaps", "/late", "/a", "/b", "/c"] {
            let (count, bad) = self.requests(route, minute);
            for number in 0..count {
                let second = i64::try_from(1 + number % 58).unwrap();
                let (status, seconds) = match number < bad {
                    true if number % 3 == 0 => (503, "0.001"),
                    true => (200, "0.401"),
                    false => (200, "0.400"),
                };
                let _ = writeln!(
                    lines,
                    "{{\"time_iso8601\":\"{}+00:00\",\"host\":\"h\",\"request_method\":\"GET\",\
                     \"request_uri\":\"{route}\",\"status\":\"{status}\",\"request_time\":\"{seconds}\"}}",
                    date_time(start + minute * 60 + second)
                );
            }
        }
        lines
    }

    /// How many requests a route has in a minute, and how many of them are bad.
    fn requests(&mut self, route: &'static str, minute: i64) -> (u64, u64) {
        match route {
            "/good" => (40, 0),
            "/bad" if minute >= STEADY_FROM => (20, 20),
            "/bad" if (15..25).contains(&minute) => (200, 200),
            "/bad" => (20, 0),
            // In five minutes there are two bad ones of five, or three.
            "/flaps" => (6, if minute % 2 == 0 { 6 } else { 0 }),
            "/late" if minute < 23 => (0, 0),
            _ => {
                let is_settled = minute >= STEADY_FROM && self.routes.contains_key(route);
                if !is_settled && (minute == 0 || self.random.once_in(5)) {
                    let count = [0, 3, 20, 40][usize::try_from(self.random.below(4)).unwrap()];
                    let hundredths = [0, 0, 5, 10, 50, 100][usize::try_from(self.random.below(6)).unwrap()];
                    self.routes.insert(route, (count, count * hundredths / 100));
                }
                self.routes.get(route).copied().unwrap_or((20, 0))
            }
        }
    }
}

/// A server that has counted an hour and written it, up to now.
struct Written {
    server: Server,
    receiver: Receiver,
    folder: Folder,
    start: i64,
    _clock: FalseClock,
}

impl Written {
    fn new(seed: u64) -> Self {
        let (folder, receiver) = (Folder::new(), Receiver::prometheus("0s"));
        fs::create_dir(folder.path("logs")).unwrap();
        let config = format!(
            "sources: [{{name: web, type: file, path: '{}', format: nginx_json, lateness: {LATENESS}s}}]\n\
             services: [{{name: shop, match: {{source: web}}, routes: [/good, /bad, /flaps, /late, /a, /b, /c]}}]\n\
             metrics: {{remote_write: [{{url: '{}', sources: [web]}}]}}\n{SLAS}",
            folder.path("logs"),
            receiver.write_url()
        );
        let config = folder.write("weir.yaml", config);
        let start = (now_seconds() / 60 - MINUTES) * 60;
        let clock = FalseClock::at(start);
        let server = Server::start_at(&clock, &folder.path("data"), &["-c", &config]);
        let (mut traffic, mut count) = (Traffic::new(seed), 0);
        let minutes: Vec<i64> = (0..MINUTES).collect();
        for (number, minutes) in minutes.chunks(FILE_MINUTES).enumerate() {
            clock.set(start + (minutes[minutes.len() - 1] + 1) * 60);
            let lines: String = minutes.iter().map(|minute| traffic.minute(start, *minute)).collect();
            count += lines.lines().count();
            let written = folder.write("new", lines);
            fs::rename(written, folder.path(&format!("logs/{number}.json"))).unwrap();
            server.await_sum("weir_source_stored_total", &[("source", "web")], count as f64);
        }
        clock.set(now_seconds());
        weir(&["rules", "-c", &config, "--out", &folder.path("rules")]).expect(0);
        let written = Self { server, receiver, folder, start, _clock: clock };
        written.await_written(start + HISTORY * 60);
        written
    }

    /// Waits until minutes up to the one before `time` were written and judged.
    fn await_written(&self, time: i64) {
        let minute = time - time % 60;
        self.receiver.await_value("min(timestamp(weir_sla_events_total))", minute, minute as f64);
        until("the minute to be judged", || {
            // One route's alert begins or is over at each moment.
            let newest = self.history().first().map(|change| change["at"].as_str().unwrap().to_owned());
            (newest? >= date_time(minute)).then_some(())
        });
    }

    /// Weir's alerts at a moment, by its history; of one promise.
    fn own_at(&self, history: &[Value], sla: &str, moment: i64) -> States {
        let time = date_time(moment);
        let mut states = States::new();
        // The newest comes first.
        for change in history.iter().rev().filter(|change| change["labels"]["sla"] == sla) {
            if change["at"].as_str().unwrap()[..time.len()] <= *time {
                let labels = serde_json::from_value(change["labels"].clone()).unwrap();
                states.insert(labels, change["to"].as_str().unwrap().to_owned());
            }
        }
        states.retain(|_, state| state == "pending" || state == "firing");
        states
    }

    fn history(&self) -> Vec<Value> {
        self.server.get("/api/alerts").json()["history"].as_array().unwrap().clone()
    }
}

#[test]
fn a_real_prometheus_has_the_alerts_that_weir_has() {
    let seed = Random::seed_of_this_run();
    println!("WEIR_TEST_SEED={seed}");
    let mut written = Written::new(seed);
    check_history(&written);
    let rules = fs::read_to_string(written.folder.path("rules/weir.rules.yaml")).unwrap();
    let rules = written.folder.write("often.yaml", rules.replace("interval: 1m\n", "interval: 1s\n"));
    written.receiver.judge_by(&rules);
    let began = until("the rules to be evaluated", || {
        let at = now_seconds();
        (!evaluations(&written.receiver, "latency", at).is_empty()).then_some(at)
    });
    let limit = Duration::from_secs(2 * WATCHED.unsigned_abs());
    let ended = within(limit, "alerts to have been seen for the longest `for`", || {
        let at = now_seconds();
        let is_over = || {
            let seen = evaluations(&written.receiver, "latency", at);
            seen.last_key_value().unwrap().0 - seen.first_key_value().unwrap().0 > HOLD_MS
        };
        (at > began + WATCHED && is_over()).then_some(at)
    });
    let seen = ["latency", "availability"].map(|sla| check_now(&written, sla, ended));
    assert!(seen[0].len() > 1, "one is over or begins within a minute: {seen:?}");
    for (route, is_firing) in [("/bad", true), ("/good", false)] {
        let fires = |states: &States| {
            states.iter().any(|(labels, state)| {
                labels["alertname"] == "Slow" && labels["route"] == route && state == "firing"
            })
        };
        assert_eq!(seen[0].iter().all(fires), is_firing, "{route} {seen:?}");
    }
}

/// Has promtool say of each minute of the hour whether the alerts are weir's.
fn check_history(written: &Written) {
    let series = written.receiver.samples("weir_sla_events_total", "3h", now_seconds());
    let (history, start) = (written.history(), written.start);
    let mut states = BTreeSet::new();
    let mut tests = Vec::new();
    for moment in 1..=HISTORY {
        for sla in ["latency", "availability"] {
            let own = written.own_at(&history, sla, start + moment * 60);
            states.extend(own.iter().map(|(labels, state)| format!("{} {state}", labels["alertname"])));
            let samples = own.iter().map(|(labels, state)| {
                let labels = labels.iter().map(|(name, value)| format!("{name}={value:?}"));
                let labels = labels.collect::<Vec<_>>().join(",");
                json!({"labels": format!("ALERTS{{{labels},alertstate={state:?}}}"), "value": 1})
            });
            tests.push(json!({
                "expr": format!("ALERTS{{sla={sla:?},alertname!=\"SlaMetricAbsent\"}}"),
                "eval_time": format!("{}m", moment + OFFSET / 60),
                "exp_samples": samples.collect::<Vec<_>>(),
            }));
        }
    }
    for state in ["Slow pending", "Slow firing", "SlowNow firing", "ErrorBudgetBurn firing"] {
        assert!(states.contains(state), "{states:?}");
    }
    let series: Vec<Value> = series.iter().map(|series| for_promtool(series, start)).collect();
    let test = json!({
        "rule_files": ["weir.rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": tests}],
    });
    let test = written.folder.write("rules/hour.yaml", test.to_string());
    output(Command::new("promtool").args(["test", "rules", &test])).expect(0);
}

/// The samples of a series, by minutes from the start on.
fn for_promtool(series: &Series, start: i64) -> Value {
    let labels = series.labels.iter().filter(|(name, _)| *name != "__name__");
    let labels = labels.map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(",");
    let by_minute: BTreeMap<i64, f64> =
        series.samples.iter().map(|(time, value)| ((*time as i64 - start).div_euclid(60), *value)).collect();
    let value = |minute: i64| by_minute.get(&minute).map_or_else(|| "_".to_owned(), ToString::to_string);
    let values: Vec<String> = (0..=MINUTES).map(value).collect();
    json!({"series": format!("weir_sla_events_total{{{labels}}}"), "values": values.join(" ")})
}

/// Each time at which Prometheus evaluated the rules of a promise, in milliseconds, and the alerts that there were.
fn evaluations(receiver: &Receiver, sla: &str, at: i64) -> BTreeMap<i64, States> {
    let times = |selector: &str| receiver.samples(&format!("{selector},sla={sla:?}}}"), "3m", at);
    let mut evaluations = BTreeMap::new();
    for series in times("{__name__=~\"weir:sla_total:.*\"") {
        for (time, _) in series.samples {
            evaluations.insert((time * 1e3).round() as i64, States::new());
        }
    }
    for Series { mut labels, samples } in times("ALERTS{alertname!=\"SlaMetricAbsent\"") {
        labels.remove("__name__");
        let state = labels.remove("alertstate").unwrap();
        for (time, _) in samples {
            let states = evaluations.entry((time * 1e3).round() as i64).or_default();
            states.insert(labels.clone(), state.clone());
        }
    }
    evaluations
}

/// Compares each evaluation with weir, and returns the different states that weir had.
#[track_caller]
fn check_now(written: &Written, sla: &str, ended: i64) -> BTreeSet<States> {
    written.await_written(ended - OFFSET);
    let (history, evaluations) = (written.history(), evaluations(&written.receiver, sla, ended));
    let (first, _) = evaluations.first_key_value().unwrap();
    let mut seen = BTreeSet::new();
    // At its first two evaluations a Prometheus writes no alerts: it looks for those from before it was started.
    for (time, states) in evaluations.iter().skip(2) {
        let moment = (time - OFFSET * 1_000).div_euclid(60_000) * 60;
        let own = written.own_at(&history, sla, moment);
        let mut expected = own.clone();
        if time - first < HOLD_MS {
            let waits = |labels: &BTreeMap<String, String>| labels["alertname"] == "Slow";
            let waiting = expected.iter_mut().filter(|(labels, _)| waits(labels));
            waiting.for_each(|(_, state)| "pending".clone_into(state));
        }
        assert_eq!(*states, expected, "{sla} at {time}, for weir at {}", date_time(moment));
        seen.insert(own);
    }
    assert!(evaluations.len() > 10, "{}", evaluations.len());
    seen
}
