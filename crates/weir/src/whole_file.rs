//! Files that are read whole: configs and what they name.
//!
//! What is named may lead elsewhere than to a small file: to a device that never ends, or to a pipe that nobody
//! writes to. So no more is read than may be there, and a server that runs waits for nothing but a regular file. At
//! a start a pipe is as good as a file: somebody waits at the terminal for what he has piped.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// From what a file may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKinds {
    /// Regular files, pipes and devices.
    Any,
    /// Regular files only, and links to them.
    Regular,
}

/// Why a file was not read; which one is for the caller to say.
#[derive(Debug, thiserror::Error)]
pub enum WholeFileError {
    /// The operating system's word.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A pipe, a device or a folder.
    #[error("it is no regular file; name one, or a link to one")]
    NotRegular,
    /// More is there than may be.
    #[error("it has more than {0} bytes; name the right file, or make it shorter")]
    TooLarge(usize),
    /// It is no text.
    #[error("it is not UTF-8; write it anew in that encoding")]
    NotText,
}

/// The text of the file at `path`, which has `bytes_max` bytes at most.
///
/// # Errors
///
/// See [`WholeFileError`]. At most one byte more than `bytes_max` was read.
pub fn read_text(path: &Path, bytes_max: usize, kinds: FileKinds) -> Result<String, WholeFileError> {
    // Before it is opened, since to open a pipe is to wait for who writes to it.
    if kinds == FileKinds::Regular && !fs::metadata(path)?.is_file() {
        return Err(WholeFileError::NotRegular);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(WholeFileError::TooLarge(bytes_max));
    }
    String::from_utf8(bytes).map_err(|_| WholeFileError::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &Path, kinds: FileKinds, expected: Result<&str, &str>) {
        match (read_text(path, 10, kinds), expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (found, _) => panic!("{found:?} of {}", path.display()),
        }
    }

    #[test]
    fn no_more_is_read_than_may_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (bytes, expected) in [
            (&b""[..], Ok("")),
            (b"0123456789", Ok("0123456789")),
            (b"0123456789a", Err("it has more than 10 bytes")),
            (b"\xff", Err("it is not UTF-8")),
        ] {
            fs::write(&path, bytes).unwrap();
            check(&path, FileKinds::Any, expected);
            check(&path, FileKinds::Regular, expected);
        }
        check(&folder.path().join("none"), FileKinds::Any, Err("No such file"));
    }

    #[test]
    fn devices_end_at_the_bound_and_are_no_regular_files() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        check(&link, FileKinds::Any, Err("it has more than 10 bytes"));
        check(&link, FileKinds::Regular, Err("it is no regular file"));
        check(folder.path(), FileKinds::Regular, Err("it is no regular file"));
    }
}
