//! Any sequence of what happens to logs, against a model that knows where each line is.
//!
//! Each line is written once and has a number. Read twice is always wrong. Not read is right only where nobody
//! could have: in a file that was emptied before it was looked at and of which no copy was made, or that was
//! deleted while nothing ran.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::tests::read_arrival;
use super::{FileId, FileKey, KnownFile, Watch, WatchOptions};

/// What happens to the logs.
#[derive(Clone, Debug)]
enum Step {
    /// Whole lines are appended.
    Append(u8),
    /// A line is begun; the next append ends it.
    Begin,
    /// The log is renamed as a rotation does, to a name that is watched or one that is not, and the writer
    /// opens a new one.
    Rename { is_watched: bool },
    /// The same, but the writer is told later and appends to the old one until then.
    RenameLate { is_watched: bool, lines: u8 },
    /// The log is copied and emptied.
    CopyTruncate { is_watched: bool },
    /// The same with a look between the two.
    CopyLookTruncate { is_watched: bool },
    /// The log is emptied; what was not read is lost.
    Empty,
    /// The log is deleted, and the writer opens a new one.
    Delete,
    /// One look, of which everything is read and kept.
    Read,
    /// A look of which everything is read, and a crash before anything of it is kept.
    Crash,
    /// The process ends and starts again.
    Restart,
    /// Time passes.
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u8..5).prop_map(Step::Append),
        1 => Just(Step::Begin),
        2 => any::<bool>().prop_map(|is_watched| Step::Rename { is_watched }),
        1 => (any::<bool>(), 1_u8..4).prop_map(|(is_watched, lines)| Step::RenameLate { is_watched, lines }),
        2 => any::<bool>().prop_map(|is_watched| Step::CopyTruncate { is_watched }),
        1 => any::<bool>().prop_map(|is_watched| Step::CopyLookTruncate { is_watched }),
        1 => Just(Step::Empty),
        1 => Just(Step::Delete),
        6 => Just(Step::Read),
        1 => Just(Step::Crash),
        2 => Just(Step::Restart),
        1 => (1_u16..700).prop_map(Step::Wait),
    ]
}

struct Model {
    folder: tempfile::TempDir,
    options: WatchOptions,
    watch: Watch,
    /// What the ledger would have.
    kept: HashMap<FileKey, KnownFile>,
    now: SystemTime,
    log: File,
    lines: u32,
    rotations: u32,
    has_begun: bool,
    /// Lines in the current log that were not in it at the last look.
    unseen: BTreeSet<u32>,
    may_be_lost: BTreeSet<u32>,
    read: BTreeMap<u32, u32>,
    /// Lines of files that only an open file still leads to.
    in_open: BTreeSet<u32>,
    /// The current log was met by this run.
    is_open: bool,
    /// Something was read of the current log, and kept.
    is_known: bool,
}

impl Model {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let patterns = vec![folder.path().join("*.log").to_str().expect("UTF-8").to_owned()];
        let options = WatchOptions { patterns, ..WatchOptions::default() };
        #[expect(clippy::disallowed_methods, reason = "the age of real files is told by the real clock")]
        let now = SystemTime::now();
        Self {
            log: open(&folder.path().join("a.log")),
            watch: Watch::resume(options.clone(), HashMap::new()),
            folder,
            options,
            kept: HashMap::new(),
            now,
            lines: 0,
            rotations: 0,
            has_begun: false,
            unseen: BTreeSet::new(),
            may_be_lost: BTreeSet::new(),
            read: BTreeMap::new(),
            in_open: BTreeSet::new(),
            is_open: false,
            is_known: false,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn rotated(&mut self, is_watched: bool) -> PathBuf {
        self.rotations += 1;
        let number = self.rotations;
        self.path(&if is_watched { format!("a-{number}.log") } else { format!("a.log.{number}") })
    }

    fn append(&mut self, lines: u8) {
        let mut text = String::new();
        for _ in 0..lines {
            if !std::mem::take(&mut self.has_begun) {
                text += &self.next_line();
            }
            text.push('\n');
        }
        self.log.write_all(text.as_bytes()).expect("written");
    }

    /// A line without its end, long enough for some of them to fill what is looked at of a beginning.
    fn next_line(&mut self) -> String {
        self.lines += 1;
        self.unseen.insert(self.lines);
        format!("{:08} {}", self.lines, "x".repeat(60 + self.lines as usize % 7))
    }

    /// A line that was begun is not ended any more in this file.
    fn break_line(&mut self) {
        if std::mem::take(&mut self.has_begun) {
            self.may_be_lost.insert(self.lines);
        }
    }

    fn look(&mut self, is_kept: bool) {
        self.now += Duration::from_secs(1);
        let found = self.watch.poll(self.now);
        if is_kept && self.watch.has_moved() {
            for key in self.watch.take_replaced() {
                self.kept.remove(&key);
            }
            self.kept.extend(self.watch.positions());
        }
        let arrivals: Vec<_> = found.arrivals.iter().collect();
        for arrival in arrivals {
            let text = read_arrival(&mut self.watch, arrival);
            if is_kept && !text.is_empty() {
                self.note(&text);
                let position = self.watch.positions().find(|(key, _)| *key == arrival.key());
                self.kept.extend(position);
                self.is_known |= arrival.id == FileId::of(&self.log.metadata().expect("open"));
            }
        }
        self.is_open = true;
        if is_kept {
            // A line that was begun is not read until it is ended.
            let begun = self.has_begun.then_some(self.lines);
            self.unseen.retain(|line| Some(*line) == begun);
            self.in_open.clear();
        }
    }

    fn note(&mut self, text: &[u8]) {
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let number = line.get(..8).and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
            *self.read.entry(number.expect("a line begins with its number")).or_default() += 1;
        }
    }

    fn restart(&mut self) {
        self.may_be_lost.append(&mut self.in_open);
        self.is_open = false;
        self.watch = Watch::resume(self.options.clone(), self.kept.clone());
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Append(lines) => self.append(lines),
            Step::Begin if self.has_begun => {}
            Step::Begin => {
                let line = self.next_line();
                self.log.write_all(line.as_bytes()).expect("written");
                self.has_begun = true;
            }
            Step::Rename { is_watched } => self.rename(is_watched, 0),
            Step::RenameLate { is_watched, lines } => self.rename(is_watched, lines),
            Step::CopyTruncate { is_watched } => self.copy_truncate(is_watched, false),
            Step::CopyLookTruncate { is_watched } => self.copy_truncate(is_watched, true),
            Step::Empty => {
                self.break_line();
                self.may_be_lost.append(&mut self.unseen);
                self.log.set_len(0).expect("emptied");
                self.is_known = false;
            }
            Step::Delete => {
                self.break_line();
                fs::remove_file(self.path("a.log")).expect("deleted");
                self.leave_to_open_file();
                self.open_new();
            }
            Step::Read => self.look(true),
            Step::Crash => {
                self.look(false);
                self.restart();
            }
            Step::Restart => self.restart(),
            Step::Wait(seconds) => self.now += Duration::from_secs(u64::from(seconds)),
        }
    }

    fn rename(&mut self, is_watched: bool, lines: u8) {
        let to = self.rotated(is_watched);
        fs::rename(self.path("a.log"), to).expect("renamed");
        self.append(lines);
        self.break_line();
        if !is_watched && !self.is_known {
            self.leave_to_open_file();
        }
        self.open_new();
    }

    fn open_new(&mut self) {
        self.log = open(&self.path("a.log"));
        self.unseen.clear();
        (self.is_open, self.is_known) = (false, false);
    }

    /// Nothing leads to the current log any more but that it is open.
    fn leave_to_open_file(&mut self) {
        let lines = if self.is_open { &mut self.in_open } else { &mut self.may_be_lost };
        lines.append(&mut self.unseen);
    }

    fn copy_truncate(&mut self, is_watched: bool, is_looked_at_between: bool) {
        let to = self.rotated(is_watched);
        self.break_line();
        if is_looked_at_between && !self.is_known {
            // Two files that are new at the same look are two files.
            self.look(true);
        }
        fs::copy(self.path("a.log"), to).expect("copied");
        if is_looked_at_between {
            self.look(true);
        }
        if !is_watched && !self.is_known {
            // Nobody can tell what it is a copy of.
            self.may_be_lost.append(&mut self.unseen);
        }
        self.log.set_len(0).expect("emptied");
        self.unseen.clear();
        self.is_known = false;
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        self.append(1);
        for _ in 0..4 {
            self.look(true);
            self.now += Duration::from_secs(10);
        }
        for number in 1..=self.lines {
            let times = self.read.get(&number).copied().unwrap_or_default();
            let is_lost = times == 0 && self.may_be_lost.contains(&number);
            prop_assert!(times == 1 || is_lost, "line {} was read {} times", number, times);
        }
        Ok(())
    }
}

fn open(path: &std::path::Path) -> File {
    File::options().create(true).append(true).open(path).expect("opened")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn each_line_is_read_once(steps in proptest::collection::vec(step(), 1..40)) {
        let mut model = Model::new();
        for step in &steps {
            model.take(step);
        }
        model.check()?;
    }
}
