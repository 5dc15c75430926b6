//! What an answer lacks because the config keeps only a part of a source's records.
//!
//! Everything is counted, whatever is kept, and a reader who finds 37 records of 1,000 requests must not take that
//! for all there were. The minutes know how many there were; so both numbers stand beside the answer.

use std::collections::BTreeMap;

use weir_ledger::LedgerError;
use weir_query::parse;
use weir_record::Minute;
use weir_store::SearchRequest;
use weir_web::{RecordsProblem, RecordsProblemKind};

use super::warnings::named_sources;
use super::{Desk, Scan};
use crate::search::Question;

impl Desk {
    /// For each source that is asked for and not kept whole: how many records were counted in the minutes of the
    /// span, and how many of those are kept.
    pub(super) fn what_is_left_out(
        &self,
        scan: &Scan,
        question: &Question,
    ) -> Result<Vec<String>, RecordsProblem> {
        let named = named_sources(&question.expression);
        let is_meant = |name: &str| named.is_empty() || named.contains(name);
        let state = self.parts.state.lock();
        let partly = state.sources.iter().filter(|(name, source)| !source.is_kept_whole && is_meant(name));
        let partly: Vec<String> = partly.map(|(name, _)| name.to_string()).collect();
        drop(state);
        if partly.is_empty() {
            return Ok(Vec::new());
        }
        let (from, to) = (question.from.minute(), question.to.minute_rounded_up());
        let counted = self.counted(from, to).map_err(|error| {
            let hint = "look at the server's log";
            RecordsProblem::new(RecordsProblemKind::Failed, error.to_string(), hint)
        })?;
        partly
            .iter()
            .map(|source| {
                let counted = counted.get(source).copied().unwrap_or(0);
                let kept = kept(scan, source, from, to)?;
                Ok(format!(
                    "the source `{source}` is not kept whole: in these minutes {counted} requests were counted and \
                     {kept} records are kept"
                ))
            })
            .collect()
    }

    fn counted(&self, from: Minute, to: Minute) -> Result<BTreeMap<String, u64>, LedgerError> {
        self.parts.ledger.read(|ledger| {
            let keys: BTreeMap<u32, _> = ledger.slot_keys()?.into_iter().collect();
            let mut counted = BTreeMap::new();
            ledger.slots(from, to, |_, number, slot| {
                if let Some(key) = keys.get(&number) {
                    *counted.entry(key.source.to_string()).or_default() += slot.count;
                }
            })?;
            Ok(counted)
        })
    }
}

fn kept(scan: &Scan, source: &str, from: Minute, to: Minute) -> Result<u64, RecordsProblem> {
    let quoted = source.replace('\\', "\\\\").replace('"', "\\\"");
    let of_source =
        parse(&format!("source:\"{quoted}\"")).and_then(|query| query.filter.compile(from.start()));
    let Ok(predicate) = of_source else { return Ok(0) };
    let span = from.start()..to.start();
    let request = SearchRequest { with_total: true, ..SearchRequest::newest(predicate, span, 0) };
    Ok(scan.search(&request)?.total.unwrap_or(0))
}
