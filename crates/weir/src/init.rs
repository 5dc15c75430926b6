//! `weir init`: a config to start from.

use std::io::Write;
use std::process::ExitCode;

use crate::cli::{InitArguments, InitKind};
use crate::config::templates;
/// Prints the commented config for what writes the user's logs.
///
/// # Errors
///
/// Output that cannot be written.
pub fn run(arguments: &InitArguments) -> anyhow::Result<ExitCode> {
    let text = match arguments.kind {
        InitKind::Alb => templates::ALB,
        InitKind::Nginx => templates::NGINX,
    };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
