//! Another config for the server that runs: what of it can be in force at once, and what needs a restart.
//!
//! Promises, alerts and who is told of them are what is changed at night, while something fires; they are exchanged
//! whole, after everything about them was checked. Sources, metrics and the store are wired together when the server
//! starts, and changing them under way would need a second way to start each; what differs there is named in the
//! answer, so that nobody believes that it is in force.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, oneshot};
use weir_web::{AdminProblem, ProblemKind, ReloadAnswer};

use super::commit::{Promises, Request};
use super::indicators::Indicators;
use super::sources::Shared;
use super::telling::Telling;
use crate::account::counted;
use crate::config::Config;

/// Reads the config again, as the server was told to read it.
pub type LoadConfig = dyn Fn() -> anyhow::Result<Config> + Send + Sync;

/// There is no config to be read again.
pub fn no_config() -> Arc<LoadConfig> {
    Arc::new(|| anyhow::bail!("there is no config that could be read again"))
}

/// The config in force. Copies are the same.
#[derive(Clone)]
pub struct CurrentConfig {
    config: Arc<RwLock<Arc<Config>>>,
}

impl CurrentConfig {
    /// Begins with `config`.
    pub fn new(config: Config) -> Self {
        Self { config: Arc::new(RwLock::new(Arc::new(config))) }
    }

    /// The one in force.
    pub fn get(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn exchange(&self, config: Config) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }
}

/// Reads the config again and puts it in force.
pub struct Reloading {
    load: Arc<LoadConfig>,
    current: CurrentConfig,
    shared: Shared,
    telling: Arc<Telling>,
    /// One at a time.
    turn: Mutex<()>,
}

impl Reloading {
    /// Reloads what `load` reads into `current`.
    pub fn new(
        load: Arc<LoadConfig>,
        current: CurrentConfig,
        shared: &Shared,
        telling: &Arc<Telling>,
    ) -> Arc<Self> {
        let (shared, telling) = (shared.clone(), Arc::clone(telling));
        Arc::new(Self { load, current, shared, telling, turn: Mutex::new(()) })
    }

    /// Reads the config again, and puts in force what can be.
    ///
    /// # Errors
    ///
    /// What is wrong with the config; the one before is in force then.
    pub async fn reload(&self) -> Result<ReloadAnswer, AdminProblem> {
        let _turn = self.turn.lock().await;
        let answer = self.exchange().await;
        self.shared.state.lock().own.has_reload_failed = answer.is_err();
        match &answer {
            Ok(answer) => {
                let (reloaded, needs_restart) = (answer.reloaded.join(","), answer.needs_restart.join(","));
                tracing::info!(reloaded, needs_restart, "the config was read again");
            }
            Err(problem) => {
                tracing::error!(error = %problem.error, "the config was not taken; the one before is in force");
            }
        }
        answer
    }

    async fn exchange(&self) -> Result<ReloadAnswer, AdminProblem> {
        let load = Arc::clone(&self.load);
        let new = tokio::task::spawn_blocking(move || load()).await;
        let new = new
            .map_err(|_| wrong("the config could not be read"))?
            .map_err(|error| wrong(&format!("{error:#}")))?;
        let old = self.current.get();
        if let Some(what) = what_is_missing(&old, &new) {
            return Err(AdminProblem::new(ProblemKind::BadRequest, what, "the config before is in force"));
        }
        let mut in_force = Config {
            slas: new.slas.clone(),
            alerts: new.alerts.clone(),
            alerting: new.alerting.clone(),
            notifications: new.notifications.clone(),
            ..(*old).clone()
        };
        let answer =
            ReloadAnswer { reloaded: differing(&old, &in_force), needs_restart: differing(&in_force, &new) };
        if answer.needs_restart.is_empty() {
            // Else its text would say what is not so.
            in_force.origin = new.origin;
        }
        if answer.reloaded.is_empty() {
            return Ok(answer);
        }
        let indicators = Indicators::new(&in_force).map_err(|error| wrong(&error.to_string()))?;
        let tells_otherwise =
            old.notifications != in_force.notifications || old.alerting != in_force.alerting;
        if tells_otherwise {
            // First, because it can fail.
            let exchanged = self.telling.exchange(&old, &in_force).await;
            exchanged.map_err(|error| wrong(&format!("{error:#}")))?;
        }
        self.put_in_force(&in_force, indicators).await?;
        self.current.exchange(in_force);
        Ok(answer)
    }

    async fn put_in_force(&self, config: &Config, indicators: Indicators) -> Result<(), AdminProblem> {
        let indicators = Arc::new(indicators);
        self.shared.indicators.exchange(Arc::clone(&indicators));
        let (done, is_done) = oneshot::channel();
        let promises = Promises { config: config.clone(), indicators, done };
        let sent = self.shared.commits.send_async(Request::Reload(Box::new(promises))).await;
        if sent.is_ok() && is_done.await.is_ok() {
            return Ok(());
        }
        Err(AdminProblem::new(ProblemKind::Stopping, "the server stops", "it begins with the new config"))
    }
}

/// Why a config looks as if it were not whole: it has nothing of what is in force. Who empties a file while he writes
/// it, or links it elsewhere, means to drop no alert; to go on without any source needs a restart anyway.
fn what_is_missing(old: &Config, new: &Config) -> Option<String> {
    let is_empty = |config: &Config| config.origin.as_ref().is_none_or(|origin| origin.shown.is_empty());
    let path = new.origin.as_ref().map(|origin| origin.path.display().to_string()).unwrap_or_default();
    if is_empty(new) && !is_empty(old) {
        return Some(format!("the config {path} is empty and the one in force is not; write it whole"));
    }
    (new.sources.is_empty() && !old.sources.is_empty()).then(|| {
        let sources = counted(old.sources.len() as u64, "source", "sources");
        format!("the config {path} has no sources and the one in force has {sources}; write it whole, or restart weir")
    })
}

/// The sections in which two configs differ.
fn differing(one: &Config, other: &Config) -> Vec<String> {
    let sections = [
        ("data_dir", one.data_dir == other.data_dir),
        ("http", one.http == other.http),
        ("sources", one.sources == other.sources),
        ("services", one.services == other.services),
        ("unmatched_routes", one.unmatched_routes == other.unmatched_routes),
        ("redact", one.redact == other.redact),
        ("transforms", one.transforms == other.transforms),
        ("metrics", one.metrics == other.metrics),
        ("gateway", one.gateway == other.gateway),
        ("es", one.es == other.es),
        ("store", one.store == other.store),
        ("slas", one.slas == other.slas),
        ("alerts", one.alerts == other.alerts),
        ("alerting", one.alerting == other.alerting),
        ("notifications", one.notifications == other.notifications),
        ("limits", one.limits == other.limits),
    ];
    let differing = sections.into_iter().filter(|(_, is_same)| !is_same);
    differing.map(|(name, _)| name.to_owned()).collect()
}

fn wrong(error: &str) -> AdminProblem {
    AdminProblem::new(
        ProblemKind::BadRequest,
        error,
        "the config before is in force; weir check says the same",
    )
}
