//! An HTTP server for tests that notes what comes and answers as it is told.
//!
//! It shares no code with the client, so a mistake in how requests are written cannot hide in how they are
//! read. It closes each connection, and the test process ends with its thread still listening.

use std::future::Future;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// An answer.
#[derive(Clone)]
pub(crate) struct FakeAnswer {
    status: u16,
    headers: String,
    text: String,
}

/// A server on a port of its own.
pub(crate) struct FakeReceiver {
    /// As `127.0.0.1:4711`.
    pub address: String,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl FakeAnswer {
    pub fn new(status: u16, text: &str) -> Self {
        Self { status, headers: String::new(), text: text.to_owned() }
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers += &format!("{name}: {value}\r\n");
        self
    }
}

impl FakeReceiver {
    /// Gives `answers` in turn, the last one for ever.
    pub fn answering(answers: &[FakeAnswer]) -> Self {
        let mut rest = answers.to_vec();
        rest.reverse();
        Self::start(move |_| if rest.len() > 1 { rest.pop() } else { rest.last().cloned() }.unwrap())
    }

    /// Answers each body by `answer`.
    pub fn start(mut answer: impl FnMut(&[u8]) -> FakeAnswer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // A connection that was opened ahead and is not used says nothing.
                let Some((head, body)) = read_request(&mut stream) else { continue };
                let FakeAnswer { status, headers, text } = answer(&body);
                lock(&noted).push([head, body].concat());
                let length = text.len();
                let text = format!(
                    "HTTP/1.1 {status} Status\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{text}"
                );
                let _ = stream.write_all(text.as_bytes());
            }
        });
        Self { address, requests }
    }

    /// Every request so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.requests).iter().map(|request| String::from_utf8_lossy(request).into_owned()).collect()
    }
}

fn lock(requests: &Mutex<Vec<Vec<u8>>>) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
    requests.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_request(stream: &mut TcpStream) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let text = String::from_utf8(head.clone()).ok()?.to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.trim().parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
