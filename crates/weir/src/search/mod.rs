//! `weir search`, `weir tail` and `weir delete`: records, wherever they are.
//!
//! What a question is and how a record is shown stands here once, for the server, for a command that asks it and for
//! files without any server; so the same words give the same answer in all three.

mod aggregation;
mod arguments;
mod best_hits;
mod delete;
mod file_reader;
mod files;
mod hit;
mod printer;
mod question;
mod record_context;
mod rows_table;
mod server;
mod tail;
mod text_line;
mod zone;

use std::io::IsTerminal;
use std::process::ExitCode;

use weir_web::{AggregateAnswer, RecordsProblem, RecordsProblemKind};

pub use aggregation::{aggregation, rows};
pub use arguments::{DeleteArguments, SearchArguments, TailArguments};
pub use delete::run as delete;
pub use hit::{ID_FIELD, PLACE_FIELDS, TIME_FIELD, hit, json};
pub use question::{
    DefaultSpan, NO_MESSAGES, Question, QuestionText, bad_parameters, bad_query, has_words, missing_bar,
};
pub use record_context::{RecordFilter, enriched_context};
pub use rows_table::aligned;
pub use tail::run as tail;
pub use text_line::text_line;
pub use zone::Zone;

use crate::account::grouped;
use crate::output::{UsageError, say};

/// Records on a terminal unless more are asked for.
const TERMINAL_HITS: usize = 100;

/// Runs `weir search`.
///
/// # Errors
///
/// A wrong query, nobody who can be asked, a path that names nothing, or output that cannot be written.
pub fn run(arguments: &SearchArguments) -> anyhow::Result<ExitCode> {
    if arguments.paths.is_empty() { server::run(arguments) } else { files::run(arguments) }
}

/// Records at most: what was asked for, else all, or as many as are read on a terminal.
fn limit_of(limit: Option<usize>) -> usize {
    match limit {
        Some(0) => usize::MAX,
        Some(limit) => limit,
        None if std::io::stdout().is_terminal() => TERMINAL_HITS,
        None => usize::MAX,
    }
}

/// The names in a list with commas, as records have them.
fn names_of(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| weir_record::canonical_name(name).to_owned()).collect()
}

/// What is wrong, as a command says it: wrong use is told from failure.
pub fn told(problem: RecordsProblem) -> anyhow::Error {
    let parameter = |name: &str| {
        let error = problem.error.strip_prefix(name)?.strip_prefix(": ")?.to_owned();
        Some(RecordsProblem { error, ..problem.clone() })
    };
    match problem.kind {
        RecordsProblemKind::BadQuery => UsageError::new("the query", problem).into(),
        RecordsProblemKind::BadParameters => match (parameter("from"), parameter("to"), parameter("tz")) {
            (Some(problem), ..) => UsageError::new("--from", problem).into(),
            (_, Some(problem), _) => UsageError::new("--to", problem).into(),
            (.., Some(problem)) => UsageError::new("--tz", problem).into(),
            _ => UsageError::new("the arguments", problem).into(),
        },
        _ => problem.into(),
    }
}

/// Says how many records were left out, if any were.
fn say_shown(shown: u64, total: u64) {
    if shown < total {
        let (shown, total) = (grouped(shown), grouped(total));
        say(&format_args!("{shown} of {total} records; --limit 0 prints all"));
    }
}

/// Says how far numbers may be off, if they may.
fn say_exactness(answer: &AggregateAnswer) {
    if !answer.is_exact {
        let percent = answer.error_bound * 100.0;
        say(&format_args!("not every number is exact: each is within {percent} % of the right one"));
    }
}
