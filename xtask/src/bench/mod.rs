//! `cargo xtask bench`: what weir costs, beside what others cost, measured in one go.
//!
//! A program of our own rather than hyperfine, because what matters here is the CPU time of a whole
//! process tree, peak memory, lines that were really counted, and ratios between commands that took
//! turns on the same machine. Budgets and tables are pure functions of the runs, in files of their
//! own; this module makes the data, calls the others and keeps the record.

mod budget;
mod counted;
mod data;
mod machine;
mod measure;
mod options;
mod raw_csv;
mod record;
mod rounds;
mod servers;
mod shell;
mod statistics;
mod subject;
mod summary;
mod table;
mod tool;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

pub use options::Options;

use machine::Machine;
use record::Record;
use rounds::{Failure, Measured};
use servers::{Readings, Scene};
use shell::Shell;
use subject::Selection;
use tool::Tool;

/// Measures, keeps the record, and prints the summary. Whether every command that could be run ran well.
///
/// # Errors
///
/// When the program or the data cannot be made, or the record cannot be written.
pub fn run(options: &Options) -> anyhow::Result<bool> {
    let subjects = subject::select(&options.only).map_err(anyhow::Error::msg)?;
    let root = PathBuf::from(Shell::new(Path::new("."), &[]).output("git rev-parse --show-toplevel")?);
    let bench = root.join("bench");
    let _lock = lock(&bench.join("data"))?;
    build(&root, &bench.join("data/bin"), options.is_built)?;

    let requests = if options.is_quick { data::REQUESTS_QUICK } else { data::REQUESTS };
    let folder = bench.join(format!("data/{requests}"));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let shell = Shell::new(&folder, &[&bench.join("data/bin"), &bench.join(".venv/bin")]);
    let tools = tools(&shell, &bench, &subjects)?;
    let sizes = data::prepare(&shell, requests, &subjects.data())?;

    let machine = Machine::look(&shell)?;
    let load_before = machine::load(&shell)?;
    let (present, absent) = divide(&subjects.commands, &tools, |subject| (subject.name, subject.tool));
    let mut measured = Measured::take(&shell, &present, options.runs);
    let (present, absent_servers) = divide(&subjects.servers, &tools, |subject| (subject.name, subject.tool));
    let mut readings = Readings::take(&Scene::new(&shell, &sizes, options.is_quick), &present, options.runs);
    let is_sound = measured.failures.is_empty() && readings.failures.is_empty();
    measured.failures.extend(absent);
    readings.failures.extend(absent_servers);
    let record = Record {
        machine: &machine,
        loads: (load_before, machine::load(&shell)?),
        runs: options.runs,
        requests,
        tools: &tools,
        sizes: &sizes,
        subjects: &subjects,
        measured: &measured,
        readings: &readings,
    };
    let out = match &options.out {
        Some(out) => out.clone(),
        None if options.is_complete() => record::folder(&bench.join("runs"), &machine.slug()),
        None => bench.join("data/last"),
    };
    let summary = summary::write(&record.title(), &measured, &readings, &sizes);
    record.write(&out, &summary)?;
    crate::say(&summary);
    crate::say(&format!("the record is in {}", out.display()));
    Ok(is_sound)
}

/// Keeps a second benchmark away until the file is dropped: both would measure each other.
fn lock(data: &Path) -> anyhow::Result<File> {
    let path = data.join("lock");
    let cannot = || format!("cannot lock {}", path.display());
    fs::create_dir_all(data).with_context(cannot)?;
    let file = File::create(&path).with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another benchmark is running here; wait for its end"),
        Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
    }
}

/// Builds the optimised program and the measuring sticks, unless they are built, and copies them to
/// `programs`, so that a build meanwhile does not change what is measured.
fn build(root: &Path, programs: &Path, is_built: bool) -> anyhow::Result<()> {
    let shell = Shell::new(root, &[]);
    if !is_built {
        crate::complain("building ...");
        shell.output("cargo build --quiet --release --package weir --bin weir --example alert_rate")?;
        shell.output("cargo build --quiet --release --package xtask --example libdeflate_in_process")?;
        shell.output(
            "cargo build --quiet --release --package weir-ledger --example commit_rate --example event_history",
        )?;
        shell.output(
            "cargo build --quiet --release --package weir-store --example write_rate --example query_rate",
        )?;
    }
    let metadata = shell.output("cargo metadata --no-deps --format-version 1")?;
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    let release = PathBuf::from(target.context("cargo metadata names no target directory")?).join("release");
    fs::create_dir_all(programs).with_context(|| format!("cannot make {}", programs.display()))?;
    let examples =
        ["libdeflate_in_process", "commit_rate", "event_history", "alert_rate", "write_rate", "query_rate"];
    let examples = examples.map(|name| format!("examples/{name}"));
    for program in ["weir"].into_iter().chain(examples.iter().map(String::as_str)) {
        let (from, name) = (release.join(program), program.rsplit('/').next().unwrap_or(program));
        fs::copy(&from, programs.join(name)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

/// What takes part; what is needed and missing is installed first, if it can be.
fn tools(shell: &Shell, bench: &Path, subjects: &Selection) -> anyhow::Result<Vec<Tool>> {
    let tools = tool::probe(shell);
    if !subjects.tools().any(|name| tool::missing(&tools, name).is_some()) {
        return Ok(tools);
    }
    tool::install(bench)?;
    Ok(tool::probe(shell))
}

/// Subjects that can run, and those whose tool is missing; `named` gives a subject's name and tool.
fn divide<S>(
    subjects: &[&'static S],
    tools: &[Tool],
    named: impl Fn(&S) -> (&'static str, &'static str),
) -> (Vec<&'static S>, Vec<Failure>) {
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for &one in subjects {
        let (subject, tool) = named(one);
        match tool::missing(tools, tool) {
            None => present.push(one),
            Some(reason) => {
                absent.push(Failure { subject, reason: format!("{tool} is not here: {reason}") });
            }
        }
    }
    (present, absent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_without_its_tool_is_a_failure_with_a_reason() {
        let subjects = subject::select(&["weir-1".to_owned(), "duckdb".to_owned()]).unwrap();
        let tools = [
            Tool { name: "weir", version: Ok("0.1.0".to_owned()) },
            Tool { name: "duckdb", version: Err("no module".to_owned()) },
        ];
        let (present, absent) = divide(&subjects.commands, &tools, |subject| (subject.name, subject.tool));
        assert_eq!(present.iter().map(|subject| subject.name).collect::<Vec<_>>(), ["weir-1"]);
        assert_eq!(
            absent,
            [Failure { subject: "duckdb", reason: "duckdb is not here: no module".to_owned() }]
        );
    }
}
