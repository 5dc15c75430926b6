//! `limits`: bounds on what one input may cost.
//!
//! The rest of the bounds are constants: a key exists only where real logs may rightly need another
//! value. Both have a range, since a limit of 0 or of 2^64 is a typo, and neither can be switched off.

use weir_record::LINE_BYTES_DEFAULT;

use super::byte_size::ByteSize;
use super::error::ConfigError;
use super::keys;
use super::reader::Field;

/// Each reading thread may hold one line whole.
const LINE_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(1 << 10), ByteSize(64 << 20));

/// From one small file to more than any disk: a bound, not a wish.
const UNPACKED_BYTES_RANGE: (ByteSize, ByteSize) = (ByteSize(1 << 20), ByteSize(1 << 50));

/// Bounds on input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest line that is parsed; a longer one is a reject.
    pub line_bytes: usize,
    /// The most that one compressed file may unpack to.
    pub unpacked_bytes: u64,
}

impl Default for Limits {
    /// 1 MiB a line, 64 GiB a file.
    fn default() -> Self {
        Self { line_bytes: LINE_BYTES_DEFAULT, unpacked_bytes: 64 << 30 }
    }
}

/// Reads the section.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> Limits {
    let mut limits = Limits::default();
    let Some(fields) = field.fields(&keys::LIMITS, errors) else {
        return limits;
    };
    let line_bytes = fields.get("line_bytes").and_then(|field| read_size(field, LINE_BYTES_RANGE, errors));
    if let Some(line_bytes) = line_bytes.and_then(|bytes| usize::try_from(bytes).ok()) {
        limits.line_bytes = line_bytes;
    }
    if let Some(field) = fields.get("unpacked_bytes")
        && let Some(bytes) = read_size(field, UNPACKED_BYTES_RANGE, errors)
    {
        limits.unpacked_bytes = bytes;
    }
    limits
}

fn read_size(field: Field, (min, max): (ByteSize, ByteSize), errors: &mut Vec<ConfigError>) -> Option<u64> {
    field.parse("a size such as 1MiB", errors, |text| match text.parse::<ByteSize>() {
        Ok(size) if (min..=max).contains(&size) => Ok(size.0),
        Ok(_) => Err(format!("it may be {min} to {max}")),
        Err(error) => Err(error.to_string()),
    })
}
