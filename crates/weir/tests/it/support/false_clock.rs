//! A clock for one process that the test moves, so that an hour passes at once.
//!
//! The time is wrong only for who asks what time it is (libfaketime); what waits for a while waits as ever.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::clock::now_seconds;
use super::folder::Folder;

/// A clock that runs at the usual speed from wherever it was put.
pub struct FalseClock {
    folder: Folder,
}

impl FalseClock {
    /// A clock that shows `seconds` since the epoch.
    pub fn at(seconds: i64) -> Self {
        let clock = Self { folder: Folder::new() };
        clock.set(seconds);
        clock
    }

    /// Puts it to `seconds` since the epoch.
    pub fn set(&self, seconds: i64) {
        let next = self.folder.write("next", format!("{:+}s\n", seconds - now_seconds()));
        fs::rename(next, self.folder.path("offset")).unwrap();
    }

    /// Has a command see this clock.
    #[track_caller]
    pub fn show_to(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", self.folder.path("offset"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
    }
}

#[track_caller]
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    libraries.find(|library| library.exists()).expect("faketime, which `make setup` installs")
}
