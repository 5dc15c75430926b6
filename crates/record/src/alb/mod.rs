//! AWS Application Load Balancer access logs.
//!
//! Source of the format: AWS, "Access log entries" of the Application Load Balancer guide, and real
//! lines from 2015 (18 fields) to 2026 (34). AWS only ever appends fields, and every parser that
//! insisted on a count broke each time; so this one needs the 13 up to the request and takes the
//! rest as far as it goes. Values are read in place: an ALB escapes quotes and control bytes as
//! `\xHH`, and the escapes are kept, as decoding would cost a copy and could only add hostile bytes.

#[expect(unsafe_code, reason = "SIMD loads; see the module")]
mod field_index;
mod other_fields;
mod request_field;
mod value;

use std::borrow::Cow;

use crate::reject::{Reason, Reject};
use crate::request::{Origin, Request};
use crate::request_value::{present, trace_root};
use crate::timestamp::Timestamp;
use crate::value::REDACTED;
use field_index::{FieldEnds, index_line, split_leniently};
pub(crate) use other_fields::other_fields;

/// Field numbers of the AWS documentation, less one.
mod at {
    pub const TYPE: usize = 0;
    pub const TIME: usize = 1;
    pub const ELB: usize = 2;
    pub const CLIENT: usize = 3;
    pub const TARGET: usize = 4;
    pub const REQUEST_PROCESSING_TIME: usize = 5;
    pub const TARGET_PROCESSING_TIME: usize = 6;
    pub const RESPONSE_PROCESSING_TIME: usize = 7;
    pub const ELB_STATUS_CODE: usize = 8;
    pub const TARGET_STATUS_CODE: usize = 9;
    pub const RECEIVED_BYTES: usize = 10;
    pub const SENT_BYTES: usize = 11;
    pub const REQUEST: usize = 12;
    pub const USER_AGENT: usize = 13;
    pub const TARGET_GROUP_ARN: usize = 16;
    pub const TRACE_ID: usize = 17;
    pub const DOMAIN_NAME: usize = 18;
    pub const MATCHED_RULE_PRIORITY: usize = 20;
    pub const REQUEST_CREATION_TIME: usize = 21;
    pub const ACTIONS_EXECUTED: usize = 22;
    pub const ERROR_REASON: usize = 24;
    pub const IP_ADDRESS: usize = 33;
}

/// Splits text into ALB lines and parses each; keeps nothing between lines but scratch space.
pub struct AlbParser {
    fields: FieldEnds,
}

impl Default for AlbParser {
    fn default() -> Self {
        Self { fields: FieldEnds::new() }
    }
}

impl AlbParser {
    /// Parses the first line of `text` and returns its length in bytes without the line end.
    ///
    /// `each` is given the line (without a carriage return) and what it says; it is not called for
    /// an empty line.
    ///
    /// # Errors
    ///
    /// `each` gets a [`Reject`] with the column where the line stops being an ALB line.
    #[inline]
    pub fn parse_next<'a>(
        &mut self,
        text: &'a [u8],
        line_bytes_max: usize,
        each: impl FnOnce(&'a [u8], &Result<Request<'a>, Reject>),
    ) -> usize {
        let found = index_line(text, &mut self.fields);
        let line = &text[..found.len];
        match line.strip_suffix(b"\r") {
            _ if line.len() > line_bytes_max => each(line, &Err(Reject::line_too_long(line_bytes_max))),
            None if line.is_empty() => {}
            None if found.is_regular => each(line, &parse_fields(line, &self.fields)),
            None => each(line, &self.parse_irregular(line)),
            Some(b"") => {}
            Some(line) => each(line, &self.parse_irregular(line)),
        }
        found.len
    }

    fn parse_irregular<'a>(&mut self, line: &'a [u8]) -> Result<Request<'a>, Reject> {
        split_leniently(line, &mut self.fields)?;
        parse_fields(line, &self.fields)
    }
}

/// Parses one line, without its line end.
///
/// # Errors
///
/// A [`Reject`] with the column where the line stops being an ALB line.
pub fn parse_line(line: &[u8]) -> Result<Request<'_>, Reject> {
    AlbParser::default().parse_irregular(line)
}

fn parse_fields<'a>(line: &'a [u8], fields: &FieldEnds) -> Result<Request<'a>, Reject> {
    if fields.count() <= at::REQUEST {
        return Err(Reject::at(Reason::TooFewFields, line.len()));
    }
    let raw = |index| fields.get(line, index).unwrap_or_default();
    if fields.count() == at::TARGET_GROUP_ARN + 1 && !is_whole_arn(raw(at::TARGET_GROUP_ARN)) {
        return Err(Reject::at(Reason::CutLine, line.len()));
    }
    let text = |index| present(unquote(raw(index)));
    let reject = |reason, index| Reject::at(reason, fields.start(index));

    let time = Timestamp::parse_rfc3339(raw(at::TIME)).ok_or_else(|| reject(Reason::BadTime, at::TIME))?;
    let duration = |index| value::duration_us(raw(index)).ok_or_else(|| reject(Reason::BadDuration, index));
    let status = |index| value::status(raw(index)).ok_or_else(|| reject(Reason::BadStatus, index));
    let bytes = |index| value::bytes(raw(index)).ok_or_else(|| reject(Reason::BadNumber, index));

    let request = fields
        .get(line, at::REQUEST)
        .and_then(quoted)
        .ok_or_else(|| reject(Reason::NotQuoted, at::REQUEST))?;
    let parts = request_field::split(request);
    let (is_tls, is_connection) = protocol(raw(at::TYPE), parts.is_https);
    let times = ProcessingTimes {
        request: duration(at::REQUEST_PROCESSING_TIME)?,
        target: duration(at::TARGET_PROCESSING_TIME)?,
        response: duration(at::RESPONSE_PROCESSING_TIME)?,
    };
    Ok(Request {
        is_connection,
        is_tls,
        load_balancer: present(raw(at::ELB)),
        node: text(at::IP_ADDRESS).map(Cow::Borrowed),
        client_ip: present(raw(at::CLIENT)).map(value::address_without_port).map(Cow::Borrowed),
        target: present(raw(at::TARGET)).map(Cow::Borrowed),
        status: status(at::ELB_STATUS_CODE)?,
        target_status: status(at::TARGET_STATUS_CODE)?,
        bytes_in: bytes(at::RECEIVED_BYTES)?,
        bytes_out: bytes(at::SENT_BYTES)?,
        request_time_us: times.whole_us(time, || Timestamp::parse_rfc3339(raw(at::REQUEST_CREATION_TIME))),
        upstream_time_us: times.target,
        host: value::host(text(at::DOMAIN_NAME)).or_else(|| value::host(parts.host)),
        method: parts.method.map(Cow::Borrowed),
        path: parts.path.map(Cow::Borrowed),
        query: parts.query.map(Cow::Borrowed),
        port: parts.port,
        user_agent: text(at::USER_AGENT).map(Cow::Borrowed),
        target_group: text(at::TARGET_GROUP_ARN),
        trace_id: text(at::TRACE_ID).and_then(trace_root).map(Cow::Borrowed),
        rule_priority: value::rule_priority(raw(at::MATCHED_RULE_PRIORITY)),
        actions: text(at::ACTIONS_EXECUTED),
        error_reason: text(at::ERROR_REASON),
        ..Request::new(Origin::Alb, time)
    })
}

/// Whether a target group's ARN is there to its end, 16 hexadecimal digits, or is `-` or taken out.
///
/// Asked only where a line ends with it: no format of AWS does, so it was cut there or before.
fn is_whole_arn(arn: &[u8]) -> bool {
    let id = arn.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    arn == b"-" || arn == REDACTED.as_bytes() || (id.len() == 16 && id.iter().all(u8::is_ascii_hexdigit))
}

/// The three parts of a request's time, in microseconds; `None` where the line has -1.
struct ProcessingTimes {
    request: Option<u64>,
    target: Option<u64>,
    response: Option<u64>,
}

impl ProcessingTimes {
    /// What the client waited: the sum, or where a part is missing (the target never answered) the
    /// time since the request was created, so that a timeout counts with its real seconds.
    fn whole_us(&self, time: Timestamp, created: impl FnOnce() -> Option<Timestamp>) -> Option<u64> {
        match (self.request, self.target, self.response) {
            (Some(request), Some(target), Some(response)) => Some(request + target + response),
            _ => time.micros_since(created()?),
        }
    }
}

/// Whether the client spoke TLS, and whether the line is the life of a connection.
fn protocol(kind: &[u8], url_is_https: Option<bool>) -> (Option<bool>, bool) {
    match kind {
        b"https" | b"h2" | b"grpcs" => (Some(true), false),
        b"http" => (Some(false), false),
        b"ws" => (Some(false), true),
        b"wss" => (Some(true), true),
        // AWS asks readers to tolerate types that are yet to come.
        _ => (url_is_https, false),
    }
}

/// The text between quotes, or the field as it is: some quotes came, and may go, over the years.
#[inline]
fn unquote(field: &[u8]) -> &[u8] {
    quoted(field).unwrap_or(field)
}

#[inline]
fn quoted(field: &[u8]) -> Option<&[u8]> {
    match field {
        [b'"', inner @ .., b'"'] => Some(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
