//! Whether a packed file holds a text that was followed while it was plain, and how much of it was read.
//!
//! A rotation packs what was counted line by line; counted again as one object it would be there twice. The
//! unpacked beginning tells, and what stands before the position that was read to confirms it. What lies behind
//! that position nobody has read, and it is read now.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use flate2::bufread::MultiGzDecoder;

use crate::appended::Trace;
use crate::file_head::{FileHead, HEAD_BYTES_MAX};
use crate::packing::{MAGIC_BYTES, Packing};

/// Bytes that are unpacked at a time on the way to a position.
const BLOCK_BYTES: usize = 64 << 10;

/// Bytes of text that are kept to be compared with what stands before a position.
const KEPT_BYTES: usize = 256;

/// How much of a packed text was read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: it is another text.
    Nothing,
    /// As many bytes from its start.
    To(u64),
    /// All of it: it ends before the position.
    All,
}

/// The beginning of a packed file's text; empty where it cannot be unpacked.
pub(super) fn unpacked_beginning(file: &File) -> Vec<u8> {
    let mut text = Vec::new();
    if let Ok(mut decoder) = decoder(file) {
        let _ = read_up_to(&mut decoder, HEAD_BYTES_MAX as usize, &mut text);
    }
    text
}

/// Whether a text begins with what was read.
pub(super) fn begins_like(trace: &Trace, beginning: &[u8]) -> bool {
    let head = beginning.get(..trace.head.bytes as usize);
    trace.offset > 0
        && trace.head.is_known()
        && head.is_some_and(|head| FileHead::of_bytes(head) == trace.head)
}

/// How much of the text of a packed file was read, by a trace that it begins like.
pub(super) fn known_of(file: &File, trace: &Trace) -> Known {
    let mut kept = Vec::new();
    let (mut block, mut at) = (Vec::new(), 0);
    let Ok(mut decoder) = decoder(file) else { return Known::Nothing };
    while at < trace.offset {
        let wanted = usize::try_from(trace.offset - at).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
        // Damage is the reader's to report.
        if read_up_to(&mut decoder, wanted, &mut block).is_err() {
            return Known::Nothing;
        }
        if block.is_empty() {
            return Known::All;
        }
        at += block.len() as u64;
        kept.extend_from_slice(&block);
        kept.drain(..kept.len().saturating_sub(KEPT_BYTES));
    }
    if trace.tail.is_of(&kept) { Known::To(trace.offset) } else { Known::Nothing }
}

fn decoder(mut file: &File) -> io::Result<Box<dyn Read + '_>> {
    let mut magic = Vec::new();
    file.rewind()?;
    file.take(MAGIC_BYTES).read_to_end(&mut magic)?;
    file.rewind()?;
    let packed = BufReader::with_capacity(BLOCK_BYTES, file);
    Ok(match Packing::of(&magic) {
        Packing::Gzip => Box::new(MultiGzDecoder::new(packed)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(packed)?),
        Packing::Plain => Box::new(packed),
    })
}

/// Replaces `block` by up to `bytes` bytes; fewer are there only at the end.
fn read_up_to(reader: &mut impl Read, bytes: usize, block: &mut Vec<u8>) -> io::Result<()> {
    block.clear();
    reader.take(bytes as u64).read_to_end(block).map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::file_tail::FileTail;

    fn gzip(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        let mut encoder = flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast());
        encoder.write_all(text).expect("written");
        encoder.finish().expect("written");
        file
    }

    #[test]
    fn a_packed_text_is_known_as_far_as_it_was_read() {
        let text: Vec<u8> = (0..20_000).flat_map(|line| format!("line {line}\n").into_bytes()).collect();
        let trace = |text: &[u8]| Trace {
            offset: text.len() as u64,
            head: FileHead::of_bytes(&text[..text.len().min(1024)]),
            tail: FileTail::of_text(text),
            format: None,
        };
        let check = |packed: &[u8], read: &[u8], expected: Known| {
            let (file, trace) = (gzip(packed), trace(read));
            let is_alike = begins_like(&trace, &unpacked_beginning(&file));
            let known = if is_alike { known_of(&file, &trace) } else { Known::Nothing };
            assert_eq!(known, expected, "{}", read.len());
        };
        check(&text, &text, Known::To(text.len() as u64));
        check(&text, &text[..7], Known::To(7));
        check(&text, &text[..150_000], Known::To(150_000));
        check(&text[..100_000], &text[..150_000], Known::All);
        let mut other = text.clone();
        other[149_990] = b'x';
        check(&other, &text[..150_000], Known::Nothing);
        let mut other = text.clone();
        other[0] = b'x';
        check(&other, &text, Known::Nothing);
    }
}
