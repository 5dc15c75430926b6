//! `weir silence`: keeps alerts quiet for a time, on the running server.
//!
//! Only on a running one: without it nothing fires. It asks what `amtool` asks, so both see the same silences.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_alert::notification::{Comparison, Matcher};
use weir_record::Timestamp;
use weir_web::{PostableSilence, ShownSilence, SilenceId, SilenceMatcher};

use crate::admin::{self, ApiClient, Connection, ResultOutput, ServerArguments, escaped};
use crate::clock;
use crate::config::PrometheusDuration;
use crate::output::{UsageError, harmless, pretty_json};
use crate::setup;

/// `weir silence`.
#[derive(Debug, Args)]
pub struct SilenceArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// What to do.
    #[command(subcommand)]
    pub command: SilenceCommand,
}

/// What to do with silences.
#[derive(Debug, Subcommand)]
pub enum SilenceCommand {
    /// Make one; its id is printed.
    Add(AddArguments),
    /// List those that silence, or will.
    List(ListArguments),
    /// End some.
    Expire {
        /// Their ids.
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
}

/// `weir silence add`.
#[derive(Debug, Args)]
pub struct AddArguments {
    /// What alerts must meet, all of it: alertname=ShopSlow, route=~"/api/.*", severity!=page.
    #[arg(value_name = "MATCHER", required = true)]
    pub matchers: Vec<String>,
    /// For how long.
    #[arg(long, default_value = "1h", value_name = "DURATION")]
    pub duration: String,
    /// From when on: RFC 3339, or now+1h [default: now].
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Until when, instead of a duration.
    #[arg(long, value_name = "TIME", conflicts_with = "duration")]
    pub end: Option<String>,
    /// Who wants it [default: $USER].
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
    /// Why: whoever wonders why nothing came reads it.
    #[arg(long, value_name = "TEXT")]
    pub comment: String,
}

/// `weir silence list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Only silences with a matcher of this label and a value that meets this.
    #[arg(value_name = "MATCHER")]
    pub matchers: Vec<String>,
    /// Those that are over too.
    #[arg(long)]
    pub expired: bool,
    /// How to print them.
    #[arg(long, value_enum, default_value = "table")]
    pub output: ResultOutput,
}

/// Runs the command.
///
/// # Errors
///
/// Wrong arguments, no server, or what it has against them.
pub fn run(arguments: &SilenceArguments) -> anyhow::Result<ExitCode> {
    admin::runtime()?.block_on(async {
        let client = Connection::server(&arguments.server).await?;
        match &arguments.command {
            SilenceCommand::Add(add) => self::add(&client, add).await?,
            SilenceCommand::List(list) => self::list(&client, list).await?,
            SilenceCommand::Expire { ids } => {
                for id in ids {
                    client.delete(&format!("/api/v2/silence/{}", escaped(id))).await?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn add(client: &ApiClient, arguments: &AddArguments) -> anyhow::Result<()> {
    let now = clock::now();
    let time = |text: &str, name: &'static str| {
        Timestamp::parse_expression(text, now).map_err(|error| UsageError::new(name, error))
    };
    let starts_at = arguments.start.as_deref().map_or(Ok(now), |text| time(text, "--start"))?;
    let ends_at = match &arguments.end {
        Some(text) => time(text, "--end")?,
        None => {
            let duration: PrometheusDuration = arguments
                .duration
                .parse()
                .map_err(|error| UsageError::new("--duration", format!("{error}")))?;
            starts_at.plus_micros(i64::try_from(duration.0.as_micros()).unwrap_or(i64::MAX))
        }
    };
    let mut matchers = Vec::new();
    for text in &arguments.matchers {
        let read = Matcher::parse_all(text)
            .map_err(|error| UsageError::new("MATCHER", format!("{text}: {error}")))?;
        matchers.extend(read.iter().map(|matcher| SilenceMatcher {
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
            is_regex: matches!(matcher.comparison(), Comparison::Matches | Comparison::MatchesNot),
            is_equal: matches!(matcher.comparison(), Comparison::Equal | Comparison::Matches),
        }));
    }
    let of_shell = || ["USER", "LOGNAME"].into_iter().find_map(setup::environment);
    let author = arguments.author.clone().or_else(of_shell).unwrap_or_default();
    if author.is_empty() {
        let problem = "nobody is named, and neither $USER nor $LOGNAME is set; add --author NAME";
        return Err(UsageError::new("--author", problem.to_owned()).into());
    }
    let silence = PostableSilence {
        id: None,
        matchers,
        starts_at: starts_at.to_string(),
        ends_at: ends_at.to_string(),
        created_by: author,
        comment: arguments.comment.clone(),
    };
    let made: SilenceId = client.post("/api/v2/silences", serde_json::to_vec(&silence)?).await?;
    print_text(&format!("{}\n", harmless(&made.silence_id)))
}

async fn list(client: &ApiClient, arguments: &ListArguments) -> anyhow::Result<()> {
    let filters: Vec<String> =
        arguments.matchers.iter().map(|text| format!("filter={}", escaped(text))).collect();
    let mut path = "/api/v2/silences".to_owned();
    if !filters.is_empty() {
        path = format!("{path}?{}", filters.join("&"));
    }
    let mut silences: Vec<ShownSilence> = client.get(&path).await?;
    silences.retain(|silence| arguments.expired || silence.status.state != "expired");
    silences.sort_by(|one, other| one.ends_at.cmp(&other.ends_at));
    match arguments.output {
        ResultOutput::Json => print_text(&pretty_json(&silences)?),
        ResultOutput::Table => print_text(&table(&silences)),
    }
}

fn table(silences: &[ShownSilence]) -> String {
    if silences.is_empty() {
        return "no silences\n".to_owned();
    }
    let mut text = String::new();
    for silence in silences {
        let matcher = |matcher: &SilenceMatcher| {
            let sign = match (matcher.is_equal, matcher.is_regex) {
                (true, false) => "=",
                (false, false) => "!=",
                (true, true) => "=~",
                (false, true) => "!~",
            };
            format!("{}{sign}{:?}", matcher.name, matcher.value)
        };
        let matchers: Vec<String> = silence.matchers.iter().map(matcher).collect();
        text.push_str(&format!(
            "{}  {}  {}\n  {} to {}, {}: {}\n",
            harmless(&silence.id),
            harmless(&silence.status.state),
            harmless(&matchers.join(" ")),
            harmless(&silence.starts_at),
            harmless(&silence.ends_at),
            harmless(&silence.created_by),
            harmless(&silence.comment)
        ));
    }
    text
}

fn print_text(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
