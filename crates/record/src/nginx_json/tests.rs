//! What every odd line becomes. The long table is `testdata/nginx_json`: a log and its outcomes.

use std::borrow::Cow;

use proptest::prelude::*;

use super::parse;
use crate::reject::Reason;
use crate::request::Status;
use crate::summary::{check_golden, summary};

const TIME: &str = r#""time_local":"20/Nov/2026:13:15:30 +0300""#;

/// Parses a line and compares its summary.
fn check(line: &str, expected: &str) {
    assert_eq!(summary(&parse(line.as_bytes())), expected, "{line}");
}

/// The same for members beside the time, which is left out of what is expected.
fn check_members(members: &str, expected: &str) {
    let line = format!("{{{TIME},{members}}}");
    let shown = summary(&parse(line.as_bytes()));
    assert_eq!(shown.trim_start_matches("2026-11-20T10:15:30Z").trim_start(), expected, "{members}");
}

#[test]
fn odd_lines_become_what_the_golden_file_says() {
    check_golden(
        include_bytes!("../../../../testdata/nginx_json/odd_lines.log"),
        include_str!("../../../../testdata/nginx_json/odd_lines.expected"),
        parse,
    );
}

#[test]
fn the_finest_time_wins() {
    let all = r#""time":"2026-11-20T10:15:32Z","@timestamp":"2026-11-20T10:15:33Z","timestamp":"2026-11-20T10:15:34Z","status":200"#;
    check(
        &format!(r#"{{{TIME},"msec":1795169730.123,"time_iso8601":"2026-11-20T10:15:31Z",{all}}}"#),
        "2026-11-20T10:15:30.123000Z status=200",
    );
    check(
        &format!(r#"{{{TIME},"time_iso8601":"2026-11-20T10:15:31Z",{all}}}"#),
        "2026-11-20T10:15:31Z status=200",
    );
    check(&format!(r#"{{{TIME},{all}}}"#), "2026-11-20T10:15:32Z status=200");
    check(r#"{"@timestamp":"2026-11-20T10:15:33Z","status":200}"#, "2026-11-20T10:15:33Z status=200");
    check(r#"{"timestamp":"2026-11-20T10:15:34Z","status":200}"#, "2026-11-20T10:15:34Z status=200");
    check(r#"{"time_local":"20\/Nov\/2026:13:15:30 +0300","status":200}"#, "2026-11-20T10:15:30Z status=200");
}

#[test]
fn a_time_that_cannot_be_read_rejects_only_where_there_is_no_other() {
    check_members(r#""msec":"-","time":"now","status":200"#, "status=200");
    check(r#"{"time":"now","status":200}"#, "reject bad_time at column 10");
    check(r#"{"status":200,"time":[],"msec":x}"#, "reject bad_time at column 32");
    check(r#"  {"status":200}"#, "reject bad_time at column 3");
    check(r#"{"status":200,"time":""}"#, "reject bad_time at column 1");
}

#[test]
fn a_status_is_three_digits_or_absent() {
    check_members(r#""status":"009""#, "status=009");
    check_members(r#""status":404"#, "status=404");
    for absent in [r#""status":null"#, r#""status":"-""#, r#""status":"""#, r#""status":,"uri":"""#] {
        check_members(absent, "");
    }
    for wrong in [r#""status":"2000""#, r#""status":"OK""#, r#""status":"\u0032""#] {
        check_members(wrong, "reject bad_status at column 54");
    }
    check_members(r#""status":20"#, "reject bad_status at column 53");
    check_members(r#""status":{"code":200}"#, "reject bad_status at column 53");
    check_members(r#""status":200, 200"#, "reject bad_status at column 53");
}

#[test]
fn an_object_without_a_field_of_a_request_is_not_one() {
    check(r#"{"time":"2026-11-20T10:15:30Z","message":"hi"}"#, "reject not_request at column 1");
    check(" {}", "reject not_request at column 2");
    for (member, expected) in [
        (r#""status":200"#, "status=200"),
        (r#""request_time":0.001"#, "request_time_us=1000"),
        (r#""request_method":"GET""#, "method=GET"),
        (r#""method":"-""#, ""),
        (r#""request_uri":"/""#, "path=/"),
        (r#""uri":"/""#, "path=/"),
        (r#""path":"/""#, "path=/"),
    ] {
        check_members(member, expected);
    }
}

#[test]
fn what_was_asked_comes_from_the_most_original_key() {
    check_members(r#""path":"/c","uri":"/b","request_uri":"/a?x=1","args":"y""#, "path=/a query=x=1");
    check_members(r#""path":"/c","uri":"/b","request_query":"y""#, "path=/b query=y");
    check_members(r#""path":"/c","query_string":"y=1""#, "path=/c query=y=1");
    check_members(r#""request_uri":"http://example.com/a?x""#, "path=/a query=x");
    check_members(r#""status":200,"request":"GET /a?x HTTP/1.1""#, "method=GET path=/a query=x status=200");
    check_members(r#""request_method":"PUT","request":"GET /a?x HTTP/1.1""#, "method=PUT path=/a query=x");
}

#[test]
fn the_host_is_the_first_of_four_in_lower_case_without_port() {
    check_members(
        r#""status":200,"server_name":"d","vhost":"c","http_host":"b","host":"a""#,
        "host=a status=200",
    );
    check_members(
        r#""status":200,"server_name":"d","vhost":"c","http_host":"B.example.com:8443""#,
        "host=b.example.com status=200",
    );
    check_members(r#""status":200,"server_name":"d","vhost":"c","http_host":"-""#, "host=c status=200");
    check_members(r#""status":200,"server_name":"d","host":{"name":"x"}"#, "host=d status=200");
    check_members(r#""status":200,"host":"[2001:DB8::7]:80""#, "host=[2001:db8::7] status=200");
}

#[test]
fn durations_are_exact_or_none() {
    for (time, expected) in [
        ("0.012", "request_time_us=12000"),
        (r#""0.012""#, "request_time_us=12000"),
        ("60", "request_time_us=60000000"),
        ("0.1234567", "request_time_us=123456"),
        ("0.000", "request_time_us=0"),
        ("1e-3", ""),
        ("-0.001", ""),
        ("-", ""),
        ("null", ""),
        ("[1]", ""),
    ] {
        check_members(&format!(r#""request_time":{time}"#), expected);
    }
    check_members(r#""path":"/","duration":0.012"#, "path=/ request_time_us=12000");
}

#[test]
fn an_upstream_adds_its_times_and_ends_with_its_last_try() {
    check_members(
        r#""status":200,"upstream_response_time":"0.003, 0.010","upstream_status":"502, 200","upstream_addr":"10.0.1.5:8080, 10.0.2.9:8080""#,
        "status=200 target_status=200 target=10.0.2.9:8080 upstream_time_us=13000",
    );
    check_members(
        r#""status":200,"upstream_response_time":0.003, 0.010,"upstream_status":502, 200,"upstream_addr":10.0.1.5:80, [::1]:80"#,
        "status=200 target_status=200 target=[::1]:80 upstream_time_us=13000",
    );
    check_members(
        r#""status":504,"upstream_response_time":"60.000, -","upstream_status":"502, -""#,
        "status=504 upstream_time_us=60000000",
    );
}

#[test]
fn sizes_addresses_and_ids() {
    check_members(
        r#""status":200,"request_length":512,"bytes_sent":2048,"body_bytes_sent":1840"#,
        "status=200 bytes_in=512 bytes_out=2048",
    );
    check_members(r#""status":200,"body_bytes_sent":"1840""#, "status=200 bytes_out=1840");
    check_members(r#""status":200,"bytes_sent":"-","body_bytes_sent":-1"#, "status=200");
    check_members(
        r#""status":200,"remote_addr":"2001:db8::7","hostname":"web-1","http_user_agent":"curl/8","http_referrer":"/x""#,
        "node=web-1 status=200 client_ip=2001:db8::7 user_agent=curl/8 referer=/x",
    );
    check_members(
        r#""status":200,"http_x_request_id":"b","http_x_amzn_trace_id":"Self=1-2;Root=1-67891233-abcdef""#,
        "status=200 request_id=b trace_id=1-67891233-abcdef",
    );
    check_members(r#""status":200,"http_x_request_id":"b","request_id":"a""#, "status=200 request_id=a");
}

#[test]
fn tls_is_known_only_where_the_line_tells() {
    for (members, expected) in [
        (r#""scheme":"https""#, "is_tls=1"),
        (r#""scheme":"http","ssl_protocol":"-""#, "is_tls=0"),
        (r#""https":"on""#, "is_tls=1"),
        (r#""https":"""#, ""),
        (r#""ssl_protocol":"TLSv1.3""#, "is_tls=1"),
        (r#""ssl_protocol":"-""#, ""),
    ] {
        check_members(&format!(r#""method":"",{members}"#), expected);
    }
}

#[test]
fn a_plain_line_is_borrowed() {
    let line = format!(r#"{{{TIME},"request_method":"GET","request_uri":"/a?b=1","host":"h"}}"#);
    let request = parse(line.as_bytes()).expect("a request");
    for field in [request.method, request.path, request.query, request.host] {
        assert!(matches!(field, Some(Cow::Borrowed(_))));
    }
}

/// `text` as nginx writes it with `escape=json`.
fn json_escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(br"\n"),
            b'\t' => out.extend(br"\t"),
            0..0x20 => out.extend(format!("\\u{byte:04X}").into_bytes()),
            _ => out.push(byte),
        }
    }
    out
}

/// `text` as nginx writes it by default.
fn default_escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in text {
        match byte {
            b'"' | b'\\' | 0..0x20 | 0x7f.. => out.extend(format!("\\x{byte:02X}").into_bytes()),
            _ => out.push(byte),
        }
    }
    out
}

fn line_with(fields: &[(&str, &[u8])], escaped: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut line = format!("{{{TIME}").into_bytes();
    for (key, text) in fields {
        line.extend(format!(r#","{key}":""#).into_bytes());
        line.extend(escaped(text));
        line.push(b'"');
    }
    line.push(b'}');
    line
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
    fn anything_like_json_parses_or_rejects(line in r#"\{?("(status|time|uri|host|a)?"|[:,\[\]{} \\ux0"-]){0,40}\}?"#) {
        if let Err(reject) = parse(line.as_bytes()) {
            prop_assert!((1..=line.len() + 1).contains(&reject.column));
        }
    }

    #[test]
    fn a_cut_line_is_rejected_at_its_end(text in any_text(), cut in 0usize..200) {
        let mut line = line_with(&[("request_uri", &text), ("status", b"200")], json_escaped);
        line.truncate(cut.min(line.len() - 1));
        let reject = parse(&line).expect_err("cut");
        prop_assert_eq!((reject.reason, reject.column), (Reason::NotJson, line.len() + 1));
    }

    #[test]
    fn what_nginx_escapes_is_read_back(
        method in any_text(),
        agent in any_text(),
        path in any_text(),
        query in any_text(),
        is_json: bool,
    ) {
        let path: Vec<u8> = [b"/".as_slice(), &path].concat().into_iter().filter(|&byte| byte != b'?').collect();
        let uri = [&path, b"?".as_slice(), &query].concat();
        let fields = [("request_method", method.as_slice()), ("request_uri", &uri), ("http_user_agent", &agent)];
        let line = line_with(&fields, if is_json { json_escaped } else { default_escaped });
        let request = parse(&line).expect("a request");
        prop_assert_eq!(request.method.as_deref(), Some(method.as_slice()));
        prop_assert_eq!(request.path.as_deref(), Some(path.as_slice()));
        prop_assert_eq!(request.query.as_deref(), Some(query.as_slice()));
        prop_assert_eq!(request.user_agent.as_deref(), Some(agent.as_slice()));
    }

    #[test]
    fn numbers_are_read_back(status in 0u16..1000, millis in 0u64..1_000_000_000, bytes: u64, quote in "\"?") {
        let (seconds, rest) = (millis / 1000, millis % 1000);
        let line = format!(
            r#"{{{TIME},"status":{quote}{status:03}{quote},"request_time":{quote}{seconds}.{rest:03}{quote},"bytes_sent":{quote}{bytes}{quote}}}"#
        );
        let request = parse(line.as_bytes()).expect("a request");
        prop_assert_eq!(request.status.map(Status::code), Some(status));
        prop_assert_eq!(request.request_time_us, Some(millis * 1000));
        prop_assert_eq!(request.bytes_out, Some(bytes));
    }
}
