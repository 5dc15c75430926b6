//! Signing in, what browsers send for other pages, and connections that say nothing: over real sockets.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise, and so may their helpers")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use weir_meter::Snapshot;
use weir_web::{
    Audit, AuditNote, Authentication, ConnectionLimits, Handlers, PasswordSecret, RemoveSearch, Role,
    SaveSearch, SavedSearch, Searches, SearchesAnswer, SessionLimits, Site, User, WriteOutcome,
    WriterOptions, Writers, serve,
};

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// bcrypt of `hashed`, cost 4, by libcrypt.
const HASH: &str = "$2b$04$EGdrhbKUv8Oc9vGiXX0HQO8cMvpPY5z6SsQqLdxeXYUdMIeRPEVG.";

const PAGE: &str = "X-Weir-Page: 1";

struct Server {
    address: SocketAddr,
    /// Who did what, and what came of it.
    notes: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    runtime: Runtime,
}

/// What a server is like.
struct Options {
    authentication: Authentication,
    external_url: Option<&'static str>,
    connections: ConnectionLimits,
    /// How large the list of saved searches is.
    list_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            authentication: Authentication::users(users()),
            external_url: None,
            connections: ConnectionLimits::default(),
            list_bytes: 0,
        }
    }
}

fn users() -> Vec<User> {
    let user = |name: &str, password: &str, role| User {
        name: name.to_owned(),
        password: Some(PasswordSecret::parse(password).unwrap()),
        token: None,
        roles: vec![role],
    };
    vec![user("anna", HASH, Role::Read), user("root", "toor", Role::Admin), user("pusher", "p", Role::Push)]
}

fn searches(list_bytes: usize) -> Searches {
    Searches {
        list: Arc::new(move |()| {
            let search = SavedSearch { query: "x".repeat(list_bytes), ..SavedSearch::default() };
            let searches = if list_bytes > 0 { vec![search] } else { Vec::new() };
            Box::pin(async { Ok(SearchesAnswer { searches, ..SearchesAnswer::default() }) })
        }),
        save: Arc::new(|SaveSearch { name, search, owner }| {
            let saved_by = owner.name.as_deref().map(str::to_owned);
            let saved = SavedSearch { name, query: search.query, saved_by, ..SavedSearch::default() };
            Box::pin(async { Ok(saved) })
        }),
        remove: Arc::new(|RemoveSearch { .. }| Box::pin(async { Ok(()) })),
    }
}

fn audit(notes: &Arc<Mutex<Vec<String>>>) -> Audit {
    let (begun, ended) = (Arc::clone(notes), Arc::clone(notes));
    Audit {
        begin: Arc::new(move |AuditNote { user, action, target, .. }| {
            begun.lock().unwrap().push(format!("{} {action:?} {target}", user.unwrap_or_default()));
            Box::pin(async { 1 })
        }),
        end: Arc::new(move |_, outcome| ended.lock().unwrap().push(outcome)),
        page: Arc::new(|_| Box::pin(async { Ok(Default::default()) })),
    }
}

impl Server {
    fn start(options: Options) -> Self {
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = oneshot::channel();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let notes: Arc<Mutex<Vec<String>>> = Arc::default();
        let handlers = Handlers {
            snapshot: Arc::new(|_| Snapshot { families: Vec::new() }),
            routes: Arc::new(|_| Err("no routes".to_owned())),
            is_ready: Arc::new(|| true),
            gateway: None,
            admin: None,
            records: None,
            writers: Writers::new(
                Arc::new(|_| Box::pin(async { WriteOutcome::Busy })),
                WriterOptions::default(),
            ),
            alerting: None,
            searches: Some(searches(options.list_bytes)),
            audit: Some(audit(&notes)),
            hosts: Default::default(),
            site: Site::new(options.external_url),
            connections: options.connections,
            authentication: Arc::new(options.authentication),
        };
        runtime.spawn(serve(listener, handlers, async move {
            let _ = stopped.await;
        }));
        Self { address, notes, stop: Some(stop), runtime }
    }

    /// Lets time pass where nothing tells that it has.
    fn wait(&self, duration: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(duration).await });
    }

    fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(self.address).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        connection
    }

    /// Sends a request with these lines in its head; the answer.
    fn ask(&self, request: &str, lines: &[&str], body: &str) -> Answer {
        let mut connection = self.connect();
        let mut head = format!("{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        lines.iter().for_each(|line| head += &format!("{line}\r\n"));
        connection.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        Answer::read(connection)
    }

    /// Signs in; the cookie as a browser sends it.
    #[track_caller]
    fn sign_in(&self, name: &str, password: &str) -> String {
        let body = format!(r#"{{"name": "{name}", "password": "{password}"}}"#);
        let answer = self.ask("POST /api/session", &[PAGE], &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let cookie = answer.header("set-cookie").expect("a cookie");
        format!("Cookie: {}", cookie.split(';').next().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let runtime = std::mem::replace(&mut self.runtime, Runtime::new().unwrap());
        runtime.shutdown_background();
    }
}

struct Answer {
    status: u16,
    /// All of it.
    text: String,
}

impl Answer {
    fn read(mut connection: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = connection.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, text }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn body(&self) -> serde_json::Value {
        serde_json::from_str(self.text.split("\r\n\r\n").nth(1).unwrap()).unwrap_or_default()
    }
}

#[test]
fn who_signs_in_is_known_until_he_signs_out() {
    let server = Server::start(Options::default());
    let nobody = server.ask("GET /api/session", &[PAGE], "").body();
    assert_eq!(nobody, serde_json::json!({"name": null, "roles": [], "is_open": false, "version": null}));
    assert_eq!(server.ask("GET /api/searches", &[PAGE], "").status, 401);

    let cookie = server.sign_in("anna", "hashed");
    let anna = server.ask("GET /api/session", &[PAGE, &cookie], "").body();
    assert_eq!((&anna["name"], &anna["roles"]), (&"anna".into(), &serde_json::json!(["read"])));
    let listed = server.ask("GET /api/searches", &[&cookie], "");
    assert_eq!((listed.status, listed.header("cache-control")), (200, Some("no-store")));
    assert_eq!(listed.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(server.ask("GET /api/audit", &[&cookie], "").status, 403);
    assert_eq!(server.ask("GET /metrics", &[&cookie], "").status, 200);

    let saved = server.ask("PUT /api/searches/a%2Fb%20c", &[&cookie, PAGE], r#"{"query": "x"}"#);
    assert_eq!((&saved.body()["name"], &saved.body()["saved_by"]), (&"a/b c".into(), &"anna".into()));
    let unknown = server.ask("PUT /api/searches/a", &[&cookie, PAGE], r#"{"quer": "x"}"#);
    assert_eq!((unknown.status, &unknown.body()["code"]), (422, &"bad_body".into()));
    assert_eq!(server.ask("DELETE /api/searches/a", &[&cookie, PAGE], "").status, 204);

    let out = server.ask("DELETE /api/session", &[&cookie, PAGE], "");
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().ends_with("Max-Age=0"));
    assert_eq!(server.ask("GET /api/searches", &[&cookie], "").status, 401);
    assert_eq!(server.ask("GET /api/session", &[&cookie], "").body()["name"], serde_json::Value::Null);
    assert_eq!(server.ask("DELETE /api/session", &[&cookie, PAGE], "").status, 204);
    assert_eq!(*server.notes.lock().unwrap(), ["anna SignIn ", "anna SearchDeleted a", "anna SignOut "]);
}

#[test]
fn the_cookie_is_safe_and_names_nobody() {
    let body = r#"{"name": "anna", "password": "hashed"}"#;
    for (external_url, begin, end) in [
        (None, "weir=", "; Path=/; HttpOnly; SameSite=Strict"),
        (Some("http://weir.example.com"), "weir=", "; Path=/; HttpOnly; SameSite=Strict"),
        (Some("https://weir.example.com/"), "__Host-weir=", "; Path=/; HttpOnly; SameSite=Strict; Secure"),
    ] {
        let server = Server::start(Options { external_url, ..Options::default() });
        let answer = server.ask("POST /api/session", &[PAGE], body);
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.starts_with(begin) && cookie.ends_with(end), "{cookie}");
        assert_eq!(cookie.len(), begin.len() + 43 + end.len());
        let again = server.ask("POST /api/session", &[PAGE], body);
        assert_ne!(again.header("set-cookie").unwrap(), cookie);
    }
}

#[test]
fn who_signs_in_again_is_out_under_the_former_cookie() {
    let server = Server::start(Options::default());
    let former = server.sign_in("anna", "hashed");
    let body = r#"{"name": "root", "password": "toor"}"#;
    assert_eq!(server.ask("POST /api/session", &[PAGE, &former], body).status, 200);
    assert_eq!(server.ask("GET /api/searches", &[&former], "").status, 401);
}

#[test]
fn what_a_browser_sends_for_another_page_changes_nothing() {
    let server = Server::start(Options::default());
    let cookie = server.sign_in("root", "toor");
    let host = format!("Origin: http://{}", server.address);
    let basic = "Authorization: Basic cm9vdDp0b29y";
    for (lines, expected) in [
        // Our own page.
        (vec![&*cookie, PAGE], 200),
        (vec![&cookie, PAGE, &host], 200),
        (vec![&cookie, PAGE, &host, "Sec-Fetch-Site: same-origin"], 200),
        // Another page: a form, a script without a preflight, one with a forged header, neighbours.
        (vec![&cookie], 403),
        (vec![&cookie, &host], 403),
        (vec![&cookie, "X-Weir-Page: 0"], 403),
        (vec![&cookie, "Origin: https://evil.example"], 403),
        (vec![&cookie, PAGE, "Origin: https://evil.example"], 403),
        (vec![&cookie, PAGE, "Origin: null"], 403),
        (vec![&cookie, PAGE, "Sec-Fetch-Site: cross-site"], 403),
        (vec![&cookie, PAGE, "Sec-Fetch-Site: same-site"], 403),
        // The password that a browser remembers is as good as its cookie.
        (vec![basic, "Origin: https://evil.example"], 403),
        (vec![basic, "Sec-Fetch-Site: cross-site"], 403),
        // A program.
        (vec![basic], 200),
        // A header of its own counts, not the cookie beside it.
        (vec![&cookie, PAGE, "Authorization: Basic eDp5"], 401),
        (vec![&cookie, PAGE, "Authorization: \u{ff}"], 401),
    ] {
        let answer = server.ask("PUT /api/searches/a", &lines, r#"{"query": "x"}"#);
        assert_eq!(answer.status, expected, "{lines:?} {}", answer.text);
        if expected == 403 {
            assert_eq!(answer.body()["code"], "not_from_the_page");
        }
    }
    // A page that is asked for by another one is shown; that reads nothing for it.
    assert_eq!(server.ask("GET /api/searches", &[&cookie, "Sec-Fetch-Site: cross-site"], "").status, 200);
    // Nobody is asked beforehand: another page's script gets no leave.
    let preflight = ["Origin: https://evil.example", "Access-Control-Request-Headers: x-weir-page"];
    let asked = server.ask("OPTIONS /api/searches/a", &preflight, "");
    assert!(asked.status >= 400 && asked.header("access-control-allow-origin").is_none(), "{}", asked.text);
}

#[test]
fn another_page_does_not_have_the_config_read_again() {
    let basic = "Authorization: Basic cm9vdDp0b29y";
    for authentication in [Authentication::users(users()), Authentication::None] {
        let server = Server::start(Options { authentication, ..Options::default() });
        for (lines, expected) in [
            (vec![basic, "Origin: https://evil.example"], 403),
            (vec![basic, "Sec-Fetch-Site: cross-site"], 403),
            (vec!["Origin: https://evil.example", "Sec-Fetch-Site: cross-site"], 403),
            // A program. This server has no config, which it says only to who may know.
            (vec![basic], 404),
        ] {
            let answer = server.ask("POST /-/reload", &lines, "");
            assert_eq!(answer.status, expected, "{lines:?} {}", answer.text);
        }
        // What is pushed has rules of its own, and says so.
        let pushed = server.ask("POST /ingest/ndjson", &[basic, "Origin: https://evil.example"], "{}");
        assert!(pushed.status == 403 && pushed.text.contains("cors_origins"), "{}", pushed.text);
    }
}

#[test]
fn another_page_neither_signs_in_nor_out() {
    let server = Server::start(Options::default());
    let cookie = server.sign_in("anna", "hashed");
    let body = r#"{"name": "anna", "password": "hashed"}"#;
    for request in ["POST /api/session", "DELETE /api/session"] {
        for lines in [
            vec![],
            vec![&*cookie],
            vec![PAGE, "Origin: https://evil.example"],
            vec![PAGE, "Sec-Fetch-Site: same-site"],
        ] {
            let answer = server.ask(request, &lines, body);
            assert_eq!((answer.status, answer.header("set-cookie")), (403, None), "{request} {lines:?}");
        }
    }
    assert_eq!(server.ask("GET /api/searches", &[&cookie], "").status, 200);
}

#[test]
fn only_who_has_no_form_of_his_own_gets_the_browsers() {
    let server = Server::start(Options::default());
    for (lines, is_asked) in [
        (vec![], true),
        (vec!["Sec-Fetch-Mode: navigate"], true),
        (vec![PAGE], false),
        (vec!["Sec-Fetch-Mode: cors"], false),
    ] {
        let answer = server.ask("GET /api/searches", &lines, "");
        assert_eq!(
            (answer.status, answer.header("www-authenticate").is_some()),
            (401, is_asked),
            "{lines:?}"
        );
    }
}

#[test]
fn wrong_names_and_passwords_are_the_same_and_soon_too_many() {
    let server = Server::start(Options::default());
    let wrong = |name: &str, password: &str| {
        let body = format!(r#"{{"name": "{name}", "password": "{password}"}}"#);
        server.ask("POST /api/session", &[PAGE], &body)
    };
    let (known, unknown) = (wrong("anna", "no"), wrong("nobody", "no"));
    assert_eq!((known.status, unknown.status), (401, 401));
    assert_eq!(known.body(), unknown.body());
    assert_eq!(known.header("set-cookie"), None);
    for _ in 2..10 {
        assert_eq!(wrong("anna", "hashed ").status, 401);
    }
    let waits = wrong("anna", "again");
    assert_eq!((waits.status, &waits.body()["code"]), (429, &"too_many_attempts".into()));
    assert!(waits.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
    // Also with the right one, and also by the header; what was noted has no password.
    assert_eq!(wrong("anna", "hashed").status, 429);
    let notes = server.notes.lock().unwrap();
    assert_eq!(notes.len(), 10, "{notes:?}");
    assert!(
        notes
            .iter()
            .all(|note| note.contains("SignInFailed") && !note.contains("no ") || note.ends_with("anna"))
    );
    assert!(!notes.iter().any(|note| note.contains("hashed")));
}

#[test]
fn a_made_up_session_is_nobodys_and_costs_no_attempts() {
    let server = Server::start(Options::default());
    for _ in 0..20 {
        for value in ["A".repeat(43), "x".to_owned(), String::new(), "%00".repeat(14) + "A"] {
            assert_eq!(server.ask("GET /api/searches", &[&format!("Cookie: weir={value}")], "").status, 401);
        }
    }
    server.sign_in("anna", "hashed");
}

#[test]
fn a_session_ends_by_itself() {
    let limits = SessionLimits { idle_max: Duration::from_millis(300), age_max: PATIENCE };
    let authentication = Authentication::users_with(users(), limits);
    let server = Server::start(Options { authentication, ..Options::default() });
    let cookie = server.sign_in("anna", "hashed");
    assert_eq!(server.ask("GET /api/searches", &[&cookie], "").status, 200);
    // Nothing tells when it is over, and asking would keep it alive.
    server.wait(2 * limits.idle_max);
    assert_eq!(server.ask("GET /api/searches", &[&cookie], "").status, 401);

    let limits = SessionLimits { idle_max: PATIENCE, age_max: Duration::from_millis(300) };
    let authentication = Authentication::users_with(users(), limits);
    let server = Server::start(Options { authentication, ..Options::default() });
    let cookie = server.sign_in("anna", "hashed");
    while server.ask("GET /api/searches", &[&cookie], "").status == 200 {}
}

#[test]
fn a_body_that_is_no_name_and_password_is_refused_without_repeating_it() {
    let server = Server::start(Options::default());
    for (body, expected) in [
        ("", 400),
        ("{}", 400),
        (r#"{"name": "anna", "password": "secret-text", "x": 1}"#, 400),
        (r#"{"name": "anna", "password": ["secret-text"]}"#, 400),
        (&format!(r#"{{"name": "anna", "password": "{}"}}"#, "secret-text".repeat(2_000)), 413),
    ] {
        let answer = server.ask("POST /api/session", &[PAGE], body);
        assert_eq!((answer.status, &answer.body()["code"]), (expected, &"bad_body".into()), "{body}");
        assert!(!answer.text.contains("secret-text"));
    }
}

#[test]
fn where_nobody_has_to_sign_in_the_page_is_told_so() {
    let server = Server::start(Options { authentication: Authentication::None, ..Options::default() });
    let answer = server.ask("GET /api/session", &[PAGE], "").body();
    assert_eq!((&answer["is_open"], &answer["name"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(answer["roles"].as_array().unwrap().len(), 4);
    let signed_in = server.ask("POST /api/session", &[PAGE], r#"{"name": "x", "password": "y"}"#);
    assert_eq!((signed_in.status, signed_in.header("set-cookie")), (200, None));
    assert_eq!(server.ask("PUT /api/searches/a", &[], r#"{"query": "x"}"#).status, 200);
    // What a browser sends for another page changes nothing here either.
    let foreign = server.ask("DELETE /api/searches/a", &["Origin: https://evil.example"], "");
    assert_eq!(foreign.status, 403);
}

#[test]
fn the_page_is_for_everybody_and_what_it_shows_is_not() {
    let server = Server::start(Options::default());
    let page = server.ask("GET /", &["Accept: text/html"], "");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    assert_eq!(server.ask("HEAD /", &["Accept: text/html"], "").status, 200);
    assert!(server.ask("GET /", &[], "").text.contains("/api/search "));
    for path in ["/assets/x.js", "/assets/../../etc/passwd", "/assets/%2e%2e%2fx"] {
        assert_eq!(server.ask(&format!("GET {path}"), &[], "").status, 404, "{path}");
    }
    assert_eq!(server.ask("POST /assets/x.js", &[], "").status, 401);
}

#[test]
fn a_head_without_end_and_one_that_is_too_large_are_refused() {
    let server = Server::start(Options::default());
    let large = format!("X-Large: {}", "x".repeat(100_000));
    assert_eq!(server.ask("GET /", &[&large], "").status, 431);
    let many: Vec<String> = (0..300).map(|number| format!("X-{number}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(server.ask("GET /", &many, "").status, 431);
    let cookies: Vec<String> = (0..100).map(|number| format!("Cookie: weir={number}; weir")).collect();
    let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
    assert_eq!(server.ask("GET /api/searches", &cookies, "").status, 401);
    let long = format!("GET /api/search?query={}", "x".repeat(100_000));
    assert!(matches!(server.ask(&long, &[], "").status, 414 | 431));
    for bytes in
        [&b"\0\r\n\r\n"[..], b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\nA\r\n\r\n", b"\x16\x03\x01\x02\0\x01"]
    {
        let mut connection = server.connect();
        connection.write_all(bytes).unwrap();
        let _ = connection.shutdown(std::net::Shutdown::Write);
        let answer = Answer::read(connection);
        assert!(matches!(answer.status, 0 | 400), "{}", answer.text);
    }
    assert_eq!(server.ask("GET /", &[], "").status, 200);
}

#[test]
fn who_does_not_say_what_he_wants_is_closed() {
    let connections = ConnectionLimits { head_timeout: Duration::from_millis(200), ..Default::default() };
    let server = Server::start(Options { connections, ..Options::default() });
    for begin in ["", "GET", "GET / HTTP/1.1\r\nHost: a\r\nX: "] {
        let mut connection = server.connect();
        connection.write_all(begin.as_bytes()).unwrap();
        // Returns when the other side closes; the time limit of the socket would be an error.
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
    }
    // A byte now and then helps nobody.
    let mut connection = server.connect();
    let mut sent = 0;
    while connection.write_all(b"G").is_ok() {
        sent += 1;
        assert!(sent < 1_000, "the connection stays open");
        server.wait(Duration::from_millis(20));
    }
    assert_eq!(server.ask("GET /", &[], "").status, 200);
}

#[test]
fn a_body_of_the_api_that_does_not_arrive_is_not_waited_for() {
    let connections = ConnectionLimits { body_timeout: Duration::from_millis(200), ..Default::default() };
    let server = Server::start(Options { connections, ..Options::default() });
    for request in [
        "POST /api/aggregate",
        "POST /api/backtest",
        "POST /api/delete",
        "POST /api/backfill",
        "POST /api/rejects/replay",
        "POST /api/v2/silences",
        "PUT /api/searches/a",
    ] {
        let mut connection = server.connect();
        let head = format!("{request} HTTP/1.1\r\nHost: a\r\nAuthorization: Basic cm9vdDp0b29y\r\n");
        let rest = "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{";
        connection.write_all(format!("{head}{rest}").as_bytes()).unwrap();
        let answer = Answer::read(connection);
        assert_eq!(answer.status, 408, "{request} {}", answer.text);
        assert!(answer.text.contains("within 0.2 s"), "{}", answer.text);
    }
    // Who sends a byte now and then is as late.
    let mut connection = server.connect();
    let head = "PUT /api/searches/a HTTP/1.1\r\nHost: a\r\nAuthorization: Basic cm9vdDp0b29y\r\n";
    let rest = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write_all(format!("{head}{rest}").as_bytes()).unwrap();
    let mut sent = 0;
    while connection.write_all(b"1\r\n \r\n").is_ok() {
        sent += 1;
        assert!(sent < 1_000, "the connection stays open");
        server.wait(Duration::from_millis(20));
    }
    let basic = "Authorization: Basic cm9vdDp0b29y";
    assert_eq!(server.ask("PUT /api/searches/a", &[basic], r#"{"query": "x"}"#).status, 200);
}

#[test]
fn who_does_not_read_his_answer_neither_keeps_it_nor_gets_another() {
    // Far more than the system takes for a connection.
    let list_bytes = 32 << 20;
    let connections = ConnectionLimits {
        stall_timeout: Duration::from_secs(2),
        answer_bytes_max: list_bytes,
        ..Default::default()
    };
    let server = Server::start(Options { connections, list_bytes, ..Options::default() });
    let basic = "Authorization: Basic cm9vdDp0b29y";
    let mut idle = server.connect();
    let head = format!("GET /api/searches HTTP/1.1\r\nHost: a\r\n{basic}\r\n\r\n");
    idle.write_all(head.as_bytes()).unwrap();
    let mut begin = [0; 15];
    idle.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    let refused = server.ask("GET /api/searches", &[basic], "");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("2")), "{}", refused.text);
    assert_eq!(refused.body()["code"], "busy");
    // What is small is answered, and so is what changes something.
    assert_eq!(server.ask("GET /api/session", &[basic], "").status, 200);
    assert_eq!(server.ask("PUT /api/searches/a", &[basic], r#"{"query": "x"}"#).status, 200);
    // The connection is given up, and with it the answer.
    while server.ask("GET /api/searches", &[basic], "").status == 503 {}
    let whole = server.ask("GET /api/searches", &[basic], "");
    assert!(whole.status == 200 && whole.text.len() > list_bytes, "{} bytes", whole.text.len());
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest);
    assert!(rest.len() < list_bytes, "it went on");
}

#[test]
fn one_address_cannot_keep_out_all_others() {
    let connections = ConnectionLimits { connections_max: 8, of_address_max: 4, ..Default::default() };
    let server = Server::start(Options { connections, ..Options::default() });
    let mut held: Vec<TcpStream> = (0..4).map(|_| server.connect()).collect();
    // Each of them has been taken in once it answers.
    for connection in &mut held {
        connection.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut answer = [0; 15];
        connection.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }
    let mut fifth = server.connect();
    let _ = fifth.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut answer = Vec::new();
    let _ = fifth.read_to_end(&mut answer);
    assert_eq!(answer, b"", "it should have been closed");
    // Another address of this machine.
    let socket = std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(127, 0, 0, 2), 0);
    let other = server.runtime.block_on(async {
        let other = tokio::net::TcpSocket::new_v4().unwrap();
        other.bind(socket.into()).unwrap();
        other.connect(server.address).await.unwrap().into_std().unwrap()
    });
    other.set_nonblocking(false).unwrap();
    other.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut other = other;
    other.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(Answer::read(other).status, 200);
    // Room is given back.
    drop(held);
    while server.ask("GET /-/healthy", &[], "").status != 200 {}
}

#[test]
fn a_server_that_stops_answers_first_and_keeps_no_idle_connection() {
    let mut server = Server::start(Options::default());
    let mut idle = server.connect();
    idle.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut answer = [0; 15];
    idle.read_exact(&mut answer).unwrap();
    server.stop.take().unwrap().send(()).unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();
    assert!(String::from_utf8(rest).unwrap().ends_with("healthy.\n"));
}
