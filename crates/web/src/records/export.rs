//! Everything that a search finds, as lines: JSON objects, or a table that a spreadsheet opens.
//!
//! Nothing is gathered: a page is fetched when the client has taken the one before, so that any number of records
//! needs the memory of one page and a client that reads slowly holds up nobody but itself. An export that cannot
//! be finished breaks the connection off, because a table that merely ends would pass for the whole.
//!
//! The values were written by strangers. A cell of a table that a spreadsheet would take for a formula gets an
//! apostrophe in front.

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::shapes::Hit;

/// How much is sent at a time, in bytes, about.
const CHUNK_BYTES: usize = 64 << 10;

/// Chunks that wait for the client.
const CHUNKS_MAX: usize = 4;

/// How long a client may read nothing before its export is given up.
const STALLED_MAX: Duration = Duration::from_secs(60);

/// What the lines of an export are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object per line.
    Ndjson,
    /// A header and a row per record, with these columns.
    Csv(Vec<String>),
}

/// Why an export does not go on: nobody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderGone;

/// Writes an export.
pub struct ExportSender {
    chunks: mpsc::Sender<Bytes>,
    is_whole: Arc<AtomicBool>,
    format: ExportFormat,
    buffer: Vec<u8>,
}

/// What the client of an export gets: an error at its end unless it was finished.
pub struct ExportStream {
    chunks: mpsc::Receiver<Bytes>,
    is_whole: Arc<AtomicBool>,
    content_type: &'static str,
}

/// Both ends of an export.
pub fn export_stream(format: ExportFormat) -> (ExportSender, ExportStream) {
    let (sender, chunks) = mpsc::channel(CHUNKS_MAX);
    let mut buffer = Vec::new();
    let content_type = match &format {
        ExportFormat::Ndjson => "application/x-ndjson",
        ExportFormat::Csv(columns) => {
            row(&mut buffer, columns.iter().map(|name| heading(name)));
            "text/csv; charset=utf-8; header=present"
        }
    };
    let is_whole = Arc::new(AtomicBool::new(false));
    let stream = ExportStream { chunks, is_whole: Arc::clone(&is_whole), content_type };
    (ExportSender { chunks: sender, is_whole, format, buffer }, stream)
}

impl ExportSender {
    /// Writes a page, and waits until the client has taken most of it.
    ///
    /// # Errors
    ///
    /// The client has gone, or has not read for a minute.
    pub async fn send(&mut self, hits: &[Hit]) -> Result<(), ReaderGone> {
        for hit in hits {
            line(&mut self.buffer, &self.format, hit);
            if self.buffer.len() >= CHUNK_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Sends what is left: the export is whole. Without this it breaks off for its reader.
    ///
    /// # Errors
    ///
    /// As [`ExportSender::send`].
    pub async fn finish(mut self) -> Result<(), ReaderGone> {
        self.flush().await?;
        self.is_whole.store(true, Ordering::Release);
        Ok(())
    }

    /// Sends what is left and breaks off: what came is right, and not everything.
    ///
    /// # Errors
    ///
    /// As [`ExportSender::send`].
    pub async fn break_off(mut self) -> Result<(), ReaderGone> {
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), ReaderGone> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.buffer));
        match timeout(STALLED_MAX, self.chunks.send(chunk)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ReaderGone),
        }
    }
}

/// Appends a record as a line of the format.
pub fn line(text: &mut Vec<u8>, format: &ExportFormat, hit: &Hit) {
    match format {
        ExportFormat::Ndjson => {
            // Writing to memory cannot fail, and our own shapes have only text keys.
            let _ = serde_json::to_writer(&mut *text, hit);
            text.push(b'\n');
        }
        ExportFormat::Csv(columns) => {
            row(text, columns.iter().map(|name| hit.get(name).map_or(String::new(), csv_cell)));
        }
    }
}

/// A value as a cell of a table (RFC 4180); a cell that would be a formula gets an apostrophe.
pub fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => cell(text),
        // Numbers are what they are, also below zero.
        Value::Number(number) => number.to_string(),
        other => cell(&other.to_string()),
    }
}

/// The name of a column. Names of fields are written by strangers too, but for our own that begins with an `@`.
fn heading(name: &str) -> String {
    if name == "@timestamp" { name.to_owned() } else { cell(name) }
}

fn cell(text: &str) -> String {
    let is_formula = text.len() > 1 && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let apostrophe = if is_formula { "'" } else { "" };
    if is_formula || text.contains([',', '"', '\n', '\r']) {
        format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn row(text: &mut Vec<u8>, cells: impl Iterator<Item = String>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(cell.as_bytes());
    }
    text.extend_from_slice(b"\r\n");
}

impl IntoResponse for ExportStream {
    fn into_response(self) -> Response {
        let content_type = HeaderValue::from_static(self.content_type);
        let mut response = Body::new(self).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }
}

impl HttpBody for ExportStream {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.chunks.poll_recv(context).map(|chunk| match chunk {
            Some(chunk) => Some(Ok(Frame::data(chunk))),
            None if self.is_whole.load(Ordering::Acquire) => None,
            None => Some(Err(Error::new(ErrorKind::UnexpectedEof, "the export was not finished"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    fn hit(value: Value) -> Hit {
        [("a".to_owned(), value), ("b".to_owned(), json!("z"))].into_iter().collect()
    }

    #[test]
    fn cells_are_quoted_and_are_no_formulas() {
        for (value, expected) in [
            (json!("/a"), "/a"),
            (json!("a,b"), "\"a,b\""),
            (json!("a\"b\n"), "\"a\"\"b\n\""),
            (json!("=1+1"), "\"'=1+1\""),
            (json!("@SUM(A1)"), "\"'@SUM(A1)\""),
            (json!("-"), "-"),
            (json!(-3), "-3"),
            (json!(0.25), "0.25"),
            (json!(null), ""),
            (json!([1, 2]), "\"[1,2]\""),
            (json!(true), "true"),
        ] {
            assert_eq!(csv_cell(&value), expected);
        }
    }

    async fn exported(format: ExportFormat, count: usize) -> Vec<u8> {
        let (mut sender, stream) = export_stream(format);
        let sending = tokio::spawn(async move {
            for _ in 0..count {
                sender.send(&[hit(json!("x".repeat(1_000)))]).await.expect("it is read");
            }
            sender.finish().await
        });
        let bytes = stream.collect().await.expect("it is whole").to_bytes();
        assert_eq!(sending.await.expect("it ends"), Ok(()));
        bytes.to_vec()
    }

    #[tokio::test]
    async fn an_export_is_whole_whatever_its_size() {
        for count in [0, 1, 2_000] {
            let text = String::from_utf8(exported(ExportFormat::Ndjson, count).await).expect("text");
            assert_eq!(text.lines().count(), count);
            let columns = ["b", "@timestamp", "a"].map(str::to_owned).to_vec();
            let text = String::from_utf8(exported(ExportFormat::Csv(columns), count).await).expect("text");
            assert!(text.starts_with("b,@timestamp,a\r\n"));
            assert_eq!(text.lines().skip(1).filter(|line| line.starts_with("z,,xxx")).count(), count);
        }
    }

    #[tokio::test]
    async fn an_export_that_fails_is_an_error_to_its_reader() {
        let (sender, stream) = export_stream(ExportFormat::Ndjson);
        drop(sender);
        assert!(stream.collect().await.is_err());
    }

    #[tokio::test]
    async fn an_export_that_is_broken_off_gives_what_there_was() {
        let (mut sender, mut stream) = export_stream(ExportFormat::Ndjson);
        let hit: Hit = serde_json::from_value(json!({"n": 1})).unwrap();
        sender.send(&[hit]).await.unwrap();
        sender.break_off().await.unwrap();
        let first = stream.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first, "{\"n\":1}\n");
        assert!(stream.frame().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn it_ends_when_the_reader_has_gone() {
        let (mut sender, stream) = export_stream(ExportFormat::Ndjson);
        drop(stream);
        let large = vec![hit(json!("x".repeat(CHUNK_BYTES)))];
        assert_eq!(sender.send(&large).await, Err(ReaderGone));
    }
}
