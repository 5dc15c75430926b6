//! What must hold for any bytes, whatever the format.
//!
//! The fuzzer finds panics by itself; these assertions are what it would not notice: a column outside
//! the line, a field longer than what was read, or a line that means one thing in a block and another
//! alone. The last one matters most, since the ALB parser has a fast path for blocks and a patient one.

mod beaver;
mod pushes;
mod queries;
mod written;

pub use beaver::check_beaver;
pub use pushes::check_push;
pub use queries::check_query;
pub use written::check_written;

use weir_record::{
    FIELD_NAME_BYTES_MAX, Format, LINE_BYTES_DEFAULT, Line, LineParser, Record, Reject, Request, Timestamp,
    gelf, ndjson, other_fields, syslog,
};

/// Parses `block` as a file would be, and each of its lines alone, and compares.
///
/// # Panics
///
/// When an outcome breaks a promise of the parsers; that is what the fuzzer reports.
pub fn check_block(format: Format, block: &[u8], parse: fn(&[u8]) -> Result<Request<'_>, Reject>) {
    check_lines(format, block, |line| {
        let alone = parse(line.bytes);
        assert_eq!(line.outcome, alone.as_ref().map(Record::Request), "{ALONE_DIFFERS}");
        if let Ok(request) = &alone {
            check_request(request, line.bytes);
        }
    });
}

/// The same for events.
///
/// # Panics
///
/// As [`check_block`].
pub fn check_events(block: &[u8]) {
    check_lines(Format::Ndjson, block, |line| {
        let alone = ndjson::parse(line.bytes, None);
        assert_eq!(line.outcome, alone.as_ref().map(|&event| Record::Event(event)), "{ALONE_DIFFERS}");
    });
}

/// The same for a message of GELF, which may have line ends in it.
///
/// # Panics
///
/// As [`check_block`].
pub fn check_gelf(message: &[u8]) {
    let received_at = Timestamp::from_seconds(1);
    let reject = gelf::parse(message, Some(received_at)).err();
    if let Some(reject) = reject {
        assert!((1..=message.len() + 1).contains(&reject.column), "{reject}");
    }
    let mut has_message = false;
    other_fields(Format::Gelf, message, &mut |name, _| {
        assert!((1..=FIELD_NAME_BYTES_MAX).contains(&name.len()), "{name}");
        has_message |= name == "message" || name.starts_with("message.");
    });
    assert!(has_message || reject.is_some(), "a message is lost");
}

/// The same for a message of syslog: any bytes are one, and have a text.
///
/// # Panics
///
/// As [`check_block`].
pub fn check_syslog(message: &[u8]) {
    assert!(syslog::parse(message, Some(Timestamp::from_seconds(1))).is_ok(), "a message is a reject");
    if let Err(reject) = syslog::parse(message, None) {
        assert!((1..=message.len() + 1).contains(&reject.column), "{reject}");
    }
    let mut has_message = false;
    other_fields(Format::Syslog, message, &mut |name, _| {
        assert!((1..=FIELD_NAME_BYTES_MAX).contains(&name.len()), "{name}");
        has_message |= name == "message";
    });
    assert!(has_message, "a message is lost");
}

const ALONE_DIFFERS: &str = "a line alone differs from the line in its block";

fn check_lines(format: Format, block: &[u8], check: impl Fn(&Line<'_, '_>)) {
    let mut last_number = 0;
    LineParser::new(format, LINE_BYTES_DEFAULT).parse_block(block, |line| {
        assert!(line.number > last_number, "line {} after line {last_number}", line.number);
        last_number = line.number;
        check(&line);
        if let Err(reject) = line.outcome {
            assert!((1..=line.bytes.len() + 1).contains(&reject.column), "{reject}");
        }
        other_fields(format, line.bytes, &mut |name, _| {
            assert!((1..=FIELD_NAME_BYTES_MAX).contains(&name.len()), "{name}");
        });
    });
}

fn check_request(request: &Request<'_>, line: &[u8]) {
    let texts = [
        &request.node,
        &request.host,
        &request.method,
        &request.path,
        &request.query,
        &request.client_ip,
        &request.user_agent,
        &request.referer,
        &request.request_id,
        &request.trace_id,
        &request.target,
    ];
    for text in texts.into_iter().flatten() {
        assert!(text.len() <= line.len(), "a value is longer than its line");
    }
    let host = request.host.as_deref().unwrap_or_default();
    assert!(!host.iter().any(u8::is_ascii_uppercase), "a host is lower case");
    let path = request.path.as_deref().unwrap_or_default();
    assert!(!path.contains(&b'?'), "a path ends where the query begins");
}
