//! A receiver that refuses chosen series as Prometheus does: the whole request, without saying which.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::super::message::{Label, Sample};
use super::super::sender::RemoteWriteTarget;
use super::*;
use crate::fake_receiver::{FakeAnswer, FakeReceiver, block_on};
use crate::http_client::Authorization;

/// What the receiver took: per series its samples' times in the order of arrival.
type Taken = Arc<Mutex<HashMap<String, Vec<i64>>>>;

/// Status and text with which a receiver refuses a sample of `series` at a time.
type Refusal = fn(series: &str, timestamp: i64) -> Option<(u16, &'static str)>;

/// One series per name, with samples of value 1 at these times.
fn body(series: &[(String, Vec<i64>)]) -> Body {
    let one = |(name, times): &(String, Vec<i64>)| TimeSeries {
        labels: vec![Label { name: "__name__".to_owned(), value: name.clone() }],
        samples: times.iter().map(|timestamp| Sample { value: 1.0, timestamp: *timestamp }).collect(),
    };
    Body::pack(series.iter().map(one).collect())
}

fn named(names: &[&str], times: &[i64]) -> Vec<(String, Vec<i64>)> {
    names.iter().map(|name| ((*name).to_owned(), times.to_vec())).collect()
}

fn receiver(refusal: Refusal) -> (FakeReceiver, Taken) {
    let taken = Taken::default();
    let own = taken.clone();
    let receiver = FakeReceiver::start(move |bytes| {
        let request = Body::from_bytes(bytes.to_vec()).decode().unwrap();
        let samples = |series: &TimeSeries| -> Vec<(String, i64)> {
            let name = &series.labels[0].value;
            series.samples.iter().map(|sample| (name.clone(), sample.timestamp)).collect()
        };
        let samples: Vec<(String, i64)> = request.timeseries.iter().flat_map(samples).collect();
        if let Some((status, text)) = samples.iter().find_map(|(name, time)| refusal(name, *time)) {
            return FakeAnswer::new(status, text);
        }
        let mut taken = own.lock().unwrap();
        samples.into_iter().for_each(|(name, time)| taken.entry(name).or_default().push(time));
        FakeAnswer::new(204, "")
    });
    (receiver, taken)
}

fn sender(receiver: &FakeReceiver) -> RemoteWriteSender {
    let target = RemoteWriteTarget {
        url: format!("http://{}/api/v1/write", receiver.address),
        authorization: Authorization::Bearer("token".to_owned()),
        headers: vec![
            ("X-Scope-OrgID".to_owned(), "shop".to_owned()),
            ("Content-Type".to_owned(), "text/html".to_owned()),
        ],
        timeout: Duration::from_secs(60),
    };
    RemoteWriteSender::new(&target).unwrap()
}

fn deliver(refusal: Refusal, series: &[(String, Vec<i64>)]) -> (Outcome, HashMap<String, Vec<i64>>, usize) {
    let (receiver, taken) = receiver(refusal);
    let outcome = block_on(sender(&receiver).deliver_or_bisect(&body(series))).unwrap();
    let taken = taken.lock().unwrap().clone();
    (outcome, taken, receiver.requests().len())
}

#[test]
fn a_body_that_is_taken_is_one_request_with_the_protocols_headers() {
    let (receiver, _) = receiver(|_, _| None);
    let outcome = block_on(sender(&receiver).deliver_or_bisect(&body(&named(&["a"], &[1])))).unwrap();
    assert_eq!((outcome.ending, outcome.dropped.total()), (Ending::Finished, 0));
    let requests = receiver.requests();
    let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    assert!(request.starts_with("POST /api/v1/write HTTP/1.1\r\n"), "{request}");
    for header in [
        "authorization: Bearer token",
        "content-encoding: snappy",
        "content-type: application/x-protobuf",
        "x-prometheus-remote-write-version: 0.1.0",
        "x-scope-orgid: shop",
    ] {
        assert!(request.contains(&format!("\r\n{header}\r\n")), "no `{header}` in {request}");
    }
    assert!(!request.contains("text/html"), "{request}");
}

#[test]
fn what_is_refused_is_dropped_by_reason_and_all_else_is_delivered() {
    let refusal: Refusal = |name, _| match name {
        "old" => Some((500, "too old sample")),
        "bounds" => Some((400, "out of bounds")),
        "order" => Some((400, "out of order sample")),
        "double" => Some((400, "duplicate sample for timestamp")),
        "odd" => Some((400, "invalid label")),
        _ => None,
    };
    let names = ["a", "old", "b", "c", "order", "double", "d", "odd", "e", "bounds"];
    let (outcome, taken, _) = deliver(refusal, &named(&names, &[1]));
    assert_eq!(outcome.dropped, Dropped { too_old: 2, out_of_order: 1, duplicate: 1, refused: 1 });
    assert_eq!(outcome.ending, Ending::Finished);
    assert!(outcome.first_refusal.is_some());
    let mut delivered: Vec<_> = taken.into_keys().collect();
    delivered.sort();
    assert_eq!(delivered, ["a", "b", "c", "d", "e"]);
}

/// A body sent twice: its zeros are out of order, its values are not.
#[test]
fn earlier_samples_are_tried_first_and_alone() {
    let refusal: Refusal = |_, time| (time < 60).then_some((400, "out of order sample"));
    let names: Vec<String> = (0..40).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (outcome, taken, requests) = deliver(refusal, &named(&names, &[0, 60]));
    assert_eq!(outcome.dropped, Dropped { out_of_order: 40, ..Dropped::default() });
    assert!(taken.len() == 40 && taken.values().all(|times| times == &[60]), "{taken:?}");
    // The body, each of the 79 groups of the zeros, and all values at once.
    assert_eq!(requests, 1 + 79 + 1);
}

#[test]
fn samples_of_a_series_arrive_in_order() {
    let refusal: Refusal = |name, time| (name == "s3" && time == 60).then_some((400, "duplicate sample"));
    let names: Vec<String> = (0..9).map(|number| format!("s{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (outcome, taken, _) = deliver(refusal, &named(&names, &[0, 60]));
    assert_eq!(outcome.dropped.total(), 1);
    assert!(taken.values().all(|times| times.is_sorted()), "{taken:?}");
    assert_eq!(taken.values().map(Vec::len).sum::<usize>(), 17);
}

#[test]
fn a_body_that_is_refused_whole_costs_a_bounded_number_of_requests() {
    let refusal: Refusal = |_, time| (time < 60).then_some((500, "too old sample"));
    let series: Vec<_> = (0..3_000).map(|number| (format!("s{number}"), vec![0, 60])).collect();
    let (outcome, taken, requests) = deliver(refusal, &series);
    assert_eq!(outcome.dropped, Dropped { too_old: 3_000, ..Dropped::default() });
    assert_eq!(taken.len(), 3_000);
    assert!(requests <= 2 * REQUESTS_MAX + 3, "{requests}");
}

#[test]
fn a_body_too_large_is_cut() {
    let receiver = FakeReceiver::start(|bytes| {
        let request = Body::from_bytes(bytes.to_vec()).decode().unwrap();
        FakeAnswer::new(if request.timeseries.len() > 2 { 413 } else { 200 }, "too large")
    });
    let body = body(&named(&["a", "b", "c", "d", "e"], &[1]));
    let outcome = block_on(sender(&receiver).deliver_or_bisect(&body)).unwrap();
    assert_eq!((outcome.dropped.total(), outcome.ending), (0, Ending::Finished));
}

#[test]
fn a_receiver_that_fails_in_the_middle_leaves_what_is_left() {
    let refusal: Refusal = |name, time| match (name, time) {
        ("bad", _) => Some((400, "out of order sample")),
        ("slow", 60) => Some((503, "busy")),
        _ => None,
    };
    let (outcome, taken, _) = deliver(refusal, &named(&["a", "bad", "b", "slow"], &[0, 60, 120]));
    let Ending::Retry { text, remaining, .. } = outcome.ending else { panic!("{outcome:?}") };
    assert_eq!(text, "busy");
    // What is dropped now and what is left are together what was not taken.
    let left: Vec<TimeSeries> = remaining.iter().flat_map(|body| body.decode().unwrap().timeseries).collect();
    let taken: usize = taken.values().map(Vec::len).sum();
    assert_eq!(outcome.dropped.total() as usize + left.len() + taken, 12);
    let times: Vec<i64> = left.iter().map(|series| series.samples[0].timestamp).collect();
    assert!(times.is_sorted() && times.first() == Some(&60), "{times:?}");
}

#[test]
fn a_target_that_takes_nothing_is_asked_once_and_nothing_is_dropped() {
    for status in [301, 401, 403, 404, 405, 415] {
        let receiver = FakeReceiver::answering(&[FakeAnswer::new(status, "no\nway")]);
        let sent = body(&named(&["a", "b"], &[1]));
        let outcome = block_on(sender(&receiver).deliver_or_bisect(&sent)).unwrap();
        let text = "no way".to_owned();
        assert_eq!(outcome.ending, Ending::Refused { status, text, remaining: vec![sent] });
        assert_eq!((outcome.dropped.total(), receiver.requests().len()), (0, 1));
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = FakeReceiver::answering(&[FakeAnswer::new(204, "")]);
    let redirect =
        FakeAnswer::new(307, "").with_header("Location", &format!("http://{}/", elsewhere.address));
    let receiver = FakeReceiver::answering(&[redirect]);
    let delivery = block_on(sender(&receiver).send(&body(&named(&["a"], &[1]))));
    assert_eq!(delivery, Delivery::Refused { status: 307, text: String::new() });
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn an_answers_text_is_bounded_and_its_wait_is_kept() {
    let answer = FakeAnswer::new(503, &"x".repeat(100_000)).with_header("Retry-After", "7");
    let receiver = FakeReceiver::answering(&[answer]);
    let delivery = block_on(sender(&receiver).send(&body(&named(&["a"], &[1]))));
    let after = Some(Duration::from_secs(7));
    assert_eq!(delivery, Delivery::Retry { after, text: "x".repeat(4_096) });
}

#[test]
fn a_receiver_that_is_not_there_is_tried_again_later() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let target = RemoteWriteTarget {
        url,
        authorization: Authorization::None,
        headers: Vec::new(),
        timeout: Duration::from_secs(60),
    };
    let mut sender = RemoteWriteSender::new(&target).unwrap();
    let delivery = block_on(sender.send(&body(&named(&["a"], &[1]))));
    let Delivery::Retry { after: None, text } = delivery else { panic!("{delivery:?}") };
    assert!(text.contains("refused"), "{text}");
}

#[test]
fn a_receiver_that_does_not_answer_in_time_is_tried_again_later() {
    // Never accepted, so never answered.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = RemoteWriteTarget {
        url: format!("http://{}/", listener.local_addr().unwrap()),
        authorization: Authorization::None,
        headers: Vec::new(),
        timeout: Duration::from_millis(50),
    };
    let mut sender = RemoteWriteSender::new(&target).unwrap();
    let delivery = block_on(sender.send(&body(&named(&["a"], &[1]))));
    let text = "no answer within 0.05 s".to_owned();
    assert_eq!(delivery, Delivery::Retry { after: None, text });
}
