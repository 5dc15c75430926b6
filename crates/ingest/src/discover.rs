//! The files that a path argument means: a file, a folder, or a pattern.
//!
//! Patterns are also matched here, not only by the shell: a config has none, and `logs/**/*.gz` of a busy
//! bucket is longer than a command line may be. That nothing matches is an error for a command, which
//! would otherwise report zero requests as if that were a result, and none for a watch, which waits.

use std::path::{Component, Path, PathBuf};

/// Why a path argument names nothing that can be read.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// The pattern's syntax.
    #[error("`{pattern}` is not a valid pattern: {reason}")]
    BadPattern {
        /// As given.
        pattern: String,
        /// The pattern library's word.
        reason: String,
    },
    /// Nothing is there.
    #[error(
        "`{pattern}` matches no file; check the path, and quote patterns so that the shell leaves them alone"
    )]
    NoMatch {
        /// As given.
        pattern: String,
    },
    /// A folder could not be listed.
    #[error("cannot list {path}: {reason}")]
    Unlisted {
        /// The folder.
        path: PathBuf,
        /// The operating system's word.
        reason: String,
    },
}

/// The files that `argument` names, sorted: the file itself, all files below a folder, or all that
/// match a pattern with `*`, `?`, `[...]` and `**`. Below a folder and by a pattern only regular files
/// are meant, no hidden ones, and links to folders are not followed.
///
/// # Errors
///
/// [`DiscoverError`]; finding no file at all is one.
pub fn discover(argument: &str) -> Result<Vec<PathBuf>, DiscoverError> {
    let Listing { files, unlisted } = list(argument)?;
    match unlisted.into_iter().next() {
        Some(error) => Err(error),
        None if files.is_empty() => Err(DiscoverError::NoMatch { pattern: argument.to_owned() }),
        None => Ok(files),
    }
}

/// What a path argument names.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files, sorted.
    pub files: Vec<PathBuf>,
    /// Folders that could not be listed.
    pub unlisted: Vec<DiscoverError>,
}

/// Whether `pattern` is one, without looking for files.
///
/// # Errors
///
/// [`DiscoverError::BadPattern`].
pub fn check_pattern(pattern: &str) -> Result<(), DiscoverError> {
    parse_pattern(pattern).map(drop)
}

/// Files that are left out of those that patterns name.
#[derive(Clone, Debug, Default)]
pub struct ExcludedFiles {
    of_name: Vec<glob::Pattern>,
    of_path: Vec<glob::Pattern>,
}

impl ExcludedFiles {
    /// A pattern with a `/` is about the whole path, any other about the file's name alone.
    ///
    /// # Errors
    ///
    /// [`DiscoverError::BadPattern`].
    pub fn new(patterns: &[String]) -> Result<Self, DiscoverError> {
        let mut excluded = Self::default();
        for pattern in patterns {
            let of = if pattern.contains('/') { &mut excluded.of_path } else { &mut excluded.of_name };
            of.push(parse_pattern(pattern)?);
        }
        Ok(excluded)
    }

    /// Whether `path` is left out.
    pub(crate) fn has(&self, path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        self.of_name.iter().any(|pattern| pattern.matches(&name))
            || self.of_path.iter().any(|pattern| pattern.matches_with(&path.to_string_lossy(), options))
    }
}

/// As [`discover`], but that nothing matches yet is no error, and a folder that cannot be listed does not
/// hide the others: for patterns that are watched.
///
/// # Errors
///
/// [`DiscoverError::BadPattern`].
pub fn list(argument: &str) -> Result<Listing, DiscoverError> {
    let path = Path::new(argument);
    if path.is_dir() {
        return Ok(walk(path, usize::MAX, false, |_| true));
    }
    // Whatever is named itself is read, a pipe too.
    if path.exists() {
        return Ok(Listing { files: vec![path.to_owned()], unlisted: Vec::new() });
    }
    let pattern = parse_pattern(argument)?;
    let root = literal_root(path);
    let below_root = path.components().count() - root.components().count();
    let depth_max = if argument.contains("**") { usize::MAX } else { below_root };
    if !root.as_os_str().is_empty() && !root.is_dir() {
        return Ok(Listing::default());
    }
    let is_wanted = |file: &Path| pattern.matches_with(&file.to_string_lossy(), match_options());
    Ok(walk(&root, depth_max, argument.contains("/."), is_wanted))
}

/// Whether a file at `path` would be one that `argument` names, as a path or a pattern.
pub(crate) fn would_name(argument: &str, path: &Path) -> bool {
    Path::new(argument) == path
        || parse_pattern(argument)
            .is_ok_and(|pattern| pattern.matches_with(&path.to_string_lossy(), match_options()))
}

fn match_options() -> glob::MatchOptions {
    glob::MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..glob::MatchOptions::new()
    }
}

/// The regular files below `root` that are wanted, sorted.
fn walk(root: &Path, depth_max: usize, is_hidden_wanted: bool, is_wanted: impl Fn(&Path) -> bool) -> Listing {
    let is_here = root.as_os_str().is_empty();
    let start = if is_here { Path::new(".") } else { root };
    let is_hidden = |entry: &walkdir::DirEntry| {
        entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    let entries = walkdir::WalkDir::new(start)
        .max_depth(depth_max)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| is_hidden_wanted || !is_hidden(entry));
    let mut listing = Listing::default();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                listing.unlisted.push(unlisted(&error));
                continue;
            }
        };
        let path =
            if is_here { entry.path().strip_prefix(".").unwrap_or(entry.path()) } else { entry.path() };
        // A link to a file is that file, one to nowhere is handed on for its error; a pipe would be waited for.
        let is_file = path.is_file() || (entry.path_is_symlink() && !path.exists());
        if is_file && is_wanted(path) {
            listing.files.push(path.to_owned());
        }
    }
    listing
}

/// The folders of a pattern before its first part with a wildcard.
fn literal_root(pattern: &Path) -> PathBuf {
    let has_wildcard =
        |part: &Component<'_>| part.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte));
    let literal: PathBuf = pattern.components().take_while(|part| !has_wildcard(part)).collect();
    // Without any wildcard the last part is a file that is not there yet.
    if literal == pattern { literal.parent().map(Path::to_owned).unwrap_or_default() } else { literal }
}

fn parse_pattern(pattern: &str) -> Result<glob::Pattern, DiscoverError> {
    glob::Pattern::new(pattern).map_err(|error| DiscoverError::BadPattern {
        pattern: pattern.to_owned(),
        reason: error.msg.to_owned(),
    })
}

fn unlisted(error: &walkdir::Error) -> DiscoverError {
    DiscoverError::Unlisted {
        path: error.path().map(Path::to_owned).unwrap_or_default(),
        reason: error.io_error().map_or_else(|| error.to_string(), ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_patterns_become_sorted_files() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b/2.log", "b/1.log.gz", "a.log", ".hidden", "b/.part"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        let root = folder.path().to_str().expect("UTF-8");
        let names = |argument: &str| -> Vec<String> {
            let found = discover(argument).expect("something matches");
            found.iter().map(|path| path.strip_prefix(root).expect("below").display().to_string()).collect()
        };
        assert_eq!(names(root), ["a.log", "b/1.log.gz", "b/2.log"]);
        assert_eq!(names(&format!("{root}/**/*.gz")), ["b/1.log.gz"]);
        assert_eq!(names(&format!("{root}/a.log")), ["a.log"]);
        let nothing = discover(&format!("{root}/*.zst")).expect_err("nothing matches");
        assert!(nothing.to_string().contains("matches no file"), "{nothing}");
    }
}
