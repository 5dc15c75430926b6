//! `limits`: bounds on what one input may cost.
//!
//! The rest of the bounds are constants: a key exists only where real logs may rightly need another
//! value. Each has a range, since a limit of 0 or of 2^64 is a typo, and none can be switched off.

use weir_record::LINE_BYTES_DEFAULT;
use weir_web::{WRITE_BYTES_DEFAULT, WRITE_UNPACKED_BYTES_DEFAULT};

use super::byte_size::ByteSize;
use super::error::ConfigError;
use super::keys;
use super::reader::Field;

/// Each reading thread may hold one line whole.
const LINE_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(1 << 10), ByteSize(64 << 20));

/// From one small file to more than any disk: a bound, not a wish.
const UNPACKED_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(1 << 20), ByteSize(1 << 50));

/// What a push may take in memory while it is read; several are read at once.
const PUSH_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(1 << 10), ByteSize(1 << 30));

/// What a body of logs may take in memory; all of them together have 512 MiB.
const WRITE_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(1 << 10), ByteSize(256 << 20));

/// Fewer would not hold one long line; the most is larger than any disk.
const REJECTS_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(1 << 20), ByteSize(1 << 50));

/// Bounds on input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest line that is parsed; a longer one is a reject.
    pub line_bytes: usize,
    /// The most that one compressed file may unpack to.
    pub unpacked_bytes: u64,
    /// The largest body of a push, as it is sent.
    pub push_bytes: usize,
    /// The most that the body of a push may unpack to; at least `push_bytes`.
    pub push_unpacked_bytes: usize,
    /// The largest body of logs that are written by HTTP, as it is sent.
    pub write_bytes: usize,
    /// The most that such a body may unpack to, and its messages may take; at least `write_bytes`.
    pub write_unpacked_bytes: usize,
    /// The most that kept reject lines may take on disk; beyond it they are counted and not kept.
    pub rejects_bytes: u64,
}

impl Default for Limits {
    /// 1 MiB a line, 64 GiB a file; a push of 8 MiB that unpacks to 64 MiB, and logs of 32 MiB that unpack to
    /// 128 MiB; 1 GB of rejects.
    fn default() -> Self {
        Self {
            line_bytes: LINE_BYTES_DEFAULT,
            unpacked_bytes: 64 << 30,
            push_bytes: 8 << 20,
            push_unpacked_bytes: 64 << 20,
            write_bytes: WRITE_BYTES_DEFAULT,
            write_unpacked_bytes: WRITE_UNPACKED_BYTES_DEFAULT,
            rejects_bytes: 1_000_000_000,
        }
    }
}

/// Reads the section.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> Limits {
    let limits = Limits::default();
    let Some(fields) = field.fields(&keys::LIMITS, errors) else {
        return limits;
    };
    let mut size = |key, range| fields.get(key).and_then(|field| field.size(range, errors));
    let line_bytes = size("line_bytes", LINE_BYTES_RANGE).and_then(in_memory);
    let unpacked_bytes = size("unpacked_bytes", UNPACKED_BYTES_RANGE);
    let push_bytes = size("push_bytes", PUSH_BYTES_RANGE).and_then(in_memory);
    let push_unpacked_bytes = size("push_unpacked_bytes", PUSH_BYTES_RANGE).and_then(in_memory);
    let write_bytes = size("write_bytes", WRITE_BYTES_RANGE).and_then(in_memory);
    let write_unpacked_bytes = size("write_unpacked_bytes", WRITE_BYTES_RANGE).and_then(in_memory);
    let rejects_bytes = size("rejects_bytes", REJECTS_BYTES_RANGE);
    let limits = Limits {
        line_bytes: line_bytes.unwrap_or(limits.line_bytes),
        unpacked_bytes: unpacked_bytes.unwrap_or(limits.unpacked_bytes),
        push_bytes: push_bytes.unwrap_or(limits.push_bytes),
        push_unpacked_bytes: push_unpacked_bytes.unwrap_or(limits.push_unpacked_bytes),
        write_bytes: write_bytes.unwrap_or(limits.write_bytes),
        write_unpacked_bytes: write_unpacked_bytes.unwrap_or(limits.write_unpacked_bytes),
        rejects_bytes: rejects_bytes.unwrap_or(limits.rejects_bytes),
    };
    for (sent_key, sent, unpacked_key, unpacked) in [
        ("push_bytes", limits.push_bytes, "push_unpacked_bytes", limits.push_unpacked_bytes),
        ("write_bytes", limits.write_bytes, "write_unpacked_bytes", limits.write_unpacked_bytes),
    ] {
        let given = fields.get(unpacked_key).or_else(|| fields.get(sent_key));
        if let (Some(given), true) = (given, unpacked < sent) {
            let message = format!("`{unpacked_key}` is less than `{sent_key}`");
            let largest = ByteSize(sent as u64);
            let hint = format!("a body that is not packed may have {largest}; allow as much");
            errors.push(ConfigError::new(given.position(), message).with_hint(hint));
        }
    }
    limits
}

fn in_memory(bytes: u64) -> Option<usize> {
    usize::try_from(bytes).ok()
}
