//! What a backtest found, in the words of the API: lists of bounded length beside counts of everything, since a
//! config that is tried because it is bad may give a hundred thousand alerts.

use std::collections::BTreeMap;

use weir_alert::backtest::{Firing, Message};
use weir_alert::{Events, Labels, Objective};
use weir_web::{
    BacktestAnswer, BacktestData, BacktestFiring, BacktestMails, BacktestMessage, BacktestReceiver,
    BacktestRow, BacktestStep, SlaBudget,
};

use super::Ran;
use super::history::{short_name, shown};
use crate::serve::alerting::StoredChange;
use crate::serve::alerting_view;
use crate::serve::indicators::Subject;

/// Firings that are listed.
const FIRINGS_MAX: usize = 10_000;

/// Changes that are listed.
const CHANGES_MAX: usize = 10_000;

/// Messages that are listed.
const MESSAGES_MAX: usize = 1_000;

/// As the API has it.
pub fn answer(ran: &Ran) -> BacktestAnswer {
    let outcome = &ran.outcome;
    let changes = outcome.changes.iter().take(CHANGES_MAX);
    let mut warnings = ran.warnings.clone();
    for (what, there, listed) in
        [("firings", outcome.firings.len(), FIRINGS_MAX), ("changes", outcome.changes.len(), CHANGES_MAX)]
    {
        if there > listed {
            warnings.push(format!("{listed} of {there} {what} are listed; all of them are counted"));
        }
    }
    BacktestAnswer {
        from: shown(ran.span.from),
        to: shown(ran.span.to),
        rows: (0..ran.indicators.all().len()).filter_map(|number| row(ran, number)).collect(),
        firings: outcome.firings.iter().take(FIRINGS_MAX).map(|own| firing(ran, own)).collect(),
        firings_total: outcome.firings.len() as u64,
        firing_minutes: outcome.firings.iter().map(|firing| minutes(ran, firing)).sum(),
        changes: changes.map(|change| alerting_view::change(&StoredChange::of(change))).collect(),
        mails: mails(ran),
        suggestion: None,
        warnings,
        took_ms: 0,
    }
}

/// For how long a firing lasted within the span.
fn minutes(ran: &Ran, firing: &Firing) -> u64 {
    let before = (ran.span.from - firing.fired_at).max(0);
    (firing.minutes(ran.span.to) - before).max(0).unsigned_abs()
}

fn share(Events { good, bad }: Events) -> Option<f64> {
    let total = good + bad;
    (total > 0).then(|| good as f64 / total as f64)
}

fn row(ran: &Ran, number: usize) -> Option<BacktestRow> {
    let indicator = ran.indicators.all().get(number)?;
    let sums = ran.outcome.sums.get(number)?;
    let mut all = Events::default();
    sums.values().for_each(|events| all.add(*events));
    let of_indicator = |firing: &&Firing| ran.rule_indicators.get(firing.rule) == Some(&number);
    let firings = || ran.outcome.firings.iter().filter(of_indicator);
    let (kind, objective) = match &indicator.subject {
        Subject::Sla(sla) => ("sla", Some(sla.objective)),
        Subject::Alert(_) => ("alert", None),
    };
    let data = ran.data.get(number).into_iter().flatten().map(|(data, from, to)| BacktestData {
        data: (*data).to_owned(),
        from: shown(*from),
        to: shown(*to),
    });
    let share_of = |events| objective.and_then(|_| share(events));
    let step = |(minute, events): (&i64, &Events)| BacktestStep {
        from: shown(*minute),
        good: events.good,
        bad: events.bad,
        good_share: share_of(*events),
    };
    Some(BacktestRow {
        kind: kind.to_owned(),
        name: short_name(&indicator.name).to_owned(),
        data: data.collect(),
        good: all.good,
        bad: all.bad,
        good_share: share_of(all),
        objective: objective.map(Objective::percent),
        budget: objective.map(|objective| budget(objective, all)),
        firings: firings().count() as u64,
        firing_minutes: firings().map(|firing| minutes(ran, firing)).sum(),
        steps: sums.iter().map(step).collect(),
        step_minutes: ran.span.step.unsigned_abs(),
    })
}

fn budget(objective: Objective, events: Events) -> SlaBudget {
    let allowed = objective.allowed().of(events.total());
    let left_share = (events.total() > 0).then(|| 1.0 - events.bad as f64 / allowed.max(f64::MIN_POSITIVE));
    SlaBudget { allowed, spent: events.bad, left_share }
}

fn firing(ran: &Ran, firing: &Firing) -> BacktestFiring {
    BacktestFiring {
        labels: firing.labels.clone(),
        annotations: firing.annotations.clone(),
        active_at: shown(firing.active_at),
        fired_at: shown(firing.fired_at),
        resolved_at: firing.resolved_at.map(shown),
        minutes: minutes(ran, firing),
        bad: firing.worst.bad,
        total: firing.worst.total,
    }
}

fn mails(ran: &Ran) -> BacktestMails {
    let start = weir_alert::time(ran.span.from);
    let sent = || ran.mails.messages.iter().filter(|message| message.at >= start);
    let mut receivers: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    if let Some(routing) = &ran.config.notifications.routing {
        for receiver in &routing.receivers {
            for (kind, is_there) in
                [("mail", !receiver.emails.is_empty()), ("webhook", !receiver.webhooks.is_empty())]
            {
                if is_there {
                    receivers.insert((receiver.name.as_str(), kind), 0);
                }
            }
        }
    }
    for message in sent() {
        *receivers.entry((&message.receiver, kind(ran, message))).or_default() += 1;
    }
    let receivers = receivers.into_iter().map(|((receiver, kind), messages)| BacktestReceiver {
        receiver: receiver.to_owned(),
        kind: kind.to_owned(),
        messages,
    });
    BacktestMails {
        total: sent().count() as u64,
        receivers: receivers.collect(),
        messages: sent().take(MESSAGES_MAX).map(|sent| message(ran, sent)).collect(),
    }
}

/// What an address of a receiver is.
fn kind(ran: &Ran, message: &Message) -> &'static str {
    let routing = ran.config.notifications.routing.as_ref();
    let receivers = routing.map_or(&[][..], |routing| routing.receivers.as_slice());
    let receiver = receivers.iter().find(|receiver| receiver.name == *message.receiver);
    match receiver {
        Some(receiver) if message.integration >= receiver.emails.len() => "webhook",
        _ => "mail",
    }
}

fn message(ran: &Ran, message: &Message) -> BacktestMessage {
    BacktestMessage {
        at: message.at.to_string(),
        receiver: message.receiver.to_string(),
        kind: kind(ran, message).to_owned(),
        firing: message.firing,
        resolved: message.resolved,
        title: message.title.to_string(),
        reason: message.reason.to_owned(),
    }
}

/// How often people would have been woken: once for each alert and each hour that it fires, or a threshold at which it
/// always fires would look like the quietest. Only of severity `page`, where there are such.
pub fn pages(ran: &Ran) -> u64 {
    let is_page = |labels: &Labels| labels.get("severity").is_some_and(|severity| &**severity == "page");
    let has_pages = ran.rules.iter().any(|rule| is_page(&rule.labels));
    let counted = |firing: &&Firing| !has_pages || is_page(&firing.labels);
    ran.outcome.firings.iter().filter(counted).map(|firing| minutes(ran, firing).div_ceil(60).max(1)).sum()
}
