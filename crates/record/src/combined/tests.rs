//! What every odd line becomes. The long table is `testdata/combined`: a log and its outcomes.

use proptest::prelude::*;

use super::parse;
use crate::request::Status;
use crate::summary::{check_golden, summary};

/// Parses a line and compares its summary.
fn check(line: &str, expected: &str) {
    assert_eq!(summary(&parse(line.as_bytes())), expected, "{line}");
}

/// The same for a line with this request, and what is expected of it between time and status.
fn check_request(request: &str, expected: &str) {
    let line = format!(r#"203.0.113.7 - - [20/Nov/2026:13:15:30 +0300] "{request}" 400 0 "-" "-""#);
    let shown = summary(&parse(line.as_bytes()));
    let asked = shown
        .strip_prefix("2026-11-20T10:15:30Z")
        .and_then(|shown| shown.strip_suffix(" status=400 client_ip=203.0.113.7 bytes_out=0"));
    assert_eq!(asked.map(str::trim_start), Some(expected), "{request}");
}

#[test]
fn odd_lines_become_what_the_golden_file_says() {
    check_golden(
        include_bytes!("../../../../testdata/combined/odd_lines.log"),
        include_str!("../../../../testdata/combined/odd_lines.expected"),
        parse,
    );
}

#[test]
fn requests_that_are_not_http_keep_what_they_have() {
    check_request("GET /a?b=1 HTTP/1.1", "method=GET path=/a query=b=1");
    check_request("GET /a b HTTP/1.1", "method=GET path=/a b");
    check_request("GET /a", "method=GET path=/a");
    check_request("GET http://example.com/a HTTP/1.1", "method=GET path=/a");
    check_request("-", "");
    check_request("", "");
    check_request(r"\x16\x03\x01", r"method=\x16\x03\x01");
    check_request(r#"GET /\"a\" HTTP/1.1"#, r#"method=GET path=/\"a\""#);
    check_request("GET /[x] [y] HTTP/1.1", "method=GET path=/[x] [y]");
}

#[test]
fn the_column_is_that_of_what_is_wrong() {
    check("", "reject not_combined at column 1");
    check(r#"{"status":200}"#, "reject not_combined at column 1");
    check("1.2.3.4 - - [20/Nov/2026:13:15:30 +0300]", "reject not_combined at column 41");
    check("1.2.3.4 - - [20/Nov/20", "reject not_combined at column 23");
    check(r#"x] "GET / HTTP/1.1" 200 0"#, "reject not_combined at column 1");
    check(r#"1.2.3.4 - - [yesterday] "GET / HTTP/1.1" 200 0"#, "reject bad_time at column 14");
    let head = r#"1.2.3.4 - - [20/Nov/2026:13:15:30 +0300] "#;
    for (rest, expected) in [
        (r#""GET / HT"#, "reject unclosed_quote at column 42"),
        (r#""GET /""#, "reject bad_status at column 49"),
        (r#""GET /" 20"#, "reject bad_status at column 50"),
        (r#""GET /" OK 0"#, "reject bad_status at column 50"),
        (r#""GET /" 200"#, "reject bad_number at column 53"),
        (r#""GET /" 200 many"#, "reject bad_number at column 54"),
        (r#""GET /" 200 1 "http://e"#, "reject unclosed_quote at column 56"),
        (r#""GET /" 200 1 "-" "cur"#, "reject unclosed_quote at column 60"),
    ] {
        check(&format!("{head}{rest}"), expected);
    }
}

/// `text` as nginx writes it by default, or as Apache does.
fn escaped(text: &[u8], is_apache: bool) -> String {
    text.iter()
        .map(|&byte| match byte {
            b'"' | b'\\' if is_apache => format!("\\{}", char::from(byte)),
            b'\n' if is_apache => "\\n".to_owned(),
            b'"' | b'\\' | 0..0x20 | 0x7f.. if is_apache => format!("\\x{byte:02x}"),
            b'"' | b'\\' | 0..0x20 | 0x7f.. => format!("\\x{byte:02X}"),
            _ => char::from(byte).to_string(),
        })
        .collect()
}

fn any_text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..40).prop_filter("a dash is a missing value", |text| text != b"-")
}

proptest! {
    #[test]
    fn any_bytes_parse_or_reject(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&line);
    }

    #[test]
    fn anything_like_combined_parses_or_rejects(
        line in r#"([a-]{0,3} ){0,5}(\[(20/Nov/2026:13:15:30 \+0300)?\] ?)?(["\\ ax0.=,:\[\]-]|200){0,40}"#
    ) {
        if let Err(reject) = parse(line.as_bytes()) {
            prop_assert!((1..=line.len() + 1).contains(&reject.column));
        }
    }

    #[test]
    fn what_servers_escape_is_read_back(
        user in any_text(), path in any_text(), agent in any_text(), is_apache: bool,
        status in 0u16..1000, bytes: u64, millis in 0u64..1_000_000,
    ) {
        let path: Vec<u8> = [b"/".as_slice(), &path].concat().into_iter().filter(|&byte| byte != b'?').collect();
        let line = format!(
            r#"203.0.113.7 - {} [20/Nov/2026:13:15:30 +0300] "GET {}?x=1 HTTP/1.1" {status:03} {bytes} "-" "{}" {}.{:03}"#,
            escaped(&user, is_apache), escaped(&path, is_apache), escaped(&agent, is_apache), millis / 1000,
            millis % 1000
        );
        let request = parse(line.as_bytes()).expect("a request");
        prop_assert_eq!(request.client_ip.as_deref(), Some(b"203.0.113.7".as_slice()));
        prop_assert_eq!(request.path.as_deref(), Some(path.as_slice()));
        prop_assert_eq!(request.query.as_deref(), Some(b"x=1".as_slice()));
        prop_assert_eq!(request.user_agent.as_deref(), Some(agent.as_slice()));
        prop_assert_eq!(request.status.map(Status::code), Some(status));
        prop_assert_eq!(request.bytes_out, Some(bytes));
        prop_assert_eq!(request.request_time_us, Some(millis * 1000));
    }
}
