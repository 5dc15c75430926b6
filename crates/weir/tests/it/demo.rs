//! The demo as a person sees it who has nothing but the program.

use std::fs::{self, File};
use std::path::Path;

use crate::support::metrics::sum;
use crate::support::{Folder, Process, get, until, weir, weir_command};

const COUNT: &str = "alb_log_request_count_total";

#[test]
fn the_demo_reports_serves_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| File::create(folder.path(name)).unwrap());
    let mut command = weir_command(&["demo", "--requests", "2000", "--listen", "127.0.0.1:0"]);
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
    until("the day to be counted", || (sum(&metrics(), COUNT, &[]) >= 1_900.0).then_some(()));
    let routes = get(&address, "/api/routes?from=now-25h").json();
    assert!(routes["routes"].as_array().unwrap().len() > 10, "{routes}");

    assert_eq!(demo.terminate().code(), Some(0), "{}", said());
    assert!(!Path::new(&own_folder).exists());
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
    assert_eq!(messages, ["started", "stopping", "stopped"].map(|message| ("info".into(), message.into())));
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
