//! Real receivers take what is written, and their queries give the numbers that were counted.
//!
//! The rules that matter (what is too old, what is a duplicate, what a stale marker does) are the
//! receivers' own and differ between versions, so a fake that knows them would only know what we believe.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise, and so may their helpers")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value as Json;
use tempfile::TempDir;
use weir_meter::{Family, Histogram, Kind, Series, Snapshot, Value};
use weir_ship::Authorization;
use weir_ship::remote_write::{
    Body, Dropped, Ending, Label, MINUTE_MS, Outcome, RemoteWriteSender, RemoteWriteTarget, Sample,
    SeriesState, TimeSeries,
};

/// How often a receiver that says it has started is tried: many seconds' worth.
const CONNECT_ATTEMPTS_MAX: u32 = 500_000;

/// A running receiver; ends with the test.
struct Receiver {
    address: String,
    process: Child,
    _folder: TempDir,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Receiver {
    /// Prometheus with this `out_of_order_time_window`.
    fn prometheus(window: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let config = format!("storage: {{tsdb: {{out_of_order_time_window: {window}}}}}\n");
        std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={path}/prometheus.yml"))
            .arg(format!("--storage.tsdb.path={path}/data"))
            .args(["--web.enable-remote-write-receiver", "--web.listen-address=127.0.0.1:0"]);
        Self::start(command, folder, String::new(), "Server is ready to receive web requests")
    }

    fn victoria_metrics() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // It does not say which port it got, so it is told one that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut command = Command::new("victoria-metrics");
        command
            .arg(format!("-storageDataPath={}", folder.path().display()))
            .arg(format!("-httpListenAddr={address}"))
            .arg("-search.latencyOffset=0s");
        Self::start(command, folder, address, "started VictoriaMetrics in")
    }

    /// Waits until the log has `ready`. Prometheus says its address there.
    #[track_caller]
    fn start(mut command: Command, folder: TempDir, mut address: String, ready: &str) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the receiver, which `make setup` installs");
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut is_ready = false;
        // Prometheus says both in any order.
        while !is_ready || address.is_empty() {
            let line = log.next().expect("the receiver to get ready").unwrap();
            if let Some((_, listening)) =
                line.rsplit_once("address=").filter(|_| line.contains("msg=\"Listening on\""))
            {
                address = listening.to_owned();
            }
            is_ready |= line.contains(ready);
        }
        // Whoever stops reading a pipe stops the writer.
        std::thread::spawn(move || log.for_each(drop));
        // VictoriaMetrics says that it has started a moment before it listens.
        let is_open = (0..CONNECT_ATTEMPTS_MAX).any(|_| {
            std::thread::yield_now();
            TcpStream::connect(&address).is_ok()
        });
        assert!(is_open, "nothing listens on {address}");
        Self { address, process, _folder: folder }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// The one value of a query at a moment; `None` without a series.
    #[track_caller]
    fn value(&self, query: &str, time_ms: i64) -> Option<f64> {
        let escaped: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let time = time_ms as f64 / 1_000.0;
        let answer = self.get(&format!("/api/v1/query?query={escaped}&time={time}"));
        let answer: Json = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{answer}");
        let series = answer["data"]["result"].as_array().unwrap();
        assert!(series.len() <= 1, "{query}: {answer}");
        Some(series.first()?["value"][1].as_str().unwrap().parse().unwrap())
    }

    /// Each expectation is minutes after `start_ms`, a query, and its value.
    #[track_caller]
    fn check(&self, start_ms: i64, expected: &[(i64, &str, Option<f64>)]) {
        for (minute, query, expected) in expected {
            assert_eq!(
                self.value(query, start_ms + minute * MINUTE_MS),
                *expected,
                "{query} at {minute} min"
            );
        }
    }

    fn deliver(&self, body: &Body) -> Outcome {
        let target = RemoteWriteTarget {
            url: format!("http://{}/api/v1/write", self.address),
            authorization: Authorization::None,
            headers: Vec::new(),
            timeout: Duration::from_secs(60),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut sender = RemoteWriteSender::new(&target).unwrap();
        runtime.block_on(sender.deliver_or_bisect(body)).unwrap()
    }

    /// All of it is taken.
    #[track_caller]
    fn accept(&self, bodies: &[Body]) {
        for body in bodies {
            let outcome = self.deliver(body);
            assert_eq!((outcome.ending, outcome.first_refusal), (Ending::Finished, None));
        }
    }
}

/// A full minute, `minutes` ago.
#[allow(clippy::disallowed_methods, reason = "receivers compare samples with the clock")]
fn minutes_ago(minutes: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (i64::try_from(now.as_millis()).unwrap() / MINUTE_MS - minutes) * MINUTE_MS
}

/// A counter per path, and a histogram with as many observations of 0.1, and one of 3, for each.
fn snapshot(series: &[(&str, u32)]) -> Snapshot {
    let labels = |path: &str| [("path".into(), path.into())].into();
    let counter = |(path, value): &(&str, u32)| Series {
        labels: labels(path),
        value: Value::Number(f64::from(*value)),
        created_ms: None,
    };
    let times = |(path, value): &(&str, u32)| {
        let counts = vec![u64::from(*value), 0, 1];
        let histogram = Histogram {
            bounds: [0.4, 1.0].into(),
            counts,
            sum: f64::from(*value) / 10.0 + 3.0,
            native: None,
        };
        Series { labels: labels(path), value: Value::Histogram(histogram), created_ms: None }
    };
    let family = |name: &str, kind, series| Family { name: name.into(), help: "Help.".into(), kind, series };
    Snapshot {
        families: vec![
            family("t_seconds", Kind::Histogram, series.iter().map(times).collect()),
            family("x_total", Kind::Counter, series.iter().map(counter).collect()),
        ],
    }
}

/// Minute 0: `/a` is born with 15. Minute 1: `/b` with 4. Minute 2: `/a` expires. Minute 3: it is back with 3 more.
fn four_minutes(start_ms: i64) -> Vec<Vec<Body>> {
    let minutes: [&[(&str, u32)]; 4] =
        [&[("/a", 15)], &[("/a", 15), ("/b", 4)], &[("/b", 4)], &[("/a", 18), ("/b", 5)]];
    let expired: [&[(&str, u32)]; 4] = [&[], &[], &[], &[("/a", 15)]];
    let mut state = SeriesState::new(vec![("cluster".to_owned(), "one".to_owned())]);
    let ends = (start_ms..).step_by(60_000);
    ends.zip(minutes.into_iter().zip(expired))
        .map(|(end_ms, (live, expired))| state.advance(end_ms, snapshot(live), || snapshot(expired)).unwrap())
        .collect()
}

const FIRST_MINUTES_ARE_EXACT: &[(i64, &str, Option<f64>)] = &[
    (0, "increase(x_total{path='/a',cluster='one'}[1m])", Some(15.0)),
    (0, "increase(t_seconds_bucket{path='/a',le='0.4'}[1m])", Some(15.0)),
    (0, "increase(t_seconds_bucket{path='/a',le='1.0'}[1m])", Some(15.0)),
    (0, "increase(t_seconds_bucket{path='/a',le='+Inf'}[1m])", Some(16.0)),
    (0, "increase(t_seconds_count{path='/a'}[1m])", Some(16.0)),
    (0, "increase(t_seconds_sum{path='/a'}[1m])", Some(4.5)),
    (1, "increase(x_total{path='/a'}[1m])", Some(0.0)),
    (1, "increase(x_total{path='/b'}[1m])", Some(4.0)),
    (3, "increase(x_total{path='/a'}[1m])", Some(3.0)),
    (3, "increase(x_total{path='/b'}[1m])", Some(1.0)),
    (3, "sum(x_total)", Some(23.0)),
];

const EXPIRY_IS_SEEN_AT_ONCE: &[(i64, &str, Option<f64>)] = &[
    (1, "x_total{path='/a'}", Some(15.0)),
    (2, "x_total{path='/a'}", None),
    (2, "t_seconds_sum{path='/a'}", None),
    (2, "x_total{path='/b'}", Some(4.0)),
];

#[test]
fn prometheus_has_exact_first_minutes_and_takes_a_minute_twice() {
    let start_ms = minutes_ago(30);
    for window in ["0s", "1h"] {
        let prometheus = Receiver::prometheus(window);
        let minutes = four_minutes(start_ms);
        minutes.iter().take(3).for_each(|bodies| prometheus.accept(bodies));
        prometheus.check(start_ms, EXPIRY_IS_SEEN_AT_ONCE);
        minutes.iter().skip(3).for_each(|bodies| prometheus.accept(bodies));
        prometheus.check(start_ms, FIRST_MINUTES_ARE_EXACT);
        // After a crash the last minute, or all of them, may come again.
        for body in minutes.iter().rev().chain(&minutes).flatten() {
            let outcome = prometheus.deliver(body);
            assert_eq!(outcome.ending, Ending::Finished);
            // Without a window it refuses what it has, once the series went on.
            let refused = Dropped { out_of_order: outcome.dropped.out_of_order, ..Dropped::default() };
            assert_eq!(outcome.dropped, refused);
            assert!(window == "0s" || outcome.dropped.total() == 0, "{:?}", outcome.dropped);
        }
        prometheus.check(start_ms, FIRST_MINUTES_ARE_EXACT);
    }
}

#[test]
fn victoria_metrics_has_exact_first_minutes_and_takes_a_minute_twice() {
    let receiver = Receiver::victoria_metrics();
    let start_ms = minutes_ago(30);
    let minutes = four_minutes(start_ms);
    for _ in 0..2 {
        minutes.iter().for_each(|bodies| receiver.accept(bodies));
        receiver.get("/internal/force_flush");
        receiver.check(start_ms, FIRST_MINUTES_ARE_EXACT);
    }
}

fn series(name: &str, timestamp: i64, value: f64) -> TimeSeries {
    let labels = vec![Label { name: "__name__".to_owned(), value: name.to_owned() }];
    TimeSeries { labels, samples: vec![Sample { value, timestamp }] }
}

/// One request of good samples and of every kind that 2.42 refuses, with 400 or 500 by its window.
#[test]
fn prometheus_takes_the_good_ones_of_a_mixed_body() {
    for window in ["0s", "30m"] {
        let prometheus = Receiver::prometheus(window);
        let now_ms = minutes_ago(0);
        prometheus.accept(&[Body::pack(vec![series("known", now_ms, 5.0)])]);
        let mixed = Body::pack(vec![
            series("good_1", now_ms, 1.0),
            series("too_old", now_ms - 70 * MINUTE_MS, 1.0),
            series("known", now_ms - 45 * MINUTE_MS, 1.0),
            series("known", now_ms, 6.0),
            series("good_2", now_ms, 2.0),
            series("good_3", now_ms - 10 * MINUTE_MS, 3.0),
        ]);
        let outcome = prometheus.deliver(&mixed);
        let late = if window == "0s" { (1, 1) } else { (2, 0) };
        let expected = Dropped { too_old: late.0, out_of_order: late.1, duplicate: 1, refused: 0 };
        assert_eq!((outcome.ending, outcome.dropped), (Ending::Finished, expected), "{window}");
        prometheus.check(
            now_ms,
            &[
                (0, "good_1", Some(1.0)),
                (0, "good_2", Some(2.0)),
                (-10, "good_3", Some(3.0)),
                (0, "known", Some(5.0)),
            ],
        );
    }
}
