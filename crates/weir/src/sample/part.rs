//! A file that gets its name when it is complete.
//!
//! A source that watches the folder must never read half a file, and S3 itself shows an object only
//! when it is whole. So lines go to `<name>.part`, which no pattern for logs matches, and a rename
//! publishes it. A writer that dies leaves a `.part`, never a short log.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::request::{Format, SampleRequest};
use super::write_line;

/// Lines are gathered up to this size before they are compressed or written.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files.
    pub files: u64,
    /// Lines in them.
    pub lines: u64,
    /// Bytes of the lines, before compression.
    pub bytes: u64,
}

impl Written {
    pub(super) fn plus(self, other: Written) -> Written {
        let Written { files, lines, bytes } = other;
        Written { files: self.files + files, lines: self.lines + lines, bytes: self.bytes + bytes }
    }
}

/// Whether files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// gzip, level 6, names end in `.log.gz`.
    Gzip,
    /// As they are, names end in `.log`.
    Plain,
}

/// A file in the making.
pub(super) struct Part {
    path: PathBuf,
    temporary: PathBuf,
    file: Output,
    chunk: Vec<u8>,
    written: Written,
}

enum Output {
    Gzip(Box<GzEncoder<File>>),
    Plain(File),
}

impl Part {
    pub(super) fn create(path: PathBuf, packing: Packing) -> io::Result<Part> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
        let mut temporary = path.clone().into_os_string();
        temporary.push(".part");
        let temporary = PathBuf::from(temporary);
        let file = File::create(&temporary).map_err(|error| at(&temporary, &error))?;
        let file = match packing {
            Packing::Gzip => Output::Gzip(Box::new(GzEncoder::new(file, Compression::new(6)))),
            Packing::Plain => Output::Plain(file),
        };
        let chunk = Vec::with_capacity(CHUNK_BYTES + 32 * 1024);
        Ok(Part { path, temporary, file, chunk, written: Written { files: 1, ..Written::default() } })
    }

    pub(super) fn add(&mut self, request: &SampleRequest, format: Format) -> io::Result<()> {
        write_line(format, request, &mut self.chunk);
        self.written.lines += 1;
        if self.chunk.len() >= CHUNK_BYTES { self.drain() } else { Ok(()) }
    }

    fn drain(&mut self) -> io::Result<()> {
        let result = match &mut self.file {
            Output::Gzip(file) => file.write_all(&self.chunk),
            Output::Plain(file) => file.write_all(&self.chunk),
        };
        self.written.bytes += self.chunk.len() as u64;
        self.chunk.clear();
        result.map_err(|error| at(&self.temporary, &error))
    }

    pub(super) fn complete(mut self) -> io::Result<Written> {
        self.drain()?;
        if let Output::Gzip(file) = self.file {
            file.finish().map_err(|error| at(&self.temporary, &error))?;
        }
        fs::rename(&self.temporary, &self.path).map_err(|error| at(&self.path, &error))?;
        Ok(self.written)
    }
}

/// `error` with the path that it was about.
pub(super) fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write sample traffic to {}: {error}", path.display()))
}
