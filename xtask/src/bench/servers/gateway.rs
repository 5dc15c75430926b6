//! Pushes per second of the server's CPU time, against the Pushgateway that Debian has.
//!
//! The two do different work, which the summary says: weir adds and is durable before it answers, the
//! Pushgateway replaces and writes its file every few minutes, if at all. What each shows at the end is
//! checked against what was sent, so that no push that was only answered counts.

use std::fmt::Write;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, bail};

use super::http::sum;
use super::load::{Load, Outcome, quantile};
use super::process::{Listens, Server, until};
use super::{Scene, Values};

/// How weir is run.
pub const WEIR: &str = "exec weir serve --listen 127.0.0.1:0 --data-dir gateway/data";

/// How the Pushgateway is run with its checks and its file.
pub const PEER: &str =
    "exec prometheus-pushgateway --web.listen-address=$ADDRESS --persistence.file=gateway/data";

/// How it is run at its fastest.
pub const PEER_IN_MEMORY: &str = "exec prometheus-pushgateway --web.listen-address=$ADDRESS --persistence.file= \
                                  --push.disable-consistency-check";

/// Jobs where there are many: 10,000 series.
pub const JOBS_MANY: usize = 200;

/// Connections that push at the same time.
const CONNECTIONS: usize = 64;

/// For how long is pushed.
const TIME: Duration = Duration::from_secs(5);
const TIME_QUICK: Duration = Duration::from_secs(1);

/// Families of one push, and series of each.
const FAMILIES: u32 = 5;
const FAMILY_SERIES: u32 = 10;

/// How long the Pushgateway may take to show what it has answered.
const SHOWN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// Pushes to weir, to this many jobs.
pub fn weir(scene: &Scene<'_>, jobs: usize) -> anyhow::Result<Values> {
    scene.empty_folder("gateway")?;
    let server = Server::start(scene.shell, WEIR, &[], Listens::Logged)?;
    let expected = |pushes: usize| pushes as f64 * push_sum();
    measure(scene, server, jobs, expected)
}

/// The same to a Pushgateway that is run like this.
pub fn peer(scene: &Scene<'_>, script: &str, jobs: usize) -> anyhow::Result<Values> {
    scene.empty_folder("gateway")?;
    // It does not say which port it got.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = address.context("there is no free port")?.to_string();
    let listens = Listens::Told(&address, "/-/ready");
    let server = Server::start(scene.shell, script, &[("ADDRESS", &address)], listens)?;
    // It keeps the last push of each job, and all are the same.
    let expected = |pushes: usize| pushes.min(jobs) as f64 * push_sum();
    measure(scene, server, jobs, expected)
}

fn measure(
    scene: &Scene<'_>,
    server: Server,
    jobs: usize,
    expected: impl Fn(usize) -> f64,
) -> anyhow::Result<Values> {
    let time = if scene.is_quick { TIME_QUICK } else { TIME };
    let requests = (0..jobs).map(|job| request(&server.address, job)).collect();
    let load = Load { connections: CONNECTIONS, time, requests };
    let cpu_before_s = server.cpu_s()?;
    let Outcome { elapsed_s, answer_times_ms } = load.send(&server.address)?;
    let expected = expected(answer_times_ms.len());
    await_shown(&server, expected)?;
    // Read after everything is shown: without its checks, the Pushgateway answers before it works.
    let cpu_s = server.cpu_s()? - cpu_before_s;
    let peak_mb = server.peak_rss_bytes()? / 1e6;
    server.stop()?;
    let pushes = answer_times_ms.len() as f64;
    let time_ms = |rank| quantile(&answer_times_ms, rank).context("nothing was pushed");
    Ok(vec![
        ("pushes", pushes),
        ("pushes_per_s", pushes / elapsed_s),
        ("pushes_per_cpu_s", pushes / cpu_s),
        ("p50_ms", time_ms(0.5)?),
        ("p99_ms", time_ms(0.99)?),
        ("peak_mb", peak_mb),
    ])
}

/// Waits until the sum of all that is shown is as expected; weir shows it before it answers.
fn await_shown(server: &Server, expected: f64) -> anyhow::Result<()> {
    let mut shown = 0.0;
    let is_pushed = |name: &str| (1..=FAMILIES).any(|family| name == family_name(family));
    until("what was pushed to be shown", SHOWN, POLL, || {
        shown = sum(&server.metrics()?, is_pushed);
        if shown > expected {
            bail!("the sum is {shown}, more than the {expected} that were pushed");
        }
        Ok((shown == expected).then_some(()))
    })
    .with_context(|| format!("the sum is {shown}, and {expected} were pushed"))
}

fn family_name(family: u32) -> String {
    format!("m{family}_total")
}

/// A whole request with 50 counters.
fn request(address: &str, job: usize) -> Vec<u8> {
    let body = body();
    let length = body.len();
    let head = format!(
        "POST /metrics/job/job-{job} HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    (head + &body).into_bytes()
}

fn body() -> String {
    let mut body = String::new();
    for family in 1..=FAMILIES {
        let name = family_name(family);
        // Writing into a `String` cannot fail.
        let _ = writeln!(body, "# TYPE {name} counter");
        for series in 1..=FAMILY_SERIES {
            let (status, value) = (200 + series, family * series);
            let labels = format!("method=\"GET\",code=\"{status}\",path=\"/api/v1/users/:id/r{family}\"");
            let _ = writeln!(body, "{name}{{{labels}}} {value}");
        }
    }
    body
}

/// The sum of all values of a push.
fn push_sum() -> f64 {
    sum(&body(), |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_has_fifty_series() {
        let body = body();
        assert_eq!(body.lines().filter(|line| !line.starts_with('#')).count(), 50);
        assert_eq!(push_sum(), 825.0);
        assert!(body.contains("\nm2_total{method=\"GET\",code=\"203\",path=\"/api/v1/users/:id/r2\"} 6\n"));
    }
}
