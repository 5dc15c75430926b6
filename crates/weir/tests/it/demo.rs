//! The demo as a person sees it who has nothing but the program.

use std::fs::{self, File};
use std::path::Path;

use crate::support::metrics::sum;
use crate::support::{Folder, Process, escaped, get, until, weir, weir_command};

const COUNT: &str = "alb_log_request_count_total";

#[test]
fn the_demo_reports_serves_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| File::create(folder.path(name)).unwrap());
    let mut command = weir_command(&["demo", "--requests", "5000", "--listen", "127.0.0.1:0"]);
    let mut demo = Process(command.stdout(stdout).stderr(stderr).spawn().unwrap());
    let said = || fs::read_to_string(folder.path("stderr")).unwrap();
    let word = |before: &str, after: &str| {
        let said = said();
        Some(said.split_once(before)?.1.split_once(after)?.0.to_owned())
    };
    let address = until("the demo to say its address", || word("metrics:  http://", "/metrics"));
    let own_folder = word("sample traffic to ", " ...").unwrap();
    assert!(Path::new(&own_folder).is_dir(), "{}", said());

    let report = fs::read_to_string(folder.path("stdout")).unwrap();
    assert!(report.starts_with("route ") && report.lines().count() > 10, "{report}");
    let metrics = || get(&address, "/metrics").text();
    until("the day to be counted", || (sum(&metrics(), COUNT, &[]) >= 4_900.0).then_some(()));
    let routes = get(&address, "/api/routes?from=now-25h").json();
    assert!(routes["routes"].as_array().unwrap().len() > 10, "{routes}");
    follows_a_customer(&address, &word("user_email:\"", "\"").unwrap(), &word("request_id=", "'").unwrap());

    reads_the_mail(&address, &said);

    assert_eq!(demo.terminate().code(), Some(0), "{}", said());
    assert!(!Path::new(&own_folder).exists());
}

/// A customer's failing request is found by the e-mail, with its stack, and beside it its nginx and ALB lines.
fn follows_a_customer(address: &str, email: &str, request_id: &str) {
    let query = escaped(&format!("user_email:\"{email}\""));
    let error = until("the customer's error", || {
        let found = get(address, &format!("/api/search?from=now-25h&query={query}")).json();
        let hits = found["hits"].as_array()?.iter().find(|hit| hit["request_id"] == request_id)?.clone();
        Some(hits)
    });
    assert!(error["message"].as_str().unwrap().contains("\n\tat "), "{error}");
    let sources = until("the request's story", || {
        let story = get(address, &format!("/api/story?from=now-25h&request_id={request_id}")).json();
        let mut sources: Vec<_> =
            story["hits"].as_array()?.iter().map(|hit| hit["source"].as_str().unwrap().to_owned()).collect();
        sources.sort();
        (sources.len() >= 3).then_some(sources)
    });
    assert_eq!(sources, ["alb", "errors", "nginx"]);
}

/// The team is told of the promise that was broken, and each number is one that the command finds that stands beside.
fn reads_the_mail(address: &str, said: &impl Fn() -> String) {
    let lines = until("the mail", || {
        let said = said();
        let lines: Vec<String> =
            said.lines().skip_while(|line| !line.starts_with("mail: ")).map(str::to_owned).collect();
        (lines.len() > 3).then_some(lines)
    });
    assert!(lines[0].contains("[FIRING] api GET /api/v1/search: "), "{lines:?}");
    let mail = fs::read_to_string(lines[1].trim()).unwrap();
    let measured = mail.split_once("Measured:").unwrap().1.split_once(" bad (").unwrap().0.trim().to_owned();
    let (bad, total) = measured.split_once(" of ").unwrap();
    let command = lines[3].trim();
    let arguments = command.strip_prefix("weir search '").unwrap();
    let (query, rest) = arguments.split_once("' ").unwrap();
    let words: Vec<&str> = rest.split(' ').collect();
    assert_eq!(words[5], format!("http://{address}"), "{command}");
    let run =
        weir(&[&["search", query], &words[..], &["--limit", "0", "--output", "json"]].concat()).expect(0);
    assert_eq!(run.stdout.lines().count().to_string(), bad, "{command}");
    let all = query.replace("request_time:>0.4", "request_time:*");
    let run =
        weir(&[&["search", &*all], &words[..], &["--limit", "0", "--output", "json"]].concat()).expect(0);
    assert_eq!(run.stdout.lines().count().to_string(), total, "{command}");
}

#[test]
fn the_demo_ends_by_itself_when_it_is_told_to() {
    let run =
        weir(&["demo", "--requests", "100", "--listen", "127.0.0.1:0", "--duration", "100ms"]).expect(0);
    assert!(run.stderr.contains("why=\"the duration is over\""), "{}", run.stderr);
}

#[test]
fn log_lines_are_json_for_who_wants_that() {
    let arguments = ["demo", "--requests", "100", "--listen", "127.0.0.1:0", "--duration", "100ms"];
    let run = weir(&[&["--log-format", "json"][..], &arguments].concat()).expect(0);
    let lines = run.stderr.lines().filter(|line| line.starts_with('{'));
    let events = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let messages: Vec<_> = events.map(|event| (event["level"].clone(), event["message"].clone())).collect();
    assert_eq!(
        messages,
        ["listening", "listening", "started", "stopping", "stopped"]
            .map(|message| ("info".into(), message.into()))
    );
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let written = |seed: &str| {
        let folder = Folder::new();
        let arguments = ["demo", "--requests", "1000", "--files", "1", "--plain", "--seed", seed, "--write"];
        let run = weir(&[&arguments[..], &[&folder.path("")]].concat()).expect(0);
        assert!(run.stderr.contains(" lines, "), "{}", run.stderr);
        fs::read(folder.path("part-0000.log")).unwrap()
    };
    let first = written("7");
    assert!(first == written("7"));
    assert!(first != written("8"));
}
