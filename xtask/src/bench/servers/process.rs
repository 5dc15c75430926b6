//! A server under test: started, asked what it cost, stopped.
//!
//! GNU time tells only when a process has ended, and a server's start and end are no part of its work;
//! so its times come from /proc while it runs. They count in steps of 10 ms.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::http;
use crate::bench::shell::{Shell, last_line};

/// Clock ticks of /proc/PID/stat per second, as the kernel promises them to user space (USER_HZ).
const TICKS_PER_S: f64 = 100.0;

/// How long a server may take to start or to stop.
const START_STOP: Duration = Duration::from_secs(30);

/// How often it is looked whether a server has started or ended.
const POLL: Duration = Duration::from_millis(10);

/// How it is known that a server listens, and where.
#[derive(Clone, Copy, Debug)]
pub enum Listens<'a> {
    /// It logs `message=started` and `address=...`.
    Logged,
    /// It was told this address, and answers to `GET` of the path when it is ready.
    Told(&'a str, &'a str),
}

/// A running server. It is killed when it is dropped.
pub struct Server {
    /// `127.0.0.1:<port>`.
    pub address: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `script`, which ends with `exec` of the server, with `variables`; waits until it listens.
    ///
    /// # Errors
    ///
    /// When it cannot be started or ends at once, with its last words.
    pub fn start(
        shell: &Shell,
        script: &str,
        variables: &[(&str, &str)],
        listens: Listens<'_>,
    ) -> anyhow::Result<Self> {
        let log = shell.folder().join("server.log");
        let mut command = shell.command(&[], script);
        command.envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(&log).context("cannot write into the data folder")?);
        let child = command.spawn().with_context(|| format!("cannot run `{script}`"))?;
        let mut server = Self { address: String::new(), child, log };
        server.address = until("the server to listen", START_STOP, POLL, || server.listening(listens))?;
        Ok(server)
    }

    /// Its address once it listens.
    fn listening(&mut self, listens: Listens<'_>) -> anyhow::Result<Option<String>> {
        if let Some(status) = self.child.try_wait().context("cannot wait for the server")? {
            bail!("the server ended, {status}: {}", last_line(&self.log()));
        }
        Ok(match listens {
            Listens::Logged => logged_address(&self.log()),
            Listens::Told(address, path) => http::get(address, path).is_ok().then(|| address.to_owned()),
        })
    }

    fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// User and system time so far, in seconds.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn cpu_s(&self) -> anyhow::Result<f64> {
        cpu_s(&self.proc("stat")?).context("/proc/PID/stat has an unknown layout")
    }

    /// Peak resident memory so far, in bytes.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn peak_rss_bytes(&self) -> anyhow::Result<f64> {
        peak_rss_bytes(&self.proc("status")?).context("/proc/PID/status has an unknown layout")
    }

    /// The text of `/metrics`.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn metrics(&self) -> anyhow::Result<String> {
        http::get(&self.address, "/metrics")
    }

    /// Asks it to end and waits for that.
    ///
    /// # Errors
    ///
    /// When it does not end in time, or not well.
    pub fn stop(mut self) -> anyhow::Result<()> {
        terminate(&self.child)?;
        let status = until("the server to stop", START_STOP, POLL, || {
            self.child.try_wait().context("cannot wait for the server")
        })?;
        if status.success() {
            Ok(())
        } else {
            bail!("the server ended, {status}: {}", last_line(&self.log()))
        }
    }

    fn proc(&self, name: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{name}", self.child.id());
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}; the server has ended"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn logged_address(log: &str) -> Option<String> {
    let line = log.lines().find(|line| line.contains("message=started"))?;
    line.split(' ').find_map(|word| word.strip_prefix("address=")).map(str::to_owned)
}

/// Sends SIGTERM, which the standard library cannot.
fn terminate(child: &Child) -> anyhow::Result<()> {
    let status = Command::new("kill").arg(child.id().to_string()).status().context("cannot run kill")?;
    if status.success() { Ok(()) } else { bail!("cannot end process {}", child.id()) }
}

/// Fields 14 and 15 of /proc/PID/stat (proc_pid_stat(5)); the name before them may hold anything.
fn cpu_s(stat: &str) -> Option<f64> {
    const USER: usize = 11;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut ticks = fields.split(' ').skip(USER).map(|field| field.parse::<f64>().ok());
    Some((ticks.next()?? + ticks.next()??) / TICKS_PER_S)
}

fn peak_rss_bytes(status: &str) -> Option<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(value.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0)
}

/// The time now, for measuring with.
#[allow(clippy::disallowed_methods, reason = "measuring is reading the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Asks `look` every `poll` until it has something.
///
/// # Errors
///
/// When it has nothing within `limit`, or it fails itself.
pub fn until<T>(
    what: &str,
    limit: Duration,
    poll: Duration,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let start = now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() > limit {
            bail!("waited {} s for {what}", limit.as_secs());
        }
        #[allow(clippy::disallowed_methods, reason = "another program's progress has no event to wait for")]
        std::thread::sleep(poll);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 150 25 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_s(stat), Some(1.75));
        assert_eq!(cpu_s("7 (a) S 1"), None);
        assert_eq!(peak_rss_bytes("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n"), Some(2_097_152.0));
        assert_eq!(peak_rss_bytes("VmPeak:\t 9 kB\n"), None);
    }

    #[test]
    fn a_log_tells_the_address() {
        let log = "level=info message=other address=no\nlevel=info message=started address=127.0.0.1:7 x=y\n";
        assert_eq!(logged_address(log).as_deref(), Some("127.0.0.1:7"));
        assert_eq!(logged_address("message=starting"), None);
    }

    #[test]
    fn waiting_ends_with_what_is_found_or_the_reason() {
        let mut tries = 0;
        let found = until("three", START_STOP, Duration::ZERO, || {
            tries += 1;
            Ok((tries == 3).then_some(tries))
        });
        assert_eq!(found.ok(), Some(3));
        let nothing = until::<()>("it", Duration::ZERO, Duration::ZERO, || Ok(None));
        assert_eq!(nothing.unwrap_err().to_string(), "waited 0 s for it");
    }
}
