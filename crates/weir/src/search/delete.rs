//! `weir delete`: records removed for good, and what that did not reach.
//!
//! The answer has two parts that are never mixed up: what is gone stands on stdout, and what may be elsewhere on
//! stderr, so that a script that deletes still shows a person what is left to do.

use std::io::Write;
use std::process::ExitCode;

use weir_web::{DeleteAnswer, DeleteRequest};

use super::arguments::DeleteArguments;
use crate::account::{counted, grouped};
use crate::admin::{Connection, ResultOutput, runtime};
use crate::output::{harmless, pretty_json, say};

/// Runs the command.
///
/// # Errors
///
/// Nobody who can be asked, or an answer that says what is wrong.
pub fn run(arguments: &DeleteArguments) -> anyhow::Result<ExitCode> {
    let request = DeleteRequest {
        query: arguments.query.clone(),
        from: arguments.from.clone(),
        to: arguments.to.clone(),
        dry_run: arguments.dry_run,
    };
    let answer = runtime()?.block_on(async {
        let connection = Connection::open(&arguments.server, false).await?;
        let outcome = connection.delete(request).await;
        let closed = connection.close().await;
        outcome.and_then(|answer| closed.map(|()| answer))
    })?;
    let text = match arguments.output {
        ResultOutput::Json => pretty_json(&answer)?,
        ResultOutput::Table => summary(&answer),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    if arguments.output == ResultOutput::Table {
        notes(&answer).iter().for_each(say);
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(answer: &DeleteAnswer) -> String {
    let records = counted(answer.records, "record", "records");
    if answer.is_dry_run {
        return format!("would remove {records}; nothing was removed\n");
    }
    let files = counted(answer.files_rewritten, "file", "files");
    format!("removed {records}: {files} written again, {} bytes freed\n", grouped(answer.bytes_freed))
}

fn notes(answer: &DeleteAnswer) -> Vec<String> {
    let not_covered = answer.not_covered.iter().map(|text| format!("not covered: {}", harmless(text)));
    let rejects = answer.rejects.iter().map(|reject| {
        format!("reject {}: {} {}", reject.id, harmless(&reject.source), harmless(&reject.preview))
    });
    let more = answer.rejects_are_cut.then(|| "there may be more rejects with these texts".to_owned());
    not_covered.chain(rejects).chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_never_sounds_like_the_deed() {
        let mut answer = DeleteAnswer { records: 1_200, files_rewritten: 1, ..DeleteAnswer::default() };
        assert_eq!(summary(&answer), "removed 1,200 records: 1 file written again, 0 bytes freed\n");
        answer.is_dry_run = true;
        assert_eq!(summary(&answer), "would remove 1,200 records; nothing was removed\n");
        answer.rejects_are_cut = true;
        assert_eq!(notes(&answer), ["there may be more rejects with these texts"]);
    }
}
