//! The words of `weir rejects` and `weir backfill`.
//!
//! Beside the commands and not with the others: they share how a server is found, which no other command asks.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::ConfigArgument;

/// Which server is asked.
#[derive(Debug, Args)]
pub struct ServerArguments {
    #[command(flatten)]
    pub config: ConfigArgument,
    /// The data folder, instead of data_dir of the config [default: ./weir-data].
    #[arg(long, value_name = "FOLDER", global = true)]
    pub data_dir: Option<PathBuf>,
    /// The server's address, with its scheme and port; else $WEIR_SERVER, or that of the data folder. The
    /// file that $WEIR_TOKEN_FILE names has the token.
    #[arg(long, value_name = "URL", global = true)]
    pub server: Option<String>,
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResultOutput {
    /// For people.
    Table,
    /// As the API answers it.
    Json,
}

/// `weir rejects`.
#[derive(Debug, Args)]
pub struct RejectsArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: RejectsCommand,
}

/// What to do with rejects.
#[derive(Debug, Subcommand)]
pub enum RejectsCommand {
    /// List them, oldest first.
    List(ListArguments),
    /// Show one, whole.
    Show(ShowArguments),
    /// Read them again, and count those that are records now.
    Replay(ReplayArguments),
}

/// Which rejects are meant.
#[derive(Debug, Args)]
pub struct Choice {
    /// Only of this source.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only with this reason, as bad_time.
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
}

/// `weir rejects list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    pub choice: Choice,
    /// Only those with ids above this one.
    #[arg(long, value_name = "ID")]
    pub after: Option<u64>,
    /// Rows to print, at most 1000.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub limit: usize,
    /// How to print it.
    #[arg(long, value_enum, default_value = "table")]
    pub output: ResultOutput,
}

/// `weir rejects show`.
#[derive(Debug, Args)]
pub struct ShowArguments {
    /// The id that the list has.
    pub id: u64,
    /// How to print it.
    #[arg(long, value_enum, default_value = "table")]
    pub output: ShowOutput,
}

/// How a reject is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShowOutput {
    /// For people.
    Table,
    /// As the API answers it.
    Json,
    /// Only what is kept of it, byte by byte.
    Raw,
}

/// `weir rejects replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The ids that the list has.
    #[arg(value_name = "ID", required_unless_present_any = ["all", "source", "reason"], conflicts_with = "all")]
    pub ids: Vec<u64>,
    /// All of them.
    #[arg(long, conflicts_with_all = ["source", "reason"])]
    pub all: bool,
    #[command(flatten)]
    pub choice: Choice,
    /// How to print the result.
    #[arg(long, value_enum, default_value = "table")]
    pub output: ResultOutput,
    /// End with code 3 if any of them stays.
    #[arg(long)]
    pub strict: bool,
}

/// `weir backfill`.
#[derive(Debug, Args)]
pub struct BackfillArguments {
    /// The bucket and with what keys begin: s3://bucket/prefix.
    #[arg(value_name = "URL")]
    pub url: String,
    /// Objects with lines from this time on: 2026-11-20T10:00:00Z, 2026-11-20, epoch seconds, or now-7d.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Objects with lines before this time.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Count them in the counters of /metrics too.
    #[arg(long)]
    pub counters: bool,
    /// The source that they are counted for [default: the one that reads this bucket, else `backfill`].
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    #[command(flatten)]
    pub server: ServerArguments,
    /// How to print the result.
    #[arg(long, value_enum, default_value = "table")]
    pub output: ResultOutput,
    /// End with code 3 if any line could not be parsed.
    #[arg(long)]
    pub strict: bool,
}
