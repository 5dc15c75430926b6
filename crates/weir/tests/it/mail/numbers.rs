//! Each number of a mail against what `weir search` and the API find by the query that stands in it.

use std::fmt::Write;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::mail::{Mail, MailServer};
use crate::support::{FalseClock, Folder, Server, date_time, escaped, until};

/// 2026-11-20T10:00:00Z.
pub const START: i64 = 1_795_168_800;

/// Where people would reach the server.
const EXTERNAL_URL: &str = "https://weir.example.com/";

/// A shop that promises something, a team that is told, and a clock that the test moves.
pub struct Shop {
    pub folder: Folder,
    pub clock: FalseClock,
    mail: Option<MailServer>,
    files: u32,
}

impl Shop {
    pub fn new(slas: &str, more: &str) -> Self {
        let mail = MailServer::start();
        let port = mail.port;
        Self { mail: Some(mail), ..Self::without_mail(slas, more, port, "") }
    }

    /// One whose mail server is not there yet; it is to be at this port. `others` are told too.
    pub fn without_mail(slas: &str, more: &str, port: u16, others: &str) -> Self {
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path("logs")).unwrap();
        let logs = folder.path("logs");
        folder.write(
            "weir.yaml",
            format!(
                "http: {{external_url: '{EXTERNAL_URL}'}}\n\
                 services: [{{name: shop, match: {{source: web}}, routes: ['/orders/{{id}}', /pay]}}]\n\
                 sources: [{{name: web, type: file, path: '{logs}', format: nginx_json, {more}}}]\n\
                 notifications:\n  \
                 global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: weir@example.com, smtp_require_tls: false}}\n  \
                 personal_data: full\n  {others}\n  \
                 route: {{receiver: team, group_by: [sla, route, method], group_wait: 1s, group_interval: 1s}}\n  \
                 receivers: [{{name: team, email_configs: [{{to: team@example.com, send_resolved: true}}]}}]\n{slas}"
            ),
        );
        Self { folder, clock: FalseClock::at(START), mail: None, files: 0 }
    }

    /// The mail server.
    pub fn mail(&self) -> &MailServer {
        self.mail.as_ref().expect("a mail server")
    }

    /// Starts the mail server that was down.
    pub fn start_mail(&mut self, port: u16) {
        self.mail = Some(MailServer::start_at(port));
    }

    pub fn start(&self) -> Server {
        Server::start_at(&self.clock, &self.folder.path("data"), &["-c", &self.folder.path("weir.yaml")])
    }

    /// Delivers lines, and waits until they are counted.
    pub fn deliver(&mut self, server: &Server, lines: &str) {
        self.files += 1;
        let counted = || server.sum("weir_source_received_total", &[("source", "web")]);
        let before = counted();
        let new = self.folder.write("new", lines);
        std::fs::rename(new, self.folder.path(&format!("logs/{}.json", self.files))).unwrap();
        let expected = before + lines.lines().count() as f64;
        until("the lines to be counted", || (counted() == expected).then_some(()));
    }

    /// Puts the clock so that minutes up to this one are complete.
    pub fn complete(&self, minute: i64) {
        self.clock.set(START + minute * 60 + 11);
    }
}

/// A request of a minute; what it is like follows from its number.
fn line(minute: i64, number: u64, path: &str, is_slow: bool) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) ^ (number << 7);
    let status = match (is_slow, mixed % 7) {
        (true, 0) => 503,
        (false, 1) => 404,
        _ => 200,
    };
    let micros = if is_slow && status == 200 { 400_001 + mixed % 3_000_000 } else { 1 + mixed % 400_000 };
    let time = date_time(START + minute * 60 + i64::try_from(number % 60).unwrap());
    let target = if status == 503 { String::new() } else { format!("10.0.0.{}:8080", 1 + mixed % 3) };
    format!(
        "{{\"time_iso8601\":\"{time}+00:00\",\"host\":\"shop.example.com\",\"request_method\":\"GET\",\
         \"request_uri\":\"{path}?token=abc{number}\",\"status\":\"{status}\",\"request_time\":\"{}.{:06}\",\
         \"upstream_addr\":\"{target}\",\"remote_addr\":\"203.0.113.{}\",\"user_email\":\"user{}@example.com\",\
         \"request_id\":\"id-{minute}-{number}-{}\"}}\n",
        micros / 1_000_000,
        micros % 1_000_000,
        1 + mixed % 200,
        mixed % 9,
        path.len()
    )
}

pub fn lines(minute: i64, good: u64, slow: u64) -> String {
    let mut text = String::new();
    for number in 0..good {
        text += &line(minute, number, &format!("/orders/{number}"), false);
    }
    for number in 0..slow {
        text += &line(minute, 1_000 + number, &format!("/orders/{number}"), true);
    }
    // Of another promise.
    let _ = write!(text, "{}{}", line(minute, 5, "/pay", false), line(minute, 6, "/other", true));
    text
}

const SLAS: &str = "slas:
  - name: latency
    service: shop
    by: [route, method]
    indicator: {latency: {threshold: 0.4s}}
    objective: 95
    alerting: [{name: ShopSlow, kind: threshold, window: 5m, for: 2m, min_events: 20}]
";

/// A question in a mail: the query, and its span.
struct Asked<'s> {
    server: &'s Server,
    query: String,
    from: String,
    to: String,
}

impl<'s> Asked<'s> {
    /// Reads `weir search 'QUERY' --from TIME --to TIME --server URL`.
    #[track_caller]
    fn read(server: &'s Server, command: &str) -> Self {
        let inner = command.strip_prefix("weir search '").expect("the command");
        let (query, rest) = inner.rsplit_once("' --from ").expect("its span");
        let words: Vec<&str> = rest.split(' ').collect();
        assert_eq!((words[1], words[3], words[4]), ("--to", "--server", EXTERNAL_URL.trim_end_matches('/')));
        let (from, to) = (words[0].to_owned(), words[2].to_owned());
        Self { server, query: query.replace("'\\''", "'"), from, to }
    }

    /// The same in another span, as `2026-11-20T10:00:00Z to 2026-11-20T10:05:00Z`.
    #[track_caller]
    fn in_span(&self, span: &str) -> Self {
        let (from, to) = span.split_once(" to ").expect("a span");
        Self { query: self.query.clone(), from: from.to_owned(), to: to.to_owned(), server: self.server }
    }

    /// The rows of `| stats ...`.
    #[track_caller]
    fn stats(&self, stats: &str) -> Vec<Value> {
        let query = escaped(&format!("{} | stats {stats} limit 1000", self.query));
        let [from, to] = [&self.from, &self.to].map(|text| escaped(text));
        let answer = self.server.get(&format!("/api/aggregate?query={query}&from={from}&to={to}")).json();
        answer["rows"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    }

    #[track_caller]
    fn count(&self) -> u64 {
        self.stats("count() as n").first().map_or(0, |row| row["n"].as_u64().unwrap())
    }

    /// Counts by the values of a field.
    fn counts(&self, field: &str) -> Vec<(String, u64)> {
        let value = |row: &Value| match &row[field] {
            Value::String(text) => text.clone(),
            Value::Null => "(none)".to_owned(),
            other => other.to_string(),
        };
        let rows = self.stats(&format!("count() as n by {field}"));
        rows.iter().map(|row| (value(row), row["n"].as_u64().unwrap())).collect()
    }

    fn hits(&self) -> Vec<Value> {
        let [query, from, to] = [&self.query, &self.from, &self.to].map(|text| escaped(text));
        let path = format!("/api/search?query={query}&from={from}&to={to}&limit=10000");
        self.server.get(&path).json()["hits"].as_array().unwrap().clone()
    }
}

/// `12 of 345 (3.5 %), FROM to TO`, with or without the word `bad`, holds for these questions.
#[track_caller]
fn check_measured(text: &str, bad: &Asked<'_>, all: &Asked<'_>) {
    let (counts, span) = text.split_once(", ").expect(text);
    let (bad, all) = (bad.in_span(span).count(), all.in_span(span).count());
    if all == 0 {
        assert_eq!(counts, "no events");
        return;
    }
    let share = format!("{:.1} %", bad as f64 / all as f64 * 100.0);
    assert_eq!(counts.replace(" bad ", " "), format!("{bad} of {all} ({share})"), "{text}");
}

#[track_caller]
fn check_mail(mail: &Mail, server: &Server) -> u64 {
    assert_eq!(mail.defects(), &json!([]));
    let bad = Asked::read(server, mail.fact("The same"));
    let all = Asked::read(server, mail.fact("With the good"));
    check_measured(mail.fact("Measured"), &bad, &all);
    assert!(mail.fact("Measured").ends_with(&format!(", {} to {}", bad.from, bad.to)));
    check_measured(mail.fact("Before"), &bad, &all);
    let times = &all.stats("p50(request_time) as p50, p95(request_time) as p95, p99(request_time) as p99")[0];
    let time = |name: &str| format!("{name} {:.3} s", times[name].as_f64().unwrap());
    assert_eq!(mail.fact("Times"), ["p50", "p95", "p99"].map(time).join(", "));
    for field in ["status", "target", "user_email"] {
        check_table(mail, field, &bad, &all);
    }
    check_slowest(mail, &bad);
    let link = format!(
        "{EXTERNAL_URL}#/search?query={}&from={}&to={}",
        encoded(&bad.query),
        encoded(&bad.from),
        encoded(&bad.to)
    );
    assert_eq!(mail.fact("The very lines"), link);
    check_command(mail, server, bad.count());
    for text in [mail.fact("Measured"), mail.fact("Times"), mail.fact("Since")] {
        assert!(mail.html().contains(text), "{text}: {}", mail.html());
    }
    assert!(!mail.text().contains("Note:          counted"), "{}", mail.text());
    bad.count()
}

#[track_caller]
fn check_table(mail: &Mail, field: &str, bad: &Asked<'_>, all: &Asked<'_>) {
    let (bad_total, all_total) = (bad.count(), all.count());
    let (bad, all) = (bad.counts(field), all.counts(field));
    let rows = mail.rows(&format!("By {field}:"));
    assert_eq!(rows.len(), bad.len().min(5), "{rows:?} {bad:?}");
    let mut last = u64::MAX;
    for row in rows {
        let (value, rest) = row.split_once("  ").unwrap();
        let of = |counts: &[(String, u64)]| counts.iter().find(|(one, _)| one == value).expect(value).1;
        let (bad, all) = (of(&bad), of(&all));
        let share = |part: u64, whole: u64| part as f64 / whole as f64;
        let (of_bad, of_all) = (share(bad, bad_total), share(all, all_total));
        let expected = format!(
            "{:.1} % of the bad, {:.1} % of all {:.1}x {bad} of {all} bad",
            of_bad * 100.0,
            of_all * 100.0,
            of_bad / of_all
        );
        assert_eq!(rest.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{row}");
        assert!(bad <= last, "{row} is not in its place");
        last = bad;
    }
}

#[track_caller]
fn check_slowest(mail: &Mail, bad: &Asked<'_>) {
    let mut times: Vec<(f64, String)> = bad
        .hits()
        .iter()
        .map(|hit| (hit["request_time"].as_f64().unwrap(), hit["request_id"].as_str().unwrap().to_owned()))
        .collect();
    times.sort_by(|one, other| other.0.total_cmp(&one.0));
    let lines = mail.rows("Slowest:");
    assert_eq!(lines.len(), times.len().min(5));
    for (line, (seconds, id)) in lines.iter().zip(&times) {
        assert!(line.contains(&format!("  {seconds:.3} s  ")), "{line}: {seconds}");
        assert!(line.ends_with(&format!("  id={id}")), "{line}: {id}");
    }
}

/// The command, as somebody copies it into a shell.
#[track_caller]
fn check_command(mail: &Mail, server: &Server, bad: u64) {
    let command =
        mail.fact("The same").replace("https://weir.example.com", &format!("http://{}", server.address));
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_weir")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", program.display());
    let script = format!("{command} --output json --limit 0");
    let ran = Command::new("sh").args(["-c", &script]).env("PATH", path).output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(text.lines().count() as u64, bad, "{script}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn encoded(text: &str) -> String {
    escaped(text).replace("%2D", "-").replace("%2E", ".").replace("%5F", "_").replace("%7E", "~")
}

#[test]
fn each_number_of_a_mail_is_one_that_a_search_finds() {
    let mut shop = Shop::new(SLAS, "");
    let server = shop.start();
    for minute in -3..4 {
        shop.deliver(&server, &lines(minute, 30, 0));
    }
    for minute in 4..8 {
        shop.deliver(&server, &lines(minute, 20, 12));
        shop.complete(minute + 1);
    }
    let mail = shop.mail().await_mail(0);
    assert_eq!(mail.header("Subject").split(": ").next(), Some("[FIRING] shop GET /orders/{id}"));
    let bad = check_mail(&mail, &server);
    assert!(bad >= 12, "{bad}");
    assert_eq!(mail.fact("Promised"), "95 % of requests are answered within 0.4 s");
    assert!(
        mail.fact("Delay").contains("for 2m") && mail.fact("Delay").contains("group_wait"),
        "{}",
        mail.text()
    );
    assert!(mail.find_fact("Worst").is_none());

    // The page opens the same.
    let alerts = server.get("/api/alerts").json();
    let alert = &alerts["alerts"][0];
    let text = |name: &str| alert[name].as_str().unwrap().to_owned();
    let row = Asked { server: &server, query: text("query"), from: text("from"), to: text("to") };
    assert_eq!(row.count(), alert["bad"].as_u64().unwrap(), "{alert}");

    for minute in 8..16 {
        shop.deliver(&server, &lines(minute, 30, 0));
        shop.complete(minute + 1);
    }
    let mail = shop.mail().await_mail(1);
    assert!(mail.header("Subject").starts_with("[RESOLVED] shop GET /orders/{id}: "), "{mail:?}");
    check_mail(&mail, &server);
    let bad = Asked::read(&server, mail.fact("The same"));
    let all = Asked::read(&server, mail.fact("With the good"));
    for name in ["Now", "Worst"] {
        check_measured(mail.fact(name), &bad, &all);
    }
    let slas = server.get("/api/slas").json();
    let is_it = |sla: &&Value| sla["route"] == "/orders/{id}";
    let sla = slas["slas"].as_array().unwrap().iter().find(is_it).unwrap().clone();
    assert!(mail.find_fact("Budget spent").is_some() && sla["budget"]["allowed"].as_f64().unwrap() > 0.0);
    assert!(mail.fact("Lasted").ends_with('m'), "{}", mail.text());
    assert_eq!(shop.mail().taken().len(), 2);
}

const ALERTS: &str = "alerts:
  - {name: Failures, kind: threshold, query: 'status:>=500', by: [target], window: 5m, above: 3, source: web}
";

#[test]
fn a_mail_about_records_has_their_number() {
    let mut shop = Shop::new(ALERTS, "");
    let server = shop.start();
    shop.deliver(&server, &lines(0, 30, 60));
    shop.complete(1);
    let mail = shop.mail().await_mail(0);
    let bad = Asked::read(&server, mail.fact("The same"));
    assert_eq!(mail.fact("Measured"), format!("{}, {} to {}", bad.count(), bad.from, bad.to));
    assert!(bad.count() > 3 && mail.find_fact("With the good").is_none(), "{}", mail.text());
    let statuses = bad.counts("status");
    let total = statuses[0].1;
    assert_eq!(mail.rows("By status:"), [format!("503       100.0 % of the bad  {total} bad")]);
    check_slowest(&mail, &bad);
    check_command(&mail, &server, bad.count());
}

#[test]
fn a_mail_says_what_was_counted_and_what_of_it_is_kept() {
    let mut shop = Shop::new(SLAS, "keep: {slow: 1s}");
    let server = shop.start();
    shop.deliver(&server, &lines(0, 30, 30));
    for minute in 1..4 {
        shop.deliver(&server, &lines(minute, 30, 30));
        shop.complete(minute + 1);
    }
    let mail = shop.mail().await_mail(0);
    let bad = Asked::read(&server, mail.fact("The same"));
    let all = Asked::read(&server, mail.fact("With the good"));
    let measured = mail.fact("Measured").split(" (").next().unwrap().replace(" bad", "");
    let note = format!("counted {measured}, kept {} of {}: ", bad.count(), all.count());
    assert!(mail.text().contains(&note), "{note}: {}", mail.text());
    assert!(bad.count() > 0);
    check_table(&mail, "status", &bad, &all);
    check_slowest(&mail, &bad);
}
