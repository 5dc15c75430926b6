//! `weir demo`: the main job on sample traffic, with nothing to set up.
//!
//! A day of a small shop's traffic is written as a load balancer would have delivered it, and more
//! every few seconds; from there on it is `weir serve`, so that what is seen here is what real logs
//! will give.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;

use crate::account::{counted, grouped};
use crate::cli::DemoArguments;
use crate::clock;
use crate::config::{self, ALB_LATENESS, Config, OBJECTS_RETENTION, PrometheusDuration, Source, SourceInput};
use crate::files::{FilePlan, Input};
use crate::output::{UsageError, say};
use crate::report;
use crate::sample::{
    FileSet, Format, Packing, Plan, Shares, Traffic, story_of_the_day, write_all, write_files,
    write_listener_rules, write_span,
};
use crate::serve;
use crate::setup;
use crate::shaping::Shaping;

const DAY_S: u64 = 86_400;

/// How long live traffic goes on, in days; nobody watches a demo for longer.
const LIVE_DAYS: u64 = 30;

/// How often live traffic is written.
const LIVE_INTERVAL: Duration = Duration::from_secs(5);

/// Load balancer nodes.
const NODES: usize = 2;

/// Rows of the first report.
const REPORT_ROWS: usize = 12;

/// Runs the command.
///
/// # Errors
///
/// A wrong argument, files that cannot be written, or an address that cannot be listened on.
pub fn run(arguments: &DemoArguments) -> anyhow::Result<ExitCode> {
    let duration = arguments.duration.as_deref().map(duration).transpose()?;
    match &arguments.write {
        Some(folder) => write(arguments, folder)?,
        None => live(arguments, duration)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn duration(text: &str) -> anyhow::Result<Duration> {
    let duration: PrometheusDuration =
        text.parse().map_err(|error| UsageError::new("--duration", format_args!("`{text}`: {error}")))?;
    Ok(duration.0)
}

/// A plan of `days` days from `start_s` on, each with its own incidents.
fn plan(arguments: &DemoArguments, start_s: i64, days: u64) -> Plan {
    let starts = (0..days).map(|day| start_s + (day * DAY_S) as i64);
    Plan {
        seed: arguments.seed,
        start_s,
        duration_s: days * DAY_S,
        requests: arguments.requests.saturating_mul(days),
        nodes: NODES,
        incidents: starts.flat_map(|start_s| story_of_the_day(start_s, DAY_S)).collect(),
    }
}

/// Only writes files. The day is a fixed one, so that the same arguments give the same bytes.
fn write(arguments: &DemoArguments, folder: &Path) -> anyhow::Result<()> {
    const FIXED_DAY_START_S: i64 = 1_795_132_800;
    let traffic = Traffic::new(plan(arguments, FIXED_DAY_START_S, 1));
    let format = match arguments.format.as_str() {
        "nginx_json" => Format::NginxJson,
        "nginx_json_user" => Format::NginxJsonUser,
        "errors" => Format::Errors,
        _ => Format::Alb,
    };
    let written = match arguments.files {
        None => write_all(&traffic, folder, format),
        Some(files) => {
            let shares = if arguments.half_in_one { Shares::HalfInFirst } else { Shares::Equal };
            let packing = if arguments.plain { Packing::Plain } else { Packing::Gzip };
            write_files(&traffic, folder, FileSet { files: files as u64, format, shares, packing })
        }
    }
    .with_context(|| format!("cannot write sample traffic to {}", folder.display()))?;
    if format == Format::Alb {
        write_listener_rules(folder).context("cannot write the listener rules")?;
    }
    let files = counted(written.files, "file", "files");
    say(&format_args!("wrote {files}, {} lines, {} bytes", grouped(written.lines), grouped(written.bytes)));
    Ok(())
}

/// Writes a day, prints a report of it, then serves while more is written.
fn live(arguments: &DemoArguments, duration: Option<Duration>) -> anyhow::Result<()> {
    let folder =
        tempfile::Builder::new().prefix("weir-demo-").tempdir().context("cannot make a temporary folder")?;
    let now_s = clock::now().micros() / 1_000_000;
    let traffic = Traffic::new(plan(arguments, now_s - DAY_S as i64, 1 + LIVE_DAYS));
    say(&format_args!("writing a day of sample traffic to {} ...", folder.path().display()));
    let start_s = traffic.plan().start_s;
    write_intervals(&traffic, folder.path(), start_s, now_s)?;
    write_listener_rules(folder.path()).context("cannot write the listener rules")?;

    let config = demo_config(arguments, folder.path())?;
    print_report(&config, folder.path())?;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_live(&traffic, folder.path(), now_s, &is_over));
        let served = serve::serve(&config, say_where, duration);
        is_over.store(true, Ordering::Relaxed);
        writer.thread().unpark();
        served
    })
}

fn say_where(address: std::net::SocketAddr) {
    say(&format_args!(
        "\nmetrics:  http://{address}/metrics\nroutes:   http://{address}/api/routes?from=now-24h\n\
         search:   weir search 'status:>=500' --from now-24h --server http://{address}\n\
         watch:    weir tail 'status:>=500' --server http://{address}\n\
         more traffic arrives every few seconds; stop with Ctrl-C"
    ));
}

/// Writes a span as a load balancer delivers it: a file per node and five minutes.
fn write_intervals(traffic: &Traffic, folder: &Path, from_s: i64, to_s: i64) -> anyhow::Result<()> {
    const INTERVAL_S: i64 = 300;
    let mut from_s = from_s;
    while from_s < to_s {
        let end_s = ((from_s.div_euclid(INTERVAL_S) + 1) * INTERVAL_S).min(to_s);
        write_span(traffic, folder, Format::Alb, from_s..end_s).context("cannot write sample traffic")?;
        from_s = end_s;
    }
    Ok(())
}

/// Writes what happens until the demo is over.
fn write_live(traffic: &Traffic, folder: &Path, from_s: i64, is_over: &AtomicBool) {
    let mut from_s = from_s;
    while !is_over.load(Ordering::Relaxed) {
        std::thread::park_timeout(LIVE_INTERVAL);
        let now_s = clock::now().micros() / 1_000_000;
        if now_s <= from_s {
            continue;
        }
        if let Err(error) = write_span(traffic, folder, Format::Alb, from_s..now_s) {
            tracing::error!(error = error.to_string(), "cannot write more sample traffic");
            return;
        }
        from_s = now_s;
    }
}

fn demo_config(arguments: &DemoArguments, folder: &Path) -> anyhow::Result<Config> {
    let below = |pattern: &str| format!("{}/{pattern}", folder.display());
    let mut config = Config {
        sources: vec![Source {
            name: "alb".to_owned(),
            input: SourceInput::Files(vec![below("**/*.log.gz")]),
            format: Some(weir_record::Format::Alb),
            inner_formats: weir_record::InnerFormats::default(),
            lateness: ALB_LATENESS,
            listener_rules: vec![below("*.json")],
            listener_rules_api: None,
            objects_retention: OBJECTS_RETENTION,
            keep: config::Keep::All,
            files: config::FileReading::default(),
            fields: config::SourceFields::default(),
        }],
        data_dir: folder.join("weir-data"),
        ..Config::default()
    };
    config.http.listen =
        config::parse_address(&arguments.listen).map_err(|error| UsageError::new("--listen", error))?;
    Ok(config)
}

fn print_report(config: &Config, folder: &Path) -> anyhow::Result<()> {
    let enricher = setup::enricher(config, None)?;
    let inputs = Input::find(&[format!("{}/**/*.log.gz", folder.display())])?;
    let plan = FilePlan {
        format: Some(weir_record::Format::Alb),
        span: (None, None),
        limits: setup::read_limits(&config.limits),
        threads: None,
        enricher: &enricher,
        source: "alb",
        shaping: &Shaping::default(),
        filter: None,
    };
    std::io::stdout().lock().write_all(report::by_route(&inputs, &plan, REPORT_ROWS).as_bytes())?;
    Ok(())
}
