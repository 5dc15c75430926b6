//! The gateway and its guard over real connections: a table of requests, and what is answered.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise, and so may their helpers")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use weir_meter::Snapshot;
use weir_meter::exposition::{Format, encode};
use weir_meter::pushed::{GaugeMode, Grouping, OwnSeries, PushedOptions, PushedSeries};
use weir_web::{
    Authentication, CorsOrigins, Gateway, GatewayOptions, Handlers, PasswordSecret, PushAnswer, PushRequest,
    Role, SuccessStatus, UrlLabels, User, WriteOutcome, WriterOptions, Writers, serve,
};

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// bcrypt of `hashed`, cost 4, by libcrypt.
const HASH: &str = "$2b$04$EGdrhbKUv8Oc9vGiXX0HQO8cMvpPY5z6SsQqLdxeXYUdMIeRPEVG.";

struct Server {
    address: SocketAddr,
    series: Arc<Mutex<PushedSeries>>,
    keys: Arc<Mutex<Vec<Option<String>>>>,
    stop: Option<oneshot::Sender<()>>,
    runtime: Runtime,
}

impl Server {
    fn start(options: GatewayOptions, authentication: Authentication) -> Self {
        let pushed = PushedOptions { gauges: GaugeMode::Sum, series_max: 3 };
        let series = Arc::new(Mutex::new(PushedSeries::new(pushed)));
        let keys: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
        let runtime = Runtime::new().unwrap();
        let (stop, stopped) = oneshot::channel();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shown = Arc::clone(&series);
        let handlers = Handlers {
            snapshot: Arc::new(move |_| Snapshot { families: shown.lock().unwrap().families() }),
            routes: Arc::new(|_| Err("no routes".to_owned())),
            is_ready: Arc::new(|| true),
            gateway: Some(gateway(&series, &keys, options)),
            admin: None,
            records: None,
            writers: Writers::new(
                Arc::new(|_| Box::pin(async { WriteOutcome::Busy })),
                WriterOptions::default(),
            ),
            alerting: None,
            hosts: Default::default(),
            searches: None,
            audit: None,
            site: Default::default(),
            connections: Default::default(),
            authentication: Arc::new(authentication),
        };
        runtime.spawn(serve(listener, handlers, async move {
            let _ = stopped.await;
        }));
        Self { address, series, keys, stop: Some(stop), runtime }
    }

    fn open(options: GatewayOptions) -> Self {
        Self::start(options, Authentication::None)
    }

    /// Sends a request and gives the answer's head and body.
    fn ask(&self, head: &str, body: &[u8]) -> (String, String) {
        let mut connection = TcpStream::connect(self.address).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
        let length = if headers.contains("Content-Length") || headers.contains("Transfer-Encoding") {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let headers: String = headers.lines().map(|line| format!("{line}\r\n")).collect();
        let request = format!("{line} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n{length}{headers}\r\n");
        connection.write_all(request.as_bytes()).unwrap();
        // Who is refused by the head may find the connection closed.
        let _ = connection.write_all(body);
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        (head.to_ascii_lowercase(), body.to_owned())
    }

    /// Status and body.
    #[track_caller]
    fn check(&self, head: &str, body: impl AsRef<[u8]>, expected: (u16, &str)) {
        let (head_found, body_found) = self.ask(head, body.as_ref());
        let status: u16 = head_found.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!((status, body_found.trim_end()), expected, "{head}");
    }

    /// The samples of all series.
    fn samples(&self) -> String {
        let mut out = Vec::new();
        encode(&Snapshot { families: self.series.lock().unwrap().families() }, Format::Text, &mut out);
        let text = String::from_utf8(out).unwrap();
        text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let runtime = std::mem::replace(&mut self.runtime, Runtime::new().unwrap());
        runtime.shutdown_background();
    }
}

/// Counts in memory; families `busy` and `full` play the store's part.
fn gateway(
    series: &Arc<Mutex<PushedSeries>>,
    keys: &Arc<Mutex<Vec<Option<String>>>>,
    options: GatewayOptions,
) -> Gateway {
    let (pushed, deleted, keys) = (Arc::clone(series), Arc::clone(series), Arc::clone(keys));
    let push = move |request: PushRequest| -> weir_web::BoxFuture<PushAnswer> {
        let mut series = pushed.lock().unwrap();
        let mut staged = series.staged();
        let own = OwnSeries {
            kind_of: &|name| (name == "own").then_some(weir_meter::Kind::Untyped),
            has_series: &|_, _| true,
        };
        let answer = match series.stage(&mut staged, &request.push, own) {
            Ok(()) if staged.family_changes().any(|change| change.name == "busy") => PushAnswer::Busy,
            Ok(()) if staged.family_changes().any(|change| change.name == "full") => PushAnswer::DiskFull,
            Ok(()) => {
                series.apply(staged);
                keys.lock().unwrap().push(request.idempotency_key);
                PushAnswer::Done
            }
            Err(why) => PushAnswer::Refused(why),
        };
        Box::pin(std::future::ready(answer))
    };
    let delete = move |grouping: Grouping| -> weir_web::BoxFuture<PushAnswer> {
        let mut series = deleted.lock().unwrap();
        let mut staged = series.staged();
        series.stage_delete(&mut staged, &grouping);
        series.apply(staged);
        Box::pin(std::future::ready(PushAnswer::Done))
    };
    Gateway::new(Arc::new(push), Arc::new(delete), options)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn pushes_of_the_known_clients_are_counted() {
    let server = Server::open(GatewayOptions::default());
    for head in [
        "POST /metrics",
        "PUT /metrics/",
        "POST /metrics/job/a",
        "PUT /metrics/job/a/",
        "PUT /metrics/job@base64/YQ==\nContent-Type: text/plain; version=0.0.4; charset=utf-8",
        "POST /metrics\nContent-Type: application/x-www-form-urlencoded",
        "POST /metrics/job/%61\nX-Idempotency-Key: key 1",
    ] {
        server.check(head, "x 1\n", (202, ""));
    }
    assert_eq!(server.samples(), "x 3\nx{job=\"a\"} 4\n");
    assert_eq!(*server.keys.lock().unwrap().last().unwrap(), Some("key 1".to_owned()));
    let (head, body) = server.ask("GET /metrics", b"");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(body.contains("x{job=\"a\"} 4"), "{body}");
}

#[test]
fn every_packing_and_format_is_read() {
    let server = Server::open(GatewayOptions::default());
    let text = b"x 1\n";
    let mut framed = snap::write::FrameEncoder::new(Vec::new());
    framed.write_all(text).unwrap();
    let block = snap::raw::Encoder::new().compress_vec(text).unwrap();
    server.check("POST /metrics\nContent-Encoding: gzip", gzip(text), (202, ""));
    server.check("POST /metrics\nContent-Encoding: gzip", [gzip(b"x 1"), gzip(b"\n")].concat(), (202, ""));
    server.check("POST /metrics\nContent-Encoding: snappy", framed.into_inner().unwrap(), (202, ""));
    server.check("POST /metrics\nContent-Encoding: snappy", block, (202, ""));
    server.check("POST /metrics\nContent-Encoding: identity", text, (202, ""));
    server.check(
        "POST /metrics\nContent-Type: application/openmetrics-text; version=1.0.0",
        "x 1\n# EOF\n",
        (202, ""),
    );
    let protobuf = b"\x12\x0a\x01x\x18\x03\x22\x0b\x2a\x09\x09\x00\x00\x00\x00\x00\x00\xf0\x3f";
    let head = "POST /metrics\nContent-Type: application/vnd.google.protobuf; \
                proto=io.prometheus.client.MetricFamily; encoding=delimited";
    server.check(head, protobuf, (202, ""));
    server.check("POST /metrics\nTransfer-Encoding: chunked", "2\r\nx \r\n2\r\n1\n\r\n0\r\n\r\n", (202, ""));
    assert_eq!(server.samples(), "x 8\n");
    let damaged = (400, "the body cannot be unpacked: corrupt gzip stream does not have a matching checksum");
    let mut torn = gzip(text);
    let end = torn.len() - 5;
    torn[end] ^= 1;
    server.check("POST /metrics\nContent-Encoding: gzip", torn, damaged);
    assert_eq!(server.samples(), "x 8\n");
}

#[test]
fn what_is_wrong_is_said_with_its_code() {
    let options = GatewayOptions { body_bytes_max: 1_000, unpacked_bytes_max: 2_000, ..Default::default() };
    let server = Server::open(options);
    let long_key = format!("POST /metrics\nX-Idempotency-Key: {}", "k".repeat(257));
    for (head, body, expected) in [
        (
            "POST /metrics/job",
            "",
            (
                400,
                "odd number of components in label string `job`; labels must be defined in pairs: /metrics/job/x",
            ),
        ),
        (
            "POST /metrics/__x/1",
            "",
            (
                400,
                "labels of the URL: the label `__x` is reserved: names beginning with `__` are Prometheus' own",
            ),
        ),
        (
            "POST /metrics/a-b/1",
            "",
            (
                400,
                "labels of the URL: `a-b` is no valid name; names have letters, digits and `_`, and at most 256 bytes",
            ),
        ),
        (
            "POST /metrics/job/a/job/b",
            "",
            (400, "labels of the URL: the label `job` stands twice in one set"),
        ),
        (
            "POST /metrics/job/a",
            "x{job=\"b\"} 1\n",
            (400, "line 1, column 1: the label `job` has one value in the URL and another in the body"),
        ),
        ("POST /metrics", "x 1\nx\n", (400, "line 2, column 2: expected a value")),
        ("POST /metrics", "own 1\n", (409, "own{} is counted by weir itself; push it with another label")),
        ("POST /metrics", "busy 1\n", (503, "too much is waiting; nothing was counted, try again")),
        ("POST /metrics", "full 1\n", (507, "there is no room on disk; nothing was counted")),
        (
            "POST /metrics",
            "a 1\nb 1\nc 1\nd 1\n",
            (429, "the budget of 3 pushed series is used up; delete some, or raise it"),
        ),
        (
            "POST /metrics\nContent-Encoding: br",
            "",
            (415, "Content-Encoding `br` is not known; use gzip or snappy, or none"),
        ),
        (
            "POST /metrics\nContent-Length: 1001",
            "",
            (413, "the body has more than 1000 bytes; push less at once"),
        ),
        (
            "POST /metrics\nX-Idempotency-Key:",
            "x 1\n",
            (400, "X-Idempotency-Key must have 1 to 256 bytes of visible ASCII"),
        ),
        (&long_key, "x 1\n", (400, "X-Idempotency-Key must have 1 to 256 bytes of visible ASCII")),
        ("PATCH /metrics", "", (405, "/metrics takes no PATCH; the header Allow says what it takes")),
    ] {
        server.check(head, body, expected);
    }
    assert_eq!(server.samples(), "");
}

#[test]
fn what_is_too_much_is_refused() {
    let options = GatewayOptions { body_bytes_max: 1_000, unpacked_bytes_max: 2_000, ..Default::default() };
    let server = Server::open(options);
    let bomb = gzip(&b"x 1\n".repeat(1_000));
    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", "#".repeat(1_001));
    server.check(
        "POST /metrics\nTransfer-Encoding: chunked",
        chunk,
        (413, "the body has more than 1000 bytes; push less at once"),
    );
    server.check(
        "POST /metrics\nContent-Encoding: gzip",
        &bomb,
        (413, "the body has more than 2000 bytes unpacked; push less at once"),
    );
    let block = snap::raw::Encoder::new().compress_vec(&[b'#'; 2_001]).unwrap();
    server.check(
        "POST /metrics\nContent-Encoding: snappy",
        block,
        (413, "the body has more than 2000 bytes unpacked; push less at once"),
    );
    for (body, seconds) in [("busy 1\n", "1"), ("full 1\n", "60"), ("a 1\nb 1\nc 1\nd 1\n", "60")] {
        let (head, _) = server.ask("POST /metrics", body.as_bytes());
        assert!(head.contains(&format!("retry-after: {seconds}\r")), "{head}");
    }
    assert_eq!(server.samples(), "");
}

#[test]
fn a_group_is_deleted() {
    let server = Server::open(GatewayOptions::default());
    server.check("POST /metrics/job/a", "x 1\n", (202, ""));
    server.check("POST /metrics/job/b", "x 1\n", (202, ""));
    server.check("DELETE /metrics/job/a", "", (202, ""));
    server.check(
        "DELETE /metrics/job",
        "",
        (
            400,
            "odd number of components in label string `job`; labels must be defined in pairs: /metrics/job/x",
        ),
    );
    assert_eq!(server.samples(), "x{job=\"b\"} 1\n");
}

#[test]
fn success_and_labels_are_as_the_operator_says() {
    let options =
        GatewayOptions { success: SuccessStatus::Ok, url_labels: UrlLabels::Ignore, ..Default::default() };
    let server = Server::open(options);
    server.check("POST /metrics/job/a", "x 1\n", (200, ""));
    server.check("POST /metrics/job/b", "x{job=\"c\"} 1\n", (200, ""));
    server.check(
        "POST /metrics/job",
        "x 1\n",
        (
            400,
            "odd number of components in label string `job`; labels must be defined in pairs: /metrics/job/x",
        ),
    );
    assert_eq!(server.samples(), "x 1\nx{job=\"c\"} 1\n");
}

#[test]
fn pages_of_other_origins_push_where_they_may() {
    let refused = (403, "pushes from web pages of this origin are not allowed; name it in cors_origins");
    let app = "https://app.example.com";
    for (origins, origin, allowed) in [
        (CorsOrigins::None, app, None),
        (CorsOrigins::None, "http://weir", Some("")),
        (CorsOrigins::Any, app, Some("*")),
        (CorsOrigins::Only(vec![app.to_owned()]), app, Some(app)),
        (CorsOrigins::Only(vec![app.to_owned()]), "https://app.example.com.evil", None),
        (CorsOrigins::Any, "null", Some("*")),
        (CorsOrigins::None, "null", None),
    ] {
        let server = Server::open(GatewayOptions { cors_origins: origins, ..Default::default() });
        for (method, body, status) in [("POST", "x 1\n", 202), ("DELETE", "", 202), ("OPTIONS", "", 204)] {
            let (head, text) =
                server.ask(&format!("{method} /metrics/job/a\nOrigin: {origin}"), body.as_bytes());
            let status = if allowed.is_some() { status } else { refused.0 };
            assert!(head.starts_with(&format!("http/1.1 {status}")), "{origin} {head}");
            let header = head.lines().find_map(|line| line.strip_prefix("access-control-allow-origin: "));
            assert_eq!(header, allowed.filter(|allowed| !allowed.is_empty()), "{origin}");
            if allowed.is_none() {
                assert_eq!(text.trim_end(), refused.1);
            }
        }
    }
}

fn user(name: &str, password: &str, token: Option<&str>, roles: &[Role]) -> User {
    User {
        name: name.to_owned(),
        password: Some(PasswordSecret::parse(password).unwrap()),
        token: token.map(str::to_owned),
        roles: roles.to_vec(),
    }
}

fn guarded() -> Server {
    let users = vec![
        user("push", HASH, None, &[Role::Push]),
        user("prometheus", "plain", Some("token-1"), &[Role::Scrape]),
        user("reader", "plain", None, &[Role::Read]),
        user("root", "plain", None, &[Role::Admin]),
    ];
    Server::start(GatewayOptions::default(), Authentication::users(users))
}

/// `name:password` as the header has it.
fn basic(text: &str) -> String {
    use base64::Engine;
    format!("Authorization: Basic {}", base64::prelude::BASE64_STANDARD.encode(text))
}

#[test]
fn each_role_opens_its_routes() {
    let server = guarded();
    let unknown = (401, "this needs a user and a password, or a token; send basic or bearer authentication");
    let forbidden = (403, "this user has not the role for this; add the role to the user in http.auth");
    for (head, authorization, expected) in [
        ("POST /metrics", String::new(), unknown),
        ("POST /metrics", basic("push:hashed"), (202, "")),
        ("POST /metrics/job/a", basic("push:hashed"), (202, "")),
        ("POST /metrics", basic("push:wrong"), unknown),
        ("POST /metrics", basic("nobody:hashed"), unknown),
        ("POST /metrics", basic("prometheus:plain"), forbidden),
        ("POST /metrics", basic("root:plain"), (202, "")),
        ("POST /metrics", "Authorization: Bearer token-1".to_owned(), forbidden),
        ("POST /metrics", "Authorization: Basic %".to_owned(), unknown),
        ("GET /metrics", basic("push:hashed"), forbidden),
        ("GET /metrics", basic("prometheus:plain"), (200, "")),
        ("GET /metrics", "Authorization: bearer token-1".to_owned(), (200, "")),
        ("GET /metrics", "Authorization: Bearer token-2".to_owned(), unknown),
        ("GET /metrics", basic("reader:plain"), (200, "")),
        ("GET /nothing", basic("reader:plain"), forbidden),
        ("OPTIONS /metrics", String::new(), (204, "")),
        ("GET /-/healthy", String::new(), (200, "weir is healthy.")),
        ("DELETE /metrics", basic("reader:plain"), forbidden),
    ] {
        server.check(format!("{head}\n{authorization}").trim_end(), "", expected);
    }
    let (head, body) = server.ask("GET /api/routes", b"");
    assert!(head.contains("www-authenticate: basic realm=\"weir\""), "{head}");
    assert!(body.contains("\"code\":\"unauthorized\""), "{body}");
}

#[test]
fn an_address_that_guesses_has_to_wait() {
    let server = guarded();
    server.check(&format!("POST /metrics\n{}", basic("push:hashed")), "x 1\n", (202, ""));
    for guess in 0..10 {
        let (head, _) = server.ask(&format!("POST /metrics\n{}", basic(&format!("push:{guess}"))), b"");
        assert!(head.starts_with("http/1.1 401"), "{head}");
    }
    for authorization in [basic("push:11"), basic("reader:plain"), "Authorization: Bearer x".to_owned()] {
        let (head, _) = server.ask(&format!("POST /metrics\n{authorization}"), b"");
        assert!(head.starts_with("http/1.1 429") && head.contains("retry-after: "), "{head}");
    }
    // Who was right before is known by what he sends.
    server.check(&format!("POST /metrics\n{}", basic("push:hashed")), "x 1\n", (202, ""));
    assert_eq!(server.samples(), "x 2\n");
}
