//! Lines into a unit: what every source does with what it read.
//!
//! A file, an object of a bucket and a replayed reject are counted by the same code, so that they cannot
//! come to different numbers.

use std::borrow::Cow;
use std::sync::{Arc, Once};
use std::time::Duration;

use weir_enrich::{Changes, Enriched, Enricher, Outcome, Scratch};
use weir_ingest::{ObjectKey, ObjectLine, ReadLimits};
use weir_ledger::StoredReject;
use weir_meter::MeterOptions;
use weir_record::{
    Format, InnerFormats, Line, LineParser, Minute, Overlay, Record, RecordContext, Reject, Request,
    Timestamp, Value,
};

use super::record_keeping::{Place, RecordKeeping, Redacted};
use super::rules::CurrentRules;
use super::state::State;
use super::unit::{Reach, Unit};
use crate::clock;
use crate::output::harmless;
use crate::tally::counting;

/// How long a worker waits after records could not be written.
const SEAL_RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// What a source needs to count lines.
#[derive(Clone)]
pub struct Intake {
    /// Its name in the config.
    pub source: Arc<str>,
    /// The format of its lines; `None` is told by the content.
    pub format: Option<Format>,
    /// Formats of the lines that its messages wrap.
    pub inner_formats: Arc<InnerFormats>,
    /// What the config says about each of its records.
    pub overlay: Arc<Overlay<'static>>,
    /// Names services, routes and target groups.
    pub rules: CurrentRules,
    /// What to count.
    pub options: MeterOptions,
    /// How far what it counts reaches.
    pub reach: Reach,
    /// Bounds on input.
    pub limits: ReadLimits,
    /// What is known already.
    pub state: Arc<State>,
    /// What becomes of its records beside being counted.
    pub keeping: RecordKeeping,
    /// Whether it was said that there are rejects.
    pub rejects_said: Arc<Once>,
}

impl Intake {
    /// An empty unit of this source.
    pub fn unit(&self) -> Box<Unit> {
        let (first_open, rows) = (self.first_open(), self.keeping.store.writer());
        let source = Arc::clone(&self.source);
        Box::new(Unit::new(source, self.reach, self.options, clock::now(), first_open, Some(rows)))
    }

    /// Empties a unit of this source for the next objects, and keeps its memory.
    pub fn clear(&self, unit: &mut Unit) {
        unit.clear(clock::now(), self.first_open());
    }

    /// Makes a unit's records ready to be committed; `false` if that failed, and the unit is to be dropped and
    /// read again. Then it has waited a moment, as for a full disk.
    pub fn seal(&self, unit: &mut Unit) -> bool {
        let Err(error) = unit.seal() else { return true };
        let error = error.to_string();
        tracing::error!(
            source = &*self.source,
            error,
            "cannot keep records; they are read again, nothing is lost"
        );
        #[expect(clippy::disallowed_methods, reason = "nothing tells when a disk has room again")]
        std::thread::sleep(SEAL_RETRY_INTERVAL);
        false
    }

    /// The reject of a whole object or message that rejects call `origin`. Without `bytes` nothing of its content
    /// is kept.
    pub fn whole_reject(&self, origin: &str, reason: &str, bytes: Vec<u8>) -> StoredReject {
        StoredReject {
            source: (&*self.source).into(),
            origin: origin.into(),
            line: 0,
            column: 0,
            reason: reason.into(),
            received_at_us: clock::now().micros(),
            is_cut: bytes.is_empty(),
            bytes,
            format: None,
        }
    }

    /// The first minute that remote write has not published, where it is to have what is counted here.
    pub fn first_open(&self) -> Option<Minute> {
        if self.is_history() { None } else { self.state.first_open(&self.source) }
    }

    /// Whether it counts what happened long ago, which says nothing about now.
    pub fn is_history(&self) -> bool {
        self.reach != Reach::Everything
    }
}

/// Counts the lines of one object after the other.
#[derive(Clone)]
pub struct Counter<'i> {
    intake: &'i Intake,
    enricher: Arc<Enricher>,
    complete_to: Option<Timestamp>,
    received_at: Timestamp,
    /// What the object is called in rejects.
    origin: &'i str,
    /// Where it is read from, in bytes of its text: lines are counted from there.
    first_byte: u64,
    /// Whether its lines have numbers: they are what it is made of, and it is read from its start.
    has_line_numbers: bool,
}

impl<'i> Counter<'i> {
    /// A counter for the object that rejects call `origin`.
    pub fn new(intake: &'i Intake, origin: &'i str) -> Self {
        Self {
            enricher: intake.rules.enricher(),
            // History is not late; it was asked for.
            complete_to: if intake.is_history() { None } else { intake.state.complete_to(&intake.source) },
            received_at: clock::now(),
            intake,
            origin,
            first_byte: 0,
            has_line_numbers: true,
        }
    }

    /// The same for what stands behind a byte of a file, whose lines nobody has counted up to there; events of several
    /// lines have no numbers.
    pub fn of_appended(intake: &'i Intake, origin: &'i str, first_byte: u64, has_events: bool) -> Self {
        Self { first_byte, has_line_numbers: first_byte == 0 && !has_events, ..Self::new(intake, origin) }
    }

    /// A counter for messages that came at `received_at`.
    pub fn of_messages(intake: &'i Intake, received_at: Timestamp) -> Self {
        Self { has_line_numbers: false, received_at, ..Self::new(intake, "") }
    }

    /// The same for what rejects call `origin`.
    pub fn for_origin<'o>(&self, origin: &'o str) -> Counter<'o>
    where
        'i: 'o,
    {
        Counter { origin, ..self.clone() }
    }

    /// Counts one message in `unit`, of which its transport says `fields`.
    pub fn take_in_message(
        &self,
        unit: &mut Unit,
        scratch: &mut Scratch,
        line: Line<'_, '_>,
        fields: &[(Cow<'static, str>, Value<'static>)],
    ) {
        if fields.is_empty() {
            return self.take_in(unit, scratch, &ObjectLine::Line(line));
        }
        // What the sender says of itself is worth more than what its transport does.
        let mut overlay = Overlay::default();
        for (name, value) in fields {
            overlay.set(&**name, value.borrowed());
        }
        overlay.extend(line.overlay);
        self.take_in(unit, scratch, &ObjectLine::Line(Line { overlay: &overlay, ..line }));
    }

    /// Counts one line in `unit`, with what the config says about all of its source.
    pub fn take_in(&self, unit: &mut Unit, scratch: &mut Scratch, line: &ObjectLine<'_, '_>) {
        let said = &*self.intake.overlay;
        match line {
            ObjectLine::Line(line) if !said.is_empty() && line.overlay.is_empty() => {
                self.count(unit, scratch, &ObjectLine::Line(Line { overlay: said, ..*line }));
            }
            ObjectLine::Line(line) if !said.is_empty() => {
                // What the sender says of itself is worth more than what is said of all of them.
                let overlay = with(said, line.overlay);
                self.count(unit, scratch, &ObjectLine::Line(Line { overlay: &overlay, ..*line }));
            }
            line => self.count(unit, scratch, line),
        }
    }

    fn count(&self, unit: &mut Unit, scratch: &mut Scratch, line: &ObjectLine<'_, '_>) {
        unit.account.received += 1;
        let line = match line {
            ObjectLine::Long(number, why) => return self.reject(unit, *number, None, why),
            ObjectLine::Line(line) => line,
        };
        let record = match line.outcome {
            Ok(record) => record,
            Err(why) => return self.reject(unit, line.number, Some((line.bytes, line.outer)), why),
        };
        let number = if self.has_line_numbers { line.number } else { 0 };
        let base = line.context(&self.intake.source);
        let redacted = match record {
            Record::Request(request) => {
                let enriched = self.enricher.enrich(&self.intake.source, request, scratch);
                let context = self.context_of(base, request, &enriched);
                let counting = counting(request, &enriched);
                self.shape(unit, record, &context, number, |unit| unit.observe(&counting, request))
            }
            Record::Event(event) => {
                self.shape(unit, record, &base, number, |unit| unit.account.record(event.time))
            }
        };
        if let Some(redacted) = redacted {
            self.keep_redacted(unit, scratch, &base, &redacted, number);
        }
    }

    /// Shapes a record, and counts and keeps it if it is not left out. Where something is to be taken out of it first,
    /// that is given back.
    #[inline]
    fn shape(
        &self,
        unit: &mut Unit,
        record: Record<'_>,
        context: &RecordContext<'_>,
        number: u64,
        observe: impl FnOnce(&mut Unit),
    ) -> Option<Redacted> {
        let shaping = &self.intake.keeping.shaping;
        if shaping.is_empty() {
            observe(unit);
            return self.keep(unit, record, context, None, number);
        }
        match shaping.apply(record, context) {
            Outcome::Dropped(why) => {
                super::account::count(&mut unit.account.dropped, why.label());
                unit.account.record(record.time());
                None
            }
            Outcome::Kept(changes) => {
                observe(unit);
                let overlay = with(context.overlay, &changes.overlay);
                let context = RecordContext { overlay: &overlay, ..*context };
                self.keep(unit, record, &context, Some(&changes), number)
            }
        }
    }

    /// Adds a record to the user's own metrics, and keeps it if it may be kept as it is; else gives what may be kept
    /// of it.
    #[inline]
    fn keep(
        &self,
        unit: &mut Unit,
        record: Record<'_>,
        context: &RecordContext<'_>,
        shaped: Option<&Changes<'_>>,
        number: u64,
    ) -> Option<Redacted> {
        let time = record.time();
        unit.account.late += u64::from(self.complete_to.is_some_and(|complete_to| time < complete_to));
        let keeping = &self.intake.keeping;
        keeping.observe(unit, record, context);
        let redacted = keeping.redact(record, context, shaped);
        if redacted.is_none() {
            let steps = shaped.map(|changes| changes.steps).unwrap_or_default();
            keeping.put(unit, record, context, steps, self.place(number));
        }
        redacted
    }

    /// Keeps the record of a line from which something was taken out: what is said of it, its route above all,
    /// must not have that either. `base` is what was known of the line as it came.
    fn keep_redacted(
        &self,
        unit: &mut Unit,
        scratch: &mut Scratch,
        base: &RecordContext<'_>,
        redacted: &Redacted,
        number: u64,
    ) {
        let overlay = self.intake.keeping.redaction.overlay(base.overlay, redacted.rules);
        let base = RecordContext { line: &redacted.line, overlay: &overlay, ..*base };
        let mut parser = LineParser::new(base.format, usize::MAX);
        parser.received_at(redacted.time);
        parser.parse_message(base.line, |line| match line.outcome {
            Ok(Record::Request(request)) => {
                let enriched = self.enricher.enrich(&self.intake.source, request, scratch);
                let context = self.context_of(base, request, &enriched);
                self.put_redacted(unit, Record::Request(request), &context, redacted, number);
            }
            Ok(record) => self.put_redacted(unit, record, &base, redacted, number),
            Err(why) => {
                static SAID: Once = Once::new();
                let (source, reason) = (&*self.intake.source, why.reason.label());
                let text =
                    "records are counted and not kept: without what `redact` takes out their lines are none";
                SAID.call_once(|| tracing::error!(source, reason, text));
            }
        });
    }

    fn place(&self, number: u64) -> Place<'_> {
        Place { origin: self.origin, number }
    }

    /// Shapes a record again, now that nothing is in it that may not be kept, and keeps it.
    fn put_redacted(
        &self,
        unit: &mut Unit,
        record: Record<'_>,
        context: &RecordContext<'_>,
        redacted: &Redacted,
        number: u64,
    ) {
        let keeping = &self.intake.keeping;
        let Redacted { rules, steps, .. } = *redacted;
        let redact = |name: &str, value: &Value<'_>| keeping.redaction.value(name, value, rules);
        let changes = keeping.shaping.apply_again(record, context, steps, &redact);
        let overlay = with(context.overlay, &changes.overlay);
        let context = RecordContext { overlay: &overlay, ..*context };
        keeping.put(unit, record, &context, steps, self.place(number));
    }

    fn context_of<'c>(
        &'c self,
        base: RecordContext<'c>,
        request: &Request<'_>,
        enriched: &Enriched<'c>,
    ) -> RecordContext<'c> {
        RecordContext {
            service: enriched.service.map(|service| service.name.as_str()),
            route: Some(enriched.route).filter(|_| request.path.is_some()),
            target_group: Some(enriched.target_group).filter(|group| !group.is_empty()),
            ..base
        }
    }

    /// Notes that an object was read to its end: what its name says of its interval.
    pub fn end(&self, unit: &mut Unit) {
        unit.account.objects += 1;
        if self.intake.is_history() {
            return;
        }
        if let Some(key) = ObjectKey::parse(self.origin) {
            unit.account.interval(&key.node, key.interval_end, self.received_at);
        }
    }

    /// Keeps a line that is no record; `found` is its bytes, unless they are too many, and the format that they were
    /// read as. A format is kept only where the source does not say it, so that a line is read again by the config of
    /// that day.
    fn reject(&self, unit: &mut Unit, line: u64, found: Option<(&[u8], Format)>, why: &Reject) {
        super::account::count(&mut unit.account.rejected, why.reason.label());
        let own = self.intake.format;
        let (bytes, format) = found.unwrap_or((&[], own.unwrap_or(Format::Ndjson)));
        let bytes = self.intake.keeping.redaction.reject(own, bytes).into_owned();
        let origin: Box<str> = match self.first_byte {
            0 => self.origin.into(),
            first_byte => format!("{} from byte {first_byte}", self.origin).into(),
        };
        self.say_reject(&origin, line, why);
        unit.keep(StoredReject {
            source: (&*self.intake.source).into(),
            origin,
            line,
            column: u32::try_from(why.column).unwrap_or(u32::MAX),
            reason: why.reason.label().into(),
            received_at_us: self.received_at.micros(),
            bytes,
            is_cut: found.is_none(),
            format: own.filter(|own| *own != format).map(|_| format.number()),
        });
    }

    /// Says once for each source that there are rejects: often its format is not what the config says.
    fn say_reject(&self, origin: &str, line: u64, why: &Reject) {
        if self.intake.reach != Reach::Everything {
            return;
        }
        self.intake.rejects_said.call_once(|| {
            let (source, reason, origin) = (&*self.intake.source, why.reason.label(), harmless(origin));
            let text =
                "a line is no record and is kept as a reject; weir rejects list shows all, this is said once";
            tracing::warn!(source, reason, origin, line, text);
        });
    }
}

/// What was said about a record, and more that is.
fn with<'o>(said: &Overlay<'o>, more: &Overlay<'o>) -> Overlay<'o> {
    let mut all = said.clone();
    all.extend(more);
    all
}
