//! `weir report`: what is slow and what fails, as a table, JSON or CSV.
//!
//! Its own tally instead of the metrics' histograms: those are kept by fixed labels in nineteen buckets, and
//! a report is by any field, with percentiles that may be quoted.

mod column;
mod format;
mod rows;
mod server;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use weir_enrich::Enriched;
use weir_meter::{GroupKey, Report};
use weir_record::Request;

use crate::cli::{ReportArguments, ReportOutput};
use crate::clock;
use crate::count;
use crate::files::{FilePlan, Input, tally_files};
use crate::output::{UsageError, exit_code, say, shown_csv};
use crate::search::{self, DefaultSpan, Question, QuestionText, RecordFilter, Zone};
use crate::setup;
use crate::shaping::Shaping;
use crate::tally::Tally;
pub use column::GroupColumn;
pub use format::{cut_middle, group_widths};
use rows::{Order, Table};

/// Runs the command.
///
/// # Errors
///
/// A path that names nothing, an unknown column, a wrong config or query, nobody who can be asked, or output that
/// cannot be written.
pub fn run(arguments: &ReportArguments) -> anyhow::Result<ExitCode> {
    let columns = columns(&arguments.by)?;
    let order =
        Order::parse(&arguments.order, &columns).map_err(|error| UsageError::new("--order", error))?;
    if arguments.paths.is_empty() {
        return server::run(arguments, &columns);
    }
    if columns.contains(&GroupColumn::Source) {
        let problem = "files belong to no source; without PATH the server is asked, which has sources";
        return Err(UsageError::new("--by", problem).into());
    }
    let question = question(arguments, DefaultSpan::Everything)?;
    let config = setup::load_config(arguments.server.config.config.as_deref())?;
    let enricher = setup::enricher(&config, count::unmatched_routes(&arguments.options))?;
    let inputs = Input::find(&arguments.paths)?;
    let filter = arguments.filter.as_ref();
    let shaping = Shaping::new(&config)?;
    let plan = FilePlan {
        span: (Some(question.from), Some(question.to)),
        filter: filter.map(|_| RecordFilter::new(&question.expression, question.predicate.clone())),
        ..count::plan(&arguments.options, &config, &enricher, &shaping)
    };
    let (tally, account) = tally_files(&inputs, &plan, || ReportTally::new(&columns, &question.zone));
    say(&account);
    let table = Table::new(&tally.report, &columns, order, arguments.limit);
    let text = match arguments.output {
        ReportOutput::Table => format::table(&table, terminal_columns()),
        ReportOutput::Json => format::json(&table)?,
        ReportOutput::Csv => shown_csv(format::csv(&table)),
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(exit_code(&account, arguments.options.strict))
}

/// Which requests of which span.
fn question(arguments: &ReportArguments, default: DefaultSpan) -> anyhow::Result<Question> {
    let text = QuestionText {
        query: arguments.filter.as_deref(),
        from: arguments.from.as_deref(),
        to: arguments.to.as_deref(),
        tz: arguments.tz.as_deref(),
    };
    Question::parse(text, clock::now(), default).and_then(Question::without_stats).map_err(search::told)
}

/// The report of all files below a folder by route and method, as the demo shows it first.
pub fn by_route(inputs: &[Input], plan: &FilePlan<'_>, rows: usize) -> String {
    let columns: Arc<[GroupColumn]> =
        Arc::new([GroupColumn::Route, GroupColumn::Field(weir_record::Field::Method)]);
    let (tally, _) = tally_files(inputs, plan, || ReportTally::new(&columns, &Zone::default()));
    format::table(&Table::new(&tally.report, &columns, Order::most_requests(), rows), terminal_columns())
}

fn columns(names: &[String]) -> anyhow::Result<Arc<[GroupColumn]>> {
    let columns: Result<Vec<_>, _> = names.iter().map(|name| GroupColumn::from_name(name.trim())).collect();
    Ok(columns.map_err(|error| UsageError::new("--by", error))?.into())
}

/// The width of the terminal. Where the output is none, that of `$COLUMNS`, as watch(1) sets it, else any: what was
/// cut is lost to whoever reads a file.
pub fn terminal_columns() -> usize {
    const COLUMNS_DEFAULT: usize = 80;
    if !std::io::stdout().is_terminal() {
        return setup::environment("COLUMNS").and_then(|columns| columns.parse().ok()).unwrap_or(usize::MAX);
    }
    terminal_size::terminal_size().map_or(COLUMNS_DEFAULT, |(width, _)| usize::from(width.0))
}

/// A report under way, and the columns that it groups by.
#[derive(Clone)]
struct ReportTally {
    report: Report,
    columns: Arc<[GroupColumn]>,
    zone: Zone,
    key: GroupKey,
}

impl ReportTally {
    fn new(columns: &Arc<[GroupColumn]>, zone: &Zone) -> Self {
        let (columns, zone) = (Arc::clone(columns), zone.clone());
        Self { report: Report::default(), columns, zone, key: GroupKey::default() }
    }
}

impl Tally for ReportTally {
    fn observe(&mut self, request: &Request<'_>, enriched: &Enriched<'_>) {
        self.key.clear();
        for column in self.columns.iter() {
            self.key.push(&column.value(request, enriched, &self.zone));
        }
        self.report.observe(&self.key, request);
    }

    fn absorb(&mut self, batch: &mut Self) {
        self.report.merge(&std::mem::take(&mut batch.report));
    }

    fn clear(&mut self) {
        self.report = Report::default();
    }
}
