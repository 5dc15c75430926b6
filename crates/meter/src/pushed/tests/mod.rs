//! Pushes as a pusher sees them: text in, the text of a scrape out.

mod additions;
mod merging;
mod properties;
mod reading;

use super::*;
use crate::Snapshot;
use crate::exposition::{Format, encode};

/// Adds, at most 100 series.
const OPTIONS: PushedOptions = PushedOptions { gauges: GaugeMode::Sum, series_max: 100 };

fn grouping(labels: &[(&str, &str)]) -> Grouping {
    let owned = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Grouping::new(owned.collect()).unwrap()
}

fn parsed(text: &str) -> Result<Push, String> {
    Push::parse(text.as_bytes(), PushFormat::Text, &Grouping::default()).map_err(|error| error.to_string())
}

/// The series after these pushes, each staged on the one before, all in one commit.
fn after(series: &mut PushedSeries, pushes: &[&str]) -> Result<(), String> {
    let mut staged = series.staged();
    let mut refused = None;
    for text in pushes {
        let push = parsed(text)?;
        refused = series.stage(&mut staged, &push, OwnSeries::NONE).err().or(refused);
    }
    series.apply(staged);
    refused.map_or(Ok(()), |why| Err(why.to_string()))
}

/// The scrape of all series, without `# HELP`.
fn shown(series: &PushedSeries) -> String {
    let mut snapshot = Snapshot::default();
    assert_eq!(series.add_to(&mut snapshot), 0);
    let mut out = Vec::new();
    encode(&snapshot, Format::Text, &mut out);
    let text = String::from_utf8(out).unwrap();
    text.split_inclusive('\n').filter(|line| !line.starts_with("# HELP")).collect()
}

/// What is written durably read back, as at a start.
fn restored(series: &PushedSeries) -> PushedSeries {
    let mut all = series.staged();
    let everything = encoded(series);
    let push = Push::parse(&everything, PushFormat::Text, &Grouping::default()).unwrap();
    let empty = PushedSeries::new(OPTIONS);
    empty.stage(&mut all, &push, OwnSeries::NONE).unwrap();
    let families = all.family_changes().map(|change| (change.name.to_owned(), change.row.unwrap()));
    let rows = all.series_changes().map(|change| {
        let mut key = Vec::new();
        change.write_key(&mut key);
        (key, change.row.unwrap().clone())
    });
    PushedSeries::restore(OPTIONS, families, rows).unwrap()
}

fn encoded(series: &PushedSeries) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&Snapshot { families: series.families() }, Format::Text, &mut out);
    out
}
