//! `limits`: bounds on what one input may cost.
//!
//! The rest of the bounds are constants: a key exists only where real logs may rightly need another
//! value. Each has a range, since a limit of 0 or of 2^64 is a typo, and none can be switched off.

use weir_record::LINE_BYTES_DEFAULT;

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
    /// The most that kept reject lines may take on disk; beyond it they are counted and not kept.
    pub rejects_bytes: u64,
}

impl Default for Limits {
    /// 1 MiB a line, 64 GiB a file; a push of 8 MiB that unpacks to 64 MiB; 1 GB of rejects.
    fn default() -> Self {
        Self {
            line_bytes: LINE_BYTES_DEFAULT,
            unpacked_bytes: 64 << 30,
            push_bytes: 8 << 20,
            push_unpacked_bytes: 64 << 20,
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
    let rejects_bytes = size("rejects_bytes", REJECTS_BYTES_RANGE);
    let limits = Limits {
        line_bytes: line_bytes.unwrap_or(limits.line_bytes),
        unpacked_bytes: unpacked_bytes.unwrap_or(limits.unpacked_bytes),
        push_bytes: push_bytes.unwrap_or(limits.push_bytes),
        push_unpacked_bytes: push_unpacked_bytes.unwrap_or(limits.push_unpacked_bytes),
        rejects_bytes: rejects_bytes.unwrap_or(limits.rejects_bytes),
    };
    let given = fields.get("push_unpacked_bytes").or_else(|| fields.get("push_bytes"));
    if let (Some(given), true) = (given, limits.push_unpacked_bytes < limits.push_bytes) {
        let error = ConfigError::new(given.position(), "`push_unpacked_bytes` is less than `push_bytes`");
        let largest = ByteSize(limits.push_bytes as u64);
        errors.push(error.with_hint(format!("a body that is not packed may have {largest}; allow as much")));
    }
    limits
}

fn in_memory(bytes: u64) -> Option<usize> {
    usize::try_from(bytes).ok()
}
