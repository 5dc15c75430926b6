//! Which samples each minute is.
//!
//! `increase()` compares samples, so a counter's first sample says nothing: what was counted before it is
//! lost. Each series therefore begins with what it had a minute earlier, which is 0 for one never seen. That
//! makes its first minute exact, which no scraped counter's is. A series that is no longer exposed is ended
//! with a stale marker, or it would stay in every query for five minutes more.

use std::time::Duration;

use weir_meter::Snapshot;

use super::body::Body;
use super::changes::{SeriesChange, bridge_gap, compare, resume};
use super::encoder::encode_minute;

/// The distance of samples, in milliseconds.
pub const MINUTE_MS: i64 = 60_000;

/// How far back every Prometheus accepts samples of a series that has none later: half of a head block's
/// two hours.
const IN_ORDER_WINDOW: Duration = Duration::from_secs(3_600);

/// What is left unused of a receiver's window: a minute for the zero before a series' first sample, and one
/// for the way there and clocks that differ. Prometheus 2.42 answers a sample that is beyond it, even by a
/// moment, with `500 too old sample` or `400 out of bounds`, and discards the whole request with it.
const SAFETY: Duration = Duration::from_secs(120);

/// The earliest minute end, in milliseconds since the epoch, that a receiver still accepts at `now_ms`.
///
/// `window` is its `out_of_order_time_window`. Minutes are sent in order, so an hour is accepted even where
/// that is shorter or off.
pub fn oldest_allowed(now_ms: i64, window: Duration) -> i64 {
    let usable = window.max(IN_ORDER_WINDOW) - SAFETY;
    now_ms.saturating_sub(i64::try_from(usable.as_millis()).unwrap_or(i64::MAX))
}

/// What one target was last sent: the only state there is, and a snapshot that the ledger can give again.
#[derive(Clone, Debug)]
pub struct SeriesState {
    external_labels: Vec<(String, String)>,
    last: Option<(i64, Snapshot)>,
}

/// A minute came that is not after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the minute that ends at {minute_end_ms} ms is not after {last_ms} ms, the last published; \
         publish minutes in order, each once"
)]
pub struct NotLater {
    /// The end of the minute that came.
    pub minute_end_ms: i64,
    /// The end of the last minute.
    pub last_ms: i64,
}

impl SeriesState {
    /// The state of a target that was never sent anything. `external_labels` are added to each series that
    /// has no label of that name.
    pub fn new(external_labels: Vec<(String, String)>) -> Self {
        Self { external_labels, last: None }
    }

    /// The state after the minute that ended at `minute_end_ms`, in which the series of `live` were
    /// published: what follows is the same as without the restart.
    pub fn restore(external_labels: Vec<(String, String)>, minute_end_ms: i64, live: Snapshot) -> Self {
        Self { external_labels, last: Some((minute_end_ms, live)) }
    }

    /// The bodies of the minute that ends at `minute_end_ms`, in the order in which they must be sent.
    ///
    /// * A series of `live` has its value at the minute's end.
    /// * One that was not live at the last published minute has before it, a minute earlier, its value in
    ///   `counted_before`, and 0 where that does not have it (gauges have no such sample). So
    ///   `counted_before` is everything known at the last published minute that was not live then: expired
    ///   series, or all series the first time that a target is sent anything. It is called only when a
    ///   series begins.
    /// * One that was live and is no more has a stale marker, 1 ms before the minute's end.
    ///
    /// A minute that is too old to be sent ([`oldest_allowed`]) is not handed in. The next one that is then
    /// carries what was counted in between: each series begins it with its last value.
    ///
    /// The bodies are to be kept durably together with `minute_end_ms`. When that fails, this state is ahead
    /// of what was kept: discard it and [`Self::restore`].
    ///
    /// # Errors
    ///
    /// When the minute is not after the last; nothing has changed then.
    pub fn advance(
        &mut self,
        minute_end_ms: i64,
        live: Snapshot,
        counted_before: impl FnOnce() -> Snapshot,
    ) -> Result<Vec<Body>, NotLater> {
        let nothing = Snapshot::default();
        let (last_ms, last) = match &self.last {
            Some((last_ms, _)) if minute_end_ms <= *last_ms => {
                return Err(NotLater { minute_end_ms, last_ms: *last_ms });
            }
            Some((last_ms, last)) => (Some(*last_ms), last),
            None => (None, &nothing),
        };
        let mut changes = compare(last, &live);
        let begins = changes.iter().any(SeriesChange::is_birth);
        let counted_before = if begins { counted_before() } else { Snapshot::default() };
        resume(&mut changes, &counted_before);
        if last_ms.is_some_and(|last_ms| minute_end_ms - last_ms > MINUTE_MS) {
            bridge_gap(&mut changes);
        }
        let bodies = encode_minute(&changes, minute_end_ms, &self.external_labels);
        drop(changes);
        self.last = Some((minute_end_ms, live));
        Ok(bodies)
    }
}

#[cfg(test)]
mod tests;
