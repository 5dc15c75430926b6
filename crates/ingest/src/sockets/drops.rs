//! Why a message did not come through: a closed set, because each is a label of `weir_source_dropped_total`.
//!
//! What could be read and made no sense is a reject and kept whole. These are the others: parts of a message whose
//! rest never came, or bytes that nobody could unpack. They are counted, since that is all that can be done.

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropCause {
    /// A datagram or a frame without a byte.
    Empty,
    /// A chunk whose header is cut, or whose number makes no sense.
    ChunkInvalid,
    /// Not all chunks came in time.
    ChunksIncomplete,
    /// Its chunks made room for others, because all senders together had too many.
    ChunksEvicted,
    /// Its sender had too many chunks that waited for others.
    SenderChunksEvicted,
    /// Chunks that were chunks again when put together.
    NestedChunk,
    /// It is, or unpacks to, more than a message may have.
    TooLarge,
    /// Its gzip or zlib data is cut or damaged.
    BadCompression,
    /// Its connection failed before its end.
    FrameCut,
    /// It did not come to its end in time.
    FrameTimeout,
    /// Nobody took it in time: the disk is full, or the rest of the program is too slow.
    QueueFull,
}

impl DropCause {
    /// Every cause, in the order of their declaration.
    pub const ALL: [DropCause; 11] = [
        DropCause::Empty,
        DropCause::ChunkInvalid,
        DropCause::ChunksIncomplete,
        DropCause::ChunksEvicted,
        DropCause::SenderChunksEvicted,
        DropCause::NestedChunk,
        DropCause::TooLarge,
        DropCause::BadCompression,
        DropCause::FrameCut,
        DropCause::FrameTimeout,
        DropCause::QueueFull,
    ];

    /// The value of the label `cause`.
    pub const fn label(self) -> &'static str {
        match self {
            DropCause::Empty => "empty",
            DropCause::ChunkInvalid => "chunk_invalid",
            DropCause::ChunksIncomplete => "chunks_incomplete",
            DropCause::ChunksEvicted => "chunks_evicted",
            DropCause::SenderChunksEvicted => "chunks_evicted_sender",
            DropCause::NestedChunk => "chunk_nested",
            DropCause::TooLarge => "too_large",
            DropCause::BadCompression => "bad_compression",
            DropCause::FrameCut => "frame_cut",
            DropCause::FrameTimeout => "frame_timeout",
            DropCause::QueueFull => "queue_full",
        }
    }
}

/// Messages that were dropped since this was last taken, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    counts: [u64; DropCause::ALL.len()],
}

impl Drops {
    /// Counts messages.
    pub fn add(&mut self, cause: DropCause, messages: u64) {
        self.counts[cause as usize] += messages;
    }

    /// How many were dropped for this cause.
    pub fn count(&self, cause: DropCause) -> u64 {
        self.counts[cause as usize]
    }

    /// How many were dropped in all.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The causes with their counts, those without any left out; nothing is counted afterwards.
    pub fn take(&mut self) -> Vec<(&'static str, u64)> {
        let counts = std::mem::take(&mut self.counts);
        let all = DropCause::ALL.iter().map(|cause| cause.label()).zip(counts);
        all.filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_a_count_and_a_label_of_its_own() {
        let mut drops = Drops::default();
        for (index, cause) in DropCause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, index);
            drops.add(cause, index as u64);
        }
        assert_eq!(drops.total(), 55);
        let taken = drops.take();
        assert_eq!(taken.len(), DropCause::ALL.len() - 1);
        assert_eq!(taken.last(), Some(&("queue_full", 10)));
        assert_eq!(drops.take(), []);
    }
}
