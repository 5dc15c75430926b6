//! Datagrams from a socket to the sink, in two threads.
//!
//! One thread does nothing but empty the socket, because what the kernel has no room for is lost; the other makes
//! messages. Between them is a bounded queue. When that is full, the first waits and the kernel drops, and counts:
//! dropping there costs least, and there is one counter of it for all reasons.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::datagrams::DatagramDecoder;
use super::drops::DropCause;
use super::senders::Senders;
use crate::allowed::Allowed;
use crate::datagram_socket::DatagramSocket;
use crate::protocol::Protocol;
use crate::{MessageBatch, MessageSink, clock};

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
    /// What is sent.
    pub protocol: Protocol,
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
    /// The kernel's counter at the last look.
    kernel_drops: u32,
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
        Ok(Self { settings, socket, counts: Arc::default(), kernel_drops: 0 })
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

    /// Receives until it is told to stop and what had come by then is handed on. Blocks, in a thread outside of the
    /// runtime, and starts another.
    ///
    /// # Errors
    ///
    /// When the other thread cannot be started, or the socket fails.
    pub fn run<S: MessageSink>(
        mut self,
        sink: &S,
        runtime: &Handle,
        stop: &watch::Receiver<bool>,
    ) -> io::Result<()> {
        let (sender, blocks) = sync_channel(BLOCKS_MAX);
        let name = format!("read {}", self.settings.source);
        let decoding = Decoding::new(self.settings.protocol, sink, runtime);
        std::thread::scope(|scope| {
            let reading = std::thread::Builder::new().name(name);
            let reading = reading.spawn_scoped(scope, move || self.read(&sender, stop))?;
            decoding.run(&blocks);
            let failed = || io::Error::other("the thread that reads the socket has failed");
            reading.join().unwrap_or_else(|_| Err(failed()))
        })
    }

    /// Empties the socket until it is told to stop. The queue ends with this.
    fn read(&mut self, blocks: &SyncSender<Block>, stop: &watch::Receiver<bool>) -> io::Result<()> {
        let mut looked_at = Instant::now();
        while !*stop.borrow() {
            self.read_once(true, blocks)?;
            if looked_at.elapsed() >= TICK {
                looked_at = Instant::now();
                self.look_at_drops()?;
            }
        }
        let until = Instant::now() + STOP_MAX;
        while Instant::now() < until && self.read_once(false, blocks)? > 0 {}
        self.look_at_drops()
    }

    fn read_once(&mut self, is_waiting: bool, blocks: &SyncSender<Block>) -> io::Result<usize> {
        let mut block = Block::default();
        let allowed = &self.settings.allowed;
        let count = self.socket.receive(is_waiting, |sender, datagram| {
            if allowed.contains(sender) {
                block.bytes.extend_from_slice(datagram);
                block.ends.push((sender, block.bytes.len()));
            }
        })?;
        let read = block.ends.len();
        self.counts.read.fetch_add(read as u64, Ordering::Relaxed);
        self.counts.not_allowed.fetch_add((count - read) as u64, Ordering::Relaxed);
        if read > 0 && blocks.send(block).is_err() {
            return Err(io::Error::other("the thread that reads messages has failed"));
        }
        Ok(count)
    }

    /// Adds what the kernel has dropped since the last look to the count; its own counter is too short for a life.
    fn look_at_drops(&mut self) -> io::Result<()> {
        let drops = self.socket.drops()?;
        let new = drops.wrapping_sub(std::mem::replace(&mut self.kernel_drops, drops));
        self.counts.dropped_by_kernel.fetch_add(new.into(), Ordering::Relaxed);
        Ok(())
    }
}

/// The thread that makes messages.
struct Decoding<'s, S> {
    sink: &'s S,
    runtime: &'s Handle,
    decoder: DatagramDecoder,
    senders: Senders,
    batch: MessageBatch,
    batch_bytes: usize,
    began: Instant,
}

impl<'s, S: MessageSink> Decoding<'s, S> {
    fn new(protocol: Protocol, sink: &'s S, runtime: &'s Handle) -> Self {
        Self {
            sink,
            runtime,
            decoder: DatagramDecoder::of(protocol),
            senders: Senders::new("udp"),
            batch: MessageBatch::default(),
            batch_bytes: 0,
            began: Instant::now(),
        }
    }

    /// Makes messages of blocks until there will be no more.
    fn run(mut self, blocks: &Receiver<Block>) {
        loop {
            match blocks.recv_timeout(TICK) {
                Ok(block) => {
                    self.take(&block);
                    while !self.is_full()
                        && let Ok(block) = blocks.try_recv()
                    {
                        self.take(&block);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.decoder.expire(self.began.elapsed());
            self.hand_on();
        }
        self.decoder.finish(self.began.elapsed());
        self.hand_on();
    }

    fn is_full(&self) -> bool {
        self.batch.messages.len() >= BATCH_MESSAGES || self.batch_bytes >= BATCH_BYTES
    }

    fn take(&mut self, block: &Block) {
        let now = self.began.elapsed();
        if self.batch.messages.is_empty() {
            self.batch.received_at = clock::now();
        }
        let mut start = 0;
        for &(sender, end) in &block.ends {
            let datagram = &block.bytes[start..end];
            start = end;
            if let Some(message) = self.decoder.decode(sender, datagram, now) {
                self.batch_bytes += message.len();
                self.batch.messages.push(self.senders.message(sender, message));
            }
        }
    }

    /// Gives what there is to the sink; what that has no room for in time is dropped, and counted with the next.
    fn hand_on(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if batch.messages.is_empty() && self.decoder.drops.total() == 0 {
            return;
        }
        if batch.messages.is_empty() {
            batch.received_at = clock::now();
        }
        let (drops, messages) = (self.decoder.drops, batch.messages.len() as u64);
        batch.dropped = self.decoder.drops.take();
        let Err(batch) = self.sink.try_put(batch) else { return };
        // A timeout is made within the runtime that keeps the time.
        let put = async { tokio::time::timeout(ROOM_WAIT_MAX, self.sink.put(batch)).await };
        if self.runtime.block_on(put).is_ok_and(|put| put.is_ok()) {
            return;
        }
        self.decoder.drops = drops;
        self.decoder.drops.add(DropCause::QueueFull, messages);
    }
}
