//! The files that a path argument means: a file, a folder, or a pattern.
//!
//! Patterns are also matched here, not only by the shell: a config has none, and `logs/**/*.gz` of a busy
//! bucket is longer than a command line may be. That nothing matches is an error for a command, which
//! would otherwise report zero requests as if that were a result, and none for a watch, which waits.

use std::path::{Path, PathBuf};

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
/// match a pattern with `*`, `?`, `[...]` and `**`. Hidden files below a folder are left out.
///
/// # Errors
///
/// [`DiscoverError`]; finding no file at all is one.
pub fn discover(argument: &str) -> Result<Vec<PathBuf>, DiscoverError> {
    let files = list(argument)?;
    if files.is_empty() {
        return Err(DiscoverError::NoMatch { pattern: argument.to_owned() });
    }
    Ok(files)
}

/// Whether `pattern` is one, without looking for files.
///
/// # Errors
///
/// [`DiscoverError::BadPattern`].
pub fn check_pattern(pattern: &str) -> Result<(), DiscoverError> {
    glob::Pattern::new(pattern).map(drop).map_err(|error| bad_pattern(pattern, &error))
}

/// As [`discover`], but that nothing matches yet is no error: for patterns that are watched.
///
/// # Errors
///
/// [`DiscoverError`], never [`DiscoverError::NoMatch`].
pub fn list(argument: &str) -> Result<Vec<PathBuf>, DiscoverError> {
    let path = Path::new(argument);
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let pattern = if path.is_dir() {
        format!("{}/**/*", glob::Pattern::escape(argument.trim_end_matches('/')))
    } else {
        argument.to_owned()
    };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let paths = glob::glob_with(&pattern, options).map_err(|error| bad_pattern(argument, &error))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| DiscoverError::Unlisted {
            path: error.path().to_owned(),
            reason: error.error().to_string(),
        })?;
        if !path.is_dir() {
            files.push(path);
        }
    }
    Ok(files)
}

fn bad_pattern(pattern: &str, error: &glob::PatternError) -> DiscoverError {
    DiscoverError::BadPattern { pattern: pattern.to_owned(), reason: error.msg.to_owned() }
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
