//! What it costs to find records: the questions that Kibana answered, on a store made of lines of a file.
//!
//! For tuning, not for the page of benchmarks: `cargo run --release -p weir-store --example query_times FILE
//! [QUERY...]`. Times are those of a warm cache, the median of several runs, in milliseconds of the clock; further
//! arguments are queries of one's own, with `| stats` or without.

#![allow(clippy::print_stdout, reason = "an example prints what it measured")]
#![allow(clippy::disallowed_methods, reason = "an example looks at the clock")]

use std::error::Error;
use std::time::Instant;
use std::{env, fs};

use weir_query::parse;
use weir_record::{
    Detected, Format, LINE_BYTES_DEFAULT, LineParser, RecordContext, Timestamp, Value, detect,
};
use weir_store::{
    AggregateRequest, Cancel, FieldsRequest, Limits, Options, SearchRequest, Store, StoreState, View,
};

/// Runs of each query, of which the median counts.
const RUNS: usize = 9;

/// Questions that do not depend on what is in the file.
const QUESTIONS: &[&str] = &[
    "* | stats p50(request_time), p95(request_time), p99(request_time), avg(request_time), count() by route",
    "* | stats count() by status, @timestamp:1m",
    "* | stats count() by path",
    "* | stats cardinality(request_id)",
    "message:payment | stats count()",
    "status:502 AND method:POST",
    "status:>=500",
    "path:*orders*",
    "request_id:absent",
    "*",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("usage: query_times FILE [QUERY...]")?;
    let folder = tempfile::tempdir()?;
    let options = Options::new(folder.path().join("store"), Timestamp::from_seconds(0));
    let store = Store::open(options, StoreState::default(), Vec::new())?;
    fill(&store, &path)?;
    let view = store.view();
    println!("{} records, {} files, {} bytes", view.rows(), view.files.len(), store.disk_bytes());
    let own: Vec<String> = arguments.collect();
    let needles = needles(&view)?;
    for threads in [1, Limits::default().threads] {
        let limits = Limits { threads, ..Limits::default() };
        println!("threads: {threads}");
        for question in QUESTIONS.iter().copied().chain(needles.iter().chain(&own).map(String::as_str)) {
            time(&view, question, &limits)?;
        }
        let request = FieldsRequest {
            predicate: weir_query::Predicate::All,
            from: Timestamp::from_micros(i64::MIN),
            to: Timestamp::from_micros(i64::MAX),
            top: 5,
            names: None,
        };
        let begun = Instant::now();
        let fields = view.fields(&request, &limits, &Cancel::new())?.fields.len();
        println!("{:>9.2} ms  {fields:>8} fields  all fields and their top values (once)", ms(begun));
    }
    Ok(())
}

/// Writes the records of the file as one unit of work does.
fn fill(store: &Store, path: &str) -> Result<(), Box<dyn Error>> {
    let text = fs::read(path)?;
    let format = match detect(&text) {
        Detected::Format(format) => format,
        _ => Format::NginxJson,
    };
    let mut writer = store.writer();
    LineParser::new(format, LINE_BYTES_DEFAULT).parse_block(&text, |line| {
        let Ok(record) = line.outcome else { return };
        let context = RecordContext {
            source: "nginx",
            service: Some("shop"),
            route: None,
            target_group: None,
            kind: None,
            tags: &[],
            format,
            line: line.bytes,
        };
        writer.push(record, &context, path, line.number);
    });
    let kept = writer.finish()?;
    let appended = store.append(&[&kept])?;
    store.publish(appended, vec![kept]);
    while let Some(change) = store.force_roll(&Cancel::new())? {
        store.apply(change);
    }
    Ok(())
}

/// A query for one value of each field of a record from the middle.
fn needles(view: &View) -> Result<Vec<String>, Box<dyn Error>> {
    let span = Timestamp::from_micros(i64::MIN)..Timestamp::from_micros(i64::MAX);
    let request = SearchRequest::newest(weir_query::Predicate::All, span, 50_000);
    let found = view.search(&request, &Limits::default(), &Cancel::new())?;
    let hit = found.hits.last().ok_or("the file has no record")?;
    let texts = hit.fields.iter().filter(|(name, _)| !name.starts_with(['_', '@']));
    Ok(texts
        .filter_map(|(name, value)| match value {
            Value::Text(text) => {
                Some(format!("{name}:\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
            }
            _ => None,
        })
        .collect())
}

fn time(view: &View, question: &str, limits: &Limits) -> Result<(), Box<dyn Error>> {
    let query = parse(question).map_err(|error| error.to_string())?;
    let predicate = query.filter.compile(Timestamp::default()).map_err(|error| error.to_string())?;
    let (from, to) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    let mut times = Vec::new();
    let mut answer = String::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        answer = match &query.stats {
            Some(aggregation) => {
                let aggregation = aggregation.clone();
                let request = AggregateRequest { predicate: predicate.clone(), from, to, aggregation };
                let found = view.aggregate(&request, limits, &Cancel::new())?;
                format!("{:>8} groups", found.answer.groups_len)
            }
            None => {
                let request = SearchRequest::newest(predicate.clone(), from..to, 100);
                format!("{:>8} hits  ", view.search(&request, limits, &Cancel::new())?.hits.len())
            }
        };
        times.push(ms(begun));
    }
    times.sort_by(f64::total_cmp);
    println!("{:>9.2} ms  {answer}  {question}", times[RUNS / 2]);
    Ok(())
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
