//! Connections that send frames, with and without TLS.
//!
//! Nobody answers on such a connection, so the only way to slow a sender down is not to read: when the sink has no
//! room, the sender's own buffer fills. Everything else that a peer can do costs it more than us: connections, the
//! time a frame may take, and the memory of all long frames together are bounded.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::drops::{DropCause, Drops};
use super::frames::Frames;
use super::senders::Senders;
use crate::allowed::Allowed;
use crate::protocol::Protocol;
use crate::{MessageBatch, MessageSink, Stopping, clock};

/// Connections at one moment; a further one is closed at once. Below the usual limit of open files.
pub const CONNECTIONS_MAX: usize = 512;

/// How long a connection may say nothing. Loggers keep theirs open for days; a dead one is found by the system's
/// own probes long before.
pub const IDLE_TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// How long one frame may take unless the user of this module says otherwise; who sends slower holds memory for
/// nothing.
pub const FRAME_TIME_MAX: Duration = Duration::from_secs(30);

/// How long a TLS handshake may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// The system asks a silent peer whether it is there after the first, and every second, this many times.
const PROBE_AFTER: Duration = Duration::from_secs(60);
const PROBE_EVERY: Duration = Duration::from_secs(15);
const PROBES_MAX: u32 = 4;

/// What is read at a time, in bytes, and what each connection may hold of a frame.
const READ_BYTES: usize = 64 << 10;

/// What all connections of a listener together may hold beyond that, in bytes: some frames of the largest size.
const LONG_FRAMES_BYTES_MAX: usize = 64 << 20;

/// How long what a peer has sent may take to arrive once the program stops.
const LAST_READ_MAX: Duration = Duration::from_millis(50);

/// How long a peer that goes on sending is read after that.
const STOP_MAX: Duration = Duration::from_millis(500);

/// How often the log says that connections are refused.
const REMINDER_EVERY: Duration = Duration::from_secs(60);

/// Where to listen, and to whom.
#[derive(Clone)]
pub struct TcpSettings {
    /// The source's name, for the log.
    pub source: String,
    /// The address; with `[::]` both families.
    pub listen: SocketAddr,
    /// Who may send; `None`: everybody.
    pub allowed: Option<Allowed>,
    /// What is sent.
    pub protocol: Protocol,
    /// With TLS, if at all.
    pub tls: Option<TlsAcceptor>,
    /// How long one frame may take from its first byte to its last.
    pub frame_time_max: Duration,
}

/// What became of connections since the start.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    /// Accepted.
    pub accepted: AtomicU64,
    /// Closed at once, because there were too many.
    pub refused: AtomicU64,
    /// Closed at once, because the sender is not allowed.
    pub not_allowed: AtomicU64,
}

/// A socket that is bound and accepts nothing yet.
pub struct TcpReceiver {
    settings: TcpSettings,
    listener: TcpListener,
    counts: Arc<ConnectionCounts>,
}

impl TcpReceiver {
    /// Binds the socket.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub async fn bind(settings: TcpSettings) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        Ok(Self { settings, listener, counts: Arc::default() })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What becomes of connections, while it runs and after.
    pub fn counts(&self) -> Arc<ConnectionCounts> {
        Arc::clone(&self.counts)
    }

    /// Receives until it is told to stop and what had come by then is handed on.
    pub async fn run<S: MessageSink>(self, sink: Arc<S>, mut stop: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let long_frames = Arc::new(Semaphore::new(LONG_FRAMES_BYTES_MAX));
        let mut connections = JoinSet::new();
        let mut reminded_at: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                () = stopped(&mut stop) => break,
                accepted = self.listener.accept() => accepted,
            };
            // Those that have ended are not kept.
            while connections.try_join_next().is_some() {}
            let (stream, peer) = match accepted {
                Ok((stream, peer)) => (stream, peer.ip().to_canonical()),
                Err(error) => {
                    tracing::warn!(source = %self.settings.source, error = %error, "cannot accept a connection");
                    // Out of files, probably: give others time to close some.
                    tokio::time::sleep(LAST_READ_MAX).await;
                    continue;
                }
            };
            if self.settings.allowed.as_ref().is_some_and(|allowed| !allowed.contains(peer)) {
                self.counts.not_allowed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                if reminded_at.is_none_or(|at| at.elapsed() >= REMINDER_EVERY) {
                    reminded_at = Some(Instant::now());
                    tracing::warn!(
                        source = %self.settings.source,
                        connections_max = CONNECTIONS_MAX,
                        "refused connections: there are too many"
                    );
                }
                continue;
            };
            self.counts.accepted.fetch_add(1, Ordering::Relaxed);
            let connection = Connection {
                peer,
                sink: Arc::clone(&sink),
                senders: Senders::new(if self.settings.tls.is_some() { "tls" } else { "tcp" }),
                stop: stop.clone(),
                frame_time_max: self.settings.frame_time_max,
                frames: Frames::new(self.settings.protocol),
                long_frames: Arc::clone(&long_frames),
                room: None,
                drops: Drops::default(),
                _place: place,
            };
            connections.spawn(connection.serve(stream, self.settings.tls.clone()));
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

/// Completes when the program stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Who would say it is gone: that is the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// One connection.
struct Connection<S> {
    peer: IpAddr,
    sink: Arc<S>,
    senders: Senders,
    stop: watch::Receiver<bool>,
    frame_time_max: Duration,
    frames: Frames,
    /// Room for frames that are longer than what is read at a time, and what this connection has of it.
    long_frames: Arc<Semaphore>,
    room: Option<OwnedSemaphorePermit>,
    drops: Drops,
    _place: OwnedSemaphorePermit,
}

/// How a connection ends.
enum End {
    /// The peer has closed it.
    Closed,
    /// It has failed.
    Failed,
    /// The peer took too long.
    TimedOut,
    /// The program stops.
    Stopped,
}

impl<S: MessageSink> Connection<S> {
    async fn serve(mut self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let probes =
            TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY).with_retries(PROBES_MAX);
        // A system that cannot has other ways to find dead peers.
        let _ = SockRef::from(&stream).set_tcp_keepalive(&probes);
        match tls {
            None => self.read_all(stream).await,
            // Who cannot speak TLS sends no frames; nothing is lost that was one.
            Some(tls) => {
                if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME_MAX, tls.accept(stream)).await {
                    self.read_all(stream).await;
                }
            }
        }
    }

    async fn read_all(&mut self, mut stream: impl AsyncRead + Unpin) {
        let end = match self.read_until_end(&mut stream).await {
            Ok(end) => end,
            // The sink is gone, and takes no account of this any more.
            Err(Stopping) => return,
        };
        let last = match end {
            End::Closed => self.frames.last(),
            End::Failed | End::Stopped => {
                self.frames.give_up(DropCause::FrameCut, &mut self.drops);
                None
            }
            End::TimedOut => {
                self.frames.give_up(DropCause::FrameTimeout, &mut self.drops);
                None
            }
        };
        let mut batch = MessageBatch::default();
        batch.messages.extend(last.map(|frame| self.senders.message(self.peer, frame)));
        // As above.
        let _ = self.put(batch).await;
    }

    async fn read_until_end(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<End, Stopping> {
        let mut frame_began: Option<Instant> = None;
        let mut stop_until: Option<Instant> = None;
        loop {
            let now = Instant::now();
            if *self.stop.borrow() {
                // What is on its way may still come, but not more than that.
                stop_until.get_or_insert(now + STOP_MAX);
            }
            let until = match (stop_until, frame_began) {
                (Some(end), _) => end.min(now + LAST_READ_MAX),
                (None, Some(began)) => began + self.frame_time_max,
                (None, None) => now + IDLE_TIME_MAX,
            };
            let read = match self.make_room(until).await {
                true => tokio::select! {
                    read = timeout_at(until, stream.read_buf(self.frames.buffer())) => read.ok(),
                    () = stopped(&mut self.stop), if stop_until.is_none() => continue,
                },
                false => None,
            };
            match read {
                None if stop_until.is_some() => return Ok(End::Stopped),
                None => return Ok(End::TimedOut),
                Some(Ok(0)) => return Ok(End::Closed),
                // A peer that ends TLS without saying so has ended.
                Some(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(End::Closed),
                Some(Err(_)) => return Ok(End::Failed),
                Some(Ok(_)) => {}
            }
            let mut batch = MessageBatch::default();
            let Self { frames, drops, senders, peer, .. } = self;
            frames.take(drops, |frame| batch.messages.push(senders.message(*peer, frame.to_vec())));
            frame_began = match frames.is_partial() {
                // The rest of a frame that was there before, or the first part of another.
                true if batch.messages.is_empty() => frame_began.or_else(|| Some(Instant::now())),
                true => Some(Instant::now()),
                false => None,
            };
            self.put(batch).await?;
        }
    }

    /// Makes room for another read; `false` where there is none in time.
    async fn make_room(&mut self, until: Instant) -> bool {
        let buffer = self.frames.buffer();
        if buffer.len() < READ_BYTES {
            if self.room.take().is_some() {
                buffer.shrink_to(READ_BYTES);
            }
            buffer.reserve(READ_BYTES);
            return true;
        }
        if buffer.capacity() > buffer.len() {
            return true;
        }
        // Twice as much as there is, as a buffer that grows would take.
        let wanted = u32::try_from(buffer.capacity()).unwrap_or(u32::MAX);
        let Ok(Ok(room)) = timeout_at(until, Arc::clone(&self.long_frames).acquire_many_owned(wanted)).await
        else {
            return false;
        };
        buffer.reserve_exact(wanted as usize);
        match &mut self.room {
            Some(own) => own.merge(room),
            own @ None => *own = Some(room),
        }
        true
    }

    async fn put(&mut self, mut batch: MessageBatch) -> Result<(), Stopping> {
        batch.dropped = self.drops.take();
        if batch.messages.is_empty() && batch.dropped.is_empty() {
            return Ok(());
        }
        batch.received_at = clock::now();
        self.sink.put(batch).await
    }
}
