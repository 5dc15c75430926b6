//! `weir check`: is the config right, and what would become of these lines?
//!
//! `--try` exists because a route pattern or a service that matches nothing is not wrong, only useless, and
//! no check of the config alone can tell. It uses the reader and the enricher of the real commands.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use weir_enrich::{Enricher, Scratch};
use weir_ingest::{ObjectLine, ObjectReader, Outcome};
use weir_record::{Record, Request};

use crate::account::counted;
use crate::cli::CheckArguments;
use crate::config::{self, Config};
use crate::output::{harmless, say};
use crate::setup;

/// Runs the command.
///
/// # Errors
///
/// No config was found, or everything that is wrong with it and with the files it names.
pub fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let path = setup::find_config(arguments.config.config.as_deref());
    let config = match (&path, &arguments.try_file) {
        (Some(path), _) => setup::read_config(path)?,
        (None, Some(_)) => Config::default(),
        (None, None) => {
            bail!("no config found; name one with -c, or print one with: weir init alb > weir.yaml")
        }
    };
    let enricher = setup::enricher(&config, None)?;
    if let Some(path) = &path {
        say(&format_args!(
            "{} is right: {}, {}",
            path.display(),
            counted(config.sources.len() as u64, "source", "sources"),
            counted(config.services.len() as u64, "service", "services")
        ));
        config::remarks(&config).iter().for_each(|remark| say(&format_args!("note: {remark}")));
    }
    if let Some(file) = &arguments.try_file {
        try_lines(file, &config, &enricher)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what becomes of each line of a file.
fn try_lines(file: &Path, config: &Config, enricher: &Enricher) -> anyhow::Result<()> {
    // Which source a file belongs to cannot be told from it; the first is right where there is one.
    let source = config.sources.first();
    let name = source.map_or("", |source| source.name.as_str());
    let format = source.and_then(|source| source.format);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut scratch = Scratch::default();
    let mut written = Ok(());
    let each = |line: ObjectLine<'_, '_>| {
        let shown = match line {
            ObjectLine::Line(line) => match line.outcome {
                Ok(Record::Request(request)) => {
                    format!("{}: {}", line.number, describe(request, name, enricher, &mut scratch))
                }
                Ok(Record::Event(event)) => {
                    format!("{}: event time={} (it has no request to count)", line.number, event.time)
                }
                Err(reject) => format!("{}: reject ({}): {reject}", line.number, reject.reason.label()),
            },
            ObjectLine::Long(number, reject) => {
                format!("{number}: reject ({}): {reject}", reject.reason.label())
            }
        };
        if written.is_ok() {
            written = writeln!(out, "{shown}");
        }
    };
    let mut reader = ObjectReader::new(setup::read_limits(&config.limits));
    let outcome = if file == Path::new("-") {
        reader.read_stream(io::stdin().lock(), format, each)
    } else {
        reader.read_file(file, format, each)
    };
    let outcome = outcome.with_context(|| format!("cannot try the lines of {}", file.display()))?;
    written.and_then(|()| out.flush()).context("cannot write what becomes of the lines")?;
    if let Outcome::Skipped(kind) = outcome {
        say(&format_args!("{} would be skipped: {} hold no requests", file.display(), kind.description()));
    }
    Ok(())
}

/// The fields that decide how a request is counted, one `name=value` each.
fn describe(request: &Request<'_>, source: &str, enricher: &Enricher, scratch: &mut Scratch) -> String {
    let enriched = enricher.enrich(source, request, scratch);
    let seconds = |micros: Option<u64>| micros.map(|micros| format!("{}s", micros as f64 / 1e6));
    let fields = [
        ("time", Some(request.time.to_string())),
        ("service", enriched.service.map(|service| service.name.clone())),
        ("host", Some(enriched.host.to_owned())),
        ("method", Some(enriched.method.to_owned())),
        ("route", Some(enriched.route.to_owned())),
        ("status", request.status.map(|status| status.to_string())),
        ("target_status", request.target_status.map(|status| status.to_string())),
        ("request_time", seconds(request.request_time_us)),
        ("upstream_time", seconds(request.upstream_time_us)),
        ("target_group", Some(enriched.target_group.to_owned()).filter(|group| !group.is_empty())),
    ];
    let shown = fields.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", harmless(&value?))));
    shown.collect::<Vec<_>>().join(" ")
}
