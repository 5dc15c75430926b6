//! What the API says of each source: its account, up to when it is complete, and who is silent.
//!
//! The same account as in the metrics, told to people: a source whose lag grows, and the node that keeps it.

use std::collections::BTreeMap;

use weir_ledger::LedgerError;
use weir_record::Timestamp;
use weir_web::{DatagramsStatus, NodeStatus, SourceStatus, SourcesStatus};

use super::own_metrics::NODE_SILENT_US;
use super::received::Received;
use super::sources::Shared;
use super::state::SourceState;
use crate::config::{Source, SourceInput};

/// What is known of all sources at the time `now`.
///
/// # Errors
///
/// When the ledger can't be read.
pub fn status(shared: &Shared, configured: &[Source], now: Timestamp) -> Result<SourcesStatus, LedgerError> {
    let (rejects_kept, rejects_kept_bytes) = shared.ledger.read(|ledger| {
        let (count, bytes) = ledger.rejects_bytes()?;
        Ok((count, bytes))
    })?;
    let inner = shared.state.lock();
    let kind = |name: &str, source: &SourceState| {
        let configured = configured.iter().find(|source| source.name == name);
        configured.filter(|_| !source.is_history).map_or("backfill", kind_of)
    };
    let sources = inner.sources.iter().map(|(name, source)| SourceStatus {
        datagrams: inner.own.received.get(name).and_then(datagrams),
        ..row(name, kind(name, source), source, now)
    });
    let sources = sources.collect();
    let complete_to = inner.complete_to().map(|time| time.to_string());
    Ok(SourcesStatus { sources, complete_to, rejects_kept, rejects_kept_bytes })
}

fn kind_of(source: &Source) -> &'static str {
    match &source.input {
        SourceInput::Files(_) => "files",
        SourceInput::Sqs(_) => "sqs",
        SourceInput::S3(_) => "s3",
        SourceInput::Http => "http",
        SourceInput::Sockets(input) => input.protocol.name(),
        SourceInput::Redis(_) => "redis",
    }
}

/// What became of the datagrams of a source that has any.
fn datagrams(received: &Received) -> Option<DatagramsStatus> {
    let [read, by_kernel, not_allowed] = received.datagrams()?;
    let dropped = [("kernel", by_kernel), ("not_allowed", not_allowed)];
    Some(DatagramsStatus { read, dropped: dropped.map(|(cause, count)| (cause.to_owned(), count)).into() })
}

fn row(name: &str, kind: &str, source: &SourceState, now: Timestamp) -> SourceStatus {
    let account = &source.account;
    let shown = |time_us: i64| Timestamp::from_micros(time_us).to_string();
    let nodes = account.nodes.iter().map(|(node, heard)| NodeStatus {
        node: node.to_string(),
        interval_end: shown(heard.interval_end_us),
        heard_at: shown(heard.heard_at_us),
        is_silent: heard.heard_at_us < now.micros() - NODE_SILENT_US,
    });
    SourceStatus {
        name: name.to_owned(),
        kind: kind.to_owned(),
        received: account.received,
        stored: account.stored(),
        rejected: counts(&account.rejected),
        dropped: counts(&account.dropped),
        datagrams: None,
        rejects_not_kept: account.rejects_not_kept,
        replayed: account.replayed,
        late: account.late,
        implausible: account.implausible,
        objects: account.objects,
        duplicates: account.duplicates,
        skipped: counts(&account.skipped),
        failed: counts(&account.failed),
        given_up: counts(&account.given_up),
        last_record: account.last_record_us.map(shown),
        complete_to: account.complete_to_us.map(shown),
        lag_seconds: account.complete_to_us.map(|time_us| (now.micros() - time_us) as f64 / 1e6),
        nodes: nodes.collect(),
        first_unpublished: source.first_open.map(|minute| minute.start().to_string()),
    }
}

fn counts(counts: &BTreeMap<Box<str>, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(label, count)| (label.to_string(), *count)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::account::Account;
    use super::*;

    #[test]
    fn a_node_is_silent_after_a_quarter_of_an_hour() {
        let now = Timestamp::from_seconds(10_000);
        let mut account = Account { received: 3, ..Account::default() };
        account.rejected.insert("bad_time".into(), 1);
        account.complete_to_us = Some(9_900_000_000);
        for (node, heard_at) in [("a", 9_100), ("b", 9_099)] {
            account.interval(node, Timestamp::from_seconds(9_000), Timestamp::from_seconds(heard_at));
        }
        let row = row("alb", "sqs", &SourceState::history(account), now);
        let silent: Vec<bool> = row.nodes.iter().map(|node| node.is_silent).collect();
        assert_eq!(silent, [false, true]);
        assert_eq!((row.received, row.stored, row.lag_seconds), (3, 2, Some(100.0)));
        assert_eq!(row.nodes[0].interval_end, "1970-01-01T02:30:00Z");
    }
}
