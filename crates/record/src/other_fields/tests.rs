//! What lines of each format give beyond a request.

use proptest::prelude::*;

use super::*;

/// The fields of a line, one `name=value` each; texts in `'`.
fn fields(format: Format, line: &[u8]) -> Vec<String> {
    let mut shown = Vec::new();
    other_fields(format, line, &mut |name, value| shown.push(field(name, &value)));
    if format == Format::NginxJson
        && let Ok(request) = crate::nginx_json::parse(line)
    {
        let mut noted = Vec::new();
        let record = Record::Request(&request);
        record.other_fields(format, line, &mut |name, value| noted.push(field(name, &value)));
        assert_eq!(noted, shown, "{}", line.escape_ascii());
    }
    shown
}

fn field(name: &str, value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("{name}='{text}'"),
        Value::Json(text) => format!("{name}={text}"),
        Value::Integer(number) => format!("{name}={number}"),
        Value::Float(number) => format!("{name}={number:e}f"),
        Value::Boolean(boolean) => format!("{name}={boolean}"),
        Value::Time(time) => format!("{name}={time}"),
    }
}

fn check(format: Format, line: &[u8], expected: &str) {
    assert_eq!(fields(format, line).join(" "), expected, "{}", line.escape_ascii());
}

/// Members of an event beside its time.
fn check_event(members: &str, expected: &str) {
    check(Format::Ndjson, format!(r#"{{"ts":1795169730,{members}}}"#).as_bytes(), expected);
}

#[test]
fn members_that_no_request_has_are_given() {
    for (members, expected) in [
        (
            r#""remote_user":"ann","upstream_connect_time":"0.001","pipe":".""#,
            "remote_user='ann' upstream_connect_time='0.001' pipe='.'",
        ),
        (r#""a":"-","b":"","c":-,"d":,"e":null"#, ""),
        (r#""uri":"/a","status":200,"hostname":"web-1","msec":"-""#, ""),
        (r#""scheme":"https","ssl_protocol":"TLSv1.3""#, "scheme='https' ssl_protocol='TLSv1.3'"),
        (r#""request":"GET /a HTTP/2.0""#, "http_version='2.0'"),
        (r#""request":{"id":7},"host":["a"]"#, r#"request.id=7 host=["a"]"#),
        (r#""a":0.003, 0.010,"b":10.0.0.1:80"#, "a='0.003, 0.010' b='10.0.0.1:80'"),
        (r#""x":"\x22\xD0\xB6","y":"\u0416\n","z\u0416":"\xff""#, "x='\"ж' y='Ж\n' zЖ='\\xFF'"),
    ] {
        check(Format::NginxJson, format!(r#"{{"time":1795169730,{members}}}"#).as_bytes(), expected);
        check(
            Format::NginxJson,
            format!(r#"{{"time":1795169730,{members},"status":200}}"#).as_bytes(),
            expected,
        );
    }
    check(Format::NginxJson, b"{\"a\":\"caf\xe9\",\"b\xff\":1}", "a='caf\\xE9' b\\xFF=1");
}

#[test]
fn values_have_the_type_they_are_written_in() {
    check_event(
        r#""a":1,"b":-7,"c":1.0,"d":1e3,"e":true,"f":false,"g":"1""#,
        "a=1 b=-7 c=1e0f d=1e3f e=true f=false g='1'",
    );
    check_event(
        r#""a":9223372036854775807,"b":9223372036854775808"#,
        "a=9223372036854775807 b=9.223372036854776e18f",
    );
    check_event(r#""a":1e400,"b":-1e400,"c":1e-400"#, "a='1e400' b='-1e400' c=0e0f");
    check_event(
        r#""a":NaN,"b":Infinity,"c":007,"d":+1,"e":.5,"f":-"#,
        "a='NaN' b='Infinity' c='007' d='+1' e='.5' f='-'",
    );
    check_event(r#""a":null,"b":"","c":"-","d":"null""#, "b='' c='-' d='null'");
    check_event(r#""a":[1, "x"],"b":[],"c":{}"#, r#"a=[1, "x"] b=[] c={}"#);
    // What is called JSON is JSON.
    check_event(
        r#""a":[1,],"b":["\x16"],"c":{"d" 1},"e":[[1]]"#,
        r#"a='[1,]' b='["\x16"]' c='{"d" 1}' e=[[1]]"#,
    );
    check(Format::Ndjson, b"{\"ts\":1,\"a\":[\"\xff\"]}", "a='[\"\\xFF\"]'");
}

#[test]
fn nested_members_are_named_by_the_way_to_them() {
    check_event(
        r#""a":{"b":1,"c":{"d":"x","e":[{"f":1}],"g":null}},"h.i":2"#,
        r#"a.b=1 a.c.d='x' a.c.e=[{"f":1}] h.i=2"#,
    );
    check_event(r#""1":{"2":{"3":{"4":{"5":{"6":{"7":{"8":{"9":1}}}}}}}}"#, r#"1.2.3.4.5.6.7.8={"9":1}"#);
    check_event(r#""":1,"a":{"":2}"#, "field.=1 a.=2");
    check_event(r#""a":{"b":{"c":1}},"d":1"#, "a.b.c=1 d=1");
}

#[test]
fn an_event_has_a_message_and_no_second_time() {
    for (line, expected) in [
        (r#"{"@timestamp":"2026-11-20T10:15:30Z","message":"m","msg":"n"}"#, "message='m' msg='n'"),
        (r#"{"msg":"n","time":1795169730,"short_message":"s"}"#, "msg='n' message='s'"),
        (r#"{"time":1,"short_message":"s","full_message":"f"}"#, "short_message='s' message='f'"),
        (r#"{"time":1,"message":"","msg":"n"}"#, "field.message='' message='n'"),
        (r#"{"time":1,"message":{"a":1},"msg":"n"}"#, "field.message.a=1 message='n'"),
        (r#"{"time":1,"message":"a","message":"b"}"#, "field.message='a' message='b'"),
        (r#"{"time":1,"msg":["a"]}"#, r#"msg=["a"]"#),
        (r#"{"@timestamp":"x","ts":1,"level":30,"time":2}"#, "@timestamp='x' ts=1 level=30"),
        (r#"{"ts":1,"level":"warn","status":200,"uri":"/a"}"#, "level='warn' status=200 uri='/a'"),
        ("no json", ""),
        ("{", ""),
    ] {
        check(Format::Ndjson, line.as_bytes(), expected);
    }
}

#[test]
fn names_of_ours_are_not_given_away() {
    check_event(
        r#""source":1,"service":2,"route":3,"_raw":4,"_more":5,"_mine":6,"source.ip":7,"service":{"name":8}"#,
        "field.source=1 field.service=2 field.route=3 field._raw=4 field._more=5 _mine=6 source.ip=7 service.name=8",
    );
}

#[test]
fn long_names_are_cut_at_a_character() {
    for (name, expected) in [
        ("n".repeat(256), "n".repeat(256)),
        ("n".repeat(257), format!("{}…", "n".repeat(253))),
        ("ж".repeat(129), format!("{}…", "ж".repeat(126))),
    ] {
        check_event(&format!(r#""{name}":1"#), &format!("{expected}=1"));
        assert!(expected.len() <= FIELD_NAME_BYTES_MAX);
    }
}

#[test]
fn what_is_too_much_for_fields_is_kept_together() {
    let members: Vec<String> = (0..OTHER_FIELDS_MAX).map(|number| format!(r#""k{number}":1"#)).collect();
    let members = members.join(",");
    let all = |more: &str| fields(Format::Ndjson, format!(r#"{{"ts":1,{members}{more}}}"#).as_bytes());
    assert_eq!(all("").len(), OTHER_FIELDS_MAX);
    let more =
        r#","s":"a\"\\\n\u0001ж","i":-1,"f":1e300,"b":true,"j":[1],"n":{"m":"x"},"_raw":null,"source":0.5"#;
    let all = all(more);
    assert_eq!(all.len(), OTHER_FIELDS_MAX + 1);
    let expected =
        r#"_more={"s":"a\"\\\n\u0001ж","i":-1,"f":1e300,"b":true,"j":[1],"n.m":"x","field.source":5e-1}"#;
    assert_eq!(all.last().map(String::as_str), Some(expected));
    assert!(json_text::is_json(&expected["_more=".len()..]));
}

#[test]
fn an_alb_line_gives_what_a_request_has_not() {
    let head = r#"h2 2026-11-20T10:15:30.123456Z app/prod/50dc6c495c0c9188 [2001:db8::1]:50123 10.0.1.5:8080 0.001 0.042 -1 200 200 312 1840 "GET https://shop.example.com:443/cart HTTP/2.0" "curl""#;
    let short = "alb_type='h2' request_processing_time=1e-3f client_port=50123 port=443 is_tls=true http_version='2.0'";
    check(Format::Alb, head.as_bytes(), short);
    let line = format!(
        r#"{head} ECDHE-RSA TLSv1.3 arn:aws:x:targetgroup/shop/6d0ecf831eec9f09 "Root=1-5-6" "a.example.com" "arn:cert" 7 2026-11-20T10:15:30.000000Z "forward" "https://a/b c" "-" "10.0.1.5:8080" "200" "Ambiguous" "UndefinedContentLengthSemantics" TID_1 "t.example.com" "/x\x22" "TransformSuccess" 10.0.0.9 new "-" "two words""#
    );
    check(
        Format::Alb,
        line.as_bytes(),
        r"alb_type='h2' ssl_cipher='ECDHE-RSA' ssl_protocol='TLSv1.3' chosen_cert_arn='arn:cert' redirect_url='https://a/b c' target_port_list='10.0.1.5:8080' target_status_code_list='200' classification='Ambiguous' classification_reason='UndefinedContentLengthSemantics' conn_trace_id='TID_1' transformed_host='t.example.com' transformed_uri='/x\x22' request_transform_status='TransformSuccess' request_processing_time=1e-3f request_creation_time=2026-11-20T10:15:30Z client_port=50123 port=443 is_tls=true http_version='2.0' alb_field_35='new' alb_field_37='two words'",
    );
    check(Format::Alb, b"", "");
    check(Format::Alb, br#"x "unclosed"#, "");
}

#[test]
fn a_combined_line_gives_user_and_version() {
    for (before, request, expected) in [
        ("1.2.3.4 - ann", "GET / HTTP/1.1", "remote_user='ann' http_version='1.1'"),
        ("1.2.3.4 - -", "GET / HTTP/2.0", "http_version='2.0'"),
        ("1.2.3.4 - ann b. [x] c", "GET /", "remote_user='ann b. [x] c'"),
        (r"1.2.3.4 - \xD0\xB6\x22", "-", "remote_user='ж\"'"),
        ("shop.example.com:80 1.2.3.4 - ann", "", "remote_user='ann'"),
        ("1.2.3.4 -", "GET /a HTTP/", ""),
        ("1.2.3.4", r"\x16\x03", ""),
    ] {
        let line = format!(r#"{before} [20/Nov/2026:13:15:30 +0300] "{request}" 200 612 "-" "-""#);
        check(Format::Combined, line.as_bytes(), expected);
    }
    check(Format::Combined, b"no combined", "");
}

#[test]
fn the_members_of_a_text_are_fields_of_their_own() {
    let check = |text: &str, parent: Option<&str>, expected: Option<&str>| {
        let mut shown = Vec::new();
        let is_object =
            json_fields(text.as_bytes(), parent, &mut |name, value| shown.push(field(name, &value)));
        assert_eq!(is_object.then(|| shown.join(" ")).as_deref(), expected, "{text}");
    };
    check(r#"{"a":1,"b":{"c":"-"},"source":"x"}"#, None, Some("a=1 b.c='-' field.source='x'"));
    check(r#"{"a":1,"b":{"c":"x"},"source":"x"}"#, Some("p"), Some("p.a=1 p.b.c='x' p.source='x'"));
    check("{}", None, Some(""));
    check(r#"{"a":1"#, None, None);
    check(r#"{"a":1} x"#, None, None);
    check("[1]", None, None);
    check("", Some("p"), None);
}

proptest! {
    #[test]
    fn any_bytes_give_bounded_names_and_sound_values(
        line in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\":,\\ 01.-eE\nts".to_vec())], 0..300,
        ),
        is_object: bool,
    ) {
        let line = if is_object { [b"{\"ts\":1,\"a\":".as_slice(), &line, b"}"].concat() } else { line };
        for format in Format::ALL {
            other_fields(format, &line, &mut |name, value| {
                assert!(!name.is_empty() && name.len() <= FIELD_NAME_BYTES_MAX);
                match value {
                    Value::Json(text) => assert!(json_text::is_json(&text), "{text}"),
                    Value::Float(number) => assert!(number.is_finite()),
                    _ => {}
                }
            });
        }
    }

    #[test]
    fn what_json_escapes_is_read_back(name in "[a-z]{1,9}", text in any::<String>(), number: i64, float in -1e300..1e300f64) {
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let line = format!(r#"{{"@timestamp":1,"{name}":{{"s":"{escaped}","i":{number},"f":{float:e}}}}}"#);
        let mut found = Vec::new();
        other_fields(Format::Ndjson, line.as_bytes(), &mut |name, value| found.push((name.to_owned(), value)));
        prop_assert_eq!(found, [
            (format!("{name}.s"), Value::Text(text.into())),
            (format!("{name}.i"), Value::Integer(number)),
            (format!("{name}.f"), Value::Float(float)),
        ]);
    }
}
