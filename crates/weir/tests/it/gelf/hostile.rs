//! Peers that mean no good, or know no better: whatever they send, the account closes and others are served.

use std::io::{Read, Write};
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{DROPPED, Gelf, REJECTED, connect, message, udp_sender};
use crate::support::{Folder, gzip, until};

/// Connections at one moment, as `weir_ingest::sockets` bounds them.
const CONNECTIONS_MAX: usize = 512;

/// gzip data that is as small as it can be.
fn packed_small(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A chunk of a message that has two.
fn first_chunk(id: u64, data: &[u8]) -> Vec<u8> {
    [&[0x1e, 0x0f][..], &id.to_be_bytes(), &[0, 2], data].concat()
}

#[test]
fn odd_datagrams_are_rejects_or_drops_and_none_is_lost_count_of() {
    let folder = Folder::new();
    let gelf = Gelf::start(&folder, "");
    let sender = udp_sender();
    let deep = format!(r#"{{"message":"m","a":{}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let bomb = packed_small(&vec![b' '; 9 << 20]);
    let stored: [&[u8]; 5] = [
        br#"{"message":"m","a":NaN,"b":Infinity}"#,
        br#"{"message":"m","a":1,"a":2,}"#,
        b"{\"message\":\"caf\xe9\n\"}",
        br#"{"short_message":"m","timestamp":1e400,"level":"x"}"#,
        &gzip(r#"{"message":"m"}"#),
    ];
    let rejected: [&[u8]; 5] =
        [b"hello", br#"[{"message":"m"}]"#, br#"{"host":"web-1"}"#, deep.as_bytes(), b"\x78\x00\xff"];
    let dropped: [&[u8]; 5] = [b"", &bomb, b"\x1f\x8b\x08 no gzip", b"\x78\x9cno zlib", b"\x1e\x0fno chunk"];
    for datagram in stored.iter().chain(&rejected).chain(&dropped) {
        sender.send_to(datagram, gelf.udp).unwrap();
    }
    gelf.await_account(15, 15);
    assert_eq!((gelf.sum(REJECTED), gelf.sum(DROPPED)), (5.0, 5.0));
    for (cause, count) in
        [("empty", 1.0), ("too_large", 1.0), ("bad_compression", 2.0), ("chunk_invalid", 1.0)]
    {
        assert_eq!(gelf.server.sum(DROPPED, &[("cause", cause)]), count, "{cause}");
    }
    // Rejects are kept whole.
    let rejects = gelf.server.get("/api/rejects").json();
    let rows = rejects["rejects"].as_array().unwrap();
    let reasons: Vec<&str> = rows.iter().map(|row| row["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["not_json", "not_json", "no_message", "not_json", "not_json"], "{rejects}");
    assert_eq!(
        (rows[0]["preview"].as_str(), rows[0]["origin"].as_str()),
        (Some("hello"), Some("udp 127.0.0.1"))
    );
    assert_eq!(gelf.total("*"), 5);
}

#[test]
fn endless_chunk_sets_take_bounded_memory_and_others_are_served() {
    let folder = Folder::new();
    let gelf = Gelf::start(&folder, "");
    let sender = udp_sender();
    let sets = 20_000;
    for id in 0..sets {
        sender.send_to(&first_chunk(id, &[b'x'; 1_000]), gelf.udp).unwrap();
        if id % 1_000 == 0 {
            let whole = message(id);
            sender.send_to(whole.as_bytes(), gelf.udp).unwrap();
        }
    }
    // What the kernel dropped is in the account of datagrams, and never was a message.
    until("all datagrams in the account", || {
        let lost = gelf.sum(super::DATAGRAMS_DROPPED);
        let all = gelf.sum(super::DATAGRAMS) + lost;
        assert!(all <= 20_020.0);
        let messages = gelf.sum(super::RECEIVED);
        (all == 20_020.0 && messages == all - lost).then_some(())
    });
    assert_eq!(gelf.sum(super::RECEIVED), gelf.sum(super::STORED) + gelf.sum(DROPPED));
    assert!(gelf.server.sum(DROPPED, &[("cause", "chunks_evicted_sender")]) > 0.0);
    assert!(gelf.server.sum(DROPPED, &[("cause", "chunks_incomplete")]) > 0.0);
    assert!(gelf.server.sum("process_resident_memory_bytes", &[]) < 500e6);
}

#[test]
fn connections_that_send_no_frames_are_bounded_and_refused_politely() {
    let folder = Folder::new();
    let gelf = Gelf::start(&folder, "");
    let mut quiet: Vec<TcpStream> = (0..CONNECTIONS_MAX).map(|_| connect(gelf.tcp)).collect();
    for _ in 0..300 {
        let mut refused = connect(gelf.tcp);
        assert!(matches!(refused.read(&mut [0]), Ok(0) | Err(_)));
    }
    let refused = || gelf.server.sum("weir_gelf_connections_refused_total", &[("cause", "too_many")]);
    until("300 refused connections", || (refused() == 300.0).then_some(()));
    assert!(gelf.server.log().contains("refused connections"));
    // Those that were there are served, an endless frame among them or not.
    quiet[0].write_all(&vec![b'x'; 1 << 20]).unwrap();
    quiet[1].write_all(format!("{}\0", message(1)).as_bytes()).unwrap();
    gelf.await_stored(1);
    // And when they have gone, others.
    drop(quiet);
    until("room for a connection", || {
        let mut stream = connect(gelf.tcp);
        stream.write_all(format!("{}\0", message(2)).as_bytes()).ok()?;
        (gelf.sum(super::STORED) >= 2.0).then_some(())
    });
}

#[test]
fn who_is_not_allowed_is_counted_and_not_read() {
    let folder = Folder::new();
    let refused = crate::support::weir(&["check", "-c", &super::config(&folder, ", allow: [10.0.0.0/33]")]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    let open = folder.write("open.yaml", "sources: [{name: errors, type: gelf, udp: \"0.0.0.0:12201\"}]\n");
    let refused = crate::support::weir(&["check", "-c", &open]);
    assert!(refused.stderr.contains("nobody says which may send"), "{}", refused.stderr);
}
