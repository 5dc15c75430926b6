//! Listings and fetches against a server: pages, jumps, resuming, and what each answer of S3 means.
//!
//! The queue's tests show what a source does after a failure; here it is which failure it is.

use super::super::object_body::ObjectBody;
use super::super::object_reference::ObjectReference;
use super::super::testing::{FakeAws, Remembering, Serve};
use super::*;

/// A backfill of the bucket from this key on: its end and its sink.
async fn backfill(
    aws: &FakeAws,
    prefix: &str,
    start_after: Option<&str>,
) -> (ListingProgress, Arc<Remembering>) {
    let sink = Arc::new(Remembering::default());
    let (_running, stop) = watch::channel(false);
    let backfill = Backfill {
        clients: aws.clients().await,
        bucket: "b".to_owned(),
        prefix: prefix.to_owned(),
        span: ListingSpan::default(),
        start_after: start_after.map(str::to_owned),
    };
    let mut last = ListingProgress::default();
    let progress = backfill.run(Arc::clone(&sink), stop, |progress| last = progress.clone()).await.unwrap();
    assert_eq!(progress, last, "the last report is the end");
    (progress, sink)
}

#[tokio::test]
async fn a_backfill_counts_everything_below_its_prefix_and_goes_on_where_it_stopped() {
    let aws = FakeAws::start();
    aws.list_in_pages_of(2);
    for key in ["p/a", "p/b c+d%", "p/e", "p/f", "q"] {
        aws.put(key, "text", Serve::Whole);
    }
    let (progress, sink) = backfill(&aws, "p/", None).await;
    assert_eq!((progress.listed, progress.done, progress.failed, progress.done_bytes), (4, 4, 0, 16));
    assert!(progress.is_complete);
    assert_eq!(progress.done_up_to.as_deref(), Some("p/f"));
    let mut counted = sink.seen().counted;
    counted.sort();
    assert_eq!(counted, ["p/a", "p/b c+d%", "p/e", "p/f"]);
    let (progress, sink) = backfill(&aws, "p/", Some("p/b c+d%")).await;
    assert_eq!((progress.listed, sink.seen().counted.len()), (2, 2));
}

#[tokio::test]
async fn what_cannot_be_counted_now_is_where_another_backfill_starts() {
    let aws = FakeAws::start();
    for key in ["a", "c", "d"] {
        aws.put(key, "text", Serve::Whole);
    }
    aws.put("b", "text", Serve::Denied);
    let (progress, sink) = backfill(&aws, "", None).await;
    assert_eq!((progress.done, progress.failed, progress.is_complete), (3, 1, true));
    assert_eq!(progress.done_up_to.as_deref(), Some("a"), "{progress:#?}");
    assert!(progress.first_failure.is_some_and(|text| text.contains("s3:GetObject")));
    assert!(sink.seen().given_up.is_empty());
}

#[tokio::test]
async fn an_object_that_breaks_the_sink_is_where_another_backfill_starts() {
    let aws = FakeAws::start();
    aws.list_in_pages_of(2);
    for key in ["a", "c", "d", "e"] {
        aws.put(key, "text", Serve::Whole);
    }
    aws.put("b", "panic", Serve::Whole);
    let (progress, _) = backfill(&aws, "", None).await;
    assert_eq!((progress.done, progress.failed, progress.is_complete), (4, 1, true));
    assert_eq!(progress.done_up_to.as_deref(), Some("a"));
}

#[tokio::test]
async fn many_objects_that_cannot_be_read_do_not_keep_the_others_from_being_found() {
    let aws = FakeAws::start();
    aws.list_in_pages_of(50);
    for number in 0..260 {
        aws.put(&format!("a{number:03}"), "text", Serve::Denied);
    }
    aws.put("z", "text", Serve::Whole);
    let sink = Arc::new(Remembering::default());
    let (stop, stopped) = watch::channel(false);
    let source = S3PollSource {
        clients: aws.clients().await,
        bucket: "b".to_owned(),
        prefix: String::new(),
        poll_interval: Duration::from_millis(1),
    };
    let task = tokio::spawn(source.run(Arc::clone(&sink), stopped));
    sink.until("the last object", |seen| seen.counted == ["z"]).await;
    assert_eq!(sink.seen().caught_up, 0, "they are waited for");
    for number in 0..260 {
        aws.put(&format!("a{number:03}"), "text", Serve::Whole);
    }
    sink.until("all objects", |seen| seen.counted.len() == 261 && seen.caught_up > 0).await;
    stop.send_replace(true);
    task.await.unwrap();
}

#[test]
fn what_is_left_behind_holds_back_for_an_hour_and_what_is_forgotten_is_listed_again() {
    let (start, began_at) = (Instant::now(), SystemTime::UNIX_EPOCH);
    let left = |count: usize| -> Vec<LeftBehind> {
        let left = |at| LeftBehind {
            object: ObjectReference::new("b", format!("k{at}")),
            since: start,
            hold_back: HOLD_BACK_MAX,
        };
        (0..count).map(left).collect()
    };
    let mut place = Place::new(began_at);
    place.begin(began_at, start);
    assert_eq!(place.end(left(1), Some("k".to_owned()), false, start), 0);
    assert_eq!((place.is_full, place.start_after.as_deref()), (true, Some("k")), "it goes on there");
    assert_eq!(place.caught_up(start + HOLD_BACK_MAX), None, "the listing is not at its end");
    place.begin(began_at + Duration::from_secs(60), start);
    assert_eq!(place.end(left(1), Some("z".to_owned()), true, start), 0);
    assert_eq!((place.is_full, place.start_after.as_deref()), (false, None));
    assert_eq!(place.caught_up(start), None);
    assert_eq!(place.caught_up(start + HOLD_BACK_MAX), Some(began_at), "not when it went on");

    place.begin(began_at, start);
    assert_eq!(place.end(left(1_003), None, true, start), 3);
    place.begin(began_at, start + RELIST_AFTER - Duration::from_secs(1));
    assert!(!place.is_full);
    place.begin(began_at, start + RELIST_AFTER);
    assert!(place.is_full);
    assert_eq!(place.end(left(1_003), None, true, start + RELIST_AFTER), 3);
    assert_eq!(place.caught_up(start + RELIST_AFTER), Some(began_at), "they had their hour");
}

#[tokio::test]
async fn polling_lists_everything_once_and_then_only_recent_days() {
    let aws = FakeAws::start();
    aws.list_in_pages_of(1);
    for key in ["l/2019/01/01/a", "l/2019/01/02/b", "l/2019/01/03/c", "l/9999/01/01/d"] {
        aws.put(key, "text", Serve::Whole);
    }
    let sink = Arc::new(Remembering::default());
    let (stop, stopped) = watch::channel(false);
    let source = S3PollSource {
        clients: aws.clients().await,
        bucket: "b".to_owned(),
        prefix: "l/".to_owned(),
        poll_interval: Duration::from_millis(1),
    };
    let task = tokio::spawn(source.run(Arc::clone(&sink), stopped));
    sink.until("the first pass", |seen| seen.caught_up >= 1).await;
    assert_eq!(sink.seen().counted.len(), 4);
    aws.put("l/9999/01/02/e", "text", Serve::Whole);
    sink.until("a later pass", |seen| seen.counted.len() == 5).await;
    stop.send_replace(true);
    task.await.unwrap();
    assert_eq!(aws.call_count("LIST l/2019/01/02/b"), 1, "days of the past are listed once");
    assert_eq!(aws.call_count("GET"), 5);
}

#[tokio::test]
async fn each_answer_of_s3_has_its_meaning() {
    let aws = FakeAws::start();
    aws.put("k", "text", Serve::Whole);
    aws.put("cut", "text", Serve::Cut);
    aws.put("denied", "text", Serve::Denied);
    let client = aws.clients().await.s3();
    let object = |key: &str, etag: Option<&str>| ObjectReference {
        etag: etag.map(str::to_owned),
        ..ObjectReference::new("b", key)
    };
    for (reference, expected) in [
        (object("gone", None), "object_missing"),
        (object("k", Some("other")), "object_replaced"),
        (object("cut", None), "object_cut"),
        (object("denied", None), "access_denied"),
    ] {
        let error = client.get(&reference).await.unwrap_err();
        assert_eq!(error.label(), expected, "{error}");
    }
    let fetched = client.get(&object("k", Some("text"))).await.unwrap();
    assert_eq!((fetched.size, fetched.etag.as_deref()), (Some(4), Some("text")));
    assert!(matches!(fetched.body, ObjectBody::Whole(body) if body == "text"));
    let smaller = ObjectReference { size: Some(3), ..object("k", None) };
    assert!(
        matches!(client.get(&smaller).await.unwrap().body, ObjectBody::Stream(_)),
        "larger than it was said"
    );
    assert_eq!(client.head(&object("k", None)).await.unwrap().reference.etag.as_deref(), Some("text"));
    assert_eq!(client.head(&object("gone", None)).await.unwrap_err().label(), "object_missing");
}
