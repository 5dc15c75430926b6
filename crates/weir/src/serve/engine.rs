//! What counts, without anybody who brings something: the ledger, the state, the store and the commit thread.
//!
//! The server runs it under its sources and HTTP; a command that finds no server runs it alone, so that what
//! either of them writes is written by the same code and under the same lock.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::watch;
use weir_ledger::{Ledger, LedgerError};

use super::commit::{self, Prepares, Written};
use super::current_indicators::CurrentIndicators;
use super::listener_rules::History;
use super::live::LiveTail;
use super::open::{self, Opened, Purpose};
use super::redaction::Redaction;
use super::rules::CurrentRules;
use super::sources::Shared;
use super::upkeep::{Upkeep, UpkeepThread};
use crate::config::Config;
use crate::setup;
use crate::shaping::Shaping;

/// How long the last commit may take once nothing more comes.
const LAST_COMMIT_MAX: Duration = Duration::from_secs(5);

/// The ledger, the state and the commit thread, which runs.
pub struct Engine {
    /// The way in, for whoever brings something. All copies must be gone before it can stop.
    pub shared: Shared,
    /// The listener rules that were known at some time.
    pub history: History,
    /// The names of the remote writes and of their queues, in the order of the config.
    pub queues: Vec<(Arc<str>, String)>,
    committing: JoinHandle<()>,
    give_up: watch::Sender<bool>,
    upkeep_thread: UpkeepThread,
}

impl Engine {
    /// Starts on an open ledger.
    ///
    /// # Errors
    ///
    /// Listener rules that cannot be read, a ledger that cannot be read, or no thread.
    pub fn start(config: &Config, ledger: Ledger, purpose: Purpose) -> anyhow::Result<Self> {
        let history = History::load(&ledger).map_err(unreadable)?;
        let enricher = setup::enricher_with(config, None, &history.captures())?;
        let options = setup::meter_options(config, &enricher, true);
        let Opened { ledger, state, preparation, publications, store, declared, indicators, alerting } =
            open::open(config, options, ledger, purpose)?;
        let queue = |publication: &super::publication::Publication| {
            (Arc::clone(&publication.name), publication.queue().to_owned())
        };
        let queues = publications.iter().map(queue).collect();
        let alerts = alerting.set();
        let (give_up, has_given_up) = watch::channel(false);
        let live = Arc::new(LiveTail::new());
        let written = Written {
            ledger: Arc::clone(&ledger),
            state: Arc::clone(&state),
            store: Arc::clone(&store),
            live: Arc::clone(&live),
        };
        let (commits, committer) =
            commit::commits(written, Prepares { preparation, publications, alerting }, has_given_up);
        let committing = std::thread::Builder::new()
            .name("commit".to_owned())
            .spawn(move || committer.run())
            .context("cannot start the commit thread")?;
        let upkeep = Arc::new(Upkeep::new(&store, &commits));
        let upkeep_thread = upkeep.start().context("cannot start the store's thread")?;
        let shared = Shared {
            rules: CurrentRules::new(enricher),
            options,
            ledger,
            state,
            commits,
            store,
            upkeep,
            live,
            redaction: Arc::new(Redaction::new(config)?),
            shaping: Arc::new(Shaping::new(config)?),
            declared,
            indicators: CurrentIndicators::new(indicators),
            alerts,
        };
        Ok(Self { shared, history, queues, committing, give_up, upkeep_thread })
    }

    /// Lets go of what cannot be written: the server must end.
    pub fn give_up(&self) {
        let _ = self.give_up.send(true);
    }

    /// Commits what has come, and ends.
    ///
    /// # Errors
    ///
    /// When the commit thread has failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Self { shared, committing, give_up, upkeep_thread, .. } = self;
        drop((shared, upkeep_thread));
        let committed = tokio::task::spawn_blocking(move || committing.join());
        match tokio::time::timeout(LAST_COMMIT_MAX, committed).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(_) => bail!("the commit thread has failed; what was counted is in the data folder"),
            Err(_) => {
                // As on a full disk: what is not on it comes again.
                let _ = give_up.send(true);
                tracing::error!("the last counts could not be written; they are counted at the next start");
                Ok(())
            }
        }
    }
}

fn unreadable(error: LedgerError) -> anyhow::Error {
    anyhow::Error::from(error).context("cannot read the listener rules that were kept")
}
