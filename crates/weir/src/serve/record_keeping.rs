//! What becomes of a source's records beside being counted: redacted, kept, shown to who watches, and added to
//! the user's own metrics.
//!
//! One place for the order of these, because it is a promise: metrics see the line as it came, and nothing that
//! is kept or shown does. The line is redacted first and the record parsed again from it, so that a value that was
//! taken out of the line is in none of its fields either.

use std::borrow::Cow;
use std::sync::Arc;

use weir_record::{Record, RecordContext, RecordFields};
use weir_store::Store;

use super::declared::Declared;
use super::keeping::{keeps, keeps_request};
use super::live::LiveTail;
use super::redaction::Redaction;
use super::unit::{Reach, Unit};
use crate::config::Keep;

/// What becomes of the records of one source.
#[derive(Clone)]
pub struct RecordKeeping {
    /// Which are kept.
    pub keep: Keep,
    /// What is taken out before.
    pub redaction: Arc<Redaction>,
    /// The user's own metrics.
    pub declared: Arc<Declared>,
    /// Where they are kept.
    pub store: Arc<Store>,
    /// Who watches them come.
    pub live: Arc<LiveTail>,
}

impl RecordKeeping {
    /// Adds a record to the user's own metrics.
    #[inline]
    pub fn observe(&self, unit: &mut Unit, record: Record<'_>, context: &RecordContext<'_>) {
        if unit.reach != Reach::Minutes && !self.declared.is_empty() {
            let fields = RecordFields::new(record, *context);
            self.declared.observe(&mut unit.declared, &fields, context.source);
        }
    }

    /// The line of a record as it may be kept. Where it is another than it was, the record is to be parsed from
    /// it again.
    #[inline]
    pub fn redact<'l>(&self, record: Record<'_>, context: &RecordContext<'l>) -> Cow<'l, [u8]> {
        if self.redaction.is_empty() {
            Cow::Borrowed(context.line)
        } else if self.redaction.has_filters() {
            self.redaction.line(context.format, context.line, &RecordFields::new(record, *context))
        } else {
            self.redaction.line_of_any(context.format, context.line)
        }
    }

    /// Keeps a record, number `number` of `origin`, if it is to be kept; else shows it to who watches.
    #[inline]
    pub fn put(
        &self,
        unit: &mut Unit,
        record: Record<'_>,
        context: &RecordContext<'_>,
        origin: &str,
        number: u64,
    ) {
        let is_kept = match record {
            Record::Request(request) => keeps_request(self.keep, request, context.line),
            Record::Event(_) if self.keep == Keep::All => true,
            Record::Event(_) => keeps(self.keep, &RecordFields::new(record, *context), context.line),
        };
        if is_kept {
            unit.keep_record(record, context, origin, number);
        } else if unit.reach == Reach::Everything && self.live.has_listeners() {
            unit.show_record(record, context, origin, number);
        }
    }
}
