//! Rejects as people look at them: in pages, cleaned, one whole.
//!
//! A list reads the ledger one reject at a time, since one may be a whole object: a page of them at once would
//! need a hundred times the memory of what is shown. A search that finds little ends after so many, and says
//! where to go on.

use weir_ledger::{Ledger, LedgerError, StoredReject};
use weir_record::Timestamp;
use weir_web::{RejectDetail, RejectRow, RejectsPage, RejectsQuery};

use crate::output::harmless;

/// Rows of a page unless more are asked for.
const ROWS_DEFAULT: usize = 100;

/// Rows of a page at most.
const ROWS_MAX: usize = 1_000;

/// Rejects that one page looks at: some 100 ms.
const SCANNED_MAX: usize = 50_000;

/// How much of a reject a list shows, in characters.
const PREVIEW_CHARS_MAX: usize = 200;

/// The most bytes that one character of UTF-8 has.
const CHAR_BYTES_MAX: usize = 4;

/// A page of rejects.
///
/// # Errors
///
/// When the ledger can't be read.
pub fn page(ledger: &Ledger, query: &RejectsQuery) -> Result<RejectsPage, LedgerError> {
    let limit = query.limit.unwrap_or(ROWS_DEFAULT).clamp(1, ROWS_MAX);
    ledger.read(|ledger| {
        let mut page = RejectsPage { kept: ledger.rejects_bytes()?.0, ..RejectsPage::default() };
        let mut after = query.after.unwrap_or(0);
        for _ in 0..SCANNED_MAX {
            let Some((id, reject)) = ledger.rejects(after, 1)?.pop() else { return Ok(page) };
            if page.rejects.len() == limit {
                break;
            }
            after = id;
            if is_chosen(&reject, query.source.as_deref(), query.reason.as_deref()) {
                page.rejects.push(row(id, &reject));
            }
        }
        page.next = Some(after);
        Ok(page)
    })
}

/// One reject, whole; `None` where there is none of this id.
///
/// # Errors
///
/// When the ledger can't be read.
pub fn detail(ledger: &Ledger, id: u64) -> Result<Option<RejectDetail>, LedgerError> {
    let reject = ledger.read(|ledger| ledger.reject(id))?;
    Ok(reject.map(|reject| RejectDetail::new(row(id, &reject), &reject.bytes)))
}

/// Whether a reject is of the source and has the reason, as far as they are given.
pub fn is_chosen(reject: &StoredReject, source: Option<&str>, reason: Option<&str>) -> bool {
    source.is_none_or(|source| *reject.source == *source)
        && reason.is_none_or(|reason| *reject.reason == *reason)
}

fn row(id: u64, reject: &StoredReject) -> RejectRow {
    RejectRow {
        id,
        source: reject.source.to_string(),
        origin: reject.origin.to_string(),
        line: reject.line,
        column: reject.column,
        reason: reject.reason.to_string(),
        received_at: Timestamp::from_micros(reject.received_at_us).to_string(),
        bytes: reject.bytes.len() as u64,
        is_cut: reject.is_cut,
        preview: preview(&reject.bytes),
    }
}

fn preview(bytes: &[u8]) -> String {
    let head = bytes.get(..PREVIEW_CHARS_MAX * CHAR_BYTES_MAX).unwrap_or(bytes);
    let text: String = String::from_utf8_lossy(head).chars().take(PREVIEW_CHARS_MAX).collect();
    harmless(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reject(source: &str, reason: &str) -> StoredReject {
        StoredReject {
            source: source.into(),
            origin: "a.log".into(),
            line: 3,
            column: 1,
            reason: reason.into(),
            received_at_us: 0,
            bytes: b"x\x1b[31m".to_vec(),
            is_cut: false,
            format: None,
        }
    }

    #[test]
    fn pages_follow_each_other_and_show_only_what_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("ledger")).unwrap();
        let written = ledger.write(|w| {
            for number in 0..5 {
                w.put_reject(&reject(if number % 2 == 0 { "a" } else { "b" }, "bad_time"))?;
            }
            Ok(())
        });
        written.unwrap();
        let query = |after, limit, source: Option<&str>| RejectsQuery {
            after,
            limit,
            source: source.map(str::to_owned),
            reason: None,
        };
        for (query, expected, next) in [
            (query(None, None, None), vec![1, 2, 3, 4, 5], None),
            (query(None, Some(2), None), vec![1, 2], Some(2)),
            (query(Some(2), Some(3), None), vec![3, 4, 5], None),
            (query(None, Some(1), Some("b")), vec![2], Some(2)),
            (query(Some(4), None, Some("b")), vec![], None),
            (query(Some(u64::MAX), None, None), vec![], None),
        ] {
            let page = page(&ledger, &query).unwrap();
            let ids: Vec<u64> = page.rejects.iter().map(|row| row.id).collect();
            assert_eq!((ids, page.next, page.kept), (expected, next, 5));
        }
        let detail = detail(&ledger, 1).unwrap().unwrap();
        assert_eq!((&*detail.row.preview, detail.bytes()), ("x\u{fffd}[31m", b"x\x1b[31m".to_vec()));
        assert!(super::detail(&ledger, 9).unwrap().is_none());
    }

    #[test]
    fn a_preview_is_short_whatever_the_bytes() {
        assert_eq!(preview(&[b'a'; 10_000]).len(), PREVIEW_CHARS_MAX);
        assert_eq!(preview("\u{1f600}".repeat(300).as_bytes()).chars().count(), PREVIEW_CHARS_MAX);
        assert_eq!(preview(b"\xff\xff"), "\u{fffd}\u{fffd}");
    }
}
