//! A real Prometheus and its tools read what the program writes, and agree with it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::recount::Totals;
use crate::support::lines::albs;
use crate::support::{Folder, Process, Server, get, gzip, output, until, weir};

/// A Prometheus that scrapes one server, on a port of its own choice.
pub struct Prometheus {
    address: String,
    folder: Folder,
    /// Ends the process with the test.
    _process: Process,
}

impl Prometheus {
    #[track_caller]
    pub fn start(server: &Server, flags: &[&str]) -> Self {
        let folder = Folder::new();
        let config = format!(
            "global: {{scrape_interval: 300ms, scrape_timeout: 300ms}}\n\
             scrape_configs:\n\
             - {{job_name: weir, static_configs: [{{targets: ['{}']}}]}}\n",
            server.address
        );
        let config = folder.write("prometheus.yml", config);
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={config}"))
            .arg(format!("--storage.tsdb.path={}", folder.path("data")));
        command
            .arg("--web.listen-address=127.0.0.1:0")
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let log = File::create(folder.path("log")).unwrap();
        let process = Process(command.stderr(log).spawn().expect("prometheus, which `make setup` installs"));
        let address = until("Prometheus to say its address", || {
            let log = fs::read_to_string(folder.path("log")).unwrap();
            let line = log.lines().find(|line| line.contains("msg=\"Listening on\""))?;
            Some(line.rsplit_once("address=")?.1.to_owned())
        });
        let prometheus = Self { address, folder, _process: process };
        until("Prometheus to be ready", || {
            (get(&prometheus.address, "/-/ready").status == 200).then_some(())
        });
        prometheus
    }

    /// The series of an instant query.
    #[track_caller]
    fn query(&self, query: &str) -> Vec<Value> {
        let escaped: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = get(&self.address, &format!("/api/v1/query?query={escaped}")).json();
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// Waits until a query has one series with this value.
    #[track_caller]
    pub fn await_value(&self, query: &str, expected: f64) {
        let mut last = Vec::new();
        until(&format!("{query} to be {expected}"), || {
            last = self.query(query);
            (last.first().and_then(value) == Some(expected)).then_some(())
        });
    }

    /// Nothing went wrong in any scrape.
    #[track_caller]
    fn check_scrapes(&self) {
        assert_eq!(self.query("min_over_time(up[5m])").first().and_then(value), Some(1.0));
        let log = fs::read_to_string(self.folder.path("log")).unwrap();
        let complaints: Vec<&str> =
            log.lines().filter(|line| line.contains("component=\"scrape manager\"")).collect();
        assert!(complaints.iter().all(|line| line.contains("level=info")), "{complaints:?}");
    }
}

fn value(series: &Value) -> Option<f64> {
    series["value"][1].as_str()?.parse().ok()
}

/// Sample traffic as a load balancer delivers it.
fn sample(requests: &str) -> (Folder, String) {
    let folder = Folder::new();
    weir(&["demo", "--requests", requests, "--write", &folder.path("")]).expect(0);
    let pattern = folder.path("**/*.log.gz");
    (folder, pattern)
}

/// `promtool check metrics` has nothing to say about `text`.
#[track_caller]
fn check_with_promtool(text: &str) {
    let mut stdin = tempfile::tempfile().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    stdin.seek(SeekFrom::Start(0)).unwrap();
    let run = output(Command::new("promtool").args(["check", "metrics"]).stdin(stdin)).expect(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn promtool_has_nothing_to_say_about_what_is_counted() {
    let (_folder, pattern) = sample("3000");
    check_with_promtool(&weir(&["count", &pattern]).expect(0).stdout);
    let folder = Folder::new();
    weir(&["demo", "--requests", "1000", "--format", "nginx_json", "--write", &folder.path("")]).expect(0);
    check_with_promtool(&weir(&["count", &folder.path("")]).expect(0).stdout);
}

#[test]
fn promtool_has_nothing_to_say_about_what_is_served() {
    let (_folder, pattern) = sample("1000");
    let server = Server::start(&[&pattern]);
    server.await_sum("alb_log_request_count_total", &[], 1_000.0);
    check_with_promtool(&server.metrics());
}

#[test]
fn prometheus_has_the_totals_that_count_has() {
    let (_folder, pattern) = sample("2000");
    let expected = Totals::of_metrics(&weir(&["count", &pattern]).expect(0).stdout);
    let server = Server::start(&[&pattern]);
    let prometheus = Prometheus::start(&server, &[]);
    prometheus.await_value("sum(alb_log_request_count_total)", 2_000.0);
    prometheus.await_value("sum(alb_log_request_time_seconds_count)", expected.request_times.0 as f64);
    let number = |query: &str| prometheus.query(query).first().and_then(value).unwrap_or(0.0);
    let by_status = prometheus.query("sum by (status) (alb_log_request_count_total)");
    let by_status = by_status.iter().map(|series| {
        (series["metric"]["status"].as_str().unwrap().to_owned(), value(series).unwrap() as u64)
    });
    assert_eq!(by_status.collect::<BTreeMap<_, _>>(), expected.by_status);
    assert_eq!(number("sum(alb_log_elb_5xx_total)"), expected.elb_5xx as f64);
    assert_eq!(number("sum(alb_log_target_5xx_total)"), expected.target_5xx as f64);
    assert_eq!(number("sum(alb_log_sent_bytes_total)"), expected.sent_bytes as f64);
    let seconds = number("sum(alb_log_request_time_seconds_sum)");
    assert!((seconds - expected.request_times.1 as f64 / 1e6).abs() < 1e-6, "{seconds}");
    assert_eq!(
        number("sum(alb_log_request_time_seconds_bucket{le='+Inf'})"),
        expected.request_times.0 as f64
    );
    prometheus.check_scrapes();
}

#[test]
fn increase_sees_the_first_events_of_a_series() {
    let folder = Folder::new();
    let server = Server::start(&[&folder.path("")]);
    let prometheus = Prometheus::start(&server, &[]);
    prometheus.await_value("up", 1.0);
    folder.publish("a.log.gz", gzip(albs(7, "/cart", 503)));
    for (metric, expected) in [
        ("alb_log_request_count_total", 7.0),
        ("alb_log_target_5xx_total", 7.0),
        ("alb_log_request_time_seconds_count", 7.0),
        ("alb_log_request_time_seconds_bucket{le=\"0.05\"}", 7.0),
    ] {
        prometheus
            .await_value(&format!("max_over_time({metric}[5m]) - min_over_time({metric}[5m])"), expected);
    }
    until("increase() to be positive", || {
        let increase = prometheus.query("increase(alb_log_target_5xx_total[1m])");
        (increase.first().and_then(value)? > 0.0).then_some(())
    });
    prometheus.check_scrapes();
}

#[test]
fn native_histograms_arrive() {
    let folder = Folder::new();
    folder.publish("a.log.gz", gzip(albs(50, "/cart", 200)));
    let server = Server::start(&[&folder.path("")]);
    server.await_sum("alb_log_request_count_total", &[], 50.0);
    let prometheus = Prometheus::start(&server, &["--enable-feature=native-histograms"]);
    prometheus.await_value("sum(alb_log_request_count_total)", 50.0);
    prometheus.await_value("histogram_count(alb_log_request_time_seconds)", 50.0);
    let number = |query: &str| prometheus.query(query).first().and_then(value).unwrap();
    assert!((number("histogram_sum(alb_log_request_time_seconds)") - 50.0 * 0.043).abs() < 1e-9);
    let median = number("histogram_quantile(0.5, alb_log_request_time_seconds)");
    assert!((median / 0.043 - 1.0).abs() < 0.1, "{median}");
    let series = prometheus.query("alb_log_target_time_seconds");
    assert_eq!(series[0]["histogram"][1]["count"], "50", "{series:?}");
    prometheus.check_scrapes();
}
