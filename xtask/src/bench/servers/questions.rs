//! What people ask of kept records, and how long the answer takes, beside databases on the same files.
//!
//! One process keeps the records and asks (`crates/store/examples/query_rate.rs`), since what is wanted is the time
//! of an answer without that of a program's start. It leaves its store and its output, from which the other
//! subjects learn which values were looked for.

use anyhow::Context;

use super::{Scene, Values};
use crate::bench::counted::stated;

/// Each question as the programs name it, and as a quantity.
const QUESTIONS: &[(&str, &str)] = &[
    ("request_id", "request_id_ms"),
    ("user_email", "user_email_ms"),
    ("session_user", "session_user_ms"),
    ("routes", "routes_ms"),
    ("status_by_minute", "status_by_minute_ms"),
    ("rare_word", "rare_word_ms"),
    ("common_word_count", "common_word_count_ms"),
];

/// What the records are kept from.
const FILES: &str = "nginx-user/part-0000.log errors/part-0000.log";

/// Runs of each question, of which the median counts.
const RUNS: u32 = 9;

/// Asks on one thread, warm; the store stays, and the output for the others.
pub fn warm(scene: &Scene<'_>) -> anyhow::Result<Values> {
    scene.shell.output(&format!("query_rate store 1 {RUNS} {FILES} > query.out"))?;
    values(&scene.shell.output("cat query.out")?, "warm_ms")
}

/// What the run of [`warm`] took with the files not in memory.
pub fn cold(scene: &Scene<'_>) -> anyhow::Result<Values> {
    values(&scene.shell.output("cat query.out")?, "cold_ms")
}

/// The same on two threads, with a store of its own.
pub fn two_threads(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let output = scene.shell.output(&format!("query_rate store-2 2 {RUNS} {FILES}"))?;
    scene.shell.output("rm -r store-2")?;
    values(&output, "warm_ms")
}

/// A database on weir's files (`parquet`) or on the lines (`json`).
pub fn peer(scene: &Scene<'_>, engine: &str, source: &str) -> anyhow::Result<Values> {
    // From lines a question takes seconds.
    let runs = if source == "json" { 1 } else { 5 };
    let script = format!("python3 ../../peers/store_queries.py {engine} {source} query.out {runs}");
    values(&scene.shell.output(&script)?, "warm_ms")
}

/// What kept records take on the disk.
pub fn disk(scene: &Scene<'_>) -> anyhow::Result<Values> {
    let per_byte = |mode: &str| {
        let output = scene.shell.output(&format!("write_rate nginx/part-0000.log {mode}"))?;
        stated(&output, "disk_per_byte").context("write_rate does not say what it wrote")
    };
    Ok(vec![("bytes_per_byte", per_byte("files")?), ("raw_bytes_per_byte", per_byte("raw")?)])
}

/// The values of lines `name what value`.
fn values(output: &str, what: &str) -> anyhow::Result<Values> {
    let value = |name: &str| {
        let mut lines = output.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        lines.find_map(|words| match words.as_slice() {
            [question, measured, value] if *question == name && *measured == what => {
                value.parse::<f64>().ok()
            }
            _ => None,
        })
    };
    let all = QUESTIONS.iter().map(|&(name, quantity)| {
        Ok((quantity, value(name).with_context(|| format!("there is no {what} of {name}"))?))
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_has_its_value() {
        let lines = QUESTIONS
            .iter()
            .map(|(name, _)| format!("{name} cold_ms 9\n{name} warm_ms 1.5\n# {name}: a b\n"));
        let output: String = lines.collect();
        let values = values(&output, "warm_ms").expect("all are there");
        assert_eq!(values.len(), QUESTIONS.len());
        assert!(values.iter().all(|&(quantity, value)| quantity.ends_with("_ms") && value == 1.5));
        assert!(super::values("routes warm_ms 1", "warm_ms").is_err());
    }
}
