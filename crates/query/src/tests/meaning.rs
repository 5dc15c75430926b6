//! Which records each form finds.

use super::*;

/// Queries that find a record, and queries that do not.
fn check(fields: &[&str], found: &[&str], passed_over: &[&str]) {
    for query in found {
        assert!(finds(query, fields), "`{query}` must find {fields:?}");
    }
    for query in passed_over {
        assert!(!finds(query, fields), "`{query}` must not find {fields:?}");
    }
}

#[test]
fn a_field_equals_its_value_exactly() {
    check(
        &[
            "user_email=Jane@example.com",
            "path=/static/",
            "route=/api/v1/orders/{id}",
            "host=shop.example.com",
        ],
        &[
            "user_email:\"Jane@example.com\"",
            "user_email:Jane@example.com",
            "user_email = Jane@example.com",
            "\"user_email\":\"Jane@example.com\"",
            "path:/static/",
            "uri:/static/",
            "route:/api/v1/orders/{id}",
            "user_email != a",
            "NOT user_email:a",
            "-user_email:a",
            "!user_email:a",
            "+path:/static/",
            "server_name:shop.example.com",
            "host:(a OR shop.example.com)",
            "host:(shop* -a)",
        ],
        &[
            "user_email:jane@example.com",
            "user_email:example.com",
            "path:static",
            "nothing:a",
            "host:(a OR b)",
        ],
    );
}

#[test]
fn a_net_finds_its_addresses_where_addresses_are() {
    check(
        &[
            "client_ip=198.18.3.4",
            "target=10.1.2.3:8080",
            "node=2001:db8::1",
            "peer=10.9.9.9",
            "hops$[\"172.16.0.1\", 5]",
            "allowed=10.0.0.0/8",
            "path=10.1.1.1",
            "id#10",
        ],
        &[
            "client_ip:198.18.0.0/16",
            "remote_addr = 198.18.0.0/16",
            "client_ip:(10.0.0.0/8 OR 198.18.0.0/16)",
            "target:10.0.0.0/8",
            "node:2001:db8::/32",
            "peer:10.0.0.0/8",
            "hops:172.16.0.0/12",
            "allowed:10.0.0.0/8",
            "allowed:\"10.0.0.0/8\"",
            "client_ip != 10.0.0.0/8",
            "-client_ip:10.0.0.0/8",
        ],
        &[
            "client_ip:198.19.0.0/16",
            "client_ip:\"198.18.0.0/16\"",
            "client_ip != 198.18.0.0/16",
            "path:10.0.0.0/8",
            "nothing:10.0.0.0/8",
            "id:0.0.0.0/0",
            "allowed:10.0.0.0/9",
        ],
    );
}

#[test]
fn numbers_equal_whatever_their_spelling_and_type() {
    let numbers = ["status#503", "request_time#0.4", "bytes_out#10000", "id#9007199254740993", "level=5"];
    check(
        &numbers,
        &[
            "status:503",
            "status:503.0",
            "status:5xx",
            "status:\"503\"",
            "elb_status_code:503",
            "request_time:400ms",
            "request_time:0.4s",
            "request_time:0.40",
            "bytes_out:10kb",
            "id:9007199254740993",
            "status:50*",
            "status =~ \"^5\"",
            "status:(500 OR 503)",
            "level:5",
            "level:5xx OR level:<=5",
        ],
        &[
            "status:4xx",
            "status:\"5xx\"",
            "status:50",
            "id:9007199254740992",
            "id:9007199254740994",
            "level:5.0",
            "request_time:400",
        ],
    );
    check(&["code=503", "odd=5xx"], &["code:5xx", "odd:5xx", "odd:\"5xx\""], &["code:4xx", "odd:4xx"]);
}

#[test]
fn ranges_hold_numbers_texts_and_times() {
    check(
        &["status#503", "code#503", "request_time#0.5", "text=503", "name=m", "id#9007199254740993"],
        &[
            "status:>=500",
            "status >= 503",
            "status>502",
            "status:[500 TO 599]",
            "status:{502 TO 504}",
            "status:[503 TO *]",
            "status:(>=500 AND <600)",
            "status:[* TO *]",
            "request_time > 400ms",
            "request_time:<0.6s",
            "text:>=500",
            "text < 1e3",
            "name:[a TO z]",
            "name >= \"m\"",
            "id > 9007199254740992",
            "id < 9007199254740994",
        ],
        &[
            "status:{503 TO 599]",
            "status:[500 TO 503}",
            "status < 503",
            "request_time > 1h30m",
            "name:>=500",
            "name:{m TO z]",
            "code:[a TO z]",
            "id > 9007199254740993",
            "nothing:>0",
        ],
    );
}

#[test]
fn times_are_relative_dates_or_rfc_3339() {
    check(
        &["@timestamp@2026-11-20T10:00:00Z", "seen=2026-11-20T10:00:00Z"],
        &[
            "@timestamp:>=now-1h",
            "@timestamp:2026-11-20",
            "@timestamp:<=2026-11-20",
            "@timestamp:\"2026-11-20T10:00:00Z\"",
            "@timestamp:2026-11-20T11:00:00+01:00",
            "@timestamp:[2026-11-19 TO 2026-11-20]",
            "time >= now/d",
            "seen:>now-1h",
            "seen:>=2026-11-20",
            "@timestamp:2026-11-20*",
        ],
        &[
            "@timestamp:>now",
            "@timestamp:2026-11-19",
            "@timestamp:>2026-11-20",
            "@timestamp:<2026-11-20",
            "@timestamp:{2026-11-20T10:00:00Z TO now]",
            "seen:>now",
        ],
    );
}

#[test]
fn words_are_those_of_the_message() {
    check(
        &["message=Payment-service/7 FAILED for jane@example.com: timeout", "payload={\"card\": \"visa\"}"],
        &[
            "payment",
            "FAILED timeout",
            "failed AND timeout",
            "\"failed for\"",
            "payment-service/7",
            "jane@example.com",
            "message:failed",
            "full_message:\"payment service\"",
            "message:(failed OR succeeded)",
            "pay*",
            "*@example.com",
            "message:t?meout",
            "payload:visa",
            "payload:\"card visa\"",
            "message =~ \"FAILED.*timeout\"",
            "NOT succeeded",
            "message != succeeded",
            "message:*",
        ],
        &[
            "pay",
            "\"for failed\"",
            "visa",
            "payment succeeded",
            "example.co",
            "message =~ \"failed\"",
            "message !~ \"FAILED\"",
            "message:paymen?t",
        ],
    );
}

#[test]
fn fields_are_there_or_not() {
    check(
        &["user_email=", "flag!true"],
        &[
            "user_email:*",
            "_exists_:user_email",
            "NOT _exists_:payload",
            "NOT payload:*",
            "user_email:\"\"",
            "flag:true",
            "*",
            "*:*",
            "",
            "  ",
        ],
        &["NOT user_email:*", "payload:*", "_exists_:payload", "flag:false", "NOT *", "flag:1"],
    );
}

#[test]
fn an_element_of_a_list_is_enough() {
    for tags in ["tags=nginx_json, beaver", "tags$[\"nginx_json\", \"beaver\", 5]"] {
        check(
            &[tags],
            &["tags:beaver", "tags:nginx*", "tag:nginx_json", "tags =~ \"^be\"", "tags:*"],
            &["tags:nginx", "tags:\"nginx_json, beaver\"", "tags != beaver", "NOT tags:beaver"],
        );
    }
    check(
        &["ids$[5, 0.4, \"a, b\"]"],
        &["ids:5", "ids:0.4", "ids:\"a, b\"", "ids:>4"],
        &["ids:6", "ids:a", "ids:>5"],
    );
}

#[test]
fn not_binds_before_and_before_or() {
    check(
        &["a=1", "b=2"],
        &[
            "a:1 OR b:3 AND c:4",
            "a:1 or b:3 and c:4",
            "a:1 || b:3 && c:4",
            "NOT a:2 b:2",
            "not a:2 and b:2",
            "a:2 OR NOT b:3",
            "(a:2 OR b:2) a:1",
            "a:1 -b:3",
            "!a:2",
            "NOT (a:2 OR b:3)",
            "a:(1 OR 2) b:2",
            "NOT NOT a:1",
        ],
        &["(a:1 OR b:3) AND c:4", "NOT a:1 OR b:3", "-(a:1)", "a:1 b:3", "a:(1 AND 2)", "a:(NOT 1)"],
    );
}

#[test]
fn a_backslash_takes_the_meaning_away() {
    check(
        &["path=/a b", "q=x*y?", "name=AND", "quote=say \"hi\"", "disk=C:\\temp", "odd:name=1"],
        &[
            "path:/a\\ b",
            "path:\"/a b\"",
            "q:x\\*y\\?",
            "q:\"x*y?\"",
            "q:x*",
            "name:\\AND",
            "name:\"AND\"",
            "quote:\"say \\\"hi\\\"\"",
            "disk:\"C:\\temp\"",
            "disk:C\\:\\\\temp",
            "odd\\:name:1",
            "disk =~ \"^C:\\\\temp$\"",
        ],
        &["q:x\\*", "path:\\/a"],
    );
}

#[test]
fn regular_expressions_are_found_anywhere_and_slashes_are_none() {
    check(
        &["path=/api/v1/orders", "user_agent=curl/8.0"],
        &[
            "path =~ \"v[0-9]\"",
            "path=~\"orders$\"",
            "path !~ \"^orders\"",
            "path:/api/v1/orders",
            "user_agent:curl/*",
        ],
        &["path:/api/", "path =~ \"^v1\"", "nothing =~ \".*\""],
    );
    check(&["a=1"], &["nothing !~ \"x\""], &[]);
}

#[test]
fn the_time_of_a_predicate_is_bounded_for_pruning() {
    let check = |query: &str, expected: (Option<&str>, Option<&str>)| {
        let range = parse(query).expect("a query").filter.compile(now()).expect("a query").time_range();
        let shown = (range.0.map(|time| time.to_string()), range.1.map(|time| time.to_string()));
        assert_eq!((shown.0.as_deref(), shown.1.as_deref()), expected, "{query}");
    };
    let (nine, ten) = (Some("2026-11-20T09:15:30Z"), Some("2026-11-20T10:15:30Z"));
    check("*", (None, None));
    check("@timestamp:>=now-1h", (nine, None));
    check("@timestamp:>=now-1h @timestamp:<=now status:500", (nine, ten));
    check("@timestamp:now-1h OR @timestamp:now", (nine, ten));
    check("@timestamp:>=now-1h OR status:500", (None, None));
    check("NOT @timestamp:>=now-1h", (None, None));
    check("a:1 OR @timestamp:<=now", (None, None));
    let never = parse("NOT *").expect("a query").filter.compile(now()).expect("a query").time_range();
    assert!(never.0 > never.1);
}

#[test]
fn needles_are_what_a_filter_is_asked_for() {
    let check = |query: &str, values: &[&str], words: &[&str], numbers: Option<(f64, f64)>| {
        let compiled = parse(query).expect("a query").filter.compile(now()).expect("a query");
        let Predicate::Field(FieldTest { test, .. }) = compiled else {
            panic!("{query} is one test");
        };
        let needles = test.needles();
        assert_eq!((needles.values, needles.words), (owned(values), owned(words)), "{query}");
        assert_eq!(test.number_range(), numbers, "{query}");
    };
    let never = Some((f64::INFINITY, f64::NEG_INFINITY));
    check("user_email:a@b.com", &["a@b.com"], &[], never);
    check("id:5", &["5"], &[], Some((5.0, 5.0)));
    check("id:5.0", &["5.0", "5"], &[], Some((5.0, 5.0)));
    check("id:400ms", &["400ms", "0.4"], &[], Some((0.4, 0.4)));
    check("status:5xx", &[], &[], Some((500.0, 599.0)));
    check("status:>=500", &[], &[], Some((500.0, f64::INFINITY)));
    check("status:{500 TO 600}", &[], &[], Some((500.0, 600.0)));
    check("name:>=a", &[], &[], never);
    check("payment-Service", &[], &["payment", "service"], None);
    check("pay*", &[], &[], None);
    check("host:a*", &[], &[], None);
    check("host:*", &[], &[], None);
    check("host =~ \"a\"", &[], &[], None);
    check("client_ip:10.0.0.0/8", &[], &[], never);
    // The nearest float of this whole number lies below it.
    check(
        "id:9007199254740993",
        &["9007199254740993"],
        &[],
        Some((9_007_199_254_740_991.0, 9_007_199_254_740_994.0)),
    );
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}
