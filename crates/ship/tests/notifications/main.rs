//! Real receivers of messages: a mail server whose mails Python's parser reads, and an Alertmanager.
//!
//! What a mail server takes, and what a mail program sees in it, is not for a test of ours to say.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise, and so may their helpers")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir_alert::notification::{GroupId, Incident, Notification, Reason};
use weir_alert::{Alert, Labels};
use weir_record::Timestamp;
use weir_ship::Authorization;
use weir_ship::notify::{
    Account, AlertmanagerSender, Failure, Login, MailMessage, MailOptions, MailSender, Secrecy, TlsMode,
    mail_of_notification,
};

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A mail server; ends with the test.
struct MailServer {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl MailServer {
    fn start(settings: &Value) -> Self {
        let mut command = Command::new(python_folder().join("bin/python"));
        command.arg("-c").arg(include_str!("smtpd.py")).arg(settings.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("Python with aiosmtpd, which `make setup` installs");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        Self { process, lines, port }
    }

    fn account(&self) -> Account {
        Account {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            hello: "localhost".to_owned(),
            tls: TlsMode::None,
            timeout: TIMEOUT,
            ..Account::default()
        }
    }

    fn next_mail(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
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

/// A certificate of a name, and its key.
fn certificate(folder: &TempDir, name: &str) -> (String, String) {
    let path = |file: &str| folder.path().join(file).to_str().unwrap().to_owned();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"])
        .arg(format!("/CN={name}"))
        .args([
            "-addext",
            &format!("subjectAltName=DNS:{name}"),
            "-addext",
            "basicConstraints=CA:FALSE",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])
        .output()
        .expect("openssl, which `make setup` installs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect()
}

fn alert(name: &str, starts_at: Timestamp) -> Alert {
    Alert {
        labels: labels(&[("alertname", name), ("service", "shop")]),
        annotations: labels(&[("summary", "Bücher: zu langsam <\r\nBcc: evil@example.com>")]),
        starts_at,
        ends_at: None,
        generator_url: "http://127.0.0.1:9099/?query=a".to_owned(),
    }
}

fn mail(to: &[&str]) -> MailMessage {
    let at = Timestamp::from_seconds(1_795_780_800);
    let notification = Notification {
        receiver: "core".into(),
        integration: 0,
        group: GroupId(1),
        group_key: "{}:{}".into(),
        group_labels: Labels::new(),
        alerts: vec![alert("ShopSlow", at)],
        reason: Reason::First,
        incident: Incident {
            id: 7,
            messages: 2,
            title:
                "Bücher: zu langsam, und zwar so sehr, dass es eine lange Zeile ist\r\nBcc: evil@example.com"
                    .into(),
        },
        at,
    };
    let options = MailOptions {
        from: "Weir <weir@example.com>".to_owned(),
        to: to.iter().map(|to| (*to).to_owned()).collect(),
        headers: Vec::new(),
        secrecy: Secrecy::Masked,
        external_url: "http://127.0.0.1:9099/".to_owned(),
    };
    mail_of_notification(&options, &notification, &BTreeMap::new()).unwrap()
}

fn send(account: &Account, mail: &MailMessage) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sender = MailSender::new(account).unwrap();
    runtime.block_on(sender.send(&mail.envelope, &mail.bytes))
}

#[test]
fn a_mail_is_what_an_independent_parser_reads() {
    let mut server = MailServer::start(&json!({"mode": "none"}));
    send(&server.account(), &mail(&["core@example.com", "Ops <ops@example.com>"])).unwrap();
    let read = server.next_mail();
    assert_eq!(read["defects"], json!([]), "{read}");
    assert_eq!(
        (&read["from"], &read["to"]),
        (&json!("weir@example.com"), &json!(["core@example.com", "ops@example.com"]))
    );
    assert_eq!(read["type"], "multipart/alternative");
    let header = |name: &str| {
        let headers = read["headers"].as_array().unwrap().iter();
        headers
            .filter(|pair| pair[0] == name)
            .map(|pair| pair[1].as_str().unwrap())
            .collect::<Vec<_>>()
            .join("|")
    };
    assert_eq!(
        header("Subject"),
        "[FIRING] Bücher: zu langsam, und zwar so sehr, dass es eine lange Zeile ist  Bcc: e***@example.com"
    );
    assert_eq!(header("To"), "core@example.com, Ops <ops@example.com>");
    assert_eq!(header("Message-ID"), "<0000000000000007.2@example.com>");
    assert_eq!(header("In-Reply-To"), "<0000000000000007.1@example.com>");
    assert_eq!(header("References"), "<0000000000000007.0@example.com> <0000000000000007.1@example.com>");
    assert_eq!((header("Bcc").as_str(), header("Auto-Submitted").as_str()), ("", "auto-generated"));
    let types: Vec<&Value> = read["parts"].as_array().unwrap().iter().map(|part| &part[0]).collect();
    assert_eq!(types, ["text/plain", "text/html"]);
    let text = read["parts"][0][1].as_str().unwrap().replace("\r\n", "\n");
    assert!(text.contains("FIRING ShopSlow: Bücher: zu langsam <  Bcc: e***@example.com>\n"), "{text}");
    let html = read["parts"][1][1].as_str().unwrap();
    assert!(
        html.contains("zu langsam &lt;  Bcc") && html.contains("http://127.0.0.1:9099/?query=a"),
        "{html}"
    );
}

#[test]
fn nothing_is_sent_before_the_connection_is_safe() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(&folder, "mail.example.com");
    let settings = json!({"mode": "starttls", "certificate": certificate, "key": key, "user": "weir", "password": "right"});
    let mut server = MailServer::start(&settings);
    let mail = mail(&["core@example.com"]);
    let account = |password: &str, name: &str, is_trusted: bool| Account {
        tls: TlsMode::StartTls,
        server_name: Some(name.to_owned()),
        ca_pem: is_trusted.then(|| std::fs::read_to_string(&certificate).unwrap()),
        login: Some(Login { username: "weir".to_owned(), password: password.to_owned() }),
        ..server.account()
    };
    let right = account("right", "mail.example.com", true);
    for wrong in [
        account("wrong", "mail.example.com", true),
        account("right", "other.example.com", true),
        account("right", "mail.example.com", false),
        Account { tls: TlsMode::None, ..right.clone() },
    ] {
        assert!(matches!(send(&wrong, &mail), Err(Failure::Retry { .. } | Failure::Refused { .. })));
    }
    let careless = Account { takes_any_certificate: true, ..account("right", "mail.example.com", false) };
    send(&right, &mail).unwrap();
    send(&careless, &mail).unwrap();
    for _ in 0..2 {
        let read = server.next_mail();
        assert_eq!((&read["tls"], &read["user"]), (&json!(true), &json!(true)));
    }
    let plain = MailServer::start(&json!({"mode": "none"}));
    let refused = send(&Account { tls: TlsMode::StartTls, ..plain.account() }, &mail);
    assert!(matches!(refused, Err(Failure::Retry { .. })), "{refused:?}");
}

#[test]
fn tls_from_the_first_byte_on() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(&folder, "mail.example.com");
    let mut server = MailServer::start(&json!({"mode": "implicit", "certificate": certificate, "key": key}));
    let account = Account {
        tls: TlsMode::Implicit,
        server_name: Some("mail.example.com".to_owned()),
        ca_pem: Some(std::fs::read_to_string(&certificate).unwrap()),
        ..server.account()
    };
    send(&account, &mail(&["core@example.com"])).unwrap();
    assert_eq!(server.next_mail()["tls"], true);
}

#[test]
fn one_that_is_refused_does_not_keep_the_mail_from_the_others() {
    let mut server = MailServer::start(&json!({"mode": "none", "reject": "gone@example.com", "busy": 1}));
    let both = mail(&["gone@example.com", "core@example.com"]);
    let first = send(&server.account(), &both);
    assert!(matches!(&first, Err(Failure::Retry { text, .. }) if text.contains("come again")), "{first:?}");
    let second = send(&server.account(), &both);
    assert!(
        matches!(&second, Err(Failure::Refused { text }) if text.contains("no such mailbox")),
        "{second:?}"
    );
    assert_eq!(server.next_mail()["to"], json!(["core@example.com"]));
    drop(server);
    let closed =
        Account { host: "127.0.0.1".to_owned(), port: free_port(), timeout: TIMEOUT, ..Account::default() };
    assert!(matches!(send(&Account { tls: TlsMode::None, ..closed }, &both), Err(Failure::Retry { .. })));
}

#[test]
fn a_server_that_never_answers_holds_nobody_up_for_ever() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let account = Account {
        host: "127.0.0.1".to_owned(),
        port: silent.local_addr().unwrap().port(),
        tls: TlsMode::None,
        timeout: Duration::from_millis(100),
        ..Account::default()
    };
    let sent = send(&account, &mail(&["core@example.com"]));
    assert!(
        matches!(&sent, Err(Failure::Retry { text, .. }) if text == "no answer within 0.1 s"),
        "{sent:?}"
    );
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An Alertmanager; ends with the test.
struct Alertmanager {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Alertmanager {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        std::fs::write(folder.path().join("a.yml"), "route: {receiver: a}\nreceivers: [{name: a}]\n")
            .unwrap();
        let url = format!("http://127.0.0.1:{}", free_port());
        let mut process = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={path}/a.yml"))
            .arg(format!("--storage.path={path}/data"))
            .arg(format!("--web.listen-address={}", url.trim_start_matches("http://")))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Alertmanager, which `make setup` installs");
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        while !log.next().expect("the Alertmanager to get ready").unwrap().contains("Listening on") {}
        // It ends where nobody reads its log.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, url, _folder: folder }
    }

    /// The names of its alerts that meet a query's parameters.
    fn alerts(&self) -> Vec<String> {
        let asked = Command::new("amtool")
            .args(["--alertmanager.url", &self.url, "--output=json", "alert", "query"])
            .output()
            .expect("amtool, which `make setup` installs");
        let alerts: Value = serde_json::from_slice(&asked.stdout).unwrap();
        let mut names: Vec<String> = alerts
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["labels"]["alertname"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_alertmanager_hears_of_all_but_the_one_it_refuses() {
    let alertmanager = Alertmanager::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    #[expect(clippy::disallowed_methods, reason = "an Alertmanager has a clock")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap());
    let sender = AlertmanagerSender::new(&alertmanager.url, &Authorization::None, TIMEOUT).unwrap();
    let mut alerts: Vec<Alert> = ["A", "B", "C"].map(|name| alert(name, now)).into();
    // It refuses a name of a label that is none, and a label whose only value is none.
    alerts[1].labels = labels(&[("alert-name", "B")]);
    let mut empty = alert("D", now);
    empty.labels = labels(&[("alertname", "")]);
    alerts.push(empty);
    let outcome = runtime.block_on(sender.push(&alerts, now));
    assert_eq!((outcome.sent, outcome.refused, outcome.failure), (2, 2, None), "{:?}", outcome.first_refusal);
    assert_eq!(alertmanager.alerts(), ["A", "C"]);
    alerts[0].ends_at = Some(now);
    let again = runtime.block_on(sender.push(&alerts, now));
    assert_eq!(again.sent, 2);
    assert_eq!(alertmanager.alerts(), ["C"]);
    let url = alertmanager.url.clone();
    drop(alertmanager);
    let down = AlertmanagerSender::new(&url, &Authorization::None, TIMEOUT).unwrap();
    assert!(runtime.block_on(down.push(&alerts, now)).failure.is_some());
}
