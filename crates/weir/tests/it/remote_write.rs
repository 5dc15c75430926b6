//! Minutes written to a real Prometheus and a real VictoriaMetrics: how many requests each minute had, however
//! late and in whatever order they came.
//!
//! Hours pass here in seconds: the program has a clock that the test moves. The receivers go by the times of
//! the samples and need none.

use std::collections::BTreeMap;

use crate::support::receiver::{Receiver, Series};
use crate::support::{Account, FalseClock, Folder, Server, gzip, now_seconds, until};

const COUNT: &str = "alb_log_request_count_total";
const PUBLISHED: &str = "weir_remote_write_published_timestamp_seconds";

/// A server that writes to receivers, and whose clock is moved.
struct Writing {
    folder: Folder,
    config: String,
    clock: FalseClock,
    account: Account,
    files: u32,
    /// The time that the clock was put to last, in seconds.
    now: i64,
}

impl Writing {
    /// `lateness` of the source, and the windows of the receivers; the clock begins at `now`.
    fn new(lateness: &str, window: &str, urls: &[String], now: i64) -> Self {
        let folder = Folder::new();
        std::fs::create_dir(folder.path("logs")).unwrap();
        let write =
            |url: &String| format!("{{url: '{url}', sources: [alb], out_of_order_time_window: {window}}}");
        let config = format!(
            "sources: [{{name: alb, type: alb, path: '{}', lateness: {lateness}}}]\n\
             metrics: {{external_labels: {{cluster: test}}, remote_write: [{}]}}\n",
            folder.path("logs"),
            urls.iter().map(write).collect::<Vec<_>>().join(", ")
        );
        let config = folder.write("weir.yaml", config);
        let clock = FalseClock::at(now);
        Self { folder, config, clock, account: Account::default(), files: 0, now }
    }

    fn start(&self) -> Server {
        Server::start_at(&self.clock, &self.folder.path("data"), &["-c", &self.config])
    }

    /// A file with `count` requests of one second.
    fn deliver(&mut self, second: i64, path: &str, count: u64) {
        self.files += 1;
        let text = self.account.requests(second, path, 200, count);
        let packed = self.folder.publish(&format!("{}.log.gz", self.files), gzip(text));
        std::fs::rename(packed, self.folder.path(&format!("logs/{}.log.gz", self.files))).unwrap();
        self.account.objects += 1;
    }

    fn set_clock(&mut self, now: i64) {
        self.now = now;
        self.clock.set(now);
    }

    /// Waits until everything that was delivered is counted.
    #[track_caller]
    fn await_counted(&self, server: &Server) {
        server.await_sum("weir_source_objects_total", &[], self.account.objects as f64);
    }

    /// Waits until minutes up to `time` are published to `receivers` and nothing waits to be sent.
    #[track_caller]
    fn await_published(&self, server: &Server, time: i64, receivers: usize) {
        until("the minutes to be published", || {
            let metrics = server.metrics();
            let published = crate::support::metrics::samples(&metrics);
            let published = published.iter().filter(|sample| sample.name == PUBLISHED);
            let count = published.filter(|sample| sample.value >= time as f64).count();
            let waiting = crate::support::metrics::sum(&metrics, "weir_queue_bytes", &[]);
            (count == receivers && waiting == 0.0).then_some(())
        });
    }
}

/// What a receiver has of each minute: how much each series rose to the sample at its end.
#[track_caller]
fn by_minute(series: &[Series]) -> BTreeMap<(i64, String), u64> {
    let mut minutes = BTreeMap::new();
    for one in series {
        assert_eq!(one.labels["cluster"], "test");
        let mut samples = one.samples.clone();
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(samples[0].1, 0.0, "a series begins at 0: {one:?}");
        for pair in samples.windows(2) {
            let (end, rise) = (pair[1].0 as i64, pair[1].1 - pair[0].1);
            assert!(end % 60 == 0 && rise >= 0.0, "{pair:?} of {:?}", one.labels);
            if rise > 0.0 {
                *minutes.entry((end / 60 - 1, one.labels["path"].clone())).or_default() += rise as u64;
            }
        }
    }
    minutes
}

/// A whole number of minutes some while ago, in seconds.
fn long_ago(minutes: i64) -> i64 {
    (now_seconds() / 60 - minutes) * 60
}

#[test]
fn the_first_minute_of_a_series_has_its_exact_increase() {
    let receiver = Receiver::prometheus("0s");
    let start = long_ago(120);
    let mut writing = Writing::new("12m", "0s", &[receiver.write_url()], start);
    let server = writing.start();
    let minute = start + 600;
    writing.set_clock(minute + 300);
    for (second, count) in [(0, 7), (59, 4), (60, 2), (125, 3)] {
        writing.deliver(minute + second, "/cart", count);
    }
    writing.await_counted(&server);
    writing.set_clock(minute + 180 + 720 + 1);
    writing.await_published(&server, minute + 180, 1);
    let increase = format!("increase({COUNT}{{path='/cart'}}[1m])");
    // Prometheus extrapolates from samples to the window's edges; two samples a minute apart, both within
    // the window, leave nothing to extrapolate.
    for (end, expected) in [(minute + 60, 11.0), (minute + 120, 2.0), (minute + 180, 3.0)] {
        receiver.await_value(&increase, end, expected);
    }
    assert_eq!(by_minute(&receiver.samples(COUNT, "3h", minute + 600)), writing.account.by_minute);
    assert_eq!(server.sum(COUNT, &[]), 0.0, "what is written leaves /metrics");
    let histogram = "alb_log_request_time_seconds_bucket{le='0.05'}";
    receiver.await_value(&format!("increase({histogram}[1m])"), minute + 60, 11.0);
}

/// Objects of thirty minutes, 5 to 50 minutes late and out of order, while the clock goes on.
///
/// Returns the server and the last time up to which everything is complete.
fn deliver_late(writing: &mut Writing, lateness_s: i64, receivers: usize) -> (Server, i64) {
    let start = writing.now;
    let mut server = writing.start();
    // Each line: when it comes, of when it is, in minutes, and how many requests.
    let mut deliveries = Vec::new();
    for number in 0_i64..30 {
        let event = 60 + number;
        let late = 5 + number * 17 % 46;
        let count = u64::try_from(1 + number % 7).unwrap();
        deliveries.push((event + late, event, count));
    }
    deliveries.sort_unstable();
    let last = 180 + lateness_s / 60;
    for at in (65..=last).step_by(5) {
        writing.set_clock(start + at * 60 + 1);
        for (_, event, count) in deliveries.extract_if(.., |(arrival, ..)| *arrival <= at) {
            writing.deliver(start + event * 60 + 13, "/cart", count);
            writing.deliver(start + event * 60 + 31, "/orders", 2 * count);
        }
        writing.await_counted(&server);
        let published = (start + at * 60 - lateness_s) / 60 * 60;
        writing.await_published(&server, published, receivers);
        if at % 50 == 0 {
            server.kill();
            server = writing.start();
        }
    }
    (server, start + 180 * 60)
}

#[test]
fn late_objects_are_in_their_own_minutes_where_the_lateness_allows_it() {
    let receivers = [Receiver::prometheus("2h"), Receiver::victoria_metrics()];
    let urls: Vec<String> = receivers.iter().map(Receiver::write_url).collect();
    let mut writing = Writing::new("60m", "2h", &urls, long_ago(300));
    let (server, end) = deliver_late(&mut writing, 3_600, receivers.len());
    for receiver in &receivers {
        assert_eq!(by_minute(&receiver.samples(COUNT, "5h", end)), writing.account.by_minute);
        let total = writing.account.total() as f64;
        receiver.await_value(&format!("sum(last_over_time({COUNT}[4h]))"), end, total);
    }
    assert_eq!(server.sum("weir_source_late_records_total", &[]), 0.0);
    assert_eq!(server.sum("weir_remote_write_dropped_samples_total", &[]), 0.0, "{}", server.log());
}

#[test]
fn what_is_later_than_the_lateness_is_counted_in_the_first_open_minute() {
    let receivers = [Receiver::prometheus("0s"), Receiver::victoria_metrics()];
    let urls: Vec<String> = receivers.iter().map(Receiver::write_url).collect();
    let mut writing = Writing::new("12m", "0s", &urls, long_ago(300));
    let (server, end) = deliver_late(&mut writing, 720, receivers.len());
    let total = writing.account.total();
    for receiver in &receivers {
        let minutes = by_minute(&receiver.samples(COUNT, "5h", end));
        assert_eq!(minutes.values().sum::<u64>(), total);
        assert_ne!(minutes, writing.account.by_minute, "some came too late for their own minute");
    }
    let late = server.sum("weir_source_late_records_total", &[]);
    assert!(late > 0.0 && late < total as f64, "{late} of {total}");
    // The minutes that are kept have every one in its own.
    let mut kept = BTreeMap::new();
    for (minute, path) in writing.account.by_minute.keys() {
        let answer = server.get(&format!("/api/routes?from={}&to={}", minute * 60, minute * 60 + 60)).json();
        for row in answer["routes"].as_array().unwrap().iter().filter(|row| row["route"] == path.as_str()) {
            kept.insert((*minute, path.clone()), row["count"].as_u64().unwrap());
        }
    }
    assert_eq!(kept, writing.account.by_minute);
    assert_eq!(server.sum("weir_remote_write_dropped_samples_total", &[]), 0.0, "{}", server.log());
}

#[test]
fn a_restart_sends_nothing_wrong() {
    let receiver = Receiver::prometheus("0s");
    let start = long_ago(120);
    let mut writing = Writing::new("1m", "0s", &[receiver.write_url()], start);
    for round in 0..6_i64 {
        let server = writing.start();
        let minute = start + 600 + round * 300;
        writing.set_clock(minute + 30);
        writing.deliver(minute + 3, "/cart", 3);
        writing.deliver(minute + 9, if round % 2 == 0 { "/even" } else { "/odd" }, 2);
        writing.await_counted(&server);
        if round % 3 != 1 {
            writing.set_clock(minute + 121);
            writing.await_published(&server, minute + 60, 1);
        }
        if round % 2 == 0 {
            server.kill();
        } else {
            server.terminate();
        }
    }
    let end = start + 600 + 6 * 300;
    writing.set_clock(end);
    let server = writing.start();
    writing.await_published(&server, end - 60, 1);
    assert_eq!(by_minute(&receiver.samples(COUNT, "3h", end)), writing.account.by_minute);
    assert_eq!(server.sum("weir_remote_write_dropped_samples_total", &[]), 0.0, "{}", server.log());
}

#[test]
fn a_receiver_that_is_down_gets_everything_when_it_is_up_again() {
    let mut receiver = Receiver::prometheus("0s");
    let start = long_ago(120);
    let mut writing = Writing::new("1m", "0s", &[receiver.write_url()], start);
    let mut server = writing.start();
    let minute = start + 600;
    writing.set_clock(minute + 200);
    writing.deliver(minute, "/cart", 3);
    writing.await_published(&server, minute + 60, 1);
    receiver.stop();
    for round in 1..=4_i64 {
        writing.set_clock(minute + round * 300 + 30);
        writing.deliver(minute + round * 300, "/cart", 5);
        writing.await_counted(&server);
        writing.set_clock(minute + round * 300 + 130);
        until("the minute to be put into the queue", || {
            (server.sum(PUBLISHED, &[]) >= (minute + round * 300 + 60) as f64).then_some(())
        });
        if round == 2 {
            server.kill();
            server = writing.start();
        }
    }
    assert!(server.sum("weir_queue_bytes", &[]) > 0.0);
    receiver.start();
    writing.await_published(&server, minute + 4 * 300 + 60, 1);
    let end = minute + 1_800;
    assert_eq!(by_minute(&receiver.samples(COUNT, "3h", end)), writing.account.by_minute);
    assert!(server.sum("weir_remote_write_failed_requests_total", &[]) > 0.0);
    assert_eq!(server.sum("weir_remote_write_dropped_samples_total", &[]), 0.0, "{}", server.log());
}
