//! What becomes of lines when files are renamed, copied, emptied, deleted and packed: each behaviour as a
//! script of what happens to the files, with what is read after each look.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::tests::read_arrival;
use super::{ExcludedFiles, Found, OPEN_FILES_MAX, Watch, WatchOptions};

/// A folder of which `*.log` is watched, and what was read of it.
struct Logs {
    folder: tempfile::TempDir,
    watch: Watch,
    now: SystemTime,
}

impl Logs {
    fn new() -> Self {
        Self::watching(|_| ())
    }

    fn watching(change: impl FnOnce(&mut WatchOptions)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let patterns = vec![folder.path().join("*.log").to_str().expect("UTF-8").to_owned()];
        let mut options = WatchOptions { patterns, ..WatchOptions::default() };
        change(&mut options);
        #[expect(clippy::disallowed_methods, reason = "the age of real files is told by the real clock")]
        let now = SystemTime::now();
        Self { folder, watch: Watch::resume(options, HashMap::new()), now }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = File::options().create(true).append(true).open(self.path(name)).expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).expect("copied");
    }

    fn empty(&self, name: &str) {
        File::options().write(true).open(self.path(name)).and_then(|file| file.set_len(0)).expect("emptied");
    }

    fn delete(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("deleted");
    }

    fn pack(&self, name: &str, to: &str) {
        let text = fs::read(self.path(name)).expect("read");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&text).expect("packed");
        fs::write(self.path(to), encoder.finish().expect("packed")).expect("written");
        self.delete(name);
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn look(&mut self) -> Found {
        self.wait(1);
        self.watch.poll(self.now)
    }

    /// What one look leads to.
    fn read(&mut self) -> String {
        let found = self.look();
        let texts = found.arrivals.iter().map(|arrival| read_arrival(&mut self.watch, arrival));
        String::from_utf8(texts.flatten().collect()).expect("UTF-8")
    }

    /// What some looks lead to, until packed files have settled and there is nothing more.
    fn read_all(&mut self) -> String {
        (0..3).map(|_| self.read()).collect()
    }

    /// Another run, which knows what the one before had kept.
    fn restart(&mut self) {
        let known = self.watch.positions().collect();
        self.watch = Watch::resume(self.watch.options.clone(), known);
    }
}

#[test]
fn a_file_that_appears_while_it_runs_is_found() {
    let mut logs = Logs::new();
    assert_eq!(logs.read(), "");
    logs.append("a.log", "one\n");
    assert_eq!(logs.read(), "one\n");
    logs.append("b.log", "two\n");
    assert_eq!(logs.read(), "two\n");
}

#[test]
fn a_file_that_is_excluded_is_not_read() {
    let mut logs = Logs::watching(|options| {
        options.exclude =
            ExcludedFiles::new(&["debug*".to_owned(), "**/b.log".to_owned()]).expect("patterns");
    });
    for name in ["a.log", "b.log", "debug-1.log"] {
        logs.append(name, name);
        logs.append(name, "\n");
    }
    assert_eq!(logs.read(), "a.log\n");
}

#[test]
fn a_file_renamed_to_a_name_that_is_not_watched_is_read_to_its_end() {
    let mut logs = Logs::new();
    logs.append("a.log", "one\n");
    assert_eq!(logs.read(), "one\n");
    logs.append("a.log", "two\n");
    logs.rename("a.log", "elsewhere");
    logs.append("a.log", "new\n");
    assert_eq!(logs.read(), "two\nnew\n");
    logs.wait(200);
    logs.append("elsewhere", "three\n");
    assert_eq!(logs.read(), "three\n");
    assert_eq!(logs.watch.gone.len(), 1);
    logs.wait(400);
    assert_eq!(logs.read(), "");
    assert_eq!(logs.watch.gone.len(), 0, "it is quiet and forgotten");
}

#[test]
fn the_last_line_of_a_renamed_file_is_taken_without_its_end_when_it_is_quiet() {
    for to in ["a.log.1", "b.log"] {
        let mut logs = Logs::new();
        logs.append("a.log", "one\ntw");
        assert_eq!(logs.read_all(), "one\n");
        logs.rename("a.log", to);
        assert_eq!(logs.read(), "");
        logs.append(to, "o, and thr");
        assert_eq!(logs.read_all(), "", "its writer still has it");
        logs.wait(10);
        assert_eq!(logs.read_all(), "two, and thr", "{to}");
        logs.append(to, "ee\n");
        assert_eq!(logs.read_all(), "ee\n");
    }
}

#[test]
fn a_file_that_was_renamed_while_nothing_ran_is_read_to_its_end() {
    for to in ["a.log.1", "a-20261120.log", "a.log-20261120"] {
        let mut logs = Logs::new();
        logs.append("a.log", "one\n");
        assert_eq!(logs.read_all(), "one\n");
        logs.append("a.log", "two\n");
        logs.rename("a.log", to);
        logs.append("a.log", "new\n");
        logs.restart();
        assert_eq!(logs.read_all().len(), "two\nnew\n".len(), "{to}");
        logs.append(to, "three\n");
        assert_eq!(logs.read(), "three\n");
        logs.restart();
        assert_eq!(logs.read_all(), "");
    }
}

#[test]
fn a_deleted_file_is_read_to_its_end_and_closed() {
    let mut logs = Logs::new();
    logs.append("a.log", "one\n");
    assert_eq!(logs.read(), "one\n");
    let mut writer = File::options().append(true).open(logs.path("a.log")).expect("opened");
    writer.write_all(b"two\n").expect("written");
    logs.delete("a.log");
    assert_eq!(logs.read(), "two\n");
    writer.write_all(b"three\nfo").expect("written");
    assert_eq!(logs.read_all(), "three\n");
    logs.wait(10);
    assert_eq!(logs.read(), "fo");
    logs.wait(10);
    assert_eq!(logs.read(), "");
    assert_eq!(logs.watch.gone.len(), 0);
    assert!(logs.watch.seen.values().all(|seen| seen.file.is_none()), "its room on the disk is free");
}

#[test]
fn an_emptied_file_is_read_from_its_start() {
    let mut logs = Logs::new();
    logs.append("a.log", "one\ntwo\n");
    assert_eq!(logs.read(), "one\ntwo\n");
    logs.empty("a.log");
    logs.append("a.log", "new\n");
    assert_eq!(logs.read(), "new\n");
    logs.empty("a.log");
    assert_eq!(logs.look().emptied.len(), 1);
    logs.append("a.log", "new\n");
    assert_eq!(logs.read(), "new\n", "the same line again");
}

#[test]
fn a_file_that_was_emptied_and_begins_as_before_is_told_by_what_was_read_last() {
    let mut logs = Logs::new();
    let banner = "started\n".repeat(200);
    logs.append("a.log", &banner);
    logs.append("a.log", "one\n");
    logs.read();
    logs.empty("a.log");
    logs.append("a.log", &banner);
    logs.append("a.log", "other, and grown past its former size\n");
    assert!(logs.read().ends_with("former size\n"));
}

#[test]
fn a_file_whose_end_was_cut_off_is_not_read_again() {
    let mut logs = Logs::new();
    let lines: String = (0..500).map(|line| format!("line {line}\n")).collect();
    logs.append("a.log", &lines);
    logs.read();
    let file = File::options().write(true).open(logs.path("a.log")).expect("opened");
    file.set_len(2_000).expect("cut");
    assert_eq!(logs.read(), "");
    logs.append("a.log", "more\n");
    assert_eq!(logs.read(), "more\n");
}

#[test]
fn the_copy_of_an_emptied_file_is_read_from_where_the_file_was_read_to() {
    // A name that is watched, and one that is not.
    for copy in ["a.1.log", "a.log.1"] {
        let mut logs = Logs::new();
        logs.append("a.log", "one\n");
        assert_eq!(logs.read(), "one\n");
        logs.append("a.log", "two\n");
        logs.copy("a.log", copy);
        logs.empty("a.log");
        logs.append("a.log", "new, and grown past the former size\n");
        let found = logs.look();
        assert_eq!(found.emptied[0].copy, Some(logs.path(copy)));
        assert!(logs.watch.has_moved(), "that is to be kept before what was read of it");
        let texts = found.arrivals.iter().map(|arrival| read_arrival(&mut logs.watch, arrival));
        let mut texts: Vec<String> = texts.map(|text| String::from_utf8(text).expect("UTF-8")).collect();
        texts.sort();
        assert_eq!(texts, ["new, and grown past the former size\n", "two\n"]);
        logs.restart();
        assert_eq!(logs.read_all(), "");
    }
}

#[test]
fn a_copy_is_not_read_while_its_original_is_whole() {
    let mut logs = Logs::new();
    logs.append("a.log", "one\ntwo\n");
    assert_eq!(logs.read(), "one\ntwo\n");
    // It is being copied.
    logs.append("a.log", "three\n");
    logs.append("a.1.log", "one\nt");
    assert_eq!(logs.read(), "three\n");
    logs.append("a.1.log", "wo\nthree\nfour\n");
    logs.append("a.log", "four\n");
    assert_eq!(logs.read(), "four\n");
    logs.restart();
    assert_eq!(logs.read(), "");
    logs.append("a.log", "five\n");
    logs.append("a.1.log", "five\n");
    logs.empty("a.log");
    assert_eq!(logs.read(), "five\n");
}

#[test]
fn a_copy_that_goes_its_own_way_is_followed_from_there() {
    let mut logs = Logs::new();
    logs.append("a.log", "one\n");
    logs.read();
    logs.copy("a.log", "a-old.log");
    assert_eq!(logs.read(), "");
    logs.append("a-old.log", "its own\n");
    logs.append("a.log", "two, which is longer\n");
    let read = logs.read_all();
    assert!(read.contains("its own\n") && read.contains("two, which is longer\n") && !read.contains("one"));
}

#[test]
fn of_two_copies_the_longer_one_is_read() {
    let mut logs = Logs::new();
    logs.append("a.log", "one\n");
    logs.read();
    logs.copy("a.log", "a-backup.log");
    logs.append("a.log", "two\n");
    logs.copy("a.log", "a-rotated.log");
    logs.empty("a.log");
    assert_eq!(logs.read_all(), "two\n");
}

#[test]
fn a_file_that_begins_like_another_by_chance_is_read() {
    let mut logs = Logs::new();
    logs.append("a.log", "started\n");
    assert_eq!(logs.read(), "started\n");
    logs.append("b.log", "started\n");
    assert_eq!(logs.read(), "started\n");
    logs.rename("a.log", "a.log.1");
    logs.append("a.log", "started\n");
    assert_eq!(logs.read(), "started\n", "the successor of a renamed file is no copy of it");
}

#[test]
fn a_file_that_was_copied_and_emptied_while_nothing_ran_goes_on_in_the_copy() {
    for copy in ["a.1.log", "a.log.1"] {
        let mut logs = Logs::new();
        logs.append("a.log", "one\n");
        logs.read();
        logs.append("a.log", "two\n");
        logs.copy("a.log", copy);
        logs.empty("a.log");
        logs.append("a.log", "new\n");
        logs.restart();
        assert_eq!(logs.read_all().len(), "two\nnew\n".len(), "{copy}");
    }
}

#[test]
fn a_packed_file_is_read_from_where_its_text_was_read_to() {
    // Names that are watched, and one that is not.
    for (rotated, packed) in [("a.1.log", "a.2.gz.log"), ("a.log.1", "a.2.gz.log"), ("a.log.1", "a.log.1.gz")]
    {
        let mut logs = Logs::new();
        logs.append("a.log", "one\n");
        logs.read();
        logs.append("a.log", "two\n");
        logs.rename("a.log", rotated);
        logs.restart();
        logs.pack(rotated, packed);
        let found: Vec<_> = (0..3).flat_map(|_| logs.look().arrivals).map(|arrival| arrival.part).collect();
        assert_eq!(found, [super::Part::WholeFrom(Some(4))], "{packed}");
        logs.restart();
        logs.append("a.log", "new\n");
        assert_eq!(logs.read_all(), "new\n");
    }
}

#[test]
fn a_packed_copy_waits_until_the_text_was_read() {
    let mut logs = Logs::new();
    logs.append("a.log", "one\n");
    logs.read();
    logs.append("a.log", "two\n");
    logs.copy("a.log", "copy");
    logs.pack("copy", "b.gz.log");
    let found = logs.look();
    assert_eq!(found.arrivals.len(), 1, "the plain file alone");
    read_arrival(&mut logs.watch, &found.arrivals[0]);
    let parts: Vec<_> = (0..3).flat_map(|_| logs.look().arrivals).map(|arrival| arrival.part).collect();
    assert_eq!(parts, [super::Part::WholeFrom(Some(8))]);
}

#[test]
fn a_source_that_starts_at_the_end_reads_what_is_written_from_then_on() {
    let mut logs = Logs::watching(|options| options.starts_at_end = true);
    logs.append("a.log", "one\ntw");
    fs::write(logs.path("b.log"), [0x1f, 0x8b, 8, 0]).expect("written");
    assert_eq!(logs.read_all(), "");
    assert!(logs.watch.has_moved(), "that is to be kept");
    logs.append("a.log", "o\n");
    logs.append("c.log", "new\n");
    assert_eq!(logs.read_all(), "two\nnew\n");
    logs.watch.options.starts_at_end = false;
    logs.restart();
    assert_eq!(logs.read_all(), "");
}

#[test]
fn files_beyond_those_that_are_kept_open_are_found_beside_their_place() {
    let mut logs = Logs::new();
    for number in 0..OPEN_FILES_MAX + 20 {
        logs.append(&format!("{number:03}.log"), "one\n");
    }
    logs.read();
    logs.read();
    let open = logs.watch.seen.values().filter(|seen| seen.file.is_some()).count();
    assert_eq!(open, OPEN_FILES_MAX);
    for number in 0..OPEN_FILES_MAX + 20 {
        logs.append(&format!("{number:03}.log"), "two\n");
        logs.rename(&format!("{number:03}.log"), &format!("{number:03}.log.1"));
    }
    assert_eq!(logs.read().matches("two").count(), OPEN_FILES_MAX + 20);
}

#[test]
fn an_idle_file_is_not_handed_out() {
    let mut logs = Logs::new();
    logs.append("a.log", "one\na part of a li");
    logs.read();
    for _ in 0..5 {
        assert_eq!(logs.look().arrivals.len(), 0);
    }
}
