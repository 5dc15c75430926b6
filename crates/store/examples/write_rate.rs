//! What it costs to keep records: lines of a file to committed Parquet files.
//!
//! For tuning, not for the page of benchmarks: `cargo run --release -p weir-store --example write_rate FILE [raw]`.
//! It prints what parsing alone took, what parsing and columns took, and the whole way with files, filters and
//! syncs, in processor time of this process, since a disk that waits says nothing about the program.

#![allow(clippy::print_stdout, reason = "an example prints what it measured")]

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use weir_record::{Detected, Format, LINE_BYTES_DEFAULT, LineParser, RecordContext, Timestamp, detect};
use weir_store::Cancel;
use weir_store::{Options, RowsBuilder, SequenceNumbers, Store, StoreState};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("usage: write_rate FILE [raw|wal]")?;
    let variant = arguments.next().unwrap_or_default();
    let text = fs::read(&path)?;
    let format = match detect(&text) {
        Detected::Format(format) => format,
        _ => Format::NginxJson,
    };
    let folder = tempfile::tempdir()?;

    let (start, mut records) = (cpu_seconds()?, 0u64);
    LineParser::new(format, LINE_BYTES_DEFAULT)
        .parse_block(&text, |line| records += u64::from(line.outcome.is_ok()));
    print_rate("parse", records, cpu_seconds()? - start);

    let (start, numbers) = (cpu_seconds()?, SequenceNumbers::default());
    let mut builder = RowsBuilder::new();
    let mut failure = None;
    each(format, &text, |record, context, number| {
        builder.push(record, context, &path, number, false);
        if builder.is_full() {
            failure = builder.finish(&numbers).err();
        }
    });
    builder.finish(&numbers)?;
    failure.map_or(Ok(()), Err)?;
    print_rate("parse and columns", records, cpu_seconds()? - start);

    let start = cpu_seconds()?;
    let mut options = Options::new(folder.path().join("store"), Timestamp::from_seconds(0));
    options.is_raw_kept = variant == "raw";
    options.roll_bytes = usize::MAX;
    let store = Store::open(options, StoreState::default(), Vec::new())?;
    write(&store, format, &text, &path, variant == "wal")?;
    print_rate(if variant == "wal" { "through memory" } else { "files" }, records, cpu_seconds()? - start);
    println!("{:.4} bytes per byte of {}", store.disk_bytes() as f64 / text.len() as f64, text.len());
    for (name, bytes) in bytes_by_kind(folder.path())? {
        println!("  {name}: {bytes} bytes, {:.2} per record", bytes as f64 / records as f64);
    }
    Ok(())
}

fn write(store: &Store, format: Format, text: &[u8], path: &str, is_in_memory: bool) -> Result<(), Box<dyn Error>> {
    let mut writer = store.writer();
    let mut failure = None;
    let mut count = 0;
    each(format, text, |record, context, number| {
        writer.push(record, context, path, number);
        count += 1;
        // What a busy source brings in a second.
        if is_in_memory && count % 20_000 == 0 {
            failure = writer.finish().and_then(|kept| commit(store, kept)).err();
        }
    });
    failure.map_or(Ok(()), Err)?;
    commit(store, writer.finish()?)?;
    while let Some(change) = store.force_roll(&Cancel::new())? {
        store.apply(change);
    }
    Ok(())
}

fn commit(store: &Store, kept: weir_store::Kept) -> Result<(), weir_store::StoreError> {
    let appended = store.append(&[&kept])?;
    store.publish(appended, vec![kept]);
    Ok(())
}

fn each(format: Format, text: &[u8], mut each: impl FnMut(weir_record::Record<'_>, &RecordContext<'_>, u64)) {
    LineParser::new(format, LINE_BYTES_DEFAULT).parse_block(text, |line| {
        let Ok(record) = line.outcome else { return };
        let route = record.request().and_then(|request| request.method.as_deref());
        let context = RecordContext {
            source: "nginx",
            service: Some("shop"),
            route: route.and_then(|method| std::str::from_utf8(method).ok()),
            target_group: None,
            kind: None,
            tags: &[],
            format,
            line: line.bytes,
        };
        each(record, &context, line.number);
    });
}

/// User and system time of this process so far.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // Behind the name: state is field 0, utime 11 and stime 12, in hundredths of a second.
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

fn print_rate(what: &str, records: u64, seconds: f64) {
    let rate = records as f64 / seconds;
    println!("{what}: {records} records, {seconds:.2} s, {rate:.0} per second of processor time");
}

fn bytes_by_kind(folder: &Path) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let (mut parquet, mut filter, mut other) = (0, 0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let (path, bytes) = entry.map(|entry| (entry.path(), entry.metadata().map_or(0, |found| found.len())))?;
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("parquet") => parquet += bytes,
                Some("filter") => filter += bytes,
                _ => other += bytes,
            }
        }
    }
    Ok(vec![("parquet".to_owned(), parquet), ("filter".to_owned(), filter), ("other".to_owned(), other)])
}
