//! Real receivers of remote write: Prometheus and VictoriaMetrics.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::folder::Folder;
use super::http::{get, try_request};
use super::program::Process;
use super::wait::until;

/// A server that samples are written to; its data outlives a restart.
pub struct Receiver {
    /// Where it listens, `127.0.0.1:<port>`.
    pub address: String,
    folder: Folder,
    kind: Kind,
    process: Option<Process>,
}

enum Kind {
    Prometheus,
    VictoriaMetrics,
}

/// A series: its labels, and its samples as seconds since the epoch and value.
#[derive(Clone, Debug)]
pub struct Series {
    pub labels: BTreeMap<String, String>,
    pub samples: Vec<(f64, f64)>,
}

impl Receiver {
    /// A Prometheus that takes samples as late as `out_of_order_time_window` says.
    #[track_caller]
    pub fn prometheus(out_of_order_time_window: &str) -> Self {
        let folder = Folder::new();
        let config = format!("storage: {{tsdb: {{out_of_order_time_window: {out_of_order_time_window}}}}}\n");
        folder.write("prometheus.yml", config);
        Self::started(folder, Kind::Prometheus)
    }

    /// A VictoriaMetrics.
    #[track_caller]
    pub fn victoria_metrics() -> Self {
        Self::started(Folder::new(), Kind::VictoriaMetrics)
    }

    #[track_caller]
    fn started(folder: Folder, kind: Kind) -> Self {
        // Neither says which port it got, and both must come back at the same one.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut receiver = Self { address, folder, kind, process: None };
        receiver.start();
        receiver
    }

    /// Starts it again where it was.
    #[track_caller]
    pub fn start(&mut self) {
        let (program, flags) = match self.kind {
            Kind::Prometheus => (
                "prometheus",
                vec![
                    format!("--config.file={}", self.folder.path("prometheus.yml")),
                    format!("--storage.tsdb.path={}", self.folder.path("data")),
                    format!("--web.listen-address={}", self.address),
                    "--web.enable-remote-write-receiver".to_owned(),
                ],
            ),
            Kind::VictoriaMetrics => (
                "victoria-metrics",
                vec![
                    format!("-httpListenAddr={}", self.address),
                    format!("-storageDataPath={}", self.folder.path("data")),
                    "-retentionPeriod=1y".to_owned(),
                    "-search.latencyOffset=0s".to_owned(),
                ],
            ),
        };
        let log = File::options().append(true).create(true).open(self.folder.path("log")).unwrap();
        let mut command = Command::new(program);
        command.args(flags).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}; see `make setup`"));
        self.process = Some(Process(process));
        until("the receiver to be ready", || {
            let path = if matches!(self.kind, Kind::Prometheus) { "/-/ready" } else { "/health" };
            let response = try_request(&self.address, "GET", path, &[], b"")?;
            (response.status == 200).then_some(())
        });
    }

    /// Stops it, as a service manager does.
    #[track_caller]
    pub fn stop(&mut self) {
        self.process.take().expect("it runs").terminate();
    }

    /// Starts it again with the rules of this file.
    #[track_caller]
    pub fn judge_by(&mut self, rule_file: &str) {
        self.stop();
        let known = fs::read_to_string(self.folder.path("prometheus.yml")).unwrap();
        self.folder.write("prometheus.yml", format!("{known}rule_files: ['{rule_file}']\n"));
        self.start();
    }

    /// Where to write to.
    pub fn write_url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// All samples of `selector` in the last `range`, oldest first.
    #[track_caller]
    pub fn samples(&self, selector: &str, range: &str, at: i64) -> Vec<Series> {
        self.query(&format!("{selector}[{range}]"), at)
    }

    /// The series of an instant query at a time (seconds since the epoch), each with one sample unless the
    /// query is of a range.
    #[track_caller]
    pub fn query(&self, query: &str, at: i64) -> Vec<Series> {
        if matches!(self.kind, Kind::VictoriaMetrics) {
            get(&self.address, "/internal/force_flush");
        }
        let escaped: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = get(&self.address, &format!("/api/v1/query?query={escaped}&time={at}&nocache=1")).json();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let series = answer["data"]["result"].as_array().unwrap();
        series.iter().map(|series| series_of(series).unwrap_or_else(|| panic!("{series}"))).collect()
    }

    /// The value of a query that gives one series; `None` if it gives none.
    #[track_caller]
    pub fn value(&self, query: &str, at: i64) -> Option<f64> {
        let series = self.query(query, at);
        assert!(series.len() <= 1, "{query}: {series:?}");
        Some(series.first()?.samples.first()?.1)
    }

    /// Waits until a query has one series with this value.
    #[track_caller]
    pub fn await_value(&self, query: &str, at: i64, expected: f64) {
        until(&format!("{query} to be {expected}"), || {
            (self.value(query, at) == Some(expected)).then_some(())
        });
    }
}

fn series_of(series: &Value) -> Option<Series> {
    let labels = series["metric"].as_object()?.iter();
    let labels = labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let sample = |sample: &Value| Some((sample[0].as_f64()?, sample[1].as_str()?.parse().ok()?));
    let samples = match series["values"].as_array() {
        Some(values) => values.iter().map(sample).collect::<Option<_>>()?,
        None => vec![sample(&series["value"])?],
    };
    Some(Series { labels: labels.collect::<Option<_>>()?, samples })
}
