//! `weir import-beaver`: Beaver's config as one for weir.
//!
//! A translation that its reader will look through, not one that hides what it could not do: what has no counterpart
//! stands as a comment where it was met, with what to do instead. Nothing is read but the file that is named; Beaver's
//! `confd_path` would need the machine it is on, so its files are imported one by one.

mod convert;
mod ini;

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;

use crate::cli::ImportBeaverArguments;

/// Prints the config for the one in a file.
///
/// # Errors
///
/// A file that cannot be read, or is none of Beaver's; output that cannot be written.
pub fn run(arguments: &ImportBeaverArguments) -> anyhow::Result<ExitCode> {
    let path = arguments.file.display();
    let bytes = fs::read(&arguments.file).with_context(|| format!("cannot read {path}"))?;
    let text = String::from_utf8(bytes).with_context(|| format!("{path} is not UTF-8"))?;
    let sections = ini::parse(&text).map_err(|error| anyhow::anyhow!("{path}:{error}"))?;
    let config = convert::convert(&sections);
    std::io::stdout().lock().write_all(config.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
