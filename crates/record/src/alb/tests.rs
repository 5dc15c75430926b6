//! Lines of every shape that AWS has written, and what each becomes.

use super::parse_line;
use crate::format::Format;
use crate::lines::{LINE_BYTES_DEFAULT, LineParser};
use crate::summary::{compare_with_golden, summary};

const HEAD: &str =
    "https 2026-11-20T10:15:30.123456Z app/prod/50dc6c495c0c9188 203.0.113.7:50123 10.0.1.5:8080";
const TIMES: &str = "0.001 0.042 0.000 200 200 312 1840";
const REQUEST: &str = "\"GET https://shop.example.com:443/cart HTTP/1.1\"";

/// Parses a line and compares its summary.
fn check(line: &str, expected: &str) {
    assert_eq!(summary(&parse_line(line.as_bytes())), expected, "{line}");
}

#[test]
fn odd_lines_become_what_the_golden_file_says() {
    let mut outcomes = Vec::new();
    let log = include_bytes!("../../../../testdata/alb/edge.log");
    LineParser::new(Format::Alb, LINE_BYTES_DEFAULT).parse_block(log, |line| {
        let parsed = line.outcome.map(|record| record.request().cloned().expect("a request"));
        outcomes.push(summary(&parsed.map_err(Clone::clone)));
    });
    compare_with_golden(&outcomes, include_str!("../../../../testdata/alb/edge.expected"));
}

#[test]
fn thirteen_fields_are_enough() {
    let expected = "2026-11-20T10:15:30.123456Z load_balancer=app/prod/50dc6c495c0c9188 host=shop.example.com \
                    method=GET path=/cart status=200 target_status=200 client_ip=203.0.113.7 target=10.0.1.5:8080 \
                    request_time_us=43000 upstream_time_us=42000 bytes_in=312 bytes_out=1840 port=443 is_tls=1";
    check(&format!("{HEAD} {TIMES} {REQUEST}"), expected);
}

#[test]
fn a_reject_names_the_column() {
    let twelve = format!("{HEAD} {TIMES}");
    check(&twelve, &format!("reject too_few_fields at column {}", twelve.len() + 1));
    check("", "reject too_few_fields at column 1");
    check(&format!("{HEAD} {TIMES} GET"), "reject not_quoted at column 128");
    check(&format!("{HEAD} {TIMES} \"GET /"), "reject unclosed_quote at column 128");
    check(&format!("{HEAD} 0.001 x 0.000 200 200 312 1840 {REQUEST}"), "reject bad_duration at column 99");
    check(&format!("{HEAD} 0.001 0.042 0.000 20 200 312 1840 {REQUEST}"), "reject bad_status at column 111");
    check(&format!("{HEAD} 0.001 0.042 0.000 200 200 312 -1 {REQUEST}"), "reject bad_number at column 123");
    check(&format!("http yesterday a b c {TIMES} {REQUEST}"), "reject bad_time at column 6");
}

#[test]
fn a_missing_time_makes_the_client_s_wait_the_latency() {
    let line = |times: &str, created: &str| {
        format!("{HEAD} {times} 504 - 0 0 {REQUEST} \"-\" - - - \"-\" \"-\" \"-\" 1 {created}")
    };
    let latency = |line: &str| parse_line(line.as_bytes()).map(|request| request.request_time_us);
    assert_eq!(latency(&line("0.001 -1 -1", "2026-11-20T10:14:30.123456Z")), Ok(Some(60_000_000)));
    assert_eq!(latency(&line("-1 -1 -1", "-")), Ok(None), "neither is known");
    assert_eq!(latency(&line("-1 -1 -1", "2026-11-20T10:16:30.123456Z")), Ok(None), "created after its end");
    assert_eq!(latency(&line("0.001 0.002 0.003", "2026-11-20T10:14:30.123456Z")), Ok(Some(6_000)));
}
