//! A running `weir serve`.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::aws::CREDENTIALS;
use super::false_clock::FalseClock;
use super::folder::Folder;
use super::http::{Response, get, get_with, request};
use super::metrics;
use super::program::{Process, weir_command};
use super::wait::until;

/// A server on a port of its own choice; it ends with its owner.
pub struct Server {
    /// Where it listens, `127.0.0.1:<port>`.
    pub address: String,
    process: Process,
    folder: Folder,
}

impl Server {
    /// Starts `weir serve` with these arguments and a data folder of its own, and waits until it listens.
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let data = folder.path("data");
        Self::spawn(folder, serve_command(&data, arguments))
    }

    /// Starts it with a data folder that may have been used before.
    #[track_caller]
    pub fn start_in(data: &str, arguments: &[&str]) -> Self {
        Self::spawn(Folder::new(), serve_command(data, arguments))
    }

    /// Starts it with variables in its environment.
    #[track_caller]
    pub fn start_with(variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let mut command = serve_command(&folder.path("data"), arguments);
        command.envs(variables.iter().copied());
        Self::spawn(folder, command)
    }

    /// Starts it with a clock of its own.
    #[track_caller]
    pub fn start_at(clock: &FalseClock, data: &str, arguments: &[&str]) -> Self {
        let mut command = serve_command(data, arguments);
        clock.show_to(&mut command);
        Self::spawn(Folder::new(), command)
    }

    /// Starts it with files that cannot grow beyond this size, as on a full disk.
    #[track_caller]
    pub fn start_with_little_room(data: &str, file_kib_max: u64, arguments: &[&str]) -> Self {
        let inner = serve_command(data, arguments);
        // A write beyond the limit fails instead of ending the process.
        let script = format!("trap '' XFSZ; ulimit -S -f {file_kib_max}; exec \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script]).arg(inner.get_program()).args(inner.get_args());
        command.envs(CREDENTIALS).env_remove("WEIR_CONFIG").stdin(Stdio::null()).stdout(Stdio::null());
        Self::spawn(Folder::new(), command)
    }

    /// Lets files grow as they like again.
    #[track_caller]
    pub fn make_room(&self) {
        let pid = self.process.0.id().to_string();
        let raised = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
        assert!(raised.unwrap().success());
    }

    #[track_caller]
    fn spawn(folder: Folder, mut command: Command) -> Self {
        let log = File::create(folder.path("log")).unwrap();
        let process = Process(command.stderr(log).spawn().unwrap());
        let mut server = Self { address: String::new(), process, folder };
        server.address = until("the server to say its address", || server.logged_address());
        server
    }

    fn logged_address(&mut self) -> Option<String> {
        let log = self.log();
        let ended = self.process.0.try_wait().unwrap();
        assert!(ended.is_none(), "the server ended: {log}");
        let line = log.lines().find(|line| line.contains("message=started"))?;
        line.split(' ').find_map(|word| word.strip_prefix("address=")).map(str::to_owned)
    }

    /// What it wrote to stderr so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path("log")).unwrap()
    }

    /// Where it says that it listens for messages by a transport whose name begins so: `udp`, `tcp`, `tls`.
    #[track_caller]
    pub fn listens_at(&self, transport: &str) -> SocketAddr {
        let log = self.log();
        let is_it =
            |line: &&str| line.contains("listening") && line.contains(&format!("transport={transport}"));
        let address = log.lines().find(is_it);
        let address = address.and_then(|line| line.split(' ').find_map(|word| word.strip_prefix("address=")));
        address.unwrap_or_else(|| panic!("no {transport}: {log}")).parse().unwrap()
    }

    /// GETs a path.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        get(&self.address, path)
    }

    /// Sends any request.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        request(&self.address, method, path, headers, body)
    }

    /// GETs `/metrics` with these headers.
    #[track_caller]
    pub fn scrape(&self, headers: &[(&str, &str)]) -> Response {
        get_with(&self.address, "/metrics", headers)
    }

    /// `/metrics` as a person with curl sees it.
    #[track_caller]
    pub fn metrics(&self) -> String {
        self.scrape(&[("User-Agent", "curl/8.9.1"), ("Accept", "*/*")]).text()
    }

    /// The sum of a metric over all series with these labels, as a person with curl sees it.
    #[track_caller]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        metrics::sum(&self.metrics(), name, labels)
    }

    /// Waits until a sum is as expected; more than expected fails at once.
    #[track_caller]
    pub fn await_sum(&self, name: &str, labels: &[(&str, &str)], expected: f64) {
        until(&format!("{name} {labels:?} to be {expected}"), || {
            let sum = self.sum(name, labels);
            assert!(sum <= expected, "{name} is {sum}, more than {expected}\n{}", self.log());
            (sum == expected).then_some(())
        });
    }

    /// Asks it to end and waits for it: the exit code and the log.
    #[track_caller]
    pub fn terminate(mut self) -> (Option<i32>, String) {
        let status = self.process.terminate();
        (status.code(), self.log())
    }

    /// Sends SIGHUP.
    #[track_caller]
    pub fn hang_up(&self) {
        let pid = self.process.0.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    }

    /// Ends it with no chance to do anything (SIGKILL), and waits for it.
    #[track_caller]
    pub fn kill(mut self) {
        self.process.0.kill().unwrap();
        self.process.wait();
    }
}

/// `weir serve` on a free port, with credentials for the emulator of AWS.
pub fn serve_command(data: &str, arguments: &[&str]) -> Command {
    let mut command = weir_command(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data]);
    command.args(arguments).envs(CREDENTIALS).stdout(Stdio::null());
    command
}

/// Starts the program with a config and does not wait for anything; it adds to the log at `log`, and crashes at this
/// step of its work if there is one.
pub fn launch(data: &str, config: &str, log: &str, crash_at: Option<&str>) -> Process {
    launched(serve_command(data, &["-c", config]), log, crash_at)
}

/// The same with a clock of its own.
pub fn launch_at(clock: &FalseClock, data: &str, config: &str, log: &str, crash_at: Option<&str>) -> Process {
    let mut command = serve_command(data, &["-c", config]);
    clock.show_to(&mut command);
    launched(command, log, crash_at)
}

fn launched(mut command: Command, log: &str, crash_at: Option<&str>) -> Process {
    command.envs(crash_at.map(|step| ("WEIR_CRASH_AT", step)));
    let log = File::options().create(true).append(true).open(log).unwrap();
    Process(command.stderr(log).spawn().unwrap())
}
