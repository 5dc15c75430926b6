//! Samples per second of remote write: a backlog of files whose minutes all become complete at once.
//!
//! To a server here that answers 204, since a real receiver's own CPU time and disk would set the pace.
//! The same files without remote write are read beside it, so that what the writing costs can be told
//! from what the counting costs.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::http::{sum, take_anything};
use super::process::{Listens, Server, now, until};
use super::{Scene, Values};
use crate::bench::subject::DataSet;

/// How long all minutes may take.
const LIMIT: Duration = Duration::from_secs(180);

/// How often it is asked how far it is: seldom, since the answer costs the server CPU time too.
const POLL: Duration = Duration::from_millis(250);

/// Looks in a row at which nothing moves before all is taken as sent.
const QUIET_LOOKS: u32 = 8;

/// Writes the lines of head-packed as lines of the last hours.
const LINES: &str = "python3 ../../peers/recent.py head-packed/*.log.gz > remote_write/part.log";

const SCRIPT: &str =
    "exec weir serve --config remote_write/weir.yaml --listen 127.0.0.1:0 --data-dir remote_write/data";

/// With remote write.
pub fn measure(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let address = take_anything()?;
    let receiver =
        format!("{{url: 'http://{address}/api/v1/write', name: bench, out_of_order_time_window: 12h}}");
    let (server, start) = started(scene, &format!("metrics: {{remote_write: [{receiver}]}}\n"))?;
    await_counted(scene, &server)?;
    let (mut samples, mut looks, mut at_last) = (0.0, 0, None);
    until("all samples to be sent", LIMIT, POLL, || {
        let metrics = server.metrics()?;
        let of = |wanted: &str| sum(&metrics, |name| name == wanted);
        let sent = of("weir_remote_write_sent_samples_total");
        let is_waiting = sent == 0.0 || of("weir_queue_bytes") > 0.0;
        if is_waiting || sent != samples {
            (samples, looks) = (sent, 0);
            at_last = Some((server.cpu_s()?, start.elapsed().as_secs_f64()));
        } else {
            looks += 1;
        }
        if of("weir_remote_write_dropped_samples_total") > 0.0 {
            bail!("samples were dropped");
        }
        Ok((looks == QUIET_LOOKS).then_some(()))
    })?;
    let (cpu_s, elapsed_s) = at_last.context("nothing was sent")?;
    let peak_mb = server.peak_rss_bytes()? / 1e6;
    server.stop()?;
    Ok(vec![
        ("samples", samples),
        ("cpu_s", cpu_s),
        ("elapsed_s", elapsed_s),
        ("samples_per_cpu_s", samples / cpu_s),
        ("samples_per_s", samples / elapsed_s),
        ("peak_mb", peak_mb),
    ])
}

/// Without.
pub fn without(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let (server, start) = started(scene, "")?;
    await_counted(scene, &server)?;
    let values = vec![
        ("cpu_s", server.cpu_s()?),
        ("elapsed_s", start.elapsed().as_secs_f64()),
        ("peak_mb", server.peak_rss_bytes()? / 1e6),
    ];
    server.stop()?;
    Ok(values)
}

/// The server with more of a config, and when it was started.
fn started(scene: &Scene<'_>, metrics: &str) -> anyhow::Result<(Server, Instant)> {
    let folder = scene.empty_folder("remote_write")?;
    scene.shell.output(LINES)?;
    let config =
        format!("version: 1\nsources: [{{name: alb, type: alb, path: remote_write/part.log}}]\n{metrics}");
    fs::write(folder.join("weir.yaml"), config).context("cannot write into the data folder")?;
    let start = now();
    Ok((Server::start(scene.shell, SCRIPT, &[], Listens::Logged)?, start))
}

fn await_counted(scene: &Scene<'_>, server: &Server) -> anyhow::Result<()> {
    let lines = scene.lines(DataSet::HeadPacked)?;
    until("all files to be counted", LIMIT, POLL, || {
        let received = sum(&server.metrics()?, |name| name == "weir_source_received_total");
        Ok((received == lines).then_some(()))
    })
}
