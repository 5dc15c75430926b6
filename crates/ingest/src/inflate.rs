//! Whole gzip objects and zlib messages in memory, unpacked at once.
//!
//! libdeflate is about 1.8 times as fast as any streaming decoder, because it has all input and room
//! for all output. A load balancer's file is a few megabytes, so most objects can be unpacked this
//! way; the size in the trailer is a hint that may lie, so it is bounded before it is believed and
//! whatever does not fit goes to the stream. This module is the only one that calls C.

use std::ffi::c_void;
use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor,
    libdeflate_gzip_decompress_ex, libdeflate_result, libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE,
    libdeflate_result_LIBDEFLATE_SUCCESS, libdeflate_zlib_decompress_ex,
};

/// Objects up to this size get the room they ask for. For a larger one all room is taken at once: memory
/// that is not written to costs nothing, and a buffer that grows a little with each file would be thrown
/// away and cleared by the system each time.
const SMALL_BYTES: usize = 4 << 20;

/// What unpacks one member or stream in the library, and says how much it read and wrote.
type Decompress = unsafe extern "C" fn(
    *mut libdeflate_decompressor,
    *const c_void,
    usize,
    *mut c_void,
    usize,
    *mut usize,
    *mut usize,
) -> libdeflate_result;

/// Unpacks gzip members and zlib streams; one per thread.
pub(crate) struct Inflater {
    raw: NonNull<libdeflate_decompressor>,
}

// SAFETY: a decompressor is plain memory without ties to the thread that made it.
unsafe impl Send for Inflater {}

/// Why an object was not unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateError {
    /// The data is cut or damaged; the stream decoder can tell which.
    BadData,
    /// It is larger than the limit.
    TooLarge,
}

impl Inflater {
    /// `None` if there is no memory for it.
    pub(crate) fn new() -> Option<Self> {
        // SAFETY: takes no arguments; a null result is handled.
        NonNull::new(unsafe { libdeflate_alloc_decompressor() }).map(|raw| Self { raw })
    }

    /// Unpacks all members of `gzip` into `out`, which is emptied first and never made larger than
    /// `bytes_max` (it may have been before). The checksum of each member is verified.
    ///
    /// # Errors
    ///
    /// [`InflateError`]; `out` is then of no use.
    pub(crate) fn gunzip(
        &mut self,
        gzip: &[u8],
        out: &mut Vec<u8>,
        bytes_max: usize,
    ) -> Result<(), InflateError> {
        out.clear();
        if size_hint(gzip) > bytes_max {
            return Err(InflateError::TooLarge);
        }
        let room = if size_hint(gzip) > SMALL_BYTES { bytes_max } else { size_hint(gzip).max(1) };
        reserve(out, room);
        self.gunzip_members(gzip, out, bytes_max)
    }

    /// Unpacks all members of `gzip` into the room that `out` has, which is emptied first. The checksum of each
    /// member is verified.
    ///
    /// # Errors
    ///
    /// [`InflateError`]; `out` is then of no use.
    pub(crate) fn gunzip_within(&mut self, gzip: &[u8], out: &mut Vec<u8>) -> Result<(), InflateError> {
        out.clear();
        let room = out.capacity();
        self.gunzip_members(gzip, out, room)
    }

    /// Unpacks one zlib stream into the room that `out` has, which is emptied first; what follows the stream is
    /// ignored. Its checksum is verified.
    ///
    /// # Errors
    ///
    /// [`InflateError`]; `out` is then empty.
    pub(crate) fn unzlib(&mut self, zlib: &[u8], out: &mut Vec<u8>) -> Result<(), InflateError> {
        out.clear();
        match self.append(libdeflate_zlib_decompress_ex, zlib, out) {
            Member::Unpacked { .. } => Ok(()),
            Member::NeedsSpace => Err(InflateError::TooLarge),
            Member::Bad => Err(InflateError::BadData),
        }
    }

    /// Appends all members of `gzip` to `out`, which grows to `bytes_max` bytes of room at most.
    fn gunzip_members(
        &mut self,
        mut gzip: &[u8],
        out: &mut Vec<u8>,
        bytes_max: usize,
    ) -> Result<(), InflateError> {
        while !is_padding(gzip) {
            match self.append(libdeflate_gzip_decompress_ex, gzip, out) {
                Member::Unpacked { read } => gzip = gzip.get(read..).unwrap_or_default(),
                Member::NeedsSpace => {
                    let wanted = (out.capacity() * 2).max(1 << 16);
                    if out.capacity() >= bytes_max {
                        return Err(InflateError::TooLarge);
                    }
                    reserve(out, wanted.min(bytes_max) - out.len());
                }
                Member::Bad => return Err(InflateError::BadData),
            }
        }
        Ok(())
    }

    /// Appends what `decompress` makes of the start of `packed`, if there is room for it.
    fn append(&mut self, decompress: Decompress, packed: &[u8], out: &mut Vec<u8>) -> Member {
        let (mut read, mut written) = (0, 0);
        let room = out.spare_capacity_mut();
        // SAFETY: both slices are valid for their lengths, and libdeflate only writes to `room`.
        let result: libdeflate_result = unsafe {
            decompress(
                self.raw.as_ptr(),
                packed.as_ptr().cast(),
                packed.len(),
                room.as_mut_ptr().cast(),
                room.len(),
                &mut read,
                &mut written,
            )
        };
        let member = member(result, read);
        if matches!(member, Member::Unpacked { .. }) {
            let len = out.len() + written;
            debug_assert!(len <= out.capacity());
            // SAFETY: libdeflate wrote `written` bytes at the start of the spare capacity.
            unsafe { out.set_len(len) };
        }
        member
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` and freed once.
        unsafe { libdeflate_free_decompressor(self.raw.as_ptr()) };
    }
}

enum Member {
    Unpacked { read: usize },
    NeedsSpace,
    Bad,
}

#[allow(non_upper_case_globals, reason = "the names of the C library")]
fn member(result: libdeflate_result, read: usize) -> Member {
    match result {
        libdeflate_result_LIBDEFLATE_SUCCESS => Member::Unpacked { read },
        libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE => Member::NeedsSpace,
        _ => Member::Bad,
    }
}

/// What the trailer of the last member says of its size (RFC 1952, ISIZE: modulo 2^32, not to be trusted).
fn size_hint(gzip: &[u8]) -> usize {
    gzip.last_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

/// Zeros after the last member are padding, as gzip itself tolerates it.
fn is_padding(gzip: &[u8]) -> bool {
    gzip.iter().all(|&byte| byte == 0)
}

/// Makes room for `additional` more bytes, and frees a much smaller buffer first when it is empty,
/// so that growing does not hold both.
fn reserve(out: &mut Vec<u8>, additional: usize) {
    if out.is_empty() && out.capacity() < additional {
        *out = Vec::new();
    }
    out.reserve_exact(additional);
}
