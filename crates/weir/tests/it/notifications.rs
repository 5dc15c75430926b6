//! Who is told of alerts: a real mail server takes the test message, and `amtool` knows the silences.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Folder, Server, get, python, weir, weir_command};

/// A mail server without TLS; ends with the test.
struct MailServer {
    process: Child,
    lines: BufReader<ChildStdout>,
    port: u16,
}

impl MailServer {
    fn start(settings: &Value) -> Self {
        let script = include_str!("../../../ship/tests/notifications/smtpd.py");
        let mut command = python(script, &[&settings.to_string()]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        let mut server = Self { process, lines, port: 0 };
        server.port = server.next().as_u64().unwrap().try_into().unwrap();
        server
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn config(folder: &Folder, port: u16) -> String {
    let alertmanager = format!(
        "global: {{smtp_smarthost: '127.0.0.1:{port}', smtp_from: weir@example.com, smtp_require_tls: false, \
         resolve_timeout: 5m}}\n\
         route: {{receiver: core, group_by: [service], routes: [{{receiver: core, match_re: {{severity: 'page|x'}}}}]}}\n\
         receivers: [{{name: core, email_configs: [{{to: core@example.com}}]}}]\n"
    );
    let file = folder.write("alertmanager.yml", alertmanager);
    folder.write(
        "weir.yaml",
        format!("http: {{external_url: 'http://weir.example.com/'}}\nnotifications: {{file: {file}}}\n"),
    )
}

#[test]
fn a_test_message_arrives_and_a_refusal_is_told_in_the_server_s_words() {
    let folder = Folder::new();
    let mut server = MailServer::start(&json!({"mode": "none"}));
    let path = config(&folder, server.port);
    weir(&["check", "-c", &path]).expect(0);
    let run = weir(&["notify", "test", "core", "-c", &path]).expect(0);
    assert_eq!(run.stderr, "core: mail to core@example.com: taken\n");
    let mail = server.next();
    assert_eq!((&mail["to"], &mail["defects"]), (&json!(["core@example.com"]), &json!([])));
    let run = weir(&["notify", "test", "cor", "-c", &path]).expect(1);
    assert!(run.stderr.contains("no receiver is named `cor`; there is core"), "{}", run.stderr);

    let refusing = MailServer::start(&json!({"mode": "none", "reject": "core@example.com"}));
    let run = weir(&["notify", "test", "core", "-c", &config(&folder, refusing.port)]).expect(1);
    assert!(run.stderr.contains("not taken") && run.stderr.contains("no such mailbox"), "{}", run.stderr);
}

#[test]
fn a_file_of_alertmanager_has_its_mistakes_told_with_their_place() {
    let folder = Folder::new();
    let file =
        folder.write("alertmanager.yml", "route: {receiver: a}\nreceivers: [{name: a, slack_configs: []}]\n");
    let path = folder.write("weir.yaml", format!("notifications: {{file: {file}}}\n"));
    let run = weir(&["check", "-c", &path]).expect(1);
    assert!(run.stderr.contains("alertmanager.yml:2:23: unknown key `slack_configs`"), "{}", run.stderr);
    assert!(run.stderr.contains("hand alerts over to a real Alertmanager"), "{}", run.stderr);
}

/// What `amtool` prints.
#[track_caller]
fn amtool(server: &Server, arguments: &[&str]) -> String {
    let url = format!("--alertmanager.url=http://{}", server.address);
    let ran = Command::new("amtool")
        .arg(url)
        .args(arguments)
        .output()
        .expect("amtool, which `make setup` installs");
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

#[test]
fn amtool_and_weir_make_the_same_silences_which_outlive_the_server() {
    let folder = Folder::new();
    let path = config(&folder, 25);
    let data = folder.path("data");
    let server = Server::start_in(&data, &["-c", &path]);
    let add = ["silence", "add", "--author=ann", "--comment=why", "alertname=A", "route=~/a.*", "b!=c"];
    let id = amtool(&server, &add);
    let listed: Value = serde_json::from_str(&amtool(&server, &["-o", "json", "silence", "query"])).unwrap();
    assert_eq!((&listed[0]["id"], &listed[0]["status"]["state"]), (&json!(id), &json!("active")));
    assert_eq!(amtool(&server, &["silence", "query", "-q", "alertname=~A|B"]), id);
    assert_eq!(amtool(&server, &["silence", "query", "-q", "alertname=X"]), "");
    assert_eq!(amtool(&server, &["alert", "query", "-o", "json"]), "[]");
    assert!(amtool(&server, &["cluster", "show"]).contains("disabled"));
    drop(server);

    let server = Server::start_in(&data, &["-c", &path]);
    let asked = |arguments: &[&str]| {
        let run = weir_command(arguments)
            .args(["--server", &format!("http://{}", server.address)])
            .output()
            .unwrap();
        assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    };
    let list = asked(&["silence", "list"]);
    assert!(list.contains(&id) && list.contains("alertname=\"A\" route=~\"/a.*\" b!=\"c\""), "{list}");
    asked(&["silence", "expire", &id]);
    assert_eq!(asked(&["silence", "list"]), "no silences\n");
    let own =
        asked(&["silence", "add", "service=shop", "--duration", "2h", "--comment", "x", "--author", "bo"]);
    assert_eq!(amtool(&server, &["silence", "query", "-q"]), own.trim());
    let metrics = get(&server.address, "/metrics").text();
    assert!(metrics.contains("weir_notifications_failed_total{receiver=\"core\"} 0"), "{metrics}");
    let status = get(&server.address, "/api/v2/status").json();
    assert_eq!(status["notificationsFailed"]["core"], 0);
}
