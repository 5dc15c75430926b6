//! Logs that are followed while a real nginx writes them, a real logrotate rotates them and the program is
//! killed: each line counts once.

/// What the config says about a source of files: fields, files that are left out, where it starts.
mod keys;
/// A real nginx under load, whose logs are rotated.
mod rotation;
/// Lines without a format, and events of several lines.
mod text;

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use crate::support::{Folder, Process, Run, Server, escaped, installed, output, until, weir_command};

/// A running nginx that logs JSON in both ways of escaping, and its logs.
struct Nginx {
    folder: Folder,
    address: String,
    process: Process,
}

impl Nginx {
    #[track_caller]
    fn start() -> Self {
        let folder = Folder::new();
        fs::create_dir(folder.path("logs")).unwrap();
        // nginx cannot choose a port and say which.
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).unwrap().to_string();
        let config = folder.write("nginx.conf", config(&folder, &address));
        let (error_log, root) = (folder.path("error.log"), folder.path(""));
        let process = installed(&folder, "nginx", &["-e", &error_log, "-p", &root, "-c", &config]);
        until("nginx to listen", || TcpStream::connect(&address).ok());
        Self { folder, address, process }
    }

    /// Load for some seconds.
    fn load(&self, seconds: u32) -> Process {
        let mut command = Command::new("wrk");
        command.args(["--threads", "1", "--connections", "8", "--duration", &format!("{seconds}s")]);
        command.arg(format!("http://{}/cart/7?q=%22", self.address)).stdout(Stdio::null());
        Process(command.spawn().expect("wrk, which `make setup` installs"))
    }

    /// One run of logrotate with these words for each log.
    #[track_caller]
    fn rotate(&self, words: &str) {
        let [logs, pid] = ["logs", "pid"].map(|name| self.folder.path(name));
        let signal = format!("postrotate\nkill -USR1 $(cat {pid})\nendscript\nsharedscripts\n");
        let signal = if words.contains("copytruncate") { "" } else { signal.as_str() };
        let text = format!("{logs}/*.json {{\nrotate 100\nsize 1\n{words}\n{signal}}}\n");
        let config = self.folder.write("logrotate.conf", text);
        let state = self.folder.path("logrotate.state");
        let run = |program| {
            let mut command = Command::new(program);
            command.args(["--force", "--state", &state, &config]).stdin(Stdio::null());
            command.output()
        };
        let run = run("logrotate").or_else(|_| run("/usr/sbin/logrotate"));
        let run = run.expect("logrotate, which `make setup` installs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    }

    /// Lines of a log in all its files, packed or not; `is_rotated` leaves out the one that is written.
    #[track_caller]
    fn lines(&self, log: &str, is_rotated: bool) -> usize {
        let mut lines = 0;
        self.each_text(log, is_rotated, |text| lines += text.iter().filter(|&&byte| byte == b'\n').count());
        lines
    }

    /// The ids of the requests in all files of a log.
    #[track_caller]
    fn request_ids(&self, log: &str) -> HashSet<String> {
        let mut ids = HashSet::new();
        self.each_text(log, false, |text| ids.extend(request_ids(std::str::from_utf8(text).unwrap())));
        ids
    }

    #[track_caller]
    fn each_text(&self, log: &str, is_rotated: bool, mut each: impl FnMut(&[u8])) {
        for path in self.folder.files() {
            let name = path.file_name().unwrap().to_str().unwrap();
            if !name.starts_with(log) || (is_rotated && name == log) {
                continue;
            }
            let mut text = fs::read(&path).unwrap();
            if name.ends_with(".gz") {
                let mut unpacked = Vec::new();
                flate2::read::MultiGzDecoder::new(text.as_slice()).read_to_end(&mut unpacked).unwrap();
                text = unpacked;
            }
            each(&text);
        }
    }

    /// Ends it, so that nothing is written any more.
    fn stop(&mut self) {
        self.process.terminate();
    }
}

/// The ids in lines of JSON, one in each.
fn request_ids(lines: &str) -> impl Iterator<Item = String> {
    let id = |line: &str| Some(line.split_once("\"request_id\":\"")?.1.split_once('"')?.0.to_owned());
    lines.lines().filter_map(id)
}

fn config(folder: &Folder, address: &str) -> String {
    let members = [
        "msec",
        "host",
        "request_method",
        "request_uri",
        "status",
        "request_time",
        "http_user_agent",
        "request_id",
    ];
    let members: Vec<String> = members.iter().map(|name| format!("\"{name}\":\"${name}\"")).collect();
    let (object, folder) = (members.join(","), folder.path(""));
    // A worker of another user could not open the logs again in this folder.
    format!(
        "daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log; user root;\n\
         events {{ worker_connections 64; }}\n\
         http {{\n\
           client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n\
           uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
           log_format escaped escape=json '{{{object}}}';\n\
           log_format default_escaped '{{{object}}}';\n\
           access_log {folder}/logs/escaped.json escaped;\n\
           access_log {folder}/logs/default.json default_escaped;\n\
           upstream nobody {{ server unix:{folder}/nobody; }}\n\
           server {{\n\
             listen {address};\n\
             location / {{ return 200 'ok'; }}\n\
             location /missing {{ return 404; }}\n\
             location /hang-up {{ return 444; }}\n\
             location /proxied {{ proxy_pass http://nobody; }}\n\
           }}\n\
         }}\n"
    )
}

/// The hits of a search, each as JSON.
#[track_caller]
fn search(server: &Server, query: &str) -> Vec<serde_json::Value> {
    let answer = server.get(&format!("/api/search?query={}&from=0&to=now%2B1d&limit=1000", escaped(query)));
    answer.json()["hits"].as_array().unwrap_or_else(|| panic!("{}", answer.text())).clone()
}

/// Waits until a search has so many hits.
#[track_caller]
fn await_hits(server: &Server, query: &str, count: usize) -> Vec<serde_json::Value> {
    until(&format!("{count} hits of {query}"), || {
        let hits = search(server, query);
        assert!(hits.len() <= count, "{query}: {hits:?}");
        (hits.len() == count).then_some(hits)
    })
}

/// Runs `weir check` on a config.
fn check(config: &str) -> Run {
    let folder = Folder::new();
    let config = folder.write("weir.yaml", config);
    output(&mut weir_command(&["check", "-c", &config]))
}
