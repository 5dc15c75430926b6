//! What is kept of a benchmark: files that belong together.
//!
//! `summary.md` for readers, `raw.csv` and `servers.csv` for those who doubt it, `README.md` with all that is needed to
//! do it again. A record is never overwritten, since old ones are what a new one is compared with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::data::{self, Size};
use super::machine::Machine;
use super::rounds::Measured;
use super::servers::Readings;
use super::statistics::thousands;
use super::subject::{Clock, Selection, Subject};
use super::table::markdown;
use super::tool::Tool;

/// If more than one run in so many was disturbed, elapsed times and speed-ups say little.
const DISTURBED_ONE_IN: usize = 10;

/// All that a record is written from.
pub struct Record<'r> {
    /// Where it was measured.
    pub machine: &'r Machine,
    /// Load averages before and after.
    pub loads: (String, String),
    /// Counted runs of each subject.
    pub runs: u32,
    /// Lines of the full data sets.
    pub requests: u64,
    /// What took part.
    pub tools: &'r [Tool],
    /// What was read.
    pub sizes: &'r [Size],
    /// What was run.
    pub subjects: &'r Selection,
    /// What came of the commands.
    pub measured: &'r Measured,
    /// What came of the server's side.
    pub readings: &'r Readings,
}

impl Record<'_> {
    /// What was measured, where and when, in one line.
    pub fn title(&self) -> String {
        let weir = self.tools.iter().find(|tool| tool.name == "weir");
        let version = weir.and_then(|tool| tool.version.as_deref().ok()).unwrap_or("weir");
        let Machine { processor, cores, time, commit, .. } = self.machine;
        format!("{version} (commit {commit}) on {processor}, {cores} cores, {time}")
    }

    /// The page that tells how to do it again.
    pub fn readme(&self) -> String {
        let Machine { memory, system, .. } = self.machine;
        let (before, after) = &self.loads;
        format!(
            "# {}\n\nWritten by `cargo xtask bench`; the results are in [summary.md](summary.md), every single run in \
             [raw.csv](raw.csv) and, of the server's side, in [servers.csv](servers.csv).\n\n\
             * machine: {memory} of memory, {system}; input in the page cache\n\
             * load averages before {before}, after {after}\n\
             * {}\n\
             * counted runs of each command: {}, in turns, after one warm-up\n\
             * times by GNU time, resolution 10 ms; peak memory is that of the largest process\n\
             * of servers, from /proc; their rounds are apart and run after those of the commands\n\n\
             ## Versions\n\n{}\n## Data\n\n{}\n## Commands\n\n{}",
            self.title(),
            quietness(self.measured.disturbed()),
            self.runs,
            self.versions(),
            self.data(),
            self.commands(),
        )
    }

    fn versions(&self) -> String {
        let line = |tool: &Tool| match &tool.version {
            Ok(version) => format!("* {}: {version}\n", tool.name),
            Err(reason) => format!("* {}: not here ({reason})\n", tool.name),
        };
        self.tools.iter().map(line).collect()
    }

    fn data(&self) -> String {
        let row = |size: &Size| {
            let numbers =
                [size.lines, size.text_bytes, size.file_bytes].map(|number| thousands(number as f64));
            let cells = [size.data.folder().to_owned()].into_iter().chain(numbers);
            cells.collect::<Vec<_>>()
        };
        let table = markdown(
            &["folder", "lines", "bytes of text", "bytes of files"],
            &self.sizes.iter().map(row).collect::<Vec<_>>(),
        );
        let folders: String = self.sizes.iter().map(|size| format!(" {}", size.data.folder())).collect();
        let scripts: String =
            self.sizes.iter().map(|size| format!("{}\n", data::script(size.data))).collect();
        let requests = self.requests;
        format!("{table}\n```sh\nREQUESTS={requests}\nmkdir{folders}\n{scripts}```\n")
    }

    fn commands(&self) -> String {
        let line = |subject: &&'static Subject| {
            let note = if subject.clock == Clock::Own { "    # times itself" } else { "" };
            format!("# {}\n{}{note}\n", subject.name, subject.command)
        };
        let commands: String = self.subjects.commands.iter().map(line).collect();
        let servers =
            self.subjects.servers.iter().map(|subject| format!("* {}: `{}`\n", subject.name, subject.what));
        let servers: String = servers.collect();
        let place = "In the folder of the data, with `bench/data/bin` and `bench/.venv/bin` on the path";
        format!("{place}:\n\n```sh\n{commands}```\n\nAnd of the server's side:\n\n{servers}")
    }

    /// Writes the files into `folder`, which is made.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written to.
    pub fn write(&self, folder: &Path, summary: &str) -> anyhow::Result<()> {
        let cannot = || format!("cannot write the record to {}", folder.display());
        fs::create_dir_all(folder).with_context(cannot)?;
        let raw = super::raw_csv::write(&self.measured.runs);
        let servers = self.readings.csv();
        for (name, text) in [
            ("README.md", self.readme().as_str()),
            ("raw.csv", &raw),
            ("servers.csv", &servers),
            ("summary.md", summary),
        ] {
            fs::write(folder.join(name), text).with_context(cannot)?;
        }
        Ok(())
    }
}

/// How much else the machine did, in words.
fn quietness((disturbed, counted): (usize, usize)) -> String {
    let verdict = match (disturbed, counted) {
        (0, _) => "the machine was quiet",
        (disturbed, counted) if disturbed * DISTURBED_ONE_IN <= counted => "the machine was mostly quiet",
        _ => "the machine was busy: elapsed times and speed-ups say little",
    };
    format!("{verdict}; in {disturbed} of {counted} runs, others used more than a tenth of a core")
}

/// The folder of a record that is kept: the second of one day and machine gets `-2`.
pub fn folder(runs: &Path, slug: &str) -> PathBuf {
    let numbered = (2..).map(|number| runs.join(format!("{slug}-{number}")));
    let mut folders = [runs.join(slug)].into_iter().chain(numbered);
    folders.find(|folder| !folder.exists()).unwrap_or_else(|| runs.join(slug))
}

#[cfg(test)]
mod tests {
    use super::super::rounds::tests::runs;
    use super::super::subject::{DataSet, select};
    use super::*;

    #[test]
    fn the_readme_holds_what_is_needed_to_do_it_again() {
        let machine = Machine {
            processor: "P".to_owned(),
            cores: 2,
            memory: "8.0 GiB".to_owned(),
            system: "Linux".to_owned(),
            time: "2026-11-23T15:00:00Z".to_owned(),
            commit: "abc".to_owned(),
        };
        let record = Record {
            machine: &machine,
            loads: ("0.1".to_owned(), "1.0".to_owned()),
            runs: 5,
            requests: 20,
            tools: &[
                Tool { name: "weir", version: Ok("weir 0.1.0".to_owned()) },
                Tool { name: "mtail", version: Err("not found".to_owned()) },
            ],
            sizes: &[Size { data: DataSet::Equal, lines: 20, text_bytes: 3000, file_bytes: 500 }],
            subjects: &select(&["weir-1".to_owned()]).unwrap(),
            measured: &Measured { runs: runs("weir-1", &[1.0]), ..Measured::default() },
            readings: &Readings::default(),
        };
        let readme = record.readme();
        for expected in [
            "# weir 0.1.0 (commit abc) on P, 2 cores, 2026-11-23T15:00:00Z\n",
            "* mtail: not here (not found)\n",
            "| equal  |    20 |         3,000 |            500 |\n",
            "REQUESTS=20\nmkdir equal\nweir demo --write equal",
            "# weir-1\nweir count --threads 1",
            "the machine was quiet; in 0 of 1 runs",
        ] {
            assert!(readme.contains(expected), "{expected} is not in:\n{readme}");
        }
    }

    #[test]
    fn a_median_bears_a_few_disturbed_runs() {
        for (disturbed, expected) in [
            (0, "the machine was quiet;"),
            (2, "the machine was mostly quiet;"),
            (3, "the machine was busy:"),
        ] {
            let text = quietness((disturbed, 20));
            assert!(text.starts_with(expected), "{text}");
        }
    }

    #[test]
    fn a_kept_record_is_not_overwritten() {
        let runs = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(folder(runs, "new"), runs.join("new"));
        assert_eq!(folder(runs, "src"), runs.join("src-2"));
    }
}
