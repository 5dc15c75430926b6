//! What must hold for any push.
//!
//! A push is merged into nothing, deleted, merged again and shown; what is shown is read as a push, and must
//! say the same: what the gateway exposes, another gateway takes.

use weir_meter::Snapshot;
use weir_meter::exposition::{Format, encode};
use weir_meter::pushed::{GaugeMode, Grouping, OwnSeries, Push, PushFormat, PushedOptions, PushedSeries};

/// Replaces gauges, so that those which are no number are taken too.
const OPTIONS: PushedOptions = PushedOptions { gauges: GaugeMode::Replace, series_max: 1_000 };

/// Reads `body`, and where it is a push, checks what becomes of it.
///
/// # Panics
///
/// When a promise of the gateway is broken; that is what the fuzzer reports.
pub fn check_push(format: PushFormat, body: &[u8]) {
    let grouping = Grouping::default();
    let Ok(push) = Push::parse(body, format, &grouping) else {
        return;
    };
    let mut series = PushedSeries::new(OPTIONS);
    let mut staged = series.staged();
    if series.stage(&mut staged, &push, OwnSeries::NONE).is_err() {
        assert!(staged.is_empty(), "a refused push changes nothing");
        return;
    }
    let count = staged.series_changes().count();
    assert!(count <= push.series_count(), "a push makes no more series than it has");
    series.apply(staged);
    assert_eq!(series.series_count(), count, "the series are counted right");
    let text = shown(&series);
    let mut staged = series.staged();
    assert_eq!(series.stage_delete(&mut staged, &grouping), count, "all are of the empty group");
    assert!(series.stage(&mut staged, &push, OwnSeries::NONE).is_ok(), "a push fits once all is deleted");
    series.apply(staged);
    assert_eq!(shown(&series), text, "a push after a deletion is the push");
    let again = Push::parse(&text, PushFormat::Text, &grouping).expect("what is shown can be pushed");
    let mut copy = PushedSeries::new(OPTIONS);
    let mut staged = copy.staged();
    if copy.stage(&mut staged, &again, OwnSeries::NONE).is_ok() {
        copy.apply(staged);
        assert_eq!(shown(&copy), text, "what is shown is read as what it was");
    }
}

fn shown(series: &PushedSeries) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&Snapshot { families: series.families() }, Format::Text, &mut out);
    out
}
