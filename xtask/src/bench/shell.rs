//! Running commands, for set-up and for measuring alike.
//!
//! Through `sh`, because the commands of a record are read, copied and run by people: a loop over
//! files or a pipe is then one line of text and exactly what was measured. The shell costs about a
//! millisecond.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, bail};

/// Runs shell commands in one folder, with the programs under test first on the search path.
#[derive(Clone, Debug)]
pub struct Shell {
    folder: PathBuf,
    programs: String,
}

impl Shell {
    /// A shell in `folder` that finds programs in `programs` first, in this order.
    pub fn new(folder: &Path, programs: &[&Path]) -> Self {
        let programs: Vec<String> = programs.iter().map(|path| path.display().to_string()).collect();
        Self { folder: folder.to_owned(), programs: programs.join(":") }
    }

    /// The folder that commands run in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The arguments of `sh` that run `script`; its failing parts end it.
    fn arguments(&self, script: &str) -> [String; 3] {
        let script = match self.programs.as_str() {
            "" => script.to_owned(),
            programs => format!("PATH=\"{programs}:$PATH\"; {script}"),
        };
        ["-e".to_owned(), "-c".to_owned(), script]
    }

    /// `sh` with `script`, behind `wrapper`, which is a program and its arguments, or empty.
    pub fn command(&self, wrapper: &[&str], script: &str) -> Command {
        let mut words = wrapper.iter().chain(&["sh"]);
        let mut command = Command::new(words.next().copied().unwrap_or("sh"));
        // A config of the user's would change what is counted.
        command.args(words).args(self.arguments(script)).current_dir(&self.folder).env_remove("WEIR_CONFIG");
        command
    }

    /// Runs `script` to its end and gives back what it wrote to stdout, without white space around it.
    ///
    /// # Errors
    ///
    /// When it cannot be started or fails; then with the last line of its stderr.
    pub fn output(&self, script: &str) -> anyhow::Result<String> {
        let output = self.command(&[], script).output().with_context(|| format!("cannot run `{script}`"))?;
        stdout(&output).with_context(|| format!("`{script}` failed"))
    }
}

fn stdout(output: &Output) -> anyhow::Result<String> {
    if !output.status.success() {
        bail!("{}", last_line(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The last line with text in it, which is where programs say why they ended.
pub fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_under_test_are_found_first() {
        let arguments =
            Shell::new(Path::new("d"), &[Path::new("/a"), Path::new("/b")]).arguments("weir count");
        assert_eq!(arguments, ["-e", "-c", "PATH=\"/a:/b:$PATH\"; weir count"]);
    }

    #[test]
    fn a_failure_is_told_by_its_last_words() {
        let shell = Shell::new(Path::new("."), &[]);
        assert_eq!(shell.output("echo ' a '; true").unwrap(), "a");
        let error = shell.output("echo first >&2; echo why >&2; false; echo after").unwrap_err();
        assert!(format!("{error:#}").ends_with("failed: why"), "{error:#}");
        assert_eq!(last_line("\n \n"), "it says nothing");
    }
}
