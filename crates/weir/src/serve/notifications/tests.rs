//! The notifier as a server runs it: with a ledger, a mail server that is down at first, and deaths in between.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use weir_alert::{Alert, Labels};
use weir_ship::notify::MailContent;

use super::super::engine::Engine;
use super::super::open::{Purpose, open_ledger};
use super::Notifier;
use crate::clock;
use crate::config::{self, Config};

/// How long something that must come may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long is waited for something that must not come.
const SILENCE: Duration = Duration::from_millis(400);

fn config(folder: &Path, notifications: &str) -> Config {
    let text = format!("http: {{external_url: 'http://weir.example.com/'}}\nnotifications:\n{notifications}");
    let config = config::parse("f", &text, &|_| None).unwrap();
    Config { data_dir: folder.to_owned(), ..config }
}

/// A server that only tells people.
struct Server {
    engine: Engine,
    notifier: Arc<Notifier>,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Server {
    fn start(config: &Config) -> Self {
        let engine = Engine::start(config, open_ledger(&config.data_dir).unwrap(), Purpose::Serve).unwrap();
        let (stop, stopped) = watch::channel(false);
        let (notifier, tasks) =
            Notifier::start(config, Duration::from_secs(3600), &engine.shared, &stopped).unwrap();
        Self { engine, notifier, stop, tasks }
    }

    /// Waits until what was sent is known to be sent: a death before that sends it again, under the same name.
    async fn rest(&self) {
        let until = clock::now().plus_micros(60_000_000);
        let waiting =
            || self.engine.shared.ledger.read(|ledger| ledger.states_with_prefix::<Vec<u8>>("notify/out/"));
        while !waiting().unwrap().is_empty() {
            assert!(clock::now() < until, "messages are left");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends without a last word, as far as the notifier is concerned.
    async fn die(self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
        for task in self.tasks {
            let _ = task.await;
        }
        drop((self.notifier, self.stop));
        self.engine.stop().await.unwrap();
    }

    fn failed(&self, receiver: &str) -> u64 {
        self.engine.shared.state.lock().own.notifications[receiver].failed
    }
}

fn alert(name: &str) -> Alert {
    let labels: Labels = [("alertname".into(), name.into())].into();
    Alert {
        labels,
        annotations: Labels::new(),
        starts_at: clock::now(),
        ends_at: None,
        generator_url: String::new(),
    }
}

/// The bodies and signatures that are posted to an address, each answered with the next status, then with 200.
fn listen(statuses: &'static [u16]) -> (String, Receiver<(Value, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=a", listener.local_addr().unwrap());
    let (sender, received) = sync_channel(10_000);
    std::thread::spawn(move || {
        let mut statuses = statuses.iter();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut signature, mut line) = (0, String::new(), String::new());
            while stream.read_line(&mut line).unwrap() > 2 {
                let (name, value) = line.split_once(':').unwrap_or(("", ""));
                match name.to_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap(),
                    "x-weir-signature" => signature = value.trim().to_owned(),
                    _ => {}
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let status = statuses.next().unwrap_or(&200);
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            if *status == 200 && sender.send((serde_json::from_slice(&body).unwrap(), signature)).is_err() {
                return;
            }
        }
    });
    (url, received)
}

fn names(body: &Value) -> String {
    let alerts = body["alerts"].as_array().unwrap().iter();
    let name = |alert: &Value| {
        format!("{}:{}", alert["labels"]["alertname"].as_str().unwrap(), alert["status"].as_str().unwrap())
    };
    alerts.map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_death_repeats_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "Jefe\n").unwrap();
    let (url, received) = listen(&[503, 500]);
    let config = config(
        folder.path(),
        &format!(
            "  route: {{receiver: hook, group_wait: 0s, group_interval: 1s}}\n  webhook_secret_file: {}\n  \
             receivers: [{{name: hook, webhook_configs: [{{url: '{url}'}}]}}]\n",
            secret.display()
        ),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (a, b) = (alert("A"), alert("B"));
        let server = Server::start(&config);
        server.notifier.set_alerts(vec![a.clone()]);
        // Two refusals are tried again.
        let (body, signature) = received.recv_timeout(PATIENCE).unwrap();
        assert_eq!((names(&body).as_str(), &body["status"]), ("A:firing", &json!("firing")));
        assert!(signature.starts_with("sha256=") && signature.len() == 7 + 64, "{signature}");
        server.rest().await;
        server.die().await;

        let server = Server::start(&config);
        server.notifier.set_alerts(vec![a.clone()]);
        assert!(received.recv_timeout(SILENCE).is_err(), "it was told already");
        // Who was told is known after a restart, and what comes next; the address' path may be a secret.
        let shown = server.notifier.shown();
        assert_eq!(shown.log.len(), 1);
        let sent = &shown.log[0];
        assert_eq!((sent.id, &*sent.outcome, &*sent.kind, &sent.error), (1, "sent", "webhook", &None));
        assert!(!sent.title.is_empty() && url.contains(&sent.to) && !sent.to.contains('/'), "{sent:?}");
        assert_eq!((shown.due.len(), shown.due[0].alerts.len()), (1, 1));
        assert_eq!((&*shown.due[0].alerts[0].name, &*shown.due[0].alerts[0].state), ("A", "active"));
        assert!(shown.due[0].told_at.is_some() && shown.due[0].reason.starts_with("told at"));
        server.notifier.set_alerts(vec![a.clone(), b.clone()]);
        assert_eq!(names(&received.recv_timeout(PATIENCE).unwrap().0), "A:firing B:firing");
        server.rest().await;
        server.die().await;

        let server = Server::start(&config);
        server.notifier.set_alerts(Vec::new());
        assert_eq!(names(&received.recv_timeout(PATIENCE).unwrap().0), "A:resolved B:resolved");
        assert_eq!(server.failed("hook"), 0);
        server.rest().await;
        let ids: Vec<u64> = server.notifier.shown().log.iter().map(|row| row.id).collect();
        assert_eq!(ids, [3, 2, 1]);
        server.die().await;
    });
}

#[test]
fn what_will_never_be_taken_is_counted_and_does_not_stop_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (url, received) = listen(&[400]);
    let config = config(
        folder.path(),
        &format!(
            "  route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n  \
             receivers: [{{name: hook, webhook_configs: [{{url: '{url}'}}]}}]\n"
        ),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::start(&config);
        server.notifier.set_alerts(vec![alert("A"), alert("B")]);
        received.recv_timeout(PATIENCE).unwrap();
        assert_eq!(server.failed("hook"), 1);
        server.rest().await;
        let log = server.notifier.shown().log;
        let outcomes: Vec<(&str, bool)> =
            log.iter().map(|row| (row.outcome.as_str(), row.error.is_some())).collect();
        assert_eq!(outcomes, [("sent", false), ("given_up", true)]);
        server.die().await;
    });
}

/// A mail server at a port; it says what it took.
struct MailServer {
    process: Child,
    lines: Receiver<String>,
}

impl MailServer {
    fn start(port: u16) -> Self {
        let script = include_str!("../../../../ship/tests/notifications/smtpd.py");
        let mut process = Command::new(python_folder().join("bin/python"))
            .args(["-c", script, &json!({"mode": "none", "port": port}).to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python with aiosmtpd, which `make setup` installs");
        let read = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = sync_channel(10_000);
        std::thread::spawn(move || read.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        lines.recv_timeout(PATIENCE).unwrap();
        Self { process, lines }
    }

    /// The subject of the next mail and its text.
    fn next(&self) -> (String, String) {
        let mail: Value = serde_json::from_str(&self.lines.recv_timeout(PATIENCE).unwrap()).unwrap();
        let headers = mail["headers"].as_array().unwrap();
        let subject =
            headers.iter().find(|pair| pair[0] == "Subject").unwrap()[1].as_str().unwrap().to_owned();
        (subject, mail["parts"][0][1].as_str().unwrap().to_owned())
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where `.ci/setup` puts it.
fn python_folder() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the folder is shared by all clones of a user")]
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    variable("LOGWEIR_PYTHON").or_else(|| Some(cache()?.join("logweir/python"))).expect("a home folder")
}

#[test]
fn mail_waits_for_its_server_and_a_flood_is_a_digest() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = config(
        folder.path(),
        &format!(
            "  max_per_hour: 3\n  global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: weir@example.com, smtp_require_tls: false}}\n  \
             route: {{receiver: core, group_by: ['...'], group_wait: 0s, group_interval: 1h}}\n  \
             receivers: [{{name: core, email_configs: [{{to: core@example.com}}]}}]\n"
        ),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let all: Vec<Alert> = (0..10_000).map(|number| alert(&format!("Alert{number:04}"))).collect();
        let server = Server::start(&config);
        server.notifier.describe_with(Arc::new(|alerts: &[Alert]| {
            let content = MailContent { promise: "95 % within 0.4 s".to_owned(), ..MailContent::default() };
            alerts.iter().map(|alert| (alert.fingerprint(), content.clone())).collect()
        }));
        server.notifier.set_alerts(all);
        let until = clock::now().plus_micros(60_000_000);
        while server.notifier.lock().errors.is_empty() {
            assert!(clock::now() < until, "nobody noticed that the mail server is down");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let shown = server.notifier.shown();
        let waits = |row: &weir_web::OutboxRow| row.title.starts_with("Alert") && row.error.is_some();
        assert_eq!(shown.outbox.iter().filter(|row| waits(row)).count(), 3, "{:?}", shown.outbox);
        assert_eq!((shown.receivers[0].waiting, &*shown.receivers[0].to), (4, "core@example.com"));
        assert_eq!(shown.due.len(), 1_000);
        server.die().await;

        let mail_server = MailServer::start(port);
        let server = Server::start(&config);
        let mut mails: Vec<(String, String)> = (0..4).map(|_| mail_server.next()).collect();
        mails.sort();
        let subjects: Vec<&str> = mails.iter().map(|(subject, _)| subject.as_str()).collect();
        assert_eq!(subjects[0], "[DIGEST] more alerts than are mailed one by one");
        assert!(subjects[1..].iter().all(|subject| subject.starts_with("[FIRING] Alert")), "{subjects:?}");
        assert!(
            mails[1..].iter().all(|(_, text)| text.contains("Promised:  95 % within 0.4 s")),
            "{mails:?}"
        );
        assert!(mail_server.lines.recv_timeout(SILENCE).is_err());
        server.die().await;
    });
}
