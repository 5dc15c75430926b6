//! What the examples have in common: records of a file as the server would keep them, read block by block.
//!
//! Their memory is looked at, so no file is ever read whole.

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};

use weir_record::{
    Detected, Format, LINE_BYTES_DEFAULT, LineParser, NO_OVERLAY, Record, RecordContext, Timestamp, detect,
};
use weir_store::{Cancel, Kept, Options, Store, StoreError, StoreState};

/// What is read at a time, in bytes.
const BLOCK_BYTES: usize = 1 << 20;

/// A part of a file, from a line's beginning to a line's end.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    start: u64,
    end: u64,
}

/// The format of a file, by its beginning.
pub fn format_of(path: &str) -> Result<Format, Box<dyn Error>> {
    let mut head = vec![0; BLOCK_BYTES];
    let len = File::open(path)?.read(&mut head)?;
    let end = head[..len].iter().rposition(|&byte| byte == b'\n').unwrap_or(len);
    match detect(&head[..end]) {
        Detected::Format(format) => Ok(format),
        _ => Err(format!("{path} has no format that is known").into()),
    }
}

/// The file in so many parts of about the same size.
pub fn parts(path: &str, count: u64) -> Result<Vec<Part>, Box<dyn Error>> {
    let len = fs::metadata(path)?.len();
    let mut file = File::open(path)?;
    let mut ends = Vec::new();
    for index in 1..count {
        let near = len * index / count;
        file.seek(SeekFrom::Start(near))?;
        let mut block = vec![0; BLOCK_BYTES];
        let read = file.read(&mut block)?;
        let line =
            block[..read].iter().position(|&byte| byte == b'\n').ok_or("a line has more than a block")?;
        ends.push(near + line as u64 + 1);
    }
    ends.push(len);
    let starts = [0].into_iter().chain(ends.clone());
    Ok(starts.zip(ends).map(|(start, end)| Part { start, end }).collect())
}

/// Hands out the records of a part.
pub fn each(
    path: &str,
    part: Part,
    mut each: impl FnMut(Record<'_>, &RecordContext<'_>, u64),
) -> Result<(), Box<dyn Error>> {
    let format = format_of(path)?;
    let mut parser = LineParser::new(format, LINE_BYTES_DEFAULT);
    let mut route = String::new();
    read_blocks(path, part, |block| {
        parser.parse_block(block, |line| {
            let Ok(record) = line.outcome else { return };
            route.clear();
            if let Some(path) = record.request().and_then(|request| request.path.as_deref()) {
                push_route(path, &mut route);
            }
            let context = RecordContext {
                source: if record.request().is_some() { "nginx" } else { "errors" },
                service: Some("shop"),
                route: Some(&*route).filter(|route| !route.is_empty()),
                target_group: None,
                overlay: &NO_OVERLAY,
                format,
                line: line.bytes,
            };
            each(record, &context, line.number);
        });
    })
}

/// Whole lines, a block at a time.
fn read_blocks(path: &str, part: Part, mut each: impl FnMut(&[u8])) -> Result<(), Box<dyn Error>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(part.start))?;
    let mut file = file.take(part.end - part.start);
    let mut block = vec![0; BLOCK_BYTES + LINE_BYTES_DEFAULT];
    let mut len = 0;
    loop {
        let read = file.read(&mut block[len..])?;
        len += read;
        let end = block[..len].iter().rposition(|&byte| byte == b'\n').map_or(0, |line_end| line_end + 1);
        let end = if read == 0 { len } else { end };
        each(&block[..end]);
        block.copy_within(end..len, 0);
        len -= end;
        if read == 0 {
            return Ok(());
        }
    }
}

/// A route as templates would give it, about: segments with a digit are identifiers.
fn push_route(path: &[u8], route: &mut String) {
    for segment in path.split(|&byte| byte == b'/').skip(1) {
        let is_identifier = segment.iter().any(u8::is_ascii_digit) || segment.len() > 24;
        let segment = if is_identifier { "{id}" } else { std::str::from_utf8(segment).unwrap_or("{id}") };
        route.push('/');
        route.push_str(segment);
    }
}

/// A new store in a folder.
pub fn new_store(folder: &std::path::Path, is_raw_kept: bool) -> Result<Store, StoreError> {
    let mut options = Options::new(folder.to_owned(), Timestamp::default());
    options.is_raw_kept = is_raw_kept;
    Store::open(options, StoreState::default(), Vec::new())
}

/// Commits as the server's commit thread does, but for the ledger.
pub fn commit(store: &Store, kept: Kept) -> Result<(), StoreError> {
    let appended = store.append(&[&kept])?;
    store.publish(appended, vec![kept]);
    Ok(())
}

/// Does what is due in the background, and at the end everything that is in memory.
pub fn work(store: &Store, is_end: bool) -> Result<(), StoreError> {
    while let Some(work) = store.next_work(Timestamp::default()) {
        let change = store.perform(work, &Cancel::new())?;
        store.apply(change);
    }
    while let Some(change) = if is_end { store.force_roll(&Cancel::new())? } else { None } {
        store.apply(change);
    }
    Ok(())
}

/// User and system time of this process so far, in seconds.
pub fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    // The time on a core in nanoseconds of each thread; /proc/self/stat counts in steps of 10 ms.
    let mut nanoseconds = 0.0;
    for task in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0.0);
    }
    Ok(nanoseconds / 1e9)
}
