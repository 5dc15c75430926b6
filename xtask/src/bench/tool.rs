//! The programs that take part, and whether they are there.
//!
//! A peer that cannot be installed here is reported as such: a comparison that silently lost its
//! strongest peer would be worse than none.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::shell::Shell;

/// Name and a command that prints its version, and fails without it.
const TOOLS: &[(&str, &str)] = &[
    ("weir", "weir --version"),
    ("libdeflate-gunzip", "libdeflate-gunzip -V"),
    ("libdeflate_in_process", "libdeflate_in_process --version"),
    ("duckdb", "python3 -c 'import duckdb; print(duckdb.__version__)'"),
    ("chdb", "python3 -c 'import chdb; print(*chdb.chdb_version, sep=\".\")'"),
    (
        "prometheus_client",
        "python3 -c 'import prometheus_client, importlib.metadata, platform; \
         print(importlib.metadata.version(\"prometheus_client\"), \"on Python\", platform.python_version())'",
    ),
    ("mtail", "mtail --version"),
    ("goaccess", "goaccess --version"),
    ("jq", "jq --version"),
    ("commit_rate", "command -v commit_rate > /dev/null && echo as in this commit"),
    ("alert_rate", "command -v alert_rate > /dev/null && echo as in this commit"),
    ("event_history", "command -v event_history > /dev/null && echo as in this commit"),
    ("write_rate", "command -v write_rate > /dev/null && echo as in this commit"),
    ("query_rate", "command -v query_rate > /dev/null && echo as in this commit"),
    ("prometheus-pushgateway", "prometheus-pushgateway --version 2>&1"),
    ("redis-server", "redis-server --version"),
    ("moto", MOTO),
    ("time", "env time --version"),
];

/// The emulator of AWS; what it runs in is where `make setup` puts it.
const MOTO: &str = "\"${LOGWEIR_PYTHON:-${XDG_CACHE_HOME:-$HOME/.cache}/logweir/python}/bin/python\" \
    -c 'import boto3, importlib.metadata; print(importlib.metadata.version(\"moto\"))'";

/// A program and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The name by which subjects ask for it.
    pub name: &'static str,
    /// The first line of what it says of its version, or why it is not there.
    pub version: Result<String, String>,
}

/// Asks every program for its version.
pub fn probe(shell: &Shell) -> Vec<Tool> {
    let ask = |&(name, script): &(&'static str, &str)| {
        let answer = shell.output(script).map_err(|error| error.root_cause().to_string());
        let version = answer.map(|text| text.lines().next().unwrap_or_default().trim().to_owned());
        Tool { name, version }
    };
    TOOLS.iter().map(ask).collect()
}

/// Installs what is missing; that some cannot be is found by [`probe`] afterwards.
///
/// # Errors
///
/// When the script itself cannot be started.
pub fn install(bench: &Path) -> anyhow::Result<()> {
    let script = bench.join("peers/install");
    let status =
        Command::new(&script).status().with_context(|| format!("cannot run {}", script.display()))?;
    if !status.success() {
        crate::complain("not every peer could be installed; those that are missing are left out and named");
    }
    Ok(())
}

/// Why the tool of that name cannot be used; `None` if it can.
pub fn missing<'t>(tools: &'t [Tool], name: &str) -> Option<&'t str> {
    tools.iter().find(|tool| tool.name == name)?.version.as_ref().err().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::super::servers::{self, PYTHON};
    use super::super::subject::SUBJECTS;
    use super::*;

    #[test]
    fn every_subject_names_a_tool_that_is_asked_for() {
        let commands = SUBJECTS.iter().map(|subject| (subject.name, subject.tool));
        let servers = servers::SUBJECTS.iter().map(|subject| (subject.name, subject.tool));
        for (subject, tool) in commands.chain(servers) {
            assert!(TOOLS.iter().any(|(name, _)| *name == tool), "{subject}");
        }
        assert!(MOTO.starts_with(PYTHON));
    }

    #[test]
    fn what_is_missing_is_known_with_its_reason() {
        let tools = [
            Tool { name: "a", version: Ok("1".to_owned()) },
            Tool { name: "b", version: Err("not found".to_owned()) },
        ];
        assert_eq!(missing(&tools, "a"), None);
        assert_eq!(missing(&tools, "b"), Some("not found"));
    }
}
