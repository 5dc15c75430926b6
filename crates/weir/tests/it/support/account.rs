//! What must be counted, added up beside the lines as they are made: a second count that shares no code with
//! the first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::clock::date_time;
use super::lines::alb;
use super::metrics::samples;
use super::server::Server;

/// The seconds that each line of [`alb`] took.
const REQUEST_SECONDS: f64 = 0.043;

/// The trace id of each line of [`alb`].
const SAME_TRACE: &str = "1-6740aaaa-0123456789abcdef01234567";

/// What became of lines that were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Requests by path and status.
    pub by_series: BTreeMap<(String, String), u64>,
    /// Requests by minute (since the epoch) and path.
    pub by_minute: BTreeMap<(i64, String), u64>,
    /// Requests by trace id: those that were made together have one.
    pub by_trace: BTreeMap<String, u64>,
    /// Lines that are no requests.
    pub rejects: u64,
    /// Objects with lines in them.
    pub objects: u64,
}

impl Account {
    /// Counts `count` requests of a second, and returns their lines.
    pub fn requests(&mut self, second: i64, path: &str, status: u16, count: u64) -> String {
        *self.by_series.entry((path.to_owned(), status.to_string())).or_default() += count;
        *self.by_minute.entry((second.div_euclid(60), path.to_owned())).or_default() += count;
        let trace = format!("1-{:08x}-{:024x}", second, self.by_trace.len());
        let line = alb(&format!("{}.250000Z", date_time(second)), path, status);
        let line = line.replace(SAME_TRACE, &trace);
        self.by_trace.insert(trace, count);
        line.repeat(usize::try_from(count).unwrap())
    }

    /// Counts a line that is no request, and returns it.
    pub fn reject(&mut self) -> String {
        self.rejects += 1;
        "https only\n".to_owned()
    }

    /// Requests in all.
    pub fn total(&self) -> u64 {
        self.by_series.values().sum()
    }

    /// Compares everything that a server says with what it should: counters, histograms, its account of the
    /// source, and each minute.
    #[track_caller]
    pub fn check(&self, server: &Server, source: &str) {
        let metrics = samples(&server.metrics());
        let sum = |name: &str, label: &str| -> BTreeMap<String, u64> {
            let mut sums = BTreeMap::new();
            for sample in metrics.iter().filter(|sample| sample.name == name) {
                let key = sample.labels.get(label).cloned().unwrap_or_default();
                *sums.entry(key).or_default() += sample.value as u64;
            }
            sums.retain(|_, count| *count > 0);
            sums
        };
        let mut by_series = BTreeMap::new();
        for sample in metrics.iter().filter(|sample| sample.name == "alb_log_request_count_total") {
            let key = (sample.labels["path"].clone(), sample.labels["status"].clone());
            *by_series.entry(key).or_default() += sample.value as u64;
        }
        assert_eq!(by_series, self.by_series, "requests by path and status");
        let of_source =
            |count: u64| [(source.to_owned(), count)].into_iter().filter(|(_, n)| *n > 0).collect();
        for (name, expected) in [
            ("weir_source_received_total", self.total() + self.rejects),
            ("weir_source_stored_total", self.total()),
            ("weir_source_rejected_total", self.rejects),
            ("weir_source_objects_total", self.objects),
        ] {
            assert_eq!(sum(name, "source"), of_source(expected), "{name}");
        }
        let total_of = |name: &str| -> f64 {
            metrics.iter().filter(|sample| sample.name == name).map(|sample| sample.value).sum()
        };
        assert_eq!(total_of("alb_log_request_time_seconds_count"), self.total() as f64);
        let seconds = total_of("alb_log_request_time_seconds_sum");
        assert!((seconds - self.total() as f64 * REQUEST_SECONDS).abs() < 1e-6, "{seconds} s");
        assert_eq!(self.served_minutes(server), self.by_minute, "requests by minute and path");
        self.check_records(server, source);
    }

    /// Compares the records that a server finds of a source: each line once, and as often as it was made.
    #[track_caller]
    pub fn check_records(&self, server: &Server, source: &str) {
        let asked = format!("query=source:{source}&from=0&to=now%2B1d");
        let total = server.get(&format!("/api/search?{asked}&limit=0")).json();
        assert_eq!(total["total"].as_u64(), Some(self.total()), "{total}");
        let lines = server.get(&format!("/api/search?{asked}&format=ndjson")).text();
        let (mut by_trace, mut by_series, mut places) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for line in lines.lines() {
            let hit: Value = serde_json::from_str(line).unwrap();
            let text =
                |name: &str| hit[name].as_str().unwrap_or_else(|| panic!("no {name}: {hit}")).to_owned();
            *by_trace.entry(text("trace_id")).or_default() += 1;
            *by_series.entry((text("route"), hit["status"].to_string())).or_default() += 1;
            assert!(places.insert((text("_origin"), hit["_line"].as_u64())), "found twice: {hit}");
        }
        assert_eq!(by_trace, self.by_trace, "records by trace id");
        assert_eq!(by_series, self.by_series, "records by path and status");
    }

    /// Compares the minutes and records that a server has, whatever is in its counters.
    #[track_caller]
    pub fn check_minutes(&self, server: &Server) {
        assert_eq!(self.served_minutes(server), self.by_minute, "requests by minute and path");
        self.check_records(server, "*");
    }

    /// Each minute that has requests here, as the server has it.
    #[track_caller]
    fn served_minutes(&self, server: &Server) -> BTreeMap<(i64, String), u64> {
        let mut served = BTreeMap::new();
        let first = self.by_minute.keys().next().map_or(0, |(minute, _)| *minute);
        let last = self.by_minute.keys().next_back().map_or(0, |(minute, _)| *minute);
        for minute in first - 1..=last + 1 {
            let path = format!("/api/routes?from={}&to={}", minute * 60, minute * 60 + 60);
            let answer = server.get(&path).json();
            for row in answer["routes"].as_array().unwrap_or_else(|| panic!("{answer}")) {
                let route = row["route"].as_str().unwrap().to_owned();
                *served.entry((minute, route)).or_default() += row["count"].as_u64().unwrap();
            }
        }
        served
    }
}

/// The key of a load balancer's file: of a node, and of the five minutes that end at `end` (seconds).
pub fn alb_key(end: i64, node: &str, random: &str) -> String {
    let time = date_time(end).replace(['-', ':'], "");
    let (day, minute) = (&date_time(end)[..10].replace('-', "/"), &time[..13]);
    format!(
        "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/{day}/111122223333_elasticloadbalancing_\
         eu-central-1_app.prod.50dc6c495c0c9188_{minute}Z_{node}_{random}.log.gz"
    )
}
