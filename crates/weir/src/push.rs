//! `weir push`: files in, metrics to a gateway.
//!
//! Each file is a push of its own, whose key is made of its text: after a failure half-way the same command
//! is run again, and weir's gateway counts only what it does not have. One push for all files would have
//! another key as soon as one file was added, and would count all others twice.

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use weir_ingest::{available_threads, for_each_object};
use weir_record::Format;
use weir_ship::{Authorization, GatewayTarget, PushError};

use crate::account::{Account, counted};
use crate::cli::PushArguments;
use crate::config::PrometheusDuration;
use crate::count::unmatched_routes;
use crate::files::Input;
use crate::object_counter::{Naming, ObjectCounter, push_key, push_parts};
use crate::output::{UsageError, exit_code, harmless, say};
use crate::password_file::read_password;
use crate::progress::Progress;
use crate::setup;
use crate::shaping::Shaping;

/// The longest that a push may be repeated.
const DEADLINE_MAX: Duration = Duration::from_secs(24 * 3600);

/// Runs the command.
///
/// # Errors
///
/// A path that names nothing, a wrong config or address, or a password that cannot be read.
pub fn run(arguments: &PushArguments) -> anyhow::Result<ExitCode> {
    let config = setup::load_config(arguments.config.config.as_deref())?;
    let inputs = Input::find(&arguments.read.paths)?;
    let enricher = setup::enricher(&config, unmatched_routes(&arguments.read.options))?;
    let options = setup::meter_options(&config, &enricher, false);
    let limits = setup::read_limits(&config.limits);
    let shaping = Shaping::new(&config)?;
    let pusher = Pusher {
        target: target(arguments)?,
        job: &arguments.job,
        naming: Naming {
            enricher: &enricher,
            source: config.sources.first().map_or("", |source| &source.name),
            shaping: &shaping,
        },
        format: arguments.read.options.format.0,
        runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?,
        is_over: AtomicBool::new(false),
    };
    let progress = Progress::of_bytes(inputs.iter().map(Input::bytes).sum());
    let threads = arguments.read.options.threads.unwrap_or_else(|| pushing_threads(available_threads()));
    let new_worker = || Worker { counter: ObjectCounter::new(limits, options), report: Report::default() };
    let workers = for_each_object(&inputs, threads, Input::bytes, new_worker, |worker, input| {
        worker.push(input, &pusher);
        progress.advance(input.bytes());
    });
    progress.finish();
    let mut report = Report::default();
    workers.into_iter().for_each(|worker| report.merge(worker.report));
    Ok(report.tell(pusher.target.url(), arguments.read.options.strict))
}

/// While one thread waits for the gateway, another one reads.
fn pushing_threads(cores: NonZeroUsize) -> NonZeroUsize {
    cores.saturating_add(1)
}

fn target(arguments: &PushArguments) -> anyhow::Result<GatewayTarget> {
    let deadline: PrometheusDuration = arguments
        .deadline
        .parse()
        .map_err(|error| UsageError::new("--deadline", format_args!("`{}`: {error}", arguments.deadline)))?;
    if deadline.0.is_zero() || deadline.0 > DEADLINE_MAX {
        let text = format!("`{}` is out of range; expected more than 0 and at most 1d", arguments.deadline);
        return Err(UsageError::new("--deadline", text).into());
    }
    let authorization = match (&arguments.username, &arguments.password_file) {
        (Some(username), Some(path)) => {
            Authorization::Basic { username: username.clone(), password: read_password(path)? }
        }
        _ => Authorization::None,
    };
    GatewayTarget::new(&arguments.to, &arguments.job, &authorization, deadline.0)
        .map_err(|error| UsageError::new("--to", error).into())
}

/// Where to push, and how to count.
struct Pusher<'a> {
    target: GatewayTarget,
    job: &'a str,
    naming: Naming<'a>,
    format: Option<Format>,
    runtime: Runtime,
    /// Whether the gateway takes nothing more, whatever is pushed.
    is_over: AtomicBool,
}

/// One thread's part.
struct Worker {
    counter: ObjectCounter,
    report: Report,
}

/// What became of the files.
#[derive(Default)]
struct Report {
    /// Of the files that were pushed, and of those that could not be read.
    account: Account,
    /// Files that the gateway did not take, and why.
    refusals: Vec<(PathBuf, PushProblem)>,
    /// Files that were not tried, because the gateway took nothing before them.
    untried: u64,
}

/// Why a file that was counted was not pushed.
#[derive(Debug, thiserror::Error)]
enum PushProblem {
    #[error(transparent)]
    Push(#[from] PushError),
    #[error(transparent)]
    Text(#[from] crate::object_counter::TooMuchText),
}

impl Worker {
    fn push(&mut self, input: &Input, pusher: &Pusher<'_>) {
        if pusher.is_over.load(Ordering::Relaxed) {
            self.report.untried += 1;
            return;
        }
        let mut account = Account::default();
        let Self { counter, report } = self;
        let outcome = counter.count(input.path(), pusher.naming, &mut account, |reader, each| match input {
            Input::File(path, _) => reader.read_file(path, pusher.format, each),
            Input::Stdin => reader.read_stream(io::stdin().lock(), pusher.format, each),
        });
        if let Err(error) = outcome {
            report.account.failures.push((input.path().to_owned(), error));
            return;
        }
        match push_counted(counter, pusher) {
            Ok(()) => report.account.merge(account),
            Err(problem) => {
                if problem.is_of_the_gateway() {
                    pusher.is_over.store(true, Ordering::Relaxed);
                }
                report.refusals.push((input.path().to_owned(), problem));
            }
        }
    }
}

fn push_counted(counter: &ObjectCounter, pusher: &Pusher<'_>) -> Result<(), PushProblem> {
    let parts = counter.parts()?;
    let key = push_key("text", pusher.job, &[&format!("{:032x}", counter.text_hash())]);
    Ok(pusher.runtime.block_on(push_parts(&pusher.target, parts, &key))?)
}

impl PushProblem {
    /// Whether it will be the same with every other file: nobody answers, or this user may not push here.
    fn is_of_the_gateway(&self) -> bool {
        match self {
            Self::Push(PushError::GaveUp { .. } | PushError::Key(_)) => true,
            Self::Push(PushError::Refused { status, .. }) => matches!(status, 300..=399 | 401 | 403..=405),
            Self::Text(_) => false,
        }
    }
}

impl Report {
    fn merge(&mut self, other: Self) {
        self.account.merge(other.account);
        self.refusals.extend(other.refusals);
        self.untried += other.untried;
    }

    /// Says what became of the files, and how the command ends.
    fn tell(mut self, url: &str, is_strict: bool) -> ExitCode {
        self.account.sort();
        self.refusals.sort_by(|(one, _), (other, _)| one.cmp(other));
        say(&self.account);
        for (path, problem) in &self.refusals {
            let path = harmless(&path.to_string_lossy());
            say(&format_args!("error: {path}: {}", harmless(&problem.to_string())));
        }
        if self.refusals.is_empty() {
            say(&format_args!("pushed {} to {url}", counted(self.account.files, "file", "files")));
            return exit_code(&self.account, is_strict);
        }
        let missing = self.refusals.len() as u64 + self.untried;
        say(&format_args!(
            "pushed {}; not pushed: {}. Run the same command again: weir's gateway counts each file once, any \
             other adds what it has already",
            counted(self.account.files, "file", "files"),
            counted(missing, "file", "files"),
        ));
        ExitCode::from(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_concerns_every_file_ends_the_pushing() {
        let refused = |status| {
            PushProblem::Push(PushError::Refused { url: String::new(), status, text: String::new() })
        };
        for (status, expected) in
            [(400, false), (401, true), (403, true), (404, true), (409, false), (413, false), (307, true)]
        {
            assert_eq!(refused(status).is_of_the_gateway(), expected, "{status}");
        }
        assert!(!PushProblem::Text(crate::object_counter::TooMuchText).is_of_the_gateway());
    }
}
