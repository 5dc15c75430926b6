//! How soon a Lambda function is ready, and how large its program is: what a cold start costs.
//!
//! From the start of the process to its first request for an event, over a runtime interface that does
//! nothing else. The sandbox that AWS builds before is not in it; the program has no part in that.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use super::aws::CREDENTIALS;
use super::load::quantile;
use super::process::{now, until};
use super::{Scene, Values};
use crate::bench::shell::last_line;

/// Starts of one run.
const STARTS: usize = 20;

/// How long a start may take, and how often it is looked: the resolution of what is measured.
const LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_micros(100);

/// What the program asks first, by AWS' page "Using the Lambda runtime API for custom runtimes".
const NEXT: &[u8] = b"GET /2018-06-01/runtime/invocation/next ";

/// Starts, in order.
pub fn start(scene: &Scene<'_>) -> anyhow::Result<Values> {
    scene.empty_folder("lambda")?;
    // As in a function's zip: a file of its own, since a link's target would be looked up at each start.
    scene.shell.output("cp \"$(command -v weir)\" lambda/bootstrap")?;
    let listener = TcpListener::bind("127.0.0.1:0").context("there is no free port")?;
    listener.set_nonblocking(true).context("cannot set up a socket")?;
    let mut times_ms = Vec::new();
    for _ in 0..STARTS {
        times_ms.push(start_once(scene, &listener)?);
    }
    times_ms.sort_by(f64::total_cmp);
    scene.empty_folder("lambda")?;
    let time_ms = |rank| quantile(&times_ms, rank).context("nothing was started");
    Ok(vec![("median_ms", time_ms(0.5)?), ("p90_ms", time_ms(0.9)?)])
}

/// Starts it once and ends it; milliseconds.
fn start_once(scene: &Scene<'_>, listener: &TcpListener) -> anyhow::Result<f64> {
    let address = listener.local_addr().context("there is no port")?.to_string();
    let log = scene.shell.folder().join("lambda.log");
    let mut command = Command::new(scene.shell.folder().join("lambda/bootstrap"));
    command
        .current_dir(scene.shell.folder().join("lambda"))
        .env_remove("WEIR_CONFIG")
        .envs(CREDENTIALS)
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("PUSH_ENDPOINT", "127.0.0.1:9")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).context("cannot write into the data folder")?);
    let start = now();
    let mut child = command.spawn().context("cannot start bootstrap")?;
    let asked = until("the program to ask for an event", LIMIT, POLL, || first_request(listener, &mut child));
    let time = start.elapsed();
    // It may have ended; then there is nothing left to do.
    let _ = child.kill();
    let _ = child.wait();
    let said = || fs::read_to_string(&log).unwrap_or_default();
    if asked.with_context(|| last_line(&said()).to_owned())? != NEXT {
        bail!("it asks for something else first: {}", last_line(&said()));
    }
    Ok(time.as_secs_f64() * 1e3)
}

/// The beginning of the first request, once there is one.
fn first_request(listener: &TcpListener, child: &mut Child) -> anyhow::Result<Option<Vec<u8>>> {
    match listener.accept() {
        Ok((mut stream, _)) => {
            stream.set_nonblocking(false).context("cannot set up a socket")?;
            let mut request = vec![0; NEXT.len()];
            stream.read_exact(&mut request).context("the program sent no whole request")?;
            Ok(Some(request))
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => match child.try_wait() {
            Ok(None) => Ok(None),
            _ => bail!("the program ended before it asked for an event"),
        },
        Err(error) => Err(error).context("cannot accept a connection"),
    }
}

/// The size of the program without its symbols.
pub fn stripped(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let bytes =
        scene.shell.output("strip -o stripped \"$(command -v weir)\"; wc -c < stripped; rm stripped")?;
    let bytes: f64 = bytes.parse().with_context(|| format!("`wc` counted `{bytes}`"))?;
    Ok(vec![("stripped_mb", bytes / 1e6)])
}
