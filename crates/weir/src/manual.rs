//! Completions and the manual page, made from the definition of the command line.
//!
//! Printed by the program itself rather than built beside it: they can't be of another version, and a
//! package only needs to run the program it packs.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;

/// Prints the completions for a shell.
///
/// # Errors
///
/// Output that cannot be written.
pub fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "weir", &mut text);
    io::stdout().lock().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page: the command, and a section for each of its subcommands.
///
/// # Errors
///
/// Output that cannot be written.
pub fn man() -> anyhow::Result<ExitCode> {
    let mut command = Cli::command();
    command.build();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        let name = format!("weir {}", subcommand.get_name());
        writeln!(text, ".SH {}", name.to_uppercase())?;
        let page = clap_mangen::Man::new(subcommand.clone());
        page.render_synopsis_section(&mut text)?;
        page.render_description_section(&mut text)?;
        page.render_options_section(&mut text)?;
        page.render_extra_section(&mut text)?;
    }
    io::stdout().lock().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}
