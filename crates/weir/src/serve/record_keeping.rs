//! What becomes of a source's records beside being counted: redacted, kept, shown to who watches, and added to
//! the user's own metrics.
//!
//! One place for the order of these, because it is a promise: metrics see the line as it came, and nothing that
//! is kept or shown does. The line is redacted first and the record parsed again from it, so that a value that was
//! taken out of the line is in none of its fields either.

use std::borrow::Cow;
use std::sync::Arc;

use weir_enrich::{Changes, RuleSet, StepSet};
use weir_record::{Record, RecordContext, RecordFields, Timestamp};
use weir_store::Store;

use super::current_indicators::CurrentIndicators;
use super::declared::Declared;
use super::keeping::{keeps, keeps_request};
use super::live::LiveTail;
use super::redaction::Redaction;
use super::unit::{Reach, Unit};
use crate::config::Keep;
use crate::shaping::Shaping;

/// What becomes of the records of one source.
#[derive(Clone)]
pub struct RecordKeeping {
    /// Which are kept.
    pub keep: Keep,
    /// How they are shaped, and which are left out.
    pub shaping: Arc<Shaping>,
    /// What is taken out before.
    pub redaction: Arc<Redaction>,
    /// The user's own metrics.
    pub declared: Arc<Declared>,
    /// What promises and alerts count.
    pub indicators: CurrentIndicators,
    /// Where they are kept.
    pub store: Arc<Store>,
    /// Who watches them come.
    pub live: Arc<LiveTail>,
}

impl RecordKeeping {
    /// Adds a record to the user's own metrics, and to what promises and alerts count.
    #[inline]
    pub fn observe(&self, unit: &mut Unit, record: Record<'_>, context: &RecordContext<'_>) {
        unit.events.observe(&self.indicators, record, context, unit.range);
        if unit.reach != Reach::Minutes && !self.declared.is_empty() {
            let fields = RecordFields::new(record, *context);
            self.declared.observe(&mut unit.declared, &fields, context.source);
        }
    }

    /// What is to be taken out of a record before it is kept; `None` where it may be kept as it is. `shaped` is what
    /// transforms made of it.
    #[inline]
    pub fn redact(
        &self,
        record: Record<'_>,
        context: &RecordContext<'_>,
        shaped: Option<&Changes<'_>>,
    ) -> Option<Redacted> {
        let redaction = &self.redaction;
        if redaction.is_empty() {
            return None;
        }
        let own = redaction.rules(|| RecordFields::new(record, *context));
        let rules = shaped.map_or(own, |changes| own.and(changes.redact));
        let line = redaction.line(context.format, context.line, rules);
        if matches!(line, Cow::Borrowed(_)) && !redaction.is_in(context.overlay, rules) {
            return None;
        }
        let steps = shaped.map(|changes| changes.steps);
        let (line, time) = (line.into_owned(), record.time());
        Some(Redacted { line, time, rules, steps: steps.unwrap_or_default() })
    }

    /// Keeps a record if it is to be kept; else shows it to who watches. `steps` are those that it was shaped by.
    #[inline]
    pub fn put(
        &self,
        unit: &mut Unit,
        record: Record<'_>,
        context: &RecordContext<'_>,
        steps: StepSet,
        place: Place<'_>,
    ) {
        let Place { origin, number } = place;
        let is_kept = match record {
            Record::Request(request) => keeps_request(self.keep, request, context.line),
            Record::Event(_) if self.keep == Keep::All => true,
            Record::Event(_) => keeps(self.keep, &RecordFields::new(record, *context), context.line),
        };
        if is_kept {
            let raw = if unit.keeps_lines() {
                self.shaping.raw_line(context.format, context.line, steps)
            } else {
                Cow::Borrowed(context.line)
            };
            unit.keep_record(record, context, origin, number, &raw);
        } else if unit.reach == Reach::Everything && self.live.has_listeners() {
            unit.show_record(record, context, origin, number);
        }
    }
}

/// Where a record came from.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The file, object or sender.
    pub origin: &'a str,
    /// The line's number there; 0 where nobody has counted.
    pub number: u64,
}

/// A line from which something was taken out.
#[derive(Debug)]
pub struct Redacted {
    /// What is left of it.
    pub line: Vec<u8>,
    /// When its record happened.
    pub time: Timestamp,
    /// The rules by which it was.
    pub rules: RuleSet,
    /// The steps by which its record was shaped.
    pub steps: StepSet,
}
