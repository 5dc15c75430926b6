//! The command line: its words, their help, and nothing else.
//!
//! Completions and the manual page are made from this definition too, so the help is written here
//! once, for a person who has never seen the program.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use weir_record::Format;

use crate::admin::{ResultOutput, ServerArguments};
use crate::setup;

/// Turns the access logs of load balancers and nginx into metrics and reports, and finds their records.
#[derive(Debug, Parser)]
#[command(
    name = "weir",
    version,
    arg_required_else_help = true,
    after_help = "Start here:\n  \
        weir demo                        see it work on sample traffic, nothing to set up\n  \
        weir report logs/                what is slow, what fails: a table\n  \
        weir search 'status:>=500' logs/ the requests themselves\n  \
        weir count logs/*.gz             metrics of Prometheus' text format\n  \
        weir init alb > weir.yaml        a config to start from, then: weir serve"
)]
pub struct Cli {
    /// How log lines are written to stderr.
    #[arg(long, global = true, value_enum, default_value = "logfmt")]
    pub log_format: LogFormat,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What AWS Lambda calls the program of a function.
const LAMBDA_PROGRAM: &str = "bootstrap";

impl Cli {
    /// The command line of this process; ends it where that is wrong, or asks for help.
    pub fn of_process() -> Self {
        let log_format = setup::environment("AWS_LAMBDA_LOG_FORMAT");
        Self::parse_from(completed(std::env::args_os().collect(), log_format.as_deref()))
    }
}

/// The arguments, and those that AWS Lambda cannot give: it starts a program of its own name without any.
fn completed(mut arguments: Vec<OsString>, log_format: Option<&str>) -> Vec<OsString> {
    let [program] = arguments.as_slice() else { return arguments };
    if Path::new(program).file_name() == Some(OsStr::new(LAMBDA_PROGRAM)) {
        arguments.push("lambda".into());
        if log_format.is_some_and(|format| format.eq_ignore_ascii_case("json")) {
            arguments.push("--log-format=json".into());
        }
    }
    arguments
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// key=value
    Logfmt,
    /// One JSON object per line.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch files and folders, count what arrives, serve /metrics, keep and find the records.
    #[command(after_help = "Examples:\n  \
        weir serve                          the sources of ./weir.yaml\n  \
        weir serve 'logs/**/*.log.gz'       a watched pattern, no config\n  \
        weir serve --listen 127.0.0.1:9100 /var/log/nginx/access.json")]
    Serve(ServeArguments),
    /// The same on sample traffic of a small shop, in a temporary folder.
    #[command(
        after_help = "A day of traffic with an outage and a slow route is written first, then more arrives\n\
        every few seconds. Everything is read by the same code as real logs."
    )]
    Demo(DemoArguments),
    /// Print a commented config to start from.
    Init(InitArguments),
    /// Print the config of Beaver as one for weir.
    #[command(after_help = "Example:\n  \
        weir import-beaver /etc/beaver/beaver.ini > weir.yaml\n\n\
        What has no counterpart is in comments, with what to do instead.")]
    ImportBeaver(ImportBeaverArguments),
    /// Count the lines of files; metrics in Prometheus' text format on stdout.
    #[command(after_help = "Examples:\n  \
        weir count logs/                    all files below a folder\n  \
        zcat access.log.gz | weir count -   standard input\n  \
        weir count --routes raw a.log | promtool check metrics\n\n\
        Files may be gzip, zstd or plain text, told by their content. A file that is cut off or damaged\n\
        is reported and not counted at all.\n\n\
        Exit code 0: done, lines that could not be parsed are counted on stderr. 1: a file could not\n\
        be read. 2: wrong use. 3: lines could not be parsed, with --strict.")]
    Count(CountArguments),
    /// What is slow and what fails: a table of requests, errors and percentiles.
    #[command(after_help = "Examples:\n  \
        weir report *.log.gz\n  \
        weir report --by host,status --order -count logs/\n  \
        weir report --by hour --order hour logs/\n  \
        weir report --by target_group,status --output csv logs/ > errors.csv\n  \
        weir report --where 'status:>=500' --by service,hour --tz Europe/Berlin logs/\n  \
        weir report --from now-1d           everything that the server has counted\n  \
        weir report --from now-1d --where '*' --by status    of the records that it keeps\n\n\
        Without PATH the server is asked. By route, method, service and source, and without --where, its counts\n\
        answer: whole minutes of all requests, whatever is kept; percentiles lie within a bucket. Else the records\n\
        that it keeps answer, and stderr says where that is only a part of them.\n\n\
        Percentiles of files are within 1 % of the exact value. Times are UTC unless --tz says otherwise.\n\n\
        Exit code 0: done. 1: a file, or records of the server, could not be read. 2: wrong use. 3: lines could\n\
        not be parsed, with --strict.")]
    Report(ReportArguments),
    /// Count files and push the metrics of each to a push gateway.
    #[command(after_help = "Examples:\n  \
        weir push --to gateway.example.com:9099 --job alb logs/\n  \
        weir push --to https://gateway.example.com --job alb --username push --password-file secret logs/*.gz\n\n\
        Each file is counted whole and is one push, as text of Prometheus' format by POST, with an\n\
        X-Idempotency-Key made of the job and the file's text. So the same command can be run again, as after\n\
        a failure half-way: weir's own gateway counts each text once (it remembers keys for 14 days). Any\n\
        other gateway adds what it has already. Push only files that nobody writes to any more.\n\n\
        Exit code 0: done, lines that could not be parsed are counted on stderr. 1: a file could not be read\n\
        or was not taken; the others are pushed. 2: wrong use. 3: lines could not be parsed, with --strict.")]
    Push(PushArguments),
    /// Run as a function of AWS Lambda: count the objects that events name, push them to a gateway.
    #[command(
        after_help = "This runs inside AWS Lambda only; a program called bootstrap does the same without arguments.\n\
        Events of S3, SQS, SNS and EventBridge are understood. Each object is counted whole and pushed with an\n\
        X-Idempotency-Key made of job, bucket, key and entity tag: weir's own gateway counts it once, however\n\
        often Lambda tries; any other gateway at least once.\n\n\
        Environment:\n  \
        PUSH_ENDPOINT    the gateway, as gateway.example.com:9099 or https://gateway.example.com\n  \
        JOB              the job to push under [default: weir]\n  \
        USERNAME         the gateway's user, with PASSWORD or PASSWORD_FILE\n  \
        WEIR_CONFIG      a config; else ./weir.yaml, or none: ALB logs\n\n\
        A queue needs ReportBatchItemFailures, or messages that failed are lost; see docs/lambda.md."
    )]
    Lambda,
    /// Find records: on the server, or in files without one.
    #[command(after_help = "Examples:\n  \
        weir search 'status:>=500 AND route:/checkout/*' --from now-1h\n  \
        weir search 'user_email:\"a@example.com\"' --from now-7d --output json\n  \
        weir search 'request_time > 400ms | stats count(), p95(request_time) by route' --from now-1d\n  \
        weir search 'status:5xx' logs/*.gz      files, no server\n\n\
        The server of the data folder is asked, or the one that --server names; where none runs, the data folder\n\
        is opened. Without --from it is the last hour, with PATH everything. At Ctrl-C it ends with what it has\n\
        found. docs/query.md has the language, docs/search.md the rest.\n\n\
        A server that wants to know who asks takes the token in the file that $WEIR_TOKEN_FILE names.\n\n\
        Exit code 0: done, also where nothing matches. 1: it was stopped, or a file, or records of the server,\n\
        could not be read. 2: wrong use, as a wrong query. 3: lines could not be parsed, with --strict.")]
    Search(crate::search::SearchArguments),
    /// Follow records as the server takes them in.
    #[command(after_help = "Examples:\n  \
        weir tail 'status:>=500'\n  \
        weir tail 'source:errors AND level:<=3' --output json\n\n\
        What comes too quickly to be shown is counted on stderr. It connects again by itself, and ends at Ctrl-C.")]
    Tail(crate::search::TailArguments),
    /// Remove records for good.
    #[command(after_help = "Examples:\n  \
        weir delete 'user_email:\"a@example.com\"' --from 0 --to now --dry-run\n  \
        weir delete 'user_email:\"a@example.com\"' --from 0 --to now\n\n\
        Files with a match are written again without it. What this does not reach is said on stderr.")]
    Delete(crate::search::DeleteArguments),
    /// Look at lines that are no records, and read them again.
    #[command(after_help = "Examples:\n  \
        weir rejects list --reason bad_time\n  \
        weir rejects show 7\n  \
        weir rejects replay --all           after an update, or a change of the config\n\n\
        The server of the data folder is asked, or the one that --server names; where none runs, the data folder\n\
        is opened. See docs/rejects.md.")]
    Rejects(crate::admin::RejectsArguments),
    /// Count objects of a bucket that nobody told of: into the minutes, not into /metrics.
    #[command(after_help = "Examples:\n  \
        weir backfill s3://logs/AWSLogs/111122223333/ --from 2026-11-01 --to 2026-11-08\n  \
        weir backfill s3://logs/ --from now-7d --source alb\n\n\
        Objects that were counted before are skipped, whoever brought them. Asked for again after it was stopped,\n\
        it goes on where it was. See docs/backfill.md.\n\n\
        Exit code 0: done. 1: it was stopped, or objects could not be counted. 2: wrong use. 3: lines could not be\n\
        parsed, with --strict.")]
    Backfill(crate::admin::BackfillArguments),
    /// Keep alerts quiet for a time.
    #[command(after_help = "Examples:\n  \
        weir silence add alertname=ShopSlow route=/checkout --duration 2h --comment 'deployment'\n  \
        weir silence list\n  \
        weir silence expire 3c0e...\n\n\
        A running server is asked; amtool --alertmanager.url=http://127.0.0.1:9099 works too. See\n\
        docs/notifications.md.")]
    Silence(crate::silence::SilenceArguments),
    /// Try out who is told of alerts.
    #[command(after_help = "Example:\n  weir notify test core-mail\n\n\
        A test message goes to every address of the receiver at once, without a server.\n\n\
        Exit code 0: all were taken. 1: one was not. 2: wrong use.")]
    Notify(crate::notify::NotifyArguments),
    /// Check the config; everything wrong with it, each with line and column.
    Check(CheckArguments),
    /// What fires, why, and what fired before.
    #[command(after_help = "Examples:\n  \
        weir alerts\n  \
        weir alerts --history --output json")]
    Alerts(AlertsArguments),
    /// Which alerts and mails a config would have given, over what was counted and what is kept.
    #[command(after_help = "Examples:\n  \
        weir backtest --from now-30d\n  \
        weir backtest -c new.yaml --diff weir.yaml --from now-30d\n  \
        weir backtest --sla shop-latency --pages-per-month 2\n\n\
        The server of the data folder is asked, or the one that --server names; where none runs, the data folder\n\
        is opened. What was counted for an SLA or alert is taken as it is; another threshold is judged from the\n\
        minutes where it is a bound of the histogram, else from the records, as far as they are kept. See\n\
        docs/backtest.md.")]
    Backtest(crate::backtest::BacktestArguments),
    /// Print the SLAs of the config as recording and alerting rules for Prometheus.
    #[command(after_help = "Examples:\n  \
        weir rules > weir.rules.yaml\n  \
        weir rules --out rules/ && promtool test rules rules/weir.rules.test.yaml\n\n\
        With --out there are also tests for promtool, and rules on nginx_http_request_time for a Prometheus that has\n\
        nothing else. docs/rules.md says where the two agree with weir's own alerts.")]
    Rules(RulesArguments),
    /// Print completions for a shell.
    #[command(after_help = "Example:\n  weir completions bash > /usr/share/bash-completion/completions/weir")]
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page.
    #[command(after_help = "Example:\n  weir man > /usr/share/man/man1/weir.1")]
    Man,
}

/// Which config to use.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgument {
    /// The config file; else $WEIR_CONFIG, ./weir.yaml, /etc/weir/weir.yaml, or none.
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What to read.
#[derive(Debug, Args)]
pub struct ReadArguments {
    /// Files, folders, patterns such as 'logs/**/*.gz', or - for standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub options: ReadOptions,
}

/// How files are read.
#[derive(Debug, Args)]
pub struct ReadOptions {
    /// The format of the lines.
    #[arg(long, value_parser = parse_format, default_value = "auto", value_name = "FORMAT")]
    pub format: FormatChoice,
    /// What becomes of paths that no route of the config matches [default: as in the config, else template].
    #[arg(long, value_parser = ["template", "raw", "other", "drop"], value_name = "MODE")]
    pub routes: Option<String>,
    /// Threads that read [default: one per core].
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// End with code 3 if any line could not be parsed.
    #[arg(long)]
    pub strict: bool,
}

/// The format of the lines, or that it is told from the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatChoice(pub Option<Format>);

/// `weir count`.
#[derive(Debug, Args)]
pub struct CountArguments {
    #[command(flatten)]
    pub config: ConfigArgument,
    #[command(flatten)]
    pub read: ReadArguments,
}

/// `weir report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Files, folders, patterns such as 'logs/**/*.gz', or - for standard input; without any the server is asked.
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub server: ServerArguments,
    #[command(flatten)]
    pub options: ReadOptions,
    /// Only requests that match, in the query language: 'status:>=500 AND host:shop.example.com'.
    #[arg(long = "where", value_name = "QUERY", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// Columns to group by: route, method, host, status, service, target_group, minute, hour, day, or
    /// any field of the first table of docs/fields.md; without PATH also source.
    #[arg(long, value_delimiter = ',', default_value = "route,method", value_name = "COLUMNS")]
    pub by: Vec<String>,
    /// Only requests from this time on: 2026-11-20T10:00:00Z, 2026-11-20, epoch seconds, or now-1h
    /// [default: the first; without PATH an hour ago].
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only requests before this time.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// The zone of times and days, as Europe/Berlin, or local [default: UTC].
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// The column to sort by, with - for the greatest first.
    #[arg(long, default_value = "-count", allow_hyphen_values = true, value_name = "COLUMN")]
    pub order: String,
    /// Rows to print; 0 is all. The table ends with a line for what is left out.
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub limit: usize,
    /// How to print it.
    #[arg(long, value_enum, default_value = "table")]
    pub output: ReportOutput,
}

/// `weir push`.
#[derive(Debug, Args)]
pub struct PushArguments {
    /// The gateway: host:port, or an address with http:// or https://.
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// The job to push under: /metrics/job/JOB of the gateway.
    #[arg(long, value_name = "JOB")]
    pub job: String,
    /// The gateway's user.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub username: Option<String>,
    /// The file with the user's password.
    #[arg(long, value_name = "FILE", requires = "username")]
    pub password_file: Option<PathBuf>,
    /// Try a push again for this long while the gateway does not answer or is busy.
    #[arg(long, value_name = "DURATION", default_value = "1m")]
    pub deadline: String,
    #[command(flatten)]
    pub config: ConfigArgument,
    #[command(flatten)]
    pub read: ReadArguments,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportOutput {
    /// For people: 80 columns, or as wide as the terminal.
    Table,
    /// One object with `rows` and `total`; times in seconds.
    Json,
    /// With a header line; times in seconds.
    Csv,
}

/// `weir serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArguments {
    #[command(flatten)]
    pub config: ConfigArgument,
    /// Where to serve HTTP, instead of http.listen of the config [default: 127.0.0.1:9099].
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Where to keep what was counted, instead of data_dir of the config [default: ./weir-data].
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Files, folders and patterns to watch, instead of the sources of the config.
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
}

/// `weir demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Where to serve HTTP.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9099")]
    pub listen: String,
    /// End after this long, as 30s or 5m; else at Ctrl-C.
    #[arg(long, value_name = "DURATION")]
    pub duration: Option<String>,
    /// Requests in the day that is written first.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub requests: u64,
    /// The same seed gives the same traffic.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only write the sample files into this folder, and end.
    #[arg(long, value_name = "FOLDER")]
    pub write: Option<PathBuf>,
    /// With --write: the format of the files.
    #[arg(long, value_parser = ["alb", "nginx_json", "nginx_json_user", "errors"], default_value = "alb",
        value_name = "FORMAT", requires = "write")]
    pub format: String,
    /// With --write: this many files of the same size, instead of the layout of a load balancer.
    #[arg(long, value_name = "N", requires = "write")]
    pub files: Option<usize>,
    /// With --files: the first file holds half of all lines.
    #[arg(long, requires = "files")]
    pub half_in_one: bool,
    /// With --files: do not pack them.
    #[arg(long, requires = "files")]
    pub plain: bool,
}

/// `weir init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// What writes your logs.
    pub kind: InitKind,
}

/// `weir import-beaver`.
#[derive(Debug, Args)]
pub struct ImportBeaverArguments {
    /// Beaver's config, or a file of its confd_path.
    pub file: PathBuf,
}

/// What writes the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InitKind {
    /// AWS Application Load Balancers.
    Alb,
    /// nginx.
    Nginx,
}

/// `weir check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    pub config: ConfigArgument,
    /// Show what becomes of each line of this file (- is standard input).
    #[arg(long = "try", value_name = "FILE")]
    pub try_file: Option<PathBuf>,
    /// Take the lines as those of this source of the config; otherwise as those of the one that reads the file, or
    /// of the first.
    #[arg(long, value_name = "NAME", requires = "try_file")]
    pub source: Option<String>,
}

/// Arguments of `weir alerts`.
#[derive(Debug, Args)]
pub struct AlertsArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// What changed, the youngest first, instead of what is.
    #[arg(long)]
    pub history: bool,
    /// How they are printed.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub output: ResultOutput,
}

/// Arguments of `weir rules`.
#[derive(Debug, Args)]
pub struct RulesArguments {
    #[command(flatten)]
    pub config: ConfigArgument,
    /// The oldest Prometheus that is to read them.
    #[arg(long, value_name = "VERSION", value_enum, default_value = "2.42")]
    pub target_version: RulesVersion,
    /// A folder for the rules and their tests; else the rules are printed.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Versions of Prometheus that differ in what rules may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RulesVersion {
    /// An offset in each expression.
    #[value(name = "2.42")]
    V2_42,
    /// An offset for each group.
    #[value(name = "2.53")]
    V2_53,
    /// The same.
    #[value(name = "3.x", alias = "3")]
    V3,
}

/// The format of that name.
///
/// # Errors
///
/// The names that there are.
pub fn parse_format(name: &str) -> Result<FormatChoice, String> {
    match Format::from_name(name) {
        Some(format) => Ok(FormatChoice(Some(format))),
        None if name == "auto" => Ok(FormatChoice(None)),
        None => Err("expected auto, alb, nginx_json, combined or ndjson".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_called_bootstrap_is_the_function() {
        for (arguments, log_format, expected) in [
            ("/var/task/bootstrap", None, "/var/task/bootstrap lambda"),
            ("bootstrap", Some("Text"), "bootstrap lambda"),
            ("bootstrap", Some("JSON"), "bootstrap lambda --log-format=json"),
            ("bootstrap --help", Some("JSON"), "bootstrap --help"),
            ("weir", Some("JSON"), "weir"),
            ("weir bootstrap", None, "weir bootstrap"),
        ] {
            let arguments = arguments.split(' ').map(OsString::from).collect();
            let found: Vec<_> = completed(arguments, log_format)
                .into_iter()
                .map(|word| word.into_string().unwrap())
                .collect();
            assert_eq!(found.join(" "), expected);
        }
    }

    #[test]
    fn the_definition_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
