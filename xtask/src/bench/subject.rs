//! What is measured: the commands, as a user would type them.
//!
//! A table of shell commands, so that each one can be copied out of a record and run by hand in
//! `bench/data/<requests>`. They are in the order in which they take turns: what is compared with each
//! other runs one after the other, a few seconds apart, so that a machine that slows down slows both.

use super::counted::Counted;
use super::servers::{self, ServerSubject};

/// A data set below `bench/data/<requests>`; the variants are the folders' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataSet {
    /// ALB, 40 gzip files of the same size.
    Equal,
    /// ALB, 40 gzip files, the first with half of all lines.
    Half,
    /// ALB, one gzip object of more than 5 GB of text.
    Big,
    /// The first tenth of `Equal`, packed.
    HeadPacked,
    /// The same as one plain file, without bytes that are not ASCII.
    HeadPlain,
    /// nginx JSON, one plain file.
    Nginx,
    /// The first tenth of it.
    NginxHead,
    /// nginx JSON with the e-mail of who is logged in, one plain file.
    NginxUser,
    /// Errors of an application with stacks, one plain file, a tenth as many.
    Errors,
    /// ALB, 2,000 gzip files of 5,000 lines.
    Objects,
}

/// Who says how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The operating system, of the whole process tree.
    Process,
    /// The command itself, of a part of its work.
    Own,
}

/// One command.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Its name in tables and in `--only`.
    pub name: &'static str,
    /// The tool whose absence means that it cannot run; see [`super::tool`].
    pub tool: &'static str,
    /// What it reads.
    pub data: DataSet,
    /// How to learn how many lines it counted.
    pub counted: Counted,
    /// Who says how long it took.
    pub clock: Clock,
    /// What is run.
    pub command: &'static str,
}

const fn weir(name: &'static str, data: DataSet, command: &'static str) -> Subject {
    Subject { name, tool: "weir", data, counted: Counted::WeirSummary, clock: Clock::Process, command }
}

const fn peer(name: &'static str, tool: &'static str, data: DataSet, command: &'static str) -> Subject {
    Subject { name, tool, data, counted: Counted::Stated, clock: Clock::Process, command }
}

/// All of them, in the order of their turns.
pub const SUBJECTS: &[Subject] = &[
    weir("weir-1", DataSet::Equal, "weir count --threads 1 equal/*.log.gz > /dev/null"),
    Subject {
        counted: Counted::Nothing,
        ..peer(
            "libdeflate",
            "libdeflate-gunzip",
            DataSet::Equal,
            "for file in equal/*.log.gz; do libdeflate-gunzip -c $file; done > /dev/null",
        )
    },
    Subject {
        clock: Clock::Own,
        counted: Counted::Nothing,
        ..peer(
            "libdeflate-lib",
            "libdeflate_in_process",
            DataSet::Equal,
            "libdeflate_in_process equal/*.log.gz",
        )
    },
    weir("weir-2", DataSet::Equal, "weir count --threads 2 equal/*.log.gz > /dev/null"),
    peer("duckdb", "duckdb", DataSet::Equal, "python3 ../../peers/duckdb_query.py alb 'equal/*.log.gz'"),
    peer("chdb", "chdb", DataSet::Equal, "python3 ../../peers/chdb_query.py alb 'equal/*.log.gz'"),
    weir("weir-half-1", DataSet::Half, "weir count --threads 1 half/*.log.gz > /dev/null"),
    weir("weir-half-2", DataSet::Half, "weir count --threads 2 half/*.log.gz > /dev/null"),
    weir("weir-big", DataSet::Big, "weir count big/*.log.gz > /dev/null"),
    weir("weir-report", DataSet::Equal, "weir report --threads 2 equal/*.log.gz"),
    weir("weir-head", DataSet::HeadPacked, "weir count --threads 1 head-packed/*.log.gz > /dev/null"),
    peer(
        "lambda",
        "prometheus_client",
        DataSet::HeadPacked,
        "python3 ../../peers/lambda_script.py head-packed/*.log.gz",
    ),
    weir("weir-plain", DataSet::HeadPlain, "weir count --threads 1 head-plain/*.log > /dev/null"),
    Subject {
        counted: Counted::MtailRequests,
        ..peer(
            "mtail",
            "mtail",
            DataSet::HeadPlain,
            "mtail --address 127.0.0.1 --port 0 --logtostderr --one_shot --one_shot_format prometheus \
             --progs ../../peers/requests_by_route.mtail --logs head-plain/part.log",
        )
    },
    Subject {
        counted: Counted::GoaccessValid,
        ..peer(
            "goaccess",
            "goaccess",
            DataSet::HeadPlain,
            "goaccess head-plain/part.log --log-format=AWSALB --no-global-config --no-progress -o json",
        )
    },
    weir("weir-nginx", DataSet::Nginx, "weir count nginx/*.log > /dev/null"),
    weir("weir-nginx-report", DataSet::Nginx, "weir report nginx/*.log"),
    peer("duckdb-nginx", "duckdb", DataSet::Nginx, "python3 ../../peers/duckdb_query.py nginx 'nginx/*.log'"),
    peer("chdb-nginx", "chdb", DataSet::Nginx, "python3 ../../peers/chdb_query.py nginx 'nginx/*.log'"),
    weir("weir-nginx-head", DataSet::NginxHead, "weir count nginx-head/*.log > /dev/null"),
    peer(
        "jq",
        "jq",
        DataSet::NginxHead,
        "jq -r '[.host, .request_method, .status] | @tsv' nginx-head/part.log \
         | awk '{groups[$0]++} END {print \"lines=\" NR \" groups=\" length(groups)}'",
    ),
    peer("store-parse", "write_rate", DataSet::Nginx, "write_rate nginx/part-0000.log parse"),
    peer(
        "store-write",
        "write_rate",
        DataSet::Nginx,
        "write_rate nginx/part-0000.log files 1 store-write-1; rm -r store-write-1",
    ),
    peer(
        "store-write-2",
        "write_rate",
        DataSet::Nginx,
        "write_rate nginx/part-0000.log files 2 store-write-2; rm -r store-write-2",
    ),
    peer(
        "store-raw",
        "write_rate",
        DataSet::Nginx,
        "write_rate nginx/part-0000.log raw 1 store-raw; rm -r store-raw",
    ),
    peer(
        "store-commits",
        "write_rate",
        DataSet::Nginx,
        "write_rate nginx/part-0000.log commits 1 store-commits; rm -r store-commits",
    ),
    peer(
        "store-duckdb",
        "duckdb",
        DataSet::Nginx,
        "python3 ../../peers/store_write.py duckdb 'nginx/*.log' duckdb.parquet; rm duckdb.parquet",
    ),
    peer(
        "store-chdb",
        "chdb",
        DataSet::Nginx,
        "python3 ../../peers/store_write.py chdb 'nginx/*.log' chdb.parquet; rm chdb.parquet",
    ),
    peer(
        "store-errors",
        "write_rate",
        DataSet::Errors,
        "write_rate errors/part-0000.log files 1 store-errors; rm -r store-errors",
    ),
];

/// A table of the summary.
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// What a reader must know to judge the comparison fairly.
    pub note: &'static str,
    /// Its rows, by name of the subject; ratios are to the first.
    pub subjects: &'static [&'static str],
}

/// The tables of the summary, in order.
pub const SECTIONS: &[Section] = &[
    Section {
        title: "Counting, against unpacking alone",
        note: "`libdeflate` unpacks the same files and does nothing else, one process per file; `libdeflate-lib` calls \
               the same library from one process, the files already in memory, and times only the calls.",
        subjects: &["weir-1", "libdeflate", "libdeflate-lib"],
    },
    Section {
        title: "Two threads",
        note: "The same lines in 40 files of one size, and with half of them in one file.",
        subjects: &["weir-1", "weir-2", "weir-half-1", "weir-half-2"],
    },
    Section {
        title: "One large object",
        note: "One gzip object of more than 5 GB of text, made of four times the same members.",
        subjects: &["weir-2", "weir-big"],
    },
    Section {
        title: "By host, method, status and route: databases",
        note: "On all cores. The databases keep a count and two sums per group, weir also two histograms, and groups \
               by target group too.",
        subjects: &["weir-2", "duckdb", "chdb"],
    },
    Section {
        title: "By host, method, status and route: a script",
        note: "A tenth of the lines, packed, on one thread: the known Lambda function's design, without its push.",
        subjects: &["weir-head", "lambda"],
    },
    Section {
        title: "By host, method, status and route: log tools",
        note: "A tenth of the lines, plain and pure ASCII: mtail 3.0.0-rc50 never ends once it meets a byte that is \
               not UTF-8. goaccess has no such grouping and makes its own report; it refuses clients with IPv6.",
        subjects: &["weir-plain", "mtail", "goaccess"],
    },
    Section {
        title: "Percentiles by route and method",
        note: "ALB lines; weir's percentiles are within 1 % of the exact ones.",
        subjects: &["weir-report"],
    },
    Section {
        title: "nginx JSON: percentiles by route and method",
        note: "One plain file. The databases compute exact percentiles and read three fields; weir reads all that it \
               knows.",
        subjects: &["weir-nginx-report", "duckdb-nginx", "chdb-nginx", "weir-nginx"],
    },
    Section {
        title: "nginx JSON: by host, method and status",
        note: "A tenth of the lines; `jq` without routes, sums or histograms.",
        subjects: &["weir-nginx-head", "jq"],
    },
    Section {
        title: "Keeping records",
        note: "One plain nginx file to synced Parquet files with filters for every field, but for the ledger \
               (`crates/store/examples/write_rate.rs`); `store-parse` only reads and parses, `store-raw` also keeps \
               the exact lines, `store-commits` makes a durable commit of each 20,000 records and files of them \
               later. The databases write plain columns to one file, on all cores, without filters and syncs.",
        subjects: &[
            "store-write",
            "store-write-2",
            "store-parse",
            "store-raw",
            "store-commits",
            "store-duckdb",
            "store-chdb",
        ],
    },
    Section {
        title: "Keeping errors with stacks",
        note: "Lines of one and a half kilobytes, every word of which can be found.",
        subjects: &["store-errors"],
    },
];

/// The subject of that name.
pub fn named(name: &str) -> Option<&'static Subject> {
    SUBJECTS.iter().find(|subject| subject.name == name)
}

/// The commands and the server's subjects that were asked for, in the order of their turns; all if none was.
///
/// # Errors
///
/// A name that is in neither table, for the user.
pub fn select(only: &[String]) -> Result<Selection, String> {
    let is_known = |name: &str| named(name).is_some() || servers::named(name).is_some();
    if let Some(unknown) = only.iter().find(|name| !is_known(name)) {
        let servers = servers::SUBJECTS.iter().map(|subject| subject.name);
        let names: Vec<&str> = SUBJECTS.iter().map(|subject| subject.name).chain(servers).collect();
        return Err(format!("--only: nothing is named `{unknown}`; there are {}", names.join(", ")));
    }
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    Ok(Selection {
        commands: SUBJECTS.iter().filter(|subject| is_wanted(subject.name)).collect(),
        servers: servers::SUBJECTS.iter().filter(|subject| is_wanted(subject.name)).collect(),
    })
}

/// What is to be measured.
pub struct Selection {
    /// Commands, which GNU time measures.
    pub commands: Vec<&'static Subject>,
    /// The server's side.
    pub servers: Vec<&'static ServerSubject>,
}

impl Selection {
    /// What is read, with repetitions.
    pub fn data(&self) -> Vec<DataSet> {
        let commands = self.commands.iter().map(|subject| subject.data);
        commands.chain(self.servers.iter().filter_map(|subject| subject.data)).collect()
    }

    /// The tools that are needed, with repetitions.
    pub fn tools(&self) -> impl Iterator<Item = &'static str> {
        let commands = self.commands.iter().map(|subject| subject.tool);
        ["time"].into_iter().chain(commands).chain(self.servers.iter().map(|subject| subject.tool))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_subject_has_its_own_name_and_a_place_in_the_summary() {
        let names: BTreeSet<&str> = SUBJECTS.iter().map(|subject| subject.name).collect();
        assert_eq!(names.len(), SUBJECTS.len());
        let shown: BTreeSet<&str> = SECTIONS.iter().flat_map(|section| section.subjects).copied().collect();
        assert_eq!(shown, names);
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_right_ones() {
        let selected = |only: &[&str]| select(&only.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        let all = selected(&[]).unwrap();
        assert_eq!((all.commands.len(), all.servers.len()), (SUBJECTS.len(), servers::SUBJECTS.len()));
        let some = selected(&["duckdb", "ledger", "weir-1"]).unwrap();
        let names: Vec<&str> = some.commands.iter().map(|subject| subject.name).collect();
        assert_eq!((names, some.servers.len()), (vec!["weir-1", "duckdb"], 1));
        let error = selected(&["weir"]).err().unwrap_or_default();
        assert!(error.starts_with("--only: nothing is named `weir`; there are weir-1,"), "{error}");
        assert!(error.ends_with(", binary"), "{error}");
    }
}
