//! Lines and what is left of them.

use proptest::prelude::*;
use weir_record::{Request, alb, combined, nginx_json};

use super::*;

fn rule(text: &str) -> RedactRule {
    let (field, rest) = text.split_once(' ').unwrap_or((text, ""));
    let names = |kind: &str| {
        let list = rest.split(' ').find_map(|part| part.strip_prefix(kind)).unwrap_or_default();
        list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    RedactRule {
        field: field.to_owned(),
        other_names: names("or="),
        params: names("params="),
        json_keys: names("json_keys="),
    }
}

#[track_caller]
fn redacted(format: Option<Format>, rules: &[&str], line: &str) -> String {
    let rules: Vec<RedactRule> = rules.iter().map(|text| rule(text)).collect();
    let redactor = Redactor::new(&rules);
    let result = redactor.line(format, line.as_bytes(), RuleSet::ALL).into_owned();
    let again = redactor.line(format, &result, RuleSet::ALL);
    assert!(matches!(again, Cow::Borrowed(_)), "twice is not once: {}", again.escape_ascii());
    String::from_utf8(result).unwrap()
}

#[track_caller]
fn check(format: Format, rules: &[&str], line: &str, expected: &str) {
    let expected = expected.replace('¤', REDACTED);
    assert_eq!(redacted(Some(format), rules, line), expected, "{line}");
}

const PARAMS: &[&str] = &["query params=token,api-key"];
const KEYS: &[&str] = &["payload json_keys=password,token"];

#[test]
fn parameters_go_wherever_they_stand() {
    for (line, expected) in [
        ("GET /a?token=abc HTTP/1.1", "GET /a?token=¤ HTTP/1.1"),
        ("GET /a?x=1&token=abc&y=2 HTTP", "GET /a?x=1&token=¤&y=2 HTTP"),
        ("token=abc", "token=¤"),
        (r#""args":"token=abc""#, r#""args":"token=¤""#),
        ("?Token=a&API-KEY=b#c", "?Token=¤&API-KEY=¤#c"),
        ("/a?token=a%26b=c%22d&y=2", "/a?token=¤&y=2"),
        ("/a?%74oken=abc", "/a?%74oken=¤"),
        ("/a?token[]=abc&token%5B0%5D=d", "/a?token[]=¤&token%5B0%5D=¤"),
        ("/login?next=%2Fa%3Ftoken%3Dabc%2526d%26x%3D1&y=2", "/login?next=%2Fa%3Ftoken%3D¤%26x%3D1&y=2"),
        ("/a?u=%252Fa%253Ftoken%253Dabc%2526x", "/a?u=%252Fa%253Ftoken%253D¤%2526x"),
        (r"failed\ntoken=abc at", r"failed\ntoken=¤ at"),
        (r"C:\\token=abc", r"C:\\token=¤"),
        ("/a?token=&y=2", "/a?token=&y=2"),
        ("/a?mytoken=abc&token-type=x&tokenizer=1", "/a?mytoken=abc&token-type=x&tokenizer=1"),
        ("/a?token", "/a?token"),
    ] {
        check(Format::Combined, PARAMS, line, expected);
    }
    check(Format::NginxJson, PARAMS, r#"{"u":"/a?token=abc\u0026x=1"}"#, r#"{"u":"/a?token=¤\u0026x=1"}"#);
    check(Format::NginxJson, PARAMS, r#"{"m":"see \"/a?token=abc\"."}"#, r#"{"m":"see \"/a?token=¤\"."}"#);
    check(Format::Combined, PARAMS, r#""GET /a?token=a\x22b c" 1"#, r#""GET /a?token=¤ c" 1"#);
}

#[test]
fn members_of_json_go_in_strings_and_in_strings_of_strings() {
    for (line, expected) in [
        (r#"{"password":"abc","x":1}"#, r#"{"password":"¤","x":1}"#),
        (r#"{"password" : 1234 }"#, r#"{"password" : "¤" }"#),
        (r#"{"password":null,"x":true}"#, r#"{"password":"¤","x":true}"#),
        (r#"{"password":0.1, 0.2,"x":1}"#, r#"{"password":"¤","x":1}"#),
        (r#"{"password":{"a":["}\"",1],"b":2},"x":1}"#, r#"{"password":"¤","x":1}"#),
        (r#"{"password":["a","b"]}"#, r#"{"password":"¤"}"#),
        (r#"{"password":"a\"b\\","x":1}"#, r#"{"password":"¤","x":1}"#),
        (r#"{"password":"","x":,"token":}"#, r#"{"password":"","x":,"token":}"#),
        (r#"{"p":"{\"password\":\"a b\",\"x\":1}"}"#, r#"{"p":"{\"password\":\"¤\",\"x\":1}"}"#),
        (r#"{"p":"{\"password\":12,\"x\":1}"}"#, r#"{"p":"{\"password\":\"¤\",\"x\":1}"}"#),
        (r#"{"p":"{\"password\":\"a\\\"b\\\\\",\"x\":1}"}"#, r#"{"p":"{\"password\":\"¤\",\"x\":1}"}"#),
        (r#"{"p":"{\"password\":{\"a\":\"}\"},\"x\":1}"}"#, r#"{"p":"{\"password\":\"¤\",\"x\":1}"}"#),
        (
            r#"{"p":"{\"q\":\"{\\\"password\\\":\\\"abc\\\",\\\"x\\\":1}\"}"}"#,
            r#"{"p":"{\"q\":\"{\\\"password\\\":\\\"¤\\\",\\\"x\\\":1}\"}"}"#,
        ),
        (r#"{"p":"{\"password\":\"abc"}"#, r#"{"p":"{\"password\":\"¤"}"#),
        (r#"{"p":"{\"password\":{\"a\":\"abc"}"#, r#"{"p":"{\"password\":\"¤\""}"#),
        (r#"{"p":"{\n  \"password\": \"abc\"\n}"}"#, r#"{"p":"{\n  \"password\": \"¤\"\n}"}"#),
        (
            r#"{"p":"{\x22password\x22:\x22a\x5C\x22b\x22,\x22x\x22:1}"}"#,
            r#"{"p":"{\x22password\x22:\x22¤\x22,\x22x\x22:1}"}"#,
        ),
        (
            r#"{"p":"{\u0022password\u0022:\u0022a\\u0022b\u0022}"}"#,
            r#"{"p":"{\u0022password\u0022:\u0022¤\u0022}"}"#,
        ),
        (r#"{"p":"{\u0022password\u0022:7}"}"#, r#"{"p":"{\u0022password\u0022:\u0022¤\u0022}"}"#),
        (
            "/a?q=%7B%22password%22%3A%22abc%22%2C%22x%22%3A1%7D",
            "/a?q=%7B%22password%22%3A%22¤%22%2C%22x%22%3A1%7D",
        ),
        (r#"{"p\u0061ssword":"abc"}"#, r#"{"p\u0061ssword":"¤"}"#),
        (r#"{"Password":"abc","password_hint":"x"}"#, r#"{"Password":"¤","password_hint":"x"}"#),
        (r#"{"x":"password","y":"z"}"#, r#"{"x":"password","y":"z"}"#),
        (r#"{"p":"cut {\"password\": \"ab"#, r#"{"p":"cut {\"password\": \"¤"#),
    ] {
        check(Format::NginxJson, KEYS, line, expected);
    }
}

#[test]
fn a_key_with_dots_is_read_as_the_objects_that_it_stands_for() {
    for (line, expected) in [
        (r#"{"payload.password":"abc","x":1}"#, r#"{"payload.password":"¤","x":1}"#),
        (r#"{"a.password.b.c" : 7 }"#, r#"{"a.password.b.c" : "¤" }"#),
        (r#"{"password.a":["x"],"TOKEN.b":{"c":1}}"#, r#"{"password.a":"¤","TOKEN.b":"¤"}"#),
        (r#"{"password.":"abc","..token":"d"}"#, r#"{"password.":"¤","..token":"¤"}"#),
        (r#"{"p":"{\"a.password\":\"a b\",\"x\":1}"}"#, r#"{"p":"{\"a.password\":\"¤\",\"x\":1}"}"#),
        (r#"{"p":"{\x22a.token.b\x22:\x22c\x22}"}"#, r#"{"p":"{\x22a.token.b\x22:\x22¤\x22}"}"#),
        (r#"{"a\u002epassword":"abc"}"#, r#"{"a\u002epassword":"¤"}"#),
        ("/a?q=%7B%22a.token%22%3A%22abc%22%7D", "/a?q=%7B%22a.token%22%3A%22¤%22%7D"),
        (r#"{"a.passwords":"x","a.my_token":"y"}"#, r#"{"a.passwords":"x","a.my_token":"y"}"#),
        (r#"{"a password.b":"x","see":"the.password"}"#, r#"{"a password.b":"x","see":"the.password"}"#),
        (r#"{"a":"b.token","c":"d"}"#, r#"{"a":"b.token","c":"d"}"#),
    ] {
        check(Format::NginxJson, KEYS, line, expected);
    }
    let line =
        r#"{"http.request.uri":"/a/b?c=d","request.line":"GET /e?f","url.path":"/g/h","attrs.user.id":"i"}"#;
    for (field, expected) in [
        ("query", r#"{"http.request.uri":"¤","request.line":"¤","url.path":"/g/h","attrs.user.id":"i"}"#),
        (
            "url.path",
            r#"{"http.request.uri":"/a/b?c=d","request.line":"GET /e?f","url.path":"¤","attrs.user.id":"i"}"#,
        ),
        (
            "attrs.user",
            r#"{"http.request.uri":"/a/b?c=d","request.line":"GET /e?f","url.path":"/g/h","attrs.user.id":"¤"}"#,
        ),
    ] {
        check(Format::NginxJson, &[field], line, expected);
    }
}

#[test]
fn a_key_of_many_parts_is_read_in_a_time_that_its_length_bounds() {
    let key = "password.".repeat(50_000);
    let line = format!("{{\"{key}x\":\"{}\",\"{key}\", 1}}", "y".repeat(500_000));
    let expected = format!("{{\"{key}x\":\"¤\",\"{key}\", 1}}");
    check(Format::NginxJson, KEYS, &line, &expected);
}

#[test]
fn a_whole_field_goes_by_its_keys() {
    let line = r#"{"time":"2026-11-20T10:15:30Z","request":"GET /a/b?c=d HTTP/1.1","request_uri":"/a/b?c=d","args":"c=d","_user_email":"a@b.c","attrs":{"user":"x"},"remote_addr":"10.0.0.1","msg":"hello"}"#;
    for (field, found, left) in [
        ("query", vec!["c=d"], vec!["/a/b?¤ HTTP/1.1", "/a/b?¤\""]),
        ("path", vec!["/a/b"], vec!["GET /¤?c=d HTTP/1.1", "\"/¤?c=d\""]),
        ("request_uri", vec!["/a/b", "?c=d"], vec!["GET /¤ HTTP/1.1", "\"/¤\"", "\"args\":\"c=d\""]),
        ("user_email", vec!["a@b.c"], vec!["/a/b?c=d"]),
        ("attrs.user", vec!["\"x\""], vec!["/a/b?c=d"]),
        ("attrs", vec!["user\":"], vec!["\"attrs\":\"¤\""]),
        ("client_ip", vec!["10.0.0.1"], vec!["/a/b?c=d"]),
        ("remote_addr", vec!["10.0.0.1"], vec!["/a/b?c=d"]),
        ("message", vec!["hello"], vec!["\"msg\":\"¤\""]),
    ] {
        let result = redacted(Some(Format::NginxJson), &[field], line);
        found.iter().for_each(|text| assert!(!result.contains(text), "{field}: {result}"));
        let left = left.iter().map(|text| text.replace('¤', REDACTED));
        left.for_each(|text| assert!(result.contains(&text), "{field}: {text} is not in {result}"));
        assert!(nginx_json::parse(result.as_bytes()).is_ok(), "{field}: {result}");
    }
}

const ALB: &str = r#"https 2026-11-20T10:15:30.123456Z app/prod/50dc6c495c0c9188 203.0.113.7:50123 10.0.1.5:8080 0.001 0.042 0.000 200 200 312 1840 "GET https://Shop.example.com:443/cart?id=7 HTTP/1.1" "Mozilla \x22x\x22" ECDHE-RSA TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "shop.example.com" "-" 0 2026-11-20T10:15:30.080000Z "forward" "-" "-" "10.0.1.5:8080" "200" "-" "-" TID_abc"#;
const COMBINED: &str = r#"shop.example.com:443 203.0.113.7 - jane doe [20/Nov/2026:13:15:30 +0300] "GET /cart?id=7 HTTP/1.1" 200 612 "https://a/?x" "Mozilla \"x\" y""#;

#[test]
fn a_whole_field_goes_by_its_place() {
    for (format, line, field, secret) in [
        (Format::Alb, ALB, "client_ip", "203.0.113.7"),
        (Format::Alb, ALB, "target", "10.0.1.5"),
        (Format::Alb, ALB, "path", "cart"),
        (Format::Alb, ALB, "query", "id=7"),
        (Format::Alb, ALB, "host", "hop.example.com"),
        (Format::Alb, ALB, "user_agent", "Mozilla"),
        (Format::Alb, ALB, "trace_id", "36d228ad"),
        (Format::Alb, ALB, "target_group", "73e2d6bc"),
        (Format::Alb, ALB, "ssl_cipher", "ECDHE"),
        (Format::Alb, ALB, "conn_trace_id", "TID_abc"),
        (Format::Combined, COMBINED, "client_ip", "203.0.113.7"),
        (Format::Combined, COMBINED, "host", "shop.example.com"),
        (Format::Combined, COMBINED, "remote_user", "doe"),
        (Format::Combined, COMBINED, "path", "cart"),
        (Format::Combined, COMBINED, "query", "id=7"),
        (Format::Combined, COMBINED, "referer", "https://a"),
        (Format::Combined, COMBINED, "user_agent", "Mozilla"),
    ] {
        let result = redacted(Some(format), &[field], line);
        assert!(!result.contains(secret), "{field}: {result}");
        check_same_but(format, line, &result, &[canonical_name(field)]);
    }
}

#[test]
fn a_line_that_is_no_record_loses_what_can_be_found() {
    let bad_time = ALB.replace("2026-11-20T10:15:30.123456Z", "yesterday");
    assert!(!redacted(Some(Format::Alb), &["user_agent"], &bad_time).contains("Mozilla"));
    assert!(!redacted(Some(Format::Alb), &["host"], &ALB[..ALB.len() / 2]).contains("hop.example.com"));
    assert!(!redacted(Some(Format::Combined), &["client_ip"], "203.0.113.7 - x").contains("203.0"));
    assert!(
        !redacted(Some(Format::Combined), &["user_agent"], &COMBINED.replace("200", "2x"))
            .contains("Mozilla")
    );
    assert!(
        !redacted(None, &["query params=token", "payload json_keys=p"], r#"{"p":"abc" ?token=abc"#)
            .contains("abc")
    );
}

#[test]
fn rules_that_are_not_asked_for_do_nothing() {
    let redactor = Redactor::new(&[rule("query params=a"), rule("x json_keys=b"), rule("user_agent")]);
    let line = br#"{"b":"1","u":"?a=2","http_user_agent":"3"}"#;
    let none = redactor.line(Some(Format::NginxJson), line, RuleSet::NONE);
    assert!(matches!(none, Cow::Borrowed(_)));
    let second = redactor.line(Some(Format::NginxJson), line, RuleSet::NONE.with(1));
    assert_eq!(*second, *br#"{"b":"[redacted]","u":"?a=2","http_user_agent":"3"}"#);
    assert_eq!(redactor.rule_count(), 3);
    assert!(matches!(redactor.line(None, b"nothing here", RuleSet::ALL), Cow::Borrowed(_)));
}

fn fields(format: Format, line: &str) -> Request<'_> {
    let parsed = match format {
        Format::Alb => alb::parse_line(line.as_bytes()),
        Format::Combined => combined::parse(line.as_bytes()),
        _ => nginx_json::parse(line.as_bytes()),
    };
    parsed.unwrap_or_else(|reject| panic!("{reject}: {line}"))
}

/// Checks that all fields but `names` are the same, and that nothing has become unreadable.
#[track_caller]
fn check_same_but(format: Format, before: &str, after: &str, names: &[&str]) {
    let (before, after) = (fields(format, before), fields(format, after));
    assert_eq!((before.time, before.status), (after.time, after.status));
    assert_eq!((before.request_time_us, before.bytes_out), (after.request_time_us, after.bytes_out));
    for field in weir_record::Field::ALL {
        if !names.contains(&field.name()) {
            assert_eq!(before.field(*field), after.field(*field), "{}", field.name());
        }
    }
}

/// A text as a client or a program sends it, JSON-escaped `depth` times.
fn nested_json(text: &str, depth: usize) -> String {
    (0..depth).fold(text.to_owned(), |text, _| {
        text.chars()
            .map(|c| match c {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                c => c.to_string(),
            })
            .collect()
    })
}

fn percent_encoded(text: &str, times: usize) -> String {
    (0..times).fold(text.to_owned(), |text, _| {
        let encode = |byte: u8| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(encode).collect()
    })
}

fn nginx_line(args: &str, payload: &str) -> String {
    format!(
        r#"{{"msec":"1795169730.123","status":200,"request_uri":"/a?{args}","args":"{args}","payload":"{payload}","http_referer":"https://b/?{args}","request_time":"0.1","remote_addr":"10.0.0.1","user_email":"a@b.c"}}"#
    )
}

#[test]
fn fields_beside_the_line_lose_what_the_line_would() {
    let text = |text: &str| Value::Text(text.to_owned().into());
    for (rule_text, name, value, expected) in [
        ("payload", "payload", text("x"), Some(text(REDACTED))),
        ("payload", "PAYLOAD", text("x"), Some(text(REDACTED))),
        ("payload", "payload.user.id", Value::Integer(7), Some(text(REDACTED))),
        ("payload or=body", "body", text("x"), Some(text(REDACTED))),
        ("payload", "note", text("payload"), None),
        ("payload", "payload", text(REDACTED), None),
        ("user.password", "user.password", text("x"), Some(text(REDACTED))),
        ("user.password", "other.password", text("x"), Some(text(REDACTED))),
        ("p json_keys=password", "q.password", text("x"), Some(text(REDACTED))),
        ("p json_keys=card.number", "q.card.number", text("x"), Some(text(REDACTED))),
        ("p json_keys=card.number", "q.card.numbers", text("x"), None),
        (
            "p json_keys=password",
            "note",
            text(r#"{"password":"x","a":1}"#),
            Some(text(r#"{"password":"[redacted]","a":1}"#)),
        ),
        (
            "p json_keys=password",
            "list",
            Value::Json(r#"[{"password":7}]"#.into()),
            Some(Value::Json(r#"[{"password":"[redacted]"}]"#.into())),
        ),
        ("p params=token", "url", text("/a?token=x&b=1"), Some(text("/a?token=[redacted]&b=1"))),
        ("p params=token", "token", text("x"), None),
        ("path", "path", text("/a/b"), Some(text("/[redacted]"))),
        ("query", "query", text("a=1"), Some(text(REDACTED))),
        ("query", "host", text("a"), None),
    ] {
        let redactor = Redactor::new(&[rule(rule_text)]);
        assert_eq!(redactor.value(name, &value, RuleSet::ALL), expected, "{rule_text}: {name}");
        assert_eq!(redactor.value(name, &value, RuleSet::NONE), None);
    }
}

/// A tree of members; a leaf has a text that no other has.
#[derive(Clone, Debug)]
enum Tree {
    Text,
    Number,
    List,
    Object(Vec<(&'static str, Tree)>),
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let names = ["a", "http", "password", "Card", "user_email", "_user_email", "request", "path", "n"];
    let leaf = prop::sample::select(vec![Tree::Text, Tree::Number, Tree::List]);
    leaf.prop_recursive(3, 24, 4, move |inner| {
        let member = (prop::sample::select(names.to_vec()), inner);
        prop::collection::vec(member, 1..4).prop_map(Tree::Object)
    })
}

/// Writes the tree as nested JSON, and its leaves as members with dotted names.
fn write_tree(tree: &Tree, path: &str, nested: &mut String, leaves: &mut Vec<(String, String)>) {
    let number = 500_000 + leaves.len();
    let value = match tree {
        Tree::Text => format!("\"{number}\""),
        Tree::Number => number.to_string(),
        Tree::List => format!("[\"{number}\"]"),
        Tree::Object(members) => {
            nested.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                nested.push_str(&format!("{}\"{name}\":", if index > 0 { "," } else { "" }));
                write_tree(member, &format!("{path}.{name}"), nested, leaves);
            }
            nested.push('}');
            return;
        }
    };
    nested.push_str(&value);
    leaves.push((path.to_owned(), value));
}

proptest! {
    #[test]
    fn dotted_names_lose_what_nested_objects_do(tree in any_tree(), depth in 0..3_usize) {
        let (mut nested, mut leaves) = (String::new(), Vec::new());
        write_tree(&tree, "root", &mut nested, &mut leaves);
        let dotted: Vec<_> = leaves.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let in_strings = |object: String| {
            (0..depth).fold(object, |object, _| format!("{{\"in\":\"{}\"}}", nested_json(&object, 1)))
        };
        let nested = in_strings(format!("{{\"root\":{nested},\"z\":1}}"));
        let dotted = in_strings(format!("{{{},\"z\":1}}", dotted.join(",")));
        let rules = ["payload json_keys=password,card", "user_email", "path", "query"];
        let redactor = Redactor::new(&rules.map(rule));
        let (of_nested, of_dotted) =
            (redacted(Some(Format::NginxJson), &rules, &nested), redacted(Some(Format::NginxJson), &rules, &dotted));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&of_dotted).is_ok(), "{of_dotted}");
        for (name, value) in leaves {
            let number = value.trim_matches(['[', '"', ']']);
            let is_left = of_nested.contains(number);
            prop_assert_eq!(is_left, of_dotted.contains(number), "{}: {} and {}", name, of_nested, of_dotted);
            if value.starts_with('"') {
                let beside = redactor.value(&name, &Value::Text(number.into()), RuleSet::ALL);
                prop_assert_eq!(is_left, beside.is_none(), "{}: {}", name, of_nested);
            }
        }
    }

    #[test]
    fn no_planted_parameter_is_left(
        secret in "[!$'()*+,./:;@_~A-Za-z0-9-]{1,12}QZX",
        before in "(a=1&|b=%26&|)",
        times in 0..4_usize,
        name in prop::sample::select(vec!["token", "Token", "%74oken", "token[]", "token%5B1%5D"]),
    ) {
        // Encoded as often as a URL in a URL is, the whole is still one value of `u`.
        let inner = format!("{before}token={}&z=9", percent_encoded(&secret, 1));
        let args = if times == 0 {
            format!("{before}{name}={secret}&z=9")
        } else {
            format!("u={}&y=2", percent_encoded(&format!("https://c/?{inner}"), times))
        };
        for (format, line) in [
            (Format::NginxJson, nginx_line(&args, "x")),
            (Format::NginxJson, nginx_line(&args.replace('&', "\\u0026"), &nested_json(&format!("{{\"url\":\"/?{args}\"}}"), 1))),
            (Format::Alb, ALB.replace("id=7", &args)),
            (Format::Combined, COMBINED.replace("id=7", &args)),
        ] {
            let result = redacted(Some(format), PARAMS, &line);
            prop_assert!(!result.contains("QZX"), "{result}");
            check_same_but(format, &line, &result, &["query", "referer"]);
            let reject = redacted(None, PARAMS, &line[..line.len() - 1]);
            prop_assert!(!reject.contains("QZX"), "{reject}");
        }
    }

    #[test]
    fn no_planted_member_is_left(
        secret in "[ -~]{0,12}QZX[ -~]{0,3}",
        kind in 0..4,
        depth in 0..4_usize,
        blank in prop::sample::select(vec!["", " ", "\n  "]),
    ) {
        let text = nested_json(&secret, 1);
        let value = match kind {
            0 => format!("\"{text}\""),
            1 => "73210049".to_owned(),
            2 => format!("{{\"a\":[\"{text}\",{{\"b\":\"73210049\"}}]}}"),
            _ => format!("[\"{text}\", 73210049]"),
        };
        let object = format!("{{\"x\":1,\"password\"{blank}:{blank}{value},\"y\":\"kept\"}}");
        let payload = (1..depth).fold(object, |object, _| format!("{{\"in\":\"{}\"}}", nested_json(&object, 1)));
        let line = nginx_line("z=9", &nested_json(&payload, 1));
        let result = redacted(Some(Format::NginxJson), KEYS, &line);
        prop_assert!(!result.contains("QZX") && !result.contains("73210049"), "{line}\n{result}");
        prop_assert!(result.contains("kept") && result.contains("a@b.c"), "{line}\n{result}");
        check_same_but(Format::NginxJson, &line, &result, &[]);
        // The same with the escapes of nginx's default mode, and in a URL.
        let hexadecimal = payload.replace('\\', "\\x5C").replace('"', "\\x22").replace('\n', "\\x0A");
        for line in [nginx_line("z=9", &hexadecimal), nginx_line(&format!("q={}", percent_encoded(&payload, 1)), "x")] {
            let result = redacted(Some(Format::NginxJson), KEYS, &line);
            prop_assert!(!result.contains("QZX") && !result.contains("73210049"), "{line}\n{result}");
            check_same_but(Format::NginxJson, &line, &result, &["query", "referer"]);
        }
    }

    #[test]
    fn any_bytes_are_redacted_without_a_panic(
        line in prop::collection::vec(prop_oneof![
            any::<u8>(),
            prop::sample::select(br#""\\\{}[]:,=&?%2205Cux. token password"#.to_vec()),
        ], 0..120),
    ) {
        let rules = [rule("a params=token"), rule("b json_keys=password,t"), rule("path"), rule("query"), rule("host"), rule("client_ip"), rule("remote_user")];
        let redactor = Redactor::new(&rules);
        for format in [None, Some(Format::Alb), Some(Format::NginxJson), Some(Format::Combined)] {
            redactor.line(format, &line, RuleSet::ALL);
        }
    }
}
