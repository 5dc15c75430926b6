//! The project's automation, in the project's language.
//!
//! `cargo xtask tidy` needs no tool beyond cargo and git and its checks are unit-tested, which a
//! shell script's would not be. What clippy, rustfmt or cargo can check is left to them; here is
//! what they cannot know: which crate may use which, what a pure crate may not touch, that a module
//! says why it exists, that a document's links lead somewhere.

use std::process::ExitCode;

mod bench;
mod tidy;

const USAGE: &str = "usage: cargo xtask tidy     check the rules of STYLE.md that a program can check
       cargo xtask bench    measure weir beside its peers; see bench/README.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["tidy"] => report(tidy::run()),
        ["bench", flags @ ..] => bench(flags),
        ["help" | "--help" | "-h"] => {
            say(USAGE);
            ExitCode::SUCCESS
        }
        _ => {
            complain(USAGE);
            ExitCode::from(2)
        }
    }
}

/// Prints what tidy found: findings on stdout for editors and pipes, the summary on stderr.
fn report(outcome: anyhow::Result<tidy::Report>) -> ExitCode {
    match outcome {
        Ok(report) => {
            report.findings.iter().for_each(|finding| say(&finding.to_string()));
            complain(&report.summary());
            if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            complain(&format!("tidy: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures; what is measured is printed and kept by [`bench::run`].
fn bench(flags: &[&str]) -> ExitCode {
    let options = match bench::Options::parse(flags) {
        Ok(options) => options,
        Err(error) => {
            complain(&format!("bench: {error}"));
            return ExitCode::from(2);
        }
    };
    match bench::run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stdout, reason = "findings are this program's result")]
fn say(line: &str) {
    println!("{line}");
}

#[allow(clippy::print_stderr, reason = "the one place that speaks beside the result")]
fn complain(line: &str) {
    eprintln!("{line}");
}
