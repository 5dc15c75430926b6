//! `testdata/**/NAME.metrics` is, byte for byte, what `weir count` prints for `NAME.log`, with the config
//! `NAME.yaml` where there is one.
//!
//! Whole texts, because a dashboard reads whole texts: a label in another order, a bucket more or a
//! number written in another way is a change that somebody must have meant. With `UPDATE_GOLDEN=1` the
//! files are written anew; read the difference before committing it. A new case begins as a log and an
//! empty `.metrics`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{first_difference, output, repository, weir_command};

/// All `.metrics` below `testdata/`.
fn cases() -> Vec<PathBuf> {
    let folders = fs::read_dir(repository("testdata")).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|it| it == "metrics")).collect();
    cases.sort();
    cases
}

/// What `weir count` prints for a case; the paths in its config begin at the repository.
fn counted(case: &Path) -> String {
    let mut command = weir_command(&["count"]);
    let config = case.with_extension("yaml");
    if config.exists() {
        command.arg("-c").arg(config);
    }
    command.arg(case.with_extension("log")).current_dir(repository(""));
    output(&mut command).expect(0).stdout
}

#[test]
fn each_log_gives_exactly_its_metrics() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one switch of the tests, for whoever runs them by hand"
    )]
    let is_update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let cases = cases();
    assert!(cases.len() > 5, "{cases:?}");
    let mut differences = Vec::new();
    for case in cases {
        let found = counted(&case);
        if is_update {
            fs::write(&case, &found).unwrap();
        } else if found != fs::read_to_string(&case).unwrap() {
            let difference = first_difference(&found, &fs::read_to_string(&case).unwrap());
            differences.push(format!(
                "{}, {}",
                case.display(),
                difference.unwrap_or("the last line end".to_owned())
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
