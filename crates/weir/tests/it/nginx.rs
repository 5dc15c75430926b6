//! Lines that a real nginx wrote, of requests that are odd on purpose.
//!
//! Every request goes through one server with three access logs: JSON with `escape=json`, JSON with the
//! default escaping (which is no valid JSON), and combined. It listens on a socket in a folder, because
//! nginx cannot choose a port and say which; the client's address comes in a header.

use std::fs::{self};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::support::metrics::sum;
use crate::support::{Folder, Process, Response, installed, until, weir};

const COUNT: &str = "nginx_http_requests_total";

/// The variables of the config that `weir init nginx` prints.
const VARIABLES: [&str; 15] = [
    "msec",
    "host",
    "scheme",
    "request_method",
    "request_uri",
    "status",
    "request_time",
    "upstream_response_time",
    "upstream_status",
    "upstream_addr",
    "bytes_sent",
    "request_length",
    "remote_addr",
    "http_user_agent",
    "http_referer",
];

/// A running nginx.
struct Nginx {
    folder: Folder,
    process: Process,
}

impl Nginx {
    #[track_caller]
    fn start() -> Self {
        let folder = Folder::new();
        let config = folder.write("nginx.conf", config(&folder));
        let (error_log, root) = (folder.path("error.log"), folder.path(""));
        let process = installed(&folder, "nginx", &["-e", &error_log, "-p", &root, "-c", &config]);
        let mut nginx = Self { folder, process };
        until("nginx to listen", || {
            let ended = nginx.process.0.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "nginx ended: {}",
                fs::read_to_string(nginx.folder.path("stderr")).unwrap()
            );
            UnixStream::connect(nginx.folder.path("socket")).ok()
        });
        nginx
    }

    /// Sends these bytes on a connection of their own; the status of the answer, if there is one.
    #[track_caller]
    fn send(&self, request: &[u8]) -> Option<u16> {
        let mut stream = UnixStream::connect(self.folder.path("socket")).unwrap();
        stream.write_all(request).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer.starts_with(b"HTTP/").then(|| Response::parse(&answer).status)
    }

    /// Waits until a log has this many lines, and counts it.
    #[track_caller]
    fn counted(&self, log: &str, requests: usize) -> String {
        let path = self.folder.path(log);
        until("nginx to write its log", || {
            let lines = fs::read(&path).unwrap().iter().filter(|&&byte| byte == b'\n').count();
            (lines >= requests).then_some(())
        });
        let run = weir(&["count", "--routes", "raw", &path]).expect(0);
        assert!(run.stderr.contains(&format!(" {requests} records, 0 rejects")), "{log}: {}", run.stderr);
        run.stdout
    }
}

fn config(folder: &Folder) -> String {
    let members: Vec<String> = VARIABLES.iter().map(|name| format!("\"{name}\":\"${name}\"")).collect();
    let object = members.join(",");
    let folder = folder.path("");
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n\
         events {{ worker_connections 64; }}\n\
         http {{\n\
           client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n\
           uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
           log_format escaped escape=json '{{{object}}}';\n\
           log_format default_escaped '{{{object}}}';\n\
           access_log {folder}/escaped.json escaped;\n\
           access_log {folder}/default.json default_escaped;\n\
           access_log {folder}/combined.log combined;\n\
           set_real_ip_from unix:; real_ip_header X-Forwarded-For;\n\
           upstream nobody {{ server unix:{folder}/nobody; server unix:{folder}/nobody_else; }}\n\
           server {{\n\
             listen unix:{folder}/socket; server_name shop.example.com;\n\
             location / {{ return 200 'ok'; }}\n\
             location /missing {{ return 404; }}\n\
             location /hang-up {{ return 444; }}\n\
             location /proxied {{ proxy_pass http://nobody; }}\n\
           }}\n\
         }}\n"
    )
}

/// A request with a host and an address.
fn request(line: &str, headers: &str) -> Vec<u8> {
    let fixed = "Host: Shop.Example.com:8080\r\nX-Forwarded-For: 203.0.113.7\r\nConnection: close\r\n";
    format!("{line}\r\n{fixed}{headers}\r\n").into_bytes()
}

/// What is sent: the bytes, the status that nginx logs, and the path where nginx could read it.
fn requests() -> Vec<(Vec<u8>, &'static str, Option<&'static str>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (request("GET /cart?item=1 HTTP/1.1", ""), "200", Some("/cart")),
        (request("GET /%D0%BF%D0%BE HTTP/1.1", ""), "200", Some("/%D0%BF%D0%BE")),
        (request("GET /caf\u{e9} HTTP/1.1", ""), "200", Some("/caf\u{e9}")),
        (
            request("GET /\"quoted\"\\back HTTP/1.1", "User-Agent: \"x\" \\(y\\)\t\u{7}\r\n"),
            "200",
            Some("/\"quoted\"\\back"),
        ),
        (
            request("GET /a HTTP/1.1", "User-Agent: \u{5546}\r\nReferer: https://example.com/?q=\"a\"\r\n"),
            "200",
            Some("/a"),
        ),
        (b"GET /\xff\xfe HTTP/1.0\r\n\r\n".to_vec(), "200", Some("/\u{fffd}\u{fffd}")),
        (request("POST /missing HTTP/1.1", "Content-Length: 0\r\n"), "404", Some("/missing")),
        (request("PURGE /missing HTTP/1.1", ""), "404", Some("/missing")),
        (request("GET /proxied HTTP/1.1", ""), "502", Some("/proxied")),
        (request("GET /hang-up HTTP/1.1", ""), "444", Some("/hang-up")),
        (text("GET /no-host HTTP/1.0\r\n\r\n"), "200", Some("/no-host")),
        (text("GET /no-host HTTP/1.1\r\n\r\n"), "400", Some("/no-host")),
        (request("GET http://proxy.example.net/absolute HTTP/1.1", ""), "200", Some("/absolute")),
        (text("\u{16}\u{3}\u{1}\u{2}\0\r\n\r\n"), "400", None),
        (request("GET /bad-version HTTP/9.9", ""), "505", None),
    ]
}

#[test]
fn every_request_to_a_real_nginx_is_counted_once_with_its_status() {
    let nginx = Nginx::start();
    let requests = requests();
    for (bytes, status, _) in &requests {
        let answered = nginx.send(bytes).map(|status| status.to_string());
        let expected = (*status != "444").then(|| (*status).to_owned());
        assert_eq!(answered, expected, "{}", bytes.escape_ascii());
    }
    for log in ["escaped.json", "default.json", "combined.log"] {
        let metrics = nginx.counted(log, requests.len());
        let check = |labels: &[(&str, &str)], expected: usize| {
            assert_eq!(sum(&metrics, COUNT, labels), expected as f64, "{log}: {labels:?}");
        };
        for (_, status, path) in &requests {
            check(&[("status", status)], requests.iter().filter(|(_, other, _)| status == other).count());
            let Some(path) = path else { continue };
            let is_alike =
                |other: &&(Vec<u8>, &str, Option<&str>)| (other.1, other.2) == (status, Some(*path));
            check(&[("status", status), ("path", path)], requests.iter().filter(is_alike).count());
        }
        check(&[], requests.len());
        check(&[("request_method", "POST")], 1);
    }
}

#[test]
fn hosts_and_times_of_a_real_nginx_are_read() {
    let nginx = Nginx::start();
    let odd: &[u8] = b"GET /no-host HTTP/1.0\r\n\r\n";
    for bytes in [&request("GET /a HTTP/1.1", "")[..], &request("GET /proxied HTTP/1.1", ""), odd] {
        nginx.send(bytes);
    }
    for log in ["escaped.json", "default.json"] {
        let metrics = nginx.counted(log, 3);
        assert_eq!(sum(&metrics, COUNT, &[("host", "shop.example.com")]), 3.0, "{log}");
        assert_eq!(sum(&metrics, "nginx_http_request_time_count", &[]), 3.0, "{log}");
        assert!(sum(&metrics, "nginx_http_request_time_sum", &[]) < 5.0, "{log}");
    }
    let by = ["client_ip", "status", "target_status"].join(",");
    let report = |log: &str| {
        weir(&["report", "--output", "csv", "--by", &by, &nginx.folder.path(log)]).expect(0).stdout
    };
    for log in ["escaped.json", "default.json"] {
        let report = report(log);
        for row in ["\r\n203.0.113.7,200,-,1,", "\r\n203.0.113.7,502,502,1,", "\r\nunix:,200,-,1,"] {
            assert!(report.contains(row), "{log}: {row}: {report}");
        }
    }
    assert!(report("combined.log").contains("\r\n203.0.113.7,502,-,1,"), "{}", report("combined.log"));
}
