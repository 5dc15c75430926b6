//! `weir backtest`: which alerts and mails a config would have given, and what another one would have changed.
//!
//! The config goes to whoever has the data, a server or the engine of this process, and only it: what is tried must not
//! need a change of what runs. Variables of the environment that it names go with it, as the server has others.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use weir_alert::Labels;
use weir_alert::backtest::difference;
use weir_record::Timestamp;
use weir_web::{BacktestAnswer, BacktestFiring, BacktestRequest, BacktestRow};

use crate::admin::{Connection, ServerArguments, runtime};
use crate::config;
use crate::output::{UsageError, harmless, pretty_json, say};
use crate::setup;
use crate::whole_file::FileKinds;

/// Firings of a table; JSON has all.
const ROWS_MAX: usize = 50;

/// `weir backtest`.
#[derive(Debug, Args)]
pub struct BacktestArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// Only this SLA.
    #[arg(long, value_name = "NAME")]
    pub sla: Option<String>,
    /// Only this alert.
    #[arg(long, value_name = "NAME")]
    pub alert: Option<String>,
    /// What would be otherwise than with this config; with a second one, that one instead of -c is the new.
    #[arg(long, value_name = "OLD", num_args = 1..=2)]
    pub diff: Vec<PathBuf>,
    /// The first moment: 2026-11-20T10:00:00Z, epoch seconds, or now-7d [default: 30 days before --to].
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// The last moment [default: now].
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Suggest a threshold that would have given at most so many pages in 30 days; with --sla or --alert.
    #[arg(long, value_name = "N")]
    pub pages_per_month: Option<f64>,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "text")]
    pub output: BacktestOutput,
}

/// How a backtest is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BacktestOutput {
    /// For people.
    Text,
    /// As the API answers it; with --diff an object with `old`, `new` and what differs.
    Json,
}

/// Runs the command.
///
/// # Errors
///
/// A wrong config, nobody who can be asked, or output that cannot be written.
pub fn run(arguments: &BacktestArguments) -> anyhow::Result<ExitCode> {
    let (old, new) = match arguments.diff.as_slice() {
        [] => (None, None),
        [old] => (Some(old), None),
        [old, new, ..] => (Some(old), Some(new)),
    };
    let new = match new {
        Some(path) => path.clone(),
        None => setup::find_config(arguments.server.config.config.as_deref()).context(
            "there is no config whose alerts could be tried; name one with -c, docs/slas.md has examples",
        )?,
    };
    let new = request(&new, arguments)?;
    let old = old.map(|path| request(path, arguments)).transpose()?;
    let (new, old) = runtime()?.block_on(async {
        let connection = Connection::open(&arguments.server, false).await?;
        let answered = async {
            let new = connection.backtest(new).await?;
            let old = match old {
                Some(old) => Some(connection.backtest(old).await?),
                None => None,
            };
            anyhow::Ok((new, old))
        };
        let answered = answered.await;
        let closed = connection.close().await;
        answered.and_then(|answers| closed.map(|()| answers))
    })?;
    let compared = old.as_ref().map(|old| Compared::of(old, &new)).transpose()?;
    let text = match arguments.output {
        BacktestOutput::Json => match &compared {
            Some(compared) => pretty_json(compared),
            None => pretty_json(&new),
        }
        .context("cannot write JSON")?,
        BacktestOutput::Text => {
            for warning in old.iter().flat_map(|old| &old.warnings).chain(&new.warnings) {
                say(&harmless(warning));
            }
            match &compared {
                Some(compared) => compared.text(),
                None => text(&new),
            }
        }
    };
    std::io::stdout().lock().write_all(text.as_bytes()).context("cannot write the backtest")?;
    Ok(ExitCode::SUCCESS)
}

/// What is asked about the config at `path`.
fn request(path: &Path, arguments: &BacktestArguments) -> anyhow::Result<BacktestRequest> {
    if arguments.pages_per_month.is_some_and(|pages| !pages.is_finite() || pages < 0.0) {
        return Err(UsageError::new("--pages-per-month", "it is a number such as 2").into());
    }
    let text = setup::config_text(path, FileKinds::Any)?;
    let variables = RefCell::new(BTreeMap::new());
    let environment = |name: &str| {
        let value = setup::environment(name)?;
        variables.borrow_mut().insert(name.to_owned(), value.clone());
        Some(value)
    };
    let file_name = path.display().to_string();
    let config = config::parse(&file_name, &text, &environment)?;
    let alertmanager = config.notifications.file.as_ref().map(|file| {
        let name = file.display().to_string();
        let text = setup::routing_text(file, FileKinds::Any)?;
        config::parse_alertmanager_file(&name, &text, &environment)?;
        anyhow::Ok(text)
    });
    Ok(BacktestRequest {
        config: text,
        file_name: Some(file_name),
        alertmanager: alertmanager.transpose()?,
        variables: Some(variables.into_inner()),
        sla: arguments.sla.clone(),
        alert: arguments.alert.clone(),
        from: arguments.from.clone(),
        to: arguments.to.clone(),
        pages_per_month: arguments.pages_per_month.map(|pages| pages.to_string()),
    })
}

/// Two configs.
#[derive(Serialize)]
struct Compared<'a> {
    /// Alerts that only the old one would have given.
    only_old: Vec<&'a BacktestFiring>,
    /// Alerts that only the new one would have given.
    only_new: Vec<&'a BacktestFiring>,
    /// Alerts of both, at other times: the old one and the new one.
    moved: Vec<(&'a BacktestFiring, &'a BacktestFiring)>,
    /// How many alerts of both are at the same times.
    same: usize,
    old: &'a BacktestAnswer,
    new: &'a BacktestAnswer,
}

impl<'a> Compared<'a> {
    fn of(old: &'a BacktestAnswer, new: &'a BacktestAnswer) -> anyhow::Result<Self> {
        for answer in [old, new] {
            if answer.firings_total > answer.firings.len() as u64 {
                bail!(
                    "there are {} firings, too many to compare; ask for a shorter span",
                    answer.firings_total
                );
            }
        }
        let (one, other) = (episodes(old)?, episodes(new)?);
        let one: Vec<_> = one.iter().map(|(labels, start, end)| (labels, *start, *end)).collect();
        let other: Vec<_> = other.iter().map(|(labels, start, end)| (labels, *start, *end)).collect();
        let found = difference(&one, &other);
        Ok(Self {
            only_old: found.only_old.iter().map(|at| &old.firings[*at]).collect(),
            only_new: found.only_new.iter().map(|at| &new.firings[*at]).collect(),
            moved: found.moved.iter().map(|(at, to)| (&old.firings[*at], &new.firings[*to])).collect(),
            same: found.same.len(),
            old,
            new,
        })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (title, firings) in
            [("only the old config", &self.only_old), ("only the new config", &self.only_new)]
        {
            let _ = writeln!(text, "{title}: {}", count(firings.len() as u64, "alert"));
            listed(&mut text, firings.iter().copied());
        }
        let _ = writeln!(text, "both, at other times: {}", count(self.moved.len() as u64, "alert"));
        for (old, new) in self.moved.iter().take(ROWS_MAX) {
            let _ = writeln!(text, "  {} -> {}  {}", times(old), times(new), harmless(&named(&new.labels)));
        }
        let _ = writeln!(text, "both, at the same times: {}", count(self.same as u64, "alert"));
        let mails = (self.old.mails.total, self.new.mails.total);
        let _ = writeln!(text, "messages: {} -> {}", mails.0, mails.1);
        text
    }
}

fn episodes(answer: &BacktestAnswer) -> anyhow::Result<Vec<(Labels, i64, Option<i64>)>> {
    let time = |text: &str| {
        let time = Timestamp::parse_rfc3339(text.as_bytes());
        time.map(Timestamp::micros).context("the server answered with a time that is none")
    };
    let episode = |firing: &BacktestFiring| {
        let resolved_at = firing.resolved_at.as_deref().map(time).transpose()?;
        Ok((firing.labels.clone(), time(&firing.fired_at)?, resolved_at))
    };
    answer.firings.iter().map(episode).collect()
}

fn text(answer: &BacktestAnswer) -> String {
    let mut text = format!("{} to {}\n", answer.from, answer.to);
    for row in &answer.rows {
        let _ = writeln!(text, "{}", harmless(&row_text(row)));
    }
    let minutes = minutes(answer.firing_minutes);
    let _ = writeln!(text, "{} would have fired, for {minutes}", count(answer.firings_total, "alert"));
    listed(&mut text, answer.firings.iter());
    let _ = writeln!(text, "{} would have been sent", count(answer.mails.total, "message"));
    for receiver in &answer.mails.receivers {
        let _ = writeln!(
            text,
            "  {} to {} by {}",
            receiver.messages,
            harmless(&receiver.receiver),
            receiver.kind
        );
    }
    if let Some(suggestion) = &answer.suggestion {
        let _ = writeln!(
            text,
            "with {}: {} there would have been {:.1} pages in 30 days instead of {:.1}",
            suggestion.setting, suggestion.value, suggestion.pages_per_month, suggestion.pages_per_month_now
        );
    }
    text
}

fn row_text(row: &BacktestRow) -> String {
    let total = row.good + row.bad;
    let mut text = format!("{} {}: ", row.kind, row.name);
    let _ = match (row.good_share, row.objective) {
        (Some(share), Some(objective)) => {
            write!(text, "{:.4} % of {total} requests were good, {objective} % are promised", share * 100.0)
        }
        (None, Some(_)) => write!(text, "no requests"),
        _ => write!(text, "{total} records"),
    };
    if let Some(left) = row.budget.as_ref().and_then(|budget| budget.left_share) {
        let _ = write!(text, ", {:.1} % of the budget left", left * 100.0);
    }
    let data: Vec<&str> = row.data.iter().map(|part| part.data.as_str()).collect();
    let _ = write!(text, "; from {}", data.join(", then "));
    text
}

fn listed<'f>(text: &mut String, firings: impl ExactSizeIterator<Item = &'f BacktestFiring>) {
    let left_out = firings.len().saturating_sub(ROWS_MAX);
    for firing in firings.take(ROWS_MAX) {
        let _ = writeln!(
            text,
            "  {}  {:>6}  {}",
            times(firing),
            minutes(firing.minutes),
            harmless(&named(&firing.labels))
        );
    }
    if left_out > 0 {
        let _ = writeln!(text, "  and {left_out} more; --output json has all");
    }
}

fn times(firing: &BacktestFiring) -> String {
    let end = firing.resolved_at.as_deref().unwrap_or("still at the end");
    harmless(&format!("{} to {end}", firing.fired_at)).to_string()
}

fn minutes(minutes: u64) -> String {
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h{minutes}m"),
        (days, hours, minutes) => format!("{days}d{hours}h{minutes}m"),
    }
}

fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The name, and the other labels.
fn named(labels: &Labels) -> String {
    let name = labels.get("alertname").map_or("", |name| name);
    let others = labels.iter().filter(|(label, _)| &***label != "alertname");
    let others: Vec<String> = others.map(|(label, value)| format!("{label}={value}")).collect();
    format!("{name} {}", others.join(" "))
}
