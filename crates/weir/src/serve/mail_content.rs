//! What a mail says of an alert beside its own words: the promise, the numbers that broke it, and what is left of the
//! budget.
//!
//! Taken from what `/api/alerts` and `/api/slas` show at that moment, so that mail and page cannot disagree.

use std::collections::BTreeMap;

use weir_alert::{Alert, Fingerprint};
use weir_ship::notify::{Budget, MailContent};
use weir_web::SlaStatus;

use super::state::State;
use crate::clock;

/// What is known of each of these alerts.
pub fn contents(alerts: &[Alert], state: &State) -> BTreeMap<Fingerprint, MailContent> {
    let view = state.lock().alerting.clone();
    let (rows, slas) = (view.alerts().alerts, view.slas(clock::now()).slas);
    let content = |alert: &Alert| {
        let row = rows.iter().find(|row| row.labels == alert.labels);
        let sla = slas.iter().find(|sla| is_of(alert, sla));
        MailContent {
            promise: sla.map(|sla| sla.promise.clone()).unwrap_or_default(),
            budget: sla.and_then(|sla| {
                let left = sla.budget.left_share?;
                Some(Budget { left, period: format!("since {}", sla.from) })
            }),
            notes: row.map(|row| row.explanation.clone()).into_iter().collect(),
            ..MailContent::default()
        }
    };
    alerts.iter().map(|alert| (alert.fingerprint(), content(alert))).collect()
}

/// Whether a promise is the one that an alert is about.
fn is_of(alert: &Alert, sla: &SlaStatus) -> bool {
    let label = |name: &str| alert.labels.get(name).map_or("", |value| &**value);
    !label("sla").is_empty()
        && [("sla", &sla.sla), ("service", &sla.service), ("route", &sla.route), ("method", &sla.method)]
            .iter()
            .all(|(name, value)| label(name) == value.as_str())
}
