//! Server-sent events: records as they come, and how many could not be shown.
//!
//! A client that reads too slowly must neither hold up whoever counts nor gather records in memory. So what
//! waits for it is bounded in events and in bytes; what does not fit is counted and told as soon as there is
//! room again, because a tail that leaves something out without a word is worse than none. A comment now and
//! then keeps proxies from closing a quiet connection, and finds out who has gone.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::shapes::Hit;

/// Events that wait for a slow client at most.
const EVENTS_MAX: usize = 1_024;

/// What they may take, in bytes; a single event may be larger. With 100 clients that is 100 MB.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// How often a quiet connection hears something: proxies close one after 30 or 60 seconds.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Hands records to one client of the tail.
pub struct TailSender {
    events: mpsc::Sender<Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
    not_shown: u64,
}

/// What one client of the tail gets; it ends when its sender is gone.
pub struct TailStream {
    events: mpsc::Receiver<Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
    heartbeat: Interval,
    may_go_on: Option<MayGoOn>,
}

/// Asks whether whoever began something long may still have it.
pub(crate) type MayGoOn = Box<dyn Fn() -> bool + Send>;

/// Both ends of a tail. Inside the async runtime only.
pub fn tail_stream() -> (TailSender, TailStream) {
    tail_stream_with(HEARTBEAT)
}

fn tail_stream_with(heartbeat: Duration) -> (TailSender, TailStream) {
    let (sender, events) = mpsc::channel(EVENTS_MAX);
    let waiting_bytes = Arc::new(AtomicUsize::new(0));
    let mut heartbeat = interval(heartbeat);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let tail = TailSender { events: sender, waiting_bytes: Arc::clone(&waiting_bytes), not_shown: 0 };
    (tail, TailStream { events, waiting_bytes, heartbeat, may_go_on: None })
}

impl TailSender {
    /// Shows a record, or counts it as one that could not be shown.
    pub fn show(&mut self, hit: &Hit) {
        self.tell_not_shown();
        // Our own shapes have only text keys, so they are always JSON.
        let json = serde_json::to_string(hit).unwrap_or_default();
        if self.not_shown > 0 || !self.push(format!("data: {json}\n\n")) {
            self.not_shown += 1;
        }
    }

    /// Says what should be known about what is shown.
    pub fn warn(&mut self, warning: &str) {
        self.push(format!("event: warning\ndata: {}\n\n", serde_json::json!({ "warning": warning })));
    }

    /// Counts records that nobody had time to look at; how many of them match is not known.
    pub fn pass_over(&mut self, count: u64) {
        self.not_shown += count;
        self.tell_not_shown();
    }

    /// Tells how many were not shown since this was told last, if there is room for more than that.
    pub fn tell_not_shown(&mut self) {
        let count = self.not_shown;
        let has_room = self.waiting_bytes.load(Ordering::Relaxed) <= EVENT_BYTES_MAX / 2;
        if count > 0
            && has_room
            && self.push(format!("event: not_shown\ndata: {{\"not_shown\":{count}}}\n\n"))
        {
            self.not_shown = 0;
        }
    }

    /// Whether there is something that the client has not been told.
    pub fn has_not_shown(&self) -> bool {
        self.not_shown > 0
    }

    /// Completes when the client has gone.
    pub async fn closed(&self) {
        self.events.closed().await;
    }

    fn push(&self, event: String) -> bool {
        let bytes = event.len();
        let waiting = self.waiting_bytes.load(Ordering::Relaxed);
        if waiting > 0 && waiting + bytes > EVENT_BYTES_MAX {
            return false;
        }
        // Before it is sent, or the other end could take away more than there is.
        self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let is_sent = self.events.try_send(Bytes::from(event)).is_ok();
        if !is_sent {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        is_sent
    }
}

impl TailStream {
    /// The same, but that it ends soon after `may_go_on` says no.
    pub(crate) fn while_it(self, may_go_on: Option<MayGoOn>) -> Self {
        Self { may_go_on, ..self }
    }
}

impl IntoResponse for TailStream {
    fn into_response(self) -> Response {
        let mut response = Body::new(self).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // nginx would otherwise gather events until its buffer is full.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }
}

impl HttpBody for TailStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // Before the events, which may never stop coming.
        let is_time = self.heartbeat.poll_tick(context).is_ready();
        if is_time && self.may_go_on.as_ref().is_some_and(|may_go_on| !may_go_on()) {
            return Poll::Ready(None);
        }
        if let Poll::Ready(event) = self.events.poll_recv(context) {
            let bytes = event.as_ref().map_or(0, Bytes::len);
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Poll::Ready(event.map(|event| Ok(Frame::data(event))));
        }
        if !is_time {
            return Poll::Pending;
        }
        // The first time is at once, so that a client knows that it is connected.
        let comment = Bytes::from_static(b": this is a tail of records, one per event\n\n");
        Poll::Ready(Some(Ok(Frame::data(comment))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    fn hit(text: &str) -> Hit {
        [("message".to_owned(), json!(text))].into_iter().collect()
    }

    async fn next(stream: &mut TailStream) -> String {
        let frame = stream.frame().await.expect("it goes on").expect("no errors");
        String::from_utf8(frame.into_data().expect("data").to_vec()).expect("text")
    }

    #[tokio::test]
    async fn each_record_is_an_event_of_one_line() {
        let (mut sender, mut stream) = tail_stream();
        assert!(next(&mut stream).await.starts_with(": "));
        sender.show(&hit("a\nb"));
        assert_eq!(next(&mut stream).await, "data: {\"message\":\"a\\nb\"}\n\n");
        drop(sender);
        assert!(stream.frame().await.is_none());
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted_and_told_before_the_next() {
        for (text, shown) in [("x".repeat(10), EVENTS_MAX), ("x".repeat(EVENT_BYTES_MAX / 4), 3)] {
            let (mut sender, mut stream) = tail_stream();
            for _ in 0..shown + 5 {
                sender.show(&hit(&text));
            }
            assert!(sender.has_not_shown());
            for _ in 0..shown {
                assert!(next(&mut stream).await.starts_with("data: {\"message\""));
            }
            sender.pass_over(2);
            sender.show(&hit("y"));
            assert_eq!(next(&mut stream).await, "event: not_shown\ndata: {\"not_shown\":7}\n\n");
            assert_eq!(next(&mut stream).await, "data: {\"message\":\"y\"}\n\n");
        }
    }

    #[tokio::test]
    async fn it_ends_when_its_reader_may_no_more_however_much_comes() {
        let (mut sender, stream) = tail_stream_with(Duration::from_millis(1));
        let is_signed_in = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&is_signed_in);
        let mut stream = stream.while_it(Some(Box::new(move || asked.load(Ordering::Relaxed))));
        for _ in 0..3 {
            assert!(next(&mut stream).await.starts_with(": "));
        }
        is_signed_in.store(false, Ordering::Relaxed);
        sender.show(&hit("a"));
        while stream.frame().await.is_some() {
            sender.show(&hit("a"));
        }
    }

    #[tokio::test]
    async fn one_event_may_be_larger_than_all_may_be() {
        let (mut sender, mut stream) = tail_stream();
        sender.show(&hit(&"x".repeat(2 * EVENT_BYTES_MAX)));
        assert!(!sender.has_not_shown());
        assert!(next(&mut stream).await.len() > 2 * EVENT_BYTES_MAX);
    }
}
