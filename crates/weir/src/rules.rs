//! `weir rules`: the promises of the config as rules for a Prometheus, and tests for them.
//!
//! What the rules say is `weir_alert`'s; here is only how the counts of each source come to Prometheus, which the
//! config knows: scraped as they come, or written at event time some minutes later.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use weir_alert::rule_file::{self, Arrival, RuleSource, Scenario, TargetVersion, Track};
use weir_alert::{Condition, Events, Labels, Sla};
use weir_record::Format;

use crate::cli::{RulesArguments, RulesVersion};
use crate::config::{Config, SourceSelection};
use crate::output::say;
use crate::setup;

/// The rules on weir's own counts.
const RULES: &str = "weir.rules.yaml";

/// The tests of them.
const TESTS: &str = "weir.rules.test.yaml";

/// The rules on nginx' histogram.
const PLAIN_RULES: &str = "weir-plain.rules.yaml";

/// What is written for remote write to have come, beyond the lateness of a source, in seconds.
const WRITING: i64 = 60;

/// Minutes of a test that all is well, that nothing is, and that it is again.
const PHASES: [i64; 3] = [20, 40, 40];

/// Runs the command.
///
/// # Errors
///
/// A wrong config, one without promises, or files that cannot be written.
pub fn run(arguments: &RulesArguments) -> anyhow::Result<ExitCode> {
    let config = setup::load_config(arguments.config.config.as_deref())?;
    if config.slas.is_empty() {
        bail!("the config has no `slas` to make rules of; see docs/slas.md");
    }
    let version = match arguments.target_version {
        RulesVersion::V2_42 => TargetVersion::V2_42,
        RulesVersion::V2_53 => TargetVersion::V2_53,
        RulesVersion::V3 => TargetVersion::V3,
    };
    let sources: Vec<RuleSource<'_>> = config
        .slas
        .iter()
        .map(|sla| RuleSource { sla: &sla.sla, arrival: arrival(&config, &sla.sla.source) })
        .collect();
    let rules = rule_file::rule_file(&sources, version);
    let Some(folder) = &arguments.out else {
        std::io::stdout().lock().write_all(rules.as_bytes()).context("cannot write the rules")?;
        return Ok(ExitCode::SUCCESS);
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let scenarios: Vec<Scenario<'_>> = sources.iter().map(scenario).collect();
    write(folder, RULES, &rules)?;
    write(folder, TESTS, &rule_file::test_file(RULES, &scenarios))?;
    if let Some(plain) = rule_file::plain_rule_file(&sources, version) {
        write(folder, PLAIN_RULES, &plain)?;
    }
    say(&format_args!(
        "wrote rules of {} SLAs into {}; check them with: promtool test rules {}",
        sources.len(),
        folder.display(),
        folder.join(TESTS).display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Whole or not at all: a Prometheus may read the file at any moment.
fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let (path, new) = (folder.join(name), folder.join(format!(".{name}.new")));
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// How counts of a source come to Prometheus.
fn arrival(config: &Config, name: &str) -> Arrival {
    let source = config.sources.iter().find(|source| source.name == name);
    let lateness = source.map_or(0, |source| source.lateness.as_secs().div_ceil(60) * 60);
    let lateness = i64::try_from(lateness).unwrap_or(i64::MAX / 2);
    let is_written = config.metrics.remote_write.iter().any(|target| match &target.sources {
        SourceSelection::All => true,
        SourceSelection::Named(names) => names.iter().any(|own| own == name),
    });
    Arrival {
        written_after: is_written.then_some(lateness + WRITING),
        lateness,
        is_nginx: source.is_none_or(|source| source.format != Some(Format::Alb)),
    }
}

/// All is well, then nothing is, then all is again.
fn scenario<'a>(RuleSource { sla, arrival }: &RuleSource<'a>) -> Scenario<'a> {
    let per_minute = sla.rules().iter().map(events_min).max().unwrap_or(1).clamp(1, 1_000_000);
    let phase = |minutes: i64, bad: u64| (0..minutes).map(move |_| Events { good: per_minute - bad, bad });
    let [well, broken, again] = PHASES;
    let events: Vec<Events> =
        phase(well, 0).chain(phase(broken, per_minute)).chain(phase(again, 0)).collect();
    Scenario {
        name: format!("{}: requests are good, then bad, then good", sla.name),
        sla,
        tracks: vec![Track { instance: instance(sla), born: 0, events }],
        minutes: PHASES.iter().sum(),
        offset: arrival.written_after.unwrap_or(0) / 60,
    }
}

fn events_min(rule: &weir_alert::Rule) -> u64 {
    match &rule.condition {
        Condition::Share { pairs, .. } => pairs.iter().map(|pair| pair.events_min).max().unwrap_or(1),
        _ => 1,
    }
}

/// An instance that the config names, or one that could be.
fn instance(sla: &Sla) -> Labels {
    let named = sla.named_instances().into_iter().next();
    named.unwrap_or_else(|| {
        let value = |name: &str| if name == "route" { "/example" } else { "GET" };
        sla.instance_labels().into_iter().map(|name| (name.into(), value(name).into())).collect()
    })
}
