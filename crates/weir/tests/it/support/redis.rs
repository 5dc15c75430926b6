//! A real Redis, and as much of its protocol as pushing and looking takes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use super::folder::Folder;
use super::program::Process;
use super::wait::until;

/// A server on a port of its own with an append-only file that is synced at each write; it ends with its owner.
pub struct Redis {
    pub port: u16,
    folder: Folder,
    process: Option<Process>,
    arguments: Vec<String>,
}

/// What it answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Text(String),
    Number(i64),
    Nothing,
    List(Vec<Answer>),
    Error(String),
}

/// A connection.
pub struct RedisClient {
    stream: BufReader<TcpStream>,
}

impl Redis {
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Self {
        let mut redis = Self::stopped(arguments);
        redis.restart();
        redis
    }

    /// One that does not run yet, so that its port is all that is known.
    pub fn stopped(arguments: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { port, folder: Folder::new(), process: None, arguments }
    }

    /// Starts it, with what it has on its disk, and waits until it answers.
    #[track_caller]
    pub fn restart(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
        command.arg(self.folder.path("")).args(["--appendonly", "yes", "--appendfsync", "always"]);
        command.args(&self.arguments).stdout(Stdio::null());
        self.process = Some(Process(command.spawn().expect("redis-server is installed by .ci/setup")));
        self.client();
    }

    /// Ends it with no chance to do anything (SIGKILL).
    #[track_caller]
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.0.kill().unwrap();
        process.wait();
    }

    /// Stops it where it stands, as a machine that hangs or a network that is cut: connections stay open and nothing
    /// answers.
    #[track_caller]
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    #[track_caller]
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    #[track_caller]
    fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().expect("it runs").0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// A connection to it, once it answers.
    #[track_caller]
    pub fn client(&self) -> RedisClient {
        until("Redis to answer", || {
            let mut client = RedisClient::connect(self.port)?;
            (client.try_ask(&["PING"])? == Answer::Text("PONG".to_owned())).then_some(client)
        })
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl RedisClient {
    pub fn connect(port: u16) -> Option<Self> {
        Some(Self { stream: BufReader::new(TcpStream::connect(("127.0.0.1", port)).ok()?) })
    }

    /// Sends a command and waits for its answer.
    #[track_caller]
    pub fn ask(&mut self, command: &[&str]) -> Answer {
        self.try_ask(command).expect("Redis answers")
    }

    /// The same; `None` where the server is gone.
    pub fn try_ask(&mut self, command: &[&str]) -> Option<Answer> {
        self.send(command)?;
        self.read()
    }

    /// Sends a command and waits for nothing.
    pub fn send(&mut self, command: &[&str]) -> Option<()> {
        let mut bytes = format!("*{}\r\n", command.len());
        for part in command {
            bytes += &format!("${}\r\n{part}\r\n", part.len());
        }
        self.stream.get_mut().write_all(bytes.as_bytes()).ok()
    }

    /// Pushes entries as Beaver does, a command each in one pipeline; how many were acknowledged.
    pub fn push(&mut self, key: &str, entries: &[String]) -> usize {
        for entry in entries {
            if self.send(&["RPUSH", key, entry]).is_none() {
                break;
            }
        }
        entries.iter().map_while(|_| self.read()).filter(|answer| matches!(answer, Answer::Number(_))).count()
    }

    /// All keys there are, sorted.
    #[track_caller]
    pub fn keys(&mut self) -> Vec<String> {
        let Answer::List(keys) = self.ask(&["KEYS", "*"]) else { panic!("no list") };
        let mut keys: Vec<String> = keys.into_iter().map(|key| format!("{key:?}")).collect();
        keys.sort();
        keys
    }

    fn read(&mut self) -> Option<Answer> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok().filter(|&len| len > 0)?;
        let (kind, rest) = line.trim_end().split_at(1);
        Some(match kind {
            "+" => Answer::Text(rest.to_owned()),
            "-" => Answer::Error(rest.to_owned()),
            ":" => Answer::Number(rest.parse().ok()?),
            "$" if rest == "-1" => Answer::Nothing,
            "$" => {
                let mut bytes = vec![0; rest.parse::<usize>().ok()? + 2];
                self.stream.read_exact(&mut bytes).ok()?;
                Answer::Text(String::from_utf8_lossy(&bytes[..bytes.len() - 2]).into_owned())
            }
            "*" => {
                let len = rest.parse::<usize>().ok()?;
                Answer::List((0..len).map_while(|_| self.read()).collect())
            }
            other => panic!("Redis answers {other}{rest}"),
        })
    }
}
