//! Lines shared out over files of a chosen number and size: what benchmarks read.
//!
//! The layout of a bucket would not do: its files differ with the hour and the node, so a measurement
//! could not tell a slow parser from an unlucky order. Here the shares are exact, and the one uneven
//! case that matters is made on purpose.

use std::io;
use std::path::Path;

use super::part::{Packing, Part, Written};
use super::request::Format;
use super::traffic::Traffic;

/// What files to write.
#[derive(Clone, Copy, Debug)]
pub struct FileSet {
    /// How many.
    pub files: u64,
    /// What is in them.
    pub format: Format,
    /// How the lines are shared out.
    pub shares: Shares,
    /// Whether they are compressed.
    pub packing: Packing,
}

/// How [`write_files`] shares the lines out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shares {
    /// The same number of lines in each file.
    Equal,
    /// Half of all lines in the first file: a load balancer with one busy node.
    HalfInFirst,
}

/// Writes all of `traffic` to the files of `set` in `folder`, `part-0000.log.gz` and so on, in order of
/// time from the first file to the last.
///
/// # Errors
///
/// The first failure to create, write or rename a file, with its path.
pub fn write_files(traffic: &Traffic, folder: &Path, set: FileSet) -> io::Result<Written> {
    let ending = match set.packing {
        Packing::Gzip => "log.gz",
        Packing::Plain => "log",
    };
    let mut requests = traffic.requests();
    let mut written = Written::default();
    let shares = lines_per_file(traffic.plan().requests, set.files, set.shares);
    for (place, lines) in shares.into_iter().enumerate() {
        let mut part = Part::create(folder.join(format!("part-{place:04}.{ending}")), set.packing)?;
        for request in requests.by_ref().take(lines as usize) {
            part.add(&request, set.format)?;
        }
        written = written.plus(part.complete()?);
    }
    Ok(written)
}

fn lines_per_file(lines: u64, files: u64, shares: Shares) -> Vec<u64> {
    let equal = |lines: u64, files: u64| (0..files).map(move |i| lines * (i + 1) / files - lines * i / files);
    match shares {
        Shares::HalfInFirst if files > 1 => {
            [lines - lines / 2].into_iter().chain(equal(lines / 2, files - 1)).collect()
        }
        Shares::Equal | Shares::HalfInFirst => equal(lines, files).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::{files, lines_of};
    use super::super::schedule::Plan;
    use super::*;

    #[test]
    fn the_lines_are_shared_out() {
        let plan = Plan { seed: 9, start_s: 0, duration_s: 60, requests: 1001, nodes: 2, incidents: vec![] };
        let traffic = Traffic::new(plan);
        for (shares, packing, expected) in [
            (Shares::Equal, Packing::Gzip, [250, 250, 250, 251]),
            (Shares::HalfInFirst, Packing::Plain, [501, 166, 167, 167]),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let set = FileSet { files: 4, format: Format::Alb, shares, packing };
            let written = write_files(&traffic, folder.path(), set).unwrap();
            assert_eq!((written.files, written.lines), (4, 1001));
            let counts: Vec<usize> = files(folder.path()).values().map(|bytes| lines_of(bytes)).collect();
            assert_eq!(counts, expected);
        }
    }

    #[test]
    fn one_file_can_hold_everything() {
        assert_eq!(lines_per_file(7, 1, Shares::HalfInFirst), [7]);
        assert_eq!(lines_per_file(7, 1, Shares::Equal), [7]);
        assert!(lines_per_file(7, 0, Shares::Equal).is_empty());
    }
}
