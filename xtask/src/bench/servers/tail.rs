//! A log that is followed: what it costs until each line is counted, kept and durable, beside counting its line
//! ends.
//!
//! The file is there when the server starts, so this is how fast a backlog is caught up with. The server is asked
//! how far it is over `/metrics`, whose CPU time is in it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail};

use super::http::sum;
use super::process::{Listens, Server, now, until};
use super::{Scene, Values};
use crate::bench::subject::DataSet;

/// How long all lines may take.
const LIMIT: Duration = Duration::from_secs(600);

/// How often it is asked how far the server is.
const POLL: Duration = Duration::from_millis(20);

/// Files that nobody writes to, for what following them costs.
const IDLE_FILES: usize = 500;

/// How long they are followed.
const IDLE_FOR: Duration = Duration::from_secs(10);

/// What it is compared with.
pub const COUNT: &str = "wc -l < nginx/part-0000.log";

/// Counts line ends.
pub fn count(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let start = now();
    scene.shell.output(COUNT)?;
    let elapsed_s = start.elapsed().as_secs_f64();
    Ok(vec![("elapsed_s", elapsed_s), ("mb_per_s", bytes(scene)? / 1e6 / elapsed_s)])
}

/// `weir serve` until all is counted.
pub fn follow(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let path = "nginx/part-0000.log";
    let server = start(scene, &format!("{{name: nginx, type: file, format: nginx_json, path: {path}}}"))?;
    let (began, lines) = (now(), scene.lines(DataSet::Nginx)?);
    until("all lines to be counted", LIMIT, POLL, || {
        let metrics = server.metrics()?;
        let received = sum(&metrics, |name| name == "weir_source_received_total");
        let stored = sum(&metrics, |name| name == "weir_source_stored_total");
        if received > lines {
            bail!("{received} lines were counted of {lines}");
        }
        Ok((received == lines && stored == lines).then_some(()))
    })?;
    let (elapsed_s, cpu_s) = (began.elapsed().as_secs_f64(), server.cpu_s()?);
    let peak_mb = server.peak_rss_bytes()? / 1e6;
    server.stop()?;
    let megabytes = bytes(scene)? / 1e6;
    Ok(vec![
        ("cpu_s", cpu_s),
        ("elapsed_s", elapsed_s),
        ("mb_per_s", megabytes / elapsed_s),
        ("mb_per_cpu_s", megabytes / cpu_s),
        ("lines_per_cpu_s", lines / cpu_s),
        ("peak_mb", peak_mb),
    ])
}

/// `weir serve` on many files to which nothing is written.
pub fn idle(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let folder = scene.empty_folder("idle")?;
    let text = fs::read(scene.shell.folder().join("nginx/part-0000.log")).context("there is no log")?;
    // A line each, since files with the same text would be copies of each other.
    for (number, line) in text.split_inclusive(|&byte| byte == b'\n').take(IDLE_FILES).enumerate() {
        fs::write(folder.join(format!("{number}.log")), line).context("cannot write into the data folder")?;
    }
    let server = start(scene, "{name: idle, type: file, format: nginx_json, path: 'idle/*.log'}")?;
    until("all files to be read", LIMIT, POLL, || {
        let received = sum(&server.metrics()?, |name| name == "weir_source_received_total");
        Ok((received >= IDLE_FILES as f64).then_some(()))
    })?;
    let (before, began) = (server.cpu_s()?, now());
    until("some time to pass", LIMIT, POLL, || Ok((began.elapsed() >= IDLE_FOR).then_some(())))?;
    let share = (server.cpu_s()? - before) / began.elapsed().as_secs_f64();
    server.stop()?;
    scene.empty_folder("idle")?;
    Ok(vec![("cpu_percent", share * 100.0)])
}

fn start(scene: &Scene<'_>, source: &str) -> anyhow::Result<Server> {
    let folder = scene.empty_folder("serve")?;
    let config = format!("version: 1\nsources: [{source}]\n");
    fs::write(folder.join("weir.yaml"), config).context("cannot write into the data folder")?;
    let script = "exec weir serve --config serve/weir.yaml --listen 127.0.0.1:0 --data-dir serve/data";
    Server::start(scene.shell, script, &[], Listens::Logged)
}

fn bytes(scene: &Scene<'_>) -> anyhow::Result<f64> {
    let size = scene.sizes.iter().find(|size| size.data == DataSet::Nginx);
    Ok(size.context("there is no data `nginx`")?.text_bytes as f64)
}
