//! Pushes: from the real Python client, and as the known gateways take them.
//!
//! What is answered with 202 is there after any crash, and what is refused has changed nothing.

use std::process::Stdio;

use crate::support::metrics::{samples, sum};
use crate::support::{Folder, Run, Server, gzip, output, python};

/// Pushes with `prometheus_client`; `login` is `name:password` or empty.
#[track_caller]
fn push_from_python(server: &Server, method: &str, login: &str, count: u32) -> Run {
    let (user, password) = login.split_once(':').unwrap_or_default();
    let arguments = [&*server.address, "batch", method, user, password, &count.to_string()];
    output(python(include_str!("support/push.py"), &arguments).stdin(Stdio::null()))
}

/// POSTs a body in text format: status and answer.
#[track_caller]
fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let response = server.request("POST", path, headers, body.as_bytes());
    (response.status, response.lossy())
}

/// A server without sources of its own, whose data outlives it.
fn start(folder: &Folder) -> Server {
    let empty = folder.path("logs");
    std::fs::create_dir_all(&empty).unwrap();
    Server::start_in(&folder.path("data"), &[&empty])
}

/// A server with this config.
fn start_with(folder: &Folder, config: &str) -> Server {
    let config = folder.write("weir.yaml", config);
    std::fs::create_dir_all(folder.path("logs")).unwrap();
    Server::start_in(&folder.path("data"), &["-c", &config, &folder.path("logs")])
}

#[test]
fn the_python_client_pushes_adds_and_deletes() {
    let folder = Folder::new();
    let server = start(&folder);
    push_from_python(&server, "push", "", 3).expect(0);
    push_from_python(&server, "add", "", 4).expect(0);
    let metrics = server.metrics();
    let of_job = [("job", "batch"), ("path", "a/b")];
    for (name, expected) in
        [("app_requests_total", 7.0), ("app_seconds_count", 7.0), ("app_seconds_sum", 3.5), ("app_last", 7.0)]
    {
        assert_eq!(sum(&metrics, name, &of_job), expected, "{name}\n{metrics}");
    }
    let buckets = |bound| sum(&metrics, "app_seconds_bucket", &[("le", bound), ("path", "a/b")]);
    assert_eq!(["0.1", "1.0", "+Inf"].map(buckets), [0.0, 7.0, 7.0]);
    assert!(metrics.contains("# TYPE app_requests_total counter"), "{metrics}");
    for sample in samples(&metrics).iter().filter(|sample| sample.name.ends_with("_created")) {
        // Times are never added: all of them are of this year or so, not twice of it.
        assert!(sample.value < 4e9, "{sample:?}");
    }
    push_from_python(&server, "delete", "", 0).expect(0);
    assert_eq!(samples(&server.metrics()).iter().filter(|it| it.name.starts_with("app_")).count(), 0);
}

#[test]
fn what_was_accepted_survives_a_kill() {
    let folder = Folder::new();
    let mut expected = 0.0;
    for round in 1..=5 {
        let server = start(&folder);
        assert_eq!(server.sum("jobs_total", &[]), expected);
        for number in 0..10 {
            let path = format!("/metrics/job/j{}", number % 3);
            let body = format!("# TYPE jobs_total counter\njobs_total {round}\n");
            assert_eq!(post(&server, &path, &[], &body), (202, String::new()));
            expected += f64::from(round);
        }
        if round == 3 {
            assert_eq!(server.request("DELETE", "/metrics/job/j0", &[], b"").status, 202);
            expected = server.sum("jobs_total", &[]);
        }
        server.kill();
    }
    assert_eq!(start(&folder).sum("jobs_total", &[]), expected);
}

#[test]
fn a_push_with_a_key_counts_once() {
    let folder = Folder::new();
    let body = "# TYPE jobs_total counter\njobs_total 2\n";
    let push =
        |server: &Server, key: &str| post(server, "/metrics/job/a", &[("X-Idempotency-Key", key)], body).0;
    let server = start(&folder);
    assert_eq!(["one", "one", "two", "one"].map(|key| push(&server, key)), [202; 4]);
    assert_eq!(server.sum("jobs_total", &[]), 4.0);
    server.kill();
    let server = start(&folder);
    assert_eq!(["two", "three"].map(|key| push(&server, key)), [202; 2]);
    assert_eq!(server.sum("jobs_total", &[]), 6.0);
    // A push that was refused has not used its key up.
    let bad = "# TYPE jobs_total gauge\njobs_total 2\n";
    assert_eq!(post(&server, "/metrics/job/a", &[("X-Idempotency-Key", "four")], bad).0, 400);
    assert_eq!(push(&server, "four"), 202);
    assert_eq!(server.sum("jobs_total", &[]), 8.0);
    assert_eq!(push(&server, &"k".repeat(257)), 400);
}

#[test]
fn a_push_is_taken_whole_or_not_at_all() {
    let folder = Folder::new();
    folder.append("a.log", crate::support::lines::albs(2, "/cart", 200));
    let server = Server::start(&[&folder.path("")]);
    server.await_sum("alb_log_request_count_total", &[], 2.0);
    let good = "# TYPE good_total counter\ngood_total 1\n";
    assert_eq!(post(&server, "/metrics/job/a", &[], good).0, 202);
    let pushed = |metrics: &str| -> Vec<_> {
        samples(metrics).into_iter().filter(|it| it.labels.contains_key("job") || it.name == "bare").collect()
    };
    let before = pushed(&server.metrics());
    let own =
        samples(&server.metrics()).into_iter().find(|it| it.name == "alb_log_request_count_total").unwrap();
    let own_labels: Vec<String> =
        own.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let own = format!(
        "# TYPE alb_log_request_count_total counter\nalb_log_request_count_total{{{}}} 1\n",
        own_labels.join(",")
    );
    for (path, bad, status, text) in [
        ("/metrics/job/a", "this is { no metric\n", 400, "line 4"),
        ("/metrics/job/a", "# TYPE good_total gauge\ngood_total 1\n", 400, "good_total"),
        ("/metrics/job/a", "x{a=\"1\"", 400, "line 4"),
        ("/metrics/job", "x 1\n", 400, "pairs"),
        ("/metrics", &own, 409, "alb_log_request_count_total"),
    ] {
        let body = format!("# TYPE other_total counter\nother_total 5\nbare 1\n{bad}");
        let (code, answer) = post(&server, path, &[], &body);
        assert_eq!(code, status, "{bad}: {answer}");
        assert!(answer.contains(text), "{bad}: {answer}");
        assert_eq!(pushed(&server.metrics()), before, "{bad}");
    }
    assert_eq!(server.sum("alb_log_request_count_total", &[]), 2.0);
}

#[test]
fn a_clash_of_types_names_both() {
    let folder = Folder::new();
    let server = start(&folder);
    assert_eq!(post(&server, "/metrics/job/a", &[], "# TYPE x_total counter\nx_total 1\n").0, 202);
    let (code, answer) = post(&server, "/metrics/job/b", &[], "# TYPE x_total gauge\nx_total 1\n");
    assert_eq!(code, 400);
    assert!(answer.contains("counter") && answer.contains("gauge") && answer.contains("x_total"), "{answer}");
}

#[test]
fn gauges_follow_their_clearmode() {
    let folder = Folder::new();
    let server = start(&folder);
    for (body, expected) in [
        ("# TYPE g gauge\ng 5\n", 5.0),
        ("# TYPE g gauge\ng 7\n", 12.0),
        ("# TYPE g gauge\ng{clearmode=\"replace\"} 3\n", 3.0),
        ("# TYPE g gauge\ng{clearmode=\"sum\"} 4\n", 7.0),
    ] {
        assert_eq!(post(&server, "/metrics/job/a", &[], body).0, 202);
        assert_eq!(server.sum("g", &[]), expected, "{body}");
    }
    assert!(!server.metrics().contains("clearmode"));
    drop(server);
    let replacing =
        start_with(&Folder::new(), "gateway: {gauges: replace, status: 200, url_labels: ignore}\n");
    for value in ["5", "7"] {
        let body = format!("# TYPE g gauge\ng {value}\n");
        assert_eq!(post(&replacing, "/metrics/job/a", &[], &body).0, 200);
    }
    let found: Vec<_> = samples(&replacing.metrics()).into_iter().filter(|it| it.name == "g").collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].value, found[0].labels.is_empty()), (7.0, true), "{found:?}");
}

#[test]
fn bodies_may_be_packed_and_are_bounded() {
    let folder = Folder::new();
    let limits = "limits: {push_bytes: 4KiB, push_unpacked_bytes: 16KiB}\n";
    let server = start_with(&folder, limits);
    let packed = gzip("# TYPE x_total counter\nx_total 2\n");
    let response = server.request("PUT", "/metrics/job/a", &[("Content-Encoding", "gzip")], &packed);
    assert_eq!(response.status, 202, "{}", response.lossy());
    assert_eq!(server.sum("x_total", &[("job", "a")]), 2.0);
    let large = gzip("x_total 2\n".repeat(3_000));
    for (headers, body) in
        [(vec![("Content-Encoding", "gzip")], large), (vec![], "x_total 2\n".repeat(3_000).into_bytes())]
    {
        assert_eq!(server.request("POST", "/metrics/job/b", &headers, &body).status, 413);
    }
    assert_eq!(server.sum("x_total", &[]), 2.0);
}

#[test]
fn pushes_over_the_budget_are_refused_whole() {
    let folder = Folder::new();
    let server = start_with(&folder, "gateway: {max_series: 100}\n");
    let series =
        |from: u32, to: u32| -> String { (from..to).map(|n| format!("x{{n=\"{n}\"}} 1\n")).collect() };
    assert_eq!(post(&server, "/metrics/job/a", &[], &series(0, 90)).0, 202);
    let response = server.request("POST", "/metrics/job/a", &[], series(80, 120).as_bytes());
    assert_eq!(response.status, 429, "{}", response.lossy());
    assert!(!response.header("retry-after").is_empty());
    assert_eq!(server.sum("x", &[]), 90.0);
}

#[test]
fn users_do_what_their_roles_say() {
    let folder = Folder::new();
    for (name, secret) in [("pusher", "p1"), ("scraper", "s1"), ("reader", "r1"), ("admin", "a1")] {
        folder.write(&format!("{name}.password"), format!("{secret}\n"));
    }
    folder.write("token", "push-token\n");
    let user = |name: &str, more: &str, role: &str| {
        let file = folder.path(&format!("{name}.password"));
        format!("{{name: {name}, password_file: '{file}'{more}, roles: [{role}]}}")
    };
    let users = [
        user("pusher", &format!(", token_file: '{}'", folder.path("token")), "push"),
        user("scraper", "", "scrape"),
        user("reader", "", "read"),
        user("admin", "", "admin"),
    ];
    let config = format!("http: {{auth: {{users: [{}]}}}}\n", users.join(", "));
    let server = start_with(&folder, &config);
    // Basic authentication is `name:password` in base64.
    let basic = |encoded: &str| format!("Basic {encoded}");
    let [pusher, scraper, reader, admin, wrong] =
        ["cHVzaGVyOnAx", "c2NyYXBlcjpzMQ==", "cmVhZGVyOnIx", "YWRtaW46YTE=", "cHVzaGVyOnAy"].map(basic);
    let bearer = "Bearer push-token".to_owned();
    let body = "x_total 1\n";
    let status = |method: &str, path: &str, login: &str| {
        let headers = [("Authorization", login)];
        let headers = if login.is_empty() { &headers[..0] } else { &headers[..] };
        server.request(method, path, headers, body.as_bytes()).status
    };
    for (method, path, login, expected) in [
        ("POST", "/metrics/job/a", &pusher, 202),
        ("PUT", "/metrics/job/a", &bearer, 202),
        ("POST", "/metrics/job/a", &admin, 202),
        ("POST", "/metrics/job/a", &String::new(), 401),
        ("POST", "/metrics/job/a", &wrong, 401),
        ("POST", "/metrics/job/a", &scraper, 403),
        ("DELETE", "/metrics/job/b", &reader, 403),
        ("DELETE", "/metrics/job/b", &pusher, 202),
        ("GET", "/metrics", &scraper, 200),
        ("GET", "/metrics", &reader, 200),
        ("GET", "/metrics", &pusher, 403),
        ("GET", "/metrics", &String::new(), 401),
        ("GET", "/api/routes", &reader, 200),
        ("GET", "/api/routes", &scraper, 403),
        ("GET", "/ready", &String::new(), 200),
    ] {
        assert_eq!(status(method, path, login), expected, "{method} {path} {login}");
    }
    push_from_python(&server, "push", "pusher:p1", 1).expect(0);
    let refused = push_from_python(&server, "push", "pusher:p2", 1).expect(1);
    assert!(refused.stderr.contains("401"), "{}", refused.stderr);
    let headers = [("Authorization", scraper.as_str())];
    let metrics = server.scrape(&headers).text();
    assert_eq!((sum(&metrics, "x_total", &[]), sum(&metrics, "app_requests_total", &[])), (3.0, 1.0));
}
