//! Records shaped on their way in: fields added, renamed and taken away, texts read as JSON, secrets redacted,
//! records left out, and an account that says so.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::lines::nginx_json;
use crate::support::{Folder, Server, escaped, request, weir, weir_with_input};

const RECEIVED: &str = "weir_source_received_total";
const STORED: &str = "weir_source_stored_total";
const DROPPED: &str = "weir_source_dropped_total";
const NGINX_COUNT: &str = "nginx_http_requests_total";

const TRANSFORMS: &str = r#"
transforms:
- {where: "source:web", add_field: {dc: m9, shard: 7, page: "%{host}%{path}"}, add_tag: edge, remove_field: beaver}
- {where: "path:/health", drop: true}
- {where: "tags:edge AND dc:m9 AND status:>=500", add_tag: [failed, seen]}
- where: "source:app"
  parse_json: payload
  target: p
  rename: {usr: user_email, hostname: machine}
  remove_field: [payload, secret_note]
- {where: "p.kind:noise", sample: 5}
- {where: "p.kind:order", redact: {field: user_email}, add_field: {copy: "of %{user_email}"}}
- {where: "p.kind:order", redact: {field: card, json_keys: [card_number]}}
"#;

/// Both sources, their lines and what is to become of them.
struct Setting {
    folder: Folder,
    config: String,
}

impl Setting {
    fn new() -> Self {
        let folder = Folder::new();
        let sources = format!(
            "sources:\n- {{name: web, type: file, path: \"{}\", format: nginx_json}}\n\
             - {{name: app, type: file, path: \"{}\", format: ndjson}}\n\
             store: {{keep_raw: true}}\nredact: [{{field: token}}]\n",
            folder.path("web.json"),
            folder.path("app.json")
        );
        let config = folder.write("weir.yaml", sources + TRANSFORMS);
        Self { folder, config }
    }

    /// 40 requests, of which 10 are left out and 6 failed; 60 events, of which 20 are noise.
    fn write(&self) {
        let web: String = (0..40)
            .map(|number| {
                let (path, status) = match number {
                    0..10 => ("/health", 200),
                    10..16 => ("/pay", 503),
                    _ => ("/cart", 200),
                };
                let line = nginx_json(path, status);
                format!("{},\"beaver\":\"beaver-{number}\"}}\n", line.trim_end().trim_end_matches('}'))
            })
            .collect();
        let app: String = (0..60)
            .map(|number| {
                let kind = if number < 20 { "noise" } else { "order" };
                format!(
                    "{{\"ts\":1795169730,\"message\":\"event {number}\",\"usr\":\"jane-{number}@secret\",\
                     \"hostname\":\"machine-1\",\"secret_note\":\"note-{number}\",\"token\":\"tok-{number}\",\"payload\":\
                     \"{{\\\"kind\\\":\\\"{kind}\\\",\\\"id\\\":{number},\\\"card_number\\\":\\\"card-{number}\\\"}}\"}}\n"
                )
            })
            .collect();
        self.folder.append("web.json", &web);
        self.folder.append("app.json", &(app + "{\"usr\":\"jane-x@secret\" is no JSON\n"));
    }

    /// A server that has counted everything.
    fn start(&self, data: &str) -> Server {
        let server = Server::start_in(data, &["-c", &self.config]);
        server.await_sum(RECEIVED, &[("source", "web")], 40.0);
        server.await_sum(RECEIVED, &[("source", "app")], 61.0);
        server
    }
}

#[track_caller]
fn found(server: &Server, query: &str) -> u64 {
    let path = format!("/api/search?query={}&from=0&to=now%2B1d&limit=0", escaped(query));
    let answer = server.get(&path).json();
    answer["total"].as_u64().unwrap_or_else(|| panic!("{query}: {answer}"))
}

/// The values of a field in all records that a query finds.
fn values(server: &Server, query: &str, field: &str) -> BTreeSet<String> {
    let path = format!("/api/search?query={}&from=0&to=now%2B1d&format=ndjson", escaped(query));
    let text = server.get(&path).text();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()[field].to_string()).collect()
}

/// Checks that what was received is stored, rejected or dropped, on `/metrics` and in the API.
#[track_caller]
fn check_account(server: &Server) {
    let web = [("source", "web")];
    assert_eq!(server.sum(STORED, &web), 30.0);
    assert_eq!(server.sum(DROPPED, &[("source", "web"), ("cause", "transform")]), 10.0);
    assert_eq!(server.sum(NGINX_COUNT, &[]), 30.0, "what is left out is not counted");
    let sampled = server.sum(DROPPED, &[("source", "app"), ("cause", "sample")]);
    assert!((8.0..20.0).contains(&sampled), "{sampled} of 20 noisy events were left out");
    assert_eq!(server.sum(STORED, &[("source", "app")]), 60.0 - sampled);
    let answer = server.get("/api/sources").json();
    for source in answer["sources"].as_array().unwrap() {
        let sum =
            |key: &str| source[key].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>();
        let known = source["stored"].as_u64().unwrap() + sum("rejected") + sum("dropped");
        assert_eq!(source["received"].as_u64(), Some(known), "{source}");
    }
}

#[test]
fn records_are_kept_as_they_were_shaped_and_the_account_adds_up() {
    let setting = Setting::new();
    setting.write();
    let data = setting.folder.path("data");
    let server = setting.start(&data);
    let check = |server: &Server| {
        check_account(server);
        let noise = found(server, "p.kind:noise");
        for (query, expected) in [
            ("dc:m9", 30),
            ("shard:>6 AND shard:<8", 30),
            ("page:shop.example.com/cart", 24),
            ("tags:failed AND tags:edge", 6),
            ("path:/health", 0),
            ("beaver:*", 0),
            ("payload:*", 0),
            ("secret_note:*", 0),
            ("usr:*", 0),
            ("hostname:machine-1", 0),
            ("machine:machine-1", 40 + noise),
            ("p.id:>=20", 40),
            ("p.kind:order AND user_email:\"[redacted]\"", 40),
            ("p.kind:order AND copy:\"of [redacted]\"", 40),
            ("p.kind:order AND p.card_number:\"[redacted]\"", 40),
            ("p.kind:noise AND user_email:jane*", noise),
            ("token:\"[redacted]\"", 40 + noise),
        ] {
            assert_eq!(found(server, query), expected, "{query}");
        }
        // The lines themselves are kept here, and have none of it either.
        let everything = server.get("/api/search?query=*&from=0&to=now%2B1d&format=ndjson").text();
        assert!(everything.contains("\"_raw\""), "{everything}");
        for gone in ["beaver-12", "note-3", "tok-3", "jane-30@secret", "card-30", "jane-x@secret"] {
            assert!(!everything.contains(gone), "{gone} is in an export");
            assert!(!server.get("/api/rejects").text().contains(gone), "{gone} is in the rejects");
        }
    };
    check(&server);
    server.kill();
    check(&setting.start(&data));
}

#[test]
fn the_same_records_are_left_out_wherever_they_are_read() {
    let setting = Setting::new();
    setting.write();
    let one = setting.start(&setting.folder.path("one"));
    let other = setting.start(&setting.folder.path("other"));
    let sampled = values(&one, "p.kind:noise", "p.id");
    assert!(!sampled.is_empty() && sampled == values(&other, "p.kind:noise", "p.id"));
    let web = setting.folder.path("web.json");
    let run = weir(&["count", "-c", &setting.config, &web]).expect(0);
    assert!(run.stderr.contains("left out by `transforms` (transform): 10 records"), "{}", run.stderr);
    assert!(run.stderr.contains("30 records"), "{}", run.stderr);
    assert!(!run.stdout.contains("/health"), "{}", run.stdout);
    // What is removed goes by what was made of it, and its counts stay.
    let body = br#"{"query": "dc:m9", "from": "0", "to": "now+1d", "dry_run": false}"#;
    let answer = request(&one.address, "POST", "/api/delete", &[("Content-Type", "application/json")], body);
    assert_eq!(answer.status, 200, "{}", answer.lossy());
    assert_eq!((found(&one, "source:web"), found(&one, "p.kind:order")), (0, 40));
    assert_eq!(one.sum(NGINX_COUNT, &[]), 30.0);
}

#[test]
fn a_reject_that_is_replayed_is_shaped_like_any_line() {
    let setting = Setting::new();
    let right = fs::read_to_string(&setting.config).unwrap();
    let wrong = right.replace("format: nginx_json", "format: combined");
    fs::write(&setting.config, wrong).unwrap();
    let data = setting.folder.path("data");
    setting.folder.append("web.json", &(nginx_json("/health", 200) + &nginx_json("/cart", 200)));
    let server = Server::start_in(&data, &["-c", &setting.config]);
    server.await_sum("weir_source_rejected_total", &[("source", "web")], 2.0);
    server.terminate();
    fs::write(&setting.config, right).unwrap();
    let server = Server::start_in(&data, &["-c", &setting.config]);
    weir(&["rejects", "replay", "--all", "--server", &format!("http://{}", server.address)]).expect(0);
    server.await_sum(NGINX_COUNT, &[], 1.0);
    assert_eq!(server.sum(DROPPED, &[("source", "web"), ("cause", "transform")]), 1.0);
    assert_eq!((found(&server, "dc:m9"), found(&server, "*")), (1, 1));
}

#[test]
fn check_shows_what_becomes_of_each_line() {
    let setting = Setting::new();
    let web =
        nginx_json("/health", 200) + &nginx_json("/pay?token=tok-1", 503).replace('}', ",\"beaver\":1}");
    setting.folder.append("web.json", &web);
    let run = weir(&["check", "-c", &setting.config, "--try", &setting.folder.path("web.json")]).expect(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("1: time=") && lines[0].contains(" route=/health "), "{}", run.stdout);
    assert_eq!(lines[1], "    left out by `transforms` (transform): neither counted nor kept");
    assert!(lines[2].starts_with("2: time="), "{}", run.stdout);
    assert_eq!(
        lines[3..],
        [
            "    set: dc=\"m9\" shard=7 page=\"shop.example.com/pay\" tags=\"edge,failed,seen\"",
            "    removed: beaver"
        ]
    );
    let event = "{\"ts\":1795169730,\"token\":\"x\",\"usr\":\"a@b.c\",\"payload\":\"{\\\"kind\\\":\\\"order\\\"}\"}\n";
    let try_app = ["check", "-c", &setting.config, "--source", "app", "--try", "-"];
    let run = weir_with_input(&try_app, event.as_bytes()).expect(0);
    for part in [
        "1: event time=2026-11-20T10:15:30Z (it has no request to count)\n",
        "    set: p.kind=\"order\" user_email=\"a@b.c\" copy=\"of a@b.c\"\n",
        "    removed: usr payload secret_note\n",
        "    kept as: {\"ts\":1795169730,\"token\":\"[redacted]\",\"usr\":\"[redacted]\",",
        "    kept as: user_email=\"[redacted]\"\n",
    ] {
        assert!(run.stdout.contains(part), "{part}\n{}", run.stdout);
    }
    let run = weir(&["check", "-c", &setting.config, "--source", "ap", "--try", "-"]).expect(1);
    assert!(run.stderr.contains("the config has no source `ap`; it has web, app"), "{}", run.stderr);
}
