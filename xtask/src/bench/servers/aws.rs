//! The emulator of S3 and SQS that `weir serve` reads from: moto, in `bench/peers/aws_emulator.py`.
//!
//! One for all rounds, since it holds all objects in memory and takes a while to get them; each round has a
//! queue of its own. It ends with its standard input, and so with this program, however that ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, bail};

use crate::bench::shell::Shell;

/// The Python that `make setup` installs; `-c 'import moto'` and the like follow it.
pub const PYTHON: &str = "\"${LOGWEIR_PYTHON:-${XDG_CACHE_HOME:-$HOME/.cache}/logweir/python}/bin/python\"";

/// What is asked of the program to be let in; the emulator takes any credentials.
pub const CREDENTIALS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_REGION", "eu-central-1"),
];

/// A running emulator with objects.
pub struct Aws {
    port: u16,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    child: Child,
    queues: u32,
}

impl Aws {
    /// Starts it and puts the files of `folder`, which is below the shell's.
    ///
    /// # Errors
    ///
    /// When moto is not there, or the files are not.
    pub fn start(shell: &Shell, folder: &str) -> anyhow::Result<Self> {
        let mut command = shell.command(&[], &format!("exec {PYTHON} ../../peers/aws_emulator.py"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the emulator of AWS")?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (commands, answers) = pipes.context("the emulator of AWS has no pipes")?;
        let mut aws = Self { port: 0, commands, answers: BufReader::new(answers), child, queues: 0 };
        aws.port = aws.answer()?.parse().context("the emulator of AWS says no port; run `make setup`")?;
        aws.tell(&format!("put {folder}"))?;
        Ok(aws)
    }

    /// Makes a queue with a message for each object; the source of a config that reads it.
    ///
    /// # Errors
    ///
    /// When the emulator has ended.
    pub fn source(&mut self) -> anyhow::Result<String> {
        self.queues += 1;
        let (port, name) = (self.port, self.queue_name());
        self.tell(&format!("queue {name}"))?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let queue = format!("{endpoint}/123456789012/{name}");
        Ok(format!(
            "{{name: alb, type: alb, sqs: {{queue_url: '{queue}', endpoint_url: '{endpoint}', path_style: true, \
             region: eu-central-1}}}}"
        ))
    }

    /// Messages that the queue of this round still has. They are deleted once their objects are durable, so
    /// this tells how far the server is without asking it, which would cost it CPU time.
    ///
    /// # Errors
    ///
    /// When the emulator has ended.
    pub fn messages_left(&mut self) -> anyhow::Result<u64> {
        let name = self.queue_name();
        let answer = self.ask(&format!("left {name}"))?;
        answer.parse().with_context(|| format!("`{answer}` is no number of messages"))
    }

    fn queue_name(&self) -> String {
        format!("round-{}", self.queues)
    }

    fn tell(&mut self, command: &str) -> anyhow::Result<()> {
        let answer = self.ask(command)?;
        if answer == "done" { Ok(()) } else { bail!("the emulator of AWS did not do `{command}`") }
    }

    fn ask(&mut self, command: &str) -> anyhow::Result<String> {
        writeln!(self.commands, "{command}").context("the emulator of AWS has ended")?;
        self.answer()
    }

    fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context("cannot read from the emulator of AWS")?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        // It may have ended; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
