//! The Python that `make setup` installs, for what exists only there, and where else it puts things.

use std::path::PathBuf;
use std::process::Command;

/// A command that runs a script with arguments.
#[track_caller]
pub fn python(script: &str, arguments: &[&str]) -> Command {
    let program = python_folder().join("bin/python");
    assert!(program.exists(), "no {}: `make setup` installs it", program.display());
    let mut command = Command::new(program);
    command.arg("-c").arg(script).args(arguments);
    command
}

/// Where `.ci/setup` puts it.
pub fn python_folder() -> PathBuf {
    cached("LOGWEIR_PYTHON", "python")
}

/// Where `.ci/setup` puts what it installs under this name, unless a variable says otherwise.
pub fn cached(variable: &str, name: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the folder is shared by all clones of a user")]
    let value = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || value("XDG_CACHE_HOME").or_else(|| Some(value("HOME")?.join(".cache")));
    value(variable).or_else(|| Some(cache()?.join("logweir").join(name))).expect("a home folder")
}
