//! The server's side: what has no end of its own and so is not a command that GNU time can measure.
//!
//! Each subject is a function that starts what it needs, does the work once and gives back named
//! values; only so can it take the CPU time of the server alone, and check that nothing was lost before
//! a number counts. Subjects take turns as commands do, and the first round warms up.

mod aims;
mod alerting;
mod aws;
mod bulk;
mod gateway;
mod gelf;
mod http;
mod lambda;
mod ledger;
mod load;
mod process;
mod questions;
mod queue;
mod redis;
mod remote_write;
mod summary;
mod tail;

use std::cell::RefCell;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;

pub use aims::verdicts;
#[cfg(test)]
pub use aws::PYTHON;
pub use summary::sections;

use super::data::Size;
use super::rounds::Failure;
use super::shell::Shell;
use super::statistics::Spread;
use super::subject::DataSet;

/// Named values of one run; the unit is the end of the name.
type Values = Vec<(&'static str, f64)>;

/// One thing that is measured.
#[derive(Clone, Copy)]
pub struct ServerSubject {
    /// Its name in tables and in `--only`.
    pub name: &'static str,
    /// The tool whose absence means that it cannot run; see [`super::tool`].
    pub tool: &'static str,
    /// What it reads.
    pub data: Option<DataSet>,
    /// What is done, for the record.
    pub what: &'static str,
    run: fn(&Scene<'_>) -> anyhow::Result<Values>,
}

/// All of them, in the order of their turns.
pub const SUBJECTS: &[ServerSubject] = &[
    ServerSubject {
        name: "append",
        tool: "weir",
        data: None,
        what: "appends 139,000 bytes to a file and calls fdatasync, 1,000 times",
        run: ledger::append,
    },
    ServerSubject {
        name: "ledger",
        tool: "commit_rate",
        data: None,
        what: "commit_rate .",
        run: ledger::commit,
    },
    ServerSubject {
        name: "objects-count",
        tool: "weir",
        data: Some(DataSet::Objects),
        what: queue::COUNT.command,
        run: queue::count,
    },
    ServerSubject {
        name: "objects-serve",
        tool: "moto",
        data: Some(DataSet::Objects),
        what: "weir serve, from a queue with one message for each object, until all is counted; then SIGTERM",
        run: queue::serve,
    },
    ServerSubject { name: "redis-pop", tool: "redis-server", data: None, what: redis::LOOP, run: redis::pop },
    ServerSubject {
        name: "redis-serve",
        tool: "redis-server",
        data: None,
        what: "weir serve on the same list, until nothing is left of it; records kept and durable",
        run: redis::serve,
    },
    ServerSubject {
        name: "tail-wc",
        tool: "weir",
        data: Some(DataSet::Nginx),
        what: tail::COUNT,
        run: tail::count,
    },
    ServerSubject {
        name: "tail",
        tool: "weir",
        data: Some(DataSet::Nginx),
        what: "weir serve, following nginx/part-0000.log from its start until each line is counted and durable",
        run: tail::follow,
    },
    ServerSubject {
        name: "tail-idle",
        tool: "weir",
        data: Some(DataSet::Nginx),
        what: "weir serve, following 500 files to which nothing is written, for 10 s",
        run: tail::idle,
    },
    ServerSubject {
        name: "gelf",
        tool: "weir",
        data: None,
        what: "weir serve with a source of GELF; one packed datagram for each message, at one rate after the other",
        run: gelf::packed,
    },
    ServerSubject {
        name: "gelf-chunked",
        tool: "weir",
        data: None,
        what: "the same with messages of 8 KB in chunks",
        run: gelf::chunked,
    },
    ServerSubject {
        name: "gateway",
        tool: "weir",
        data: None,
        what: gateway::WEIR,
        run: |scene| gateway::weir(scene, 1),
    },
    ServerSubject {
        name: "pushgateway",
        tool: "prometheus-pushgateway",
        data: None,
        what: gateway::PEER,
        run: |scene| gateway::peer(scene, gateway::PEER, 1),
    },
    ServerSubject {
        name: "pushgateway-memory",
        tool: "prometheus-pushgateway",
        data: None,
        what: gateway::PEER_IN_MEMORY,
        run: |scene| gateway::peer(scene, gateway::PEER_IN_MEMORY, 1),
    },
    ServerSubject {
        name: "gateway-200",
        tool: "weir",
        data: None,
        what: gateway::WEIR,
        run: |scene| gateway::weir(scene, gateway::JOBS_MANY),
    },
    ServerSubject {
        name: "pushgateway-200",
        tool: "prometheus-pushgateway",
        data: None,
        what: gateway::PEER,
        run: |scene| gateway::peer(scene, gateway::PEER, gateway::JOBS_MANY),
    },
    ServerSubject {
        name: "pushgateway-memory-200",
        tool: "prometheus-pushgateway",
        data: None,
        what: gateway::PEER_IN_MEMORY,
        run: |scene| gateway::peer(scene, gateway::PEER_IN_MEMORY, gateway::JOBS_MANY),
    },
    ServerSubject {
        name: "bulk",
        tool: "weir",
        data: Some(DataSet::NginxHead),
        what: bulk::WEIR,
        run: bulk::measure,
    },
    ServerSubject {
        name: "remote-write",
        tool: "weir",
        data: Some(DataSet::HeadPacked),
        what: "weir serve on head-packed, moved to the last hours, with remote_write to a server that answers 204",
        run: remote_write::measure,
    },
    ServerSubject {
        name: "remote-write-none",
        tool: "weir",
        data: Some(DataSet::HeadPacked),
        what: "the same without remote_write",
        run: remote_write::without,
    },
    ServerSubject {
        name: "store-disk",
        tool: "write_rate",
        data: Some(DataSet::Nginx),
        what: "write_rate nginx/part-0000.log, and the same with raw",
        run: questions::disk,
    },
    ServerSubject {
        name: "query",
        tool: "query_rate",
        data: Some(DataSet::Errors),
        what: "query_rate store 1 9 nginx-user/part-0000.log errors/part-0000.log > query.out",
        run: questions::warm,
    },
    ServerSubject {
        name: "query-cold",
        tool: "query_rate",
        data: Some(DataSet::Errors),
        what: "the same run, the store opened anew and its files not in memory",
        run: questions::cold,
    },
    ServerSubject {
        name: "query-2",
        tool: "query_rate",
        data: Some(DataSet::Errors),
        what: "query_rate store-2 2 9 nginx-user/part-0000.log errors/part-0000.log",
        run: questions::two_threads,
    },
    ServerSubject {
        name: "query-duckdb",
        tool: "duckdb",
        data: Some(DataSet::Errors),
        what: "python3 ../../peers/store_queries.py duckdb parquet query.out 5",
        run: |scene| questions::peer(scene, "duckdb", "parquet"),
    },
    ServerSubject {
        name: "query-chdb",
        tool: "chdb",
        data: Some(DataSet::Errors),
        what: "python3 ../../peers/store_queries.py chdb parquet query.out 5",
        run: |scene| questions::peer(scene, "chdb", "parquet"),
    },
    ServerSubject {
        name: "query-duckdb-json",
        tool: "duckdb",
        data: Some(DataSet::Errors),
        what: "python3 ../../peers/store_queries.py duckdb json query.out 1",
        run: |scene| questions::peer(scene, "duckdb", "json"),
    },
    ServerSubject {
        name: "query-chdb-json",
        tool: "chdb",
        data: Some(DataSet::Errors),
        what: "python3 ../../peers/store_queries.py chdb json query.out 1",
        run: |scene| questions::peer(scene, "chdb", "json"),
    },
    ServerSubject {
        name: "alert-tick",
        tool: "alert_rate",
        data: None,
        what: alerting::TICK,
        run: alerting::tick,
    },
    ServerSubject {
        name: "backtest",
        tool: "event_history",
        data: None,
        what: alerting::BACKTEST,
        run: alerting::backtest,
    },
    ServerSubject {
        name: "alert-year",
        tool: "event_history",
        data: None,
        what: alerting::YEAR,
        run: alerting::year,
    },
    ServerSubject {
        name: "lambda-start",
        tool: "weir",
        data: None,
        what: "weir under the name bootstrap, until it asks for its first event",
        run: lambda::start,
    },
    ServerSubject {
        name: "binary",
        tool: "weir",
        data: None,
        what: "strip -o stripped weir",
        run: lambda::stripped,
    },
];

/// Where and on how much is measured.
pub struct Scene<'s> {
    shell: &'s Shell,
    sizes: &'s [Size],
    is_quick: bool,
    /// Started by the first who needs it.
    aws: RefCell<Option<aws::Aws>>,
}

/// One value of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// 0 for the warm-up, which is not counted.
    pub round: u32,
    /// The subject's name.
    pub subject: &'static str,
    /// What was measured; the unit is its end.
    pub quantity: &'static str,
    /// How much.
    pub value: f64,
}

/// All values, and what could not be measured.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// In the order in which they were taken, warm-ups included.
    pub readings: Vec<Reading>,
    /// Subjects that failed; their earlier values are in `readings` all the same.
    pub failures: Vec<Failure>,
}

/// The subject of that name.
pub fn named(name: &str) -> Option<&'static ServerSubject> {
    SUBJECTS.iter().find(|subject| subject.name == name)
}

impl<'s> Scene<'s> {
    /// Nothing is started yet.
    pub fn new(shell: &'s Shell, sizes: &'s [Size], is_quick: bool) -> Self {
        Self { shell, sizes, is_quick, aws: RefCell::new(None) }
    }

    /// An empty folder below the shell's.
    fn empty_folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.shell.folder().join(name);
        let cannot = || format!("cannot empty {}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(cannot)?;
        }
        fs::create_dir_all(&folder).with_context(cannot)?;
        Ok(folder)
    }

    fn lines(&self, data: DataSet) -> anyhow::Result<f64> {
        let size = self.sizes.iter().find(|size| size.data == data);
        Ok(size.with_context(|| format!("there is no data `{}`", data.folder()))?.lines as f64)
    }
}

impl Readings {
    /// One warm-up and `rounds` counted runs of each subject, in turns. Whoever fails is out.
    pub fn take(scene: &Scene<'_>, subjects: &[&'static ServerSubject], rounds: u32) -> Self {
        let mut readings = Self::default();
        for round in 0..=rounds {
            for &subject in subjects {
                if readings.has_failed(subject.name) {
                    continue;
                }
                match (subject.run)(scene) {
                    Ok(values) => readings.add(subject.name, round, &values),
                    Err(error) => readings.fail(subject.name, format!("{error:#}")),
                }
            }
        }
        readings
    }

    fn add(&mut self, subject: &'static str, round: u32, values: &Values) {
        let mut line = format!("{round:>8}  {subject:18}");
        for &(quantity, value) in values {
            // Writing into a `String` cannot fail.
            let _ = write!(line, " {quantity} {}", summary::number(value));
            self.readings.push(Reading { round, subject, quantity, value });
        }
        crate::complain(&line);
    }

    fn fail(&mut self, subject: &'static str, reason: String) {
        crate::complain(&format!("  failed  {subject}: {reason}"));
        self.failures.push(Failure { subject, reason });
    }

    fn has_failed(&self, subject: &str) -> bool {
        self.failures.iter().any(|failure| failure.subject == subject)
    }

    /// A quantity of a subject in its counted runs, with the rounds; none of one that failed later.
    fn counted<'r>(&'r self, subject: &'r str, quantity: &'r str) -> impl Iterator<Item = (u32, f64)> + 'r {
        let is_sound = !self.has_failed(subject);
        let is_wanted = move |reading: &&Reading| {
            is_sound && reading.round > 0 && reading.subject == subject && reading.quantity == quantity
        };
        self.readings.iter().filter(is_wanted).map(|reading| (reading.round, reading.value))
    }

    /// A quantity over the counted runs; `None` if it has none.
    pub fn spread(&self, subject: &str, quantity: &str) -> Option<Spread> {
        Spread::of(self.counted(subject, quantity).map(|(_, value)| value))
    }

    /// `quantity` of `subject` divided by that of `base`, round by round.
    pub fn ratio(&self, subject: &str, base: &str, quantity: &str) -> Option<Spread> {
        let pairs = self.counted(subject, quantity).filter_map(|(round, value)| {
            let (_, base) = self.counted(base, quantity).find(|(base_round, _)| *base_round == round)?;
            (base > 0.0).then(|| value / base)
        });
        Spread::of(pairs)
    }

    /// Every single value as CSV; round 0 is the warm-up.
    pub fn csv(&self) -> String {
        let row = |reading: &Reading| {
            let Reading { round, subject, quantity, value } = reading;
            format!("{round},{subject},{quantity},{value:.3}\n")
        };
        let rows: String = self.readings.iter().map(row).collect();
        format!("round,subject,quantity,value\n{rows}")
    }
}

#[cfg(test)]
pub mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Counted values of one quantity, from round 1 on.
    pub fn readings(subject: &'static str, quantity: &'static str, values: &[f64]) -> Vec<Reading> {
        let reading =
            |(index, &value): (usize, &f64)| Reading { round: index as u32 + 1, subject, quantity, value };
        values.iter().enumerate().map(reading).collect()
    }

    #[test]
    fn every_subject_has_its_own_name_and_a_place_in_the_summary() {
        let commands = super::super::subject::SUBJECTS.iter().map(|subject| subject.name);
        let names: Vec<&str> = SUBJECTS.iter().map(|subject| subject.name).collect();
        let all: BTreeSet<&str> = commands.chain(names.iter().copied()).collect();
        assert_eq!(all.len(), super::super::subject::SUBJECTS.len() + SUBJECTS.len());
        assert_eq!(summary::shown(), names.into_iter().collect());
    }

    #[test]
    fn ratios_are_taken_within_a_round_and_warm_ups_do_not_count() {
        let mut all = readings("a", "b_ms", &[2.0, 9.0]);
        all.extend(readings("c", "b_ms", &[1.0, 3.0]));
        all.push(Reading { round: 0, subject: "a", quantity: "b_ms", value: 1e9 });
        let mut readings = Readings { readings: all, failures: Vec::new() };
        assert_eq!(readings.ratio("a", "c", "b_ms").map(|ratio| (ratio.min, ratio.max)), Some((2.0, 3.0)));
        assert_eq!(readings.spread("a", "b_ms").map(|spread| spread.max), Some(9.0));
        readings.failures.push(Failure { subject: "a", reason: "it ended".to_owned() });
        assert_eq!(readings.spread("a", "b_ms"), None);
    }

    #[test]
    fn a_value_is_a_row() {
        let readings = Readings { readings: readings("a", "b_ms", &[1.5]), failures: Vec::new() };
        assert_eq!(readings.csv(), "round,subject,quantity,value\n1,a,b_ms,1.500\n");
    }
}
