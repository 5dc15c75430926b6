//! DuckDB and pyarrow, which read the store's folder with no code of ours.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::{Process, python};

/// A process that answers questions about a folder.
pub struct Reader {
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Ends with the test.
    _process: Process,
}

impl Reader {
    /// Reads the store of a data folder.
    #[track_caller]
    pub fn start(data: &str) -> Self {
        let store = format!("{data}/store");
        let mut command = python(include_str!("reader.py"), &[&store, include_str!("reader.sql")]);
        let mut process = Process(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        let questions = process.0.stdin.take().unwrap();
        let answers = BufReader::new(process.0.stdout.take().unwrap());
        Self { questions, answers, _process: process }
    }

    /// Asks in SQL, of a table `records`; the answer comes with [`rows`](Self::rows).
    pub fn ask(&mut self, sql: &str) {
        writeln!(self.questions, "{}", json!({ "sql": sql })).unwrap();
    }

    /// The rows of the question before.
    ///
    /// # Errors
    ///
    /// What DuckDB says.
    pub fn rows(&mut self) -> Result<Vec<Value>, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        match answer["rows"].take() {
            Value::Array(rows) => Ok(rows),
            _ => Err(answer["error"].to_string()),
        }
    }

    /// Every record, as pyarrow reads it.
    ///
    /// # Errors
    ///
    /// What pyarrow says.
    pub fn records(&mut self) -> Result<Vec<Value>, String> {
        writeln!(self.questions, "{}", json!({ "files": true })).unwrap();
        self.rows()
    }
}
