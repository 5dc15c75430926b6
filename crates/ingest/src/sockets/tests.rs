//! Receivers on the loopback interface, with a sink of the test's.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};

use super::*;
use crate::{Allowed, Delivery, MessageBatch, MessageSink, Protocol, Stopping};

const NOWHERE: &str = "cannot use the loopback interface";

/// Keeps what it is given, while it has room.
#[derive(Default)]
struct Kept {
    batches: Mutex<Vec<MessageBatch>>,
    changed: Notify,
    is_full: AtomicBool,
    refused: Notify,
}

impl MessageSink for Kept {
    fn try_put(&self, batch: MessageBatch) -> Result<(), MessageBatch> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(batch);
        }
        self.batches.lock().expect("no panic").push(batch);
        self.changed.notify_one();
        Ok(())
    }

    async fn put(&self, batch: MessageBatch) -> Result<(), Stopping> {
        match self.try_put(batch) {
            Ok(()) => Ok(()),
            Err(_) => {
                self.refused.notify_one();
                std::future::pending().await
            }
        }
    }

    async fn deliver(&self, _: MessageBatch) -> Delivery {
        Delivery::Stopping
    }

    fn caught_up(&self, _: weir_record::Timestamp) {}
}

impl Kept {
    /// All messages as text, in order, once there are so many.
    async fn messages(&self, count: usize) -> Vec<String> {
        loop {
            let changed = self.changed.notified();
            let shown = self.shown();
            if shown.len() >= count {
                return shown;
            }
            changed.await;
        }
    }

    fn shown(&self) -> Vec<String> {
        let batches = self.batches.lock().expect("no panic");
        let messages = batches.iter().flat_map(|batch| &batch.messages);
        messages.map(|message| String::from_utf8_lossy(&message.bytes).into_owned()).collect()
    }

    fn dropped(&self) -> Drops {
        let mut drops = Drops::default();
        for (label, count) in self.batches.lock().expect("no panic").iter().flat_map(|batch| &batch.dropped) {
            let cause = DropCause::ALL.into_iter().find(|cause| cause.label() == *label).expect("a cause");
            drops.add(cause, *count);
        }
        drops
    }
}

fn udp(listen: &str, allowed: Allowed) -> UdpReceiver {
    let listen = listen.parse().expect("an address");
    let (source, protocol) = ("errors".into(), Protocol::Gelf);
    let settings = UdpSettings { source, listen, protocol, allowed, receive_buffer_bytes: 1 << 20 };
    UdpReceiver::bind(settings).expect(NOWHERE)
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_become_messages_and_all_are_accounted_for() {
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let receiver = udp(listen, Allowed::new());
        let (address, counts) = (receiver.local_addr().expect(NOWHERE), receiver.counts());
        let (sink, (stop, stopped)) = (Arc::new(Kept::default()), watch::channel(false));
        let (own, runtime) = (Arc::clone(&sink), tokio::runtime::Handle::current());
        let running = std::thread::spawn(move || receiver.run(&*own, &runtime, &stopped));
        let sender = UdpSocket::bind((address.ip(), 0)).expect(NOWHERE);
        for number in 0..100 {
            sender.send_to(format!("message {number}").as_bytes(), address).expect(NOWHERE);
        }
        for datagram in [b"\x1e\x0f12345678\x01\x02 end".as_slice(), b"\x1e\x0f12345678\0\x02begin", b""] {
            sender.send_to(datagram, address).expect(NOWHERE);
        }
        sender.send_to(b"\x1e\x0f99999999\0\x02never whole", address).expect(NOWHERE);
        let messages = sink.messages(101).await;
        assert_eq!((messages[7].as_str(), messages[100].as_str()), ("message 7", "begin end"));
        stop.send(true).expect("it runs");
        running.join().expect("no panic").expect(NOWHERE);
        let dropped = sink.dropped();
        assert_eq!((dropped.count(DropCause::Empty), dropped.count(DropCause::ChunksIncomplete)), (1, 1));
        assert_eq!(counts.read.load(Ordering::Relaxed), 104);
        assert_eq!(counts.dropped_by_kernel.load(Ordering::Relaxed), 0);
        let batches = sink.batches.lock().expect("no panic");
        let first = &batches[0].messages[0];
        assert_eq!(&*first.origin, format!("udp {}", address.ip()));
        assert_eq!(first.fields[0].0, "source_host");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_sink_has_no_room_for_is_counted_as_soon_as_it_has() {
    let receiver = udp("127.0.0.1:0", Allowed::new());
    let (address, counts) = (receiver.local_addr().expect(NOWHERE), receiver.counts());
    let (sink, (stop, stopped)) = (Arc::new(Kept::default()), watch::channel(false));
    sink.is_full.store(true, Ordering::Relaxed);
    let (own, runtime) = (Arc::clone(&sink), tokio::runtime::Handle::current());
    let running = std::thread::spawn(move || receiver.run(&*own, &runtime, &stopped));
    let sender = UdpSocket::bind("127.0.0.1:0").expect(NOWHERE);
    sender.send_to(b"lost", address).expect(NOWHERE);
    sink.refused.notified().await;
    sink.is_full.store(false, Ordering::Relaxed);
    sender.send_to(b"kept", address).expect(NOWHERE);
    assert_eq!(sink.messages(1).await, ["kept"]);
    assert_eq!(sink.dropped().count(DropCause::QueueFull), 1);
    stop.send(true).expect("it runs");
    running.join().expect("no panic").expect(NOWHERE);
    assert_eq!(counts.read.load(Ordering::Relaxed), 2);
}

/// A receiver of connections on the loopback interface.
async fn tcp(frame_time_max: Duration) -> (TcpReceiver, std::net::SocketAddr) {
    let listen = "127.0.0.1:0".parse().expect("an address");
    let allowed = Some(Allowed::new());
    let (source, protocol) = ("errors".into(), Protocol::Gelf);
    let settings = TcpSettings { source, listen, protocol, allowed, tls: None, frame_time_max };
    let receiver = TcpReceiver::bind(settings).await.expect(NOWHERE);
    let address = receiver.local_addr().expect(NOWHERE);
    (receiver, address)
}

#[tokio::test]
async fn frames_of_many_connections_become_messages() {
    let (receiver, address) = tcp(FRAME_TIME_MAX).await;
    let (sink, (stop, stopped)) = (Arc::new(Kept::default()), watch::channel(false));
    let running = tokio::spawn(receiver.run(Arc::clone(&sink), stopped));
    let long = "x".repeat(1 << 20);
    let mut open = Vec::new();
    for number in 0..20 {
        let mut stream = TcpStream::connect(address).await.expect(NOWHERE);
        let frames = format!("{number} one\0\0{number} two\0{number} {long}\0{number} last");
        stream.write_all(frames.as_bytes()).await.expect(NOWHERE);
        if number % 2 == 0 {
            stream.shutdown().await.expect(NOWHERE);
        }
        open.push(stream);
    }
    let messages = sink.messages(70).await;
    assert_eq!(messages.iter().filter(|message| message.ends_with(" last")).count(), 10);
    assert_eq!(messages.iter().filter(|message| message.len() > 1 << 20).count(), 20);
    // What has no end when the program stops is cut.
    stop.send(true).expect("it runs");
    running.await.expect("no panic");
    assert_eq!(sink.dropped().count(DropCause::FrameCut), 10);
    assert_eq!(sink.shown().len(), 70);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_the_others_go_on() {
    let (receiver, address) = tcp(FRAME_TIME_MAX).await;
    let counts = receiver.counts();
    let (sink, (stop, stopped)) = (Arc::new(Kept::default()), watch::channel(false));
    let running = tokio::spawn(receiver.run(Arc::clone(&sink), stopped));
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        open.push(TcpStream::connect(address).await.expect(NOWHERE));
    }
    for _ in 0..50 {
        let mut refused = TcpStream::connect(address).await.expect(NOWHERE);
        let read = tokio::io::AsyncReadExt::read(&mut refused, &mut [0]).await;
        assert!(matches!(read, Ok(0) | Err(_)));
    }
    assert_eq!(counts.refused.load(Ordering::Relaxed), 50);
    open[7].write_all(b"still here\0").await.expect(NOWHERE);
    assert_eq!(sink.messages(1).await, ["still here"]);
    drop(open);
    stop.send(true).expect("it runs");
    running.await.expect("no panic");
}

#[tokio::test]
async fn a_frame_that_does_not_end_in_time_is_given_up_with_its_connection() {
    const SHORT: Duration = Duration::from_millis(400);
    let (receiver, address) = tcp(SHORT).await;
    let (sink, (stop, stopped)) = (Arc::new(Kept::default()), watch::channel(false));
    let running = tokio::spawn(receiver.run(Arc::clone(&sink), stopped));
    let mut slow = TcpStream::connect(address).await.expect(NOWHERE);
    // A byte now and then does not help.
    while slow.write_all(b"x").await.is_ok() {
        tokio::time::sleep(SHORT / 20).await;
    }
    while sink.dropped().total() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(sink.dropped().count(DropCause::FrameTimeout), 1);
    stop.send(true).expect("it runs");
    running.await.expect("no panic");
}
