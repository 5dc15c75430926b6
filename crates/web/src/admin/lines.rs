//! An answer that grows: one JSON object per line, as long as there is something to tell.
//!
//! A stream of lines rather than an address to ask again: who goes away is noticed at once, and what was begun
//! for him ends. Whoever reads can use any tool that reads lines.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use serde::Serialize;
use tokio::sync::mpsc;

/// A body of lines.
pub(crate) struct LinesBody<T> {
    messages: mpsc::Receiver<T>,
}

impl<T> LinesBody<T> {
    /// The messages, each as a line, until there are no more.
    pub fn new(messages: mpsc::Receiver<T>) -> Self {
        Self { messages }
    }
}

impl<T: Serialize> HttpBody for LinesBody<T> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.messages.poll_recv(context).map(|message| {
            // Our own shapes have only text keys, so they are always JSON.
            let mut line = serde_json::to_vec(&message?).unwrap_or_default();
            line.push(b'\n');
            Some(Ok(Frame::data(line.into())))
        })
    }
}
