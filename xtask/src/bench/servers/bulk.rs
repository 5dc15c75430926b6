//! Documents per second of the server's CPU time through `_bulk`, durable before each answer.
//!
//! The documents are nginx lines, as a shipper would send them to Elasticsearch: events with twenty fields, of which
//! all are kept. Only what `/metrics` says was stored counts.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail};

use super::http::sum;
use super::load::{Load, Outcome, quantile};
use super::process::{Listens, Server};
use super::{Scene, Values};

/// How weir is run.
pub const WEIR: &str = "exec weir serve --listen 127.0.0.1:0 --data-dir bulk/data -c bulk/weir.yaml";

/// Connections that write at the same time: as many as Logstash has workers on a small machine.
const CONNECTIONS: usize = 4;

/// Documents of a body; Filebeat sends 1,600 by default, Logstash 125 to some thousands.
const BODY_DOCUMENTS: usize = 1_000;

/// Bodies that are sent in turns.
const BODIES_MAX: usize = 100;

/// For how long is written.
const TIME: Duration = Duration::from_secs(10);
const TIME_QUICK: Duration = Duration::from_secs(3);

/// Writes with a body of this kind.
pub fn measure(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let folder = scene.empty_folder("bulk")?;
    fs::write(folder.join("weir.yaml"), "version: 1\n").context("cannot write a config")?;
    let text = fs::read(scene.shell.folder().join("nginx-head/part.log")).context("cannot read the lines")?;
    let server = Server::start(scene.shell, WEIR, &[], Listens::Logged)?;
    let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    let bodies = lines.chunks_exact(BODY_DOCUMENTS).take(BODIES_MAX);
    let requests: Vec<Vec<u8>> = bodies.map(|lines| request(&server.address, lines)).collect();
    let bytes = requests.iter().map(Vec::len).sum::<usize>() as f64 / requests.len().max(1) as f64;
    let time = if scene.is_quick { TIME_QUICK } else { TIME };
    let load = Load { connections: CONNECTIONS, time, requests };
    let cpu_before_s = server.cpu_s()?;
    let Outcome { elapsed_s, answer_times_ms } = load.send(&server.address)?;
    let records = (answer_times_ms.len() * BODY_DOCUMENTS) as f64;
    let stored = sum(&server.metrics()?, |name| name == "weir_source_stored_total");
    if stored != records {
        bail!("{stored} documents are stored, and {records} were answered");
    }
    let cpu_s = server.cpu_s()? - cpu_before_s;
    let peak_mb = server.peak_rss_bytes()? / 1e6;
    server.stop()?;
    let time_ms = |rank| quantile(&answer_times_ms, rank).context("nothing was written");
    Ok(vec![
        ("records", records),
        ("records_per_s", records / elapsed_s),
        ("records_per_cpu_s", records / cpu_s),
        ("mb_per_cpu_s", answer_times_ms.len() as f64 * bytes / 1e6 / cpu_s),
        ("p50_ms", time_ms(0.5)?),
        ("p99_ms", time_ms(0.99)?),
        ("peak_mb", peak_mb),
    ])
}

/// A whole request, as Filebeat makes it; the lines end with a line end.
fn request(address: &str, lines: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for line in lines {
        body.extend_from_slice(b"{\"create\":{\"_index\":\"nginx\"}}\n");
        body.extend_from_slice(line);
    }
    let length = body.len();
    let head = format!(
        "POST /es/_bulk?filter_path=errors,items.*.error,items.*.status HTTP/1.1\r\nHost: {address}\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.into_bytes(), body].concat()
}
