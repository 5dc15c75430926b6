//! The files that a load balancer leaves in S3, and the one that nginx writes.
//!
//! This layout is what `weir` meets in real life, so the demo uses it as it is, awkward parts
//! included: a gzip file per node and five minutes, names that tell node and end of the interval, the
//! day of delivery in the path, and lines of different nodes overlapping in time.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use super::listener::{Listener, describe_listeners, describe_rules};
use super::part::{CHUNK_BYTES, Packing, Part, Written, at};
use super::request::Format;
use super::rng::{Rng, mix};
use super::shop::{ACCOUNT, LOAD_BALANCER, NODES, REGION};
use super::text::civil;
use super::traffic::Traffic;
use super::write_line;

/// The interval of one file: five minutes, ending on the clock.
const INTERVAL_S: i64 = 300;
/// The file that nginx would write to.
pub const NGINX_FILE: &str = "access.json";
/// The file that the application would write to.
const ERRORS_FILE: &str = "errors.json";

/// Writes all of `traffic` below `folder`: ALB lines as the objects of a bucket
/// (`AWSLogs/<account>/...`, one file per node and five minutes), nginx lines to [`NGINX_FILE`].
///
/// # Errors
///
/// The first failure to create, write or rename a file, with its path.
pub fn write_all(traffic: &Traffic, folder: &Path, format: Format) -> io::Result<Written> {
    let Range { mut start, end } = traffic.plan().span_s();
    if format != Format::Alb {
        return write_span(traffic, folder, format, start..end);
    }
    let mut written = Written::default();
    while start < end {
        let next = (start.div_euclid(INTERVAL_S) + 1) * INTERVAL_S;
        written = written.plus(write_span(traffic, folder, format, start..next.min(end))?);
        start = next;
    }
    Ok(written)
}

/// Writes the requests answered in the seconds `span_s` below `folder`: one new gzip file per node
/// that had any, or an addition to nginx's file.
///
/// Live traffic calls this every few seconds. The names have a part that follows from the first second,
/// so spans that follow each other never share an object, and an object written twice is the same one;
/// nginx lines written twice are there twice.
///
/// # Errors
///
/// The first failure to create, write or rename a file, with its path.
pub fn write_span(
    traffic: &Traffic,
    folder: &Path,
    format: Format,
    span_s: Range<i64>,
) -> io::Result<Written> {
    match format {
        Format::Alb => write_objects(traffic, folder, &span_s),
        _ => append_lines(traffic, folder, format, span_s),
    }
}

fn write_objects(traffic: &Traffic, folder: &Path, span_s: &Range<i64>) -> io::Result<Written> {
    let mut parts: Vec<Option<Part>> = NODES.iter().map(|_| None).collect();
    for request in traffic.between(span_s.clone()) {
        let Some(place) = parts.get_mut(request.node) else {
            continue;
        };
        let part = match place {
            Some(part) => part,
            None => {
                let key = object_key(traffic.plan().seed, request.node, span_s);
                place.insert(Part::create(folder.join(key), Packing::Gzip)?)
            }
        };
        part.add(&request, Format::Alb)?;
    }
    parts.into_iter().flatten().try_fold(Written::default(), |sum, part| Ok(sum.plus(part.complete()?)))
}

fn append_lines(traffic: &Traffic, folder: &Path, format: Format, span_s: Range<i64>) -> io::Result<Written> {
    let path = folder.join(if format == Format::Errors { ERRORS_FILE } else { NGINX_FILE });
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(|error| at(&path, &error))?;
    let mut file = BufWriter::with_capacity(CHUNK_BYTES, file);
    let mut line = Vec::new();
    let mut written = Written { files: 1, ..Written::default() };
    for request in traffic.between(span_s) {
        line.clear();
        write_line(format, &request, &mut line);
        file.write_all(&line).map_err(|error| at(&path, &error))?;
        written = written.plus(Written { files: 0, lines: 1, bytes: line.len() as u64 });
    }
    file.flush().map_err(|error| at(&path, &error))?;
    Ok(written)
}

/// Writes what `aws elbv2 describe-rules` and `describe-listeners` say about the load balancer:
/// `rules-443.json`, `rules-80.json` and `listeners.json`.
///
/// # Errors
///
/// The first failure to write a file, with its path.
pub fn write_listener_rules(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    let files = [
        ("rules-443.json", describe_rules(Listener::Port443)),
        ("rules-80.json", describe_rules(Listener::Port80)),
        ("listeners.json", describe_listeners()),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| at(&path, &error))?;
    }
    Ok(())
}

/// The key of the object with the lines of `node` in the seconds `span_s`.
///
/// The name has the end of the interval in minutes, so the end of a span within a minute is rounded
/// up; the day in the path is that of the delivery, which for an interval up to midnight is the next.
fn object_key(seed: u64, node: usize, span_s: &Range<i64>) -> String {
    let end_s = (span_s.end + 59).div_euclid(60) * 60;
    let end = civil(end_s);
    let ((year, month, day), (hour, minute, _)) = (end.date, end.clock);
    let load_balancer = LOAD_BALANCER.replace('/', ".");
    let address = NODES.get(node).copied().unwrap_or("-");
    let mut rng = Rng::new(mix(mix(seed, span_s.start as u64), node as u64));
    let random: String =
        (0..8).map(|_| char::from(rng.pick(b"0123456789abcdefghijklmnopqrstuvwxyz"))).collect();
    format!(
        "AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/{year}/{month:02}/{day:02}/\
         {ACCOUNT}_elasticloadbalancing_{REGION}_{load_balancer}_{year}{month:02}{day:02}T{hour:02}{minute:02}Z_\
         {address}_{random}.log.gz"
    )
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::super::schedule::Plan;
    use super::*;

    const NOON_S: i64 = 1_795_176_000; // 2026-11-20T12:00:00Z

    fn traffic(duration_s: u64, requests: u64) -> Traffic {
        Traffic::new(Plan { seed: 9, start_s: NOON_S, duration_s, requests, nodes: 2, incidents: vec![] })
    }

    /// Every file below `folder`, by its path in it, unpacked.
    pub(in super::super) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(inner) = folders.pop() {
            for entry in fs::read_dir(inner).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let mut bytes = fs::read(entry.path()).unwrap();
                if bytes.starts_with(&[0x1F, 0x8B]) {
                    let packed = std::mem::take(&mut bytes);
                    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
                }
                found.insert(entry.path().strip_prefix(folder).unwrap().display().to_string(), bytes);
            }
        }
        found
    }

    /// Newlines in `bytes`.
    pub(in super::super) fn lines_of(bytes: &[u8]) -> usize {
        bytes.iter().filter(|byte| **byte == b'\n').count()
    }

    #[test]
    fn a_bucket_has_a_file_per_node_and_five_minutes() {
        let folder = tempfile::tempdir().unwrap();
        let written = write_all(&traffic(600, 2000), folder.path(), Format::Alb).unwrap();
        let files = files(folder.path());
        assert_eq!((written.files, written.lines, files.len()), (4, 2000, 4));
        assert_eq!(files.values().map(|bytes| bytes.len() as u64).sum::<u64>(), written.bytes);
        let start = "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/2026/11/20/\
                     111122223333_elasticloadbalancing_eu-central-1_app.shop.50dc6c495c0c9188_20261120T1205Z_198.51.100.21_";
        let (name, bytes) = files.iter().next().unwrap();
        assert!(name.starts_with(start) && name.len() == start.len() + "xxxxxxxx.log.gz".len(), "{name}");
        assert!(
            bytes
                .split(|byte| *byte == b'\n')
                .all(|line| line.is_empty() || line.ends_with(b" 198.51.100.21"))
        );
    }

    #[test]
    fn the_last_interval_of_a_day_is_delivered_on_the_next() {
        let key = object_key(1, 2, &(1_795_219_200 - 300..1_795_219_200));
        assert!(key.contains("/2026/11/21/") && key.contains("_20261121T0000Z_198.51.100.142_"), "{key}");
    }

    #[test]
    fn spans_written_live_hold_the_same_lines_as_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let traffic = traffic(60, 500);
        for from_s in (NOON_S..NOON_S + 60).step_by(6) {
            write_span(&traffic, folder.path(), Format::Alb, from_s..from_s + 6).unwrap();
            write_span(&traffic, folder.path(), Format::NginxJson, from_s..from_s + 6).unwrap();
        }
        let mut files = files(folder.path());
        assert_eq!(lines_of(&files.remove(NGINX_FILE).unwrap()), 500);
        assert_eq!(files.values().map(|bytes| lines_of(bytes)).sum::<usize>(), 500);
        assert!(files.keys().all(|name| name.contains("_20261120T1201Z_") && name.ends_with(".log.gz")));
    }

    #[test]
    fn nginx_has_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let written = write_all(&traffic(900, 100), folder.path(), Format::NginxJson).unwrap();
        assert_eq!((written.files, written.lines), (1, 100));
        assert_eq!(lines_of(&files(folder.path())[NGINX_FILE]), 100);
    }

    #[test]
    fn a_folder_that_is_a_file_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::write(&path, "").unwrap();
        let error = write_all(&traffic(1, 1), &path, Format::Alb).unwrap_err().to_string();
        assert!(error.contains("cannot write sample traffic to ") && error.contains("taken"), "{error}");
    }
}
