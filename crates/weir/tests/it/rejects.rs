//! Rejects from the first look to the replay, with a server and without one.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::aws::{Bucket, CREDENTIALS};
use crate::support::lines::{alb, nginx_json};
use crate::support::{Folder, Run, Server, alb_key, gzip, now_seconds, output, until, weir_command};

const RECEIVED: &str = "weir_source_received_total";
const REJECTED: &str = "weir_source_rejected_total";
const STORED: &str = "weir_source_stored_total";
const REPLAYED: &str = "weir_source_replayed_total";
const COUNT: &str = "nginx_http_request_time_count";

const NONSENSE: &str = "\u{1b}[31mno request\u{202e}\n";

/// A log whose format the config has wrong at first.
struct Setting {
    folder: Folder,
    data: String,
}

impl Setting {
    fn new() -> Self {
        let folder = Folder::new();
        let line = nginx_json("/cart", 200);
        folder.write("access.log", format!("{line}{NONSENSE}{line}"));
        let data = folder.path("data");
        let setting = Self { folder, data };
        setting.configure("combined");
        setting
    }

    fn configure(&self, format: &str) -> String {
        let log = self.folder.path("access.log");
        let keys = format!("type: file, path: {log}, format: {format}, add_field: {{dc: west}}");
        let sources = format!("sources: [{{name: web, {keys}}}]\n");
        self.folder.write("weir.yaml", sources)
    }

    fn start(&self) -> Server {
        Server::start_in(&self.data, &["-c", &self.folder.path("weir.yaml")])
    }

    /// `weir rejects` with the config and the data folder.
    #[track_caller]
    fn rejects(&self, arguments: &[&str]) -> Run {
        let config = self.folder.path("weir.yaml");
        let mut command = weir_command(&["rejects", "-c", &config, "--data-dir", &self.data]);
        output(command.args(arguments).envs(CREDENTIALS))
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let run = self.rejects(&[arguments, &["--output", "json"]].concat()).expect(0);
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
    }
}

#[track_caller]
fn check(server: &Server, received: f64, stored: f64, replayed: f64) {
    for (name, expected) in [(RECEIVED, received), (STORED, stored), (REJECTED, 3.0), (REPLAYED, replayed)] {
        assert_eq!(server.sum(name, &[("source", "web")]), expected, "{name}");
    }
    assert_eq!(server.sum(COUNT, &[]), stored, "{COUNT}");
}

#[test]
fn a_line_that_can_be_read_now_is_counted_once() {
    let setting = Setting::new();
    let server = setting.start();
    server.await_sum(REJECTED, &[("source", "web")], 3.0);
    let list = setting.rejects(&["list"]).expect(0).stdout;
    assert!(
        list.contains("not_combined") && list.contains("access.log:2:1  \u{fffd}[31mno request\u{fffd}"),
        "{list}"
    );
    assert!(list.ends_with("3 rejects are kept\n"), "{list}");
    assert_eq!(setting.rejects(&["show", "2", "--output", "raw"]).expect(0).stdout, NONSENSE.trim_end());
    server.terminate();

    setting.configure("nginx_json");
    let server = setting.start();
    let result = setting.json(&["replay", "--all"]);
    assert_eq!(
        (&result["replayed"], &result["records"], &result["still_rejected"]),
        (&2.into(), &2.into(), &1.into())
    );
    assert_eq!(result["problems"][0]["id"], 2);
    check(&server, 5.0, 2.0, 2.0);
    // What the config says about all records of the source is said of these too.
    assert_eq!(server.get("/api/search?from=0&limit=0&query=dc%3Awest").json()["total"], 2);
    let again = setting.rejects(&["replay", "--all", "--strict"]).expect(3);
    assert_eq!(again.stdout, "replayed 0 rejects: 0 records; 1 still rejected\n");
    let gone = setting.json(&["replay", "1", "2"]);
    assert_eq!((&gone["replayed"], &gone["still_rejected"]), (&0.into(), &2.into()));
    server.kill();
    let server = setting.start();
    check(&server, 5.0, 2.0, 2.0);
}

#[test]
fn where_a_reject_of_a_followed_file_stands_is_said_by_its_byte_and_that_there_are_some_once() {
    let setting = Setting::new();
    setting.configure("nginx_json");
    let server = setting.start();
    server.await_sum(REJECTED, &[], 1.0);
    let bytes = std::fs::metadata(setting.folder.path("access.log")).unwrap().len();
    setting.folder.append("access.log", "bad\n");
    server.await_sum(REJECTED, &[], 2.0);
    let list = setting.rejects(&["list"]).expect(0).stdout;
    assert!(
        list.contains("access.log:2:1") && list.contains(&format!("access.log from byte {bytes}:1:1")),
        "{list}"
    );
    assert_eq!(server.log().matches("weir rejects list").count(), 1, "{}", server.log());
}

#[test]
fn without_a_server_the_commands_open_the_data_folder() {
    let setting = Setting::new();
    let nothing = setting.rejects(&["list"]).expect(1).stderr;
    assert!(nothing.contains("nothing was counted in"), "{nothing}");
    let server = setting.start();
    server.await_sum(REJECTED, &[("source", "web")], 3.0);
    server.terminate();
    setting.configure("nginx_json");
    let chosen = setting.json(&["replay", "--source", "web", "--reason", "not_combined"]);
    assert_eq!(chosen["replayed"], 2, "{chosen}");
    assert_eq!(setting.json(&["list"])["rejects"].as_array().map(Vec::len), Some(1));
    check(&setting.start(), 5.0, 2.0, 2.0);
}

#[test]
fn a_crash_at_any_step_of_a_replay_neither_loses_a_line_nor_counts_it_twice() {
    for step in ["gathered", "looked up", "prepared", "written", "applied", "answered"] {
        let setting = Setting::new();
        let server = setting.start();
        server.await_sum(REJECTED, &[("source", "web")], 3.0);
        server.terminate();
        let config = setting.configure("nginx_json");
        let mut command =
            weir_command(&["rejects", "-c", &config, "--data-dir", &setting.data, "replay", "--all"]);
        let crashed = output(command.env("WEIR_CRASH_AT", format!("{step}:1")));
        assert_eq!(crashed.code, -1, "{step}: {}", crashed.stderr);
        setting.rejects(&["replay", "--all"]).expect(0);
        check(&setting.start(), 5.0, 2.0, 2.0);
        assert_eq!(setting.json(&["list"])["kept"], 1, "{step}");
    }
}

#[test]
fn the_api_answers_as_the_commands_do() {
    let setting = Setting::new();
    let server = setting.start();
    server.await_sum(REJECTED, &[("source", "web")], 3.0);
    let page = server.get("/api/rejects?limit=2&reason=not_combined").json();
    assert_eq!((page["rejects"].as_array().map(Vec::len), &page["next"]), (Some(2), &2.into()), "{page}");
    let rest = server.get("/api/rejects?after=2&source=web").json();
    assert_eq!((&rest["rejects"][0]["id"], &rest["next"]), (&3.into(), &Value::Null), "{rest}");
    let one = server.get("/api/rejects/2").json();
    assert_eq!((one["text"].as_str(), &one["line"]), (Some(NONSENSE.trim_end()), &2.into()), "{one}");
    assert!(one["base64"].is_string() && one["received_at"].is_string());

    let sources = server.get("/api/sources").json();
    let web = &sources["sources"][0];
    assert_eq!((web["name"].as_str(), web["kind"].as_str()), (Some("web"), Some("files")), "{sources}");
    assert_eq!((&web["received"], &web["rejected"]["not_combined"]), (&3.into(), &3.into()), "{sources}");
    assert!(web["lag_seconds"].is_number() && web["complete_to"].is_string(), "{sources}");

    let json = [("Content-Type", "application/json")];
    for (method, path, headers, body, status) in [
        ("GET", "/api/rejects/99", &[] as &[_], "", 404),
        ("GET", "/api/rejects/x", &[], "", 400),
        ("GET", "/api/rejects?limi=1", &[], "", 400),
        ("POST", "/api/rejects/replay", &json, "{\"reasn\": \"not_combined\"}", 422),
        ("POST", "/api/rejects/replay", &[], "{}", 415),
        ("POST", "/api/backfill", &json, "{\"url\": \"logs\"}", 400),
    ] {
        let answer = server.request(method, path, headers, body.as_bytes());
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.lossy());
        let problem = answer.json();
        assert!(problem["error"].is_string() && problem["hint"].is_string(), "{problem}");
    }
}

#[test]
fn the_socket_is_closed_to_others_and_is_gone_with_the_server() {
    let setting = Setting::new();
    let server = setting.start();
    let socket = setting.folder.path("data/weir.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.kill();
    // What a killed server leaves behind is in nobody's way.
    assert!(std::fs::exists(&socket).unwrap());
    setting.rejects(&["list"]).expect(0);
    let server = setting.start();
    setting.rejects(&["list"]).expect(0);
    server.terminate();
    assert!(!std::fs::exists(&socket).unwrap());
}

#[test]
fn a_folder_whose_name_is_too_long_for_a_socket_needs_an_address() {
    let mut setting = Setting::new();
    setting.data = setting.folder.path(&"d".repeat(120));
    let server = setting.start();
    assert!(server.log().contains("no socket in the data folder"), "{}", server.log());
    let refused = setting.rejects(&["list"]).expect(1).stderr;
    assert!(refused.contains("name its address with --server"), "{refused}");
    server.await_sum(REJECTED, &[("source", "web")], 3.0);
    let address = server.address.clone();
    let listed = setting.json(&["list", "--server", &address]);
    assert_eq!(listed["kept"], 3);
}

#[test]
fn an_object_that_has_changed_is_counted_when_it_is_replayed() {
    let bucket = Bucket::new("changed");
    let folder = Folder::new();
    let config =
        folder.write("weir.yaml", format!("sources: [{{name: alb, type: alb, {}}}]\n", bucket.sqs("")));
    let setting = Setting { data: folder.path("data"), folder };
    let server = Server::start_in(&setting.data, &["-c", &config]);
    // A key that messages cut; its end tells the node.
    let end = now_seconds() / 300 * 300 - 600;
    let key = format!("{}{}", "deep/".repeat(50), alb_key(end, "10.0.0.1", "changed"));
    let line = alb("2026-11-20T10:15:30.000000Z", "/cart", 200);
    bucket.put(&key, gzip(&line));
    server.await_sum(STORED, &[("source", "alb")], 1.0);
    server.await_sum("weir_source_node_interval_timestamp_seconds", &[("source", "alb")], end as f64);
    bucket.put(&key, gzip(line.repeat(3)));
    server.await_sum("weir_source_given_up_total", &[("source", "alb"), ("reason", "object_changed")], 1.0);
    let list = setting.json(&["list"]);
    assert!(list["rejects"][0]["origin"].as_str().is_some_and(|origin| origin.ends_with(&key)), "{list}");
    let result = until("the replay", || {
        let result = setting.json(&["replay", "--reason", "object_changed"]);
        (result["replayed"] == 1).then_some(result)
    });
    assert_eq!(result["records"], 3, "{result}");
    assert_eq!(server.sum("alb_log_request_count_total", &[]), 4.0);
    assert_eq!(setting.json(&["list"])["kept"], 0);
}
