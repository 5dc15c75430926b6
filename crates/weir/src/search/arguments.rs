//! The words of `weir search`, `weir tail` and `weir delete`.
//!
//! They stand together because they name records in the same way: a query, a span, a zone.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};

use crate::admin::{ResultOutput, ServerArguments};
use crate::cli::{FormatChoice, parse_format};

/// How records are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SearchOutput {
    /// For people: a line for each record.
    Text,
    /// One JSON object per line.
    Json,
    /// A table with a header.
    Csv,
}

/// Which records come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SearchOrder {
    /// The newest.
    Newest,
    /// The oldest.
    Oldest,
    /// As they are read, each as soon as it is found; only with PATH.
    Read,
}

/// `weir search`.
#[derive(Debug, Args)]
pub struct SearchArguments {
    /// Which records, as 'status:>=500 AND route:/checkout/*'; '*' is all. With `| stats` a table of numbers.
    #[arg(value_name = "QUERY", allow_hyphen_values = true)]
    pub query: String,
    /// Files, folders, patterns, or - for standard input; without any the server is asked.
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Only records from this time on: 2026-11-20T10:00:00Z, 2026-11-20, epoch seconds, or now-1h
    /// [default: an hour ago; with PATH the first].
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only records before this time.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Records at most; 0 is all [default: all, on a terminal 100].
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Which come first.
    #[arg(long, value_enum, default_value = "newest")]
    pub order: SearchOrder,
    /// Only these fields, separated by commas.
    #[arg(long, value_name = "FIELDS")]
    pub fields: Option<String>,
    /// The zone of times, as Europe/Berlin, or local [default: UTC].
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value = "text")]
    pub output: SearchOutput,
    /// With PATH: the format of the lines.
    #[arg(long, value_parser = parse_format, default_value = "auto", value_name = "FORMAT")]
    pub format: FormatChoice,
    /// With PATH: threads that read [default: one per core].
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// With PATH: end with code 3 if any line could not be parsed.
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub server: ServerArguments,
}

/// `weir tail`.
#[derive(Debug, Args)]
pub struct TailArguments {
    /// Which records; all by default.
    #[arg(value_name = "QUERY", default_value = "*", allow_hyphen_values = true)]
    pub query: String,
    /// Only these fields, separated by commas.
    #[arg(long, value_name = "FIELDS")]
    pub fields: Option<String>,
    /// The zone of times, as Europe/Berlin, or local [default: UTC].
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value = "text")]
    pub output: TailOutput,
    #[command(flatten)]
    pub server: ServerArguments,
}

/// How records are printed as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TailOutput {
    /// For people: a line for each record.
    Text,
    /// One JSON object per line.
    Json,
}

/// `weir delete`.
#[derive(Debug, Args)]
pub struct DeleteArguments {
    /// Which records, as 'user_email:"a@example.com"'.
    #[arg(value_name = "QUERY", allow_hyphen_values = true)]
    pub query: String,
    /// Records from this time on; 0 is the beginning.
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// Records before this time.
    #[arg(long, value_name = "TIME")]
    pub to: String,
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value = "table")]
    pub output: ResultOutput,
    #[command(flatten)]
    pub server: ServerArguments,
}
