//! A file that is there, and what the system says of it.
//!
//! One place for what is asked of the file system, because a file may be renamed or replaced between any two
//! questions: whatever is opened by its name is compared with what was found under it.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use xxhash_rust::xxh3::xxh3_128;

use super::FileKey;
use crate::packing::{MAGIC_BYTES, Packing};

/// The most entries of a folder that are looked at for what a rotation made of a file; such folders have few.
const SIBLINGS_MAX: usize = 10_000;

/// By what a file is known whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
    /// When the inode was made, where the file system tells: a free inode is soon another file's.
    created_at: Option<SystemTime>,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), created_at: metadata.created().ok() }
    }

    pub(super) fn key(&self) -> FileKey {
        let age = self.created_at.and_then(|created_at| created_at.duration_since(UNIX_EPOCH).ok());
        let created_at = age.map_or(0, |age| age.as_nanos());
        let parts = [u128::from(self.device), u128::from(self.inode), created_at];
        xxh3_128(parts.map(u128::to_le_bytes).as_flattened()).to_le_bytes()
    }
}

/// A file that is there.
pub(super) struct Present {
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
    pub(super) id: FileId,
    /// It was rotated or deleted: nobody finds it under the name that is watched.
    pub(super) is_gone: bool,
}

impl Present {
    /// `None` where it is gone before it is looked at.
    pub(super) fn at(path: PathBuf) -> Option<Self> {
        let metadata = fs::metadata(&path).ok()?;
        let id = FileId::of(&metadata);
        Some(Self { path, metadata, id, is_gone: false })
    }

    /// A file that is still open and had this path.
    pub(super) fn gone(path: PathBuf, file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let id = FileId::of(&metadata);
        Ok(Self { path, metadata, id, is_gone: true })
    }

    /// Opens it, if the name is still its own.
    pub(super) fn open(&self) -> io::Result<Arc<File>> {
        open(&self.path, self.id).map(Arc::new)
    }
}

/// Opens a file so that reading it never waits: a link in a folder of logs may lead to what the system makes up as it
/// is read, such as its own log, and one such file must not hold up all others. To files on a disk it is no
/// difference.
///
/// # Errors
///
/// The operating system's.
pub fn open_log(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// Opens the file of this identity.
///
/// # Errors
///
/// The operating system's; [`io::ErrorKind::NotFound`] if another file has taken its name.
pub(super) fn open(path: &Path, id: FileId) -> io::Result<File> {
    let file = open_log(path)?;
    if FileId::of(&file.metadata()?) == id { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Whether a file is packed, from its first bytes.
pub(super) fn is_packed(mut file: &File) -> io::Result<bool> {
    let mut magic = Vec::new();
    io::Seek::rewind(&mut file)?;
    file.take(MAGIC_BYTES).read_to_end(&mut magic)?;
    Ok(Packing::of(&magic) != Packing::Plain)
}

/// The regular files of a folder, without hidden ones, whatever the patterns.
pub(super) fn siblings(folder: &Path) -> Vec<Present> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = fs::read_dir(folder).into_iter().flatten().take(SIBLINGS_MAX).flatten();
    let is_hidden = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    let files = entries.filter(|entry| !is_hidden(entry) && is_file(entry));
    let mut files: Vec<Present> = files.filter_map(|entry| Present::at(entry.path())).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Whether a file's name is what a rotation makes of `original`'s: `access.json.1`, `access.json-20261120` or
/// `access-20261120.json`, packed or not.
pub(super) fn is_named_after(path: &Path, original: &Path) -> bool {
    let (Some(name), Some(stem)) = (path.file_name(), original.file_stem()) else { return false };
    let (name, stem) = (name.as_encoded_bytes(), stem.as_encoded_bytes());
    let rest = name.strip_prefix(stem);
    rest.is_some_and(|rest| matches!(rest, [b'.' | b'-' | b'_', ..])) && Some(path) != Some(original)
}

/// The files beside `original` that a rotation may have made of it, by their names, and when each was written to last.
pub fn rotated_from(original: &Path) -> impl Iterator<Item = (PathBuf, SystemTime)> {
    let beside = original.parent().map(siblings).unwrap_or_default();
    let rotated = beside.into_iter().filter(|file| is_named_after(&file.path, original));
    rotated.filter_map(|file| Some((file.path, file.metadata.modified().ok()?)))
}

/// The names that a file may have had before rotations put something behind them: of `a.log.1.gz` these are
/// `a.log.1`, `a.log` and `a`.
pub(super) fn former_names(path: &Path) -> impl Iterator<Item = PathBuf> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let ends: Vec<usize> =
        name.rmatch_indices(['.', '-', '_']).map(|(end, _)| end).filter(|&end| end > 0).collect();
    ends.into_iter().map(move |end| path.with_file_name(&name[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_are_named_after_the_original() {
        let check = |name: &str, expected: bool| {
            let original = Path::new("/var/log/access.json");
            assert_eq!(is_named_after(Path::new(name), original), expected, "{name}");
        };
        check("/var/log/access.json.1", true);
        check("/var/log/old/access.json-20261120.gz", true);
        check("/var/log/access-20261120.json", true);
        check("/var/log/access.1.json", true);
        check("/var/log/access.json", false);
        check("/var/log/accessories.json", false);
        check("/var/log/error.json.1", false);
    }
}
