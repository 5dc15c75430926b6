//! A push's body: received, unpacked and read, each within its bound.
//!
//! A few kilobytes are read where they arrive, since handing them to another thread costs more than they do.
//! Larger ones go to a blocking thread, and of those beyond [`SMALL_BYTES`] only few are in memory at once:
//! a megabyte of gzip may be a gigabyte of text, so the limit is watched while unpacking.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use flate2::bufread::MultiGzDecoder;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use weir_meter::pushed::{Grouping, Push, PushFormat};

use super::{Gateway, Refusal};

/// Bodies up to this may be in memory without asking, in bytes; nearly all are below it.
pub(super) const SMALL_BYTES: usize = 256 << 10;

/// Bodies up to this are read on the thread they arrive on, as they are and packed, in bytes: some 150 µs.
const INLINE_BYTES: usize = 64 << 10;
const INLINE_PACKED_BYTES: usize = 4 << 10;

/// How long a body may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(30);

/// How the first bytes of snappy's framed format are; without them it is a single block.
const SNAPPY_FRAMED: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// Held as long as a large body is in memory.
pub(super) type Permit = Option<OwnedSemaphorePermit>;

/// What the headers say of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    format: PushFormat,
    packing: Packing,
    /// In bytes, where it was said.
    length: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Snappy,
}

impl Format {
    /// # Errors
    ///
    /// A packing that is not known.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let packing = match text(header::CONTENT_ENCODING).unwrap_or_default().trim() {
            "" | "identity" => Packing::None,
            "gzip" | "x-gzip" => Packing::Gzip,
            "snappy" => Packing::Snappy,
            other => {
                let text = format!("Content-Encoding `{other}` is not known; use gzip or snappy, or none");
                return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
            }
        };
        let format = PushFormat::of_content_type(text(header::CONTENT_TYPE));
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        Ok(Self { format, packing, length })
    }
}

/// Receives and reads a body.
pub(super) async fn read(
    gateway: &Gateway,
    body: Body,
    format: Format,
    labels: Grouping,
) -> Result<(Push, Permit), Refusal> {
    let max = gateway.options.body_bytes_max;
    if format.length.is_some_and(|length| length > max) {
        return Err(too_large(max, "bytes"));
    }
    let mut permit = None;
    let received = receive(body, max, &gateway.large_bodies, &mut permit);
    let packed = tokio::time::timeout(ARRIVAL_MAX, received)
        .await
        .map_err(|_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"))??;
    let inline_max = if format.packing == Packing::None { INLINE_BYTES } else { INLINE_PACKED_BYTES };
    let is_inline = packed.len() <= inline_max;
    let (unpacked_max, large) = (gateway.options.unpacked_bytes_max, Arc::clone(&gateway.large_bodies));
    let read = move || {
        let body = unpack(packed, format.packing, unpacked_max, &large, &mut permit)?;
        Ok((Push::parse(&body, format.format, &labels)?, permit))
    };
    if is_inline {
        return read();
    }
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| Err(Refusal::busy()))
}

async fn receive(
    mut body: Body,
    max: usize,
    large: &Arc<Semaphore>,
    permit: &mut Permit,
) -> Result<Vec<u8>, Refusal> {
    let mut received = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::bad("the body was cut off"))?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        if received.len() + bytes.len() > max {
            return Err(too_large(max, "bytes"));
        }
        ask_for_room(received.len() + bytes.len(), large, permit)?;
        received.extend_from_slice(&bytes);
    }
    Ok(received)
}

fn ask_for_room(bytes: usize, large: &Arc<Semaphore>, permit: &mut Permit) -> Result<(), Refusal> {
    if bytes > SMALL_BYTES && permit.is_none() {
        *permit = Some(Arc::clone(large).try_acquire_owned().map_err(|_| Refusal::busy())?);
    }
    Ok(())
}

fn unpack(
    packed: Vec<u8>,
    packing: Packing,
    max: usize,
    large: &Arc<Semaphore>,
    permit: &mut Permit,
) -> Result<Vec<u8>, Refusal> {
    match packing {
        Packing::None if packed.len() > max => Err(too_large(max, "bytes unpacked")),
        Packing::None => Ok(packed),
        Packing::Gzip => read_bounded(MultiGzDecoder::new(packed.as_slice()), max, large, permit),
        Packing::Snappy if packed.starts_with(SNAPPY_FRAMED) => {
            read_bounded(snap::read::FrameDecoder::new(packed.as_slice()), max, large, permit)
        }
        Packing::Snappy => {
            let length = snap::raw::decompress_len(&packed).map_err(damaged)?;
            if length > max {
                return Err(too_large(max, "bytes unpacked"));
            }
            ask_for_room(length, large, permit)?;
            snap::raw::Decoder::new().decompress_vec(&packed).map_err(damaged)
        }
    }
}

/// Unpacks up to `max` bytes; before it goes beyond a small body it asks for room.
fn read_bounded(
    mut unpacker: impl Read,
    max: usize,
    large: &Arc<Semaphore>,
    permit: &mut Permit,
) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    for bound in [SMALL_BYTES.min(max), max] {
        let room = (bound - body.len()) as u64 + 1;
        unpacker.by_ref().take(room).read_to_end(&mut body).map_err(damaged)?;
        if body.len() > max {
            return Err(too_large(max, "bytes unpacked"));
        }
        if body.len() <= bound {
            break;
        }
        ask_for_room(body.len(), large, permit)?;
    }
    Ok(body)
}

fn damaged(why: impl std::fmt::Display) -> Refusal {
    Refusal::bad(format!("the body cannot be unpacked: {why}"))
}

fn too_large(max: usize, of: &str) -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body has more than {max} {of}; push less at once"),
    )
}
