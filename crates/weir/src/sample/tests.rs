//! The whole stream, read back by a parser that shares nothing with the generator.

use std::collections::BTreeMap;

use super::listener::{Listener, describe_rules};
use super::shop::{ROUTES, Route, TargetGroup};
use super::truth::Truth;
use super::*;

const DAY_S: i64 = 1_795_132_800; // 2026-11-20T00:00:00Z

fn day(seed: u64, requests: u64) -> Traffic {
    let incidents = story_of_the_day(DAY_S, 86_400);
    Traffic::new(Plan { seed, start_s: DAY_S, duration_s: 86_400, requests, nodes: 3, incidents })
}

fn lines(format: Format, traffic: &Traffic) -> impl Iterator<Item = String> {
    traffic.requests().map(move |request| {
        let mut line = Vec::new();
        write_line(format, &request, &mut line);
        assert_eq!(line.pop(), Some(b'\n'));
        String::from_utf8_lossy(&line).into_owned()
    })
}

/// Splits at spaces outside quotes, byte by byte; a quote after a backslash is none.
fn alb_fields(line: &str) -> Vec<String> {
    let (mut fields, mut start, mut is_quoted, mut previous) = (Vec::new(), 0, false, b' ');
    for (place, byte) in line.bytes().chain([b' ']).enumerate() {
        if byte == b' ' && !is_quoted {
            let field = &line[start..place];
            fields
                .push(field.strip_prefix('"').and_then(|f| f.strip_suffix('"')).unwrap_or(field).to_owned());
            start = place + 1;
        }
        is_quoted ^= byte == b'"' && previous != b'\\';
        previous = byte;
    }
    assert!(!is_quoted, "a quote is left open: {line}");
    fields
}

/// Microseconds since the beginning of the month.
fn time_us(text: &str) -> i64 {
    let digits = |from: usize, to: usize| text.get(from..to).unwrap().parse::<i64>().unwrap();
    let seconds = ((digits(8, 10) * 24 + digits(11, 13)) * 60 + digits(14, 16)) * 60 + digits(17, 19);
    seconds * 1_000_000 + if text.len() == "2026-11-20T10:15:30Z".len() { 0 } else { digits(20, 26) }
}

fn ms(text: &str) -> Option<u64> {
    (text != "-1").then(|| text.replace('.', "").parse().unwrap())
}

/// The target group of each rule, by protocol and priority, read from the JSON.
fn owners() -> BTreeMap<(bool, String), String> {
    let mut owners = BTreeMap::new();
    for (listener, is_encrypted) in [(Listener::Port80, false), (Listener::Port443, true)] {
        let json: serde_json::Value = serde_json::from_str(&describe_rules(listener)).unwrap();
        for rule in json["Rules"].as_array().unwrap() {
            let priority = rule["Priority"].as_str().unwrap().replace("default", "0");
            let forward =
                rule["Actions"].as_array().unwrap().iter().find_map(|a| a["TargetGroupArn"].as_str());
            owners.insert((is_encrypted, priority), forward.unwrap_or("-").to_owned());
        }
    }
    owners
}

/// The shop's route of a request, by comparing with one pattern after the other.
fn route_of(method: &str, host: &str, uri: &str) -> Option<&'static Route> {
    let path = uri.split('?').next().unwrap();
    let is_route =
        |route: &&Route| route.method == method && route.host.name() == host && is_match(route.pattern, path);
    ROUTES.iter().find(is_route)
}

fn is_match(pattern: &str, path: &str) -> bool {
    let (patterns, segments): (Vec<&str>, Vec<&str>) =
        (pattern.split('/').collect(), path.split('/').collect());
    let is_match = |(pattern, segment): (&&str, &&str)| match pattern.split_once('{') {
        None => pattern == segment,
        Some((before, rest)) => {
            let (_, after) = rest.split_once('}').unwrap();
            segment.len() > before.len() + after.len()
                && segment.starts_with(before)
                && segment.ends_with(after)
        }
    };
    patterns.len() == segments.len() && patterns.iter().zip(&segments).all(is_match)
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    *counts.entry(key).or_default() += 1;
}

/// What a naive reader of log lines finds, in the shape of [`Truth`] with owned names.
#[derive(Debug, Default, PartialEq)]
struct Recount {
    requests: u64,
    by_status: BTreeMap<u16, u64>,
    elb_5xx: u64,
    target_5xx: u64,
    by_logged_target_group: BTreeMap<String, u64>,
    by_owner: BTreeMap<String, u64>,
    elb_5xx_by_owner: BTreeMap<String, u64>,
    target_time_ms: u64,
    request_time_us: u64,
    received_bytes: u64,
    sent_bytes: u64,
    by_route: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    off_route: u64,
    by_minute: BTreeMap<i64, u64>,
}

impl Recount {
    fn add_alb(&mut self, fields: &[String], owners: &BTreeMap<(bool, String), String>) {
        let field = |number: usize| fields[number - 1].as_str();
        self.requests += 1;
        count(&mut self.by_status, field(9).parse().unwrap());
        let is_encrypted = !matches!(field(1), "http" | "ws");
        let by_rule = owners.get(&(is_encrypted, field(21).to_owned())).map_or("-", String::as_str);
        let owner = if field(17) == "-" { by_rule } else { field(17) };
        count(&mut self.by_logged_target_group, field(17).to_owned());
        count(&mut self.by_owner, owner.to_owned());
        if field(9) >= "500" && field(10) == "-" {
            self.elb_5xx += 1;
            count(&mut self.elb_5xx_by_owner, owner.to_owned());
        } else if field(9) >= "500" {
            self.target_5xx += 1;
        }
        self.target_time_ms += ms(field(7)).unwrap_or(0);
        if !field(1).starts_with("ws") {
            let sum: Option<u64> = (6..9).map(|number| ms(field(number))).sum();
            let waited_us = (time_us(field(2)) - time_us(field(22))) as u64;
            self.request_time_us += sum.map_or(waited_us, |sum| sum * 1000);
        }
        self.received_bytes += field(11).parse::<u64>().unwrap();
        self.sent_bytes += field(12).parse::<u64>().unwrap();
        self.add_route(alb_route(field(13), field(19)));
        count(&mut self.by_minute, DAY_S / 60 - 20 * 1440 + time_us(field(2)) / 60_000_000);
    }

    fn add_route(&mut self, route: Option<&'static Route>) {
        match route {
            Some(route) => count(&mut self.by_route, (route.method, route.host.name(), route.pattern)),
            None => self.off_route += 1,
        }
    }

    fn add_nginx(&mut self, line: &str) {
        let json: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |key: &str| json[key].as_str().unwrap_or_else(|| panic!("no {key}: {line}"));
        self.requests += 1;
        count(&mut self.by_status, text("status").parse().unwrap());
        self.received_bytes += text("request_length").parse::<u64>().unwrap();
        self.sent_bytes += text("bytes_sent").parse::<u64>().unwrap();
        if text("status") != "101" {
            self.request_time_us += ms(text("request_time")).unwrap() * 1000;
        }
        self.add_route(route_of(text("request_method"), text("host"), text("request_uri")));
        count(&mut self.by_minute, text("msec").split('.').next().unwrap().parse::<i64>().unwrap() / 60);
        assert_eq!(text("request_id").len(), 32);
    }
}

fn alb_route(request: &str, domain: &str) -> Option<&'static Route> {
    let (method, rest) = request.split_once(' ')?;
    let (url, _) = rest.rsplit_once(' ')?;
    let (host_and_port, path) = url.split_once("://")?.1.split_once('/')?;
    let host = if domain == "-" { host_and_port.split(':').next()? } else { domain };
    route_of(method, &host.to_lowercase(), &format!("/{path}"))
}

fn owned(counts: &BTreeMap<&'static str, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

impl From<Truth> for Recount {
    fn from(truth: Truth) -> Recount {
        Recount {
            requests: truth.requests,
            by_status: truth.by_status,
            elb_5xx: truth.elb_5xx,
            target_5xx: truth.target_5xx,
            by_logged_target_group: owned(&truth.by_logged_target_group),
            by_owner: owned(&truth.by_owner),
            elb_5xx_by_owner: owned(&truth.elb_5xx_by_owner),
            target_time_ms: truth.target_time_ms,
            request_time_us: truth.request_time_us,
            received_bytes: truth.received_bytes,
            sent_bytes: truth.sent_bytes,
            by_route: truth.by_route,
            off_route: truth.off_route,
            by_minute: truth.by_minute,
        }
    }
}

#[test]
fn every_alb_line_has_34_fields_and_is_in_order_of_time() {
    let mut last_us = 0;
    for line in lines(Format::Alb, &day(1, 40_000)) {
        let fields = alb_fields(&line);
        assert_eq!(fields.len(), 34, "{line}");
        assert!(time_us(&fields[1]) >= last_us, "{line}");
        last_us = time_us(&fields[1]);
    }
}

#[test]
fn the_truth_is_what_a_naive_reader_of_alb_lines_counts() {
    let traffic = day(2, 40_000);
    let (mut recount, owners) = (Recount::default(), owners());
    lines(Format::Alb, &traffic).for_each(|line| recount.add_alb(&alb_fields(&line), &owners));
    assert_eq!(recount, Truth::of(Format::Alb, traffic.requests()).into());
}

#[test]
fn the_truth_is_what_a_naive_reader_of_nginx_lines_counts() {
    let traffic = day(3, 40_000);
    let mut recount = Recount::default();
    lines(Format::NginxJson, &traffic).for_each(|line| recount.add_nginx(&line));
    let truth = Recount::from(Truth::of(Format::NginxJson, traffic.requests()));
    // nginx knows nothing of target groups and of who made a 5xx.
    let known = Recount {
        elb_5xx: 0,
        target_5xx: 0,
        by_logged_target_group: BTreeMap::new(),
        by_owner: BTreeMap::new(),
        elb_5xx_by_owner: BTreeMap::new(),
        target_time_ms: 0,
        ..truth
    };
    assert_eq!(recount, known);
}

#[test]
fn a_load_balancers_5xx_can_be_traced_to_orders_though_many_lines_do_not_name_it() {
    let traffic = day(4, 200_000);
    let truth = Truth::of(Format::Alb, traffic.requests());
    let orders = truth.elb_5xx_by_owner[TargetGroup::Orders.arn()];
    assert!(orders * 10 > truth.elb_5xx * 5, "{orders} of {}", truth.elb_5xx);
    let unnamed = traffic.requests().filter(|request| {
        request.outcome.owner == Some(TargetGroup::Orders)
            && request.outcome.target_group.is_none()
            && request.outcome.elb_status == 503
    });
    assert!(unnamed.count() > 10);
}

#[test]
fn both_formats_show_the_same_request() {
    let traffic = day(5, 5_000);
    for (alb, nginx) in lines(Format::Alb, &traffic).zip(lines(Format::NginxJson, &traffic)) {
        let fields = alb_fields(&alb);
        let json: serde_json::Value = serde_json::from_str(&nginx).unwrap();
        let [uri, trace_id] = ["request_uri", "http_x_amzn_trace_id"].map(|key| json[key].as_str().unwrap());
        let is_escaped = !uri.is_ascii() || uri.contains(['"', '\\']);
        assert!(is_escaped || fields[12].contains(uri), "{alb}\n{nginx}");
        assert!(trace_id.is_empty() || trace_id == fields[17], "{alb}\n{nginx}");
    }
}

#[test]
fn errors_are_json_with_what_people_look_for() {
    let mut emails = 0;
    for line in lines(Format::Errors, &day(7, 2_000)) {
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        for key in ["@timestamp", "controller", "api_method", "request_id", "message", "payload"] {
            assert!(json[key].is_string(), "{key}: {line}");
        }
        emails += usize::from(json["user_email"].is_string());
    }
    assert!((1_000..1_800).contains(&emails), "{emails}");
}

#[test]
fn an_error_in_gelf_is_the_same_error() {
    let traffic = day(7, 500);
    for (error, message) in lines(Format::Errors, &traffic).zip(lines(Format::Gelf, &traffic)) {
        let [error, message]: [serde_json::Value; 2] =
            [&error, &message].map(|line| serde_json::from_str(line).unwrap());
        assert_eq!(error["message"], message["full_message"]);
        for key in ["controller", "request_id", "user_email", "payload", "attempt"] {
            assert_eq!(error[key], message[&format!("_{key}")], "{key}");
        }
        let full = message["full_message"].as_str().unwrap();
        assert_eq!(full.lines().next(), message["short_message"].as_str());
        assert!(message["timestamp"].is_f64());
    }
}

#[test]
fn a_line_with_its_user_is_the_same_line_otherwise() {
    let traffic = day(8, 2_000);
    for (plain, user) in lines(Format::NginxJson, &traffic).zip(lines(Format::NginxJsonUser, &traffic)) {
        let rest = user.trim_end().strip_prefix(plain.trim_end().trim_end_matches('}'));
        assert!(rest.is_some_and(|rest| rest.starts_with(",\"session_user\":\"")), "{user}");
    }
}

#[test]
fn lines_are_as_long_as_real_ones() {
    let bytes: usize = lines(Format::Alb, &day(6, 20_000)).map(|line| line.len() + 1).sum();
    assert!((650..720).contains(&(bytes / 20_000)), "{} bytes a line", bytes / 20_000);
}

/// FNV-1a of 20,000 lines. A change of these constants changes all kept benchmark inputs: it must be
/// meant.
#[test]
fn the_same_seed_gives_the_same_bytes_for_ever() {
    let hash = |format| {
        let traffic = day(42, 20_000);
        let mut line = Vec::new();
        traffic.requests().fold(0xCBF2_9CE4_8422_2325_u64, |hash, request| {
            line.clear();
            write_line(format, &request, &mut line);
            line.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3))
        })
    };
    assert_eq!(format!("{:016x}", hash(Format::Alb)), "20399d6303aa3ca4");
    assert_eq!(format!("{:016x}", hash(Format::NginxJson)), "15b96aab5ffc6249");
}
