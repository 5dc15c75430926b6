//! One thread's part of a search in files: lines in, records that match out.
//!
//! The query is asked of each record before anything is made of it, so that a needle costs no more than parsing.
//! What a thread has found is behind a lock of its own that nobody else takes before the end, or before Ctrl-C.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use weir_enrich::{Enricher, Scratch};
use weir_ingest::{ObjectLine, ObjectReader, Outcome, ReadLimits, available_threads};
use weir_query::Groups;
use weir_record::{Format, Record, RecordContext, RecordFields, Timestamp};
use weir_web::{Hit, Pairs};

use super::best_hits::{BYTES_MAX, BestHits, Place};
use super::hit::{TIME_FIELD, add_field, json};
use super::printer::Printer;
use super::question::Question;
use super::record_context::{RecordFilter, enriched_context};
use crate::account::Account;
use crate::files::Input;

/// A search under way: what is asked, and what each thread has found.
pub struct FileSearch {
    /// What is read.
    pub inputs: Vec<Input>,
    /// The source's name, for services that match on it.
    pub source: String,
    /// Bounds on input.
    pub limits: ReadLimits,
    /// The format of the lines; `None` is told by the content of each file.
    pub format: Option<Format>,
    /// Which records.
    pub question: Question,
    /// Only these fields of them.
    pub fields: Option<Vec<String>>,
    /// Records are printed as they are read.
    pub is_as_read: bool,
    /// The oldest come first, rather than the newest.
    pub is_oldest_first: bool,
    /// Records at most.
    pub limit: usize,
    enricher: Enricher,
    filter: RecordFilter,
    printer: Mutex<Printer>,
    parts: Mutex<Vec<Arc<Mutex<Part>>>>,
    has_ended: AtomicBool,
    /// Whether any record was an event: only those have messages.
    has_events: AtomicBool,
    ended: Notify,
}

/// What was found, and in what.
pub struct Part {
    /// What was found.
    pub found: Found,
    /// What was read.
    pub account: Account,
    /// Why nothing can be printed any more.
    pub failure: Option<io::Error>,
}

/// What was found.
pub enum Found {
    /// Records.
    Hits(BestHits),
    /// Numbers of groups.
    Groups(Box<Groups>),
    /// Records that are printed already, and how many.
    Printed(u64),
}

impl FileSearch {
    /// A search of nothing yet.
    pub fn new(question: Question, enricher: Enricher, printer: Printer) -> Self {
        let filter = RecordFilter::new(&question.expression, question.predicate.clone());
        Self {
            inputs: Vec::new(),
            source: String::new(),
            limits: crate::setup::read_limits(&crate::config::Limits::default()),
            format: None,
            filter,
            question,
            fields: None,
            is_as_read: false,
            is_oldest_first: false,
            limit: usize::MAX,
            enricher,
            printer: Mutex::new(printer),
            parts: Mutex::default(),
            has_ended: AtomicBool::new(false),
            has_events: AtomicBool::new(false),
            ended: Notify::new(),
        }
    }

    /// What all threads have found by now.
    pub fn gathered(&self) -> Part {
        let mut all = self.new_part(BYTES_MAX);
        for part in lock(&self.parts).iter() {
            let part = std::mem::replace(&mut *lock(part), self.thread_part());
            all.found.absorb(part.found);
            all.account.merge(part.account);
            all.failure = all.failure.or(part.failure);
        }
        all
    }

    /// Whether any record was an event, and so could have a message.
    pub fn has_events(&self) -> bool {
        self.has_events.load(Ordering::Relaxed)
    }

    /// Where records are printed.
    pub fn printer(&self) -> MutexGuard<'_, Printer> {
        lock(&self.printer)
    }

    /// Completes when nobody wants more.
    pub async fn is_over(&self) {
        loop {
            let ended = self.ended.notified();
            if self.has_ended.load(Ordering::Acquire) {
                return;
            }
            ended.await;
        }
    }

    fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
        self.ended.notify_waiters();
        self.ended.notify_one();
    }

    /// One thread's part, which has its share of the memory.
    fn thread_part(&self) -> Part {
        self.new_part(BYTES_MAX / available_threads())
    }

    fn new_part(&self, bytes_max: usize) -> Part {
        let found = match &self.question.stats {
            Some(stats) => Found::Groups(Box::new(Groups::new(stats))),
            None if self.is_as_read => Found::Printed(0),
            None => Found::Hits(BestHits::new(self.limit, self.is_oldest_first, bytes_max)),
        };
        Part { found, account: Account::default(), failure: None }
    }
}

impl Found {
    fn absorb(&mut self, other: Self) {
        match (self, other) {
            (Self::Hits(own), Self::Hits(other)) => own.absorb(other),
            (Self::Groups(own), Self::Groups(other)) => own.merge(*other),
            (Self::Printed(own), Self::Printed(other)) => *own += other,
            _ => {}
        }
    }
}

/// One thread.
pub struct Worker {
    reader: ObjectReader,
    scratch: Scratch,
    part: Arc<Mutex<Part>>,
}

impl Worker {
    /// A thread of a search, whose part the search knows.
    pub fn new(search: &FileSearch) -> Self {
        let part = Arc::new(Mutex::new(search.thread_part()));
        lock(&search.parts).push(Arc::clone(&part));
        Self { reader: ObjectReader::new(search.limits), scratch: Scratch::default(), part }
    }

    /// Reads an input, the one with this number.
    pub fn read(&mut self, search: &FileSearch, number: usize, input: &Input) {
        if search.has_ended.load(Ordering::Acquire) {
            return;
        }
        let Self { reader, scratch, part } = self;
        let mut lines = Lines { search, input, number, scratch };
        let each = |line: ObjectLine<'_, '_>| lines.take(&mut lock(part), &line);
        let outcome = match input {
            Input::File(path, _) => reader.read_file(path, search.format, each),
            Input::Stdin if search.is_as_read => {
                reader.read_live_stream(io::stdin().lock(), search.format, each)
            }
            Input::Stdin => reader.read_stream(io::stdin().lock(), search.format, each),
        };
        let account = &mut lock(part).account;
        match outcome {
            Ok(Outcome::Read { .. }) => account.files += 1,
            Ok(Outcome::Skipped(kind)) => *account.skipped.entry(kind).or_default() += 1,
            Err(error) => account.failures.push((input.path().to_owned(), error)),
        }
    }
}

/// The lines of one input.
struct Lines<'s> {
    search: &'s FileSearch,
    input: &'s Input,
    number: usize,
    scratch: &'s mut Scratch,
}

impl Lines<'_> {
    fn take(&mut self, part: &mut Part, line: &ObjectLine<'_, '_>) {
        let line = match line {
            ObjectLine::Long(number, reject) => {
                return part.account.reject(self.input.path(), *number, *reject);
            }
            ObjectLine::Line(line) => line,
        };
        let record = match line.outcome {
            Ok(record) => record,
            Err(reject) => return part.account.reject(self.input.path(), line.number, *reject),
        };
        let (search, time) = (self.search, record.time());
        if time < search.question.from || time >= search.question.to {
            return;
        }
        part.account.record(time);
        if record.request().is_none() {
            search.has_events.store(true, Ordering::Relaxed);
        }
        let context = line.context(&search.source);
        let is_match = match record.request().filter(|_| search.filter.needs_enriching) {
            None => search.filter.matches(record, context),
            Some(request) => {
                let enriched = search.enricher.enrich(&search.source, request, self.scratch);
                search.filter.matches(record, enriched_context(context, &enriched))
            }
        };
        if is_match {
            self.found(part, record, context, line.number);
        }
    }

    /// Takes in a record that matches.
    fn found(&mut self, part: &mut Part, record: Record<'_>, context: RecordContext<'_>, line_number: u64) {
        let (search, number) = (self.search, self.number);
        match &mut part.found {
            Found::Groups(groups) => {
                self.with_enriched(record, context, |fields, _| groups.add_record(fields));
            }
            Found::Hits(hits) => {
                let place = Place { time_us: record.time().micros(), file: number, line: line_number };
                if hits.wants(place) {
                    hits.hold(place, self.hit(record, context, line_number));
                }
            }
            Found::Printed(printed) => {
                let hit = self.hit(record, context, line_number);
                let mut printer = search.printer();
                if part.failure.is_some() || printer.hits() >= search.limit as u64 {
                    return;
                }
                *printed += 1;
                let written = printer.hit(&hit).and_then(|()| match self.input {
                    // Whoever sends it may send the next line in an hour.
                    Input::Stdin => printer.flush(),
                    Input::File(..) => Ok(()),
                });
                if let Err(failure) = written {
                    part.failure = Some(failure);
                }
                if part.failure.is_some() || printer.hits() >= search.limit as u64 {
                    search.end();
                }
            }
        }
    }

    /// A record with all its fields, or those that were asked for.
    fn hit(&mut self, record: Record<'_>, context: RecordContext<'_>, line_number: u64) -> Hit {
        let (search, input) = (self.search, self.input);
        let zone = &search.question.zone;
        self.with_enriched(record, context, |fields, time: Timestamp| {
            let wanted = search.fields.as_deref();
            let is_wanted = |name: &str| wanted.is_none_or(|names| names.iter().any(|own| own == name));
            let mut pairs = vec![(TIME_FIELD.to_owned(), zone.text(time).into())];
            fields.for_each(&mut |name, value| {
                // Without a config there are no sources.
                let is_nothing = name == "source" && search.source.is_empty();
                if name != TIME_FIELD && is_wanted(name) && !is_nothing {
                    add_field(&mut pairs, name.to_owned(), json(&value, zone));
                }
            });
            if is_wanted("_origin") {
                pairs.push(("_origin".to_owned(), input.path().to_string_lossy().into()));
            }
            if is_wanted("_line") {
                pairs.push(("_line".to_owned(), line_number.into()));
            }
            Pairs(pairs)
        })
    }

    /// The fields of a record with its service and route, for `read`.
    fn with_enriched<T>(
        &mut self,
        record: Record<'_>,
        context: RecordContext<'_>,
        read: impl FnOnce(&RecordFields<'_>, Timestamp) -> T,
    ) -> T {
        let time = record.time();
        let search = self.search;
        let Some(request) = record.request() else {
            return read(&RecordFields::new(record, context), time);
        };
        let enriched = search.enricher.enrich(&search.source, request, self.scratch);
        let context = enriched_context(context, &enriched);
        read(&RecordFields::new(record, context), time)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a thread that panicked has found is still what it has found.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
