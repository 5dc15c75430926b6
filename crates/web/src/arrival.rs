//! How long the body of a question to the API may take to arrive.
//!
//! The extractors that hand bodies to handlers wait for ever, so one byte of a body would hold a connection for as
//! long as its sender likes. The limit is around all handlers and not in each, so that one that is added has it. An
//! extractor takes a late body for one that was cut off; that it was late is told here, and answered by the guard.

use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::problem::problem;

/// Whether a body was late.
pub(crate) struct Arrival {
    is_late: Arc<AtomicBool>,
    time_max: Duration,
}

/// A body that ends with an error where it is late.
struct TimedBody {
    body: Body,
    deadline: Pin<Box<Sleep>>,
    is_late: Arc<AtomicBool>,
}

impl Arrival {
    /// The same body with a time limit, and who knows whether it was kept.
    pub fn within(time_max: Duration, body: Body) -> (Self, Body) {
        let is_late = Arc::new(AtomicBool::new(false));
        let arrival = Self { is_late: Arc::clone(&is_late), time_max };
        if body.is_end_stream() {
            return (arrival, body);
        }
        let deadline = Box::pin(sleep(time_max));
        (arrival, Body::new(TimedBody { body, deadline, is_late }))
    }

    /// What was answered, or that the body was late.
    pub fn answer(&self, response: Response) -> Response {
        if !self.is_late.load(Ordering::Relaxed) {
            return response;
        }
        let error = format!("the body did not arrive within {} s", self.time_max.as_secs_f64());
        problem(StatusCode::REQUEST_TIMEOUT, "too_slow", error, "send all of it at once")
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        ready!(self.deadline.as_mut().poll(context));
        self.is_late.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(Error::new(std::io::Error::from(ErrorKind::TimedOut)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
