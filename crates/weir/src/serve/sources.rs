//! Starts each source of the config, and says when it has ended.
//!
//! Reading files blocks, so those sources have threads; those that wait for a network are tasks, and share
//! threads that count. Both end when they are told to, after what they had begun.

use std::sync::{Arc, Once};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use weir_ingest::s3::{AwsClients, S3PollSource, S3Settings, SqsSettings, SqsSource};
use weir_ingest::{OPEN_FILES_MAX, WatchOptions, available_threads};
use weir_ledger::Ledger;
use weir_meter::MeterOptions;
use weir_store::Store;

use super::alert_set::AlertSet;
use super::commit::Commits;
use super::current_indicators::CurrentIndicators;
use super::declared::Declared;
use super::file_source::FileSource;
use super::intake::Intake;
use super::live::LiveTail;
use super::message_sink::{Completeness, CountingMessages};
use super::object_sink::CountingSink;
use super::record_keeping::RecordKeeping;
use super::redaction::Redaction;
use super::redis_source;
use super::rules::CurrentRules;
use super::socket_source;
use super::state::State;
use super::unit::Reach;
use super::upkeep::Upkeep;
use crate::config::{AwsAccess, Config, S3Input, Source, SourceInput, SqsInput};
use crate::setup;
use crate::shaping::Shaping;

/// How long a source may take to finish what it has begun: container runtimes kill after 10 s, and the last
/// commit comes after this. What is not finished comes again.
pub const DRAIN_MAX: Duration = Duration::from_secs(5);

/// What all sources share.
#[derive(Clone)]
pub struct Shared {
    /// Names services, routes and target groups.
    pub rules: CurrentRules,
    /// What to count.
    pub options: MeterOptions,
    /// What was counted.
    pub ledger: Arc<Ledger>,
    /// What is shown.
    pub state: Arc<State>,
    /// Where to.
    pub commits: Commits,
    /// Records that are kept.
    pub store: Arc<Store>,
    /// Does the store's work.
    pub upkeep: Arc<Upkeep>,
    /// Who watches them come.
    pub live: Arc<LiveTail>,
    /// How records are shaped, and which are left out.
    pub shaping: Arc<Shaping>,
    /// What is taken out of lines before they are kept.
    pub redaction: Arc<Redaction>,
    /// The user's own metrics.
    pub declared: Arc<Declared>,
    /// What promises and alerts count.
    pub indicators: CurrentIndicators,
    /// The alerts that are found.
    pub alerts: Arc<AlertSet>,
}

impl Shared {
    /// How lines of `source` are counted.
    pub fn intake(&self, config: &Config, source: &Source) -> Intake {
        Intake {
            source: source.name.as_str().into(),
            format: source.format,
            inner_formats: Arc::new(source.inner_formats.clone()),
            overlay: Arc::new(source.fields.overlay()),
            rules: self.rules.clone(),
            options: self.options,
            reach: Reach::Everything,
            limits: setup::read_limits(&config.limits),
            state: Arc::clone(&self.state),
            keeping: RecordKeeping {
                keep: source.keep,
                shaping: Arc::clone(&self.shaping),
                redaction: Arc::clone(&self.redaction),
                declared: Arc::clone(&self.declared),
                indicators: self.indicators.clone(),
                store: Arc::clone(&self.store),
                live: Arc::clone(&self.live),
            },
            rejects_said: Arc::new(Once::new()),
        }
    }
}

/// Starts a source; the handle completes when it has ended.
///
/// # Errors
///
/// When a thread cannot be started, or a source cannot listen where it should.
pub async fn start(
    config: &Config,
    source: &Source,
    shared: &Shared,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<JoinHandle<()>> {
    let intake = shared.intake(config, source);
    match &source.input {
        SourceInput::Files(paths) => start_files(paths, source, file_sources(config), intake, shared, stop),
        SourceInput::Sqs(input) => start_queue(input, intake, shared, stop).await,
        SourceInput::S3(input) => start_listing(input, intake, shared, stop).await,
        SourceInput::Http => start_written(intake, shared, stop),
        SourceInput::Sockets(input) => {
            let started = socket_source::start(input, intake, shared, stop).await;
            return started.with_context(|| format!("cannot start the source {}", source.name));
        }
        SourceInput::Redis(input) => redis_source::start(input, intake, shared, stop).await,
    }
    .with_context(|| format!("cannot start a thread for the source {}", source.name))
}

/// How many sources read files; they share what may be open.
fn file_sources(config: &Config) -> usize {
    config.sources.iter().filter(|source| matches!(source.input, SourceInput::Files(_))).count()
}

fn start_files(
    paths: &[String],
    source: &Source,
    file_sources: usize,
    intake: Intake,
    shared: &Shared,
    stop: watch::Receiver<bool>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Handle::current();
    let events = source.files.multiline.as_ref();
    let multiline = events.and_then(|events| events.compiled(intake.limits.line_bytes));
    let source = FileSource {
        options: WatchOptions {
            patterns: paths.to_vec(),
            exclude: source.files.excluded(),
            starts_at_end: source.files.starts_at_end,
            paused_after: multiline.as_ref().map(|multiline| multiline.timeout),
            open_files_max: OPEN_FILES_MAX / file_sources.max(1),
        },
        multiline,
        intake,
        ledger: Arc::clone(&shared.ledger),
        commits: shared.commits.clone(),
    };
    let (ended, has_ended) = tokio::sync::oneshot::channel();
    let name = format!("source {}", source.intake.source);
    std::thread::Builder::new().name(name).spawn(move || {
        let waiter = stop.clone();
        // Whether to stop, after the interval or as soon as it is said.
        let wait = |interval| {
            runtime.block_on(async {
                tokio::time::timeout(interval, waiter.clone().wait_for(|stop| *stop)).await.is_ok()
            })
        };
        source.run(&stop, wait);
        // Nobody listens any more if the server has failed.
        let _ = ended.send(());
    })?;
    Ok(tokio::spawn(async move {
        let _ = has_ended.await;
    }))
}

async fn start_queue(
    input: &SqsInput,
    intake: Intake,
    shared: &Shared,
    stop: watch::Receiver<bool>,
) -> std::io::Result<JoinHandle<()>> {
    let clients = AwsClients::load(&aws_settings(&input.aws)).await;
    let settings = SqsSettings {
        queue_url: input.queue_url.clone(),
        visibility_timeout: input.visibility_timeout,
        receives_max: input.receives_max,
        dead_letter_queue_url: input.dead_letter_queue_url.clone(),
        drain_max: DRAIN_MAX,
    };
    let (sink, workers) = start_sink(intake, shared)?;
    Ok(tokio::spawn(async move {
        SqsSource::new(clients, settings).run(Arc::clone(&sink), stop).await;
        end_sink(sink, workers).await;
    }))
}

async fn start_listing(
    input: &S3Input,
    intake: Intake,
    shared: &Shared,
    stop: watch::Receiver<bool>,
) -> std::io::Result<JoinHandle<()>> {
    let clients = AwsClients::load(&aws_settings(&input.aws)).await;
    let source = S3PollSource {
        clients,
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone(),
        poll_interval: input.poll,
    };
    let (sink, workers) = start_sink(intake, shared)?;
    Ok(tokio::spawn(async move {
        source.run(Arc::clone(&sink), stop).await;
        end_sink(sink, workers).await;
    }))
}

/// How AWS is reached, for the library that reaches it.
pub fn aws_settings(aws: &AwsAccess) -> S3Settings {
    S3Settings {
        region: aws.region.clone(),
        endpoint_url: aws.endpoint_url.clone(),
        path_style: aws.is_path_style,
    }
}

type Workers = Vec<std::thread::JoinHandle<()>>;

/// A sink with a thread per core.
pub fn start_sink(intake: Intake, shared: &Shared) -> std::io::Result<(Arc<CountingSink>, Workers)> {
    let (ledger, commits) = (Arc::clone(&shared.ledger), shared.commits.clone());
    CountingSink::start(intake, ledger, commits, available_threads().get())
}

/// A queue and a thread for messages.
pub fn start_messages(
    intake: Intake,
    shared: &Shared,
    completeness: Completeness,
) -> std::io::Result<(CountingMessages, std::thread::JoinHandle<()>)> {
    let (ledger, commits) = (Arc::clone(&shared.ledger), shared.commits.clone());
    let name = Arc::clone(&intake.source);
    let (messages, thread) = CountingMessages::start(intake, ledger, commits, completeness)?;
    let mut inner = shared.state.lock();
    inner.own.queues.insert(Arc::clone(&name), messages.depth());
    inner.own.messages.insert(name, messages.downgrade());
    drop(inner);
    Ok((messages, thread))
}

/// A queue that HTTP finds by the source's name.
fn start_written(
    intake: Intake,
    shared: &Shared,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<JoinHandle<()>> {
    let (messages, thread) = start_messages(intake, shared, Completeness::WhenIdle)?;
    Ok(tokio::spawn(async move {
        // An error means that the server is gone already.
        let _ = stop.wait_for(|stop| *stop).await;
        end_messages(&messages, thread).await;
    }))
}

/// Closes the queue and waits until its thread has handed over what it has.
pub async fn end_messages(messages: &CountingMessages, thread: std::thread::JoinHandle<()>) {
    messages.close();
    let joined = tokio::task::spawn_blocking(move || {
        if thread.join().is_err() {
            tracing::error!("a thread that counts messages has failed; what it had is lost");
        }
    });
    let _ = joined.await;
}

/// Closes the sink and waits until its threads have handed over what they have.
pub async fn end_sink(sink: Arc<CountingSink>, workers: Workers) {
    sink.close();
    let joined = tokio::task::spawn_blocking(move || {
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a thread that counts objects has failed; its objects come again");
            }
        }
    });
    let _ = joined.await;
}
