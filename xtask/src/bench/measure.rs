//! One run of one command: what it cost.
//!
//! GNU time asks the kernel when the command has ended (wait4, getrusage), so the user and system
//! time is that of the whole process tree. Its resolution is 10 ms, 1 % of the shortest command here.
//! Peak memory is that of the largest single process, which for weir is all of it. Calling the kernel
//! from here would need unsafe code and would add this program's own memory to each fork.

use std::fs::{self, File};
use std::process::ExitStatus;

use anyhow::{Context, bail};

use super::counted::stated;
use super::shell::{Shell, last_line};
use super::subject::{Clock, Subject};

/// After this long a command is ended, so that one that hangs costs minutes and not the night.
const TIMEOUT: &str = "300";

/// The status with which `timeout` says that it had to end the command.
const TIMED_OUT: i32 = 124;

/// Clock ticks of /proc/stat per second, as the kernel promises them to user space (USER_HZ).
const TICKS_PER_S: f64 = 100.0;

/// What others may use of a core, and beside that of CPU time, before a run counts as disturbed.
const DISTURBED_CORES: f64 = 0.1;
const DISTURBED_S: f64 = 0.05;

/// What one run cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The subject's name.
    pub subject: &'static str,
    /// 0 for the warm-up, which is not counted.
    pub round: u32,
    /// CPU time in user mode.
    pub user_s: f64,
    /// CPU time in the kernel.
    pub system_s: f64,
    /// Elapsed time.
    pub wall_s: f64,
    /// Peak resident memory of the largest process.
    pub peak_rss_bytes: u64,
    /// CPU time that others used meanwhile, the hypervisor included: 0 on a quiet machine.
    pub others_cpu_s: f64,
    /// Lines that the command says it counted.
    pub lines_counted: Option<u64>,
}

impl Run {
    /// User and system time.
    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }

    /// Whether others used so much that the elapsed time says little; /proc/stat counts in steps of 10 ms,
    /// so a little is allowed to short commands.
    pub fn is_disturbed(&self) -> bool {
        self.others_cpu_s > DISTURBED_CORES * self.wall_s + DISTURBED_S
    }
}

/// Runs `subject` once.
///
/// # Errors
///
/// When it cannot be started, fails or does not end, with its last words.
pub fn measure(shell: &Shell, subject: &'static Subject, round: u32) -> anyhow::Result<Run> {
    let file = |name: &str| shell.folder().join(name);
    let (out, err, times) = (file("last.out"), file("last.err"), file("last.times"));
    let create = |path| File::create(path).context("cannot write into the data folder");
    let times_path = times.display().to_string();
    let wrapper =
        ["time", "-q", "-f", "%U %S %e %M", "-o", &times_path, "timeout", "--kill-after=5", TIMEOUT];

    let busy_before_s = machine_busy_s()?;
    let status = shell
        .command(&wrapper, subject.command)
        .stdout(create(&out)?)
        .stderr(create(&err)?)
        .status()
        .context("cannot run GNU time; install the package time")?;
    let busy_s = machine_busy_s()? - busy_before_s;

    let read = |path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let (stdout, stderr) = (read(&out)?, read(&err)?);
    check(status, &stderr)?;
    let mut run = parse_times(&read(&times)?).context("GNU time wrote something unknown")?;
    (run.subject, run.round) = (subject.name, round);
    run.others_cpu_s = (busy_s - run.cpu_s()).max(0.0);
    run.lines_counted = subject.counted.lines(&stdout, &stderr);
    if subject.clock == Clock::Own {
        set_own_times(&mut run, &stdout).context("the command does not say how long it took")?;
    }
    Ok(run)
}

fn check(status: ExitStatus, stderr: &str) -> anyhow::Result<()> {
    match status.code() {
        Some(0) => Ok(()),
        Some(TIMED_OUT) => bail!("it was ended after {TIMEOUT} s"),
        _ => bail!("{status}: {}", last_line(stderr)),
    }
}

/// Reads `%U %S %e %M`: three times in seconds, and KiB.
fn parse_times(text: &str) -> Option<Run> {
    let mut words = last_line(text).split(' ');
    let mut seconds = || words.next()?.parse::<f64>().ok();
    let (user_s, system_s, wall_s) = (seconds()?, seconds()?, seconds()?);
    let peak_rss_bytes = words.next()?.parse::<u64>().ok()? * 1024;
    let (subject, round, others_cpu_s, lines_counted) = ("", 0, 0.0, None);
    Some(Run { subject, round, user_s, system_s, wall_s, peak_rss_bytes, others_cpu_s, lines_counted })
}

/// Takes the times that the command says itself; its CPU time is not split.
fn set_own_times(run: &mut Run, stdout: &str) -> Option<()> {
    (run.user_s, run.system_s) = (stated(stdout, "cpu_s")?, 0.0);
    run.wall_s = stated(stdout, "wall_s")?;
    Some(())
}

/// CPU time that the machine has spent on anything since it started, over all cores.
fn machine_busy_s() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat; benchmarks need Linux")?;
    busy_s(&text).context("/proc/stat has an unknown layout")
}

/// All of the first line of /proc/stat but idle, iowait and what is already in user time (proc_stat(5)).
fn busy_s(proc_stat: &str) -> Option<f64> {
    const IDLE: usize = 3;
    const IOWAIT: usize = 4;
    const STEAL: usize = 7;
    let ticks = proc_stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks = ticks.map(str::parse::<f64>).take(STEAL + 1).collect::<Result<Vec<_>, _>>().ok()?;
    let busy = ticks.iter().enumerate().filter(|(index, _)| ![IDLE, IOWAIT].contains(index));
    Some(busy.map(|(_, ticks)| ticks).sum::<f64>() / TICKS_PER_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_gnu_time_is_read() {
        let run = parse_times("1.25 0.50 1.90 2048\n").unwrap();
        assert_eq!((run.cpu_s(), run.wall_s, run.peak_rss_bytes), (1.75, 1.9, 2 << 20));
        assert_eq!(parse_times("Command terminated by signal 9"), None);
    }

    #[test]
    fn a_command_may_time_itself() {
        let mut run = parse_times("1.25 0.50 1.90 2048").unwrap();
        assert_eq!(set_own_times(&mut run, "cpu_s=1.1 wall_s=1.2\n"), Some(()));
        assert_eq!((run.cpu_s(), run.wall_s), (1.1, 1.2));
        assert_eq!(set_own_times(&mut run, "done\n"), None);
    }

    #[test]
    fn a_tick_or_two_of_others_does_not_disturb() {
        let run = parse_times("0.25 0.00 0.25 2048").unwrap();
        assert!(!Run { others_cpu_s: 0.07, ..run.clone() }.is_disturbed());
        assert!(Run { others_cpu_s: 0.09, ..run }.is_disturbed());
    }

    #[test]
    fn waiting_is_not_being_busy() {
        let text = "cpu  100 200 300 9999 9999 1 2 400 50 60\ncpu0 1 2 3\n";
        assert_eq!(busy_s(text), Some(10.03));
        assert_eq!(busy_s("cpu0 1 2 3\n"), None);
    }
}
