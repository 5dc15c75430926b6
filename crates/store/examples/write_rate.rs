//! What it costs to keep records: lines of a file to committed Parquet files.
//!
//! `write_rate FILE [parse|columns|files|raw|commits] [THREADS] [FOLDER]`: parsing alone, parsing and columns,
//! one unit of work that writes its files itself (with the exact line or without), or a unit and a commit for
//! every 20,000 records, which become files in the background. Reading, the ledger's part aside, is in all of
//! them. It prints words as `lines=2000000`; who measures it takes its processor time and memory from outside.

#![allow(clippy::print_stdout, reason = "an example prints what it measured")]

mod lines;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use lines::{Part, commit, cpu_seconds, each, new_store, parts, work};
use weir_store::{RowsBuilder, SequenceNumbers, Store};

/// What a busy source brings in a second.
const COMMIT_RECORDS: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("usage: write_rate FILE [MODE] [THREADS] [FOLDER]")?;
    let mode = arguments.next().unwrap_or_else(|| "files".to_owned());
    let threads = arguments.next().map_or(Ok(1), |threads| threads.parse())?;
    let temporary = tempfile::tempdir()?;
    let folder = arguments.next().map_or_else(|| temporary.path().join("store"), PathBuf::from);
    let store = new_store(&folder, mode == "raw")?;
    let parts = parts(&path, threads)?;
    let run = &|part: Part| run(&store, &path, part, &mode).map_err(|error| error.to_string());
    let counts: Vec<Result<u64, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = parts.iter().map(|&part| scope.spawn(move || run(part))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked".to_owned()));
        joined.map(Result::flatten).collect()
    });
    let lines: u64 = counts.into_iter().sum::<Result<u64, String>>()?;
    work(&store, true)?;
    let text_bytes = fs::metadata(&path)?.len();
    println!("own_cpu_s={:.2}", cpu_seconds()?);
    println!("lines={lines} files={} disk_bytes={}", store.view().files.len(), store.disk_bytes());
    println!("disk_per_byte={:.4}", store.disk_bytes() as f64 / text_bytes as f64);
    for (kind, bytes) in bytes_by_kind(&folder)? {
        println!("{kind}_bytes_per_line={:.2}", bytes as f64 / lines as f64);
    }
    Ok(())
}

/// Reads a part of the file and does with it what `mode` says; gives its records.
fn run(store: &Store, path: &str, part: Part, mode: &str) -> Result<u64, Box<dyn Error>> {
    let mut count = 0;
    match mode {
        "parse" => each(path, part, |_, _, _| count += 1)?,
        "columns" => {
            let (numbers, mut builder, mut failure) = (SequenceNumbers::default(), RowsBuilder::new(), None);
            each(path, part, |record, context, number| {
                builder.push(record, context, path, number, None);
                count += 1;
                if builder.is_full() {
                    failure = failure.take().or(builder.finish(&numbers).err());
                }
            })?;
            failure.map_or(Ok(()), Err)?;
            builder.finish(&numbers)?;
        }
        "files" | "raw" | "commits" => {
            let (mut writer, mut failure) = (store.writer(), None);
            each(path, part, |record, context, number| {
                writer.push(record, context, path, number, context.line);
                count += 1;
                if mode == "commits" && count % COMMIT_RECORDS as u64 == 0 {
                    let done = writer
                        .finish()
                        .and_then(|kept| commit(store, kept))
                        .and_then(|()| work(store, false));
                    failure = failure.take().or(done.err());
                }
            })?;
            failure.map_or(Ok(()), Err)?;
            commit(store, writer.finish()?)?;
        }
        other => return Err(format!("`{other}` is no mode").into()),
    }
    Ok(count)
}

fn bytes_by_kind(folder: &Path) -> Result<Vec<(&'static str, u64)>, Box<dyn Error>> {
    let (mut parquet, mut filter, mut other) = (0, 0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let (path, bytes) =
                entry.map(|entry| (entry.path(), entry.metadata().map_or(0, |found| found.len())))?;
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("parquet") => parquet += bytes,
                Some("filter") => filter += bytes,
                _ => other += bytes,
            }
        }
    }
    Ok(vec![("parquet", parquet), ("filter", filter), ("other", other)])
}
