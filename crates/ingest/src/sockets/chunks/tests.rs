//! Chunks in any order, from senders of any kind.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

/// Datagrams of a message, `chunk_bytes` of it in each.
pub(crate) fn chunked(id: u64, message: &[u8], chunk_bytes: usize) -> Vec<Vec<u8>> {
    let chunks: Vec<&[u8]> = message.chunks(chunk_bytes).collect();
    let count = chunks.len() as u8;
    let datagram = |(number, data): (usize, &&[u8])| datagram(id, number as u8, count, data);
    chunks.iter().enumerate().map(datagram).collect()
}

fn datagram(id: u64, number: u8, count: u8, data: &[u8]) -> Vec<u8> {
    [&[0x1e, 0x0f][..], &id.to_ne_bytes(), &[number, count], data].concat()
}

fn sender(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, number).into()
}

/// An assembler with what it says.
struct Rig {
    assembler: ChunkAssembler,
    drops: Drops,
    now: Duration,
}

impl Rig {
    fn new(bounds: ChunkBounds) -> Self {
        Self { assembler: ChunkAssembler::new(bounds), drops: Drops::default(), now: Duration::ZERO }
    }

    fn take(&mut self, from: u8, datagram: &[u8]) -> Option<Vec<u8>> {
        self.assembler.take(sender(from), datagram, self.now, &mut self.drops)
    }

    fn wait(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
        self.assembler.expire(self.now, &mut self.drops);
    }

    /// What was dropped since this was asked last.
    fn dropped(&mut self) -> String {
        let taken = self.drops.take();
        taken.iter().map(|(cause, count)| format!("{cause} {count}")).collect::<Vec<_>>().join(", ")
    }
}

const SMALL: ChunkBounds =
    ChunkBounds { sets: 4, bytes: 10_000, sender_sets: 3, sender_bytes: 6_000, closed_sets: 10 };

#[test]
fn chunks_come_together_in_any_order() {
    let mut rig = Rig::new(CHUNK_BOUNDS);
    let chunks = chunked(7, b"abcdefgh", 3);
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let found: Vec<_> = order.map(|index| rig.take(1, &chunks[index])).into_iter().flatten().collect();
        assert_eq!(found, [b"abcdefgh"]);
        assert_eq!((rig.assembler.open_count(), rig.assembler.bytes()), (0, 0));
        rig.wait(5_000);
    }
    let largest = chunked(8, &[b'x'; 1280], 10);
    assert_eq!(largest.len(), 128);
    assert_eq!(largest.iter().rev().find_map(|chunk| rig.take(1, chunk)), Some(vec![b'x'; 1280]));
    assert_eq!(rig.take(1, &datagram(9, 0, 1, b"alone")), Some(b"alone".to_vec()));
    assert_eq!(rig.take(1, &datagram(10, 0, 1, b"")), Some(Vec::new()));
    assert_eq!(rig.dropped(), "");
}

#[test]
fn repeated_chunks_give_nothing_twice() {
    let mut rig = Rig::new(CHUNK_BOUNDS);
    let chunks = chunked(7, b"abcdef", 3);
    assert_eq!(rig.take(1, &chunks[0]), None);
    assert_eq!(rig.take(1, &chunks[0]), None);
    assert_eq!(rig.take(1, &chunks[1]), Some(b"abcdef".to_vec()));
    for chunk in &chunks {
        assert_eq!(rig.take(1, chunk), None);
    }
    assert_eq!(rig.assembler.open_count(), 0);
    // The id may come again when nothing of the first message can.
    rig.wait(5_000);
    assert_eq!(rig.take(1, &chunks[0]), None);
    assert_eq!(rig.take(1, &chunks[1]), Some(b"abcdef".to_vec()));
    assert_eq!(rig.dropped(), "");
}

#[test]
fn the_same_id_of_two_senders_is_two_messages() {
    let mut rig = Rig::new(CHUNK_BOUNDS);
    let (one, other) = (chunked(7, b"abcdef", 3), chunked(7, b"ghijkl", 3));
    assert_eq!(rig.take(1, &one[0]), None);
    assert_eq!(rig.take(2, &other[0]), None);
    assert_eq!(rig.take(1, &one[1]), Some(b"abcdef".to_vec()));
    assert_eq!(rig.take(2, &other[1]), Some(b"ghijkl".to_vec()));
}

#[test]
fn what_is_not_whole_after_five_seconds_is_given_up_once() {
    let mut rig = Rig::new(CHUNK_BOUNDS);
    let chunks = chunked(7, b"abcdefghi", 3);
    rig.take(1, &chunks[0]);
    rig.wait(4_999);
    rig.take(1, &chunks[1]);
    assert_eq!(rig.dropped(), "");
    rig.wait(1);
    assert_eq!(rig.dropped(), "chunks_incomplete 1");
    // What comes late is of the message that was given up.
    assert_eq!(rig.take(1, &chunks[2]), None);
    rig.wait(60_000);
    assert_eq!(rig.dropped(), "");
    assert!(rig.assembler.sets.is_empty() && rig.assembler.senders.is_empty());
    rig.take(1, &chunks[0]);
    rig.assembler.close_all(rig.now, &mut rig.drops);
    assert_eq!(rig.dropped(), "chunks_incomplete 1");
}

#[test]
fn headers_that_make_no_sense_are_counted() {
    let mut rig = Rig::new(CHUNK_BOUNDS);
    for datagram in [
        datagram(7, 0, 0, b"x"),
        datagram(7, 2, 2, b"x"),
        datagram(7, 0, 129, b"x"),
        datagram(7, 255, 255, b"x"),
        b"\x1e\x0f1234567\0\x01".to_vec(),
        b"\x1e\x0f".to_vec(),
    ] {
        assert_eq!(rig.take(1, &datagram), None);
        assert_eq!(rig.dropped(), "chunk_invalid 1", "{}", datagram.escape_ascii());
    }
    rig.take(1, &datagram(8, 0, 2, b"a"));
    rig.take(1, &datagram(8, 1, 3, b"b"));
    assert_eq!(rig.dropped(), "chunk_invalid 1");
    assert_eq!(rig.take(1, &datagram(8, 1, 2, b"b")), Some(b"ab".to_vec()));
}

#[test]
fn at_a_bound_the_oldest_gives_way_and_its_rest_is_ignored() {
    let mut rig = Rig::new(SMALL);
    for id in 1..=4 {
        rig.take(id as u8, &datagram(id, 0, 2, b"a"));
    }
    assert_eq!((rig.dropped(), rig.assembler.open_count()), (String::new(), 4));
    rig.take(5, &datagram(5, 0, 2, b"a"));
    assert_eq!((rig.dropped().as_str(), rig.assembler.open_count()), ("chunks_evicted 1", 4));
    assert_eq!(rig.take(1, &datagram(1, 1, 2, b"b")), None);
    assert_eq!(rig.take(2, &datagram(2, 1, 2, b"b")), Some(b"ab".to_vec()));
    assert_eq!(rig.dropped(), "");
    // Bytes, too: four of 3,000 are more than 10,000.
    let mut rig = Rig::new(SMALL);
    for id in 1..=4 {
        rig.take(id as u8, &datagram(id, 0, 2, &[b'a'; 3_000]));
    }
    assert_eq!((rig.dropped().as_str(), rig.assembler.open_count()), ("chunks_evicted 1", 3));
    assert!(rig.assembler.bytes() <= SMALL.bytes);
}

#[test]
fn one_sender_cannot_push_out_the_others() {
    let mut rig = Rig::new(SMALL);
    rig.take(9, &datagram(0, 0, 2, b"a"));
    for id in 1..=1_000 {
        rig.take(1, &datagram(id, 0, 2, b"a"));
    }
    assert_eq!(rig.dropped(), "chunks_evicted_sender 997");
    assert_eq!(rig.take(9, &datagram(0, 1, 2, b"b")), Some(b"ab".to_vec()));
    // What is remembered is bounded too.
    assert!(rig.assembler.sets.len() <= 3 + 1 + SMALL.closed_sets, "{}", rig.assembler.sets.len());
    let mut rig = Rig::new(SMALL);
    for id in 1..=3 {
        rig.take(1, &datagram(id, 0, 2, &[b'a'; 3_000]));
    }
    assert_eq!((rig.dropped().as_str(), rig.assembler.open_count()), ("chunks_evicted_sender 2", 1));
}

#[test]
fn a_message_of_too_many_bytes_is_given_up() {
    let mut rig = Rig::new(CHUNK_BOUNDS);
    let data = vec![b'a'; MESSAGE_BYTES_MAX / 127];
    for number in 0..127 {
        assert_eq!(rig.take(1, &datagram(7, number, 128, &data)), None);
    }
    assert_eq!(rig.dropped(), "");
    rig.take(1, &datagram(7, 127, 128, &data));
    assert_eq!((rig.dropped().as_str(), rig.assembler.bytes()), ("too_large 1", 0));
}

proptest! {
    #[test]
    fn any_order_and_repetition_gives_each_message_once(
        messages in prop::collection::vec(
            (0u8..3, 0u64..4, prop::collection::vec(any::<u8>(), 1..60), 1usize..20), 1..6,
        ),
        order: prop::sample::Index,
        seed: u64,
    ) {
        let mut datagrams = Vec::new();
        let mut expected = Vec::new();
        for (from, id, message, chunk_bytes) in messages {
            let is_same = |(other, chunk): &(u8, Vec<u8>)| *other == from && chunk[2..10] == id.to_ne_bytes();
            if datagrams.iter().any(is_same) {
                continue;
            }
            datagrams.extend(chunked(id, &message, chunk_bytes).into_iter().map(|chunk| (from, chunk)));
            expected.push(message);
        }
        let repeated = datagrams[order.index(datagrams.len())].clone();
        datagrams.push(repeated);
        // Any order: by a hash of the seed and the place.
        let mut indexed: Vec<_> = datagrams.into_iter().enumerate().collect();
        indexed.sort_by_key(|(index, _)| {
            let place = (*index as u64 + 1).wrapping_mul(seed | 1).rotate_left(29);
            place.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        let mut rig = Rig::new(CHUNK_BOUNDS);
        let mut found: Vec<_> = indexed.iter().filter_map(|(_, (from, chunk))| rig.take(*from, chunk)).collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(rig.dropped(), "");
        prop_assert_eq!(rig.assembler.bytes(), 0);
    }

    #[test]
    fn any_chunks_stay_within_bounds_and_every_message_has_one_end(
        steps in prop::collection::vec((0u8..4, 0u64..6, 0u8..4, 0u8..4, 0usize..4_000, 0u64..3_000), 0..200),
    ) {
        let mut rig = Rig::new(SMALL);
        for (from, id, number, count, bytes, millis) in steps {
            rig.take(from, &datagram(id, number, count, &vec![0; bytes]));
            prop_assert!(rig.assembler.open_count() <= SMALL.sets);
            prop_assert!(rig.assembler.bytes() <= SMALL.bytes);
            rig.wait(millis / 3);
            prop_assert!(rig.assembler.closed_order.len() <= SMALL.closed_sets);
        }
        rig.wait(10_000);
        rig.wait(10_000);
        prop_assert!(rig.assembler.sets.is_empty() && rig.assembler.senders.is_empty());
        prop_assert_eq!((rig.assembler.open_count(), rig.assembler.bytes()), (0, 0));
    }
}
