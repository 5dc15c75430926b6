//! Handing alerts over to a real Alertmanager, by version 2 of its API.
//!
//! It wants to be told again and again: an alert that it does not hear of for some minutes is over for it. So what
//! is sent is the state, not a queue, and nothing is kept for one that is down. One alert that it refuses makes it
//! refuse the whole request, so what can be wrong is left out beforehand, and a request that is refused all the
//! same is taken apart.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use serde::Serialize;
use weir_alert::{Alert, Labels};
use weir_record::Timestamp;

use super::delivery::Failure;
use super::webhook::taken;
use crate::http_client::{Authorization, HttpClient, TargetError};

/// Alerts of one request; Prometheus sends as many.
const ALERTS_AT_ONCE: usize = 64;

/// For how long what fires is said to fire, unless it is said again.
const FIRES_FOR: Duration = Duration::from_secs(4 * 60);

/// Hands alerts to one Alertmanager.
pub struct AlertmanagerSender {
    client: HttpClient,
}

/// What became of the alerts of one round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushOutcome {
    /// Those that were taken.
    pub sent: usize,
    /// Those that it will never take.
    pub refused: usize,
    /// Why the first of them was not.
    pub first_refusal: Option<String>,
    /// Why the rest was not even tried.
    pub failure: Option<String>,
}

#[derive(Serialize)]
struct Posted<'a> {
    labels: &'a Labels,
    annotations: &'a Labels,
    #[serde(rename = "startsAt")]
    starts_at: String,
    #[serde(rename = "endsAt")]
    ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
}

impl AlertmanagerSender {
    /// One for the Alertmanager at `url`; opens nothing yet.
    ///
    /// # Errors
    ///
    /// An address or a login that cannot be.
    pub fn new(url: &str, authorization: &Authorization, timeout: Duration) -> Result<Self, TargetError> {
        let url = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
        let json = [(CONTENT_TYPE.to_string(), "application/json".to_owned())];
        Ok(Self { client: HttpClient::new(&url, authorization, &json, timeout)? })
    }

    /// Says what fires and what is over. Whatever it refuses does not keep the rest from it.
    pub async fn push(&self, alerts: &[Alert], now: Timestamp) -> PushOutcome {
        let mut outcome = PushOutcome::default();
        let (right, wrong): (Vec<&Alert>, Vec<&Alert>) =
            alerts.iter().partition(|alert| is_acceptable(alert));
        if let Some(first) = wrong.first() {
            outcome.refused = wrong.len();
            outcome.first_refusal = Some(format!("a label's name is none: {:?}", first.labels.keys().next()));
        }
        let mut waiting: Vec<&[&Alert]> = right.chunks(ALERTS_AT_ONCE).collect();
        waiting.reverse();
        while let Some(batch) = waiting.pop() {
            match self.post(batch, now).await {
                Ok(()) => outcome.sent += batch.len(),
                Err(Failure::Retry { text, .. }) => {
                    outcome.failure = Some(text);
                    break;
                }
                Err(Failure::Refused { text }) if batch.len() <= 1 => {
                    outcome.refused += 1;
                    outcome.first_refusal.get_or_insert(text);
                }
                Err(Failure::Refused { .. }) => {
                    let (one, other) = batch.split_at(batch.len() / 2);
                    waiting.extend([other, one]);
                }
            }
        }
        outcome
    }

    async fn post(&self, batch: &[&Alert], now: Timestamp) -> Result<(), Failure> {
        let fires_until = now.plus_micros(i64::try_from(FIRES_FOR.as_micros()).unwrap_or(i64::MAX));
        let posted: Vec<Posted> = batch
            .iter()
            .map(|alert| Posted {
                labels: &alert.labels,
                annotations: &alert.annotations,
                starts_at: alert.starts_at.to_string(),
                // It refuses an end that lies before the start, as one in the same instant may.
                ends_at: alert
                    .ends_at
                    .unwrap_or(fires_until)
                    .max(alert.starts_at.plus_micros(1000))
                    .to_string(),
                generator_url: &alert.generator_url,
            })
            .collect();
        // Our own shapes have only text keys, so they are always JSON.
        let body = serde_json::to_vec(&posted).unwrap_or_default();
        match self.client.post(Bytes::from(body), HeaderMap::new()).await {
            Ok(answer) => taken(answer),
            Err(error) => Err(Failure::retry(error.to_string())),
        }
    }
}

/// Whether the names of its labels are those that an Alertmanager before 0.27 takes.
fn is_acceptable(alert: &Alert) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    !alert.labels.is_empty() && alert.labels.keys().chain(alert.annotations.keys()).all(|name| is_name(name))
}
