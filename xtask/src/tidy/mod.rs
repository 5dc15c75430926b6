//! Rules are run, not remembered: the checks of `cargo xtask tidy`.
//!
//! Each check is a pure function from file contents to findings, in a file of its own, so a rule is
//! tested with a few lines of text and this module alone runs git and cargo and reads the tree. The
//! checks read Rust as text with comments and literals told apart (see [`rust_text`]); a real parser
//! would see more, but its dependencies would be the largest of the workspace and a macro would
//! blind it all the same.
//!
//! There is no exemption comment: a rule that needs one is the wrong rule.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

mod dependency_reasons;
mod documents;
mod headers;
mod layers;
mod leftovers;
mod links;
mod portability;
mod purity;
mod rust_text;
mod size;
mod source;
mod wording;

use leftovers::Census;
use source::{TextFile, rust_files};

/// One broken rule: where, what, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the repository's root.
    pub path: String,
    /// Line from 1.
    pub line: usize,
    /// What is wrong, then what to do.
    pub message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Everything tidy found, and what it looked at.
pub struct Report {
    /// Broken rules, by path and line.
    pub findings: Vec<Finding>,
    files: usize,
    census: Census,
}

impl Report {
    /// One line for people: how much was read, how much is wrong.
    pub fn summary(&self) -> String {
        let Census { expects, product_lines } = self.census;
        let findings = self.findings.len();
        format!(
            "tidy: {findings} findings in {} files; {expects} expect() in {product_lines} lines of product code",
            self.files
        )
    }
}

/// Reads the repository around the current folder and runs every check.
///
/// # Errors
///
/// When git or cargo cannot be run, or a file cannot be read: then nothing was checked.
pub fn run() -> anyhow::Result<Report> {
    let root = PathBuf::from(output("git", &["rev-parse", "--show-toplevel"], Path::new("."))?.trim_end());
    let paths = listed_paths(&root)?;
    let files = read_texts(&root, &paths)?;
    let rust = rust_files(&files);
    let metadata = output("cargo", &["metadata", "--no-deps", "--format-version", "1"], &root)?;
    let packages = layers::packages(&metadata, &root)?;

    let mut findings = Vec::new();
    for check in [headers::check, leftovers::check, purity::check, size::check, wording::check] {
        findings.extend(rust.iter().flat_map(check));
    }
    for check in [dependency_reasons::check, portability::check] {
        findings.extend(files.iter().flat_map(check));
    }
    findings.extend(layers::check(&packages, &files));
    findings.extend(documents::check(&files));
    findings.extend(links::check(&files, &paths));
    let census = leftovers::census(&rust);
    findings.extend(census.check());
    findings.sort();
    Ok(Report { findings, files: files.len(), census })
}

/// Tracked files and new ones that git does not ignore, so that a check bites before the commit.
fn listed_paths(root: &Path) -> anyhow::Result<BTreeSet<String>> {
    let list = output("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"], root)?;
    let listed = list.split('\0').filter(|path| !path.is_empty());
    Ok(listed.filter(|path| root.join(path).is_file()).map(str::to_owned).collect())
}

/// Every listed file that is text; a file that is not UTF-8 is left to those who know its format.
fn read_texts(root: &Path, paths: &BTreeSet<String>) -> anyhow::Result<Vec<TextFile>> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let bytes = std::fs::read(root.join(path)).with_context(|| format!("cannot read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(TextFile { path: path.clone(), text });
        }
    }
    Ok(files)
}

fn output(program: &str, arguments: &[&str], folder: &Path) -> anyhow::Result<String> {
    let command = || format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .with_context(|| format!("cannot run `{}`; is {program} installed?", command()))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", command(), String::from_utf8_lossy(&output.stderr).trim_end());
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` wrote something other than UTF-8", command()))
}

/// Compares the lines of `findings` with `expected`; how the checks' own tests read.
#[cfg(test)]
fn assert_lines(findings: &[Finding], expected: &[usize]) {
    let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
    let messages: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert_eq!(lines, expected, "{}", messages.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_written_as_editors_expect_it() {
        let finding = Finding::new("a/b.rs", 7, "too long; split it");
        assert_eq!(finding.to_string(), "a/b.rs:7: too long; split it");
    }
}
