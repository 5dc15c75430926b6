//! `weir alerts`: what fires, why, and what became of what fired before.
//!
//! Asked of the running server only: without one nothing is judged, and an old answer about alerts is a wrong one.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context;
use weir_web::{AlertChange, AlertRow, AlertsAnswer};

use crate::admin::{Connection, ResultOutput, runtime};
use crate::cli::AlertsArguments;
use crate::output::{harmless, pretty_json, say};

/// Runs the command.
///
/// # Errors
///
/// No server that can be asked, or output that cannot be written.
pub fn run(arguments: &AlertsArguments) -> anyhow::Result<ExitCode> {
    let answer: AlertsAnswer = runtime()?.block_on(async {
        let server = Connection::server(&arguments.server).await?;
        server.get("/api/alerts").await
    })?;
    let text = match arguments.output {
        ResultOutput::Json => pretty_json(&answer).context("cannot write JSON")?,
        ResultOutput::Table if arguments.history => history(&answer.history),
        ResultOutput::Table => alerts(&answer.alerts),
    };
    std::io::stdout().lock().write_all(text.as_bytes()).context("cannot write the alerts")?;
    Ok(ExitCode::SUCCESS)
}

fn alerts(alerts: &[AlertRow]) -> String {
    if alerts.is_empty() {
        say(&"no alert is pending or fires");
    }
    let mut text = String::new();
    for alert in alerts {
        let since = alert.resolved_at.as_ref().or(alert.fired_at.as_ref()).unwrap_or(&alert.active_at);
        let _ = writeln!(text, "{:<8} since {since}  {}", alert.state, harmless(&named(&alert.labels)));
        if let Some(summary) = alert.annotations.get("summary") {
            let _ = writeln!(text, "         {}", harmless(summary));
        }
        let _ = writeln!(text, "         {}", harmless(&alert.explanation));
    }
    text
}

fn history(changes: &[AlertChange]) -> String {
    let mut text = String::new();
    for change in changes {
        let states = format!("{} -> {}", change.from, change.to);
        let counts = format!("{} of {}", change.bad, change.total);
        let _ =
            writeln!(text, "{}  {states:<20} {counts:<14} {}", change.at, harmless(&named(&change.labels)));
    }
    text
}

/// The name, and the other labels.
fn named(labels: &std::collections::BTreeMap<Box<str>, Box<str>>) -> String {
    let name = labels.get("alertname").map_or("", |name| name);
    let others = labels.iter().filter(|(label, _)| &***label != "alertname");
    let others: Vec<String> = others.map(|(label, value)| format!("{label}={value}")).collect();
    format!("{name} {}", others.join(" "))
}
