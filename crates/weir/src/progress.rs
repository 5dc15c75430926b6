//! A progress bar on a terminal, and nothing anywhere else.
//!
//! Bytes and not files or objects: these differ by a factor of a million, and a bar of them would lie.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// Progress of a known amount of work.
pub struct Progress(ProgressBar);

impl Progress {
    /// Progress in bytes of files.
    pub fn of_bytes(bytes: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(bytes);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Adds bytes that are done.
    pub fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// So many bytes are done of those that are known of by now.
    pub fn reach(&self, done_bytes: u64, known_bytes: u64) {
        self.0.set_length(known_bytes);
        self.0.set_position(done_bytes);
    }

    /// Takes the bar off the terminal.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
