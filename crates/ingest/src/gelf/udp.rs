//! Datagrams from a socket to the sink, in two threads.
//!
//! One thread does nothing but empty the socket, because what the kernel has no room for is lost; the other makes
//! messages. Between them is a bounded queue. When that is full, the first waits and the kernel drops, and counts:
//! dropping there costs least, and there is one counter of it for all reasons.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::watch;
use weir_record::Timestamp;

use super::datagrams::DatagramDecoder;
use super::drops::{DropCause, Drops};
use super::senders::Senders;
use crate::allowed::Allowed;
use crate::datagram_socket::DatagramSocket;
use crate::{MessageBatch, MessageSink};

/// The receive buffer that is asked for unless the user says otherwise, in bytes: a second of 100,000 small
/// datagrams is some 80 MB as the kernel counts them, so this bridges a third of one.
pub const RECEIVE_BUFFER_BYTES_DEFAULT: usize = 32 << 20;

/// Blocks of datagrams between the threads; with 64 datagrams of the largest size in each, 64 MiB.
const BLOCKS_MAX: usize = 16;

/// How often what waits for chunks is looked at when nothing comes.
const TICK: Duration = Duration::from_millis(100);

/// A batch is handed on when it has so many messages or bytes, or when nothing more is there.
const BATCH_MESSAGES: usize = 1_024;
const BATCH_BYTES: usize = 1 << 20;

/// How long a batch waits for room in the sink before it is dropped.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(1);

/// How long what is in the socket when the program stops may take to be read.
const STOP_MAX: Duration = Duration::from_millis(500);

/// Where to listen, and to whom.
#[derive(Clone, Debug)]
pub struct UdpSettings {
    /// The source's name, for the log.
    pub source: String,
    /// The address; with `[::]` both families.
    pub listen: SocketAddr,
    /// Who may send.
    pub allowed: Allowed,
    /// The receive buffer that is asked for.
    pub receive_buffer_bytes: usize,
}

/// What became of datagrams since the socket was made: all that were sent to it are in one of these.
#[derive(Debug, Default)]
pub struct DatagramCounts {
    /// Read from the socket, and from one who may send.
    pub read: AtomicU64,
    /// Dropped by the kernel, because the receive buffer was full.
    pub dropped_by_kernel: AtomicU64,
    /// Read and dropped, because the sender is not allowed.
    pub not_allowed: AtomicU64,
}

/// A socket that is bound and not yet read.
pub struct UdpReceiver {
    settings: UdpSettings,
    socket: DatagramSocket,
    counts: Arc<DatagramCounts>,
}

/// Datagrams that came together.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    /// The sender of each, and where it ends.
    ends: Vec<(IpAddr, usize)>,
}

impl UdpReceiver {
    /// Binds the socket.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn bind(settings: UdpSettings) -> io::Result<Self> {
        let socket = DatagramSocket::bind(settings.listen, settings.receive_buffer_bytes)?;
        let buffer_bytes = socket.buffer_bytes()?;
        if buffer_bytes < settings.receive_buffer_bytes {
            tracing::warn!(
                source = %settings.source,
                buffer_bytes,
                wanted_bytes = settings.receive_buffer_bytes,
                "the system gives a smaller receive buffer, so bursts may be lost; raise net.core.rmem_max"
            );
        }
        Ok(Self { settings, socket, counts: Arc::default() })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What becomes of datagrams, while it runs and after.
    pub fn counts(&self) -> Arc<DatagramCounts> {
        Arc::clone(&self.counts)
    }

    /// Receives until it is told to stop and what had come then is handed on. Blocks; needs a thread that may wait
    /// for the runtime, and starts another.
    ///
    /// # Errors
    ///
    /// When the other thread cannot be started, or the socket fails.
    pub fn run<S: MessageSink>(mut self, sink: &S, runtime: &Handle, stop: &watch::Receiver<bool>) -> io::Result<()> {
        let (sender, blocks) = sync_channel(BLOCKS_MAX);
        std::thread::scope(|scope| {
            let name = format!("read {}", self.settings.source);
            let reading = std::thread::Builder::new().name(name).spawn_scoped(scope, || self.read(&sender, stop))?;
            Decoding::new(sink, runtime).run(&blocks);
            reading.join().unwrap_or_else(|_| Err(io::Error::other("the thread that reads the socket has failed")))
        })
    }

    /// Empties the socket. The queue ends with this.
    fn read(&mut self, blocks: &SyncSender<Block>, stop: &watch::Receiver<bool>) -> io::Result<()> {
        let result = self.read_until_stopped(blocks, stop);
        self.count_drops();
        result
    }
}
