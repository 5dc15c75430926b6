//! One file, from its compressed bytes to its lines.
//!
//! What a file is gets decided by its content: gzip, zstd and plain text by their first bytes, the
//! format by the first lines. Names only tell what to leave out. A file is one unit: a caller that
//! gets an error must drop what it was given of it, because half a file counted is neither lost nor
//! counted.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use weir_record::{Format, Line, NotAccessLog, Reject, skip_by_name};
use xxhash_rust::xxh3::Xxh3;

use crate::blocks::{Block, Filling, read_blocks};
use crate::inflate::{InflateError, Inflater};
use crate::line_reader::LineReader;
use crate::packing::{MAGIC_BYTES, Packing};
use crate::text_parser::{TextParser, TextReading};

/// Gzip objects up to this unpacked size are unpacked at once; a load balancer's busiest five
/// minutes are about as much. Two threads then stay below 120 MB.
const WHOLE_UNPACKED_MAX: usize = 40 << 20;
const WHOLE_PACKED_MAX: u64 = 16 << 20;

/// Beyond this unpacked size an object that unpacks to more than [`EXPANSION_MAX`] times its packed
/// size is refused: text with that little in it is no log, but zeros made to cost hours.
const EXPANSION_FREE_BYTES: u64 = 256 << 20;
const EXPANSION_MAX: u64 = 500;

/// Reads objects; its buffers are reused from one to the next, so keep one per thread.
pub struct ObjectReader {
    inflater: Option<Inflater>,
    packed: Vec<u8>,
    text: Vec<u8>,
    limits: ReadLimits,
    /// Takes in the text of the object that is read, where its hash is wanted.
    hasher: Option<Box<Xxh3>>,
    filling: Filling,
    /// Bytes of the text of the object that is read now that are passed over.
    passed_over: u64,
    reading: TextReading,
}

/// Bounds on what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The longest line that is parsed, in bytes; a longer one is a reject.
    pub line_bytes: usize,
    /// The largest object that is read, in bytes of text; a larger one is an error.
    pub unpacked_bytes: u64,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Read to its end.
    Read {
        /// The format of its lines; `None` if it was empty.
        format: Option<Format>,
        /// Its size as text.
        unpacked_bytes: u64,
    },
    /// Recognised as something that holds no requests.
    Skipped(NotAccessLog),
}

/// A line of an object, or one that was too long to keep.
pub enum ObjectLine<'l, 'a> {
    /// A line, parsed or rejected.
    Line(Line<'l, 'a>),
    /// The number and the reject of a line that was passed over.
    Long(u64, Reject),
}

/// Why an object could not be read. The text says what and what to do; the caller adds where.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The operating system's word.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// Compressed data ends too early.
    #[error(
        "the {compression} data is cut off after {unpacked_bytes} unpacked bytes; nothing of it was counted, \
         fetch the file again"
    )]
    Truncated {
        /// `gzip` or `zstd`.
        compression: &'static str,
        /// What could be unpacked.
        unpacked_bytes: u64,
    },
    /// Compressed data is damaged.
    #[error(
        "the {compression} data is damaged after {unpacked_bytes} unpacked bytes ({detail}); nothing of it was \
         counted, fetch the file again"
    )]
    Corrupt {
        /// `gzip` or `zstd`.
        compression: &'static str,
        /// What could be unpacked.
        unpacked_bytes: u64,
        /// The decoder's word.
        detail: String,
    },
    /// It unpacks to more than is allowed.
    #[error(
        "it unpacks to more than {bytes_max} bytes; nothing of it was counted, raise limits.unpacked_bytes if it \
         is a log"
    )]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// It unpacks to far more than a log can.
    #[error(
        "it unpacks to more than {EXPANSION_MAX} times its size, which no log does; nothing of it was counted, \
         unpack it yourself if it is one"
    )]
    Bomb,
    /// None of the known formats.
    #[error(
        "unknown layout, the first line is `{first_line}`; expected an ALB access log, nginx JSON, the combined \
         format or JSON events with a time, name it with --format if it is one"
    )]
    UnknownFormat {
        /// The first line, shortened, without control characters.
        first_line: String,
    },
}

impl ObjectError {
    /// The value of the label `reason`.
    pub fn label(&self) -> &'static str {
        match self {
            ObjectError::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => "permission_denied",
            ObjectError::Io(_) => "unreadable",
            ObjectError::Truncated { .. } => "truncated",
            ObjectError::Corrupt { .. } => "corrupt",
            ObjectError::TooLarge { .. } => "too_large",
            ObjectError::Bomb => "bomb",
            ObjectError::UnknownFormat { .. } => "unknown_format",
        }
    }
}

impl ObjectReader {
    /// A reader with these bounds.
    pub fn new(limits: ReadLimits) -> Self {
        Self {
            inflater: Inflater::new(),
            packed: Vec::new(),
            text: Vec::new(),
            limits,
            hasher: None,
            filling: Filling::Full,
            passed_over: 0,
            reading: TextReading::default(),
        }
    }

    /// As [`ObjectReader::new`], of a reader that also hashes what it reads, for [`ObjectReader::text_hash`].
    pub fn with_text_hash(limits: ReadLimits) -> Self {
        Self { hasher: Some(Box::default()), ..Self::new(limits) }
    }

    /// From here on, lines become records in this way.
    pub fn set_reading(&mut self, reading: TextReading) {
        self.reading = reading;
    }

    /// The hash of the text of the object that was read last: 128 bits of XXH3.
    ///
    /// Of the text, not of the packed bytes, so that a log that was packed again is still the same log. It
    /// tells accidents apart, not attacks: who can write into the bucket can make up any log anyway.
    pub fn text_hash(&self) -> u128 {
        self.hasher.as_ref().map_or(0, |hasher| hasher.digest128())
    }

    /// Reads the file at `path` and hands each of its lines to `each`.
    ///
    /// `format` is told by the content where it is `None`.
    ///
    /// # Errors
    ///
    /// [`ObjectError`]: the caller drops what `each` was given.
    pub fn read_file(
        &mut self,
        path: &Path,
        format: Option<Format>,
        each: impl FnMut(ObjectLine<'_, '_>),
    ) -> Result<Outcome, ObjectError> {
        self.read_opened(|| File::open(path), path, format, each)
    }

    /// As [`ObjectReader::read_file`], of a file that `open` opens; it is not called for what is skipped.
    ///
    /// # Errors
    ///
    /// As [`ObjectReader::read_file`].
    pub fn read_opened(
        &mut self,
        open: impl FnOnce() -> io::Result<File>,
        path: &Path,
        format: Option<Format>,
        each: impl FnMut(ObjectLine<'_, '_>),
    ) -> Result<Outcome, ObjectError> {
        let open = || {
            let file = open()?;
            let packed_bytes = file.metadata()?.len();
            Ok((file, packed_bytes))
        };
        self.read_named(&path.to_string_lossy(), open, format, each)
    }

    /// Reads an object whose name (a file's path, a key in a bucket) tells what it is; `open` gives its bytes
    /// and how many they are, and is not called for what is skipped.
    ///
    /// # Errors
    ///
    /// As [`ObjectReader::read_file`].
    pub fn read_named<R: Read>(
        &mut self,
        name: &str,
        open: impl FnOnce() -> io::Result<(R, u64)>,
        format: Option<Format>,
        each: impl FnMut(ObjectLine<'_, '_>),
    ) -> Result<Outcome, ObjectError> {
        if let Some(kind) = skip_by_name(name) {
            return Ok(Outcome::Skipped(kind));
        }
        let format = format.or_else(|| name.contains("_elasticloadbalancing_").then_some(Format::Alb));
        let (source, packed_bytes) = open()?;
        let mut lines = LineReader::new(format, self.limits.line_bytes, self.reading.clone(), each);
        let unpacked_bytes = self.read_text(source, packed_bytes, &mut lines)?;
        lines.end();
        Ok(lines.outcome(unpacked_bytes))
    }

    /// As [`ObjectReader::read_named`], without the first `passed_over` bytes of the text, which end where a line
    /// ends; they are still part of what [`ObjectReader::text_hash`] is of.
    ///
    /// # Errors
    ///
    /// As [`ObjectReader::read_file`].
    pub fn read_named_from<R: Read>(
        &mut self,
        passed_over: u64,
        name: &str,
        open: impl FnOnce() -> io::Result<(R, u64)>,
        format: Option<Format>,
        each: impl FnMut(ObjectLine<'_, '_>),
    ) -> Result<Outcome, ObjectError> {
        self.passed_over = passed_over;
        let outcome = self.read_named(name, open, format, each);
        self.passed_over = 0;
        outcome
    }

    /// Reads a stream of unknown size, as standard input is.
    ///
    /// # Errors
    ///
    /// As [`ObjectReader::read_file`].
    pub fn read_stream(
        &mut self,
        stream: impl Read,
        format: Option<Format>,
        each: impl FnMut(ObjectLine<'_, '_>),
    ) -> Result<Outcome, ObjectError> {
        let mut lines = LineReader::new(format, self.limits.line_bytes, self.reading.clone(), each);
        let unpacked_bytes = self.read_text(stream, u64::MAX, &mut lines)?;
        lines.end();
        Ok(lines.outcome(unpacked_bytes))
    }

    /// As [`ObjectReader::read_stream`], but hands out each line as soon as it is there, for those who wait for it.
    ///
    /// # Errors
    ///
    /// As [`ObjectReader::read_file`].
    pub fn read_live_stream(
        &mut self,
        stream: impl Read,
        format: Option<Format>,
        each: impl FnMut(ObjectLine<'_, '_>),
    ) -> Result<Outcome, ObjectError> {
        self.filling = Filling::Lines;
        let outcome = self.read_stream(stream, format, each);
        self.filling = Filling::Full;
        outcome
    }

    fn read_text(
        &mut self,
        mut source: impl Read,
        packed_bytes: u64,
        lines: &mut LineReader<impl FnMut(ObjectLine<'_, '_>)>,
    ) -> Result<u64, ObjectError> {
        if let Some(hasher) = &mut self.hasher {
            hasher.reset();
        }
        let mut magic = Vec::with_capacity(MAGIC_BYTES as usize);
        source.by_ref().take(MAGIC_BYTES).read_to_end(&mut magic)?;
        let packing = Packing::of(&magic);
        let source = io::Cursor::new(magic).chain(source);
        if packing == Packing::Gzip && packed_bytes <= WHOLE_PACKED_MAX {
            return self.read_whole_gzip(source, packed_bytes, lines);
        }
        let bytes_max = self.limits.unpacked_bytes;
        let meter = Metered::new(BufReader::with_capacity(128 << 10, source));
        match packing {
            Packing::Gzip => self.read_packed(MultiGzDecoder::new(meter), "gzip", bytes_max, lines),
            Packing::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(meter)?;
                self.read_packed(decoder, "zstd", bytes_max, lines)
            }
            Packing::Plain => self.read_packed(Plain(meter), "plain", u64::MAX, lines),
        }
    }

    /// Lines of a known format that are in memory already, as those that were appended to a file.
    pub fn read_lines(&self, text: &[u8], format: Format, mut each: impl FnMut(ObjectLine<'_, '_>)) {
        let mut parser = TextParser::new(format, self.limits.line_bytes, &self.reading);
        parser.parse_block(text, |line| each(ObjectLine::Line(line)));
    }

    /// A small gzip object: unpacked at once where that works, else as a stream, which also tells
    /// what is wrong with it. A pipe may turn out to be larger than its size says.
    fn read_whole_gzip(
        &mut self,
        mut source: impl Read,
        packed_bytes: u64,
        lines: &mut LineReader<impl FnMut(ObjectLine<'_, '_>)>,
    ) -> Result<u64, ObjectError> {
        self.packed.clear();
        // One more than it can hold, so that the end is found without growing.
        self.packed
            .reserve_exact(if packed_bytes > 1 << 20 { WHOLE_PACKED_MAX } else { packed_bytes } as usize + 1);
        source.by_ref().take(WHOLE_PACKED_MAX + 1).read_to_end(&mut self.packed)?;
        if self.packed.len() as u64 > WHOLE_PACKED_MAX {
            let whole = io::Cursor::new(std::mem::take(&mut self.packed)).chain(source);
            let decoder = MultiGzDecoder::new(Metered::new(BufReader::with_capacity(128 << 10, whole)));
            return self.read_packed(decoder, "gzip", self.limits.unpacked_bytes, lines);
        }
        let bytes_max = self.limits.unpacked_bytes.min(WHOLE_UNPACKED_MAX as u64) as usize;
        let unpacked = match &mut self.inflater {
            Some(inflater) => inflater.gunzip(&self.packed, &mut self.text, bytes_max),
            None => Err(InflateError::TooLarge),
        };
        if unpacked.is_ok() {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&self.text);
            }
            let start = usize::try_from(self.passed_over).unwrap_or(usize::MAX).min(self.text.len());
            lines.block(Block::Lines(&self.text[start..]))?;
            return Ok(self.text.len() as u64);
        }
        let packed = std::mem::take(&mut self.packed);
        let bytes_max = self.limits.unpacked_bytes;
        let decoder = || MultiGzDecoder::new(Metered::new(packed.as_slice()));
        let mut result = Ok(0);
        if !matches!(unpacked, Err(InflateError::TooLarge)) {
            // What is damaged is found out before a line of it is handed out.
            let mut no_lines = LineReader::passing_over(lines.line_bytes_max);
            result = self.read_packed(decoder(), "gzip", bytes_max, &mut no_lines);
        }
        if result.is_ok() {
            if let Some(hasher) = &mut self.hasher {
                hasher.reset();
            }
            result = self.read_packed(decoder(), "gzip", bytes_max, lines);
        }
        self.packed = packed;
        result
    }

    fn read_packed(
        &mut self,
        mut decoder: impl Unpacking,
        compression: &'static str,
        bytes_max: u64,
        lines: &mut LineReader<impl FnMut(ObjectLine<'_, '_>)>,
    ) -> Result<u64, ObjectError> {
        let hasher = self.hasher.as_deref_mut();
        let mut guarded =
            Guarded { decoder: &mut decoder, unpacked_bytes: 0, bytes_max, refusal: None, hasher };
        let line_bytes_max = lines.line_bytes_max;
        let passed = io::copy(&mut guarded.by_ref().take(self.passed_over), &mut io::sink());
        let result = passed.map_err(ObjectError::Io).and_then(|_| {
            read_blocks(&mut guarded, &mut self.text, line_bytes_max, self.filling, |block| {
                lines.block(block)
            })
        });
        let unpacked_bytes = guarded.unpacked_bytes;
        if let Some(refusal) = guarded.refusal {
            return Err(refusal);
        }
        match result {
            Ok(()) => Ok(unpacked_bytes),
            Err(ObjectError::Io(error)) => Err(decoding_error(error, compression, unpacked_bytes)),
            Err(error) => Err(error),
        }
    }
}

/// A decoder that can tell how much packed data it has taken.
trait Unpacking: Read {
    fn packed_bytes(&self) -> u64;
}

impl<R: io::BufRead> Unpacking for MultiGzDecoder<Metered<R>> {
    fn packed_bytes(&self) -> u64 {
        self.get_ref().bytes
    }
}

impl<R: io::BufRead> Unpacking for zstd::stream::read::Decoder<'_, Metered<R>> {
    fn packed_bytes(&self) -> u64 {
        self.get_ref().bytes
    }
}

impl<R: io::BufRead> Unpacking for Plain<Metered<R>> {
    fn packed_bytes(&self) -> u64 {
        self.0.bytes
    }
}

/// Text that is not packed.
struct Plain<R>(R);

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

/// A reader that counts what was taken from it.
struct Metered<R> {
    inner: R,
    bytes: u64,
}

impl<R> Metered<R> {
    fn new(inner: R) -> Self {
        Self { inner, bytes: 0 }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

impl<R: io::BufRead> io::BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes += amount as u64;
        self.inner.consume(amount);
    }
}

/// Tells damage of the data from trouble with the file.
fn decoding_error(error: io::Error, compression: &'static str, unpacked_bytes: u64) -> ObjectError {
    match error.kind() {
        _ if compression == "plain" => ObjectError::Io(error),
        io::ErrorKind::UnexpectedEof => ObjectError::Truncated { compression, unpacked_bytes },
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            ObjectError::Corrupt { compression, unpacked_bytes, detail: error.to_string() }
        }
        _ => ObjectError::Io(error),
    }
}

/// Stops a decoder that gives more than it may.
struct Guarded<'d, D> {
    decoder: &'d mut D,
    unpacked_bytes: u64,
    bytes_max: u64,
    refusal: Option<ObjectError>,
    hasher: Option<&'d mut Xxh3>,
}

impl<D: Unpacking> Read for Guarded<'_, D> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(out)?;
        self.unpacked_bytes += read as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&out[..read]);
        }
        let is_bomb = self.unpacked_bytes > EXPANSION_FREE_BYTES
            && self.unpacked_bytes / EXPANSION_MAX > self.decoder.packed_bytes();
        if self.unpacked_bytes > self.bytes_max {
            self.refusal = Some(ObjectError::TooLarge { bytes_max: self.bytes_max });
        } else if is_bomb {
            self.refusal = Some(ObjectError::Bomb);
        }
        if self.refusal.is_some() { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(read) }
    }
}
