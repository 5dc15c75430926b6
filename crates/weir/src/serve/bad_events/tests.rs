//! Queries against the indicator itself: both must find the same requests.

use proptest::prelude::*;
use weir_record::{Format, LINE_BYTES_DEFAULT, LineParser, Overlay, RecordContext, RecordFields, Timestamp};

use super::super::indicators::{IndicatorCounts, Indicators};
use super::*;
use crate::config;

const CONFIG: &str = "sources:
- {name: web, type: file, path: /a, format: nginx_json}
- {name: lb, type: alb, path: /b}
services: [{name: shop, match: {source: [web, lb]}}]
slas:
- name: by-both
  service: shop
  source: web
  by: [route, method]
  indicator: {latency: {threshold: 0.4s}}
  objective: 95
  only: [{route: /pay}, {method: OTHER}, {method: GET}]
  overrides: [{route: /pay, method: GET, threshold: 1s}, {method: GET, threshold: 0.1s}, {route: /pay, threshold: 2s}]
- name: whole
  service: shop
  source: web
  indicator: {latency: {threshold: 0.4s, failures: as_measured}}
  objective: 95
- name: by-method
  service: shop
  source: web
  by: [method]
  indicator: {latency: {threshold: 0.4s, failures: excluded}}
  objective: 95
  only: [{method: POST}, {method: GET}]
- name: ratio
  service: shop
  source: web
  indicator: {ratio: {bad: 'status:5xx OR request_time > 400ms'}}
  objective: 99
  exclusions: [{name: noon, weekdays: [fri], from: '10:16', to: '10:17', time_zone: UTC}]
- {name: balanced, service: shop, source: lb, indicator: {latency: {threshold: 0.4s}}, objective: 95}
alerts:
- {name: Errors, kind: threshold, query: 'status:>=500', by: [upstream, note], window: 5m, above: 1, source: web}
- {name: Messages, kind: new_value, by: [message]}
";

/// A record with all that is known of it.
struct Line {
    format: Format,
    source: &'static str,
    route: Option<String>,
    text: String,
}

fn with_record<T>(
    line: &Line,
    read: impl FnOnce(weir_record::Record<'_>, &RecordContext<'_>) -> T,
) -> Option<T> {
    let mut read = Some(read);
    let mut given = None;
    let overlay = Overlay::default();
    LineParser::new(line.format, LINE_BYTES_DEFAULT).parse_block(line.text.as_bytes(), |parsed| {
        let context = RecordContext {
            source: line.source,
            service: Some("shop"),
            route: line.route.as_deref(),
            target_group: None,
            overlay: &overlay,
            format: line.format,
            line: parsed.bytes,
        };
        if let (Ok(record), Some(read)) = (parsed.outcome, read.take()) {
            given = Some(read(record, &context));
        }
    });
    given
}

/// Counts lines as the indicators do, and by the queries of each instance: both must be the same.
#[track_caller]
fn check(lines: &[Line]) {
    let config = config::parse("f", CONFIG, &|_| None).unwrap();
    let indicators = Indicators::new(&config).unwrap();
    let now = Timestamp::parse_rfc3339(b"2026-11-20T11:00:00Z").unwrap();
    let range = weir_meter::SlotRange::at(now);
    let mut counts = IndicatorCounts::default();
    for line in lines {
        with_record(line, |record, context| indicators.observe(&mut counts, record, context, range)).unwrap();
    }
    for row in counts.rows() {
        let indicator = &indicators.all()[row.indicator];
        let minutes: Vec<i64> = row.minutes.iter().map(|(minute, _)| minute.0).collect();
        let span = (*minutes.iter().min().unwrap(), minutes.iter().max().unwrap() + 1);
        let events = BadEvents::between(indicator, &row.labels, span);
        let judged = row.minutes.iter().filter(|(minute, _)| !indicator.excludes(*minute));
        let judged = judged
            .fold((0, 0), |(bad, total), (_, events)| (bad + events.bad, total + events.bad + events.good));
        let found = |expression: &Expression| {
            // What stands in a mail is a text.
            let text = expression.to_string();
            let parsed = weir_query::parse(&text).unwrap().filter;
            assert_eq!(parsed, *expression, "{text}");
            let predicate = parsed.compile(now).unwrap();
            let is_found = |line: &&Line| {
                let found = with_record(line, |record, context| {
                    let is_inside = events.from <= record.time() && record.time() < events.to;
                    is_inside && predicate.matches(&RecordFields::new(record, *context))
                });
                found == Some(true)
            };
            lines.iter().filter(is_found).count() as u64
        };
        let shown = format!("{} {:?}: {}", indicator.name, row.labels, events.bad);
        assert_eq!((found(&events.bad), found(&events.all)), judged, "{shown}");
    }
}

fn nginx(line: (u8, usize, usize, usize, usize, usize)) -> Line {
    let (second, route, method, status, time, note) = line;
    let routes = [Some("/pay"), Some("/a"), Some("/x \"y\""), None];
    let methods = ["\"GET\"", "\"POST\"", "\"PURGE\"", "\"get\"", "null"];
    let times = ["\"0.400\"", "\"0.401\"", "\"1.000\"", "\"1.5\"", "\"0.1\"", "\"-\""];
    let notes = ["\"a (b)\"", "\"\"", "5", "null", "true", "0.5"];
    let statuses = ["200", "404", "500", "503", "-"];
    Line {
        format: Format::NginxJson,
        source: "web",
        route: routes[route % routes.len()].map(str::to_owned),
        text: format!(
            "{{\"time_iso8601\":\"2026-11-20T10:{:02}:{:02}+00:00\",\"request_uri\":\"/\",\"request_method\":{},\
             \"status\":\"{}\",\"request_time\":{},\"note\":{},\"upstream\":\"u-{}\"}}",
            15 + second / 60,
            second % 60,
            methods[method % methods.len()],
            statuses[status % statuses.len()],
            times[time % times.len()],
            notes[note % notes.len()],
            note % 2,
        ),
    }
}

proptest! {
    // Each case asks some hundred questions.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_query_finds_what_the_indicator_counted(
        lines in prop::collection::vec((0u8..180, 0usize..4, 0usize..5, 0usize..5, 0usize..6, 0usize..6), 1..40),
    ) {
        check(&lines.into_iter().map(nginx).collect::<Vec<_>>());
    }

    #[test]
    fn a_template_finds_the_messages_that_it_was_made_of(
        messages in prop::collection::vec("[ab ]{0,4}(order|user)[ -]{1,2}[a-z0-9@.(\"\\\\]{0,6} ?(gone|é!|ab\n1)?", 1..20),
    ) {
        let line = |message: &String| Line {
            format: Format::Ndjson,
            source: "web",
            route: None,
            text: serde_json::json!({"@timestamp": "2026-11-20T10:15:00Z", "message": message}).to_string(),
        };
        check(&messages.iter().map(line).collect::<Vec<_>>());
    }
}

#[test]
fn the_life_of_a_connection_is_no_slow_answer() {
    let alb = |kind: &str, status: u16, times: &str| Line {
        format: Format::Alb,
        source: "lb",
        route: Some("/ws".to_owned()),
        text: format!(
            "{kind} 2026-11-20T10:15:30.000000Z app/shop/50dc6c495c0c9188 198.18.0.1:1 10.0.0.1:80 {times} {status} {status} \
             1 1 \"GET https://shop.example.com:443/ws HTTP/1.1\" \"-\" - - - \"-\" \"-\" \"-\" 0 2026-11-20T10:15:20.000000Z"
        ),
    };
    check(&[
        alb("wss", 101, "0.001 9.000 0.000"),
        alb("ws", 502, "-1 -1 -1"),
        alb("https", 200, "0.001 0.300 0.000"),
        alb("https", 200, "0.001 0.500 0.000"),
        alb("h2", 502, "-1 -1 -1"),
    ]);
}

#[test]
fn links_and_commands_stand_as_they_are_in_a_shell_and_an_address() {
    let config = config::parse("f", CONFIG, &|_| None).unwrap();
    let indicators = Indicators::new(&config).unwrap();
    let labels = [("route".into(), "/it's {id}".into()), ("method".into(), "POST".into())].into();
    let events = BadEvents::between(&indicators.all()[0], &labels, (29_919_495, 29_919_500));
    let query = "source:\"web\" AND service:\"shop\" AND method:\"POST\" AND route:\"/it's {id}\" AND \
                 (request_time:>0.4 OR status:>=500)";
    assert_eq!(events.bad.to_string(), query);
    assert_eq!(
        events.command("https://weir.example.com/"),
        format!(
            "weir search '{}' --from 2026-11-20T10:15:00Z --to 2026-11-20T10:20:00Z --server https://weir.example.com",
            query.replace('\'', "'\\''")
        )
    );
    assert_eq!(events.link(""), "");
    let link = events.link("https://weir.example.com/");
    assert!(
        link.starts_with("https://weir.example.com/#/search?query=source%3A%22web%22%20AND%20"),
        "{link}"
    );
    assert!(link.ends_with("&from=2026-11-20T10%3A15%3A00Z&to=2026-11-20T10%3A20%3A00Z"), "{link}");
}
