//! People are told of alerts, and other programs: from the set of alerts to what left, through any crash.
//!
//! [`Notifier::set_alerts`] is the way in. Who is told when is decided by the [`Dispatcher`]; what is to be sent
//! is made at once and written in one transaction with the decision, so that a process that dies at any moment
//! neither repeats nor loses a message; then a task per address sends it, for as long as it takes. Where the
//! ledger cannot be written for some seconds it is sent all the same: a mail that may come twice is better than
//! none about a full disk.

mod address;
mod api;
mod outbox;
mod pushing;
mod sending;
mod sent_log;
mod shown;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;
use weir_alert::notification::{
    DIGEST_TITLE, Dispatcher, Integration, Notification, Policy, RouteSpec, Routes,
};
use weir_alert::{Alert, Fingerprint};
use weir_record::Timestamp;
use weir_ship::notify::MailContent;

use super::commit::{Commits, Request};
use super::crash;
use super::sources::Shared;
use super::state::State;
use crate::clock;
use crate::config::{Config, Routing};
pub use address::{Address, addresses};
use outbox::{AddressId, Item, Outbox, Parcel};
use sent_log::{SENT, SentLog};

/// What begins the names of what the ledger keeps of this.
const KEPT: &str = "notify/";

/// What begins the names of what is to be sent, behind [`KEPT`].
const OUT: &str = "out/";

/// How long the ledger may take before what is to be sent is sent all the same.
const KEEP_MAX: Duration = Duration::from_secs(10);

/// How often something is looked after that has no time of its own.
const LOOK_MAX: Duration = Duration::from_secs(15);

/// Says what is known of alerts, for mail; may take its time.
pub type Describe = dyn Fn(&[Alert]) -> BTreeMap<Fingerprint, MailContent> + Send + Sync;

/// Tells people.
pub struct Notifier {
    inner: Mutex<Inner>,
    /// What became of messages; locked while `inner` is, never the other way round.
    sent: Mutex<SentLog>,
    addresses: BTreeMap<AddressId, Arc<Address>>,
    /// Something has changed that is to be kept or looked at.
    wake: Notify,
    /// Counts what was put into the outbox.
    posted: watch::Sender<u64>,
    describe: OnceLock<Arc<Describe>>,
    commits: Commits,
    state: Arc<State>,
    external_url: String,
    max_per_hour: u32,
    started_at: Timestamp,
}

struct Inner {
    dispatcher: Dispatcher,
    outbox: Outbox,
    /// Why an address takes nothing at the moment.
    errors: BTreeMap<AddressId, String>,
}

impl Notifier {
    /// A notifier with what was kept, and the tasks that run it until `stop`. What began longer than `age_max`
    /// before it was found is history.
    ///
    /// # Errors
    ///
    /// A secret or a certificate that cannot be read, or the ledger.
    pub fn start(
        config: &Config,
        age_max: Duration,
        shared: &Shared,
        stop: &watch::Receiver<bool>,
    ) -> anyhow::Result<(Arc<Self>, Vec<JoinHandle<()>>)> {
        let now = clock::now();
        let kept: Vec<(String, Vec<u8>)> = shared
            .ledger
            .read(|ledger| ledger.states_with_prefix::<Vec<u8>>(KEPT))
            .context("cannot read what was to be sent")?
            .into_iter()
            .map(|(name, bytes)| (name[KEPT.len()..].to_owned(), bytes))
            .collect();
        let (sent, kept): (Vec<_>, Vec<_>) = kept.into_iter().partition(|(name, _)| name.starts_with(SENT));
        let is_waiting = |name: &str| name.starts_with(OUT) || name.starts_with(outbox::FLOOD);
        let (outbox, kept): (Vec<_>, Vec<_>) = kept.into_iter().partition(|(name, _)| is_waiting(name));
        let addresses = addresses(config)?;
        let dispatcher = Dispatcher::new(policy(config.notifications.routing.as_ref(), age_max), kept, now);
        let notifier = Arc::new(Self {
            inner: Mutex::new(Inner { dispatcher, outbox: Outbox::new(outbox), errors: BTreeMap::new() }),
            sent: Mutex::new(SentLog::new(&sent)),
            addresses: addresses.into_iter().map(|address| (address.id.clone(), Arc::new(address))).collect(),
            wake: Notify::new(),
            posted: watch::Sender::new(0),
            describe: OnceLock::new(),
            commits: shared.commits.clone(),
            state: Arc::clone(&shared.state),
            external_url: config.http.external_url.clone().unwrap_or_default(),
            max_per_hour: config.notifications.max_per_hour,
            started_at: now,
        });
        notifier.forget_unknown_addresses();
        let mut tasks = vec![tokio::spawn(Arc::clone(&notifier).look(stop.clone()))];
        for address in notifier.addresses.values() {
            notifier.with_numbers(&address.id, |_| ());
            tasks.push(tokio::spawn(sending::run(Arc::clone(&notifier), Arc::clone(address), stop.clone())));
        }
        for target in &config.notifications.alertmanagers {
            let sender = pushing::sender(target)?;
            tasks.push(tokio::spawn(pushing::run(
                Arc::clone(&notifier),
                target.url.clone(),
                sender,
                stop.clone(),
            )));
        }
        Ok((notifier, tasks))
    }

    /// Whether everything that a notifier of this config needs can be read.
    ///
    /// # Errors
    ///
    /// A secret or a certificate that cannot be read, or an address that cannot be used.
    pub fn check(config: &Config) -> anyhow::Result<()> {
        addresses(config)?;
        config.notifications.alertmanagers.iter().try_for_each(|target| pushing::sender(target).map(drop))
    }

    /// Takes in all alerts that there are: those that fire, and those that were resolved in the last minutes. The
    /// first call must have all of them already: one that fired and is not there is over.
    pub fn set_alerts(&self, alerts: Vec<Alert>) {
        self.lock().dispatcher.set_alerts(alerts, clock::now());
        self.wake.notify_one();
    }

    /// Says who knows what mail tells of alerts; until then it tells what the alert says itself.
    pub fn describe_with(&self, describe: Arc<Describe>) {
        let _ = self.describe.set(describe);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic between two changes leaves what is told more often than needed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let next = self.lock().dispatcher.next_look();
            let wait = next.map_or(LOOK_MAX, |next| {
                Duration::from_micros(next.micros_since(clock::now()).unwrap_or(0)).min(LOOK_MAX)
            });
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
            self.step().await;
        }
    }

    /// Decides, makes and keeps what is due, and gives it to who sends it.
    async fn step(&self) {
        let now = clock::now();
        let notifications = self.lock().dispatcher.due(now);
        let contents = self.described(&notifications).await;
        let put = {
            let mut inner = self.lock();
            let put: Vec<u64> = notifications
                .iter()
                .filter_map(|one| self.post(&mut inner.outbox, one, &contents, now))
                .collect();
            let digests = self
                .addresses
                .values()
                .filter_map(|address| self.post_digest(&mut inner.outbox, address, now));
            put.into_iter().chain(digests).collect::<Vec<u64>>()
        };
        if !put.is_empty() {
            crash::here("notification decided");
        }
        self.keep().await;
        if !put.is_empty() {
            crash::here("notification kept");
            self.lock().outbox.release(&put);
            self.posted.send_modify(|posted| *posted += 1);
        }
    }

    /// What is known of the alerts of messages that people read.
    async fn described(&self, notifications: &[Notification]) -> BTreeMap<Fingerprint, MailContent> {
        let is_mail = |one: &&Notification| self.address(one).is_some_and(|address| address.is_mail());
        let mut alerts: BTreeMap<Fingerprint, Alert> = BTreeMap::new();
        for notification in notifications.iter().filter(is_mail) {
            if alerts.len() >= outbox::DESCRIBED_AT_ONCE_MAX {
                break;
            }
            // Not all of a flood: a mail tells of few at length.
            let told = notification.alerts.iter().take(outbox::DESCRIBED_MAX);
            alerts.extend(told.map(|alert| (alert.fingerprint(), alert.clone())));
        }
        let Some(describe) = self.describe.get().filter(|_| !alerts.is_empty()).cloned() else {
            return BTreeMap::new();
        };
        let alerts: Vec<Alert> = alerts.into_values().collect();
        tokio::task::spawn_blocking(move || describe(&alerts)).await.unwrap_or_default()
    }

    fn address(&self, notification: &Notification) -> Option<&Arc<Address>> {
        self.addresses.get(&AddressId::new(&notification.receiver, notification.integration))
    }

    /// Puts the message of a notification into the outbox; its number. Nothing where a digest will tell of it.
    fn post(
        &self,
        outbox: &mut Outbox,
        notification: &Notification,
        contents: &BTreeMap<Fingerprint, MailContent>,
        now: Timestamp,
    ) -> Option<u64> {
        let address = self.address(notification)?;
        if address.is_mail() && !outbox.may_send(&address.id, self.max_per_hour, notification, now) {
            return None;
        }
        match address.parcel(notification, contents, &self.external_url) {
            Ok(parcel) => {
                let title = notification.incident.title.to_string();
                self.put(outbox, address, (notification.group.0, title), parcel, now)
            }
            Err(error) => {
                self.failed(address, &notification.incident.title, &error);
                None
            }
        }
    }

    fn post_digest(&self, outbox: &mut Outbox, address: &Address, now: Timestamp) -> Option<u64> {
        let (digest, thread, number) = outbox.digest(&address.id, self.max_per_hour, now)?;
        match address.digest(&digest, (&thread, number), now) {
            Ok(parcel) => self.put(outbox, address, (0, DIGEST_TITLE.to_owned()), parcel, now),
            Err(error) => {
                self.failed(address, DIGEST_TITLE, &error);
                None
            }
        }
    }

    fn put(
        &self,
        outbox: &mut Outbox,
        address: &Address,
        (group, title): (u64, String),
        parcel: Parcel,
        now: Timestamp,
    ) -> Option<u64> {
        let item = Item { address: address.id.clone(), group, created_us: now.micros(), parcel, title };
        let put = outbox.put(item);
        for _ in 0..put.given_up {
            self.failed(
                address,
                "an older message",
                "more messages wait than are kept; the oldest was given up",
            );
        }
        Some(put.number)
    }

    /// Writes all that has changed; returns when it is on the disk, or after [`KEEP_MAX`].
    pub async fn keep(&self) {
        let changes: Vec<(String, Vec<u8>)> = {
            let mut inner = self.lock();
            let mut changes = inner.dispatcher.take_changes();
            changes.extend(inner.outbox.take_changes());
            changes.extend(self.sent_log().take_changes());
            changes
                .into_iter()
                .map(|(name, bytes)| (format!("{KEPT}{name}"), bytes.unwrap_or_default()))
                .collect()
        };
        if changes.is_empty() {
            return;
        }
        let (done, is_done) = oneshot::channel();
        let kept = async {
            if self.commits.send_async(Request::KeepAll(changes, done)).await.is_ok() {
                let _ = is_done.await;
            }
        };
        if tokio::time::timeout(KEEP_MAX, kept).await.is_err() {
            tracing::warn!(
                "what is to be sent could not be written yet; it is sent, and may be sent again after a crash"
            );
        }
    }

    /// Gives up what is for addresses that the config does not have any more.
    fn forget_unknown_addresses(&self) {
        let given_up = self.lock().outbox.retain(|address| self.addresses.contains_key(address));
        if given_up > 0 {
            tracing::warn!(
                messages = given_up,
                "messages are not sent: the config does not name their receivers any more"
            );
        }
        self.wake.notify_one();
    }

    /// Notes that a message will never be taken.
    fn failed(&self, address: &Address, title: &str, error: &str) {
        self.with_numbers(&address.id, |numbers| numbers.failed += 1);
        self.sent_log().note(address, title, Some(error), clock::now());
        tracing::error!(receiver = %address.id.receiver, error, "a message was given up");
    }

    /// Notes that a message was taken.
    fn sent(&self, address: &Address, title: &str) {
        self.with_numbers(&address.id, |numbers| numbers.sent += 1);
        self.sent_log().note(address, title, None, clock::now());
    }

    fn sent_log(&self) -> MutexGuard<'_, SentLog> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_numbers(
        &self,
        address: &AddressId,
        change: impl FnOnce(&mut super::own_metrics::NotificationNumbers),
    ) {
        change(self.state.lock().own.notifications.entry(address.receiver.as_str().into()).or_default());
    }
}

/// What a config says of who is told, for the dispatcher.
pub fn policy(routing: Option<&Routing>, age_max: Duration) -> Policy {
    let Some(routing) = routing else {
        let root = RouteSpec { receiver: Some("alertmanagers".into()), ..RouteSpec::default() };
        return Policy {
            routes: Routes::new(&root),
            receivers: BTreeMap::new(),
            inhibit_rules: Vec::new(),
            time_intervals: BTreeMap::new(),
            age_max,
        };
    };
    let receivers = routing.receivers.iter().map(|receiver| {
        let mail = receiver.emails.iter().map(|email| (email.send_resolved, true));
        let webhooks = receiver.webhooks.iter().map(|webhook| (webhook.send_resolved, false));
        let integrations =
            mail.chain(webhooks).map(|(sends_resolved, is_mail)| Integration { sends_resolved, is_mail });
        (receiver.name.as_str().into(), integrations.collect())
    });
    Policy {
        routes: Routes::new(&routing.root),
        receivers: receivers.collect(),
        inhibit_rules: routing.inhibit_rules.clone(),
        time_intervals: routing.time_intervals.clone(),
        age_max,
    }
}
