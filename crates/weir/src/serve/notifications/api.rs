//! Alerts and silences for HTTP.
//!
//! Answered from the dispatcher under its lock, so that what `amtool` shows is what decides; a silence is on the disk
//! before it is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_alert::Alert;
use weir_alert::notification::{Comparison, Matcher, Silence, SilenceError, Standing};
use weir_record::Timestamp;
use weir_ship::random_fraction;
use weir_web::{
    AdminProblem, AlertFilter, AlertReceiver, AlertStatus, Alerting, AlertingStatus, AlertingVersion, Answer,
    ClusterStatus, PostableSilence, ProblemKind, ShownAlert, ShownSilence, SilenceId, SilenceMatcher,
    SilenceStatus,
};

use super::Notifier;
use crate::clock;

impl Notifier {
    /// The answers of the API.
    pub fn alerting(self: &Arc<Self>) -> Alerting {
        let (alerts, silences, silence) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        let (set, expire, status) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        let shown = Arc::clone(self);
        Alerting {
            alerts: Arc::new(move |filter| ready(alerts.shown_alerts(&filter))),
            silences: Arc::new(move |matchers| ready(silences.shown_silences(&matchers))),
            silence: Arc::new(move |id| ready(silence.shown_silence(&id))),
            set_silence: Arc::new(move |silence| {
                let notifier = Arc::clone(&set);
                Box::pin(async move { notifier.set_silence(silence).await })
            }),
            expire_silence: Arc::new(move |id| {
                let notifier = Arc::clone(&expire);
                Box::pin(async move { notifier.expire_silence(&id).await })
            }),
            status: Arc::new(move |()| ready(Ok(status.status()))),
            notifications: Arc::new(move |()| ready(Ok(shown.shown()))),
        }
    }

    fn shown_alerts(&self, filter: &AlertFilter) -> Result<Vec<ShownAlert>, AdminProblem> {
        let matchers = matchers(&filter.matchers)?;
        let receiver =
            filter.receiver.as_deref().map(|name| Matcher::new("receiver", Comparison::Matches, name));
        let receiver = receiver.transpose().map_err(|error| bad_request(error.to_string()))?;
        let now = clock::now();
        let inner = self.lock();
        let mut shown = Vec::new();
        for alert in inner.dispatcher.alerts().filter(|alert| !alert.is_resolved_at(now)) {
            if !matchers.iter().all(|matcher| matcher.matches(&alert.labels)) {
                continue;
            }
            let standing = inner.dispatcher.standing(&alert.labels, now);
            let receivers = inner.dispatcher.receivers(&alert.labels);
            let is_asked =
                receiver.as_ref().is_none_or(|asked| receivers.iter().any(|one| asked.matches_value(one)));
            let (is_silenced, is_inhibited) =
                (!standing.silenced_by.is_empty(), standing.inhibited_by.is_some());
            let is_hidden = (is_silenced && !filter.silenced)
                || (is_inhibited && !filter.inhibited)
                || (!is_silenced && !is_inhibited && !filter.active);
            if is_asked && !is_hidden {
                shown.push(shown_alert(alert, &standing, &receivers, now));
            }
        }
        Ok(shown)
    }

    fn shown_silences(&self, wanted: &[String]) -> Result<Vec<ShownSilence>, AdminProblem> {
        let wanted = matchers(wanted)?;
        let now = clock::now();
        let inner = self.lock();
        // As in Alertmanager: a matcher asks for silences with a matcher of that label whose value meets it.
        let has = |silence: &&Silence| {
            wanted.iter().all(|asked| {
                silence
                    .matchers
                    .iter()
                    .any(|own| own.name() == asked.name() && asked.matches_value(own.value()))
            })
        };
        Ok(inner
            .dispatcher
            .silences()
            .iter()
            .filter(has)
            .map(|silence| shown_silence(silence, now))
            .collect())
    }

    fn shown_silence(&self, id: &str) -> Result<ShownSilence, AdminProblem> {
        let inner = self.lock();
        let silence = inner.dispatcher.silences().get(id).map(|silence| shown_silence(silence, clock::now()));
        silence.ok_or_else(|| silence_problem(&SilenceError::Unknown(id.into())))
    }

    async fn set_silence(&self, wanted: PostableSilence) -> Result<SilenceId, AdminProblem> {
        let now = clock::now();
        let time = |text: &str| {
            Timestamp::parse_rfc3339(text.as_bytes()).ok_or_else(|| bad_request(format!("{text} is no time")))
        };
        let matcher = |matcher: &SilenceMatcher| {
            let comparison = match (matcher.is_regex, matcher.is_equal) {
                (false, true) => Comparison::Equal,
                (false, false) => Comparison::NotEqual,
                (true, true) => Comparison::Matches,
                (true, false) => Comparison::MatchesNot,
            };
            Matcher::new(&matcher.name, comparison, &matcher.value)
                .map_err(|error| bad_request(error.to_string()))
        };
        let silence = Silence {
            id: wanted.id.clone().unwrap_or_default().into(),
            matchers: wanted.matchers.iter().map(matcher).collect::<Result<_, _>>()?,
            starts_at: time(&wanted.starts_at)?,
            ends_at: time(&wanted.ends_at)?,
            updated_at: now,
            created_by: wanted.created_by.as_str().into(),
            comment: wanted.comment.as_str().into(),
        };
        let set = self.lock().dispatcher.set_silence(silence, &new_id(), now);
        let id = set.map_err(|error| silence_problem(&error))?;
        self.keep().await;
        Ok(SilenceId { silence_id: id.into() })
    }

    async fn expire_silence(&self, id: &str) -> Result<(), AdminProblem> {
        let expired = self.lock().dispatcher.expire_silence(id, clock::now());
        expired.map_err(|error| silence_problem(&error))?;
        self.keep().await;
        Ok(())
    }

    fn status(&self) -> AlertingStatus {
        let numbers = self.state.lock().own.notifications.clone();
        let inner = self.lock();
        AlertingStatus {
            cluster: ClusterStatus { status: "disabled".to_owned() },
            version_info: AlertingVersion {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..AlertingVersion::default()
            },
            uptime: self.started_at.to_string(),
            notifications_failed: numbers
                .into_iter()
                .map(|(name, of)| (name.to_string(), of.failed))
                .collect(),
            notifications_waiting: inner.outbox.waiting(),
            notifications_errors: inner
                .errors
                .iter()
                .map(|(id, error)| (id.receiver.clone(), error.clone()))
                .collect::<BTreeMap<_, _>>(),
            ..AlertingStatus::default()
        }
    }
}

fn ready<T: Send + 'static>(answer: Result<T, AdminProblem>) -> Answer<T> {
    Box::pin(std::future::ready(answer))
}

fn matchers(texts: &[String]) -> Result<Vec<Matcher>, AdminProblem> {
    let read = |text: &String| Matcher::parse_all(text).map_err(|error| bad_request(error.to_string()));
    Ok(texts.iter().map(read).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn shown_alert(alert: &Alert, standing: &Standing, receivers: &[Box<str>], now: Timestamp) -> ShownAlert {
    let inhibited_by = standing.inhibited_by.iter().map(ToString::to_string).collect();
    let is_quiet = standing.inhibited_by.is_some() || !standing.silenced_by.is_empty();
    ShownAlert {
        annotations: alert.annotations.clone(),
        ends_at: alert.ends_at.unwrap_or_else(|| now.plus_micros(4 * 60 * 1_000_000)).to_string(),
        fingerprint: alert.fingerprint().to_string(),
        receivers: receivers.iter().map(|name| AlertReceiver { name: name.to_string() }).collect(),
        starts_at: alert.starts_at.to_string(),
        status: AlertStatus {
            inhibited_by,
            silenced_by: standing.silenced_by.iter().map(ToString::to_string).collect(),
            muted_by: Vec::new(),
            state: if is_quiet { "suppressed" } else { "active" }.to_owned(),
        },
        updated_at: alert.starts_at.to_string(),
        generator_url: alert.generator_url.clone(),
        labels: alert.labels.clone(),
        explanation: explanation(standing),
    }
}

/// When each receiver is told next, and why not before.
fn explanation(standing: &Standing) -> String {
    let look = |look: &weir_alert::notification::Look| {
        let told = look.told_at.map_or_else(|| "not told yet".to_owned(), |at| format!("told at {at}"));
        let repeat = look.repeat_after.map_or_else(String::new, |at| format!(", unchanged again after {at}"));
        let muted = if look.is_muted { ", now muted by a time interval" } else { "" };
        format!("{}: {told}, looked at next at {}{repeat}{muted}", look.receiver, look.next)
    };
    standing.looks.iter().map(look).collect::<Vec<_>>().join("; ")
}

fn shown_silence(silence: &Silence, now: Timestamp) -> ShownSilence {
    let matcher = |matcher: &Matcher| SilenceMatcher {
        name: matcher.name().to_owned(),
        value: matcher.value().to_owned(),
        is_regex: matches!(matcher.comparison(), Comparison::Matches | Comparison::MatchesNot),
        is_equal: matches!(matcher.comparison(), Comparison::Equal | Comparison::Matches),
    };
    ShownSilence {
        id: silence.id.to_string(),
        status: SilenceStatus { state: silence.state(now).name().to_owned() },
        updated_at: silence.updated_at.to_string(),
        comment: silence.comment.to_string(),
        created_by: silence.created_by.to_string(),
        ends_at: silence.ends_at.to_string(),
        matchers: silence.matchers.iter().map(matcher).collect(),
        starts_at: silence.starts_at.to_string(),
    }
}

fn bad_request(error: String) -> AdminProblem {
    AdminProblem::new(ProblemKind::BadRequest, error, "")
}

fn silence_problem(error: &SilenceError) -> AdminProblem {
    let kind = match error {
        SilenceError::Unknown(_) => ProblemKind::NotFound,
        _ => ProblemKind::BadRequest,
    };
    AdminProblem::new(kind, error.to_string(), "")
}

/// A name that no silence has had, in the form of a UUID, as clients expect it.
fn new_id() -> String {
    let part =
        || (random_fraction() * f64::from(1_u32 << 31)) as u64 ^ ((random_fraction() * 4.0) as u64) << 30;
    let (a, b, c, d) = (part(), part(), part(), part());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:04x}{:08x}",
        a & 0xffff_ffff,
        b & 0xffff,
        (b >> 16) & 0xfff,
        c & 0xfff,
        (c >> 12) & 0xffff,
        d & 0xffff_ffff
    )
}
