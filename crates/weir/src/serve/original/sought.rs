//! Is this the line? Only if everything that is made of it is what the store has.
//!
//! To compare the bytes of values with the line was refused: names, redaction and transforms stand between both. So
//! a line of the right moment goes all the way that a line goes that is counted, into a unit that is thrown away.

use std::cell::Cell;
use std::io::{self, Read};
use std::sync::Arc;

use weir_enrich::Scratch;
use weir_ingest::{ObjectError, ObjectLine, ObjectReader};
use weir_query::Predicate;
use weir_record::{Timestamp, Value};
use weir_store::{BatchSearch, Cancel, Hit, Limits, SearchRequest};

use super::super::intake::{Counter, Intake};
use super::super::unit::{Reach, Unit};
use crate::clock;
use crate::config::Keep;

/// Fields that say nothing about a line's content: where it was found, and names that the config of today may give
/// otherwise.
const NOT_COMPARED: [&str; 6] = ["_origin", "_line", "_raw", "service", "route", "target_group"];

/// A record whose line is looked for.
pub struct Sought<'a> {
    intake: Intake,
    record: &'a Hit,
    cancel: &'a Cancel,
}

impl<'a> Sought<'a> {
    /// The line of `record`, which came from the source of `intake`; it is looked for until `cancel` says stop.
    pub fn new(intake: &Intake, record: &'a Hit, cancel: &'a Cancel) -> Self {
        let mut intake = intake.clone();
        // Nothing of it is counted or shown to anybody: the unit is dropped.
        intake.reach = Reach::Minutes;
        intake.keeping.keep = Keep::All;
        Self { intake, record, cancel }
    }

    /// When the record happened.
    pub fn time(&self) -> Timestamp {
        self.record.time
    }

    /// Whether there is no time left.
    pub fn is_over(&self) -> bool {
        self.cancel.check().is_err()
    }

    /// Looks for the line in what `open` opens; gives as much of it as may be kept.
    ///
    /// # Errors
    ///
    /// Why it could not be read.
    pub fn read<R: Read>(
        &self,
        reader: &mut ObjectReader,
        name: &str,
        open: impl FnOnce() -> io::Result<(R, u64)>,
    ) -> Result<Option<String>, String> {
        let mut found = None;
        let is_over = Cell::new(false);
        let counter = Counter::new(&self.intake, name);
        let (mut unit, mut scratch) = (self.unit(), Scratch::default());
        let each = |line: ObjectLine<'_, '_>| {
            if is_over.get() || !self.has_time(&line) {
                return;
            }
            if self.is_over() {
                return is_over.set(true);
            }
            unit.clear(self.record.time, None);
            counter.take_in(&mut unit, &mut scratch, &line);
            found = self.line_of(&mut unit);
            is_over.set(found.is_some());
        };
        let open = || {
            let (source, bytes) = open()?;
            Ok((UntilOver { source, sought: self, is_over: &is_over }, bytes))
        };
        let outcome = reader.read_named(name, open, self.intake.format, each);
        match (found, outcome) {
            (Some(text), _) => Ok(Some(text)),
            (None, Ok(_)) => Ok(None),
            // It would be shown how the file begins, which may be no log at all.
            (None, Err(ObjectError::UnknownFormat { .. })) => {
                Err("it is no log of a known format".to_owned())
            }
            (None, Err(error)) => Err(error.to_string()),
        }
    }

    fn unit(&self) -> Unit {
        let Intake { source, options, keeping, .. } = &self.intake;
        let rows = keeping.store.writer().with_lines();
        Unit::new(Arc::clone(source), Reach::Minutes, *options, clock::now(), None, Some(rows))
    }

    fn has_time(&self, line: &ObjectLine<'_, '_>) -> bool {
        let ObjectLine::Line(line) = line else { return false };
        line.outcome.is_ok_and(|record| record.time() == self.record.time)
    }

    /// The line of which a unit has the record, if it is the one.
    fn line_of(&self, unit: &mut Unit) -> Option<String> {
        unit.seal().ok()?;
        let end = Timestamp::from_micros(self.record.time.micros().saturating_add(1));
        let request = SearchRequest::newest(Predicate::All, self.record.time..end, 1);
        let mut search = BatchSearch::new(&request, &Limits::default(), self.cancel);
        unit.kept.rows.iter().try_for_each(|rows| search.take(rows)).ok()?;
        let made = search.finish().hits.pop().filter(|made| is_same(made, self.record))?;
        match made.field("_raw") {
            Some(Value::Text(text)) => Some(text.to_string()),
            _ => None,
        }
    }
}

/// Whether all is equal that a line says.
fn is_same(one: &Hit, other: &Hit) -> bool {
    said(one) == said(other)
}

/// What a line says, by name.
fn said(hit: &Hit) -> Vec<&(String, Value<'static>)> {
    let mut fields: Vec<_> =
        hit.fields.iter().filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str())).collect();
    fields.sort_by_key(|(name, _)| name);
    fields
}

/// Ends where the line was found, or no time is left.
struct UntilOver<'a, R> {
    source: R,
    sought: &'a Sought<'a>,
    is_over: &'a Cell<bool>,
}

impl<R: Read> Read for UntilOver<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.is_over.get() || self.sought.is_over() {
            return Ok(0);
        }
        self.source.read(out)
    }
}
