//! Connections whose client does not read: how long an answer waits for it.
//!
//! An answer is in memory until its client has taken it, and a client that takes nothing costs him nothing. So a
//! write that makes no progress for a while ends the connection. A limit on the whole answer would be simpler, and
//! would cut off exports and whoever has a slow line.

use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A connection on which a write may not stall for long.
pub(crate) struct TimedStream<S> {
    stream: S,
    stall_max: Duration,
    /// When a write that waits has waited for too long.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedStream<S> {
    /// A connection on which no write may wait for longer than this.
    pub fn new(stream: S, stall_max: Duration) -> Self {
        Self { stream, stall_max, deadline: None }
    }

    /// What became of a write, or that it waits for too long.
    fn or_stalled(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<Result<usize, Error>>,
    ) -> Poll<Result<usize, Error>> {
        if written.is_ready() {
            self.deadline = None;
            return written;
        }
        let stall_max = self.stall_max;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(stall_max)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        let own = self.get_mut();
        let written = Pin::new(&mut own.stream).poll_write(context, bytes);
        own.or_stalled(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        let own = self.get_mut();
        let written = Pin::new(&mut own.stream).poll_write_vectored(context, parts);
        own.or_stalled(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Read;

    use tokio::net::UnixStream;

    use super::*;

    const CHUNK: [u8; 8 << 10] = [0; 8 << 10];

    async fn write(stream: &mut TimedStream<UnixStream>) -> Result<usize, Error> {
        poll_fn(|context| Pin::new(&mut *stream).poll_write(context, &CHUNK)).await
    }

    #[tokio::test]
    async fn a_write_fails_when_nobody_reads_and_goes_on_while_somebody_does() {
        let (near, far) = UnixStream::pair().expect("sockets");
        let mut far = far.into_std().expect("a socket");
        far.set_nonblocking(false).expect("a socket");
        let mut stream = TimedStream::new(near, Duration::from_millis(200));
        let all = 1_000 * CHUNK.len();
        let reading = std::thread::spawn(move || {
            let mut into = vec![0; all];
            far.read_exact(&mut into).map(|()| far)
        });
        let mut written = 0;
        while written < all {
            written += write(&mut stream).await.expect("it is read");
        }
        let _far = reading.join().expect("it ends").expect("all of it");
        let failed = loop {
            if let Err(error) = write(&mut stream).await {
                break error;
            }
        };
        assert_eq!(failed.kind(), ErrorKind::TimedOut);
    }
}
