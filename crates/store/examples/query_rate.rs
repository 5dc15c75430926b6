//! What it costs to find records: the questions that Kibana answered, on a store made of lines of files.
//!
//! `query_rate FOLDER THREADS RUNS FILE...` keeps the records of the files in a new store in FOLDER, which stays
//! for others to read, and asks each question cold (the store opened anew, its files dropped from the page cache)
//! and warm. It prints a line `name what value` for each: the median in milliseconds of the clock and of
//! processor time, and what was found, so that a fast wrong answer is seen.

#![allow(clippy::print_stdout, reason = "an example prints what it measured")]
#![allow(clippy::disallowed_methods, reason = "an example looks at the clock")]

mod lines;

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::time::Instant;
use std::{env, fs};

use lines::{commit, cpu_seconds, each, new_store, parts, work};
use weir_query::{Predicate, parse};
use weir_record::{Timestamp, Value};
use weir_store::{
    AggregateRequest, Cancel, Limits, Options, SearchRequest, Store, StoreState, StoredFile, View,
};

/// Hits that a search asks for: a page of the web page.
const HITS: usize = 100;

/// Each question's name, and its text; `{field}` stands for a value that the data has.
const QUESTIONS: &[(&str, &str)] = &[
    ("request_id", "source:nginx AND request_id:\"{request_id}\""),
    ("absent_id", "request_id:00000000000000000000000000000000"),
    ("session_user", "session_user:\"{session_user}\""),
    ("user_email", "user_email:\"{user_email}\""),
    (
        "routes",
        "source:nginx | stats p50(request_time), p95(request_time), p99(request_time), avg(request_time), count() \
         by route",
    ),
    ("status_by_minute", "source:nginx | stats count() by status, @timestamp:1m"),
    ("rare_word", "revoked"),
    ("common_word_count", "timeout | stats count()"),
    ("path_part_count", "path:*orders* | stats count()"),
    ("newest", "*"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: query_rate FOLDER THREADS RUNS FILE...");
    let (folder, threads, runs) = (next()?, next()?.parse()?, next()?.parse::<usize>()?.max(1));
    let folder = Path::new(&folder);
    let (state, files) = fill(folder, arguments)?;
    let open =
        || Store::open(Options::new(folder.to_owned(), Timestamp::default()), state.clone(), files.clone());
    let limits = Limits { threads, ..Limits::default() };
    let view = open()?.view();
    println!("store records {}", view.rows());
    println!("store files {}", view.files.len());
    println!("store disk_bytes {}", files.iter().map(|file| file.bytes).sum::<u64>());
    let questions = QUESTIONS.iter().filter_map(|(name, text)| Some((name, with_values(&view, text)?)));
    for (name, text) in questions {
        let question = Question::new(&text)?;
        let mut cold = Vec::new();
        for _ in 0..runs.min(5) {
            view.files.iter().try_for_each(|file| forget(&file.path))?;
            let begun = Instant::now();
            question.ask(&open()?.view(), &limits)?;
            cold.push(ms(begun));
        }
        let found = question.ask(&view, &limits)?;
        let (mut warm, cpu) = (Vec::new(), cpu_seconds()?);
        for _ in 0..runs {
            let begun = Instant::now();
            question.ask(&view, &limits)?;
            warm.push(ms(begun));
        }
        println!("{name} cold_ms {:.2}", median(cold));
        println!("{name} warm_ms {:.2}", median(warm));
        // Threads that ended are not in it.
        if threads == 1 {
            println!("{name} warm_cpu_ms {:.2}", (cpu_seconds()? - cpu) * 1e3 / runs as f64);
        }
        println!("{name} found {found}");
        println!("# {name}: {text}");
    }
    Ok(())
}

/// Keeps the records of the files; gives what a ledger would have of the store.
fn fill(
    folder: &Path,
    files: impl Iterator<Item = String>,
) -> Result<(StoreState, Vec<StoredFile>), Box<dyn Error>> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let store = new_store(folder, false)?;
    for file in files {
        let mut writer = store.writer();
        for part in parts(&file, 1)? {
            each(&file, part, |record, context, number| {
                writer.push(record, context, &file, number, context.line);
            })?;
        }
        commit(&store, writer.finish()?)?;
    }
    work(&store, true)?;
    let files = store.view().files.iter().map(|file| file.stored.clone()).collect();
    Ok((store.state(), files))
}

/// The text with `{field}` replaced by the value that a record from the middle has; `None` where none has it.
fn with_values(view: &View, text: &str) -> Option<String> {
    let Some((before, rest)) = text.split_once('{') else { return Some(text.to_owned()) };
    let (field, after) = rest.split_once('}')?;
    let filter = parse(&format!("{field}:*")).ok()?.filter.compile(Timestamp::default()).ok()?;
    let found = view.search(&newest(filter, 50_000), &Limits::default(), &Cancel::new()).ok()?;
    match found.hits.last()?.field(field)? {
        Value::Text(value) => Some(format!("{before}{value}{after}")),
        _ => None,
    }
}

fn newest(predicate: Predicate, limit: usize) -> SearchRequest {
    let all = Timestamp::from_micros(i64::MIN)..Timestamp::from_micros(i64::MAX);
    SearchRequest::newest(predicate, all, limit)
}

enum Question {
    Search(SearchRequest),
    Aggregate(AggregateRequest),
}

impl Question {
    fn new(text: &str) -> Result<Self, Box<dyn Error>> {
        let query = parse(text).map_err(|error| error.to_string())?;
        let predicate = query.filter.compile(Timestamp::default()).map_err(|error| error.to_string())?;
        let (from, to) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
        Ok(match query.stats {
            Some(aggregation) => Self::Aggregate(AggregateRequest { predicate, from, to, aggregation }),
            None => Self::Search(newest(predicate, HITS)),
        })
    }

    /// How many hits, or groups, the answer has.
    fn ask(&self, view: &View, limits: &Limits) -> Result<usize, Box<dyn Error>> {
        Ok(match self {
            Self::Search(request) => view.search(request, limits, &Cancel::new())?.hits.len(),
            Self::Aggregate(request) => view.aggregate(request, limits, &Cancel::new())?.answer.groups_len,
        })
    }
}

/// Drops a file and its filter from the page cache.
fn forget(path: &Path) -> Result<(), Box<dyn Error>> {
    for path in [path.to_owned(), weir_store::filter_path(path)] {
        let file = File::open(path)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
