//! What the page asks of the server: who is signed in, saved searches, who did what, what the server is, and the page.

use serde_json::{Value, json};

use crate::support::lines::nginx_json;
use crate::support::{Folder, Response, Server, get_with, request, until};

const PAGE: (&str, &str) = ("X-Weir-Page", "1");

/// `root:toor` and `anna:reads` in base64, as programs log in.
const ROOT: (&str, &str) = ("Authorization", "Basic cm9vdDp0b29y");
const ANNA: (&str, &str) = ("Authorization", "Basic YW5uYTpyZWFkcw==");

/// A server with two users, and the folder that it reads a log from.
struct Setting {
    folder: Folder,
}

impl Setting {
    /// `more` is of the section `http`.
    fn new(more: &str) -> Self {
        Self::with(more, "")
    }

    /// `rest` is further sections.
    fn with(more: &str, rest: &str) -> Self {
        let folder = Folder::new();
        let (root, anna) = (folder.write("root", "toor\n"), folder.write("anna", "reads\n"));
        let log = folder.write("access.log", nginx_json("/cart", 500) + "no request\n" + "{\"a\": \"cut\n");
        let users = format!(
            "[{{name: root, password_file: {root}, roles: admin}}, {{name: anna, password_file: {anna}, roles: [read]}}]"
        );
        folder.write(
            "weir.yaml",
            format!(
                "# password: in-a-comment\n\
                 http: {{auth: {{users: {users}}}{more}}}\n\
                 sources: [{{name: web, type: file, path: {log}, format: nginx_json}}]\n\
                 {rest}"
            ),
        );
        Self { folder }
    }

    fn start(&self) -> Server {
        Server::start_in(&self.folder.path("data"), &["-c", &self.folder.path("weir.yaml")])
    }
}

/// Signs in; the header that a browser sends then.
#[track_caller]
fn sign_in(server: &Server, name: &str, password: &str) -> String {
    let body = json!({"name": name, "password": password}).to_string();
    let answer = server.request("POST", "/api/session", &[PAGE], body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.lossy());
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn send(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
    let headers = [headers, &[("Content-Type", "application/json")]].concat();
    server.request(method, path, &headers, body.to_string().as_bytes())
}

#[track_caller]
fn audit(server: &Server) -> Vec<Value> {
    let answer = get_with(&server.address, "/api/audit", &[ROOT]);
    assert_eq!(answer.status, 200, "{}", answer.lossy());
    answer.json()["entries"].as_array().unwrap().clone()
}

/// User, action, target and outcome of each entry, the oldest first.
fn deeds(entries: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let deed = |entry: &Value| {
        ["user", "action", "target", "outcome"].map(|member| text(&entry[member])).join(" | ")
    };
    entries.iter().rev().map(deed).collect()
}

#[test]
fn saved_searches_and_who_did_what_outlive_the_server_and_sessions_do_not() {
    let setting = Setting::new("");
    let server = setting.start();
    let cookie = sign_in(&server, "anna", "reads");
    let anna = [("Cookie", &*cookie), PAGE];
    let search = json!({"query": "status:>=500", "from": "now-1h", "to": "now", "columns": ["route"]});
    let saved = send(&server, "PUT", "/api/searches/Errors%20%2F%20shop", &anna, &search).json();
    assert_eq!((&saved["name"], &saved["saved_by"]), (&json!("Errors / shop"), &json!("anna")));
    // Somebody else's: seen by all, changed by administrators.
    let other = json!({"query": "*"});
    assert_eq!(send(&server, "PUT", "/api/searches/all", &[ROOT], &other).status, 200);
    assert_eq!(send(&server, "PUT", "/api/searches/all", &anna, &other).status, 403);
    assert_eq!(send(&server, "DELETE", "/api/searches/all", &anna, &json!(null)).status, 403);
    assert_eq!(send(&server, "DELETE", "/api/searches/none", &anna, &json!(null)).status, 404);
    for (body, status) in [
        (json!({}), 422),
        (json!({"query": "x".repeat(10_001)}), 400),
        (json!({"query": "x", "columns": vec!["a"; 101]}), 400),
    ] {
        assert_eq!(send(&server, "PUT", "/api/searches/a", &anna, &body).status, status, "{body}");
    }
    for name in [".", "..", "%2E%2e", "a%E2%80%AEb"] {
        let refused = send(&server, "PUT", &format!("/api/searches/{name}"), &anna, &other);
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("bad_parameters")), "{name}");
    }
    let long = format!("/api/searches/{}", "x".repeat(101));
    assert_eq!(send(&server, "PUT", &long, &anna, &other).status, 400);
    assert_eq!(send(&server, "PUT", "/api/searches/a", &[("Cookie", &*cookie)], &other).status, 403);
    server.kill();

    let server = setting.start();
    assert_eq!(get_with(&server.address, "/api/searches", &[("Cookie", &*cookie)]).status, 401);
    let listed = get_with(&server.address, "/api/searches", &[ANNA]).json();
    assert_eq!(listed["searches_max"], 1000);
    assert_eq!(listed["searches"][0]["name"], "Errors / shop");
    assert_eq!(listed["searches"][0]["columns"], json!(["route"]));
    assert_eq!(listed["searches"][1]["name"], "all");
    assert_eq!(
        send(&server, "DELETE", "/api/searches/Errors%20%2F%20shop", &[ROOT], &json!(null)).status,
        204
    );
    assert_eq!(get_with(&server.address, "/api/audit", &[ANNA]).status, 403);
    assert_eq!(
        deeds(&audit(&server)),
        ["anna | sign_in |  | -", "root | search_deleted | Errors / shop | -"]
    );
    server.terminate();
    let server = setting.start();
    assert_eq!(audit(&server).len(), 2);
    assert_eq!(
        get_with(&server.address, "/api/searches", &[ANNA]).json()["searches"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_session_ends_when_nobody_asks_anything() {
    let setting = Setting::new(", sessions: {max_idle: 1s}");
    let server = setting.start();
    let cookie = sign_in(&server, "anna", "reads");
    let status =
        |cookie: &str| get_with(&server.address, "/api/searches", &[("Cookie", cookie), PAGE]).status;
    assert_eq!(status(&cookie), 200);
    // Asking would keep it alive; the server's own clock tells when it is over.
    let over = uptime_seconds(&server) + 1.5;
    until("a time longer than the session", || (uptime_seconds(&server) > over).then_some(()));
    assert_eq!(status(&cookie), 401);
    let who = get_with(&server.address, "/api/session", &[("Cookie", &*cookie), PAGE]).json();
    assert_eq!((&who["name"], &who["is_open"]), (&Value::Null, &json!(false)));
}

/// Since when the server runs, by its own account.
fn uptime_seconds(server: &Server) -> f64 {
    get_with(&server.address, "/api/status", &[ROOT]).json()["uptime_seconds"].as_f64().unwrap()
}

#[test]
fn who_tries_passwords_waits_and_is_noted_once() {
    let setting = Setting::new("");
    let server = setting.start();
    let body = json!({"name": "root", "password": "guess"});
    let statuses: Vec<u16> =
        (0..14).map(|_| send(&server, "POST", "/api/session", &[PAGE], &body).status).collect();
    assert_eq!(statuses, [vec![401; 10], vec![429; 4]].concat());
    // Nor by another way.
    assert_eq!(get_with(&server.address, "/api/searches", &[("Authorization", "Basic eDp5")]).status, 429);
    server.terminate();
    // The address waits no longer at a server that was started anew.
    let server = setting.start();
    let entries = audit(&server);
    assert_eq!(deeds(&entries), ["- | sign_in_failed | root | -"]);
    assert_eq!((&entries[0]["count"], &entries[0]["address"]), (&json!(10), &json!("127.0.0.1")));
    assert!(!entries[0].to_string().contains("guess"));
}

/// A reject, edited: still none; then a record; then requests that make no sense.
fn edit_and_replay(server: &Server, root: &[(&str, &str)]) {
    let replay = |text: &str| {
        send(server, "POST", "/api/rejects/replay", root, &json!({"ids": [1], "text": text})).json()
    };
    let still = replay("still none");
    assert_eq!((&still["replayed"], &still["problems"][0]["id"]), (&json!(0), &json!(1)));
    assert_eq!(get_with(&server.address, "/api/rejects/1", &[ANNA]).json()["text"], "no request");
    let edited = nginx_json("/edited", 503);
    assert_eq!(replay(&(edited.clone() + "more"))["replayed"], 0, "two lines are not one");
    let done = replay(edited.trim_end());
    assert_eq!((&done["replayed"], &done["records"]), (&json!(1), &json!(1)), "{done}");
    assert_eq!(get_with(&server.address, "/api/rejects/1", &[ANNA]).status, 404);
    let found = get_with(&server.address, "/api/search?query=path:/edited&from=0", &[ANNA]).json();
    assert_eq!((&found["total"], &found["hits"][0]["source"]), (&json!(1), &json!("web")));
    let source = get_with(&server.address, "/api/sources", &[ANNA]).json()["sources"][0].clone();
    assert_eq!(
        (&source["received"], &source["stored"], &source["replayed"]),
        (&json!(4), &json!(2), &json!(1))
    );
    for body in [
        json!({"text": "x"}),
        json!({"ids": [1, 2], "text": "x"}),
        json!({"ids": [2], "text": "x".repeat((1 << 20) + 1)}),
    ] {
        let refused = send(server, "POST", "/api/rejects/replay", root, &body);
        assert_eq!(refused.status, 400, "{}", refused.lossy());
    }
}

#[test]
fn what_was_removed_silenced_and_replayed_is_known_with_its_outcome() {
    let setting = Setting::new("");
    let server = setting.start();
    until("the log to be read", || {
        let sources = get_with(&server.address, "/api/sources", &[ROOT]).json();
        (sources["rejects_kept"] == 2).then_some(())
    });
    let cookie = sign_in(&server, "root", "toor");
    let root = [("Cookie", &*cookie), PAGE];

    edit_and_replay(&server, &root);
    let delete = |dry_run: bool| {
        let body = json!({"query": "path:/edited", "from": "0", "to": "now+1d", "dry_run": dry_run});
        send(&server, "POST", "/api/delete", &root, &body)
    };
    assert_eq!(delete(true).json()["records"], 1);
    assert_eq!(delete(false).json()["records"], 1);
    let silence = json!({
        "matchers": [{"name": "alertname", "value": "A", "isRegex": false}],
        "startsAt": "2099-01-01T00:00:00Z", "endsAt": "2099-01-02T00:00:00Z", "createdBy": "x", "comment": "why",
    });
    let id = send(&server, "POST", "/api/v2/silences", &root, &silence).json()["silenceID"].clone();
    let id = id.as_str().unwrap();
    let expired = send(&server, "DELETE", &format!("/api/v2/silence/{id}"), &root, &json!(null));
    assert_eq!(expired.status, 200);
    // Who may not is not noted, and does nothing.
    assert_eq!(send(&server, "POST", "/api/delete", &[ANNA], &json!({})).status, 403);
    assert_eq!(send(&server, "DELETE", "/api/session", &root, &json!(null)).status, 204);

    let deeds = deeds(&audit(&server));
    let expected = [
        "root | sign_in |  | -".to_owned(),
        "root | rejects_replayed | reject 1, edited | 0 replayed as 0 records, 1 stay".to_owned(),
        "0 replayed as 0 records, 1 stay".to_owned(),
        "1 replayed as 1 records, 0 stay".to_owned(),
        "root | rejects_replayed | all rejects, edited | not done: ".to_owned(),
        "root | rejects_replayed | 2 rejects by id, edited | not done: ".to_owned(),
        "root | rejects_replayed | reject 2, edited | not done: ".to_owned(),
        "root | records_deleted | path:/edited from 0 to now+1d | 1 records".to_owned(),
        "root | silence_set | alertname=\"A\" from 2099-01-01T00:00:00Z to 2099-01-02T00:00:00Z (why) | silence "
            .to_owned() + id,
        format!("root | silence_expired | silence {id} | expired"),
        "root | sign_out |  | -".to_owned(),
    ];
    assert_eq!(deeds.len(), expected.len(), "{deeds:#?}");
    for (deed, expected) in deeds.iter().zip(&expected) {
        assert!(deed.contains(expected), "{deed}\n{expected}");
    }
}

#[test]
fn what_the_server_is_and_has_is_told_without_secrets() {
    let webhook = "{url: 'http://127.0.0.1:9/in-an-address', http_config: {basic_auth: {username: u, password: in-a-login}}}";
    let receivers = format!("[{{name: ops, webhook_configs: [{webhook}]}}]");
    let notifications = format!("notifications: {{route: {{receiver: ops}}, receivers: {receivers}}}\n");
    let setting = Setting::with(", external_url: 'https://weir.example.com/'", &notifications);
    let server = setting.start();
    until("the log to be read", || {
        let status = get_with(&server.address, "/api/status", &[ANNA]).json();
        (status["records"]["count"] == 1).then_some(())
    });
    assert_eq!(server.get("/api/status").status, 401);
    let status = get_with(&server.address, "/api/status", &[ANNA]).json();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&status["is_writable"], &status["retention_seconds"]), (&json!(true), &json!(2_592_000.0)));
    assert!(status["uptime_seconds"].as_f64().unwrap() > 0.0);
    let disk = &status["disk"];
    assert!(disk["free_bytes"].as_u64().unwrap() <= disk["total_bytes"].as_u64().unwrap(), "{disk}");
    assert!(
        disk["store_bytes"].as_u64().unwrap() > 0 && disk["ledger_bytes"].as_u64().unwrap() > 0,
        "{disk}"
    );
    assert_eq!((&status["series"]["used"], &status["series"]["max"]), (&json!(1), &json!(50_000)));
    assert_eq!(status["records"]["oldest"], status["records"]["newest"]);
    assert_eq!(status["config_file"], setting.folder.path("weir.yaml"));
    let config = status["config"].as_str().unwrap();
    assert!(config.contains("      - name: root\n") && config.contains("username: u\n"), "{config}");
    let notifications = get_with(&server.address, "/api/notifications", &[ANNA]).json();
    let ops = json!({
        "receiver": "ops", "kind": "webhook", "to": "127.0.0.1:9", "sent": 0, "failed": 0, "waiting": 0, "error": null
    });
    assert_eq!(notifications, json!({"receivers": [ops], "due": [], "outbox": [], "log": []}));
    for secret in ["in-a-comment", "in-an-address", "in-a-login", "toor", "reads"] {
        assert!(
            !status.to_string().contains(secret) && !notifications.to_string().contains(secret),
            "{secret}"
        );
    }
    // Over https the cookie is for https only.
    let answer =
        send(&server, "POST", "/api/session", &[PAGE], &json!({"name": "anna", "password": "reads"}));
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-weir=") && cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"),
        "{cookie}"
    );
}

#[test]
fn the_page_is_served_whole_or_said_to_be_missing() {
    let server = Server::start(&["-c", &Setting::new("").folder.write("empty.yaml", "{}\n")]);
    let browser = [("Accept", "text/html"), ("Accept-Encoding", "gzip")];
    let page = get_with(&server.address, "/", &browser);
    let html = page.text();
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"));
    if html.contains("has no page") {
        assert!(html.contains("make build"), "{html}");
        return;
    }
    assert_eq!((page.header("content-encoding"), page.header("cache-control")), ("gzip", "no-cache"));
    let again = get_with(&server.address, "/", &[browser[0], ("If-None-Match", page.header("etag"))]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let mut scripts = 0;
    for path in html.split('"').filter(|text| text.starts_with("./assets/")) {
        let asset = get_with(&server.address, path.trim_start_matches('.'), &browser[1..]);
        assert_eq!(asset.status, 200, "{path}");
        if path.ends_with(".js") {
            scripts += 1;
            assert_eq!(asset.header("content-type"), "text/javascript; charset=utf-8");
            assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
            let plain = get_with(&server.address, path.trim_start_matches('.'), &[]);
            assert_eq!((plain.header("content-encoding"), plain.body.clone()), ("", asset.unpacked()));
        }
    }
    assert!(scripts > 0, "{html}");
}

#[test]
fn heads_out_of_all_proportion_harm_nobody_else() {
    let server = Server::start(&["-c", &Setting::new("").folder.write("empty.yaml", "{}\n")]);
    let large = "x".repeat(1 << 20);
    for header in ["Cookie", "Authorization", "X-Weir-Page", "Origin", "Accept"] {
        let answer =
            crate::support::try_request(&server.address, "GET", "/api/session", &[(header, &large)], b"");
        assert!(answer.is_none_or(|answer| answer.status == 431), "{header}");
    }
    let many: Vec<(String, String)> = (0..1000).map(|at| (format!("X-{at}"), String::new())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&**name, &**value)).collect();
    let answer = crate::support::try_request(&server.address, "GET", "/", &many, b"");
    assert!(answer.is_none_or(|answer| answer.status == 431));
    assert_eq!(request(&server.address, "GET", "/api/session", &[], b"").status, 200);
}
