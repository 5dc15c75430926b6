//! Webhooks: Alertmanager's JSON of version 4, so that whatever takes its webhooks takes these.
//!
//! With a secret each body is signed, as many services do: the receiver computes the same and knows that nobody
//! else wrote it.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use sha2::Sha256;
use weir_alert::notification::Notification;
use weir_alert::{Alert, Labels};
use weir_record::Timestamp;

use super::delivery::Failure;
use crate::http_client::{Answer, Authorization, HttpClient, TargetError};

/// The header with the signature: `sha256=` and HMAC-SHA256 of the body in hex.
const SIGNATURE: HeaderName = HeaderName::from_static("x-weir-signature");

/// The header with a name for the message, the same each time that it is sent.
const DELIVERY: HeaderName = HeaderName::from_static("x-weir-delivery");

/// Where to and how.
#[derive(Clone, Default)]
pub struct WebhookSenderOptions {
    /// The address; its query is sent too.
    pub url: String,
    /// How to log in.
    pub authorization: Authorization,
    /// What bodies are signed with.
    pub secret: Option<String>,
    /// How long one request may take.
    pub timeout: Duration,
}

/// Posts to one address.
pub struct WebhookSender {
    client: HttpClient,
    secret: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    receiver: &'a str,
    status: &'static str,
    alerts: Vec<BodyAlert<'a>>,
    #[serde(rename = "groupLabels")]
    group_labels: &'a Labels,
    #[serde(rename = "commonLabels")]
    common_labels: Labels,
    #[serde(rename = "commonAnnotations")]
    common_annotations: Labels,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    version: &'static str,
    #[serde(rename = "groupKey")]
    group_key: &'a str,
    #[serde(rename = "truncatedAlerts")]
    truncated_alerts: usize,
}

#[derive(Serialize)]
struct BodyAlert<'a> {
    status: &'static str,
    labels: &'a Labels,
    annotations: &'a Labels,
    #[serde(rename = "startsAt")]
    starts_at: String,
    #[serde(rename = "endsAt")]
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
    fingerprint: String,
}

/// The JSON of a notification; `alerts_max` of 0 is all.
pub fn webhook_body(notification: &Notification, alerts_max: usize, external_url: &str) -> Vec<u8> {
    let at = notification.at;
    let shown = if alerts_max == 0 { notification.alerts.len() } else { alerts_max };
    let alerts = notification.alerts.iter().take(shown).map(|alert| BodyAlert {
        status: status(alert.is_resolved_at(at)),
        labels: &alert.labels,
        annotations: &alert.annotations,
        starts_at: alert.starts_at.to_string(),
        ends_at: alert
            .ends_at
            .map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at: Timestamp| at.to_string()),
        generator_url: &alert.generator_url,
        fingerprint: alert.fingerprint().to_string(),
    });
    let body = Body {
        receiver: &notification.receiver,
        status: status(notification.alerts.iter().all(|alert| alert.is_resolved_at(at))),
        alerts: alerts.collect(),
        group_labels: &notification.group_labels,
        common_labels: common(&notification.alerts, |alert| &alert.labels),
        common_annotations: common(&notification.alerts, |alert| &alert.annotations),
        external_url,
        version: "4",
        group_key: &notification.group_key,
        truncated_alerts: notification.alerts.len().saturating_sub(shown),
    };
    // Our own shapes have only text keys, so they are always JSON.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// What all alerts have with the same value.
pub(super) fn common(alerts: &[Alert], of: fn(&Alert) -> &Labels) -> Labels {
    let Some((first, rest)) = alerts.split_first() else { return Labels::new() };
    let mut common = of(first).clone();
    for alert in rest {
        common.retain(|name, value| of(alert).get(name) == Some(value));
    }
    common
}

fn status(is_resolved: bool) -> &'static str {
    if is_resolved { "resolved" } else { "firing" }
}

impl WebhookSender {
    /// A sender; opens nothing yet.
    ///
    /// # Errors
    ///
    /// An address or a login that cannot be.
    pub fn new(options: WebhookSenderOptions) -> Result<Self, TargetError> {
        let WebhookSenderOptions { url, authorization, secret, timeout } = options;
        let json = [(CONTENT_TYPE.to_string(), "application/json".to_owned())];
        Ok(Self { client: HttpClient::with_query(&url, &authorization, &json, timeout)?, secret })
    }

    /// Posts a body; `delivery` is its name.
    ///
    /// # Errors
    ///
    /// It was not taken.
    pub async fn send(&self, body: Vec<u8>, delivery: &str) -> Result<(), Failure> {
        let mut headers = HeaderMap::new();
        let signed = self.secret.as_ref().map(|secret| signature(secret.as_bytes(), &body));
        for (name, value) in [(SIGNATURE, signed), (DELIVERY, Some(delivery.to_owned()))] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        match self.client.post(Bytes::from(body), headers).await {
            Ok(answer) => taken(answer),
            Err(error) => Err(Failure::retry(error.to_string())),
        }
    }
}

/// What an answer means: a server's own trouble and too many requests go away, anything else does not.
pub(super) fn taken(answer: Answer) -> Result<(), Failure> {
    let Answer { status, retry_after, text } = answer;
    let text = if text.is_empty() { format!("status {status}") } else { format!("status {status}: {text}") };
    match status {
        200..=299 => Ok(()),
        408 | 429 | 500..=599 => Err(Failure::Retry { text, after: retry_after }),
        _ => Err(Failure::refused(text)),
    }
}

fn signature(secret: &[u8], body: &[u8]) -> String {
    let mut text = "sha256=".to_owned();
    // A key of any length is one.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) {
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_alert::notification::{GroupId, Incident, Reason};

    #[test]
    fn a_signature_is_the_one_of_rfc_4231() {
        assert_eq!(
            signature(b"Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_body_is_that_of_alertmanager() {
        let at = Timestamp::from_seconds(1_795_780_800);
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
        };
        let alert = |route: &str, ends_at| Alert {
            labels: labels(&[("alertname", "ShopSlow"), ("route", route)]),
            annotations: labels(&[("summary", "slow")]),
            starts_at: at.plus_micros(-60_000_000),
            ends_at,
            generator_url: "https://w/x".to_owned(),
        };
        let notification = Notification {
            receiver: "hook".into(),
            integration: 0,
            group: GroupId(1),
            group_key: "{}:{alertname=\"ShopSlow\"}".into(),
            group_labels: labels(&[("alertname", "ShopSlow")]),
            alerts: vec![alert("/a", None), alert("/b", Some(at)), alert("/c", None)],
            reason: Reason::First,
            incident: Incident::default(),
            at,
        };
        let body: serde_json::Value =
            serde_json::from_slice(&webhook_body(&notification, 2, "https://w/")).unwrap();
        let expected = serde_json::json!({
            "version": "4", "groupKey": "{}:{alertname=\"ShopSlow\"}", "truncatedAlerts": 1,
            "status": "firing", "receiver": "hook", "groupLabels": {"alertname": "ShopSlow"},
            "commonLabels": {"alertname": "ShopSlow"}, "commonAnnotations": {"summary": "slow"},
            "externalURL": "https://w/",
            "alerts": [
                {"status": "firing", "labels": {"alertname": "ShopSlow", "route": "/a"},
                 "annotations": {"summary": "slow"}, "startsAt": "2026-11-27T11:59:00Z",
                 "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "https://w/x",
                 "fingerprint": format!("{:016x}", notification.alerts[0].fingerprint().0)},
                {"status": "resolved", "labels": {"alertname": "ShopSlow", "route": "/b"},
                 "annotations": {"summary": "slow"}, "startsAt": "2026-11-27T11:59:00Z",
                 "endsAt": "2026-11-27T12:00:00Z", "generatorURL": "https://w/x",
                 "fingerprint": format!("{:016x}", notification.alerts[1].fingerprint().0)},
            ],
        });
        assert_eq!(body, expected);
    }
}
