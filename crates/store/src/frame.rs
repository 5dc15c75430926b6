//! Frames of a write-ahead segment: rows as bytes that say whether they are whole.
//!
//! ```text
//! magic "WAL1", u32 length of the payload, u64 xxh3 of it (seeded with its length), payload
//! ```
//!
//! The payload is an Arrow IPC stream of the columns that hold something: nothing of our own to keep readable, and
//! five times cheaper than the lines themselves. The magic is there to find the next frame behind a damaged one.

use std::io::{Result as IoResult, Write};
use std::sync::Arc;

use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::StoreError;
use crate::rows::{Rows, names_in_maps, sorted};
use crate::schema::{complete, without_null_columns};

const MAGIC: &[u8; 4] = b"WAL1";

/// Bytes before a payload.
const HEADER_BYTES: usize = 16;

/// Appends the frame of `rows` to `out`.
///
/// # Errors
///
/// If they have 4 GiB or more, which a full batch is far from.
pub(crate) fn push_frame(out: &mut Vec<u8>, rows: &Rows) -> Result<(), StoreError> {
    let start = out.len();
    out.extend_from_slice(MAGIC);
    out.resize(start + HEADER_BYTES, 0);
    let batch = without_null_columns(&rows.batch)?;
    let mut stream = StreamWriter::try_new(Appending(out), batch.schema_ref())?;
    stream.write(&batch)?;
    stream.finish()?;
    drop(stream);
    let payload = &out[start + HEADER_BYTES..];
    let len = u32::try_from(payload.len())
        .map_err(|_| StoreError::Columns("a batch has more than 4 GiB".into()))?;
    let checksum = checksum(payload);
    out[start + 4..start + 8].copy_from_slice(&len.to_le_bytes());
    out[start + 8..start + HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    Ok(())
}

/// What could be read of a segment.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    pub rows: Vec<Rows>,
    /// What is wrong with it, if anything is.
    pub damage: Option<String>,
}

/// Reads the frames of a segment; damaged ones are passed over.
pub(crate) fn read_frames(bytes: &[u8]) -> Frames {
    let mut frames = Frames::default();
    let mut offset = 0;
    while offset < bytes.len() {
        match whole_frame(&bytes[offset..]) {
            Some(payload) => {
                match decode(payload) {
                    Ok(rows) => frames.rows.extend(rows),
                    Err(error) => frames.note(format!("the frame at byte {offset} can't be read: {error}")),
                }
                offset += HEADER_BYTES + payload.len();
            }
            None => {
                frames.note(format!("the frame at byte {offset} is not as it was written"));
                offset = next_frame(bytes, offset + 1);
            }
        }
    }
    frames
}

impl Frames {
    pub(crate) fn note(&mut self, damage: String) {
        self.damage.get_or_insert(damage);
    }
}

/// The payload of the frame that `bytes` begin with; `None` where they do not, or it is damaged.
fn whole_frame(bytes: &[u8]) -> Option<&[u8]> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (expected, rest) = rest.split_first_chunk::<8>()?;
    let payload = rest.get(..u32::from_le_bytes(*len) as usize)?;
    (magic == MAGIC && checksum(payload) == u64::from_le_bytes(*expected)).then_some(payload)
}

/// Where the next whole frame from `start` on begins; the end where there is none.
fn next_frame(bytes: &[u8], start: usize) -> usize {
    let candidates = bytes[start..].windows(MAGIC.len()).enumerate().filter(|(_, window)| window == MAGIC);
    let mut offsets = candidates.map(|(offset, _)| start + offset);
    offsets.find(|&offset| whole_frame(&bytes[offset..]).is_some()).unwrap_or(bytes.len())
}

fn decode(payload: &[u8]) -> Result<Option<Rows>, StoreError> {
    let mut stream = StreamReader::try_new(payload, None)?;
    let Some(batch) = stream.next().transpose()? else { return Ok(None) };
    let batch = sorted(complete(&batch)?)?;
    let names = names_in_maps(&batch);
    Ok(Rows::from_sorted(batch, Arc::new(names)))
}

fn checksum(payload: &[u8]) -> u64 {
    xxh3_64_with_seed(payload, payload.len() as u64)
}

/// Writes behind what a vector has.
struct Appending<'v>(&'v mut Vec<u8>);

impl Write for Appending<'_> {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}
