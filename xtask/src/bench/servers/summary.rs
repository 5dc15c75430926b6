//! The server's part of the record for people: a table for each comparison, with its conditions.
//!
//! Apart from the commands' tables, since there all rows have the same columns and here each comparison has
//! quantities of its own; one table with all of them would be mostly dashes.

use std::fmt::Write;

use super::{Readings, named};
use crate::bench::statistics::thousands;
use crate::bench::table::markdown;

/// A table of the summary.
struct Section {
    title: &'static str,
    /// What is equal and what is not.
    note: &'static str,
    subjects: &'static [&'static str],
    /// The columns.
    quantities: &'static [&'static str],
}

const SECTIONS: &[Section] = &[
    Section {
        title: "Durable objects",
        note: "Groups of 100 objects and 1,000 series in one transaction, and one object with 100 series in one of \
               its own. `append` is a bare append and fdatasync of as many bytes: what this disk gives anyone.",
        subjects: &["append", "ledger"],
        quantities: &["groups_per_s", "objects_per_s", "single_objects_per_s", "reopen_ms"],
    },
    Section {
        title: "Objects from a queue",
        note: "The same objects of 5,000 lines: files for `objects-count`, S3 and SQS of moto on this machine for \
               `objects-serve`, each counted exactly once and durable. moto's CPU time is not in it, but its elapsed \
               time is.",
        subjects: &["objects-count", "objects-serve"],
        quantities: &["cpu_s", "elapsed_s", "lines_per_cpu_s", "peak_mb"],
    },
    Section {
        title: "A log that is followed",
        note: "nginx's JSON in one file, from the server's start until each line is counted, kept and durable, beside \
               counting its line ends. `tail-idle` follows 500 files to which nothing is written.",
        subjects: &["tail-wc", "tail", "tail-idle"],
        quantities: &["elapsed_s", "mb_per_s", "mb_per_cpu_s", "lines_per_cpu_s", "peak_mb", "cpu_percent"],
    },
    Section {
        title: "GELF over UDP",
        note: "Errors with their stacks from a sender on this machine: 1.8 KB in one gzip datagram of 0.5 KB, and 8 KB \
               in 6 chunks. `lossless`: the highest rate tried at which the kernel dropped nothing; `flood`: the most \
               that was stored at any rate, and what share of the datagrams was lost then. At every rate what was sent \
               was read or counted as dropped, and what was read was stored. `messages_per_cpu_s` is of the server \
               alone, unpacked, stored and durable. `found`: from the sending of a message to a search that finds it.",
        subjects: &["gelf", "gelf-chunked"],
        quantities: &[
            "lossless_datagrams_per_s",
            "lossless_messages_per_s",
            "messages_per_cpu_s",
            "flood_messages_per_s",
            "flood_lost_share",
            "found_p50_ms",
            "found_p99_ms",
            "peak_mb",
        ],
    },
    Section {
        title: "Records from a Redis list",
        note: "Lines of nginx in Beaver's JSON, 500 bytes each, from a Redis with `appendfsync always` on this \
               machine, whose CPU time is not in it. `redis-pop` takes 1,000 at a time and keeps nothing.",
        subjects: &["redis-pop", "redis-serve"],
        quantities: &["elapsed_s", "records_per_s", "cpu_s", "records_per_cpu_s", "peak_mb"],
    },
    Section {
        title: "Push gateway",
        note: "Pushes of 50 counters over 64 connections, to one job and to 200, for five seconds; the load shares \
               the machine, so compare per CPU second of the server. weir adds, and its disk has every push before it \
               answers. The Pushgateway replaces; it writes its file every five minutes, and `memory` has neither \
               file nor checks. What was shown at the end was what had been pushed.",
        subjects: &[
            "gateway",
            "pushgateway",
            "pushgateway-memory",
            "gateway-200",
            "pushgateway-200",
            "pushgateway-memory-200",
        ],
        quantities: &["pushes_per_cpu_s", "pushes_per_s", "p50_ms", "p99_ms", "peak_mb"],
    },
    Section {
        title: "Documents by _bulk",
        note: "nginx lines as documents, 1,000 in a body, over 4 connections, each body durable before its answer and \
               all of it searchable; the load shares the machine. What was stored at the end was what had been \
               answered.",
        subjects: &["bulk"],
        quantities: &["records_per_cpu_s", "mb_per_cpu_s", "records_per_s", "p50_ms", "p99_ms", "peak_mb"],
    },
    Section {
        title: "Remote write",
        note: "`weir serve` on a backlog, all minutes of which are written at once to a server that answers 204. \
               CPU time and elapsed time are from the start, counting included; `remote-write-none` is the counting \
               alone.",
        subjects: &["remote-write", "remote-write-none"],
        quantities: &["samples", "cpu_s", "elapsed_s", "samples_per_cpu_s", "samples_per_s", "peak_mb"],
    },
    Section {
        title: "Promises and alerts",
        note: "`alert-tick`: 10,000 instances, each with requests in every tenth minute of three days, judged for a \
               window of five minutes and the burn rates of a page and of a ticket. `backtest`: the command from its \
               start on a data folder without a server, 100 routes with 50,000,000 requests in 30 days; `judged_s` is \
               the backtest alone. `alert-year`: the start of a server that has the minutes of 1,000 instances with a \
               request in each, the most rows that there can be, and what a year of them takes on the disk.",
        subjects: &["alert-tick", "backtest", "alert-year"],
        quantities: &[
            "tick_ms",
            "tick_max_ms",
            "elapsed_s",
            "judged_s",
            "requests",
            "start_ms",
            "bytes_per_row",
            "year_gb",
            "peak_mb",
        ],
    },
    Section {
        title: "Kept records on the disk",
        note: "Bytes of Parquet and filters for a byte of nginx lines, and with the exact lines kept too.",
        subjects: &["store-disk"],
        quantities: &["bytes_per_byte", "raw_bytes_per_byte"],
    },
    Section {
        title: "Finding records",
        note: "The nginx lines with a user's e-mail (a field that nobody declared) and a tenth as many errors with \
               stacks, in one store; milliseconds of an answer, the program started and its files in memory but for \
               `query-cold`. Searches give up to 100 whole records, newest first; weir on one thread, `query-2` on \
               two, the databases on all cores, on weir's files or (`json`) on the lines that they are of, where \
               `routes` computes the route too. Their words are parts of texts, weir's are words. `query-cold` was \
               measured in the run of `query`.",
        subjects: &[
            "query",
            "query-2",
            "query-cold",
            "query-duckdb",
            "query-chdb",
            "query-duckdb-json",
            "query-chdb-json",
        ],
        quantities: &[
            "request_id_ms",
            "user_email_ms",
            "session_user_ms",
            "routes_ms",
            "status_by_minute_ms",
            "rare_word_ms",
            "common_word_count_ms",
        ],
    },
    Section {
        title: "Lambda",
        note: "From the start of the process to its first request for an event, 20 times, without AWS' sandbox; and \
               the program without its symbols.",
        subjects: &["lambda-start", "binary"],
        quantities: &["median_ms", "p90_ms", "stripped_mb"],
    },
];

/// The tables of what was measured.
pub fn sections(readings: &Readings) -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let subjects = section.subjects.iter().filter_map(|name| named(name));
        let rows: Vec<Vec<String>> = subjects
            .filter_map(|subject| {
                let cell = |quantity: &&str| {
                    readings.spread(subject.name, quantity).map(|spread| spread.text(number))
                };
                let cells: Vec<Option<String>> = section.quantities.iter().map(cell).collect();
                let is_measured = cells.iter().any(Option::is_some);
                let cells = cells.into_iter().map(|cell| cell.unwrap_or("–".to_owned()));
                is_measured.then(|| [subject.name.to_owned()].into_iter().chain(cells).collect())
            })
            .collect();
        if rows.is_empty() {
            continue;
        }
        let titles: Vec<String> = section.quantities.iter().map(|quantity| title(quantity)).collect();
        let header: Vec<&str> = ["subject"].into_iter().chain(titles.iter().map(String::as_str)).collect();
        // Writing into a `String` cannot fail.
        let _ = write!(text, "\n## {}\n\n{}\n\n{}", section.title, section.note, markdown(&header, &rows));
    }
    text
}

/// A quantity's name as a title: `pushes_per_cpu_s` is `pushes per CPU s`.
fn title(quantity: &str) -> String {
    quantity.replace('_', " ").replace("cpu", "CPU").replace(" mb", " MB")
}

/// A value with about three digits.
pub fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => thousands(value),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.2 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

/// The subjects that have a place in a table.
#[cfg(test)]
pub fn shown() -> std::collections::BTreeSet<&'static str> {
    SECTIONS.iter().flat_map(|section| section.subjects).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::readings;
    use super::*;

    #[test]
    fn a_table_has_what_was_measured() {
        let readings =
            Readings { readings: readings("ledger", "reopen_ms", &[1.0, 2.0]), failures: Vec::new() };
        let text = sections(&readings);
        let row = text.lines().last().unwrap_or_default();
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[1..6], ["ledger", "–", "–", "–", "1.50 (1.00–2.00)"]);
        assert_eq!(text.matches("\n## ").count(), 1);
        assert!(text.contains("reopen ms |"), "{text}");
    }

    #[test]
    fn numbers_have_about_three_digits() {
        for (value, expected) in [(0.456, "0.46"), (45.67, "45.7"), (4567.8, "4,568")] {
            assert_eq!(number(value), expected);
        }
    }
}
