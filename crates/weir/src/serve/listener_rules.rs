//! Listener rules from AWS: fetched now and then, and kept.
//!
//! A rule that is changed today must not give yesterday's errors to another team. Each capture that differs
//! from the one before is therefore kept with its time, and a line meets the rules of its own time, even one
//! that is read much later by a backfill. Captures of a time of which no minutes are kept any more go, but for
//! the one that was in force when the minutes begin.

use std::collections::{HashMap, HashSet};
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
use crate::config::{AwsAccess, Config, ListenerRulesApi, Source};
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
            let (_, taken_at) = taken_at(name)?;
            let text = String::from_utf8(text.clone()).ok()?;
            Some(Capture { name: name.clone(), text, taken_at })
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

    /// Forgets what was no more in force at `oldest`, and says under which names it was kept: all captures of
    /// a source but the last before that moment and those after it.
    fn expire(&mut self, oldest: Timestamp) -> Vec<String> {
        let mut in_force: HashMap<&str, &str> = HashMap::new();
        let before = |name: &str| taken_at(name).is_some_and(|(_, taken_at)| taken_at < oldest);
        for (name, _) in self.captures.iter().filter(|(name, _)| before(name)) {
            if let Some((prefix, _)) = taken_at(name) {
                let last = in_force.entry(prefix).or_insert(name);
                *last = name.as_str().max(*last);
            }
        }
        let kept: HashSet<String> = in_force.into_values().map(str::to_owned).collect();
        let is_expired = |name: &str| before(name) && !kept.contains(name);
        let gone = self.captures.extract_if(.., |(name, _)| is_expired(name)).map(|(name, _)| name);
        gone.collect()
    }
}

/// What stands in a capture's name before its time, and the time.
fn taken_at(name: &str) -> Option<(&str, Timestamp)> {
    let (prefix, seconds) = name.rsplit_once('/')?;
    Some((prefix, Timestamp::from_seconds(seconds.parse().ok()?)))
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
    let naming = Arc::new(copy_of_naming(config));
    let (shared, is_stale) = (shared.clone(), false);
    let captures_kept = config.metrics.slots_retention;
    let fetching = Fetching { config: naming, shared, history, sources, captures_kept, is_stale };
    let (answered, has_answered) = oneshot::channel();
    let running = tokio::spawn(fetching.run(refresh, answered, stop.clone()));
    // What is late is not given up: its answer is in force as soon as it is there.
    if tokio::time::timeout(FIRST_ANSWER_MAX, has_answered).await.is_err() {
        tracing::warn!("AWS does not answer; lines meet the listener rules that were fetched before");
    }
    Some(running)
}

struct Fetching {
    config: Arc<Config>,
    shared: Shared,
    history: History,
    sources: Vec<(String, ListenerRulesApi, AwsAccess)>,
    /// How long captures are kept.
    captures_kept: Duration,
    /// There are captures that are not in force yet.
    is_stale: bool,
}

impl Fetching {
    /// Fetches at once and then now and then, until the server stops. Says when the first fetch has ended.
    async fn run(
        mut self,
        refresh: Duration,
        answered: oneshot::Sender<()>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut answered = Some(answered);
        loop {
            let mut stopping = stop.clone();
            tokio::select! {
                // Between two steps of it nothing is lost: the next start fetches again.
                () = self.fetch() => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
            if let Some(answered) = answered.take() {
                // Who waited may have gone on without it.
                let _ = answered.send(());
            }
            if tokio::time::timeout(refresh, stop.wait_for(|stop| *stop)).await.is_ok() {
                return;
            }
        }
    }

    async fn fetch(&mut self) {
        for (source, api, aws) in self.sources.clone() {
            match fetch_listener_rules(&aws_settings(&aws), &api.load_balancers).await {
                Ok(text) => self.take_in(&source, text, clock::now()).await,
                Err(error) if error.is_worth_retrying() => {
                    tracing::warn!(source, error = %error, "cannot fetch listener rules; the last ones hold");
                }
                Err(error) => {
                    tracing::error!(source, error = %error, "cannot fetch listener rules; the last ones hold");
                }
            }
        }
        self.forget(clock::now()).await;
        self.put_in_force();
    }

    async fn take_in(&mut self, source: &str, text: String, now: Timestamp) {
        if let Some((name, bytes)) = self.history.add(source, text, now) {
            self.is_stale = true;
            self.keep(name, bytes).await;
        }
    }

    async fn forget(&mut self, now: Timestamp) {
        for name in self.history.expire(now.minus(self.captures_kept)) {
            self.is_stale = true;
            // What is kept with nothing in it is forgotten.
            self.keep(name, Vec::new()).await;
        }
    }

    async fn keep(&self, name: String, bytes: Vec<u8>) {
        let (done, _) = oneshot::channel();
        let _ = self.shared.commits.send_async(Request::Keep(name, bytes, done)).await;
    }

    fn put_in_force(&mut self) {
        if !self.is_stale {
            return;
        }
        match setup::enricher_with(&self.config, None, &self.history.captures()) {
            Ok(enricher) => {
                self.shared.rules.exchange(enricher);
                self.is_stale = false;
            }
            Err(error) => {
                tracing::error!(error = %error, "listener rules cannot be read; the last ones hold");
            }
        }
    }
}

/// How AWS is reached for a source's rules: as for its objects.
fn aws_of(source: &Source) -> AwsAccess {
    source.input.aws().cloned().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::super::open::Purpose;
    use super::*;
    use crate::serve::engine::Engine;

    /// The captures that are left of these at the time, in seconds.
    fn check(captures: &[&str], oldest: i64, left: &[&str]) {
        let mut history = History {
            captures: captures.iter().map(|name| (format!("{CAPTURES}{name}"), b"[]".to_vec())).collect(),
        };
        let gone = history.expire(Timestamp::from_seconds(oldest));
        let names: Vec<&str> =
            history.captures.iter().filter_map(|(name, _)| name.strip_prefix(CAPTURES)).collect();
        assert_eq!(names, left, "{oldest}");
        assert_eq!(gone.len() + left.len(), captures.len());
        assert!(gone.iter().all(|name| name.starts_with(CAPTURES)));
    }

    #[test]
    fn captures_expire_but_for_the_one_that_was_in_force() {
        let all = ["a/000000000100", "a/000000000200", "a/000000000300", "b/000000000150"];
        check(&all, 50, &all);
        check(&all, 200, &all);
        check(&all, 201, &["a/000000000200", "a/000000000300", "b/000000000150"]);
        check(&all, 999, &["a/000000000300", "b/000000000150"]);
        check(&["odd"], 999, &["odd"]);
    }

    #[test]
    fn a_capture_is_kept_when_it_differs_from_the_last_of_its_source() {
        let mut history = History::default();
        let mut add = |source, text: &str, seconds| {
            history.add(source, text.to_owned(), Timestamp::from_seconds(seconds)).map(|(name, _)| name)
        };
        assert_eq!(add("alb", "[1]", 7), Some("listener_rules/alb/000000000007".to_owned()));
        assert_eq!((add("alb", "[1]", 8), add("other", "[1]", 8).is_some()), (None, true));
        assert!(add("alb", "[2]", 9).is_some() && add("alb", "[1]", 10).is_some());
        assert_eq!(history.captures().len(), 4);
    }

    #[test]
    fn a_capture_that_was_not_put_in_force_is_so_later_though_nothing_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let config = Config::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = Engine::start(&config, Ledger::open(&path).unwrap(), Purpose::Serve).unwrap();
        let mut fetching = Fetching {
            config: Arc::new(copy_of_naming(&config)),
            shared: engine.shared.clone(),
            history: History::default(),
            sources: Vec::new(),
            captures_kept: Duration::from_secs(1_000),
            is_stale: false,
        };
        let at = Timestamp::from_seconds;
        let good = || r#"{"Rules": []}"#.to_owned();
        runtime.block_on(async {
            fetching.take_in("alb", "no rules".to_owned(), at(100)).await;
            fetching.put_in_force();
            assert!(fetching.is_stale, "it cannot be read");
            fetching.take_in("alb", good(), at(200)).await;
            fetching.take_in("alb", good(), at(300)).await;
            assert!(fetching.is_stale);
            fetching.forget(at(1_201)).await;
            fetching.put_in_force();
            assert!(!fetching.is_stale);
            drop(fetching);
            engine.stop().await.unwrap();
        });
        let kept = History::load(&Ledger::open(&path).unwrap()).unwrap();
        let names: Vec<String> = kept.captures().into_iter().map(|capture| capture.name).collect();
        assert_eq!(names, ["listener_rules/alb/000000000200"]);
    }
}
