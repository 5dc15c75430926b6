//! Any datagrams, from two senders and at any times: nothing panics, what waits is bounded, and each datagram that is
//! no chunk is a message or a drop.
//!
//! The input is a row of datagrams, each behind two bytes: its length, and the sender in one bit and the time since
//! the one before in the others.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use weir_ingest::sockets::{ChunkBounds, DatagramDecoder, MESSAGE_BYTES_MAX};

const BOUNDS: ChunkBounds =
    ChunkBounds { sets: 4, bytes: 4_096, sender_sets: 3, sender_bytes: 3_072, closed_sets: 4 };

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut decoder = DatagramDecoder::new(BOUNDS);
    let mut now = Duration::ZERO;
    let mut rest = input;
    while let [len, sender_and_time, after @ ..] = rest {
        let (datagram, after) = after.split_at(usize::from(*len).min(after.len()));
        rest = after;
        now += Duration::from_millis(u64::from(sender_and_time >> 1) * 20);
        let sender = IpAddr::V4(Ipv4Addr::new(10, 0, 0, sender_and_time & 1));
        let before = decoder.drops.total();
        let message = decoder.decode(sender, datagram, now);
        assert!(message.as_ref().is_none_or(|message| (1..=MESSAGE_BYTES_MAX).contains(&message.len())));
        let is_chunk = datagram.starts_with(&[0x1e, 0x0f]);
        assert!(
            is_chunk || message.is_some() != (decoder.drops.total() == before + 1),
            "it has two ends or none"
        );
        assert!(decoder.pending() <= BOUNDS.sets);
    }
    decoder.finish(now);
    assert_eq!(decoder.pending(), 0);
});
