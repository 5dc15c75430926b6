//! A search on the server, or in the data folder where none runs.
//!
//! Records come in pages that are asked for one after the other, so that any number of them is printed in bounded
//! memory; a table of records comes as one stream, since its columns depend on all of them.

use std::process::ExitCode;

use anyhow::Context;
use weir_web::{AggregateRequest, SearchFormat, SearchQuery};

use super::arguments::{SearchArguments, SearchOrder, SearchOutput};
use super::printer::Printer;
use super::question::{DefaultSpan, Question, QuestionText};
use super::{limit_of, names_of, say_exactness, say_shown, told};
use crate::account::counted;
use crate::admin::{Connection, runtime};
use crate::clock;
use crate::output::{UsageError, harmless, say};

/// Records of a page.
const PAGE_HITS: usize = 5_000;

/// Different warnings that are told of one search; a store with more damaged files needs no longer list.
const WARNINGS_MAX: usize = 100;

/// Asks, and prints the answer.
///
/// # Errors
///
/// A wrong query, nobody who can be asked, or output that cannot be written.
pub fn run(arguments: &SearchArguments) -> anyhow::Result<ExitCode> {
    let text = QuestionText {
        query: Some(&arguments.query),
        from: arguments.from.as_deref(),
        to: arguments.to.as_deref(),
        tz: arguments.tz.as_deref(),
    };
    // Read here too: a wrong query needs no server, and the pages must all be of one span.
    let question = Question::parse(text, clock::now(), DefaultSpan::LastHour).map_err(told)?;
    if arguments.order == SearchOrder::Read {
        let problem = "only files can be printed as they are read; name a PATH, or choose newest or oldest";
        return Err(UsageError::new("--order", problem).into());
    }
    runtime()?.block_on(async {
        let connection = Connection::open(&arguments.server, false).await?;
        let asked = async {
            if question.stats.is_some() {
                aggregate(&connection, arguments, &question).await
            } else {
                search(&connection, arguments, &question).await
            }
        };
        let outcome = tokio::select! {
            outcome = asked => outcome,
            _ = tokio::signal::ctrl_c() => {
                say(&"stopped; this is what was found by then");
                Ok(ExitCode::from(1))
            }
        };
        let closed = connection.close().await;
        outcome.and_then(|code| closed.map(|()| code))
    })
}

async fn aggregate(
    connection: &Connection,
    arguments: &SearchArguments,
    question: &Question,
) -> anyhow::Result<ExitCode> {
    let SearchQuery { query, from, to, tz, .. } = query_of(arguments, question);
    let request = AggregateRequest { query, from, to, tz, ..AggregateRequest::default() };
    let answer = connection.aggregate(request).await?;
    say_span(question, answer.complete_to.as_deref());
    Printer::new(arguments.output, None).rows(&answer)?;
    answer.warnings.iter().for_each(|warning| say(&harmless(warning)));
    say_exactness(&answer);
    Ok(ExitCode::from(u8::from(answer.is_partial)))
}

async fn search(
    connection: &Connection,
    arguments: &SearchArguments,
    question: &Question,
) -> anyhow::Result<ExitCode> {
    let limit = limit_of(arguments.limit);
    let mut printer = Printer::new(arguments.output, arguments.fields.as_deref().map(names_of));
    let mut query = query_of(arguments, question);
    let is_table = arguments.output == SearchOutput::Csv;
    query.limit = Some(if is_table { 0 } else { PAGE_HITS.min(limit) });
    let mut page = connection.search(query.clone()).await?;
    let total = page.total.unwrap_or(0);
    say_span(question, page.complete_to.as_deref());
    say(&counted(total, "record", "records"));
    page.warnings.iter().for_each(|warning| say(&harmless(warning)));
    let (mut told, mut is_partial) = (std::mem::take(&mut page.warnings), page.is_partial);
    let shown = if is_table {
        query.format = Some(SearchFormat::Csv);
        query.limit = Some(limit).filter(|limit| *limit != usize::MAX);
        let exported = connection.export(query, |bytes| printer.table(bytes)).await;
        printer.flush()?;
        exported.context("the table is not whole; the same search with --output json says why")?;
        total.min(limit as u64)
    } else {
        let mut left = limit;
        query.total = Some(false);
        loop {
            page.hits.iter().try_for_each(|hit| printer.hit(hit))?;
            printer.flush()?;
            left = left.saturating_sub(page.hits.len());
            query.cursor = page.cursor.take();
            if left == 0 || query.cursor.is_none() {
                break;
            }
            query.limit = Some(PAGE_HITS.min(left));
            page = connection.search(query.clone()).await?;
            is_partial |= page.is_partial;
            // Each file is named once, on whatever page it was to be read first.
            for warning in std::mem::take(&mut page.warnings) {
                if !told.contains(&warning) && told.len() < WARNINGS_MAX {
                    say(&harmless(&warning));
                    told.push(warning);
                }
            }
        }
        printer.hits()
    };
    printer.flush()?;
    if limit != usize::MAX {
        say_shown(shown, total);
    }
    Ok(ExitCode::from(u8::from(is_partial)))
}

/// The question as the server is asked it: with the times that were meant here.
fn query_of(arguments: &SearchArguments, question: &Question) -> SearchQuery {
    let order = if arguments.order == SearchOrder::Oldest { "oldest" } else { "newest" };
    SearchQuery {
        query: Some(arguments.query.clone()),
        from: Some(question.from.to_string()),
        to: Some(question.to.to_string()),
        order: Some(order.to_owned()),
        fields: arguments.fields.clone(),
        tz: zone_name(arguments.tz.as_deref(), question),
        ..SearchQuery::default()
    }
}

/// The zone's name; the zone of this machine is another one on the server.
fn zone_name(tz: Option<&str>, question: &Question) -> Option<String> {
    tz.map(|_| question.zone.name().to_owned())
}

fn say_span(question: &Question, complete_to: Option<&str>) {
    let zone = &question.zone;
    let complete = complete_to.map(|to| format!(", complete to {}", harmless(to))).unwrap_or_default();
    let (from, to) = (zone.text(question.from), zone.text(question.to));
    say(&format_args!("{from} to {to} ({}){complete}", zone.name()));
}
