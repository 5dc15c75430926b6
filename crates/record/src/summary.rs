//! A request in one line of text: what the golden files and the tables of the tests compare.

use crate::reject::Reject;
use crate::request::{Field, Request};

const SHOWN_MAX: usize = 60;

/// Time and every field that there is, in the order of the documentation; or the reject.
pub(crate) fn summary(parsed: &Result<Request<'_>, Reject>) -> String {
    let request = match parsed {
        Ok(request) => request,
        Err(reject) => return format!("reject {} at column {}", reject.reason.label(), reject.column),
    };
    let mut shown = vec![request.time.to_string()];
    for &name in Field::ALL {
        if let Some(value) = request.field(name) {
            shown.push(format!("{}={}", name.name(), shortened(&value)));
        }
    }
    let numbers = [
        ("request_time_us", request.request_time_us),
        ("upstream_time_us", request.upstream_time_us),
        ("bytes_in", request.bytes_in),
        ("bytes_out", request.bytes_out),
        ("port", request.port.map(u64::from)),
        ("is_tls", request.is_tls.map(u64::from)),
        ("is_connection", request.is_connection.then_some(1)),
    ];
    shown.extend(numbers.iter().filter_map(|(name, value)| Some(format!("{name}={}", (*value)?))));
    shown.join(" ")
}

fn shortened(value: &[u8]) -> String {
    let shown = value[..value.len().min(SHOWN_MAX)].escape_ascii();
    if value.len() > SHOWN_MAX { format!("{shown}...({} bytes)", value.len()) } else { shown.to_string() }
}

/// Compares every line of a log with its line of the golden file, where lines beginning with `#` say
/// what the next one is about.
pub(crate) fn check_golden(log: &[u8], golden: &str, parse: impl Fn(&[u8]) -> Result<Request<'_>, Reject>) {
    let lines = log.strip_suffix(b"\n").unwrap_or(log).split(|&byte| byte == b'\n');
    let outcomes: Vec<String> = lines.map(|line| summary(&parse(line))).collect();
    compare_with_golden(&outcomes, golden);
}

/// Compares what became of the lines of a log with the lines of the golden file.
pub(crate) fn compare_with_golden(outcomes: &[String], golden: &str) {
    let expected: Vec<&str> = golden.lines().filter(|line| !line.starts_with('#')).collect();
    for (index, (outcome, expected)) in outcomes.iter().zip(&expected).enumerate() {
        assert_eq!(outcome, expected, "line {} of the log", index + 1);
    }
    assert_eq!(outcomes.len(), expected.len(), "lines of the log, and of what is expected");
}
