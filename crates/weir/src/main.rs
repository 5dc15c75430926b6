//! `weir`: from the command line to the commands.
//!
//! This file decides which command runs and how its failure is told; the commands are glue between
//! the crates that do the work.

mod account;
mod admin;
mod alerts;
mod backtest;
mod check;
mod cli;
mod clock;
mod config;
mod count;
mod demo;
mod files;
mod import_beaver;
mod init;
mod lambda;
mod log;
mod manual;
mod notify;
mod object_counter;
mod output;
mod password_file;
mod progress;
mod push;
mod report;
mod rules;
mod sample;
mod search;
mod serve;
mod setup;
mod shaping;
mod silence;
mod tally;
mod whole_file;

use std::io;
use std::process::ExitCode;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::of_process();
    log::start(cli.log_format);
    let result = match &cli.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::ImportBeaver(arguments) => import_beaver::run(arguments),
        Command::Count(arguments) => count::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Push(arguments) => push::run(arguments),
        Command::Lambda => lambda::run(),
        Command::Rejects(arguments) => admin::rejects(arguments),
        Command::Backfill(arguments) => admin::backfill(arguments),
        Command::Search(arguments) => search::run(arguments),
        Command::Tail(arguments) => search::tail(arguments),
        Command::Delete(arguments) => search::delete(arguments),
        Command::Silence(arguments) => silence::run(arguments),
        Command::Notify(arguments) => notify::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Alerts(arguments) => alerts::run(arguments),
        Command::Backtest(arguments) => backtest::run(arguments),
        Command::Rules(arguments) => rules::run(arguments),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man => manual::man(),
    };
    result.unwrap_or_else(|error| {
        if is_closed_pipe(&error) {
            return ExitCode::SUCCESS;
        }
        output::say(&format_args!("weir: {error:#}"));
        output::failure_code(&error)
    })
}

/// Whether whoever read the output has read enough, as `head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
