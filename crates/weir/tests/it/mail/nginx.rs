//! Traffic of a real nginx: its backend gets slow, the promise is broken, one mail comes; the backend recovers, and one
//! more comes in the same thread.
//!
//! nginx and weir see a clock that the test moves, so that minutes pass at once; what a request takes is real.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::support::mail::MailServer;
use crate::support::{FalseClock, Folder, Process, Server, until};

/// 2026-11-20T10:00:00Z.
const START: i64 = 1_795_168_800;

/// What is promised, in milliseconds: what nginx and its backend take on a busy machine is less, as a rule.
const PROMISED_MS: u64 = 250;

/// Requests of a minute.
const REQUESTS: usize = 12;

/// A backend that takes its time; how long is set from outside.
fn backend(milliseconds: Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, milliseconds) = (stream.unwrap(), Arc::clone(&milliseconds));
            std::thread::spawn(move || {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read(&mut byte).unwrap_or(0) == 0 {
                        return;
                    }
                    request.push(byte[0]);
                }
                std::thread::park_timeout(Duration::from_millis(milliseconds.load(Ordering::Relaxed)));
                let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
            });
        }
    });
    address
}

/// Starts nginx in front of a backend; it listens on a socket in the folder.
fn nginx(folder: &Folder, clock: &FalseClock, backend: SocketAddr) -> Process {
    let root = folder.path("");
    let names =
        ["host", "request_method", "request_uri", "status", "request_time", "upstream_addr", "request_id"];
    let members: Vec<String> = names.iter().map(|name| format!("\"{name}\":\"${name}\"")).collect();
    let config = folder.write(
        "nginx.conf",
        format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;\n\
             env FAKETIME_TIMESTAMP_FILE; env FAKETIME_NO_CACHE; env FAKETIME_DONT_FAKE_MONOTONIC; env NO_FAKE_STAT;\n\
             events {{ worker_connections 64; }}\n\
             http {{\n\
               client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;\n\
               uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;\n\
               log_format json escape=json '{{\"msec\":\"$msec\",{}}}';\n\
               access_log {root}/access.json json;\n\
               server {{ listen unix:{root}/socket; location / {{ proxy_pass http://{backend}; }} }}\n\
             }}\n",
            members.join(",")
        ),
    );
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| fs::exists(path).unwrap());
    let mut command = Command::new(program.expect("nginx, which `make setup` installs"));
    command.args(["-e", &folder.path("error.log"), "-p", &root, "-c", &config]);
    clock.show_to(&mut command);
    let process =
        Process(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until("nginx to listen", || UnixStream::connect(folder.path("socket")).ok());
    process
}

/// All at once, so that a slow minute takes no longer than one request.
fn ask(folder: &Folder) {
    let socket = folder.path("socket");
    std::thread::scope(|scope| {
        for number in 0..REQUESTS {
            let socket = &socket;
            scope.spawn(move || {
                let mut stream = UnixStream::connect(socket).unwrap();
                let request = format!("GET /pay?n={number} HTTP/1.0\r\nHost: shop.example.com\r\n\r\n");
                stream.write_all(request.as_bytes()).unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            });
        }
    });
}

/// Requests in the log that took longer than promised, and all, of minutes since the start; a reading of its own.
fn recount(folder: &Folder, span: &str) -> (usize, usize) {
    let log = fs::read_to_string(folder.path("access.json")).unwrap();
    let field = |line: &str, name: &str| -> f64 {
        line.split_once(&format!("\"{name}\":\"")).unwrap().1.split_once('"').unwrap().0.parse().unwrap()
    };
    let seconds = |text: &str| -> f64 {
        let clock: Vec<f64> = text[11..19].split(':').map(|part| part.parse().unwrap()).collect();
        START as f64 + (clock[0] - 10.0) * 3600.0 + clock[1] * 60.0 + clock[2]
    };
    let (from, to) = span.split_once(" to ").unwrap();
    let inside: Vec<f64> = log
        .lines()
        .filter(|line| (seconds(from)..seconds(to)).contains(&field(line, "msec")))
        .map(|line| field(line, "request_time"))
        .collect();
    (inside.iter().filter(|time| **time > PROMISED_MS as f64 / 1000.0).count(), inside.len())
}

#[test]
fn a_slow_backend_is_one_mail_and_its_recovery_another() {
    let (folder, mail, clock) = (Folder::new(), MailServer::start(), FalseClock::at(START));
    let delay_ms = Arc::new(AtomicU64::new(0));
    let _nginx = nginx(&folder, &clock, backend(Arc::clone(&delay_ms)));
    let config = folder.write(
        "weir.yaml",
        format!(
            "http: {{external_url: 'https://weir.example.com/'}}\n\
             sources: [{{name: web, type: file, path: '{}', format: nginx_json}}]\n\
             services: [{{name: shop, match: {{source: web}}, routes: [/pay]}}]\n\
             slas:\n\
             - name: latency\n  service: shop\n  by: [route, method]\n  \
               indicator: {{latency: {{threshold: {PROMISED_MS}ms}}}}\n  objective: 50\n  \
               alerting: [{{name: ShopSlow, kind: threshold, window: 1m, for: 1m, min_events: 5}}]\n\
             notifications:\n  \
               global: {{smtp_smarthost: '127.0.0.1:{}', smtp_from: weir@example.com, smtp_require_tls: false}}\n  \
               route: {{receiver: team, group_by: [sla], group_wait: 1s, group_interval: 1s}}\n  \
               receivers: [{{name: team, email_configs: [{{to: team@example.com, send_resolved: true}}]}}]\n",
            folder.path("access.json"),
            mail.port
        ),
    );
    let server = Server::start_at(&clock, &folder.path("data"), &["-c", &config]);
    let mut asked = 0.0;
    let mut minute = |minute: i64, milliseconds: u64| {
        clock.set(START + minute * 60 + 15);
        delay_ms.store(milliseconds, Ordering::Relaxed);
        ask(&folder);
        asked += REQUESTS as f64;
        server.await_sum("weir_source_received_total", &[("source", "web")], asked);
        clock.set(START + (minute + 1) * 60 + 12);
        let judged = format!("2026-11-20T10:{:02}:00Z", minute + 1);
        until("the minute to be judged", || {
            let slas = server.get("/api/slas").json();
            (slas["slas"][0]["to"].as_str()? >= judged.as_str()).then_some(())
        });
    };
    minute(0, 0);
    for slow in 1..4 {
        minute(slow, PROMISED_MS + 150);
    }
    let firing = mail.await_mail(0);
    for fast in 4..6 {
        minute(fast, 0);
    }
    let resolved = mail.await_mail(1);
    minute(6, 0);
    assert_eq!(mail.taken().len(), 2, "one mail each");

    for (mail, state) in [(&firing, "firing"), (&resolved, "resolved")] {
        assert_eq!(mail.defects(), &serde_json::json!([]));
        assert_eq!(mail.header("X-Weir-Status"), state);
        let (counts, span) = mail.fact("Measured").split_once("), ").unwrap();
        let (bad, all) = recount(&folder, span);
        assert!(counts.starts_with(&format!("{bad} of {all} bad (")), "{counts} {bad} {all}");
    }
    let subject =
        |mail: &crate::support::mail::Mail| mail.header("Subject").split_once(' ').unwrap().1.to_owned();
    assert_eq!(subject(&firing), subject(&resolved));
    let root = firing.header("Message-ID");
    assert!(firing.header("References").is_empty() && root.starts_with('<'), "{root}");
    assert_eq!((resolved.header("References"), resolved.header("In-Reply-To")), (root, root));
    assert_ne!(resolved.header("Message-ID"), root);
    // What a client sent is nobody's business in a mailbox.
    assert!(firing.text().contains("/pay?n=***") && !firing.text().contains("?n=1"), "{}", firing.text());
}
