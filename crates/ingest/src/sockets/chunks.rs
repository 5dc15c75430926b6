//! Messages put together from chunks, in memory that no sender can exhaust.
//!
//! A sender may never send the rest, send it twice, or invent a million messages of which it sends one chunk each.
//! So what waits is bounded in number, bytes, time and for each sender; at a bound the oldest gives way, since
//! chunks of a healthy sender arrive within milliseconds. What was put together or given up is remembered for as
//! long as a chunk of it may still come, or a repeated chunk would be taken for another message.
//!
//! Ids are chosen by senders and collide between them, so a message is known by its sender's address too (not the
//! port: some clients change it). Time is an argument, on any clock that only goes forward.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::drops::{DropCause, Drops};

/// The most bytes that a message may have, packed or unpacked. Graylog's default, so that what it takes is taken.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// The most chunks of one message, by the specification.
pub const CHUNKS_MAX: u8 = 128;

/// How long the chunks of one message may take, from the first that came; by the specification.
pub const CHUNKS_TIME_MAX: Duration = Duration::from_secs(5);

/// Magic bytes, message id, number and count.
const HEADER_BYTES: usize = 12;

/// What may wait for chunks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct ChunkBounds {
    /// Messages of all senders.
    pub sets: usize,
    /// Bytes of all senders' messages.
    pub bytes: usize,
    /// Messages of one sender.
    pub sender_sets: usize,
    /// Bytes of one sender's messages.
    pub sender_bytes: usize,
    /// Messages that are remembered after they were put together or given up.
    pub closed_sets: usize,
}

/// Room for a burst of some thousand messages of many senders, and for some hundred of one. A remembered message
/// takes about 100 bytes.
pub const CHUNK_BOUNDS: ChunkBounds = ChunkBounds {
    sets: 8_192,
    bytes: 64 << 20,
    sender_sets: 2_048,
    sender_bytes: 32 << 20,
    closed_sets: 65_536,
};

/// Puts messages together.
pub struct ChunkAssembler {
    bounds: ChunkBounds,
    sets: HashMap<SetKey, Set>,
    /// Open sets in the order of their first chunks; some were closed since.
    open_order: VecDeque<(SetKey, u64)>,
    /// Closed sets in the order in which they are forgotten.
    closed_order: VecDeque<(Duration, SetKey, u64)>,
    open_count: usize,
    bytes: usize,
    senders: HashMap<IpAddr, Usage>,
    next_serial: u64,
}

/// What a chunk belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SetKey {
    sender: IpAddr,
    id: [u8; 8],
}

/// The chunks of one message.
enum Set {
    Open(OpenSet),
    /// All there is to know of it is that its chunks are to be ignored.
    Closed(u64),
}

struct OpenSet {
    serial: u64,
    first_at: Duration,
    /// The chunks in the order in which they came.
    data: Vec<u8>,
    /// Where in `data` each is, by its number.
    places: Box<[Option<(u32, u32)>]>,
    received: usize,
    is_in_order: bool,
    /// What it counts for in the sums of bytes.
    charged: usize,
}

/// What one sender has open.
#[derive(Clone, Copy, Default)]
struct Usage {
    sets: usize,
    bytes: usize,
}

struct Chunk<'a> {
    id: [u8; 8],
    number: usize,
    count: usize,
    data: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Reads a datagram that begins as a chunk.
    fn read(datagram: &'a [u8]) -> Option<Self> {
        let (header, data) = datagram.split_at_checked(HEADER_BYTES)?;
        let id = header[2..10].try_into().ok()?;
        let (number, count) = (header[10], header[11]);
        let is_sound = number < count && count <= CHUNKS_MAX;
        is_sound.then_some(Self { id, number: number.into(), count: count.into(), data })
    }
}

impl ChunkAssembler {
    /// An assembler with nothing in it.
    pub fn new(bounds: ChunkBounds) -> Self {
        Self {
            bounds,
            sets: HashMap::new(),
            open_order: VecDeque::new(),
            closed_order: VecDeque::new(),
            open_count: 0,
            bytes: 0,
            senders: HashMap::new(),
            next_serial: 0,
        }
    }

    /// Takes a datagram that begins as a chunk, and gives the message that it completes, if it does.
    ///
    /// `now` is never earlier than at the call before. Messages that are given up are counted in `drops`.
    pub fn take(
        &mut self,
        sender: IpAddr,
        datagram: &[u8],
        now: Duration,
        drops: &mut Drops,
    ) -> Option<Vec<u8>> {
        let Some(chunk) = Chunk::read(datagram) else {
            drops.add(DropCause::ChunkInvalid, 1);
            return None;
        };
        self.expire(now, drops);
        let key = SetKey { sender, id: chunk.id };
        match self.sets.get(&key) {
            Some(Set::Closed(_)) => return None,
            Some(Set::Open(set)) if set.places.len() != chunk.count => {
                drops.add(DropCause::ChunkInvalid, 1);
                return None;
            }
            Some(Set::Open(_)) => {}
            None => self.open(key, chunk.count, now, drops)?,
        }
        self.add(key, &chunk, now, drops)
    }

    /// Gives up what is too old, and forgets what need not be remembered any more.
    pub fn expire(&mut self, now: Duration, drops: &mut Drops) {
        let is_over = |since: Duration| now.saturating_sub(since) >= CHUNKS_TIME_MAX;
        while let Some((key, set)) = self.oldest()
            && is_over(set.first_at)
        {
            self.close(key, now, Some(DropCause::ChunksIncomplete), drops);
        }
        while let Some(&(since, key, serial)) = self.closed_order.front()
            && (is_over(since) || self.closed_order.len() > self.bounds.closed_sets)
        {
            self.closed_order.pop_front();
            if matches!(self.sets.get(&key), Some(Set::Closed(closed)) if *closed == serial) {
                self.sets.remove(&key);
            }
        }
    }

    /// Messages that wait for chunks.
    pub fn open_count(&self) -> usize {
        self.open_count
    }

    /// Bytes of the messages that wait for chunks.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives up everything that waits.
    pub fn close_all(&mut self, now: Duration, drops: &mut Drops) {
        while let Some((key, _)) = self.oldest() {
            self.close(key, now, Some(DropCause::ChunksIncomplete), drops);
        }
    }

    /// Begins a message; `None` where its sender may have no more of them.
    fn open(&mut self, key: SetKey, count: usize, now: Duration, drops: &mut Drops) -> Option<()> {
        let serial = self.next_serial;
        self.next_serial += 1;
        let usage = self.senders.get(&key.sender).copied().unwrap_or_default();
        if usage.sets >= self.bounds.sender_sets {
            drops.add(DropCause::SenderChunksEvicted, 1);
            self.remember(key, serial, now);
            return None;
        }
        self.senders.entry(key.sender).or_default().sets += 1;
        self.open_count += 1;
        self.sets.insert(key, Set::Open(OpenSet::new(serial, now, count)));
        self.open_order.push_back((key, serial));
        Some(())
    }

    /// Adds a chunk to its open set.
    fn add(&mut self, key: SetKey, chunk: &Chunk<'_>, now: Duration, drops: &mut Drops) -> Option<Vec<u8>> {
        let Some(Set::Open(set)) = self.sets.get_mut(&key) else { return None };
        if !set.add(chunk) {
            return None;
        }
        if set.data.len() > MESSAGE_BYTES_MAX {
            self.close(key, now, Some(DropCause::TooLarge), drops);
            return None;
        }
        if set.received == set.places.len() {
            return self.close(key, now, None, drops).map(OpenSet::into_message);
        }
        let usage = self.senders.entry(key.sender).or_default();
        let bytes = set.bytes();
        self.bytes = self.bytes - set.charged + bytes;
        usage.bytes = usage.bytes - set.charged + bytes;
        set.charged = bytes;
        if usage.bytes > self.bounds.sender_bytes {
            self.close(key, now, Some(DropCause::SenderChunksEvicted), drops);
        }
        self.make_room(now, drops);
        None
    }

    /// Gives up the oldest until what is open is within bounds.
    fn make_room(&mut self, now: Duration, drops: &mut Drops) {
        while (self.open_count > self.bounds.sets || self.bytes > self.bounds.bytes)
            && let Some((key, _)) = self.oldest()
        {
            self.close(key, now, Some(DropCause::ChunksEvicted), drops);
        }
    }

    /// The open set whose first chunk came first.
    fn oldest(&mut self) -> Option<(SetKey, &OpenSet)> {
        let sets = &self.sets;
        let is_open =
            |key: &SetKey, serial: u64| matches!(sets.get(key), Some(Set::Open(set)) if set.serial == serial);
        while let Some((key, serial)) = self.open_order.front()
            && !is_open(key, *serial)
        {
            self.open_order.pop_front();
        }
        // Behind one that waits there may be any number that have been closed.
        if self.open_order.len() > 2 * self.open_count + 1_024 {
            self.open_order.retain(|(key, serial)| is_open(key, *serial));
        }
        let &(key, _) = self.open_order.front()?;
        match self.sets.get(&key)? {
            Set::Open(set) => Some((key, set)),
            Set::Closed(_) => None,
        }
    }

    /// Closes an open set and hands it out; a message that is given up for a cause is counted.
    fn close(
        &mut self,
        key: SetKey,
        now: Duration,
        cause: Option<DropCause>,
        drops: &mut Drops,
    ) -> Option<OpenSet> {
        let Some(Set::Open(set)) = self.sets.remove(&key) else { return None };
        if let Some(cause) = cause {
            drops.add(cause, 1);
        }
        self.open_count -= 1;
        self.bytes -= set.charged;
        if let Some(usage) = self.senders.get_mut(&key.sender) {
            usage.sets -= 1;
            usage.bytes -= set.charged;
            if usage.sets == 0 {
                self.senders.remove(&key.sender);
            }
        }
        self.remember(key, set.serial, now);
        Some(set)
    }

    /// Ignores what else comes of a message.
    fn remember(&mut self, key: SetKey, serial: u64, now: Duration) {
        self.sets.insert(key, Set::Closed(serial));
        self.closed_order.push_back((now, key, serial));
    }
}

impl OpenSet {
    /// What a set takes beside its chunks and their places: its key in three tables, and this.
    const OVERHEAD_BYTES: usize = 256;

    fn new(serial: u64, first_at: Duration, count: usize) -> Self {
        Self {
            serial,
            first_at,
            data: Vec::new(),
            places: vec![None; count].into(),
            received: 0,
            is_in_order: true,
            charged: 0,
        }
    }

    /// Takes a chunk, unless it was there before.
    fn add(&mut self, chunk: &Chunk<'_>) -> bool {
        let Some(place @ None) = self.places.get_mut(chunk.number) else { return false };
        // At most one chunk goes beyond the bound of a message, so that both fit by far.
        *place = Some((self.data.len() as u32, chunk.data.len() as u32));
        self.data.extend_from_slice(chunk.data);
        self.is_in_order &= chunk.number == self.received;
        self.received += 1;
        true
    }

    /// What it holds in memory.
    fn bytes(&self) -> usize {
        self.data.capacity() + size_of_val(&*self.places) + Self::OVERHEAD_BYTES
    }

    /// The message, of which all chunks are there.
    fn into_message(self) -> Vec<u8> {
        if self.is_in_order {
            return self.data;
        }
        let chunks = self.places.iter().flatten();
        let slices = chunks.filter_map(|&(start, len)| self.data.get(start as usize..(start + len) as usize));
        slices.flatten().copied().collect()
    }
}
