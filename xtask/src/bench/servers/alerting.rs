//! Promises and alerts: a moment judged, a month judged again, and what of it lies on the disk.
//!
//! The folder is made once for all rounds, by a server that counts one request and a program that adds the rest under
//! the same key (`crates/ledger/examples/event_history.rs`): to send fifty million requests would measure their
//! counting, which others measure.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::http::sum;
use super::process::{Listens, Server, now, until};
use super::{Scene, Values};

/// How long a folder may take to be made ready.
const LIMIT: Duration = Duration::from_secs(60);

/// How often it is asked how far the server is.
const POLL: Duration = Duration::from_millis(20);

/// What is measured of a moment.
pub const TICK: &str = "alert_rate";

/// What is measured of a month.
pub const BACKTEST: &str =
    "weir backtest over 30 days of 100 routes, 50,000,000 requests, from what was counted";

/// What is measured of a year.
pub const YEAR: &str =
    "weir serve on minutes of 1,000 instances, each with a request in each minute, from its start";

/// Requests in each minute: fifty million in 30 days.
const REQUESTS_PER_MINUTE: u64 = 1_158;

/// Days of instances that all have requests in all minutes; a year is as many times as much.
const DENSE_DAYS: u64 = 5;

/// The config of a server with one promise.
const CONFIG: &str = "sources: [{name: web, type: file, path: 'FOLDER/log.json', format: nginx_json}]
services: [{name: shop, match: {source: web}, routes: [/a]}]
slas:
  - name: latency
    service: shop
    by: [route]
    indicator: {latency: {threshold: 0.4s}}
    objective: 99
    alerting:
      - {name: Slow, kind: threshold, window: 5m, for: 5m}
      - {name: Burn, kind: burnrate}
";

/// Judges ten thousand instances at one moment.
pub fn tick(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let output = scene.shell.output(TICK)?;
    Ok(vec![("tick_ms", value(&output, "tick_ms")?), ("tick_max_ms", value(&output, "tick_max_ms")?)])
}

/// Judges a month again.
pub fn backtest(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let days = if scene.is_quick { 3 } else { 30 };
    let history = history(scene, "alert-month", days, 100, REQUESTS_PER_MINUTE)?;
    let start = now();
    let output = scene.shell.output(&format!(
        "weir backtest -c alert-month/weir.yaml --data-dir alert-month/data --from now-{days}d --output json"
    ))?;
    let elapsed_s = start.elapsed().as_secs_f64();
    let answer: Value = serde_json::from_str(&output).context("the backtest is not JSON")?;
    let row = answer.pointer("/rows/0").context("the backtest has no rows")?;
    let number = |name: &str| row.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    let requests = number("good") + number("bad");
    // The first minutes are out of the span by now, and the server has counted one by itself.
    if requests < history.events * 0.99 || requests > history.events + 1.0 {
        bail!("{requests} requests were judged of {}", history.events);
    }
    let took_ms = answer.get("took_ms").and_then(Value::as_f64).unwrap_or(0.0);
    Ok(vec![
        ("elapsed_s", elapsed_s),
        ("judged_s", took_ms / 1e3),
        ("requests", requests),
        ("rows", history.rows),
    ])
}

/// A start with much to go on with, and what a year of it takes.
pub fn year(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let days = if scene.is_quick { 1 } else { DENSE_DAYS };
    let history = history(scene, "alert-year", days, 1_000, 0)?;
    let start = now();
    let server = serve(scene, "alert-year")?;
    let start_ms = start.elapsed().as_secs_f64() * 1e3;
    let peak_mb = server.peak_rss_bytes()? / 1e6;
    server.stop()?;
    let bytes_per_row = history.bytes / history.rows;
    let year_gb = history.bytes / days as f64 * 365.0 / 1e9;
    Ok(vec![
        ("start_ms", start_ms),
        ("peak_mb", peak_mb),
        ("bytes_per_row", bytes_per_row),
        ("year_gb", year_gb),
    ])
}

/// What a folder has.
struct History {
    rows: f64,
    events: f64,
    bytes: f64,
}

/// A data folder with the history of one promise; made at the first time it is needed.
fn history(
    scene: &Scene<'_>,
    name: &str,
    days: u64,
    instances: u64,
    requests: u64,
) -> anyhow::Result<History> {
    let ready = scene.shell.folder().join(name).join("ready");
    let wanted = format!("{days} {instances} {requests}\n");
    let known = fs::read_to_string(&ready).ok().filter(|text| text.starts_with(&wanted));
    let text = match known {
        Some(text) => text,
        None => {
            make(scene, name)?;
            let filled = scene
                .shell
                .output(&format!("event_history {name}/data/ledger.redb {days} {instances} {requests}"))?;
            let text = format!("{wanted}{filled}\n");
            fs::write(&ready, &text).context("cannot write into the data folder")?;
            text
        }
    };
    Ok(History {
        rows: value(&text, "rows")?,
        events: value(&text, "events")?,
        bytes: value(&text, "bytes")?,
    })
}

/// A folder in which a server has counted one request.
fn make(scene: &Scene<'_>, name: &str) -> anyhow::Result<()> {
    let folder = scene.empty_folder(name)?;
    let config = CONFIG.replace("FOLDER", name);
    fs::write(folder.join("weir.yaml"), config).context("cannot write into the data folder")?;
    scene.shell.output(&format!(
        "echo '{{\"time_iso8601\":\"'$(date -u +%Y-%m-%dT%H:%M:%S+00:00)'\",\"host\":\"h\",\"request_method\":\"GET\",\
         \"request_uri\":\"/a\",\"status\":\"200\",\"request_time\":\"0.1\"}}' > {name}/log.json"
    ))?;
    let server = serve(scene, name)?;
    until("the request to be counted", LIMIT, POLL, || {
        let counted = sum(&server.metrics()?, |metric| metric == "weir_sla_events_total");
        Ok((counted == 1.0).then_some(()))
    })?;
    server.stop()
}

fn serve(scene: &Scene<'_>, name: &str) -> anyhow::Result<Server> {
    let script =
        format!("exec weir serve --config {name}/weir.yaml --listen 127.0.0.1:0 --data-dir {name}/data");
    Server::start(scene.shell, &script, &[], Listens::Logged)
}

/// The value of a line `name value`.
fn value(output: &str, name: &str) -> anyhow::Result<f64> {
    let value = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.with_context(|| format!("there is no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_examples_are_read() {
        assert_eq!(value("30 100 5\nrows 7\nevents 9\n", "events").ok(), Some(9.0));
        assert!(value("rows 7\n", "row").is_err());
    }
}
