//! `weir rejects` and `weir backfill`: what whoever keeps a server running asks of it.
//!
//! The commands only ask and print. What answers is the server's desk in either case: over its socket or
//! address, or in this process where no server runs.

mod arguments;
mod client;
mod connection;
mod print;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use weir_web::{BackfillRequest, BackfillState, RejectsQuery, ReplayRequest};

pub use arguments::{BackfillArguments, RejectsArguments, ResultOutput, ServerArguments};
use arguments::{ListArguments, RejectsCommand, ReplayArguments, ShowArguments, ShowOutput};
pub use client::{ApiClient, escaped};
pub use connection::Connection;

use crate::output::{harmless, pretty_json, say};
use crate::progress::Progress;
use crate::report::terminal_columns;

/// `weir rejects`.
///
/// # Errors
///
/// Nobody who can be asked, or an answer that says what is wrong.
pub fn rejects(arguments: &RejectsArguments) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(async {
        let connection = Connection::open(&arguments.server, false).await?;
        let outcome = match &arguments.command {
            RejectsCommand::List(list) => self::list(&connection, list).await,
            RejectsCommand::Show(show) => self::show(&connection, show).await,
            RejectsCommand::Replay(replay) => self::replay(&connection, replay).await,
        };
        let closed = connection.close().await;
        outcome.and_then(|code| closed.map(|()| code))
    })
}

/// `weir backfill`.
///
/// # Errors
///
/// Nobody who can be asked, or an answer that says what is wrong.
pub fn backfill(arguments: &BackfillArguments) -> anyhow::Result<ExitCode> {
    runtime()?.block_on(async {
        let connection = Connection::open(&arguments.server, true).await?;
        let outcome = count_history(&connection, arguments).await;
        let closed = connection.close().await;
        outcome.and_then(|code| closed.map(|()| code))
    })
}

/// The runtime of a command that asks.
///
/// # Errors
///
/// No threads.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().context("cannot start the async runtime")
}

async fn list(connection: &Connection, arguments: &ListArguments) -> anyhow::Result<ExitCode> {
    let query = RejectsQuery {
        after: arguments.after,
        limit: Some(arguments.limit),
        source: arguments.choice.source.clone(),
        reason: arguments.choice.reason.clone(),
    };
    let page = connection.rejects(query).await?;
    match arguments.output {
        ResultOutput::Json => print_json(&page)?,
        ResultOutput::Table => {
            print_text(&print::list(&page, terminal_columns()))?;
            if let Some(next) = page.next {
                say(&format_args!("there may be more: --after {next}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(connection: &Connection, arguments: &ShowArguments) -> anyhow::Result<ExitCode> {
    let detail = connection.reject(arguments.id).await?;
    match arguments.output {
        ShowOutput::Json => print_json(&detail)?,
        ShowOutput::Table => print_text(&print::detail(&detail))?,
        ShowOutput::Raw => std::io::stdout().write_all(&detail.bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn replay(connection: &Connection, arguments: &ReplayArguments) -> anyhow::Result<ExitCode> {
    let request = ReplayRequest {
        ids: (!arguments.ids.is_empty()).then(|| arguments.ids.clone()),
        source: arguments.choice.source.clone(),
        reason: arguments.choice.reason.clone(),
        text: None,
    };
    let result = connection.replay(request).await?;
    match arguments.output {
        ResultOutput::Json => print_json(&result)?,
        ResultOutput::Table => {
            for problem in &result.problems {
                say(&format_args!("reject {}: {}", problem.id, harmless(&problem.error)));
            }
            print_text(&print::replayed(&result))?;
        }
    }
    let is_clean = result.still_rejected == 0 || !arguments.strict;
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

async fn count_history(connection: &Connection, arguments: &BackfillArguments) -> anyhow::Result<ExitCode> {
    let request = BackfillRequest {
        url: arguments.url.clone(),
        from: arguments.from.clone(),
        to: arguments.to.clone(),
        counters: arguments.counters,
        source: arguments.source.clone(),
    };
    let progress = Progress::of_bytes(0);
    let outcome = connection
        .backfill(request, |message| progress.reach(message.done_bytes, message.listed_bytes))
        .await;
    progress.finish();
    let result = outcome?;
    match arguments.output {
        ResultOutput::Json => print_json(&result)?,
        ResultOutput::Table => print_text(&print::backfilled(&result))?,
    }
    print::backfill_notes(&result).iter().for_each(|note| say(&note));
    Ok(match result.state {
        BackfillState::Complete if arguments.strict && result.rejects + result.rejected_objects > 0 => {
            ExitCode::from(3)
        }
        BackfillState::Complete => ExitCode::SUCCESS,
        BackfillState::Running | BackfillState::Incomplete => ExitCode::from(1),
    })
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print_text(&pretty_json(value)?)
}

fn print_text(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
