//! Records in plain files, found without a server: every core reads, and nothing is kept but the answer.
//!
//! The threads that read are waited for from outside: at Ctrl-C what they have found by then is the answer. The lines
//! of a file that is cut off or damaged are shown as far as they go, unlike in counts, where half a file would
//! be a wrong number; the error is told and is the exit code.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;
use tokio::sync::mpsc;
use weir_ingest::{available_threads, for_each_object};
use weir_query::{Aggregation, Column, Expression, GroupBy, Operand, QueryError};
use weir_record::{KNOWN_FIELDS, canonical_name, known_field};
use weir_web::{Hit, Pairs};

use super::aggregation::rows;
use super::arguments::{SearchArguments, SearchOrder, SearchOutput};
use super::file_reader::{FileSearch, Found, Part, Worker};
use super::hit::{PLACE_FIELDS, TIME_FIELD};
use super::printer::Printer;
use super::question::{DefaultSpan, NO_MESSAGES, Question, QuestionText, has_words, missing_bar};
use super::{limit_of, names_of, told};
use crate::account::{counted, grouped};
use crate::clock;
use crate::files::Input;
use crate::output::{UsageError, exit_code, say};
use crate::progress::Progress;
use crate::setup;

/// Searches the files that the arguments name.
///
/// # Errors
///
/// A path that names nothing, a wrong query or config, or output that cannot be written.
pub fn run(arguments: &SearchArguments) -> anyhow::Result<ExitCode> {
    let search = Arc::new(file_search(arguments)?);
    let is_stopped = read_all(&search, arguments)?;
    answer(&search, arguments, is_stopped)
}

fn file_search(arguments: &SearchArguments) -> anyhow::Result<FileSearch> {
    let text = QuestionText {
        query: Some(&arguments.query),
        from: arguments.from.as_deref(),
        to: arguments.to.as_deref(),
        tz: arguments.tz.as_deref(),
    };
    let question = Question::parse(text, clock::now(), DefaultSpan::Everything).map_err(told)?;
    let fields = arguments.fields.as_deref().map(names_of);
    let is_as_read = arguments.order == SearchOrder::Read && question.stats.is_none();
    let mut printer = Printer::new(arguments.output, fields.clone());
    match &fields {
        None if is_as_read && arguments.output == SearchOutput::Csv => {
            let problem = "the columns of a table that is printed as it is read must be named with --fields";
            return Err(UsageError::new("--order read", problem).into());
        }
        Some(fields) if question.stats.is_none() => printer.columns(columns(fields.iter().cloned()))?,
        _ => {}
    }
    let config = setup::load_config(arguments.server.config.config.as_deref())?;
    let mut search = FileSearch::new(question, setup::enricher(&config, None)?, printer);
    search.inputs = Input::find(&arguments.paths)?;
    search.source = config.sources.first().map_or(String::new(), |source| source.name.clone());
    search.limits = setup::read_limits(&config.limits);
    search.format = arguments.format.0;
    search.fields = fields;
    search.is_as_read = is_as_read;
    search.is_oldest_first = arguments.order == SearchOrder::Oldest;
    search.limit = limit_of(arguments.limit);
    Ok(search)
}

/// Reads everything; whether it was stopped before the end.
fn read_all(search: &Arc<FileSearch>, arguments: &SearchArguments) -> anyhow::Result<bool> {
    let (done, mut is_done) = mpsc::channel::<()>(1);
    let threads = arguments.threads.unwrap_or_else(available_threads);
    let reading = Arc::clone(search);
    let reader = std::thread::Builder::new().name("search".to_owned());
    // Not joined where it is stopped: it ends with the process.
    let spawned = reader.spawn(move || {
        let progress = Progress::of_bytes(reading.inputs.iter().map(Input::bytes).sum());
        let inputs: Vec<(usize, &Input)> = reading.inputs.iter().enumerate().collect();
        // Standard input may be the largest of all, so it does not wait for the files.
        let cost =
            |(_, input): &(usize, &Input)| if **input == Input::Stdin { u64::MAX } else { input.bytes() };
        for_each_object(
            &inputs,
            threads,
            cost,
            || Worker::new(&reading),
            |worker, &(number, input)| {
                worker.read(&reading, number, input);
                progress.advance(input.bytes());
            },
        );
        progress.finish();
        let _ = done.blocking_send(());
    });
    spawned.context("cannot start a thread")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let stopped = runtime.context("cannot wait for the search")?.block_on(async {
        tokio::select! {
            _ = is_done.recv() => Ok(false),
            () = search.is_over() => Ok(false),
            stopped = tokio::signal::ctrl_c() => stopped.map(|()| true),
        }
    });
    stopped.context("cannot wait for Ctrl-C")
}

/// Prints what was found, behind what was read.
fn answer(search: &FileSearch, arguments: &SearchArguments, is_stopped: bool) -> anyhow::Result<ExitCode> {
    let Part { found, mut account, failure } = search.gathered();
    let mut printer = search.printer();
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    account.sort();
    say(&account);
    if arguments.tz.is_some() {
        say(&format_args!("times are those of {}", search.question.zone.name()));
    }
    let total = match found {
        Found::Printed(total) => total,
        Found::Groups(groups) => {
            let stats = groups.aggregation().clone();
            let answer = rows(&stats, &groups.into_answer(), &search.question.zone);
            printer.rows(&answer)?;
            answer.warnings.iter().for_each(say);
            let columns = stats.group_by.iter().map(GroupBy::name);
            let columns = columns.chain(stats.metrics.iter().filter_map(|(_, metric)| metric.field()));
            misspelt(columns.filter(|name| !groups_have(&stats, &answer.rows, name))).iter().for_each(say);
            super::say_exactness(&answer);
            u64::MAX
        }
        Found::Hits(hits) => {
            let (total, is_cut) = (hits.total, hits.is_cut);
            let hits = hits.into_hits();
            let chosen = search.fields.iter().flatten().map(String::as_str);
            let chosen = chosen.filter(|name| hits.iter().all(|hit| hit.get(name).is_none()));
            let misspelt = misspelt(chosen.filter(|_| !hits.is_empty()));
            print_hits(&mut printer, search, &hits)?;
            misspelt.iter().for_each(say);
            if is_cut {
                anyhow::bail!(
                    "{} match, more than fit into memory; the first {} were printed, take fewer with --limit, or all \
                     as they are read with --order read",
                    counted(total, "record", "records"),
                    grouped(hits.len() as u64)
                );
            }
            super::say_shown(hits.len() as u64, total);
            total
        }
    };
    printer.flush()?;
    if total == 0 {
        say(&nothing(search, &arguments.query));
    }
    if is_stopped {
        say(&"stopped; this is what was found by then");
        return Ok(ExitCode::from(1));
    }
    Ok(exit_code(&account, arguments.strict))
}

fn print_hits(printer: &mut Printer, search: &FileSearch, hits: &[Hit]) -> std::io::Result<()> {
    if search.fields.is_none() {
        let mut names: Vec<String> =
            hits.iter().flat_map(|hit| hit.0.iter().map(|(name, _)| name.clone())).collect();
        names.sort_by(|one, other| place_of(one).cmp(&place_of(other)).then_with(|| one.cmp(other)));
        names.dedup();
        printer.columns(columns(names.into_iter()))?;
    }
    hits.iter().try_for_each(|hit| printer.hit(hit))?;
    printer.flush()
}

/// The time, then the others.
fn columns(names: impl Iterator<Item = String>) -> Vec<String> {
    let others = names.filter(|name| name != TIME_FIELD);
    std::iter::once(TIME_FIELD.to_owned()).chain(others).collect()
}

/// Known fields first and in their order, then others, then where the record came from.
fn place_of(name: &str) -> usize {
    if let Some(place) = PLACE_FIELDS.iter().position(|field| *field == name) {
        return KNOWN_FIELDS.len() + 1 + place;
    }
    KNOWN_FIELDS.iter().position(|field| field.name == name).unwrap_or(KNOWN_FIELDS.len())
}

/// Why there may be nothing.
fn nothing(search: &FileSearch, query: &str) -> String {
    let expression = &search.question.expression;
    if let Some(meant) = missing_bar(query) {
        return format!("nothing matches; {meant}");
    }
    match expression.unknown_field(is_known, known_names()) {
        Some(error) => format!("nothing matches; {error}"),
        None if has_words(expression) && !search.has_events() => format!("nothing matches; {NO_MESSAGES}"),
        None => "nothing matches".to_owned(),
    }
}

/// What is to be said of names that nothing had a value for: those that are nearly the name of a field.
fn misspelt<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let error = |name: &str| {
        let (name, operand) = (name.to_owned(), Operand::Exists);
        let asked = Expression::Field { name, operand, column: Column(1) };
        let QueryError { problem, hint, .. } = asked.unknown_field(is_known, known_names())?;
        let hint = hint.filter(|hint| hint.contains("did you mean"))?;
        Some(format!("{problem}; {hint}"))
    };
    names.filter_map(error).collect()
}

/// Whether any row has a value that comes from this field.
fn groups_have(stats: &Aggregation, rows: &[Pairs<Value>], field: &str) -> bool {
    let metrics = stats.metrics.iter().filter(|(_, metric)| metric.field() == Some(field));
    let columns: Vec<&str> = metrics.map(|(name, _)| name.as_str()).chain([field]).collect();
    let has =
        |row: &Pairs<Value>, name: &&str| row.get(name).is_some_and(|value| !value.is_null() && *value != 0);
    rows.is_empty() || rows.iter().any(|row| columns.iter().any(|name| has(row, name)))
}

fn is_known(name: &str) -> bool {
    known_field(canonical_name(name)).is_some()
}

fn known_names() -> impl Iterator<Item = &'static str> {
    KNOWN_FIELDS.iter().flat_map(|field| field.aliases.iter().chain([&field.name])).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nothing_has_are_told_from_those_of_a_stranger() {
        let said = misspelt(["rotue", "tenant_of_somebody", "route"].into_iter());
        assert_eq!(said, ["no record has a field `rotue`; did you mean `route`?"]);
        let query = "| stats p95(requst_time), count() by rotue";
        let stats = weir_query::parse(query).unwrap().stats.unwrap();
        let rows = [serde_json::from_str(r#"{"rotue":null,"p95(requst_time)":null,"count()":3}"#).unwrap()];
        assert!(!groups_have(&stats, &rows, "rotue"));
        assert!(!groups_have(&stats, &rows, "requst_time"));
    }
}
