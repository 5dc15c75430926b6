//! Whole configs: what is read from them, and what is said about wrong ones, word for word.

use std::time::Duration;

use proptest::prelude::*;
use weir_enrich::{RoutePattern, UnmatchedRoutes};
use weir_ingest::redis::BatchMax;
use weir_meter::pushed::GaugeMode;
use weir_record::Format;
use weir_web::{CorsOrigins, Role, UrlLabels};

use super::declared_metrics::DeclaredLabel;
use super::keys::{SECTIONS, Section};
use super::listener_rules::ListenerRulesApi;
use super::remote_write::{Login, RemoteWrite, SourceSelection};
use super::source::ALB_LATENESS;
use super::source_input::{AwsAccess, S3Input, SqsInput};
use super::users::User;
use super::*;

mod hostile;

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

fn environment(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("9099".to_owned()),
        "EMPTY" => Some(String::new()),
        "TRICK" => Some("x\nhttp: {auth: none}".to_owned()),
        "LONG" => Some("x".repeat(60_000)),
        _ => None,
    }
}

#[track_caller]
fn read(text: &str) -> Config {
    parse("f", text, &environment).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

/// What is said about `text`; nothing if it is right.
fn errors_of(text: &str) -> String {
    parse("f", text, &environment).map_or_else(|errors| errors.to_string(), |_| String::new())
}

#[track_caller]
fn check_cases(cases: &str) {
    for case in cases.split("\n=== ").skip(1) {
        let (title, case) = case.split_once('\n').unwrap();
        let (text, errors) = case.split_once("\n>>>\n").unwrap();
        assert_eq!(errors_of(text), errors.trim_end(), "{title}:\n{text}");
    }
}

#[test]
fn mistakes_are_told_word_for_word() {
    check_cases(include_str!("testdata/mistakes.txt"));
    check_cases(include_str!("testdata/inputs.txt"));
    check_cases(include_str!("testdata/redis.txt"));
    check_cases(include_str!("testdata/users.txt"));
    check_cases(include_str!("testdata/remote_write.txt"));
    check_cases(include_str!("testdata/gateway.txt"));
    check_cases(include_str!("testdata/records.txt"));
    check_cases(include_str!("testdata/transforms.txt"));
    check_cases(include_str!("testdata/notifications.txt"));
}

#[test]
fn promises_and_alerts_that_cannot_work_are_refused() {
    check_cases(include_str!("testdata/slas.txt"));
}

#[test]
fn yaml_that_is_none_says_so_in_plain_words() {
    check_cases(include_str!("testdata/syntax.txt"));
}

#[test]
fn variables_are_checked() {
    check_cases(include_str!("testdata/environment.txt"));
}

#[test]
fn a_found_value_is_shown_in_one_line_and_not_whole() {
    let errors = errors_of(&format!("unmatched_routes: \"a\\tb\\n{}\"", "y".repeat(500)));
    assert!(errors.ends_with(&format!("found `a\\tb\\n{}...`", "y".repeat(56))), "{errors}");
}

#[test]
fn nothing_at_all_is_the_defaults() {
    for text in [
        "",
        "\n",
        "# a comment\n",
        "---\n",
        "~",
        "version: 1",
        "http:\nsources:\nmetrics: ~\ngateway: {}\nlimits: {}",
    ] {
        assert_eq!(read(text), Config::default(), "{text}");
    }
}

fn files(paths: &[&str]) -> SourceInput {
    SourceInput::Files(paths.iter().map(|path| (*path).to_owned()).collect())
}

const WITH_EVERY_KEY: &str = r#"
version: 1
http: {listen: "0.0.0.0:80", auth: none}
sources:
  - {name: edge, type: alb, path: "logs/**/*.gz", lateness: 15m, listener_rules: [rules/*.json, more.json]}
  - {name: web-1, type: file, path: [a.json, b.json], format: nginx_json}
  - {name: other, type: file, path: c, lateness: 1d}
services:
  - name: The Shop
    team: core
    match: {source: edge, host: [shop.example.com, "*.shop.example.com"], status: 500}
    routes: ["/api/v1/orders/{id}", "/static/**"]
unmatched_routes: drop
metrics: {max_series: 100, expire_after: 1m, labels: [application]}
limits: {line_bytes: 64KiB, unpacked_bytes: 2GB}
"#;

#[test]
fn settings_are_read() {
    let config = read(WITH_EVERY_KEY);
    assert_eq!((config.http.listen.to_string().as_str(), config.http.access), ("0.0.0.0:80", Access::Anyone));
    assert_eq!(config.unmatched_routes, UnmatchedRoutes::Drop);
    let Metrics { max_series, expire_after, labels, .. } = config.metrics;
    assert_eq!((max_series, expire_after), (100, Duration::from_secs(60)));
    assert_eq!((labels.target_group, labels.application), (false, true));
    assert_eq!((config.limits.line_bytes, config.limits.unpacked_bytes), (65_536, 2_000_000_000));
}

#[test]
fn sources_are_read() {
    let sources = read(WITH_EVERY_KEY).sources;
    let [edge, web, other] = sources.as_slice() else { panic!("three sources") };
    assert_eq!((edge.name.as_str(), edge.format), ("edge", Some(Format::Alb)));
    assert_eq!(edge.lateness, Duration::from_secs(900));
    assert_eq!(edge.listener_rules, ["rules/*.json", "more.json"]);
    assert_eq!((&web.input, web.format), (&files(&["a.json", "b.json"]), Some(Format::NginxJson)));
    assert_eq!((other.format, other.lateness), (None, Duration::from_secs(86_400)));
    assert_eq!(web.lateness, FILE_LATENESS);
    let [alb] = read("sources: [{name: a, type: alb, path: p}]").sources.try_into().unwrap();
    assert_eq!((alb.lateness, alb.format), (ALB_LATENESS, Some(Format::Alb)));
}

#[test]
fn services_are_read() {
    let [shop] = read(WITH_EVERY_KEY).services.try_into().unwrap();
    assert_eq!((shop.name.as_str(), shop.team.as_deref()), ("The Shop", Some("core")));
    let matchers = shop.matchers.iter().flat_map(|matcher| {
        let field = matcher.field.name();
        matcher.globs.iter().map(move |glob| format!("{field}={}", glob.as_str()))
    });
    assert_eq!(
        matchers.collect::<Vec<_>>(),
        ["source=edge", "host=shop.example.com", "host=*.shop.example.com", "status=500"]
    );
    let routes: Vec<_> = shop.routes.iter().map(RoutePattern::as_str).collect();
    assert_eq!(routes, ["/api/v1/orders/{id}", "/static/**"]);
    read("services: [{name: s, match: {source: from-the-command-line}}]");
}

#[test]
fn variables_are_put_into_values_of_any_type() {
    let config = read(
        "http: {listen: \"[::1]:${PORT}\"}\nmetrics: {max_series: \"${PORT}\", expire_after: \"${X:-2h}\"}",
    );
    assert_eq!((config.http.listen.port(), config.metrics.max_series), (9099, 9099));
    assert_eq!(config.metrics.expire_after, Duration::from_secs(7200));
    assert_eq!(read("unmatched_routes: ${EMPTY}").unmatched_routes, UnmatchedRoutes::default());
    let [source] = read("sources: [{name: a, type: alb, path: \"$${x}\"}]").sources.try_into().unwrap();
    assert_eq!(source.input, files(&["${x}"]));
    read("# ${NOT_SET} in a comment");
}

#[test]
fn an_alias_repeats_a_value() {
    let text = "services:\n- {name: a, match: &m {host: x}}\n- {name: b, match: *m}";
    let [a, b] = read(text).services.try_into().unwrap();
    assert_eq!(a.matchers, b.matchers);
}

#[track_caller]
#[test]
fn inputs_have_defaults() {
    let aws = AwsAccess::default();
    let text = "sources: [{name: a, type: alb, sqs: {queue_url: 'https://q/1/a'}}, \
        {name: b, type: alb, s3: {bucket: logs}, listener_rules_api: {}}]";
    let [a, b] = read(text).sources.try_into().unwrap();
    let queue = SqsInput {
        queue_url: "https://q/1/a".to_owned(),
        visibility_timeout: 5 * MINUTE,
        receives_max: 5,
        dead_letter_queue_url: None,
        aws: aws.clone(),
    };
    assert_eq!((a.input, a.format, a.lateness), (SourceInput::Sqs(queue), Some(Format::Alb), ALB_LATENESS));
    assert_eq!((a.listener_rules_api, a.objects_retention), (None, 90 * DAY));
    let bucket = S3Input { bucket: "logs".to_owned(), prefix: String::new(), poll: MINUTE, aws };
    assert_eq!(b.input, SourceInput::S3(bucket));
    let rules = ListenerRulesApi { load_balancers: Vec::new(), refresh: 5 * MINUTE };
    assert_eq!(b.listener_rules_api, Some(rules));
}

#[test]
fn inputs_are_read() {
    let text = r#"
sources:
  - name: a
    type: alb
    sqs: {queue_url: "http://[::1]:4566/0/a", visibility_timeout: 12h, receives_max: 1000, path_style: false,
          dead_letter_queue_url: "http://[::1]:4566/0/b", region: eu-west-1, endpoint_url: "http://[::1]:4566"}
    objects_retention: 1d
  - name: b
    type: alb
    s3: {bucket: my.logs_1, prefix: "prod/", poll: 1s, region: eu-west-1, endpoint_url: "http://m:9000/", path_style: true}
    listener_rules: r.json
    listener_rules_api:
      load_balancers: [shop, "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/shop/50dc6c495c0c9188"]
      refresh: 30s
"#;
    let [a, b] = read(text).sources.try_into().unwrap();
    let aws = |endpoint_url: &str, is_path_style| AwsAccess {
        region: Some("eu-west-1".to_owned()),
        endpoint_url: Some(endpoint_url.to_owned()),
        is_path_style,
    };
    let queue = SqsInput {
        queue_url: "http://[::1]:4566/0/a".to_owned(),
        visibility_timeout: 720 * MINUTE,
        receives_max: 1000,
        dead_letter_queue_url: Some("http://[::1]:4566/0/b".to_owned()),
        aws: aws("http://[::1]:4566", false),
    };
    assert_eq!((a.input, a.objects_retention), (SourceInput::Sqs(queue), DAY));
    let bucket = S3Input {
        bucket: "my.logs_1".to_owned(),
        prefix: "prod/".to_owned(),
        poll: Duration::from_secs(1),
        aws: aws("http://m:9000/", true),
    };
    assert_eq!((b.input, b.listener_rules), (SourceInput::S3(bucket), vec!["r.json".to_owned()]));
    let rules = b.listener_rules_api.unwrap();
    assert_eq!((rules.load_balancers.len(), rules.refresh), (2, MINUTE / 2));
}

#[test]
fn redis_inputs_are_read() {
    let text = r#"
sources:
  - {name: a, type: redis, url: "redis://h", key: "logstash:beaver"}
  - {name: b, type: redis, url: "rediss://u@h:6380/2", key: [x, y], password_file: p, format: text, lateness: 1m,
     batch: {entries: 100, bytes: 1MiB}}
  - {name: c, type: redis, url: "unix:///s", channel: "logs.*", format: {by: type, map: {nginx: nginx_json}, default: auto}}
"#;
    let [a, b, c] = read(text).sources.try_into().unwrap();
    let input = |url: &str, password_file: Option<&str>, keys| {
        let password_file = password_file.map(PathBuf::from);
        SourceInput::Redis(RedisInput { url: url.to_owned(), password_file, keys })
    };
    let lists = |names: &[&str], entries, bytes| {
        RedisKeys::Lists(names.iter().map(|&name| name.to_owned()).collect(), BatchMax { entries, bytes })
    };
    assert_eq!(a.input, input("redis://h", None, lists(&["logstash:beaver"], 5_000, 4 << 20)));
    assert_eq!((a.format, a.lateness), (Some(Format::Beaver), FILE_LATENESS));
    assert_eq!(b.input, input("rediss://u@h:6380/2", Some("p"), lists(&["x", "y"], 100, 1 << 20)));
    assert_eq!((b.format, b.lateness), (Some(Format::Text), MINUTE));
    assert_eq!(c.input, input("unix:///s", None, RedisKeys::Channels(vec!["logs.*".to_owned()])));
    assert_eq!((c.format, c.inner_formats.map.len()), (Some(Format::Beaver), 1));
}

#[test]
fn users_are_read_and_open_an_address() {
    let config = read(
        "data_dir: /var/lib/weir\nhttp: {listen: 0.0.0.0:80, external_url: 'https://weir.example.com/', auth: {users: \
         [{name: a, password_file: p, roles: push}, {name: b, token_file: t, roles: [read, admin, read]}]}}",
    );
    let user = |name: &str, password: Option<&str>, token: Option<&str>, roles: &[Role]| User {
        name: name.to_owned(),
        password_file: password.map(PathBuf::from),
        token_file: token.map(PathBuf::from),
        roles: roles.to_vec(),
    };
    let expected =
        [user("a", Some("p"), None, &[Role::Push]), user("b", None, Some("t"), &[Role::Read, Role::Admin])];
    assert_eq!(config.http.access, Access::Users(expected.to_vec()));
    assert_eq!(config.http.external_url.as_deref(), Some("https://weir.example.com/"));
    assert_eq!(config.data_dir, PathBuf::from("/var/lib/weir"));
    assert_eq!(Config::default().data_dir, PathBuf::from("./weir-data"));
}

#[test]
fn sources_of_gelf_are_read() {
    let [plain, open] = read(
        r#"
sources:
  - {name: a, type: gelf, udp: "127.0.0.1:12201"}
  - name: b
    type: gelf
    udp: ["0.0.0.0:12201", "[::]:12202"]
    tcp: localhost:12201
    tls: {cert_file: c, key_file: k}
    allow: [10.0.0.0/8]
    receive_buffer: 128KiB
"#,
    )
    .sources
    .try_into()
    .unwrap();
    assert_eq!((plain.format, plain.lateness), (Some(Format::Gelf), FILE_LATENESS));
    let SourceInput::Sockets(plain) = plain.input else { panic!("{:?}", plain.input) };
    assert_eq!((plain.udp.len(), plain.tcp.len(), plain.tls, plain.allowed), (1, 0, None, None));
    assert_eq!(plain.receive_buffer_bytes, 32 << 20);
    let SourceInput::Sockets(open) = open.input else { panic!("{:?}", open.input) };
    let shown: Vec<String> = open.udp.iter().chain(&open.tcp).map(ToString::to_string).collect();
    assert_eq!(shown, ["0.0.0.0:12201", "[::]:12202", "127.0.0.1:12201"]);
    assert_eq!(open.tls.unwrap().key_file, PathBuf::from("k"));
    assert!(open.allowed.unwrap().contains("10.1.2.3".parse().unwrap()));
    assert_eq!(open.receive_buffer_bytes, 128 << 10);
}

#[test]
fn remote_writes_are_read() {
    let text = r#"
sources: [{name: a, type: alb, path: p, lateness: 2h}, {name: b, type: file, path: p, lateness: 54m59s}]
metrics:
  external_labels: {cluster: a, environment: "${EMPTY}production"}
  slots_retention: 30d
  remote_write:
    - url: http://127.0.0.1:9090/api/v1/write?token=x
      sources: b
    - url: https://mimir/api/v1/push
      name: mimir
      sources: [a, b]
      out_of_order_time_window: 2h6m
      keep_on_metrics: true
      basic_auth: {username: weir, password_file: p}
      queue_bytes: 1GiB
      timeout: 5s
    - {url: "https://other/write", sources: [b], bearer_token_file: t}
"#;
    let metrics = read(text).metrics;
    let labels: Vec<_> =
        metrics.external_labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    assert_eq!(
        (labels.join(","), metrics.slots_retention),
        ("cluster=a,environment=production".to_owned(), 30 * DAY)
    );
    let [plain, mimir, other] = metrics.remote_write.try_into().unwrap();
    let named =
        |names: &[&str]| SourceSelection::Named(names.iter().map(|name| (*name).to_owned()).collect());
    let defaults = RemoteWrite {
        name: "127.0.0.1:9090/api/v1/write".to_owned(),
        url: "http://127.0.0.1:9090/api/v1/write?token=x".to_owned(),
        sources: named(&["b"]),
        out_of_order_time_window: Duration::ZERO,
        keep_on_metrics: false,
        login: Login::None,
        queue_bytes: 512 << 20,
        timeout: MINUTE / 2,
    };
    assert_eq!(plain, defaults);
    let basic = Login::Basic { username: "weir".to_owned(), password_file: PathBuf::from("p") };
    let expected = RemoteWrite {
        name: "mimir".to_owned(),
        url: "https://mimir/api/v1/push".to_owned(),
        sources: named(&["a", "b"]),
        out_of_order_time_window: 126 * MINUTE,
        keep_on_metrics: true,
        login: basic,
        queue_bytes: 1 << 30,
        timeout: Duration::from_secs(5),
    };
    assert_eq!(mimir, expected);
    assert_eq!(other.login, Login::Bearer { token_file: PathBuf::from("t") });
    let [all] =
        read("metrics: {remote_write: [{url: 'http://p/w'}]}").metrics.remote_write.try_into().unwrap();
    assert_eq!((all.name.as_str(), all.sources), ("p/w", SourceSelection::All));
    read("metrics: {remote_write: [{url: 'http://p/w', sources: [from-the-command-line]}]}");
}

#[test]
fn the_gateway_and_its_limits_are_read() {
    let origins = "['https://a.example.com:8443', 'http://localhost:3000']";
    let config = read(&format!(
        "gateway: {{url_labels: ignore, status: 200, gauges: replace, cors_origins: {origins}, max_series: 100}}\n\
         limits: {{push_bytes: 1KiB, push_unpacked_bytes: 1KiB, rejects_bytes: 50GB}}",
    ));
    let listed = ["https://a.example.com:8443", "http://localhost:3000"].map(str::to_owned).to_vec();
    let expected = Gateway {
        url_labels: UrlLabels::Ignore,
        status: 200,
        gauges: GaugeMode::Replace,
        cors_origins: CorsOrigins::Only(listed),
        max_series: 100,
    };
    assert_eq!(config.gateway, expected);
    let Limits { push_bytes, push_unpacked_bytes, rejects_bytes, .. } = config.limits;
    assert_eq!((push_bytes, push_unpacked_bytes, rejects_bytes), (1024, 1024, 50_000_000_000));
    assert_eq!(read("gateway: {cors_origins: ['*']}").gateway.cors_origins, CorsOrigins::Any);
    assert_eq!(read("gateway: {cors_origins: []}").gateway, Gateway::default());
}

#[test]
fn what_is_kept_and_redacted_is_read() {
    let config = read(
        r#"
sources:
  - {name: a, type: alb, path: p, keep: none}
  - {name: b, type: alb, path: p, keep: {slow: 0.4s}}
  - {name: c, type: alb, path: p, keep: {sample: 10}}
  - {name: d, type: alb, path: p, keep: slow}
store: {retention: 7d, max_disk: 50GB, min_free_disk: 0, keep_raw: true}
redact: [{field: payload, json_keys: [password, token]}, {field: user_email, where: "status:>=500"}]
"#,
    );
    let keeps: Vec<Keep> = config.sources.iter().map(|source| source.keep).collect();
    let slow = |threshold_us| Keep::Slow { threshold_us };
    assert_eq!(keeps, [Keep::None, slow(400_000), Keep::Sample { one_of: 10 }, slow(1_000_000)]);
    let store = Store {
        retention: 7 * DAY,
        disk_bytes_max: Some(50_000_000_000),
        free_bytes_min: 0,
        is_raw_kept: true,
    };
    assert_eq!(config.store, store);
    assert_eq!(read("store: {}").store, Store::default());
    let [payload, email] = config.redact.try_into().unwrap();
    assert_eq!((payload.rule.json_keys.join(","), payload.filter), ("password,token".to_owned(), None));
    assert_eq!(
        (email.rule.field.as_str(), email.filter.unwrap().to_string().as_str()),
        ("user_email", "status:>=500")
    );
}

#[test]
fn declared_metrics_are_read() {
    let config = read(
        r#"
sources: [{name: web, type: file, path: p}]
metrics:
  counters:
    - {name: errors, help: Errors., source: web, where: "statsu:500", labels: [elb_status_code, "a.b", request_id]}
    - {name: bytes_total, value: sent_bytes}
  histograms:
    - {name: t}
    - {name: u, value: bytes_in, buckets: [0, 1KB, 2.5]}
"#
        .replace("0, 1KB, 2.5", "0, 2.5, 1KB")
        .as_str(),
    );
    let remarks = remarks(&config).join(
        "
",
    );
    let [errors, bytes, times, sizes] = config.metrics.declared.try_into().unwrap();
    let label = |name: &str, field: &str| DeclaredLabel { name: name.to_owned(), field: field.to_owned() };
    let labels = [label("elb_status_code", "status"), label("a_b", "a.b"), label("request_id", "request_id")];
    assert_eq!((errors.labels, errors.sources), (labels.to_vec(), vec!["web".to_owned()]));
    assert_eq!((errors.help.as_str(), errors.measure), ("Errors.", Measure::Count));
    assert_eq!(bytes.measure, Measure::Sum { field: "bytes_out".to_owned() });
    let Measure::Distribution { field, bounds_micros } = times.measure else { panic!("a histogram") };
    assert_eq!((field.as_str(), bounds_micros.len(), bounds_micros[0]), ("request_time", 19, 5_000));
    let bounds_micros = vec![0, 2_500_000, 1_000_000_000];
    assert_eq!(sizes.measure, Measure::Distribution { field: "bytes_in".to_owned(), bounds_micros });
    let expected = "the metric `errors` is a counter and does not end in `_total`; OpenMetrics shows it as `unknown`\n\
         the metric `errors` asks for the field `statsu`, which is none of weir's; did you mean `status`?\n\
         the metric `errors` has a label of `request_id`, which may differ in each record; beyond \
         `metrics.max_series` it counts under `__other__`";
    assert_eq!(remarks, expected);
}

#[track_caller]
fn check_remarks(text: &str, expected: &[&str]) {
    assert_eq!(remarks(&read(text)), expected, "{text}");
}

#[test]
fn a_source_that_is_not_there_is_remarked_upon() {
    let with_sources = |rest: &str| {
        format!("sources: [{{name: web, type: file, path: a}}, {{name: edge, type: file, path: b}}]\n{rest}")
    };
    let metrics =
        |query: &str| with_sources(&format!("metrics: {{counters: [{{name: a_total, where: '{query}'}}]}}"));
    let lacks = |asked: &str, hint: &str| {
        format!("the metric `a_total` asks for the source `{asked}`, which this config lacks; {hint}")
    };
    let wbe = lacks("wbe", "did you mean `web`?");
    for query in ["source:wbe", "status:500 AND source = \"wbe\"", "source:(web OR wbe)", "NOT source:wbe"] {
        check_remarks(&metrics(query), &[&wbe]);
    }
    check_remarks(&metrics("source:lambda"), &[&lacks("lambda", "the sources are `web` and `edge`")]);
    check_remarks(&metrics("source:x*"), &[&lacks("x*", "the sources are `web` and `edge`")]);
    for query in ["source:web", "source:w*", "source:*", "source =~ \"x\"", "path:wbe", "wbe"] {
        check_remarks(&metrics(query), &[]);
    }
    check_remarks(
        &with_sources("redact: [{field: payload, where: 'source:edgy'}]"),
        &["`redact` number 1 asks for the source `edgy`, which this config lacks; did you mean `edge`?"],
    );
    // Where there are no sources, any may come.
    check_remarks("metrics: {counters: [{name: a_total, where: 'source:wbe'}]}", &[]);
}

#[test]
fn sources_of_the_same_files_are_remarked_upon() {
    check_remarks(
        "sources:\n- {name: a, type: file, path: [x/*.log, y, y]}\n- {name: b, type: file, path: x/*.log}\n\
         - {name: c, type: file, path: z}",
        &["the sources `a` and `b` both read `x/*.log`; each of its lines is counted for both"],
    );
}

#[test]
fn a_query_says_what_is_wrong_with_it_and_where() {
    for query in ["status:", "(status:500", "status:>fast", "a =~ \"(\""] {
        let errors = errors_of(&format!("metrics: {{counters: [{{name: a_total, where: '{query}'}}]}}"));
        let start = format!("f:1:45: `where` should be a query, found `{query}`\n    ");
        assert!(errors.starts_with(&start) && errors.contains("of the query"), "{errors}");
    }
}
