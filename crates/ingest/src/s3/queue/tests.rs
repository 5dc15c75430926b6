//! The queue's loop against a server: what is deleted, what comes again, what is given up, and what a stop leaves.
//!
//! Each test says which messages and objects there are and waits for what must become of them.

use std::future::Future;

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
    let source = SqsSource::new(aws.clients().await, settings);
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
                "object_changed replaced",
                "object_missing gone",
                "record_unreadable message 5",
                "truncated broken",
            ]
        );
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
