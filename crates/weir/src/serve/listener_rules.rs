//! Listener rules from AWS: fetched now and then, and kept.
//!
//! A rule that is changed today must not give yesterday's errors to another team. Each capture that differs
//! from the one before is therefore kept with its time, and a line meets the rules of its own time, even one
//! that is read years later by a backfill.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use weir_ingest::s3::fetch_listener_rules;
use weir_ledger::{Ledger, LedgerError};
use weir_record::Timestamp;

use super::commit::Request;
use super::sources::{Shared, aws_settings};
use crate::clock;
use crate::config::{AwsAccess, Config, ListenerRulesApi, Source, SourceInput};
use crate::setup::{self, Capture};

/// Before the name of a capture in the ledger.
const CAPTURES: &str = "listener_rules/";

/// How long a start waits for the first answer: lines that are read before it have no target group.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(10);

/// All captures that were kept.
#[derive(Clone, Debug, Default)]
pub struct History {
    captures: Vec<(String, Vec<u8>)>,
}

impl History {
    /// The captures that the ledger has.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn load(ledger: &Ledger) -> Result<Self, LedgerError> {
        let captures = ledger.read(|ledger| ledger.states_with_prefix::<Vec<u8>>(CAPTURES))?;
        Ok(Self { captures: captures.into_iter().map(|(name, text)| (String::from(name), text)).collect() })
    }

    /// What the enricher reads.
    pub fn captures(&self) -> Vec<Capture> {
        let capture = |(name, text): &(String, Vec<u8>)| {
            let (_, seconds) = name.rsplit_once('/')?;
            Some(Capture {
                name: name.clone(),
                text: String::from_utf8(text.clone()).ok()?,
                taken_at: Timestamp::from_seconds(seconds.parse().ok()?),
            })
        };
        self.captures.iter().filter_map(capture).collect()
    }

    /// Adds a capture of `source`, and says under which name, if it is not the same as the last.
    fn add(&mut self, source: &str, text: String, now: Timestamp) -> Option<(String, Vec<u8>)> {
        let prefix = format!("{CAPTURES}{source}/");
        let last = self.captures.iter().filter(|(name, _)| name.starts_with(&prefix)).max();
        if last.is_some_and(|(_, last)| last == text.as_bytes()) {
            return None;
        }
        // Twelve digits sort as numbers do.
        let capture = (format!("{prefix}{:012}", now.micros().div_euclid(1_000_000)), text.into_bytes());
        self.captures.push(capture.clone());
        Some(capture)
    }
}

/// Begins to fetch for each source that wants it. Returns when the first answers are here, or are late.
pub async fn start(
    config: &Config,
    shared: &Shared,
    history: History,
    stop: &watch::Receiver<bool>,
) -> Option<JoinHandle<()>> {
    let wanted = config.sources.iter().filter_map(|source| {
        source.listener_rules_api.clone().map(|api| (source.name.clone(), api, aws_of(source)))
    });
    let sources: Vec<_> = wanted.collect();
    if sources.is_empty() {
        return None;
    }
    let refresh = sources.iter().map(|(_, api, _)| api.refresh).min().unwrap_or_default();
    let mut fetching =
        Fetching { config: Arc::new(copy_of_naming(config)), shared: shared.clone(), history, sources };
    if tokio::time::timeout(FIRST_ANSWER_MAX, fetching.fetch()).await.is_err() {
        tracing::warn!("AWS does not answer; lines meet the listener rules that were fetched before");
    }
    let mut stop = stop.clone();
    Some(tokio::spawn(async move {
        while tokio::time::timeout(refresh, stop.wait_for(|stop| *stop)).await.is_err() {
            fetching.fetch().await;
        }
    }))
}

struct Fetching {
    config: Arc<Config>,
    shared: Shared,
    history: History,
    sources: Vec<(String, ListenerRulesApi, AwsAccess)>,
}

impl Fetching {
    async fn fetch(&mut self) {
        let mut is_changed = false;
        for (source, api, aws) in self.sources.clone() {
            match fetch_listener_rules(&aws_settings(&aws), &api.load_balancers).await {
                Ok(text) => {
                    if let Some((name, bytes)) = self.history.add(&source, text, clock::now()) {
                        is_changed = true;
                        let (done, _) = oneshot::channel();
                        let _ = self.shared.commits.send_async(Request::Keep(name, bytes, done)).await;
                    }
                }
                Err(error) if error.is_worth_retrying() => {
                    tracing::warn!(source, error = %error, "cannot fetch listener rules; the last ones hold");
                }
                Err(error) => {
                    tracing::error!(source, error = %error, "cannot fetch listener rules; the last ones hold");
                }
            }
        }
        if !is_changed {
            return;
        }
        match setup::enricher_with(&self.config, None, &self.history.captures()) {
            Ok(enricher) => self.shared.rules.exchange(enricher),
            Err(error) => {
                tracing::error!(error = %error, "listener rules cannot be read; the last ones hold");
            }
        }
    }
}

/// How AWS is reached for a source's rules: as for its objects.
fn aws_of(source: &Source) -> AwsAccess {
    match &source.input {
        SourceInput::Files(_) => AwsAccess::default(),
        SourceInput::Sqs(input) => input.aws.clone(),
        SourceInput::S3(input) => input.aws.clone(),
    }
}

/// The part of the config that names services, routes and target groups.
fn copy_of_naming(config: &Config) -> Config {
    Config {
        sources: config.sources.clone(),
        services: config.services.clone(),
        unmatched_routes: config.unmatched_routes,
        ..Config::default()
    }
}
