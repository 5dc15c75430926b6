//! A password that is kept in a file, since every user of the machine can see the arguments of a program.
//!
//! The line end that editors put there is taken off and nothing else, because spaces may belong to a password.
//! A file that is not one of a password is refused: the alternative, to send whatever it holds, would give a
//! key or a log to a gateway.

use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest file that is taken for a password's, in bytes; a token is a few hundred.
const FILE_BYTES_MAX: u64 = 16 << 10;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFileError {
    /// The operating system's word.
    #[error("cannot read the password file {}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is too long to be one.
    #[error(
        "the password file {} has more than {FILE_BYTES_MAX} bytes; name the file that has only the password",
        .0.display()
    )]
    TooLarge(PathBuf),
    /// Nothing is in it.
    #[error("the password file {} is empty; write the password into it", .0.display())]
    Empty(PathBuf),
}

/// The text of a file without the line end that editors put there.
///
/// # Errors
///
/// A file that cannot be read, is empty or has other things in it than a password.
pub fn read_password(path: &Path) -> Result<String, PasswordFileError> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| PasswordFileError::Io { path: path.to_owned(), error })?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(PasswordFileError::TooLarge(path.to_owned()));
    }
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(PasswordFileError::Empty(path.to_owned())),
        password => Ok(password.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_line_end_is_taken_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        for (text, expected) in [
            ("secret\n", Ok("secret")),
            (" a b \r\n", Ok(" a b ")),
            ("secret", Ok("secret")),
            ("\n", Err("is empty")),
            (&"x".repeat(20_000), Err("more than 16384 bytes")),
        ] {
            std::fs::write(&path, text).unwrap();
            match (read_password(&path), expected) {
                (Ok(password), Ok(expected)) => assert_eq!(password, expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (found, _) => panic!("{:?} of {text}", found.is_ok()),
            }
        }
        let error = read_password(&folder.path().join("none")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the password file "), "{error}");
    }
}
