//! AWS Lambda as a function sees it: the runtime interface, version 2018-06-01.
//!
//! Written from AWS' page "Using the Lambda runtime API for custom runtimes". It gives out events, takes the
//! answers, and is as strict as AWS about what may be answered when.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use serde_json::Value;

use super::aws::CREDENTIALS;
use super::clock::now_seconds;
use super::folder::Folder;
use super::listener::{Received, Reply, listen};
use super::program::Process;

/// How long a test waits for an answer of the function.
const PATIENCE: Duration = Duration::from_secs(60);

/// Events and answers that wait; no test has more.
const QUEUE: usize = 16;

/// What a function said.
#[derive(Debug)]
pub enum Answer {
    /// The answer to an event.
    Response(Value),
    /// The event failed: `errorType` and `errorMessage`.
    Error(String, String),
    /// It cannot start: `errorType` and `errorMessage`.
    InitError(String, String),
}

/// A running function.
pub struct Lambda {
    events: SyncSender<(String, Duration)>,
    answers: Receiver<Answer>,
    process: Process,
    folder: Folder,
}

impl Lambda {
    /// Starts the program as Lambda does, under the name `bootstrap`, with these variables.
    #[track_caller]
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let (events, next) = sync_channel(QUEUE);
        let (said, answers) = sync_channel(QUEUE);
        let address = runtime_interface(next, said);
        let folder = Folder::new();
        let program = folder.path("bootstrap");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_weir"), &program).unwrap();
        let mut command = Command::new(program);
        command
            .current_dir(folder.path(""))
            .env_remove("WEIR_CONFIG")
            .envs(CREDENTIALS)
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path("log")).unwrap());
        Self { events, answers, process: Process(command.spawn().unwrap()), folder }
    }

    /// Gives an event with a minute of time and waits for the answer.
    #[track_caller]
    pub fn invoke(&self, event: &str) -> Answer {
        self.invoke_within(event, Duration::from_secs(60))
    }

    /// Gives an event that must be answered within this time, in the clock's eyes, and waits for the answer.
    #[track_caller]
    pub fn invoke_within(&self, event: &str, time: Duration) -> Answer {
        self.events.send((event.to_owned(), time)).unwrap();
        self.answer()
    }

    /// Waits for whatever it says next.
    #[track_caller]
    pub fn answer(&self) -> Answer {
        self.answers.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no answer: {}", self.log()))
    }

    /// What it wrote to stderr so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path("log")).unwrap()
    }

    /// Waits for its end and returns its exit code.
    #[track_caller]
    pub fn exit_code(&mut self) -> Option<i32> {
        self.process.wait().code()
    }
}

/// Serves the interface to one function; the address.
fn runtime_interface(next: Receiver<(String, Duration)>, said: SyncSender<Answer>) -> String {
    let next = Mutex::new(next);
    // The invocation that is under way; its number is its id.
    let current = Mutex::new((0_u32, false));
    listen(move |received: Received| {
        let path = received.path.strip_prefix("/2018-06-01/runtime/")?;
        let say = |answer| said.send(answer).map(|()| Reply::of(202, r#"{"status":"OK"}"#)).ok();
        let (number, is_open) = *current.lock().unwrap();
        let id = format!("8476a536-e9f4-11e8-9739-{number:012x}");
        match (received.method.as_str(), path) {
            ("GET", "invocation/next") => {
                assert!(!is_open, "the event before has no answer");
                let (event, time) = next.lock().unwrap().recv().ok()?;
                *current.lock().unwrap() = (number + 1, true);
                let id = format!("8476a536-e9f4-11e8-9739-{:012x}", number + 1);
                let deadline_ms = now_seconds() as u128 * 1_000 + time.as_millis();
                Some(Reply {
                    status: 200,
                    headers: vec![
                        ("Content-Type", "application/json".to_owned()),
                        ("Lambda-Runtime-Aws-Request-Id", id),
                        ("Lambda-Runtime-Deadline-Ms", deadline_ms.to_string()),
                        (
                            "Lambda-Runtime-Invoked-Function-Arn",
                            "arn:aws:lambda:eu-central-1:123456789012:function:weir".to_owned(),
                        ),
                    ],
                    body: event.into_bytes(),
                })
            }
            ("POST", "init/error") => {
                let (kind, text) = error(&received);
                say(Answer::InitError(kind, text))
            }
            ("POST", path) if is_open && path == format!("invocation/{id}/response") => {
                current.lock().unwrap().1 = false;
                say(Answer::Response(serde_json::from_slice(&received.body).unwrap()))
            }
            ("POST", path) if is_open && path == format!("invocation/{id}/error") => {
                current.lock().unwrap().1 = false;
                let (kind, text) = error(&received);
                say(Answer::Error(kind, text))
            }
            _ => Some(Reply::of(400, r#"{"errorMessage":"no such request","errorType":"InvalidRequestID"}"#)),
        }
    })
}

/// The type and the message of an error, which stand in the body, and the type in a header too.
#[track_caller]
fn error(received: &Received) -> (String, String) {
    let body: Value = serde_json::from_slice(&received.body).unwrap();
    let [kind, text] =
        ["errorType", "errorMessage"].map(|name| body[name].as_str().expect("a text").to_owned());
    assert_eq!(received.header("lambda-runtime-function-error-type"), kind);
    assert!(body["stackTrace"].is_array());
    (kind, text)
}
