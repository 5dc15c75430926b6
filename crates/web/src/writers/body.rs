//! A body: received, unpacked and cut into messages, each within its bound.
//!
//! A few kilobytes are read where they arrive, since handing them to another thread costs more than they do;
//! larger ones go to a blocking thread. A body may be packed by its header or, where its first bytes cannot be
//! what the protocol sends, by its content: pygelf packs and says nothing of it.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt;

use super::room::{NoRoom, Ticket};
use super::{DecodeError, Messages, Refused, Writers, Written};

/// Bodies up to this are read on the thread they arrive on, as they are and packed, in bytes: some 100 µs.
const INLINE_BYTES: usize = 32 << 10;
const INLINE_PACKED_BYTES: usize = 4 << 10;

/// How long a body may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);

/// How long the next piece of a body may take.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(15);

/// Text is unpacked in pieces of this, before each of which room is asked for, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// The largest window of zstd, as a power of two: what its `--ultra -22` needs is 16 times as much.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Whether the header alone says how a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// The header, or the first bytes where it says nothing.
    ByContent,
    /// Only the header: the first bytes may be anything.
    ByHeader,
    /// By snappy where the header says nothing, as Loki's clients do it.
    Snappy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packed {
    None,
    Gzip,
    Deflate,
    Zstd,
    /// Snappy's block format.
    Snappy,
}

impl From<NoRoom> for Refused {
    fn from(_: NoRoom) -> Self {
        Self::busy()
    }
}

/// Receives a body and cuts it.
pub(super) async fn read<T: Send + 'static>(
    writers: &Writers,
    request: Request,
    packing: Packing,
    decode: impl FnOnce(&[u8], &mut Messages) -> Result<T, DecodeError> + Send + 'static,
) -> Result<(T, Vec<Written>, Ticket), Refused> {
    let packed = packed_as(request.headers())?;
    let max = writers.options.body_bytes_max;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > max) {
        return Err(Refused::too_large(max, "bytes"));
    }
    let mut ticket = writers.room.ticket();
    let received = receive(request.into_body(), length, max, &mut ticket);
    let body = tokio::time::timeout(ARRIVAL_MAX, received).await.map_err(|_| too_slow())??;
    let packed = match packed {
        Packed::None if packing == Packing::ByContent => by_content(&body),
        Packed::None if packing == Packing::Snappy => Packed::Snappy,
        packed => packed,
    };
    let inline_max = if packed == Packed::None { INLINE_BYTES } else { INLINE_PACKED_BYTES };
    let is_inline = body.len() <= inline_max;
    let unpacked_max = writers.options.unpacked_bytes_max;
    let read = move || {
        let body = unpack(body, packed, unpacked_max, &mut ticket)?;
        let mut messages = Messages::new(unpacked_max);
        let decoded = decode(&body, &mut messages)?;
        ticket.grow_to(body.len() + messages.memory_bytes())?;
        Ok((decoded, messages.into_vec(), ticket))
    };
    if is_inline {
        return read();
    }
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| Err(Refused::busy()))
}

fn packed_as(headers: &HeaderMap) -> Result<Packed, Refused> {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    match encoding.unwrap_or_default().trim() {
        "" | "identity" => Ok(Packed::None),
        "gzip" | "x-gzip" => Ok(Packed::Gzip),
        "deflate" => Ok(Packed::Deflate),
        "zstd" => Ok(Packed::Zstd),
        "snappy" => Ok(Packed::Snappy),
        other => {
            let text = format!("Content-Encoding `{other}` is not known; use gzip, deflate or zstd, or none");
            Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_encoding", text))
        }
    }
}

/// By the first bytes: RFC 1952, RFC 1950 and RFC 8878. No JSON begins with any of them.
fn by_content(body: &[u8]) -> Packed {
    match body {
        [0x1f, 0x8b, ..] => Packed::Gzip,
        [0x78, flags, ..] if (0x7800 + u16::from(*flags)) % 31 == 0 => Packed::Deflate,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Packed::Zstd,
        _ => Packed::None,
    }
}

async fn receive(
    mut body: Body,
    length: Option<usize>,
    max: usize,
    ticket: &mut Ticket,
) -> Result<Vec<u8>, Refused> {
    let mut received = Vec::new();
    loop {
        let frame = tokio::time::timeout(SILENCE_MAX, body.frame()).await.map_err(|_| too_slow())?;
        let Some(frame) = frame else { return Ok(received) };
        let frame = frame.map_err(|_| Refused::bad("the body was cut off"))?;
        let Ok(bytes) = frame.into_data() else { continue };
        let needed = received.len() + bytes.len();
        if needed > max {
            return Err(Refused::too_large(max, "bytes"));
        }
        ticket.grow_to(needed)?;
        if received.capacity() < needed {
            // Twice as much as there is, but no more than is to come.
            let wanted = (2 * needed).min(length.unwrap_or(max)).max(needed);
            received.reserve_exact(wanted - received.len());
        }
        received.extend_from_slice(&bytes);
    }
}

pub(super) fn too_slow() -> Refused {
    Refused::new(
        StatusCode::REQUEST_TIMEOUT,
        "too_slow",
        "the body did not arrive in time; send less at once",
    )
}

fn unpack(body: Vec<u8>, packed: Packed, max: usize, ticket: &mut Ticket) -> Result<Vec<u8>, Refused> {
    let held = body.len();
    match packed {
        Packed::None if held > max => Err(Refused::too_large(max, "bytes unpacked")),
        Packed::None => Ok(body),
        Packed::Gzip => read_bounded(MultiGzDecoder::new(body.as_slice()), held, max, ticket),
        // By the header's name zlib is meant, and some send it bare; RFC 9110 8.4.1.2 knows of both.
        Packed::Deflate if by_content(&body) == Packed::Deflate => {
            read_bounded(ZlibDecoder::new(body.as_slice()), held, max, ticket)
        }
        Packed::Deflate => read_bounded(DeflateDecoder::new(body.as_slice()), held, max, ticket),
        Packed::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body.as_slice()).map_err(damaged)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(damaged)?;
            read_bounded(decoder, held, max, ticket)
        }
        Packed::Snappy => {
            let length = snap::raw::decompress_len(&body).map_err(damaged)?;
            if length > max {
                return Err(Refused::too_large(max, "bytes unpacked"));
            }
            ticket.grow_to(held + length)?;
            snap::raw::Decoder::new().decompress_vec(&body).map_err(damaged)
        }
    }
}

/// Unpacks up to `max` bytes, beside the `held` that are packed.
fn read_bounded(
    mut unpacker: impl Read,
    held: usize,
    max: usize,
    ticket: &mut Ticket,
) -> Result<Vec<u8>, Refused> {
    let mut text = Vec::new();
    loop {
        let before = text.len();
        ticket.grow_to(held + before + PIECE_BYTES)?;
        unpacker.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut text).map_err(damaged)?;
        if text.len() > max {
            return Err(Refused::too_large(max, "bytes unpacked"));
        }
        if text.len() == before {
            return Ok(text);
        }
    }
}

fn damaged(why: impl std::fmt::Display) -> Refused {
    Refused::bad(format!("the body cannot be unpacked: {why}"))
}
