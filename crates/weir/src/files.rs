//! Files on all cores, each counted whole or not at all.
//!
//! What `count` and `report` have in common. A worker gathers an object in a batch of its own and adds that
//! to its total when the object was read to its end; a broken object drops the batch. Both stay in the
//! worker until all files are done, so threads share nothing but the list of files.

use std::collections::HashSet;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use weir_enrich::{Enricher, Scratch};
use weir_ingest::{
    ObjectError, ObjectLine, ObjectReader, Outcome, ReadLimits, available_threads, for_each_object,
};
use weir_record::{Format, Record, Timestamp};

use crate::account::Account;
use crate::progress::Progress;
use crate::search::{RecordFilter, enriched_context};
use crate::shaping::Shaping;
use crate::tally::Tally;

/// How to read.
pub struct FilePlan<'a> {
    /// The format of the lines; `None` is told by the content of each file.
    pub format: Option<Format>,
    /// Only requests from this time (inclusive) to that (exclusive).
    pub span: (Option<Timestamp>, Option<Timestamp>),
    /// Bounds on input.
    pub limits: ReadLimits,
    /// Threads; one per core where it is `None`.
    pub threads: Option<NonZeroUsize>,
    /// Names services and routes.
    pub enricher: &'a Enricher,
    /// The source's name, for services that match on it.
    pub source: &'a str,
    /// Says which records are left out.
    pub shaping: &'a Shaping,
    /// Only these; `None` is all.
    pub filter: Option<RecordFilter>,
}

/// A file, or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file and its size in bytes.
    File(PathBuf, u64),
    /// Standard input.
    Stdin,
}

impl Input {
    /// The inputs that path arguments name, each file once.
    ///
    /// # Errors
    ///
    /// An argument that names nothing.
    pub fn find(arguments: &[String]) -> anyhow::Result<Vec<Self>> {
        let mut inputs = Vec::new();
        let mut seen = HashSet::new();
        for argument in arguments {
            if argument.starts_with("s3://") {
                anyhow::bail!(
                    "`{argument}` cannot be read directly; copy it first, as with: aws s3 sync {argument} logs/"
                );
            }
            if argument == "-" {
                inputs.push(Input::Stdin);
                continue;
            }
            for path in weir_ingest::discover(argument)? {
                let metadata = path.metadata().ok();
                // Two ways of naming one file have its device and inode in common.
                let is_new = metadata.as_ref().is_none_or(|known| seen.insert((known.dev(), known.ino())));
                if is_new {
                    inputs.push(Input::File(path, metadata.map_or(0, |known| known.len())));
                }
            }
        }
        Ok(inputs)
    }

    /// Its name; `-` for standard input.
    pub fn path(&self) -> &Path {
        match self {
            Input::File(path, _) => path,
            Input::Stdin => Path::new("-"),
        }
    }

    /// What is known of its size: nothing of standard input's.
    pub fn bytes(&self) -> u64 {
        match self {
            Input::File(_, bytes) => *bytes,
            Input::Stdin => 0,
        }
    }
}

/// Reads all inputs and returns what was gathered from them, and what was read.
pub fn tally_files<T: Tally>(
    inputs: &[Input],
    plan: &FilePlan<'_>,
    new: impl Fn() -> T + Sync,
) -> (T, Account) {
    let progress = Progress::of_bytes(inputs.iter().map(Input::bytes).sum());
    let threads = plan.threads.unwrap_or_else(available_threads);
    let new_worker = || Worker::new(plan.limits, &new);
    // Standard input may be the largest of all, so it does not wait for the files.
    let cost = |input: &Input| if *input == Input::Stdin { u64::MAX } else { input.bytes() };
    let workers = for_each_object(inputs, threads, cost, new_worker, |worker, input| {
        worker.read(input, plan);
        progress.advance(input.bytes());
    });
    progress.finish();
    let mut tally = new();
    let mut account = Account::default();
    for mut worker in workers {
        tally.absorb(&mut worker.total);
        account.merge(worker.account);
    }
    account.sort();
    (tally, account)
}

/// One thread's part.
struct Worker<T> {
    reader: ObjectReader,
    scratch: Scratch,
    /// What the object under way gave so far; dropped if the object is broken.
    batch: T,
    total: T,
    account: Account,
}

impl<T: Tally> Worker<T> {
    fn new(limits: ReadLimits, new: impl Fn() -> T) -> Self {
        Self {
            reader: ObjectReader::new(limits),
            scratch: Scratch::default(),
            batch: new(),
            total: new(),
            account: Account::default(),
        }
    }

    fn read(&mut self, input: &Input, plan: &FilePlan<'_>) {
        let path = input.path();
        let mut account = Account::default();
        match self.read_object(input, plan, &mut account) {
            Ok(Outcome::Read { .. }) => {
                account.files = 1;
                self.total.absorb(&mut self.batch);
                self.account.merge(account);
            }
            Ok(Outcome::Skipped(kind)) => *self.account.skipped.entry(kind).or_default() += 1,
            Err(error) => {
                self.batch.clear();
                self.account.failures.push((path.to_owned(), error));
            }
        }
    }

    fn read_object(
        &mut self,
        input: &Input,
        plan: &FilePlan<'_>,
        account: &mut Account,
    ) -> Result<Outcome, ObjectError> {
        let Self { reader, scratch, batch, .. } = self;
        let (from, to) = plan.span;
        let each = |line: ObjectLine<'_, '_>| match line {
            ObjectLine::Line(line) => match line.outcome {
                Ok(record) => {
                    let time = record.time();
                    if from.is_some_and(|from| time < from) || to.is_some_and(|to| time >= to) {
                        return;
                    }
                    let Record::Request(request) = record else {
                        account.events += 1;
                        return;
                    };
                    let enriched = plan.enricher.enrich(plan.source, request, scratch);
                    let context = || enriched_context(line.context(plan.source), &enriched);
                    if let Some(why) = plan.shaping.dropped(record, context) {
                        return account.drop_record(why);
                    }
                    account.record(time);
                    if plan.filter.as_ref().is_none_or(|filter| filter.matches(record, context())) {
                        batch.observe(request, &enriched);
                    }
                }
                Err(reject) => account.reject(input.path(), line.number, *reject),
            },
            ObjectLine::Long(number, reject) => account.reject(input.path(), number, reject),
        };
        match input {
            Input::File(path, _) => reader.read_file(path, plan.format, each),
            Input::Stdin => reader.read_stream(io::stdin().lock(), plan.format, each),
        }
    }
}
