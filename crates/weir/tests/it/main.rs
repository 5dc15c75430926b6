//! The real program, from its command line to its output: what no test inside a crate can see.
//!
//! Every test starts the binary that cargo built, on files in a temporary folder and on ports that
//! the system chose, and looks only at what a user could: stdout, stderr, the exit code, HTTP. One
//! test binary for all of it, because a second would link everything again.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise, and so may their helpers")]

/// Starting the program and other servers, a small HTTP client, reading metrics back.
mod support;

/// Objects that nobody told of, counted as history.
mod backfill;
/// What alerts there would have been: history against the live run, and against the lines.
mod backtest;
/// Files and input that are broken, hostile or of no use: said with the reason, and nothing else suffers.
mod bad_input;
/// The words of the command line: help, completions, configs to start from, exit codes.
mod cli;
/// The demo from its first report to the removal of its folder.
mod demo;
/// A disk without room.
mod disk_full;
/// DuckDB and pyarrow read the store's files, and agree with its answers.
mod duckdb;
/// Watched files across restarts: known by their text and position.
mod files_ledger;
/// Pushes of other programs: taken whole, durable, counted once.
mod gateway;
/// Messages of GELF clients, and of who only looks like one.
mod gelf;
/// Logs in `testdata/` and the exact metrics that must come of them.
mod golden;
/// Killed at any moment, and still each line counts once.
mod kill;
/// The function of AWS Lambda: events, answers, retries.
mod lambda;
/// The rules in a real Prometheus, beside weir's own alerts.
mod live_rules;
/// What a mail says, who gets it, and that each of its numbers is one that a search finds.
mod mail;
/// Lines that a real nginx wrote.
mod nginx;
/// Who is told of alerts, and silences.
mod notifications;
/// The line that a record came from, read again.
mod original;
/// What the page asks of the server, and the page.
mod page;
/// A real Prometheus scrapes, and agrees with what was counted.
mod prometheus;
/// Files pushed to a gateway.
mod push;
/// Records counted, redacted, kept and dropped, beside being found.
mod records;
/// No room, damaged files, input and questions out of all proportion.
mod records_faults;
/// Killed while files are made of memory and of each other.
mod records_kill;
/// A second, naive reading of lines and metrics.
mod recount;
/// Lists and channels of a real Redis, with all that Beaver puts there.
mod redis;
/// The program and Redis are killed while a list is read.
mod redis_kill;
/// A Redis behind TLS, one of a cluster, and one that stops answering.
mod redis_ways;
/// Lines that are no records: listed, shown, replayed.
mod rejects;
/// Another config for a server that runs, while an alert fires.
mod reload;
/// Minutes written to real receivers, however late the requests came.
mod remote_write;
/// The table, its orders, and its numbers against exact ones.
mod report;
/// Records found, counted, followed, exported, removed.
mod search;
/// The HTTP server: formats, first scrapes, health, the API, stopping.
mod serve;
/// Promises: what counts, and the rules that come of them.
mod slas;
/// Objects of S3 that a queue tells of: counted once, whatever the queue does.
mod sqs;
/// Messages of syslog from sockets, from rsyslog and from nginx.
mod syslog;
/// Everything that the first known system does, at once.
mod system_a;
/// Logs that are followed while a real nginx writes and a real logrotate rotates them.
mod tail;
/// Records shaped before they are counted and kept, or left out.
mod transforms;
/// Counts of a whole sample day against a recount that shares no code, however the lines are packed.
mod truth;
/// Watched folders: files that arrive, grow, break and are touched.
mod watch;
/// What others write by HTTP: every protocol, with real clients.
mod writers;
