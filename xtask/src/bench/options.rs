//! The flags of `cargo xtask bench`.
//!
//! Read by hand: five flags do not pay for an argument parser in the tool that every `make lint`
//! builds first.

use std::path::PathBuf;

const USAGE: &str =
    "usage: cargo xtask bench [--quick] [--runs N] [--only NAME,..] [--out FOLDER] [--no-build]
  --quick       200,000 lines, one run: tries the harness, measures nothing
  --runs N      counted runs of each command, after one that is not [default: 5; 1 with --quick]
  --only NAMES  only these commands, as bench/README.md names them
  --out FOLDER  where the record is written [default: bench/runs/<date>-<machine>, or bench/data/last
                for a run that is quick or not of all commands]
  --no-build    the programs that are in the target folder already, however old: tries the harness";

/// What is measured and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Counted runs of each command.
    pub runs: u32,
    /// Names of commands; all if empty.
    pub only: Vec<String>,
    /// A tenth of the data.
    pub is_quick: bool,
    /// Programs as they were built last.
    pub is_built: bool,
    /// Where the record is written, if not at its usual place.
    pub out: Option<PathBuf>,
}

const RUNS: u32 = 5;
const RUNS_QUICK: u32 = 1;

impl Options {
    /// Reads the flags.
    ///
    /// # Errors
    ///
    /// What is wrong with them, for the user.
    pub fn parse(flags: &[&str]) -> Result<Self, String> {
        let (mut runs, mut only, mut is_quick, mut is_built, mut out) =
            (None, Vec::new(), false, false, None);
        let mut flags = flags.iter();
        while let Some(&flag) = flags.next() {
            let mut value = || flags.next().copied().ok_or(format!("{flag} needs a value"));
            match flag {
                "--quick" => is_quick = true,
                "--no-build" => is_built = true,
                "--runs" => runs = Some(parse_runs(value()?)?),
                "--only" => only = value()?.split(',').map(str::to_owned).collect(),
                "--out" => out = Some(PathBuf::from(value()?)),
                _ => return Err(format!("unknown flag `{flag}`\n{USAGE}")),
            }
        }
        let runs = runs.unwrap_or(if is_quick { RUNS_QUICK } else { RUNS });
        Ok(Self { runs, only, is_quick, is_built, out })
    }

    /// Whether the record is worth keeping: all commands on all data, by the program of this commit.
    pub fn is_complete(&self) -> bool {
        !self.is_quick && !self.is_built && self.only.is_empty()
    }
}

fn parse_runs(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(runs) if runs > 0 => Ok(runs),
        _ => Err(format!("--runs: `{text}` is not a whole number above 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_five_runs_of_everything() {
        let options = Options::parse(&[]).unwrap();
        assert_eq!(
            options,
            Options { runs: 5, only: Vec::new(), is_quick: false, is_built: false, out: None }
        );
        assert!(options.is_complete());
    }

    #[test]
    fn flags_may_be_combined() {
        let options =
            Options::parse(&["--quick", "--only", "a,b", "--runs", "3", "--out", "x", "--no-build"]).unwrap();
        let only = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(
            options,
            Options { runs: 3, only, is_quick: true, is_built: true, out: Some(PathBuf::from("x")) }
        );
        assert!(!options.is_complete());
        assert_eq!(Options::parse(&["--quick"]).unwrap().runs, 1);
    }

    #[test]
    fn wrong_flags_are_named() {
        for (flags, expected) in [
            (&["--runs", "0"][..], "--runs: `0` is not a whole number above 0"),
            (&["--runs"], "--runs needs a value"),
            (&["--fast"], "unknown flag `--fast`"),
        ] {
            let error = Options::parse(flags).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
