//! The notifier in force, and how another takes its place.
//!
//! Everything that a notifier knows is in the ledger, so another config is another notifier that begins where the one
//! before ended: its tasks end after what they are sending, what it decided is written, and only then the next one
//! reads it. So nothing is told twice, and nothing is lost in between, as whoever finds alerts hands over all of them
//! again. Changing the one that runs was refused: its tasks, addresses and secrets are those of its config.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use weir_alert::Alert;
use weir_web::{Alerting, Ask};

use super::mail_content::MailContents;
use super::notifications::Notifier;
use super::sources::Shared;
use crate::config::Config;

/// The notifier in force.
pub struct Telling {
    current: RwLock<InForce>,
    running: Mutex<Running>,
    shared: Shared,
}

/// A notifier, and what it answers.
struct InForce {
    notifier: Arc<Notifier>,
    answers: Alerting,
}

/// What runs it.
struct Running {
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Telling {
    /// Starts the notifier of a config.
    ///
    /// # Errors
    ///
    /// A secret or a certificate that cannot be read, or the ledger.
    pub fn start(config: &Config, shared: &Shared) -> anyhow::Result<Arc<Self>> {
        let (notifier, running) = started(config, shared)?;
        Ok(Arc::new(Self {
            current: RwLock::new(InForce::of(notifier)),
            running: Mutex::new(running),
            shared: shared.clone(),
        }))
    }

    /// The one in force.
    pub fn notifier(&self) -> Arc<Notifier> {
        Arc::clone(&self.in_force().notifier)
    }

    fn in_force(&self) -> RwLockReadGuard<'_, InForce> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in all alerts that there are.
    pub fn set_alerts(&self, alerts: Vec<Alert>) {
        self.notifier().set_alerts(alerts);
    }

    /// Puts the notifier of another config in the place of the one in force, once that has ended.
    ///
    /// # Errors
    ///
    /// As [`Self::start`]; where that can be known before, the one in force goes on.
    pub async fn exchange(&self, old: &Config, new: &Config) -> anyhow::Result<()> {
        Notifier::check(new)?;
        self.stop().await;
        self.notifier().keep().await;
        let started = started(new, &self.shared);
        let failure = started.as_ref().err().map(ToString::to_string);
        // What has run until now can run again, whatever is wrong with the new one.
        let (notifier, running) = started.or_else(|_| self::started(old, &self.shared))?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = InForce::of(notifier);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = running;
        self.set_alerts(self.shared.alerts.alerts());
        failure.map_or(Ok(()), |failure| Err(anyhow::anyhow!(failure)))
    }

    /// Ends it, after what it is sending.
    pub async fn stop(&self) {
        let tasks = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.stop.send_replace(true);
            std::mem::take(&mut running.tasks)
        };
        for task in tasks {
            let _ = task.await;
        }
    }

    /// The answers of the API, from whichever is in force.
    pub fn alerting(self: &Arc<Self>) -> Alerting {
        Alerting {
            alerts: self.asked(|answers| &answers.alerts),
            silences: self.asked(|answers| &answers.silences),
            silence: self.asked(|answers| &answers.silence),
            set_silence: self.asked(|answers| &answers.set_silence),
            expire_silence: self.asked(|answers| &answers.expire_silence),
            status: self.asked(|answers| &answers.status),
            notifications: self.asked(|answers| &answers.notifications),
        }
    }

    /// A question to the notifier that is in force when it is asked.
    fn asked<Q: Send + 'static, T: Send + 'static>(
        self: &Arc<Self>,
        which: impl Fn(&Alerting) -> &Ask<Q, T> + Send + Sync + 'static,
    ) -> Ask<Q, T> {
        let telling = Arc::downgrade(self);
        Arc::new(move |question| {
            let answer = telling.upgrade().map(|telling| Arc::clone(which(&telling.in_force().answers)));
            match answer {
                Some(answer) => answer(question),
                None => Box::pin(async {
                    let kind = weir_web::ProblemKind::Stopping;
                    Err(weir_web::AdminProblem::new(kind, "the server stops", "ask the next one"))
                }),
            }
        })
    }
}

impl InForce {
    fn of(notifier: Arc<Notifier>) -> Self {
        Self { answers: notifier.alerting(), notifier }
    }
}

fn started(config: &Config, shared: &Shared) -> anyhow::Result<(Arc<Notifier>, Running)> {
    let (stop, stopped) = watch::channel(false);
    let (notifier, tasks) = Notifier::start(config, config.alerting.max_age, shared, &stopped)?;
    let contents = MailContents::new(shared, config.http.external_url.as_deref().unwrap_or_default());
    notifier.describe_with(Arc::new(move |alerts: &[Alert]| contents.of(alerts)));
    Ok((notifier, Running { tasks, stop }))
}
