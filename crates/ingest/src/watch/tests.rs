//! The watch on real files in a folder of their own, with the time given: what a poll hands out, and what a
//! later run knows.

use std::fs;

use super::*;
use crate::appended::{PieceLimits, read_appended};

const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0];

fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the age of real files is told by the real clock")]
    SystemTime::now()
}

fn in_an_hour() -> SystemTime {
    now() + Duration::from_secs(3600)
}

fn options(folder: &Path) -> WatchOptions {
    let patterns = vec![folder.to_str().expect("UTF-8").to_owned()];
    WatchOptions { patterns, ..WatchOptions::default() }
}

/// Reads all that an arrival has, and says so to the watch.
pub(super) fn read_arrival(watch: &mut Watch, arrival: &Arrival) -> Vec<u8> {
    let file = arrival.open().expect("it is there");
    let mut read = Vec::new();
    match arrival.part {
        Part::Whole | Part::WholeFrom(_) => {
            watch.counted(arrival, FileHead::of(&file, arrival.bytes).expect("read"));
        }
        Part::From(_) => {
            let (limits, mut text) = (PieceLimits { bytes: 1 << 20, multiline: None }, Vec::new());
            let piece =
                read_appended(&file, &arrival.trace, arrival.scanned_to, arrival.ending, &limits, &mut text);
            watch.read_to(arrival, &piece.expect("read"));
            read.extend(text);
        }
    }
    read
}

struct Folder {
    folder: tempfile::TempDir,
    watch: Watch,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let watch = Watch::resume(options(folder.path()), HashMap::new());
        Self { folder, watch }
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.folder.path().join(from), self.folder.path().join(to)).expect("renamed");
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).expect("written");
    }

    /// What a poll finds, an hour from now, when all files have settled.
    fn poll(&mut self) -> Vec<(String, Part)> {
        self.arrivals(in_an_hour())
            .into_iter()
            .map(|arrival| {
                (arrival.path.file_name().expect("a name").to_string_lossy().into_owned(), arrival.part)
            })
            .collect()
    }

    fn arrivals(&mut self, now: SystemTime) -> Vec<Arrival> {
        let found = self.watch.poll(now);
        assert!(found.errors.is_empty());
        found.arrivals
    }

    fn read_all(&mut self) {
        for arrival in self.arrivals(in_an_hour()) {
            read_arrival(&mut self.watch, &arrival);
        }
    }
}

#[test]
fn a_packed_file_is_handed_out_when_it_has_settled() {
    let mut folder = Folder::new();
    folder.write("a.gz", GZIP);
    assert_eq!(folder.arrivals(now()).len(), 0, "it was written just now");
    assert_eq!(folder.arrivals(now()).len(), 1, "it kept its size for a poll");
    assert_eq!(folder.poll(), [], "it is not handed out twice");
}

#[test]
fn a_later_run_goes_on_where_an_earlier_one_stopped() {
    let mut folder = Folder::new();
    folder.write("a.gz", GZIP);
    folder.write("b.log", b"one\ntwo\n");
    folder.read_all();
    folder.poll();
    let known: HashMap<_, _> = folder.watch.positions().collect();
    assert_eq!(known.len(), 2);
    folder.watch = Watch::resume(folder.watch.options.clone(), known);
    assert_eq!(folder.poll(), []);
    folder.write("b.log", b"one\ntwo\nthree\n");
    assert_eq!(folder.poll(), [("b.log".to_owned(), Part::From(8))]);
}

#[test]
fn a_broken_file_is_handed_out_again_when_it_changes_and_a_counted_one_is_not() {
    let mut folder = Folder::new();
    folder.write("a.gz", GZIP);
    assert_eq!(folder.poll(), [("a.gz".to_owned(), Part::Whole)]);
    folder.write("a.gz", &[GZIP, b"more"].concat());
    folder.read_all();
    folder.write("a.gz", &[GZIP, b"and more"].concat());
    assert_eq!(folder.poll(), []);
}

#[test]
fn a_plain_file_is_followed_as_it_grows_and_through_a_rename() {
    let mut folder = Folder::new();
    folder.write("a.log", b"one\ntw");
    folder.read_all();
    assert_eq!(folder.poll(), [], "a part of a line waits");
    folder.write("a.log", b"one\ntwo\nth");
    let from = folder.folder.path().join("a.log");
    fs::rename(from, folder.folder.path().join("a.log.1")).expect("renamed");
    folder.write("a.log", b"new\n");
    assert_eq!(folder.poll(), [("a.log".to_owned(), Part::From(0)), ("a.log.1".to_owned(), Part::From(4))]);
}

#[test]
fn a_plain_file_that_was_cut_is_read_from_its_start() {
    let mut folder = Folder::new();
    folder.write("a.log", b"one\ntwo\n");
    folder.read_all();
    folder.write("a.log", b"x\n");
    assert_eq!(folder.poll(), [("a.log".to_owned(), Part::From(0))]);
}

#[test]
fn a_file_that_was_away_for_a_while_is_not_new() {
    let mut folder = Folder::new();
    let elsewhere = tempfile::tempdir().expect("a folder");
    folder.write("a.gz", GZIP);
    folder.write("b.log", b"one\n");
    folder.read_all();
    let names = ["a.gz", "b.log"].map(|name| (folder.folder.path().join(name), elsewhere.path().join(name)));
    for (here, there) in &names {
        fs::rename(here, there).expect("moved away");
    }
    for _ in 0..10 {
        assert_eq!(folder.poll(), []);
    }
    for (here, there) in &names {
        fs::rename(there, here).expect("moved back");
    }
    assert_eq!(folder.poll(), []);
}

#[test]
fn a_name_that_another_file_has_taken_does_not_matter_to_a_file_that_is_open() {
    let mut folder = Folder::new();
    folder.write("a.log", b"one\n");
    let found = folder.arrivals(in_an_hour());
    folder.rename("a.log", "a.log.1");
    folder.write("a.log", b"two\n");
    assert_eq!(read_arrival(&mut folder.watch, &found[0]), b"one\n");
    folder.write("b.gz", GZIP);
    let found = folder.arrivals(in_an_hour());
    let packed = found.iter().find(|arrival| arrival.part == Part::Whole).expect("it is packed");
    folder.rename("b.gz", "b.gz.1");
    folder.write("b.gz", GZIP);
    assert_eq!(packed.open().expect_err("another file").kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_file_that_cannot_be_read_counts_as_such_until_it_changes() {
    let mut folder = Folder::new();
    folder.write("a.gz", GZIP);
    let found = folder.arrivals(in_an_hour());
    folder.watch.failed(&found[0], true);
    assert_eq!(folder.poll(), []);
    assert_eq!(folder.watch.unreadable(), 1);
    folder.write("a.gz", &[GZIP, b"more"].concat());
    assert_eq!(folder.poll(), [("a.gz".to_owned(), Part::Whole)]);
    assert_eq!(folder.watch.unreadable(), 0);
}

#[test]
fn an_empty_file_becomes_what_is_written_to_it() {
    let mut folder = Folder::new();
    folder.write("a.log", b"");
    assert_eq!(folder.poll(), []);
    folder.write("a.log", b"one\n");
    assert_eq!(folder.poll(), [("a.log".to_owned(), Part::From(0))]);
}

/// What a run finds that knows of files under other keys, as after a remount.
fn poll_after_a_remount(folder: &mut Folder) -> Vec<(String, Part)> {
    folder.poll();
    let known = folder.watch.positions().map(|(key, file)| (key.map(|byte| !byte), file)).collect();
    folder.watch = Watch::resume(folder.watch.options.clone(), known);
    folder.poll()
}

#[test]
fn files_of_another_device_number_are_told_by_their_beginning() {
    let mut folder = Folder::new();
    folder.write("a.gz", GZIP);
    folder.write("b.log", b"one\ntwo\n");
    folder.write("c.log", &b"a long line\n".repeat(1000));
    folder.read_all();
    folder.poll();
    let before: Vec<FileKey> = folder.watch.positions().map(|(key, _)| key).collect();
    assert_eq!(poll_after_a_remount(&mut folder), []);
    assert_eq!(folder.watch.positions().count(), 3);
    let mut replaced: Vec<FileKey> = folder.watch.take_replaced();
    assert!(replaced.len() == 3 && !folder.watch.has_moved());
    replaced.retain(|key| before.contains(&key.map(|byte| !byte)));
    assert_eq!(replaced.len(), 3, "the keys of then are to be forgotten");
    folder.write("b.log", b"one\ntwo\nthree\n");
    assert_eq!(folder.poll(), [("b.log".to_owned(), Part::From(8))]);
}

#[test]
fn files_that_begin_alike_are_read_from_their_start_rather_than_mixed_up() {
    let mut folder = Folder::new();
    folder.write("a.log", b"same\n");
    folder.write("b.log", b"same\n");
    folder.read_all();
    folder.poll();
    let known: HashMap<_, _> =
        folder.watch.positions().map(|(key, file)| (key.map(|byte| !byte), file)).collect();
    folder.watch = Watch::resume(folder.watch.options.clone(), known);
    let found = folder.watch.poll(in_an_hour());
    let parts: Vec<Part> = found.arrivals.iter().map(|arrival| arrival.part).collect();
    assert_eq!((parts, found.ambiguous.len()), (vec![Part::From(0); 2], 2));
    assert!(!folder.watch.has_moved());
}

#[test]
fn files_that_begin_alike_are_told_by_device_and_inode() {
    let mut folder = Folder::new();
    folder.write("a.log", b"same\n");
    folder.write("b.log", b"same\nand more\n");
    folder.read_all();
    folder.poll();
    let known: HashMap<_, _> = folder.watch.positions().collect();
    folder.watch = Watch::resume(folder.watch.options.clone(), known);
    let found = folder.watch.poll(in_an_hour());
    assert_eq!((found.arrivals.len(), found.ambiguous), (0, vec![]));
}

#[test]
fn a_position_is_not_used_for_a_file_that_begins_otherwise() {
    let mut folder = Folder::new();
    folder.write("a.log", b"one\n");
    folder.write("b.gz", GZIP);
    folder.read_all();
    folder.poll();
    let known: HashMap<_, _> = folder.watch.positions().collect();
    folder.watch = Watch::resume(folder.watch.options.clone(), known);
    folder.write("a.log", b"two and more\n");
    folder.write("b.gz", &[GZIP, b"more"].concat());
    assert_eq!(folder.poll(), [("a.log".to_owned(), Part::From(0))], "the packed file has only grown");
    folder.write("b.gz", &[&GZIP[..3], b"other"].concat());
    let known: HashMap<_, _> = folder.watch.positions().collect();
    folder.watch = Watch::resume(folder.watch.options.clone(), known);
    assert!(folder.poll().contains(&("b.gz".to_owned(), Part::Whole)));
}

#[test]
fn a_copy_that_took_the_content_takes_the_position() {
    let mut folder = Folder::new();
    folder.write("a.log", b"one\ntwo\n");
    folder.read_all();
    folder.poll();
    let known: HashMap<_, _> = folder.watch.positions().collect();
    folder.write("a.log.1", b"one\ntwo\nthree\n");
    folder.write("a.log", b"four\n");
    folder.watch = Watch::resume(folder.watch.options.clone(), known);
    assert_eq!(folder.poll(), [("a.log".to_owned(), Part::From(0)), ("a.log.1".to_owned(), Part::From(8))]);
}

#[test]
fn a_file_that_was_emptied_and_has_grown_past_its_former_size_is_read_from_its_start() {
    let mut folder = Folder::new();
    folder.write("a.log", b"one\n");
    folder.read_all();
    folder.write("a.log", b"two\nthree\n");
    assert_eq!(folder.poll(), [("a.log".to_owned(), Part::From(0))]);
}
