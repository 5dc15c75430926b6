//! Running the program, and any other, in a way that no process outlives its test.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::folder::Folder;
use super::wait::{until, within};

/// A process that ends with its owner.
pub struct Process(pub Child);

impl Process {
    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        until("the process to end", || self.0.try_wait().unwrap())
    }

    /// Asks it to end, as a service manager does, and waits for it no longer than one would.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        /// When container runtimes lose patience and kill.
        const PATIENCE: Duration = Duration::from_secs(10);
        let signal = format!("kill -TERM {}", self.0.id());
        assert!(Command::new("sh").args(["-c", &signal]).status().unwrap().success());
        within(PATIENCE, "the process to end on SIGTERM", || self.0.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Run {
    /// The exit code; -1 where a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The same run, if it ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.stderr);
        self
    }
}

/// `weir` with these arguments, where no config is found unless it is named.
pub fn weir_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments).env_remove("WEIR_CONFIG").stdin(Stdio::null());
    command
}

/// Runs `weir` to its end.
#[track_caller]
pub fn weir(arguments: &[&str]) -> Run {
    output(&mut weir_command(arguments))
}

/// Runs `weir` to its end with `input` on stdin.
#[track_caller]
pub fn weir_with_input(arguments: &[&str], input: &[u8]) -> Run {
    let mut stdin = tempfile::tempfile().unwrap();
    stdin.write_all(input).unwrap();
    stdin.seek(SeekFrom::Start(0)).unwrap();
    output(weir_command(arguments).stdin(stdin))
}

/// Runs a command to its end; what it says goes through files, so it never waits for a reader.
#[track_caller]
pub fn output(command: &mut Command) -> Run {
    let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
    let status = Process(command.spawn().unwrap()).wait();
    Run { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

fn text(mut file: File) -> String {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).expect("what the program says is UTF-8")
}

/// Starts a program that `make setup` installs, its stderr in the folder's file `stderr`. Debian has daemons in a
/// folder that only root has in PATH.
#[track_caller]
pub fn installed(folder: &Folder, program: &str, arguments: &[&str]) -> Process {
    let spawn = |program: &str| {
        let log = File::create(folder.path("stderr")).unwrap();
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()
    };
    let spawned = spawn(program).or_else(|_| spawn(&format!("/usr/sbin/{program}")));
    Process(spawned.unwrap_or_else(|_| panic!("{program}, which `make setup` installs")))
}
