//! `weir tail`: records as the server takes them in.
//!
//! A tail that ends because a server was restarted is a tail that somebody believes to be quiet. So it connects again
//! by itself, and says on stderr what was not shown, and since when.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use weir_web::Hit;

use super::arguments::{SearchOutput, TailArguments, TailOutput};
use super::printer::Printer;
use super::question::{DefaultSpan, Question, QuestionText};
use super::{names_of, told};
use crate::account::counted;
use crate::admin::{ApiClient, Connection, escaped, runtime};
use crate::clock;
use crate::output::{harmless, say};

/// How long it waits before it connects again.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// The longest event that is read, in bytes: a line of a log and its names.
const EVENT_BYTES_MAX: usize = 64 << 20;

/// Runs the command until Ctrl-C.
///
/// # Errors
///
/// A wrong query, no server, or output that cannot be written.
pub fn run(arguments: &TailArguments) -> anyhow::Result<ExitCode> {
    let text = QuestionText {
        query: Some(&arguments.query),
        tz: arguments.tz.as_deref(),
        ..QuestionText::default()
    };
    let question = Question::parse(text, clock::now(), DefaultSpan::Everything)
        .and_then(Question::without_stats)
        .map_err(told)?;
    let mut parameters = vec![("query", arguments.query.clone())];
    parameters.extend(arguments.fields.clone().map(|fields| ("fields", fields)));
    parameters.extend(arguments.tz.as_ref().map(|_| ("tz", question.zone.name().to_owned())));
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let path = format!("/api/tail?{}", pairs.join("&"));
    let output = match arguments.output {
        TailOutput::Text => SearchOutput::Text,
        TailOutput::Json => SearchOutput::Json,
    };
    let mut tail =
        Tail { printer: Printer::new(output, arguments.fields.as_deref().map(names_of)), rest: Vec::new() };
    runtime()?.block_on(async {
        let client = Connection::server(&arguments.server).await?;
        tokio::select! {
            failed = tail.follow(&client, &path) => failed,
            _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        }
    })
}

struct Tail {
    printer: Printer,
    /// What came of the event that is not whole yet.
    rest: Vec<u8>,
}

impl Tail {
    /// Prints what comes, for ever. The first connection must work; later ones are tried again.
    async fn follow(&mut self, client: &ApiClient, path: &str) -> anyhow::Result<ExitCode> {
        let mut is_first = true;
        loop {
            match client.stream(path).await {
                Ok(mut stream) => {
                    if !is_first {
                        say(&"connected again; what came meanwhile was not shown, weir search finds it");
                    }
                    self.rest.clear();
                    while let Ok(Some(bytes)) = stream.next_chunk().await {
                        self.take(&bytes)?;
                    }
                    say(&"the connection has ended; connecting again");
                }
                Err(error) if is_first => return Err(error),
                Err(_) => {}
            }
            is_first = false;
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    /// Prints the events that are whole.
    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.windows(2).position(|end| end == b"\n\n") {
            let event: Vec<u8> = self.rest.drain(..end + 2).collect();
            self.show(&String::from_utf8_lossy(&event))?;
        }
        if self.rest.len() > EVENT_BYTES_MAX {
            bail!("the answer makes no sense; is the server a weir, of this version?");
        }
        Ok(self.printer.flush()?)
    }

    fn show(&mut self, event: &str) -> anyhow::Result<()> {
        let is_not_shown = event.lines().any(|line| line == "event: not_shown");
        let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else { return Ok(()) };
        let hit: Hit = serde_json::from_str(data)?;
        if event.lines().any(|line| line == "event: warning") {
            if let Some(warning) = hit.get("warning").and_then(serde_json::Value::as_str) {
                say(&harmless(warning));
            }
            return Ok(());
        }
        if is_not_shown {
            let count = hit.get("not_shown").and_then(serde_json::Value::as_u64).unwrap_or(0);
            let records = counted(count, "record", "records");
            say(&format_args!("{records} came too quickly to be shown; weir search finds what matches"));
            return Ok(());
        }
        Ok(self.printer.hit(&hit)?)
    }
}
