//! The bytes of an object: at once where it is small, as a stream where it is not.
//!
//! A load balancer's file is a few kilobytes and unpacks fastest in one piece; one of a gigabyte must not be held.
//! Unpacking is work for a blocking thread and the network is asynchronous, so the stream is bridged: the thread
//! waits for the next piece. The alternative, a temporary file, would write every large object twice. A connection
//! that breaks is an error and never an end, or half an object would count as a whole one.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf, Bytes};
use tokio::runtime::Handle;

/// How long a body may pause before it counts as broken. S3 pauses for a second or two when it is busy.
pub const READ_STALL_MAX: Duration = Duration::from_secs(30);

/// What an object's body is.
#[derive(Debug)]
pub enum ObjectBody {
    /// All of it.
    Whole(Bytes),
    /// Too large to hold.
    Stream(ObjectStream),
}

/// A body that is still to come.
#[derive(Debug)]
pub struct ObjectStream {
    body: ByteStream,
    expected_bytes: Option<u64>,
    stall_max: Duration,
    is_broken: Arc<AtomicBool>,
}

impl ObjectStream {
    pub(crate) fn new(body: ByteStream, expected_bytes: Option<u64>, stall_max: Duration) -> Self {
        Self { body, expected_bytes, stall_max, is_broken: Arc::default() }
    }

    /// How many bytes will come, as far as the server said.
    pub fn expected_bytes(&self) -> Option<u64> {
        self.expected_bytes
    }

    /// Tells, even after the stream has gone to its reader, whether the way to the server broke: then what the
    /// reader made of the part that came says nothing about the object.
    pub(crate) fn broken_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_broken)
    }

    /// The body for a blocking thread; `runtime` must go on running elsewhere. Reading it in an asynchronous task
    /// panics, as all blocking there does.
    pub fn into_read(self, runtime: Handle) -> ObjectRead {
        ObjectRead { stream: self, runtime, chunk: Bytes::new(), received_bytes: 0 }
    }

    /// The next piece; `None` at the announced end.
    ///
    /// # Errors
    ///
    /// A pause that is too long (`TimedOut`), and anything else that keeps the rest away (`ConnectionAborted`).
    pub(crate) async fn next(&mut self, received_bytes: u64) -> io::Result<Option<Bytes>> {
        let piece = tokio::time::timeout(self.stall_max, self.body.try_next()).await.map_err(|_| {
            let seconds = self.stall_max.as_secs();
            let text = format!("nothing came for {seconds} s after {received_bytes} bytes");
            io::Error::new(io::ErrorKind::TimedOut, text)
        })?;
        let aborted = |text: String| io::Error::new(io::ErrorKind::ConnectionAborted, text);
        let piece = piece.map_err(|error| {
            let cause =
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            aborted(format!("the body broke off after {received_bytes} bytes: {error}{cause}"))
        })?;
        let total = received_bytes + piece.as_ref().map_or(0, |piece| piece.len() as u64);
        match self.expected_bytes {
            Some(expected) if total > expected || (piece.is_none() && total < expected) => {
                Err(aborted(format!("the body has {total} bytes and not the announced {expected}")))
            }
            _ => Ok(piece),
        }
    }

    /// All of it in memory; the caller knows that it is small.
    pub(crate) async fn into_bytes(mut self) -> Result<Bytes, Broken> {
        let mut bytes = Vec::with_capacity(self.expected_bytes.unwrap_or(0) as usize);
        loop {
            match self.next(bytes.len() as u64).await {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => return Ok(bytes.into()),
                Err(error) => return Err(Broken { received_bytes: bytes.len() as u64, error }),
            }
        }
    }
}

/// A body that did not come whole.
pub(crate) struct Broken {
    pub(crate) received_bytes: u64,
    pub(crate) error: io::Error,
}

/// A body that a blocking thread reads. Once it has failed it fails for ever.
#[derive(Debug)]
pub struct ObjectRead {
    stream: ObjectStream,
    runtime: Handle,
    chunk: Bytes,
    received_bytes: u64,
}

impl Read for ObjectRead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.stream.is_broken.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.stream.next(self.received_bytes)) {
                Ok(Some(piece)) => {
                    self.received_bytes += piece.len() as u64;
                    self.chunk = piece;
                }
                Ok(None) => return Ok(0),
                Err(error) => {
                    self.stream.is_broken.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        let length = out.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut out[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a body that should have this many bytes on a blocking thread.
    async fn read_all(body: &'static [u8], expected_bytes: Option<u64>) -> Result<Vec<u8>, io::ErrorKind> {
        let stream = ObjectStream::new(ByteStream::from_static(body), expected_bytes, READ_STALL_MAX);
        let runtime = Handle::current();
        let read = tokio::task::spawn_blocking(move || {
            let mut read = stream.into_read(runtime);
            let mut text = Vec::new();
            let outcome = read.read_to_end(&mut text).map(|_| text).map_err(|error| error.kind());
            assert_eq!(outcome.is_err(), read.read(&mut [0]).is_err(), "a failure is final");
            outcome
        });
        read.await.unwrap()
    }

    #[tokio::test]
    async fn a_short_body_is_an_error_and_not_an_end() {
        assert_eq!(read_all(b"hello", Some(5)).await, Ok(b"hello".to_vec()));
        assert_eq!(read_all(b"hello", None).await, Ok(b"hello".to_vec()));
        assert_eq!(read_all(b"", Some(0)).await, Ok(Vec::new()));
        assert_eq!(read_all(b"hello", Some(6)).await, Err(io::ErrorKind::ConnectionAborted));
        assert_eq!(read_all(b"hello", Some(4)).await, Err(io::ErrorKind::ConnectionAborted));
    }
}
