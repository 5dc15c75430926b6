//! Objects from a queue: what `weir serve` costs for each line, beside `weir count` on the same files.
//!
//! Both read the same lines, so the ratio is what exactly-once, the network and the ledger cost. The
//! emulator has its own process, whose CPU time is not in it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail};

use super::aws::{Aws, CREDENTIALS};
use super::http::sum;
use super::process::{Listens, Server, now, until};
use super::{Scene, Values};
use crate::bench::counted::Counted;
use crate::bench::measure::measure;
use crate::bench::subject::{Clock, DataSet, Subject};

/// How long all objects may take.
const LIMIT: Duration = Duration::from_secs(600);

/// How often the emulator is asked how far the server is.
const POLL: Duration = Duration::from_millis(100);

/// What it is compared with.
pub const COUNT: Subject = Subject {
    name: "objects-count",
    tool: "weir",
    data: DataSet::Objects,
    counted: Counted::WeirSummary,
    clock: Clock::Process,
    command: "weir count objects/*.log.gz > /dev/null",
};

/// `weir count`.
pub fn count(scene: &Scene<'_>) -> anyhow::Result<Values> {
    static SUBJECT: Subject = COUNT;
    let run = measure(scene.shell, &SUBJECT, 0)?;
    let records = run.lines_counted.context("weir says no number of records")? as f64;
    let lines = scene.lines(DataSet::Objects)?;
    Ok(values(lines, records, run.cpu_s(), run.wall_s, run.peak_rss_bytes as f64))
}

/// `weir serve`.
pub fn serve(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let folder = scene.empty_folder("serve")?;
    let mut aws = scene.aws.borrow_mut();
    if aws.is_none() {
        *aws = Some(Aws::start(scene.shell, DataSet::Objects.folder())?);
    }
    let aws = aws.as_mut().context("the emulator of AWS has ended")?;
    let config = format!("version: 1\nsources: [{}]\n", aws.source()?);
    fs::write(folder.join("weir.yaml"), config).context("cannot write into the data folder")?;

    let start = now();
    let script = "exec weir serve --config serve/weir.yaml --listen 127.0.0.1:0 --data-dir serve/data";
    let server = Server::start(scene.shell, script, &CREDENTIALS, Listens::Logged)?;
    until("all objects to be counted", LIMIT, POLL, || Ok((aws.messages_left()? == 0).then_some(())))?;
    let (cpu_s, wall_s) = (server.cpu_s()?, start.elapsed().as_secs_f64());
    let peak_rss_bytes = server.peak_rss_bytes()?;

    let metrics = server.metrics()?;
    let of = |wanted: &str| sum(&metrics, |name| name == wanted);
    let (records, rejects) = (of("weir_source_stored_total"), of("weir_source_rejected_total"));
    let lines = scene.lines(DataSet::Objects)?;
    if records + rejects != lines {
        bail!("{records} records and {rejects} rejects were counted of {lines} lines");
    }
    server.stop()?;
    Ok(values(lines, records, cpu_s, wall_s, peak_rss_bytes))
}

fn values(lines: f64, records: f64, cpu_s: f64, wall_s: f64, peak_rss_bytes: f64) -> Values {
    vec![
        ("cpu_s", cpu_s),
        ("elapsed_s", wall_s),
        ("lines_per_cpu_s", lines / cpu_s),
        ("peak_mb", peak_rss_bytes / 1e6),
        ("records", records),
    ]
}
