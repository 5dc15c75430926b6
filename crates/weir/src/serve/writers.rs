//! What is written by HTTP, on its way to the queue of a source.
//!
//! The config may have sources of `type: http`, with formats and transforms of their own; a sender names one by
//! `?source=`. Without any there is one called `http` from the first write on, so that a first try needs no config,
//! and a server to which nobody writes shows no source that brings nothing.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use weir_ingest::{Delivery, Message, MessageBatch, RejectedMessage};
use weir_ledger::ObjectId;
use weir_record::{Format, Value};
use weir_web::{BoxFuture, Protocol, Rejected, WriteFn, WriteOutcome, WriteRequest, WrittenFormat};

use super::intake::Intake;
use super::message_sink::{Completeness, CountingMessages, WeakMessages};
use super::sources::{self, Shared};
use super::state::SourceState;
use crate::clock;
use crate::config::{Config, FILE_LATENESS, Source, SourceInput};

/// The source of what is written where the config has none for it.
pub const HTTP: &str = "http";

/// How long a body waits for room in its source's queue. Longer, and senders that give up would send it twice.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a body waits while the disk is full, before its sender is told.
const DISK_WAIT_MAX: Duration = Duration::from_secs(10);

/// How often it is looked whether there is room on the disk again.
const DISK_LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Takes what is written.
pub struct Writing {
    shared: Shared,
    /// Sources of `type: http`, in the order of the config.
    names: Vec<Arc<str>>,
    /// The source that GELF is for.
    gelf: Option<Arc<str>>,
    /// What is counted where the config has no source.
    implicit: Option<Intake>,
    started: Mutex<Option<Started>>,
    stop: watch::Receiver<bool>,
}

/// The source that the config does not have.
struct Started {
    messages: CountingMessages,
    thread: std::thread::JoinHandle<()>,
}

/// The source that there is where the config has none.
pub fn implicit_source() -> Source {
    Source::new(HTTP, SourceInput::Http, Some(Format::Ndjson))
}

impl Writing {
    /// Nothing is started yet but for a source that was written to before.
    ///
    /// # Errors
    ///
    /// When its thread cannot be started.
    pub async fn start(
        config: &Config,
        shared: &Shared,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Arc<Self>> {
        let of_kind = |is_it: fn(&SourceInput) -> bool| {
            let sources = config.sources.iter().filter(move |source| is_it(&source.input));
            sources.map(|source| Arc::<str>::from(source.name.as_str()))
        };
        let names: Vec<_> = of_kind(|input| matches!(input, SourceInput::Http)).collect();
        let has_name = config.sources.iter().any(|source| source.name == HTTP);
        let is_implicit = names.is_empty() && !has_name;
        let writing = Self {
            shared: shared.clone(),
            gelf: of_kind(is_gelf).next(),
            implicit: is_implicit.then(|| shared.intake(config, &implicit_source())),
            names,
            started: Mutex::new(None),
            stop,
        };
        if is_implicit && shared.state.lock().sources.contains_key(HTTP) {
            writing.implicit().await?;
        }
        Ok(Arc::new(writing))
    }

    /// Ends what was started once the server stops.
    pub async fn run(self: Arc<Self>) {
        // An error means that the server is gone already.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
        let started = self.started.lock().await.take();
        if let Some(Started { messages, thread }) = started {
            sources::end_messages(&messages, thread).await;
        }
    }

    /// The function that HTTP calls.
    pub fn write_fn(self: &Arc<Self>) -> Arc<WriteFn> {
        let writing = Arc::clone(self);
        Arc::new(move |request| -> BoxFuture<WriteOutcome> {
            let writing = Arc::clone(&writing);
            Box::pin(async move { writing.write(request).await })
        })
    }

    async fn write(&self, request: WriteRequest) -> WriteOutcome {
        if !self.shared.state.is_writable() {
            return WriteOutcome::DiskFull;
        }
        let (name, messages) = match self.queue(&request).await {
            Ok(found) => found,
            Err(outcome) => return outcome,
        };
        let batch = batch(&name, request);
        let delivery = messages.deliver_within(batch, ROOM_WAIT_MAX);
        tokio::select! {
            delivery = delivery => match delivery {
                Some(Delivery::Durable(rejected)) => {
                    WriteOutcome::Durable { rejected: rejected.into_iter().map(told).collect() }
                }
                Some(Delivery::Known) => WriteOutcome::Known,
                Some(Delivery::Stopping) | None => WriteOutcome::Busy,
            },
            () = self.disk_stays_full() => WriteOutcome::DiskFull,
        }
    }

    /// Completes when there was no room on the disk for a while.
    async fn disk_stays_full(&self) {
        let mut full = Duration::ZERO;
        while full < DISK_WAIT_MAX {
            tokio::time::sleep(DISK_LOOK_INTERVAL).await;
            full = if self.shared.state.is_writable() { Duration::ZERO } else { full + DISK_LOOK_INTERVAL };
        }
    }

    /// The source that a body is for, and its queue.
    async fn queue(&self, request: &WriteRequest) -> Result<(Arc<str>, CountingMessages), WriteOutcome> {
        let gelf = self.gelf.as_ref().filter(|_| request.protocol == Protocol::Gelf);
        let implicit = self.implicit.as_ref().map(|intake| &intake.source);
        let mut candidates = gelf.into_iter().chain(&self.names).chain(implicit);
        let found = match &request.source {
            Some(wanted) => candidates.find(|name| ***name == **wanted),
            None => candidates.next(),
        };
        let Some(name) = found else {
            let names = gelf.into_iter().chain(&self.names).chain(implicit);
            return Err(WriteOutcome::NoSource(names.map(ToString::to_string).collect()));
        };
        let running = if implicit == Some(name) {
            self.implicit().await.unwrap_or_else(|error| {
                tracing::error!(error = format!("{error:#}"), "cannot take what is written");
                None
            })
        } else {
            self.shared.state.lock().own.messages.get(name).and_then(WeakMessages::upgrade)
        };
        // A source that is not there any more has been told to end.
        running.map(|messages| (Arc::clone(name), messages)).ok_or(WriteOutcome::Busy)
    }

    /// The queue of the source that the config does not have; it is started where it is not. `None`: the server stops.
    async fn implicit(&self) -> anyhow::Result<Option<CountingMessages>> {
        let Some(intake) = &self.implicit else { return Ok(None) };
        let mut started = self.started.lock().await;
        if let Some(Started { messages, .. }) = &*started {
            return Ok(Some(messages.clone()));
        }
        if *self.stop.borrow() {
            return Ok(None);
        }
        let new = || SourceState::new(Default::default(), FILE_LATENESS, true);
        self.shared.state.lock().sources.entry(Arc::clone(&intake.source)).or_insert_with(new);
        let (messages, thread) =
            sources::start_messages(intake.clone(), &self.shared, Completeness::WhenIdle)?;
        *started = Some(Started { messages: messages.clone(), thread });
        Ok(Some(messages))
    }
}

fn is_gelf(input: &SourceInput) -> bool {
    matches!(input, SourceInput::Sockets(input) if input.protocol == weir_ingest::Protocol::Gelf)
}

fn batch(source: &str, request: WriteRequest) -> MessageBatch {
    let WriteRequest { protocol, idempotency_key, sender, messages, .. } = request;
    let origin: Arc<str> = origin(protocol, sender).into();
    let is_gelf = protocol == Protocol::Gelf;
    let source_host = sender.filter(|_| is_gelf).map(|sender| sender.to_string());
    let message = |written: weir_web::Written| {
        let text = |text: &str| Value::Text(Cow::Owned(text.to_owned()));
        let own = written.fields.iter().map(|(name, value)| (Cow::Borrowed(*name), text(value)));
        let host = source_host.iter().map(|host| (Cow::Borrowed("source_host"), text(host)));
        Message {
            bytes: written.bytes,
            origin: Arc::clone(&origin),
            format: match written.format {
                WrittenFormat::Gelf => Some(Format::Gelf),
                WrittenFormat::OfSource => None,
            },
            fields: own.chain(host).collect(),
        }
    };
    MessageBatch {
        messages: messages.into_iter().map(message).collect(),
        received_at: clock::now(),
        identity: idempotency_key.map(|key| ObjectId::of(&["write", source, &key]).0),
        ..MessageBatch::default()
    }
}

/// What rejects say of where a message came from.
fn origin(protocol: Protocol, sender: Option<IpAddr>) -> String {
    let path = match protocol {
        Protocol::Gelf => "/gelf",
        Protocol::Ndjson => "/ingest/ndjson",
        Protocol::Otlp => "/v1/logs",
        Protocol::Loki => "/loki/api/v1/push",
        Protocol::Elastic => "/es/",
    };
    sender.map_or_else(|| path.to_owned(), |sender| format!("{path} from {sender}"))
}

fn told(rejected: RejectedMessage) -> Rejected {
    let RejectedMessage { index, reason, text } = rejected;
    Rejected { index, reason, text }
}
