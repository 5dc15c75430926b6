//! The queue's loop against a server: what is deleted, what comes again, what is given up, and what a stop leaves.
//!
//! Each test says which messages and objects there are and waits for what must become of them.

use std::future::Future;

use weir_record::NotAccessLog;

use super::super::testing::{FakeAws, Remembering, Serve, VISIBILITY, notification};
use super::*;

/// A running source.
struct Running {
    sink: Arc<Remembering>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(30), self.task).await.expect("it stops").unwrap();
    }
}

async fn run(aws: &FakeAws, change: impl FnOnce(&mut SqsSettings)) -> Running {
    let mut settings = SqsSettings::new(aws.queue_url());
    settings.visibility_timeout = VISIBILITY;
    change(&mut settings);
    let sink = Arc::new(Remembering::default());
    let (stop, stopped) = watch::channel(false);
    let mut source = SqsSource::new(aws.clients().await, settings);
    source.ask_depth_every = Duration::ZERO;
    let task = tokio::spawn(source.run(Arc::clone(&sink), stopped));
    Running { sink, stop, task }
}

async fn until_empty(aws: &FakeAws) {
    aws.until("an empty queue", |aws| aws.messages().is_empty()).await;
}

/// One thread is enough, but blocking reads need the others.
fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

#[test]
fn messages_are_deleted_when_all_their_objects_are_counted() {
    block_on(async {
        let aws = FakeAws::start();
        for key in ["a", "b", "c d", "large"] {
            aws.put(key, if key == "large" { "more than twenty bytes of it" } else { "text" }, Serve::Whole);
        }
        aws.send("1", notification(&[("a", Some("text")), ("b", None)]));
        aws.send("2", notification(&[("c+d", Some("text"))]));
        aws.send("3", notification(&[("large", None), ("conn_log.x.gz", None)]));
        aws.send("4", r#"{"Service": "Amazon S3", "Event": "s3:TestEvent"}"#.to_owned());
        let running = run(&aws, |_| ()).await;
        until_empty(&aws).await;
        running.sink.until("caught up", |seen| seen.caught_up > 0).await;
        aws.send("5", notification(&[("a", Some("text"))]));
        running.sink.until("a duplicate", |seen| seen.duplicates == 1).await;
        until_empty(&aws).await;
        let mut counted = running.sink.seen().counted;
        counted.sort();
        assert_eq!(counted, ["a", "b", "c d", "large"]);
        assert_eq!(aws.call_count("GET"), 4);
        aws.send("6", notification(&[("conn_log.x.gz", None)]));
        until_empty(&aws).await;
        assert_eq!(running.sink.seen().skipped, [NotAccessLog::ConnectionLog], "each name once");
        running.stop().await;
    });
}

#[test]
fn what_is_at_fault_itself_is_given_up_with_its_reason() {
    block_on(async {
        let aws = FakeAws::start();
        aws.put("broken", "broken", Serve::Whole);
        aws.put("replaced", "new", Serve::Whole);
        aws.put("good", "text", Serve::Whole);
        aws.send("1", notification(&[("good", Some("text")), ("broken", None)]));
        aws.send("2", notification(&[("gone", None)]));
        aws.send("3", notification(&[("replaced", Some("old"))]));
        aws.send("4", "not json".to_owned());
        aws.send("5", notification(&[("bad%ZZ", None), ("good", Some("text"))]));
        let dead_letter_queue_url = Some(aws.queue_url());
        let running = run(&aws, |settings| {
            settings.receives_max = 2;
            settings.dead_letter_queue_url = dead_letter_queue_url;
        })
        .await;
        until_empty(&aws).await;
        running.sink.until("caught up", |seen| seen.caught_up > 0).await;
        let mut given_up = running.sink.seen().given_up;
        given_up.sort();
        assert_eq!(
            given_up,
            [
                "message_not_json message 4",
                "object_missing gone",
                "object_replaced replaced",
                "record_unreadable message 5",
                "truncated broken",
            ]
        );
        assert_eq!(running.sink.seen().out_of_reach, ["gone"], "this one counts when it is there again");
        assert_eq!(aws.call_count("GET gone"), 2, "each was tried twice");
        assert_eq!(
            running.sink.seen().counted.iter().filter(|key| *key == "good").count(),
            aws.call_count("GET good")
        );
        let dead_letters = aws.dead_letters();
        assert_eq!(dead_letters.len(), 5);
        assert!(dead_letters.iter().any(|(body, reason)| body == "not json" && reason.contains("not JSON")));
        running.stop().await;
    });
}

#[test]
fn an_outage_or_a_missing_permission_never_ends_in_giving_up() {
    for (body, serve, label) in [
        ("text", Serve::Denied, "access_denied"),
        ("text", Serve::Cut, "object_cut"),
        ("unavailable", Serve::Whole, "not_durable"),
    ] {
        block_on(async {
            let aws = FakeAws::start();
            aws.put("k", body, serve);
            aws.put("good", "text", Serve::Whole);
            aws.send("1", notification(&[("k", None), ("gone", None), ("good", Some("text"))]));
            let running = run(&aws, |settings| settings.receives_max = 1).await;
            aws.until("a second try", |aws| aws.call_count("visibility 1") >= 2).await;
            let seen = running.sink.seen();
            assert!(seen.failed.contains(&label) && seen.given_up.is_empty(), "{label}: {seen:#?}");
            assert_eq!(seen.caught_up, 0, "{label}");
            assert_eq!(aws.call_count("GET good"), 1, "only what failed is done again");
            assert_eq!(aws.messages(), ["1"]);
            aws.put("k", "text", Serve::Whole);
            aws.put("gone", "text", Serve::Whole);
            until_empty(&aws).await;
            assert_eq!(running.sink.seen().counted.len(), 3);
            running.stop().await;
        });
    }
}

#[test]
fn a_stop_makes_visible_at_once_what_is_not_done() {
    block_on(async {
        let aws = FakeAws::start();
        aws.put("k", "never", Serve::Whole);
        aws.send("1", notification(&[("k", None)]));
        let running = run(&aws, |settings| settings.drain_max = Duration::ZERO).await;
        aws.until("a fetch", |aws| aws.call_count("GET k") == 1).await;
        running.stop().await;
        assert_eq!(aws.call_count("visibility 1 0"), 1);
        assert_eq!(aws.messages(), ["1"]);
    });
}

#[test]
fn a_message_in_work_stays_ours() {
    block_on(async {
        let aws = FakeAws::start();
        aws.put("k", "never", Serve::Whole);
        aws.send("1", notification(&[("k", None)]));
        let running = run(&aws, |settings| {
            settings.visibility_timeout = Duration::from_secs(3);
            settings.drain_max = Duration::ZERO;
        })
        .await;
        aws.until("two heartbeats", |aws| aws.call_count("visibility 1 3") >= 2).await;
        assert_eq!(aws.call_count("GET k"), 1);
        running.stop().await;
    });
}

#[test]
fn a_queue_that_refuses_is_asked_again() {
    block_on(async {
        let aws = FakeAws::start();
        aws.refuse_receives(1);
        aws.put("k", "text", Serve::Whole);
        aws.send("1", notification(&[("k", None)]));
        let running = run(&aws, |_| ()).await;
        until_empty(&aws).await;
        assert_eq!(aws.call_count("refused"), 1);
        running.stop().await;
    });
}

#[test]
fn a_receive_that_brings_nothing_does_not_mean_that_the_queue_is_empty() {
    block_on(async {
        let aws = FakeAws::start();
        aws.put("k", "text", Serve::Whole);
        aws.send("1", notification(&[("k", None)]));
        aws.receive_short(3);
        let running = run(&aws, |_| ()).await;
        running.sink.until("caught up", |seen| seen.caught_up > 0).await;
        assert_eq!(running.sink.seen().counted, ["k"]);
        assert_eq!(aws.call_count("short"), 3);
        running.stop().await;
    });
}

#[test]
fn what_somebody_else_has_received_is_waited_for() {
    block_on(async {
        let aws = FakeAws::start();
        aws.have_in_flight_elsewhere(1);
        let running = run(&aws, |_| ()).await;
        aws.until("some looks at the queue", |aws| aws.call_count("depth 0 1") >= 3).await;
        assert_eq!(running.sink.seen().caught_up, 0);
        aws.have_in_flight_elsewhere(0);
        running.sink.until("caught up", |seen| seen.caught_up > 0).await;
        running.stop().await;
    });
}

#[test]
fn without_the_permission_to_look_nothing_is_caught_up_for_the_first_visibility_timeout() {
    block_on(async {
        let aws = FakeAws::start();
        aws.refuse_depth();
        aws.put("k", "text", Serve::Whole);
        let long = run(&aws, |_| ()).await;
        aws.until("a refusal", |aws| aws.call_count("depth refused") == 1).await;
        aws.send("1", notification(&[("k", None)]));
        until_empty(&aws).await;
        long.stop.send_replace(true);
        let sink = Arc::clone(&long.sink);
        long.stop().await;
        assert_eq!(sink.seen().caught_up, 0);
        assert_eq!(aws.call_count("depth"), 1, "it is not asked again at once");
        let short = run(&aws, |settings| settings.visibility_timeout = Duration::from_secs(3)).await;
        short.sink.until("caught up", |seen| seen.caught_up > 0).await;
        short.stop().await;
    });
}

#[test]
fn only_tries_that_a_message_is_to_blame_for_count() {
    block_on(async {
        let aws = FakeAws::start();
        aws.put("k", "broken", Serve::Denied);
        aws.send("1", notification(&[("k", None)]));
        aws.send("2", "not json".to_owned());
        aws.received_before(50);
        let running = run(&aws, |settings| settings.receives_max = 2).await;
        aws.until("some tries", |aws| aws.call_count("visibility 1") >= 3).await;
        aws.put("k", "broken", Serve::Whole);
        until_empty(&aws).await;
        let seen = running.sink.seen();
        let count = |label| seen.failed.iter().filter(|failed| **failed == label).count();
        assert_eq!(count("truncated"), 2, "{seen:#?}");
        assert_eq!(count("message_not_json"), 1, "its text never changes");
        running.stop().await;
    });
}

#[test]
fn an_object_whose_unit_fell_through_is_brought_again_and_not_to_blame() {
    block_on(async {
        let aws = FakeAws::start();
        aws.put("k", "falls through twice", Serve::Whole);
        aws.put("never", "falls through", Serve::Whole);
        aws.send("1", notification(&[("k", None)]));
        aws.send("2", notification(&[("never", None)]));
        let running = run(&aws, |settings| settings.receives_max = 1).await;
        aws.until("another receive", |aws| aws.call_count("visibility 2") >= 1).await;
        aws.until("a deletion", |aws| aws.messages() == ["2"]).await;
        let seen = running.sink.seen();
        assert_eq!(seen.counted, ["k"]);
        assert_eq!(aws.call_count("visibility 1"), 0, "it did not go back to the queue");
        assert!(seen.failed.is_empty() && seen.given_up.is_empty(), "{seen:#?}");
        running.stop().await;
    });
}
