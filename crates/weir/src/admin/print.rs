//! Rejects and results as text for people.
//!
//! Everything here was written by clients or by whoever can write into a bucket, so it is cleaned before it
//! reaches a terminal, also what a server says that is not ours.

use unicode_width::UnicodeWidthStr;
use weir_web::{BackfillProgress, BackfillState, RejectDetail, RejectRow, RejectsPage, ReplayResult};

use crate::account::{counted, grouped};
use crate::output::harmless;

/// Columns between columns.
const GAP: usize = 2;

/// How much of an origin a list shows, in characters: its end, which differs most.
const ORIGIN_CHARS_MAX: usize = 40;

/// A table of at most `width` columns, in which the beginning of each reject gets what is left.
pub fn list(page: &RejectsPage, width: usize) -> String {
    let header = ["id", "received", "source", "reason", "where", "text"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(header).chain(page.rejects.iter().map(cells)).collect();
    let widths: Vec<usize> =
        (0..5).map(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, &width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + GAP));
        }
        let room = width.saturating_sub(line.width()).max(ROOM_MIN);
        line.push_str(&beginning(&row[5], room));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&format!("{} kept\n", counted(page.kept, "reject is", "rejects are")));
    text
}

/// What a reject's beginning gets at least, in columns.
const ROOM_MIN: usize = 20;

fn cells(row: &RejectRow) -> [String; 6] {
    let id = row.id.to_string();
    // To the second.
    let received = harmless(row.received_at.split(['.', 'Z']).next().unwrap_or_default());
    [
        id,
        received,
        harmless(&row.source),
        harmless(&row.reason),
        place(row, ORIGIN_CHARS_MAX),
        harmless(&row.preview),
    ]
}

/// The origin with line and column, as far as there are any.
fn place(row: &RejectRow, chars_max: usize) -> String {
    let origin: Vec<char> = harmless(&row.origin).chars().collect();
    let cut = origin.len().saturating_sub(chars_max);
    let tail: String = origin[cut..].iter().collect();
    let dots = if cut > 0 { "\u{2026}" } else { "" };
    match (row.line, row.column) {
        (0, _) => format!("{dots}{tail}"),
        (line, 0) => format!("{dots}{tail}:{line}"),
        (line, column) => format!("{dots}{tail}:{line}:{column}"),
    }
}

fn beginning(text: &str, width: usize) -> String {
    let mut shown = String::new();
    for char in text.chars() {
        if shown.width() >= width {
            break;
        }
        shown.push(char);
    }
    shown
}

/// A reject and all of its text.
pub fn detail(detail: &RejectDetail) -> String {
    let row = &detail.row;
    let kept = if row.is_cut { "kept in part" } else { "kept whole" };
    format!(
        "id        {}\nsource    {}\nwhere     {}\nreason    {}\nreceived  {}\nbytes     {}, {kept}\n\n{}\n",
        row.id,
        harmless(&row.source),
        place(row, usize::MAX),
        harmless(&row.reason),
        harmless(&row.received_at),
        grouped(row.bytes),
        harmless(&detail.text),
    )
}

/// What became of rejects that were read again.
pub fn replayed(result: &ReplayResult) -> String {
    format!(
        "replayed {}: {}; {} still rejected\n",
        counted(result.replayed, "reject", "rejects"),
        counted(result.records, "record", "records"),
        grouped(result.still_rejected),
    )
}

/// What became of a backfill, in a line.
pub fn backfilled(result: &BackfillProgress) -> String {
    let state = if result.state == BackfillState::Complete { "complete" } else { "incomplete" };
    format!(
        "{state}: {} counted for {} ({}, {}), {} known before, {} without requests, {} kept as rejects, {} failed\n",
        counted(result.counted, "object", "objects"),
        harmless(&result.source),
        counted(result.records, "record", "records"),
        counted(result.rejects, "reject", "rejects"),
        grouped(result.duplicates),
        grouped(result.skipped),
        grouped(result.rejected_objects),
        grouped(result.failed),
    )
}

/// What there is to say beside the result.
pub fn backfill_notes(result: &BackfillProgress) -> Vec<String> {
    let resumed = result.resumed_after.as_ref().map(|key| {
        format!(
            "went on behind {}; run it once more for what was delivered before that key meanwhile",
            harmless(key)
        )
    });
    let failure = result.first_failure.as_ref().map(|failure| format!("error: {}", harmless(failure)));
    let error = result.error.as_ref().map(|error| format!("error: {}", harmless(error)));
    let again = "the same command goes on where this one stopped".to_owned();
    let again = (result.state != BackfillState::Complete).then_some(again);
    [resumed, failure, error, again].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> RejectRow {
        RejectRow {
            id: 12,
            source: "alb".to_owned(),
            origin: format!("s3://logs/{}/x.log.gz", "a".repeat(60)),
            line: 3,
            column: 7,
            reason: "bad_time".to_owned(),
            received_at: "2026-11-20T10:15:30.123456Z".to_owned(),
            bytes: 1_234,
            is_cut: false,
            preview: "http\u{1b}[31m nonsense and more of it".to_owned(),
        }
    }

    #[test]
    fn a_list_fits_and_is_clean() {
        let page = RejectsPage { rejects: vec![row()], next: None, kept: 1 };
        let text = list(&page, 140);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.width() <= 140), "{text}");
        assert!(lines[1].starts_with("12  2026-11-20T10:15:30  alb"), "{text}");
        assert!(lines[1].contains("/x.log.gz:3:7  http\u{fffd}[31m"), "{text}");
        assert_eq!(lines[2], "1 reject is kept");
    }

    #[test]
    fn a_reject_is_shown_whole() {
        let text = detail(&RejectDetail::new(row(), b"a\x07b"));
        assert!(text.contains(&format!("{}/x.log.gz:3:7\n", "a".repeat(60))), "{text}");
        assert!(text.ends_with("bytes     1,234, kept whole\n\na\u{fffd}b\n"), "{text}");
    }

    #[test]
    fn a_backfill_says_what_became_of_everything() {
        let result = BackfillProgress {
            source: "alb".to_owned(),
            counted: 2,
            records: 1_000,
            failed: 1,
            first_failure: Some("denied".to_owned()),
            state: BackfillState::Incomplete,
            ..BackfillProgress::default()
        };
        assert_eq!(
            backfilled(&result),
            "incomplete: 2 objects counted for alb (1,000 records, 0 rejects), 0 known before, 0 without requests, \
             0 kept as rejects, 1 failed\n"
        );
        assert_eq!(
            backfill_notes(&result),
            ["error: denied", "the same command goes on where this one stopped"]
        );
    }
}
