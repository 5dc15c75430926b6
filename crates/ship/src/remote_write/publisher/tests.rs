//! Each case is what a receiver gets, as lines of text: read back through the declared messages.

use proptest::prelude::*;
use prost::Message;
use weir_meter::{Family, Histogram, Kind, Series, Snapshot, Value};

use super::super::STALE_MARKER_BITS;
use super::super::message::{Label, TimeSeries, WriteRequest};
use super::*;

/// The minute before the first that most tests publish.
const START_MS: i64 = 1_795_626_000_000;

fn series(labels: &[(&str, &str)], value: Value) -> Series {
    let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Series { labels, value, created_ms: None }
}

fn number(labels: &[(&str, &str)], value: f64) -> Series {
    series(labels, Value::Number(value))
}

fn histogram(labels: &[(&str, &str)], bounds: &[f64], counts: &[u64], sum: f64) -> Series {
    let histogram = Histogram { bounds: bounds.into(), counts: counts.into(), sum, native: None };
    series(labels, Value::Histogram(histogram))
}

fn family(name: &str, kind: Kind, series: Vec<Series>) -> Family {
    Family { name: name.into(), help: "Help.".into(), kind, series }
}

fn counters(series: &[(&str, f64)]) -> Snapshot {
    let series = series.iter().map(|(path, value)| number(&[("path", path)], *value)).collect();
    Snapshot { families: vec![family("x_total", Kind::Counter, series)] }
}

fn one(family: Family) -> Snapshot {
    Snapshot { families: vec![family] }
}

fn decoded(bodies: &[Body]) -> Vec<TimeSeries> {
    bodies.iter().flat_map(|body| body.decode().unwrap().timeseries).collect()
}

/// One line per series: labels, then `seconds from START = value` of each sample.
fn lines(bodies: &[Body]) -> Vec<String> {
    let line = |series: &TimeSeries| {
        let labels: Vec<String> =
            series.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
        let samples = series.samples.iter().map(|sample| {
            let seconds = (sample.timestamp - START_MS) as f64 / 1_000.0;
            let is_stale = sample.value.to_bits() == STALE_MARKER_BITS;
            let value = if is_stale { "stale".to_owned() } else { sample.value.to_string() };
            format!("{seconds}={value}")
        });
        format!("{}: {}", labels.join(" "), samples.collect::<Vec<_>>().join(" "))
    };
    decoded(bodies).iter().map(line).collect()
}

/// Publishes minutes one after the other and checks the last.
#[track_caller]
fn check(minutes: &[Snapshot], before: &Snapshot, expected: &[&str]) {
    let mut state = SeriesState::new(Vec::new());
    let mut bodies = Vec::new();
    for (minute_end_ms, live) in (START_MS..).step_by(60_000).zip(minutes) {
        bodies = state.advance(minute_end_ms, live.clone(), || before.clone()).unwrap();
    }
    assert_eq!(lines(&bodies), expected);
}

#[test]
fn a_series_begins_at_0_a_minute_before_its_first_sample() {
    check(&[counters(&[("/a", 7.0)])], &Snapshot::default(), &["__name__=x_total path=/a: -60=0 0=7"]);
}

#[test]
fn a_live_series_has_one_sample_a_minute_whether_it_moved_or_not() {
    check(
        &[counters(&[("/a", 7.0), ("/b", 1.0)]), counters(&[("/a", 7.0), ("/b", 3.0), ("/c", 2.0)])],
        &Snapshot::default(),
        &[
            "__name__=x_total path=/a: 60=7",
            "__name__=x_total path=/b: 60=3",
            "__name__=x_total path=/c: 0=0 60=2",
        ],
    );
}

#[test]
fn an_expired_series_is_ended_once() {
    let (full, empty) = (counters(&[("/a", 7.0), ("/b", 1.0)]), counters(&[("/b", 1.0)]));
    let ended: &[&str] = &["__name__=x_total path=/b: 60=1", "__name__=x_total path=/a: 59.999=stale"];
    check(&[full.clone(), empty.clone()], &Snapshot::default(), ended);
    check(&[full, empty.clone(), empty], &Snapshot::default(), &["__name__=x_total path=/b: 120=1"]);
}

#[test]
fn a_family_that_is_gone_is_ended_too() {
    check(
        &[counters(&[("/a", 7.0)]), Snapshot::default()],
        &Snapshot::default(),
        &["__name__=x_total path=/a: 59.999=stale"],
    );
}

#[test]
fn a_series_that_comes_back_begins_with_what_it_had() {
    let (live, expired) = (counters(&[("/a", 7.0)]), counters(&[]));
    check(
        &[live.clone(), expired.clone(), counters(&[("/a", 9.0)])],
        &live,
        &["__name__=x_total path=/a: 60=7 120=9"],
    );
}

#[test]
fn a_series_that_was_purged_and_counts_anew_begins_at_0() {
    let created = |value, created_ms| {
        let mut snapshot = counters(&[("/a", value)]);
        snapshot.families[0].series[0].created_ms = created_ms;
        snapshot
    };
    let check_start = |now_ms, before_ms, expected| {
        check(
            &[created(9.0, now_ms)],
            &created(7.0, before_ms),
            &[&format!("__name__=x_total path=/a: -60={expected} 0=9")],
        );
    };
    check_start(Some(5), Some(5), 7);
    check_start(Some(5), Some(4), 0);
    check_start(None, Some(4), 7);
}

#[test]
fn a_gauge_was_not_at_0_before_it_was() {
    check(
        &[one(family("x", Kind::Gauge, vec![number(&[], 5.0)]))],
        &Snapshot::default(),
        &["__name__=x: 0=5"],
    );
}

#[test]
fn a_histogram_is_cumulative_buckets_with_sum_and_count() {
    let times = |counts: &[u64], sum| {
        one(family(
            "t",
            Kind::Histogram,
            vec![histogram(&[("m", "GET"), ("a", "b")], &[0.4, 1.0], counts, sum)],
        ))
    };
    let first = [
        "__name__=t_bucket a=b le=0.4 m=GET: -60=0 0=2",
        "__name__=t_bucket a=b le=1.0 m=GET: -60=0 0=2",
        "__name__=t_bucket a=b le=+Inf m=GET: -60=0 0=3",
        "__name__=t_sum a=b m=GET: -60=0 0=9.5",
        "__name__=t_count a=b m=GET: -60=0 0=3",
    ];
    check(&[times(&[2, 0, 1], 9.5)], &Snapshot::default(), &first);
    let end = |line: &&str| format!("{}: 59.999=stale", line.split_once(": ").unwrap().0);
    let ended: Vec<String> = first.iter().map(end).collect();
    let ended: Vec<&str> = ended.iter().map(String::as_str).collect();
    check(&[times(&[2, 0, 1], 9.5), Snapshot::default()], &Snapshot::default(), &ended);
}

#[test]
fn a_summary_is_sum_and_count() {
    let value = Value::Summary { sum: 1.5, count: 2 };
    check(
        &[one(family("s", Kind::Summary, vec![series(&[], value)]))],
        &Snapshot::default(),
        &["__name__=s_sum: -60=0 0=1.5", "__name__=s_count: -60=0 0=2"],
    );
}

/// A threshold that the config adds is a bucket that never was: from 0 it would be an increase by all requests.
#[test]
fn a_new_bucket_begins_with_what_the_others_know_and_a_lost_one_ends() {
    let times = |bounds: &[f64], counts: &[u64]| {
        one(family("t", Kind::Histogram, vec![histogram(&[], bounds, counts, 1.0)]))
    };
    check(
        &[times(&[0.3, 1.0], &[5, 3, 1]), times(&[0.3, 0.4, 2.0], &[5, 1, 3, 1])],
        &Snapshot::default(),
        &[
            "__name__=t_bucket le=0.3: 60=5",
            "__name__=t_bucket le=0.4: 0=5 60=6",
            "__name__=t_bucket le=2.0: 0=8 60=9",
            "__name__=t_bucket le=+Inf: 60=10",
            "__name__=t_sum: 60=1",
            "__name__=t_count: 60=10",
            "__name__=t_bucket le=1.0: 59.999=stale",
        ],
    );
}

#[test]
fn a_number_that_becomes_a_histogram_ends_and_begins() {
    check(
        &[
            one(family("t", Kind::Counter, vec![number(&[], 4.0)])),
            one(family("t", Kind::Histogram, vec![histogram(&[], &[], &[1], 1.0)])),
        ],
        &Snapshot::default(),
        &[
            "__name__=t_bucket le=+Inf: 0=0 60=1",
            "__name__=t_sum: 0=0 60=1",
            "__name__=t_count: 0=0 60=1",
            "__name__=t: 59.999=stale",
        ],
    );
}

#[test]
fn labels_are_sorted_and_external_ones_give_way() {
    let check_labels = |own: &[(&str, &str)], expected: &str| {
        let external = [("cluster", "a"), ("Zone", "1"), ("z", ""), ("__name__", "no")];
        let external = external.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let live = one(family("x_total", Kind::Counter, vec![number(own, 1.0)]));
        let bodies = SeriesState::new(external.to_vec()).advance(START_MS, live, Snapshot::default).unwrap();
        assert_eq!(lines(&bodies), [format!("{expected}: -60=0 0=1")]);
    };
    check_labels(&[], "Zone=1 __name__=x_total cluster=a");
    check_labels(&[("path", "/a"), ("b", "c")], "Zone=1 __name__=x_total b=c cluster=a path=/a");
    check_labels(&[("cluster", "own")], "Zone=1 __name__=x_total cluster=own");
    check_labels(&[("b", ""), ("le", "1")], "Zone=1 __name__=x_total cluster=a le=1");
}

#[test]
fn what_minutes_that_were_not_sent_had_is_an_increase_of_the_next() {
    let mut state = SeriesState::new(Vec::new());
    state.advance(START_MS, counters(&[("/a", 7.0)]), Snapshot::default).unwrap();
    let later = counters(&[("/a", 50.0), ("/b", 2.0)]);
    let bodies = state.advance(START_MS + 10 * MINUTE_MS, later, Snapshot::default).unwrap();
    assert_eq!(
        lines(&bodies),
        ["__name__=x_total path=/a: 540=7 600=50", "__name__=x_total path=/b: 540=0 600=2"]
    );
}

#[test]
fn minutes_are_published_in_order_and_once() {
    let mut state = SeriesState::new(Vec::new());
    state.advance(START_MS, counters(&[("/a", 7.0)]), Snapshot::default).unwrap();
    for minute_end_ms in [START_MS, START_MS - MINUTE_MS] {
        let error = state.advance(minute_end_ms, Snapshot::default(), Snapshot::default).unwrap_err();
        assert_eq!(error, NotLater { minute_end_ms, last_ms: START_MS });
    }
    let bodies = state.advance(START_MS + MINUTE_MS, counters(&[("/a", 7.0)]), Snapshot::default).unwrap();
    assert_eq!(lines(&bodies), ["__name__=x_total path=/a: 60=7"]);
}

#[test]
fn what_was_counted_before_is_asked_for_only_when_a_series_begins() {
    let mut state = SeriesState::restore(Vec::new(), START_MS, counters(&[("/a", 7.0)]));
    let live = counters(&[("/a", 8.0)]);
    state.advance(START_MS + MINUTE_MS, live, || panic!("nothing begins")).unwrap();
}

#[test]
fn samples_are_allowed_up_to_two_minutes_within_the_window() {
    const NOW_MS: i64 = 10_000_000_000;
    let check = |window_minutes: u64, expected_minutes: i64| {
        let oldest = oldest_allowed(NOW_MS, Duration::from_secs(window_minutes * 60));
        assert_eq!((NOW_MS - oldest) / MINUTE_MS, expected_minutes, "{window_minutes}");
    };
    check(0, 58);
    check(30, 58);
    check(60, 58);
    check(90, 88);
    assert_eq!(oldest_allowed(0, Duration::MAX), -i64::MAX);
}

/// Hand-made bytes: a counter born with 1, its zero left out as proto3 has it.
#[test]
fn a_birth_has_these_bytes() {
    let live = one(family("up", Kind::Counter, vec![number(&[("a", "b")], 1.0)]));
    let bodies = SeriesState::new(Vec::new()).advance(60_300, live, Snapshot::default).unwrap();
    let [body] = bodies.as_slice() else { panic!("{} bodies", bodies.len()) };
    let message = snap::raw::Decoder::new().decompress_vec(body.bytes()).unwrap();
    let expected: [&[u8]; 8] = [
        b"\x0a\x2c",                             // 1 timeseries, 44 bytes
        b"\x0a\x0e\x0a\x08__name__\x12\x02up",   // its 1 label: 1 name, 2 value
        b"\x0a\x06\x0a\x01a\x12\x01b",           // its 1 label
        b"\x12\x03\x10\xac\x02",                 // its 2 sample: no value, 2 timestamp 300
        b"\x12\x0d",                             // its 2 sample, 13 bytes
        b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f", // 1 value, a double
        b"\x10\x8c\xd7\x03",                     // 2 timestamp 60300
        b"",
    ];
    assert_eq!(message, expected.concat());
    assert_eq!(body.bytes().first(), Some(&(message.len() as u8)), "snappy's block begins with the length");
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0_u32..9).prop_map(|value| Value::Number(value.into())),
        (0_u32..9, 0_u64..9).prop_map(|(sum, count)| Value::Summary { sum: sum.into(), count }),
        (prop::collection::vec(0_u64..5, 1..4), 0_u32..9).prop_map(|(counts, sum)| {
            let bounds = (1..counts.len()).map(|bound| bound as f64 / 10.0).collect();
            Value::Histogram(Histogram { bounds, counts, sum: sum.into(), native: None })
        }),
    ]
}

/// Any of some few series, so that they come, go and come back.
fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let label = prop::collection::btree_map("[A-Z_a-km-z]{1,3}", "[a-c/]{1,2}", 0..3);
    let all = prop::collection::btree_map(label, any_value(), 0..4);
    prop::collection::btree_map("[ab]", all, 0..3).prop_map(|families| {
        let families = families.into_iter().map(|(name, all)| {
            let all = all.into_iter().map(|(labels, value)| {
                let labels: Vec<_> =
                    labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                series(&labels, value)
            });
            family(&name, Kind::Counter, all.collect())
        });
        Snapshot { families: families.collect() }
    })
}

proptest! {
    /// The hand-written encoder against the declared messages: the same bytes, and labels in order.
    #[test]
    fn any_minute_is_written_as_the_messages_write_it(minutes in prop::collection::vec(any_snapshot(), 1..4)) {
        let mut state = SeriesState::new(vec![("aa".to_owned(), "x".to_owned())]);
        for (minute_end_ms, live) in (START_MS..).step_by(60_000).zip(minutes) {
            for body in state.advance(minute_end_ms, live, Snapshot::default).unwrap() {
                let request: WriteRequest = body.decode().unwrap();
                for series in &request.timeseries {
                    let is_before = |pair: &[Label]| pair[0].name < pair[1].name;
                    prop_assert!(series.labels.windows(2).all(is_before), "{:?}", series.labels);
                    prop_assert!(series.labels.iter().all(|label| !label.value.is_empty()));
                    prop_assert!(series.samples.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
                }
                let message = snap::raw::Decoder::new().decompress_vec(body.bytes()).unwrap();
                prop_assert_eq!(request.encode_to_vec(), message);
            }
        }
    }

    #[test]
    fn a_restart_after_any_minute_changes_nothing(
        minutes in prop::collection::vec(any_snapshot(), 2..5),
        before in any_snapshot(),
    ) {
        let mut state = SeriesState::new(Vec::new());
        for (minute_end_ms, live) in (START_MS..).step_by(60_000).zip(minutes) {
            let mut restarted = match &state.last {
                Some((last_ms, last)) => SeriesState::restore(Vec::new(), *last_ms, last.clone()),
                None => SeriesState::new(Vec::new()),
            };
            let again = restarted.advance(minute_end_ms, live.clone(), || before.clone()).unwrap();
            prop_assert_eq!(state.advance(minute_end_ms, live, || before.clone()).unwrap(), again);
        }
    }

    /// The receiver's rule: in each series, each sample is later than the one before, across all minutes.
    #[test]
    fn no_series_ever_goes_back_in_time(minutes in prop::collection::vec(any_snapshot(), 1..8)) {
        let mut state = SeriesState::new(Vec::new());
        let mut latest = std::collections::HashMap::new();
        for (minute_end_ms, live) in (START_MS..).step_by(60_000).zip(minutes) {
            for series in decoded(&state.advance(minute_end_ms, live, Snapshot::default).unwrap()) {
                let key: Vec<String> = series.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect();
                for sample in series.samples {
                    let before = latest.insert(key.clone(), sample.timestamp);
                    prop_assert!(before.is_none_or(|before| before < sample.timestamp), "{:?}", key);
                }
            }
        }
    }
}
