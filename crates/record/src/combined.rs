//! The combined log format of nginx and Apache, its relatives `common` and `vhost_combined`, and
//! what sites append to it.
//!
//! A line is found by the quote that opens the request right behind the time in brackets, and read
//! from there to both sides. The client chooses the user name before it, which may hold spaces and
//! brackets, so whatever reads from the left (a split, a regular expression) has to guess where the
//! name ends, and a client could make it guess wrong.
//! The values are nginx's own variables, with the same escapes as in [`crate::nginx_json`].
//!
//! Sources: nginx `ngx_http_combined_fmt`; Apache `mod_log_config`.

mod appended;
mod other_fields;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::nginx_json::escape::LoggedText;
use crate::nginx_json::{request_line, variable};
use crate::reject::{Reason, Reject};
use crate::request::{Origin, Request, Status};
use crate::request_value::whole_number;
use crate::timestamp::Timestamp;
use appended::Appended;
pub(crate) use other_fields::other_fields;

/// Reads one line, without its line end:
/// `remote_addr - remote_user [time_local] "request" status body_bytes_sent "referer" "user_agent"`,
/// with or without `host:port` in front; the last two may be missing, and more may follow.
///
/// # Errors
///
/// [`Reason::NotCombined`] where no time in brackets precedes a quote: at the line's end if there is
/// a bracket (the line was cut), else at its start. [`Reason::UnclosedQuote`] at the quote of a field
/// that is cut; [`Reason::BadTime`], [`Reason::BadStatus`] and [`Reason::BadNumber`] at the value.
pub fn parse(line: &[u8]) -> Result<Request<'_>, Reject> {
    let line = line.trim_ascii_end();
    let quote = request_quote(line).ok_or_else(|| not_combined(line))?;
    let (client, time) = head(&line[..quote])?;
    let mut rest = Rest { line, offset: quote };
    let asked = request_line::split(rest.quoted()?.unwrap_or_default());
    let target = asked.target.map(request_line::split_target).unwrap_or_default();
    let status = rest.status()?;
    let bytes_out = rest.bytes()?;
    let referer = rest.quoted()?;
    let user_agent = rest.quoted()?;
    let appended = Appended::read(&line[rest.offset..]);
    Ok(Request {
        host: client.host.and_then(variable::host),
        client_ip: decoded(client.address),
        method: decoded(asked.method),
        path: target.path,
        query: target.query,
        status,
        bytes_out,
        referer: decoded(referer),
        user_agent: decoded(user_agent),
        request_time_us: appended.request_time_us,
        upstream_time_us: appended.upstream_time_us,
        ..Request::new(Origin::Nginx, time)
    })
}

fn decoded(text: Option<LoggedText<'_>>) -> Option<Cow<'_, [u8]>> {
    text?.present().map(LoggedText::decode)
}

/// The quote that opens the request: the first that stands right behind a bracket.
fn request_quote(line: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'"', line).find(|&quote| line[..quote].ends_with(b"] "))
}

fn not_combined(line: &[u8]) -> Reject {
    let is_cut = !line.contains(&b'"') && memchr::memmem::find(line, b" [").is_some();
    Reject::at(Reason::NotCombined, if is_cut { line.len() } else { 0 })
}

/// Who asked, and which virtual host.
#[derive(Default)]
struct Client<'a> {
    host: Option<LoggedText<'a>>,
    address: Option<LoggedText<'a>>,
}

/// Reads what precedes the request; it ends with `] `.
fn head(head: &[u8]) -> Result<(Client<'_>, Timestamp), Reject> {
    let bracket = memchr::memrchr(b'[', head).ok_or(Reject::at(Reason::NotCombined, 0))?;
    let time =
        variable::time(&head[bracket + 1..head.len() - 2]).ok_or(Reject::at(Reason::BadTime, bracket + 1))?;
    Ok((client(&head[..bracket]), time))
}

/// Reads `remote_addr - remote_user`, or the same behind a host, which shows by where the dash stands.
fn client(text: &[u8]) -> Client<'_> {
    // A rotation by copytruncate leaves NULs at the start of a file.
    let mut words = text
        .split(|byte| matches!(byte, b' ' | 0))
        .filter(|word| !word.is_empty())
        .map(|raw| LoggedText { raw, is_escaped: false });
    let [first, second, third, fourth] = [words.next(), words.next(), words.next(), words.next()];
    let is_dash = |word: Option<LoggedText<'_>>| word.is_some_and(|word| word.raw == b"-");
    if !is_dash(second) && is_dash(third) && fourth.is_some() {
        Client { host: first, address: second }
    } else {
        Client { host: None, address: first }
    }
}

/// The fields from the request on.
struct Rest<'a> {
    line: &'a [u8],
    offset: usize,
}

impl<'a> Rest<'a> {
    /// The next field if it is in quotes.
    fn quoted(&mut self) -> Result<Option<LoggedText<'a>>, Reject> {
        self.skip_spaces();
        let Some(after_quote) = self.line[self.offset..].strip_prefix(b"\"") else {
            return Ok(None);
        };
        let (text, rest) =
            LoggedText::take_quoted(after_quote).ok_or(Reject::at(Reason::UnclosedQuote, self.offset))?;
        self.offset = self.line.len() - rest.len();
        Ok(Some(text))
    }

    /// The status; `None` for `-`.
    fn status(&mut self) -> Result<Option<Status>, Reject> {
        match self.word() {
            (b"-", _) => Ok(None),
            (word, offset) => Status::parse(word).map(Some).ok_or(Reject::at(Reason::BadStatus, offset)),
        }
    }

    /// The bytes sent. Apache's `%b` writes `-` for none.
    fn bytes(&mut self) -> Result<Option<u64>, Reject> {
        match self.word() {
            (b"-", _) => Ok(Some(0)),
            (word, offset) => whole_number(word).map(Some).ok_or(Reject::at(Reason::BadNumber, offset)),
        }
    }

    /// The bytes up to the next space, and their offset.
    fn word(&mut self) -> (&'a [u8], usize) {
        self.skip_spaces();
        let start = self.offset;
        let rest = &self.line[start..];
        let word = &rest[..memchr::memchr(b' ', rest).unwrap_or(rest.len())];
        self.offset += word.len();
        (word, start)
    }

    fn skip_spaces(&mut self) {
        while self.line.get(self.offset) == Some(&b' ') {
            self.offset += 1;
        }
    }
}
