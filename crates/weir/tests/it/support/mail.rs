//! A mail server that shows what it took, read by Python's own parser.

use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::{Value, json};

use super::program::Process;
use super::python::python;
use super::wait::until;

/// A mail server on this machine.
pub struct MailServer {
    /// Its port.
    pub port: u16,
    _process: Process,
    lines: Receiver<String>,
    taken: RefCell<Vec<Mail>>,
}

/// A mail as an independent parser read it.
#[derive(Clone, Debug)]
pub struct Mail(Value);

impl MailServer {
    /// Starts one.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// Starts one at a port; 0 is any.
    #[track_caller]
    pub fn start_at(port: u16) -> Self {
        let script = include_str!("../../../../ship/tests/notifications/smtpd.py");
        let mut command = python(script, &[&json!({"mode": "none", "port": port}).to_string()]);
        let mut process = Process(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        let read = BufReader::new(process.0.stdout.take().unwrap());
        let (sender, lines) = sync_channel(10_000);
        std::thread::spawn(move || read.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let port = until("the mail server to say its port", || lines.try_recv().ok());
        let (port, taken) = (port.parse().unwrap(), RefCell::default());
        Self { port, _process: process, lines, taken }
    }

    /// All mails that it took so far, in their order.
    pub fn taken(&self) -> Vec<Mail> {
        let parsed = self.lines.try_iter().map(|line| Mail(serde_json::from_str(&line).unwrap()));
        self.taken.borrow_mut().extend(parsed);
        self.taken.borrow().clone()
    }

    /// The mail with this number, from 0, as soon as there is one.
    #[track_caller]
    pub fn await_mail(&self, number: usize) -> Mail {
        until(&format!("mail {number}"), || self.taken().get(number).cloned())
    }
}

impl Mail {
    /// The value of a header; "" where there is none.
    pub fn header(&self, name: &str) -> &str {
        let headers = self.0["headers"].as_array().unwrap();
        let found = headers.iter().find(|pair| pair[0] == name);
        found.map_or("", |pair| pair[1].as_str().unwrap())
    }

    /// The part with plain text.
    pub fn text(&self) -> &str {
        self.part("text/plain")
    }

    /// The part with HTML.
    pub fn html(&self) -> &str {
        self.part("text/html")
    }

    fn part(&self, kind: &str) -> &str {
        let parts = self.0["parts"].as_array().unwrap();
        parts.iter().find(|part| part[0] == kind).and_then(|part| part[1].as_str()).unwrap()
    }

    /// What the parser found wrong with it.
    pub fn defects(&self) -> &Value {
        &self.0["defects"]
    }

    /// What stands behind a name in the text, `Measured`; fails where it is not there.
    #[track_caller]
    pub fn fact(&self, name: &str) -> &str {
        self.find_fact(name).unwrap_or_else(|| panic!("no {name}: {}", self.text()))
    }

    /// The same, where it may be missing.
    pub fn find_fact(&self, name: &str) -> Option<&str> {
        let fact = |line: &'_ str| Some(line.trim_start().strip_prefix(name)?.strip_prefix(':')?.len());
        self.text().lines().find_map(|line| Some(line[line.len() - fact(line)?..].trim()))
    }

    /// The lines of a table of the text, `By status:`, without those of the next.
    #[track_caller]
    pub fn rows(&self, heading: &str) -> Vec<&str> {
        let mut lines = self.text().lines().skip_while(|line| line.trim() != heading);
        assert!(lines.next().is_some(), "no {heading}: {}", self.text());
        lines.take_while(|line| !line.is_empty()).map(str::trim).collect()
    }
}
