//! Lines at random: requests of nginx and events of applications, with everything that makes a search hard.
//!
//! Few different values, so that random questions find something; times that many share, fields that are missing,
//! fields that are a number here and a text, a truth value or a list there, names and texts beyond ASCII.

use std::fmt::Write;

use crate::support::{Random, date_time};

/// Days over which records are spread.
pub const DAYS: i64 = 3;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

pub const METHODS: &[&str] = &["GET", "POST", "DELETE", "PATCH"];
pub const HOSTS: &[&str] = &["shop.example.com", "api.example.com", "bücher.example", "10.0.0.7"];
pub const PATHS: &[&str] = &[
    "/",
    "/cart",
    "/orders/4711",
    "/orders/4712",
    "/static/app.js",
    "/search",
    "/straße/ü",
    "/a_b",
    "/100%25",
    "/it's",
];
pub const AGENTS: &[&str] =
    &["curl/8.9.1", "Mozilla/5.0 (X11; Linux x86_64)", "kube-probe/1.30", "Ünïcode/1"];
pub const EMAILS: &[&str] = &["jane@example.com", "joe@example.com", "o'hara@example.com", "zoë@example.org"];
pub const CONTROLLERS: &[&str] = &["cart", "Cart", "checkout", "health", "check_out", "user\\admin"];
pub const WORDS: &[&str] = &[
    "payment",
    "Payment",
    "failed",
    "timed",
    "out",
    "straße",
    "ÉTÉ",
    "user",
    "42",
    "jane@example.com",
    "7f3a",
];
pub const TAGS: &[&str] = &["beaver", "nginx_json", "eu", "k8s"];

/// A file's worth of requests, as nginx writes them, on a day that begins at `midnight`.
pub fn requests(random: &mut Random, midnight: i64, count: usize) -> String {
    let mut text = String::new();
    for _ in 0..count {
        text.push('{');
        let second = midnight + time_of_day(random);
        write!(text, "\"msec\":\"{second}.{:03}\"", random.below(4) * 250).unwrap();
        let mut add = |random: &mut Random, missing_once_in, key: &str, value: String| {
            if !random.once_in(missing_once_in) {
                write!(text, ",\"{key}\":{value}").unwrap();
            }
        };
        let number = |random: &mut Random| random.below(2_000);
        let value = quoted(random.pick(HOSTS));
        add(random, 9, "host", value);
        let value = quoted(random.pick(METHODS));
        add(random, 30, "request_method", value);
        let value = quoted(random.pick(PATHS));
        add(random, 30, "request_uri", value);
        let value = quoted(random.pick(&["200", "200", "204", "301", "404", "499", "500", "502", "503"]));
        add(random, 40, "status", value);
        let value = format!("{}.{:03}", number(random) / 900, number(random) / 2);
        add(random, 6, "request_time", value);
        let value = format!("\"0.{:03}\"", number(random) / 2);
        add(random, 3, "upstream_response_time", value);
        let value = number(random).to_string();
        add(random, 8, "bytes_sent", value);
        let value = quoted(random.pick(AGENTS));
        add(random, 4, "http_user_agent", value);
        let value = format!("\"{:08x}\"", random.below(5_000));
        add(random, 5, "request_id", value);
        let value = quoted(random.pick(&["HIT", "MISS", "5", "-"]));
        add(random, 2, "cache", value);
        let value =
            random.pick(&["4711", "4712.5", "\"4711\"", "true", "[4711,\"a\"]", "\"A-9\""]).to_owned();
        add(random, 2, "order_id", value);
        text.push_str("}\n");
    }
    text
}

/// A file's worth of events, as applications write them.
pub fn events(random: &mut Random, midnight: i64, count: usize) -> String {
    let mut text = String::new();
    for _ in 0..count {
        let second = midnight + time_of_day(random);
        let micros = random.below(3) * 333_333;
        write!(text, "{{\"@timestamp\":\"{}.{micros:06}Z\"", date_time(second)).unwrap();
        let mut add = |random: &mut Random, missing_once_in, key: &str, value: String| {
            if !random.once_in(missing_once_in) {
                write!(text, ",\"{key}\":{value}").unwrap();
            }
        };
        let value = message(random);
        add(random, 5, "message", value);
        let value = message(random);
        add(random, 3, "payload", value);
        let value = random.pick(&["3", "4", "6", "7", "\"warn\"", "\"3\"", "3.5", "true"]).to_owned();
        add(random, 6, "level", value);
        let value =
            random.pick(&["500", "\"5xx\"", "\"503\"", "\"abc\"", "404.5", "[500,404]", "502"]).to_owned();
        add(random, 2, "status", value);
        let value = if random.once_in(9) { "5".to_owned() } else { quoted(random.pick(EMAILS)) };
        add(random, 4, "user_email", value);
        let value = match random.below(12) {
            0 => "5".to_owned(),
            1 => "true".to_owned(),
            2 => "[\"cart\",\"checkout\"]".to_owned(),
            _ => quoted(random.pick(CONTROLLERS)),
        };
        add(random, 4, "controller", value);
        let value = tags(random);
        add(random, 3, "tags", value);
        let value = random.pick(&["0.25", "12", "\"0.25\"", "1e3", "-4", "\"slow\"", "0"]).to_owned();
        add(random, 3, "duration", value);
        let value = format!(
            "{{\"id\":{},\"name\":{}}}",
            random.below(20),
            quoted(random.pick(&["Zoë", "O'Hara", "ann"]))
        );
        add(random, 3, "user", value);
        let value = quoted(random.pick(&["groß", "klein", ""]));
        add(random, 3, "größe", value);
        let value =
            random.pick(&["9007199254740993", "9007199254740992", "-1", "\"9007199254740993\""]).to_owned();
        add(random, 3, "big", value);
        let value = random.pick(&["[1,2,3]", "[\"x\",\"y z\"]", "[2]", "7"]).to_owned();
        add(random, 3, "ids", value);
        text.push_str("}\n");
    }
    text
}

/// A second of the day; some are shared by many records.
fn time_of_day(random: &mut Random) -> i64 {
    let second = if random.once_in(3) { random.below(24) * 3_600 } else { random.below(86_400) };
    i64::try_from(second).unwrap()
}

fn message(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..random.below(6) {
        text += random.pick(WORDS);
        text += random.pick(&[" ", " ", "-", ", ", ": ", "/"]);
    }
    quoted(&text)
}

fn tags(random: &mut Random) -> String {
    let (one, other) = (random.pick(TAGS), random.pick(TAGS));
    match random.below(6) {
        0 => format!("\"{one}, {other}\""),
        1 if one != other => format!("[\"{one}\",\"{other}\"]"),
        2 => "7".to_owned(),
        _ => quoted(one),
    }
}

/// A text as it stands in JSON.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
