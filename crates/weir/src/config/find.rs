//! Which file is the config.
//!
//! The first that applies: `-c`, `$WEIR_CONFIG`, `./weir.yaml`, `/etc/weir/weir.yaml`. What a user
//! names is taken even if it does not exist, so that opening it fails with that name; to go on to
//! the next would start with another config than the one asked for.

use std::path::{Path, PathBuf};

use super::environment::Environment;

/// Where a config is looked for when none is named.
const DEFAULT_PATHS: [&str; 2] = ["weir.yaml", "/etc/weir/weir.yaml"];

/// The config's path; `None` where no file was named and neither default exists.
///
/// `explicit` is what `-c` gave; `is_file` asks the file system. An empty `$WEIR_CONFIG` is as none.
pub fn find(
    explicit: Option<&Path>,
    environment: Environment,
    is_file: &dyn Fn(&Path) -> bool,
) -> Option<PathBuf> {
    if let Some(path) = explicit {
        return Some(path.to_owned());
    }
    if let Some(path) = environment("WEIR_CONFIG").filter(|path| !path.is_empty()) {
        return Some(PathBuf::from(path));
    }
    DEFAULT_PATHS.iter().map(Path::new).find(|path| is_file(path)).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(explicit: Option<&str>, variable: Option<&str>, files: &[&str], expected: Option<&str>) {
        let environment = |name: &str| variable.filter(|_| name == "WEIR_CONFIG").map(str::to_owned);
        let is_file = |path: &Path| files.iter().any(|file| Path::new(file) == path);
        let found = find(explicit.map(Path::new), &environment, &is_file);
        assert_eq!(found.as_deref(), expected.map(Path::new));
    }

    #[test]
    fn the_nearest_to_the_user_wins() {
        let both = ["weir.yaml", "/etc/weir/weir.yaml"];
        check(Some("a.yaml"), Some("b.yaml"), &both, Some("a.yaml"));
        check(None, Some("b.yaml"), &both, Some("b.yaml"));
        check(None, Some(""), &both, Some("weir.yaml"));
        check(None, None, &both, Some("weir.yaml"));
        check(None, None, &["/etc/weir/weir.yaml"], Some("/etc/weir/weir.yaml"));
        check(None, None, &[], None);
    }

    #[test]
    fn a_named_file_that_does_not_exist_is_not_passed_over() {
        check(Some("missing.yaml"), None, &["weir.yaml"], Some("missing.yaml"));
    }
}
