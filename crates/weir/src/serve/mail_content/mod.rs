//! What a mail says of an alert beside its own words: the promise, the numbers that broke it, who and what was hit, and
//! how to see it.
//!
//! Counts are those that the alert was judged by; what only records know is asked of the store, with the query that
//! stands in the mail. A mail does not wait for a slow store: after a while it goes out, and says what is missing.

mod records;
mod steps;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use weir_alert::{Alert, AlertState, Fingerprint, MeasuredKind, time};
use weir_record::Timestamp;
use weir_ship::notify::{Budget, Delay, MailContent, Measured, Resolution};
use weir_store::Store;
use weir_web::SlaStatus;

use super::alerting_view::{AlertingView, KnownAlert};
use super::bad_events::{BadEvents, measured_text};
use super::sources::Shared;
use super::state::State;
use crate::clock;

/// How long all questions for the mails of one moment may take together.
const ASKING_MAX: Duration = Duration::from_secs(10);

/// How long those about one alert may take.
const ASKING_MAX_OF_ALERT: Duration = Duration::from_secs(5);

/// How long a store that does not even notice its deadline, as on a disk that hangs, is waited for beyond it.
const ASKING_GRACE: Duration = Duration::from_secs(2);

/// Says that the store is asked, for as long as it lives.
struct Asking(Arc<AtomicBool>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Knows what mail says of alerts. Copies are the same one.
#[derive(Clone)]
pub struct MailContents {
    state: Arc<State>,
    store: Arc<Store>,
    external_url: Arc<str>,
    /// Whether the store is still being asked for an earlier mail, which has left without its answer.
    is_asking: Arc<AtomicBool>,
}

impl MailContents {
    /// That of a server which is reached at `external_url`.
    pub fn new(shared: &Shared, external_url: &str) -> Self {
        Self {
            state: Arc::clone(&shared.state),
            store: Arc::clone(&shared.store),
            external_url: external_url.into(),
            is_asking: Arc::default(),
        }
    }

    /// What is known of each of these alerts.
    pub fn of(&self, alerts: &[Alert]) -> BTreeMap<Fingerprint, MailContent> {
        let view = self.state.lock().alerting.clone();
        let (mut contents, mut asked) = (BTreeMap::new(), Vec::new());
        for alert in alerts {
            let known = view.known(&alert.labels);
            let content = self.counted(alert, &view, known);
            if let Some(known) = known {
                asked.push((alert.fingerprint(), content.clone(), known.clone()));
            }
            contents.insert(alert.fingerprint(), content);
        }
        if !asked.is_empty() {
            let mut answered = self.with_records(asked.clone(), &view);
            for (fingerprint, mut content, _) in asked {
                content.notes.push(steps::missing(0, "the store did not answer in time"));
                contents.insert(fingerprint, answered.remove(&fingerprint).unwrap_or(content));
            }
        }
        contents
    }

    /// What the records add, of as many alerts as they say it in time.
    fn with_records(
        &self,
        asked: Vec<(Fingerprint, MailContent, KnownAlert)>,
        view: &Arc<AlertingView>,
    ) -> BTreeMap<Fingerprint, MailContent> {
        if self.is_asking.swap(true, Ordering::AcqRel) {
            return BTreeMap::new();
        }
        let answered: Arc<Mutex<BTreeMap<Fingerprint, MailContent>>> = Arc::default();
        let (ended, has_ended) = mpsc::sync_channel::<()>(1);
        let (asker, answers, view) = (self.clone(), Arc::clone(&answered), Arc::clone(view));
        let asking = Asking(Arc::clone(&self.is_asking));
        let started = std::thread::Builder::new().name("mail".to_owned()).spawn(move || {
            let (_ended, _asking) = (ended, asking);
            let until = clock::monotonic() + ASKING_MAX;
            for (fingerprint, mut content, known) in asked {
                asker.ask(&mut content, &known, &view, until.min(clock::monotonic() + ASKING_MAX_OF_ALERT));
                answers.lock().unwrap_or_else(PoisonError::into_inner).insert(fingerprint, content);
            }
        });
        if let Err(error) = started {
            tracing::warn!(error = error.to_string(), "mail goes out without what records say");
        }
        // Nothing comes: it is closed when all were asked.
        let _ = has_ended.recv_timeout(ASKING_MAX + ASKING_GRACE);
        std::mem::take(&mut answered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ask(&self, content: &mut MailContent, known: &KnownAlert, view: &AlertingView, until: Instant) {
        if let Some(indicator) = view.indicator(known.indicator) {
            steps::add(content, known, indicator, &records::Records::new(&self.store, until));
        }
    }

    /// What is known without any record.
    fn counted(&self, alert: &Alert, view: &AlertingView, known: Option<&KnownAlert>) -> MailContent {
        let sla = view.sla_of_alert(&alert.labels);
        let sla = sla.as_ref();
        let mut content = MailContent {
            promise: sla.map(|sla| sla.promise.clone()).unwrap_or_default(),
            budget: sla.and_then(|sla| {
                let left = sla.budget.left_share?;
                Some(Budget { left, period: format!("the budget since {}", sla.from) })
            }),
            notes: known.map(|known| known.row.explanation.clone()).into_iter().collect(),
            ..MailContent::default()
        };
        if let Some(to) = sla.and_then(|sla| sla.to.as_ref()) {
            content.notes.push(format!("complete up to {to}"));
        }
        let Some(known) = known else { return content };
        let Some(indicator) = view.indicator(known.indicator) else { return content };
        let events = BadEvents::told(indicator, &known.active);
        let is_share = known.active.measured.kind == MeasuredKind::Share;
        let (bad, total) = match known.active.state {
            AlertState::Resolved => (known.active.course.events.bad, known.active.course.events.total()),
            _ => (known.active.measured.bad, known.active.measured.total),
        };
        let total = is_share.then_some(total);
        content.measured =
            Some(Measured { bad, total, percentiles: Vec::new(), from: events.from, to: events.to });
        content.since = Some(time(known.active.active_at));
        content.found_at = known.active.found_us.map(Timestamp::from_micros);
        content.link = events.link(&self.external_url);
        content.search_command = events.command(&self.external_url);
        if events.all != events.bad {
            content.search_command_of_all = events.command_of_all(&self.external_url);
        }
        if known.active.state == AlertState::Resolved {
            content.resolution = Some(resolution(known, sla));
        } else {
            content.delays = delays(known);
        }
        content
    }
}

/// Where the time went from when a rule held to when somebody knew.
fn delays(known: &KnownAlert) -> Vec<Delay> {
    let active = &known.active;
    let (Some(fired_at), Some(found_us)) = (active.fired_at, active.found_us) else { return Vec::new() };
    let held = Duration::from_secs(60 * (fired_at - active.active_at).unsigned_abs());
    let found = Timestamp::from_micros(found_us).micros_since(time(fired_at)).unwrap_or(0);
    [("for", held), ("log delivery", Duration::from_micros(found))]
        .into_iter()
        .filter(|(_, duration)| *duration > Duration::ZERO)
        .map(|(name, duration)| Delay { name: name.to_owned(), duration })
        .collect()
}

fn resolution(known: &KnownAlert, sla: Option<&SlaStatus>) -> Resolution {
    let active = &known.active;
    let minutes = active.resolved_at.unwrap_or(active.active_at) - active.active_at;
    let allowed = sla.map(|sla| sla.budget.allowed).filter(|allowed| *allowed > 0.0);
    Resolution {
        value_now: measured_text(known.now),
        worst: measured_text(active.worst),
        duration: Duration::from_secs(60 * minutes.unsigned_abs()),
        budget_spent: allowed.map(|allowed| active.course.events.bad as f64 / allowed),
    }
}

#[cfg(test)]
mod tests;
