//! `weir count`: files in, metrics out.
//!
//! The metrics are written family by family: the text of all series at the full budget is hundreds of
//! megabytes, and a command that reads any amount of logs in bounded memory must not fail on its answer.

use std::io::Write;
use std::process::ExitCode;

use weir_meter::exposition;
use weir_meter::{Meter, View};

use crate::cli::{CountArguments, ReadOptions};
use crate::config::Config;
use crate::files::{FilePlan, Input, tally_files};
use crate::output::{exit_code, say};
use crate::setup;
use crate::shaping::Shaping;

/// Runs the command.
///
/// # Errors
///
/// A path that names nothing, a wrong config, or output that cannot be written.
pub fn run(arguments: &CountArguments) -> anyhow::Result<ExitCode> {
    let config = setup::load_config(arguments.config.config.as_deref())?;
    let inputs = Input::find(&arguments.read.paths)?;
    let enricher = setup::enricher(&config, unmatched_routes(&arguments.read.options))?;
    let shaping = Shaping::new(&config)?;
    let plan = plan(&arguments.read.options, &config, &enricher, &shaping);
    let options = setup::meter_options(&config, &enricher, false);
    let (meter, account) = tally_files(&inputs, &plan, || Meter::new(options));
    say(&account);
    let mut out = std::io::stdout().lock();
    for family in meter.families(View::ALL) {
        exposition::write_text(&family, |text| out.write_all(text))?;
    }
    Ok(exit_code(&account, arguments.read.options.strict))
}

/// The mode of `--routes`; clap has checked the word.
pub fn unmatched_routes(arguments: &ReadOptions) -> Option<weir_enrich::UnmatchedRoutes> {
    arguments.routes.as_deref().and_then(|mode| mode.parse().ok())
}

/// How to read what `arguments` name, all of it.
pub fn plan<'a>(
    arguments: &ReadOptions,
    config: &'a Config,
    enricher: &'a weir_enrich::Enricher,
    shaping: &'a Shaping,
) -> FilePlan<'a> {
    FilePlan {
        format: arguments.format.0,
        span: (None, None),
        limits: setup::read_limits(&config.limits),
        threads: arguments.threads,
        enricher,
        // Whose files they are cannot be told; the first source is right where there is one.
        source: config.sources.first().map_or("", |source| &source.name),
        shaping,
        filter: None,
    }
}
