//! As much of HTTP as measuring needs: a client that keeps its connection, and a server that takes anything.
//!
//! By hand, over the standard library: a client with a runtime of its own would take much of the CPU time
//! that it shares with the server under test, and the two cores are all there is.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest body that is read of a request or an answer, in bytes; remote write sends a few MB at most.
const BODY_BYTES_MAX: u64 = 256 << 20;

/// The longest line of a head that is read, in bytes.
const HEAD_LINE_BYTES_MAX: u64 = 64 << 10;

/// The first line of a message and how long its body is.
struct Head {
    first_line: String,
    body_bytes: u64,
}

/// A connection to a server that is used for many requests.
pub struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens.
    pub fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream
            .set_nodelay(true)
            .and(stream.set_read_timeout(Some(PATIENCE)))
            .context("cannot set up a socket")?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Sends a whole request and reads the answer over; its status.
    ///
    /// # Errors
    ///
    /// When the connection is cut, or the answer has no length.
    pub fn exchange(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.reader.get_mut().write_all(request).context("cannot send a request")?;
        let head = read_head(&mut self.reader)?.context("the server closed the connection")?;
        skip_body(&mut self.reader, head.body_bytes)?;
        let status = head.first_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.with_context(|| format!("`{}` is no status line", head.first_line))
    }
}

/// Reads a head up to its empty line; `None` at the end of the connection.
fn read_head(reader: &mut impl BufRead) -> anyhow::Result<Option<Head>> {
    let mut line = String::new();
    let mut head: Option<Head> = None;
    loop {
        line.clear();
        reader.take(HEAD_LINE_BYTES_MAX).read_line(&mut line).context("cannot read from a connection")?;
        match (line.trim_end(), &mut head) {
            ("", _) => return Ok(head),
            (first_line, None) => head = Some(Head { first_line: first_line.to_owned(), body_bytes: 0 }),
            (header, Some(head)) => {
                let (name, value) = header.split_once(':').unwrap_or((header, ""));
                if name.eq_ignore_ascii_case("content-length") {
                    head.body_bytes = value.trim().parse().context("a length that is no number")?;
                } else if name.eq_ignore_ascii_case("transfer-encoding") {
                    bail!("a body in chunks is not read here");
                }
            }
        }
    }
}

fn skip_body(reader: &mut impl Read, bytes: u64) -> anyhow::Result<()> {
    if bytes > BODY_BYTES_MAX {
        bail!("a body of {bytes} bytes is too large");
    }
    let read = std::io::copy(&mut reader.take(bytes), &mut std::io::sink());
    if read.context("cannot read a body")? == bytes { Ok(()) } else { bail!("a body was cut") }
}

/// The body of a successful answer to `GET`, as a person with curl sees it.
///
/// # Errors
///
/// When there is no answer, or another status than 200.
pub fn get(address: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_read_timeout(Some(PATIENCE)).context("cannot set up a socket")?;
    // Version 1.0, so that nothing comes in chunks.
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nUser-Agent: curl/8.9.1\r\nAccept: */*\r\n\r\n");
    stream.write_all(request.as_bytes()).context("cannot send a request")?;
    let mut answer = String::new();
    stream.take(BODY_BYTES_MAX).read_to_string(&mut answer).with_context(|| format!("cannot read {path}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no head")?;
    if head.split(' ').nth(1) != Some("200") {
        bail!("GET {path}: {}", head.lines().next().unwrap_or_default());
    }
    Ok(body.to_owned())
}

/// Listens on a port of its own until the program ends, and answers every request with 204; the address.
///
/// # Errors
///
/// When there is no port.
pub fn take_anything() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    let address = listener.local_addr().context("cannot listen")?.to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that fails is the sender's to notice.
            std::thread::spawn(move || answer_all(stream));
        }
    });
    Ok(address)
}

fn answer_all(stream: TcpStream) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(head) = read_head(&mut reader)? {
        skip_body(&mut reader, head.body_bytes)?;
        reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").context("cannot answer")?;
    }
    Ok(())
}

/// The sum of all samples in Prometheus' text whose name `is_wanted`.
pub fn sum(metrics: &str, is_wanted: impl Fn(&str) -> bool) -> f64 {
    let value = |line: &str| {
        let (name, rest) = line.split_at(line.find(['{', ' '])?);
        let value = rest.rsplit_once('}').map_or(rest, |(_, value)| value).split_whitespace().next()?;
        is_wanted(name).then(|| value.parse::<f64>().ok()).flatten()
    };
    metrics.lines().filter(|line| !line.starts_with('#')).filter_map(value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_by_name() {
        let text = "# TYPE a counter\na{b=\"} 9\"} 3\na 4\nab 5\nc{d=\"e\"} 1.5 123\n";
        assert_eq!(sum(text, |name| name == "a"), 7.0);
        assert_eq!(sum(text, |name| name == "c"), 1.5);
        assert_eq!(sum(text, |name| name == "d"), 0.0);
    }

    #[test]
    fn a_connection_is_used_again() {
        let mut connection = Connection::open(&take_anything().unwrap()).unwrap();
        for _ in 0..2 {
            assert_eq!(connection.exchange(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab").unwrap(), 204);
        }
    }

    #[test]
    fn a_head_has_a_length_or_none() {
        let head = |text: &str| read_head(&mut text.as_bytes()).map(|head| head.map(|head| head.body_bytes));
        assert_eq!(head("GET / HTTP/1.1\r\ncontent-length: 12\r\n\r\n").unwrap(), Some(12));
        assert_eq!(head("HTTP/1.1 202 Accepted\r\n\r\n").unwrap(), Some(0));
        assert_eq!(head("").unwrap(), None);
        assert!(head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
