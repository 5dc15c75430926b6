//! The command line as a person meets it: help, wrong words, a first config, other programs' pipes.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::support::lines::{alb, albs};
use crate::support::{Folder, Process, Run, output, weir, weir_command, weir_with_input};

const COMMANDS: [&str; 10] =
    ["serve", "demo", "init", "count", "report", "push", "lambda", "check", "completions", "man"];

#[test]
fn every_command_has_help() {
    let overview = weir(&["--help"]).expect(0).stdout;
    for command in COMMANDS {
        assert!(overview.contains(&format!("\n  {command} ")), "{command}");
        let [long, short] = ["--help", "-h"].map(|flag| weir(&[command, flag]).expect(0).stdout);
        assert!(long.contains("Usage: weir") && short.contains("Usage: weir"), "{command}: {long}");
        assert!(long.lines().next().is_some_and(|line| line.len() > 20), "{command}: {long}");
    }
    assert_eq!(weir(&["--version"]).expect(0).stdout, format!("weir {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_know_the_commands() {
    for (shell, mark) in
        [("bash", "complete -F _weir"), ("zsh", "#compdef weir"), ("fish", "complete -c weir")]
    {
        let script = weir(&["completions", shell]).expect(0).stdout;
        assert!(script.contains(mark), "{shell}");
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn completions_for_bash_are_bash() {
    let script = weir(&["completions", "bash"]).expect(0).stdout;
    let folder = Folder::new();
    let path = folder.write("weir.bash", script);
    output(Command::new("bash").args(["-n", &path])).expect(0);
    let asked = format!(
        "source {path}; COMP_WORDS=(weir rep); COMP_CWORD=1; _weir weir rep weir; echo \"${{COMPREPLY[@]}}\""
    );
    assert_eq!(output(Command::new("bash").args(["-c", &asked])).expect(0).stdout.trim(), "report");
}

#[test]
fn the_manual_page_has_every_command_and_option() {
    let page = weir(&["man"]).expect(0).stdout;
    assert!(page.contains(".TH weir 1"), "{page:.300}");
    for command in COMMANDS {
        assert!(page.contains(&format!(".SH WEIR {}", command.to_uppercase())), "{command}");
    }
    for option in ["config", "routes", "strict", "listen", "order"] {
        assert!(page.contains(&format!(r"\-\-{option}")), "{option}");
    }
}

#[test]
fn configs_to_start_from_are_right() {
    for (kind, sources) in [("alb", "1 source"), ("nginx", "1 source")] {
        let folder = Folder::new();
        let path = folder.write("weir.yaml", weir(&["init", kind]).expect(0).stdout);
        let run = weir(&["check", "-c", &path]).expect(0);
        assert!(run.stderr.contains("is right: ") && run.stderr.contains(sources), "{}", run.stderr);
        output(weir_command(&["check"]).current_dir(folder.path(""))).expect(0);
        output(weir_command(&["check"]).env("WEIR_CONFIG", &path)).expect(0);
    }
}

#[test]
fn check_shows_what_becomes_of_each_line() {
    let text = alb("2026-11-20T10:15:30.123456Z", "/orders/7", 200) + "https only\n";
    let run = weir_with_input(&["check", "--try", "-"], text.as_bytes()).expect(0);
    let shown: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(shown.len(), 2, "{}", run.stdout);
    for part in [
        "1: time=2026-11-20T10:15:30.123456Z",
        " host=shop.example.com",
        " route=/orders/{id}",
        " status=200",
    ] {
        assert!(shown[0].contains(part), "{part}: {}", run.stdout);
    }
    assert!(shown[0].contains(" request_time=0.043s upstream_time=0.042s "), "{}", run.stdout);
    assert!(shown[1].starts_with("2: reject (too_few_fields): column "), "{}", run.stdout);
}

/// Runs `check` on a config; it must fail with a message that contains each of `parts`.
#[track_caller]
fn check_refused(config: &str, parts: &[&str]) {
    let folder = Folder::new();
    let path = folder.write("weir.yaml", config);
    folder.write("a.log", albs(1, "/cart", 200));
    for arguments in [&["check", "-c", &path][..], &["count", "-c", &path, &folder.path("a.log")]] {
        let run = weir(arguments).expect(1);
        assert!(run.stdout.is_empty());
        for part in parts {
            assert!(run.stderr.contains(&part.replace("FILE", &path)), "{part}: {}", run.stderr);
        }
    }
}

#[test]
fn mistakes_in_a_config_are_told_with_their_place() {
    check_refused(
        "version: 1\nhttp: {lisen: 127.0.0.1:1}\n",
        &["FILE:2:8: unknown key `lisen`", "did you mean `listen`?"],
    );
    check_refused("version: 1\nhttp: [\n", &["FILE:"]);
    check_refused("version: 1\n\tsources: []\n", &["FILE:2:"]);
    check_refused("version: 2\n", &["FILE:1:10: "]);
    check_refused("http: {listen: nowhere}\nmetrics: {max_series: no}\n", &["FILE:1:16: ", "FILE:2:23: "]);
    check_refused("http: {listen: '0.0.0.0:9099'}\n", &["FILE:1:16: ", "auth"]);
    check_refused(
        "sources: [{name: a, type: alb, path: '${NO_SUCH_VARIABLE}'}]\n",
        &["FILE:1:", "NO_SUCH_VARIABLE"],
    );
}

#[test]
fn a_config_that_is_not_there_is_an_error() {
    let folder = Folder::new();
    let path = folder.path("none.yaml");
    let run = weir(&["check", "-c", &path]).expect(1);
    assert!(run.stderr.contains(&format!("cannot read the config {path}: No such file")), "{}", run.stderr);
    let run = output(weir_command(&["check"]).current_dir(folder.path(""))).expect(1);
    assert!(run.stderr.contains("no config found"), "{}", run.stderr);
}

#[test]
fn a_config_may_come_by_a_pipe_and_is_read_up_to_its_bound() {
    let mut command = weir_command(&["check", "-c", "/dev/stdin"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let text = "sources: [{name: a, type: file, path: 'logs/*'}]\n";
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let run = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success() && said.contains("is right: 1 source"), "{said}");
    let endless = weir(&["check", "-c", "/dev/zero"]).expect(1).stderr;
    assert!(
        endless.contains("cannot read the config /dev/zero: it has more than 1048576 bytes"),
        "{endless}"
    );
}

#[test]
fn words_that_are_wrong_end_with_2() {
    for arguments in [
        &[][..],
        &["cuont"],
        &["count"],
        &["count", "--format", "gelf2", "-"],
        &["count", "--routes", "none", "-"],
        &["count", "--threads", "0", "-"],
        &["report", "--output", "xml", "-"],
        &["report", "--limit", "-1", "-"],
        &["init", "apache"],
        &["completions", "tcsh"],
        &["demo", "--files", "3"],
    ] {
        let run = weir(arguments).expect(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn values_that_are_wrong_end_with_2() {
    for (arguments, message) in [
        (&["report", "--by", "statsu", "-"][..], "did you mean `status`?"),
        (&["report", "--order", "nope", "-"], "choose one of route, method, count"),
        (&["report", "--from", "yesterday", "-"], "`yesterday` is not a time"),
        (&["demo", "--duration", "soon"], "`soon`"),
        (&["serve", "--listen", "nowhere", "a.log"], "write an IP address and a port"),
    ] {
        let run = weir(arguments);
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
        run.expect(2);
    }
}

#[test]
fn a_bucket_cannot_be_counted_directly() {
    let run = weir(&["count", "s3://bucket/prefix"]).expect(1);
    assert!(run.stderr.contains("aws s3 sync s3://bucket/prefix"), "{}", run.stderr);
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = weir(&["serve", "--listen", &address, "a.log"]).expect(1);
    assert!(
        run.stderr.contains(&format!("cannot listen on {address}; is another server there?")),
        "{}",
        run.stderr
    );
}

#[test]
fn an_address_that_others_reach_needs_a_word() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let run = weir(&["serve", "--listen", address, "a.log"]).expect(1);
        assert!(run.stderr.contains("auth: none") && run.stderr.contains(address), "{}", run.stderr);
    }
}

#[test]
fn a_server_without_anything_to_watch_is_an_error() {
    let folder = Folder::new();
    let run = output(weir_command(&["serve"]).current_dir(folder.path(""))).expect(1);
    assert!(run.stderr.contains("nothing to watch"), "{}", run.stderr);
}

/// A log with so many routes that no pipe holds what is said of them.
fn log_of_many_routes(folder: &Folder) -> String {
    let line = |number: u32| alb("2026-11-20T10:15:30.123456Z", &format!("/route-{}", letters(number)), 200);
    folder.write("many.log", (0..3_000).map(line).collect::<String>())
}

fn letters(number: u32) -> String {
    [676, 26, 1].map(|place| char::from(b'a' + (number / place % 26) as u8)).iter().collect()
}

#[test]
fn a_reader_that_has_read_enough_ends_the_program_quietly() {
    let folder = Folder::new();
    let path = log_of_many_routes(&folder);
    let many = &["--limit", "0", "--by", "route,method", &path][..];
    for arguments in [&["count", &path][..], &[&["report"], many].concat(), &["check", "--try", &path]] {
        let log = std::fs::File::create(folder.path("stderr")).unwrap();
        let mut command = weir_command(arguments);
        let mut process = Process(command.stdout(Stdio::piped()).stderr(log).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        let status = process.wait();
        let stderr = std::fs::read_to_string(folder.path("stderr")).unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("weir: "), "{stderr}");
    }
}

#[test]
fn a_closed_stderr_costs_no_result() {
    let folder = Folder::new();
    let path = folder.write("a.log", albs(3, "/cart", 200) + "cut\n");
    let expected = weir(&["count", &path]).expect(0).stdout;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let stdout = std::fs::File::create(folder.path("stdout")).unwrap();
    let status =
        Process(weir_command(&["count", &path]).stderr(writer).stdout(stdout).spawn().unwrap()).wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(folder.path("stdout")).unwrap(), expected);
}

#[test]
fn the_account_comes_on_stderr_and_the_metrics_alone_on_stdout() {
    let Run { stdout, stderr, .. } =
        weir_with_input(&["count", "-"], albs(3, "/cart", 200).as_bytes()).expect(0);
    assert_eq!(stderr, "1 file, 2026-11-20T10:00:00Z to 2026-11-20T10:00:02Z (UTC), 3 records, 0 rejects\n");
    assert!(stdout.lines().all(|line| line.starts_with("# ") || line.starts_with("alb_log_")), "{stdout}");
}

#[test]
fn raw_other_and_dropped_routes() {
    let text = albs(2, "/orders/7", 200);
    let route =
        |mode: &str| weir_with_input(&["count", "--routes", mode, "-"], text.as_bytes()).expect(0).stdout;
    for (mode, path, has_histogram) in [
        ("template", "/orders/{id}", true),
        ("raw", "/orders/7", true),
        ("other", "__other__", true),
        ("drop", "__other__", false),
    ] {
        let metrics = route(mode);
        assert!(metrics.contains(&format!("path=\"{path}\"")), "{mode}: {metrics}");
        assert_eq!(metrics.contains("alb_log_request_time_seconds_count"), has_histogram, "{mode}");
    }
}
