//! `weir check`: is the config right, and what would become of these lines?
//!
//! `--try` exists because a route pattern or a service that matches nothing is not wrong, only useless, and
//! no check of the config alone can tell. It uses the reader and the enricher of the real commands.

mod tried;

use std::process::ExitCode;

use anyhow::bail;

use crate::account::counted;
use crate::cli::CheckArguments;
use crate::config::{self, Config};
use crate::output::say;
use crate::setup;

/// Runs the command.
///
/// # Errors
///
/// No config was found, or everything that is wrong with it and with the files it names.
pub fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let path = setup::find_config(arguments.config.config.as_deref());
    let config = match (&path, &arguments.try_file) {
        (Some(path), _) => setup::read_config(path)?,
        (None, Some(_)) => Config::default(),
        (None, None) => {
            bail!("no config found; name one with -c, or print one with: weir init alb > weir.yaml")
        }
    };
    let enricher = setup::enricher(&config, None)?;
    if let Some(path) = &path {
        say(&format_args!(
            "{} is right: {}, {}",
            path.display(),
            counted(config.sources.len() as u64, "source", "sources"),
            counted(config.services.len() as u64, "service", "services")
        ));
        config::delays(&config).iter().for_each(say);
        config::remarks(&config).iter().for_each(|remark| say(&format_args!("note: {remark}")));
    }
    if let Some(file) = &arguments.try_file {
        tried::try_lines(file, arguments.source.as_deref(), &config, &enricher)?;
    }
    Ok(ExitCode::SUCCESS)
}
