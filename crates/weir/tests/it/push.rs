//! `weir push`: what arrives at a gateway, and what is said when it does not.

use crate::support::gateway_sink::GatewaySink;
use crate::support::lines::albs;
use crate::support::{Folder, Run, Server, gzip, metrics, weir};

/// Requests, as every series of the main counter has them.
const COUNT: &str = "alb_log_request_count_total";

/// Runs `weir push` to `address` as job `alb`.
#[track_caller]
fn push(address: &str, arguments: &[&str]) -> Run {
    weir(&[&["push", "--to", address, "--job", "alb", "--deadline", "2s"], arguments].concat())
}

#[test]
fn each_file_is_one_push_with_a_key_of_its_text() {
    let folder = Folder::new();
    let plain = folder.write("a.log", albs(3, "/orders", 200));
    let packed = folder.write("b.log.gz", gzip(albs(5, "/cart", 502)));
    let again = folder.write("again.log.gz", gzip(albs(3, "/orders", 200)));
    let gateway = GatewaySink::new();
    let run = push(&gateway.address, &[&plain, &packed]).expect(0);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    assert!(run.stderr.contains("2 files, 2026-11-20T10:00:00Z to "), "{}", run.stderr);
    assert!(run.stderr.contains("8 records, 0 rejects"), "{}", run.stderr);
    let pushed = format!("pushed 2 files to http://{}/metrics/job/alb\n", gateway.address);
    assert!(run.stderr.ends_with(&pushed), "{}", run.stderr);
    let pushes = gateway.pushes();
    assert_eq!(pushes.len(), 2);
    for push in &pushes {
        assert_eq!((push.method.as_str(), push.path.as_str()), ("POST", "/metrics/job/alb"));
        assert_eq!(push.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        assert!(push.header("x-idempotency-key").starts_with("weir-text-"));
        let text = push.text();
        let expected = weir(&["count", if text.contains("/orders") { &plain } else { &packed }]).expect(0);
        assert_eq!(text, expected.stdout);
    }
    // The same text is the same push, however it is packed; the keys are those of before.
    push(&gateway.address, &[&again, &packed]).expect(0);
    assert_eq!(gateway.pushes().len(), 4);
    assert_eq!(gateway.sum_by_key(COUNT, &[]), 8.0);
    // Another job is another push.
    weir(&["push", "--to", &gateway.address, "--job", "other/job", &plain]).expect(0);
    assert_eq!(gateway.pushes()[4].path, "/metrics/job@base64/b3RoZXIvam9i");
    assert_eq!(gateway.sum_by_key(COUNT, &[]), 11.0);
}

#[test]
fn a_file_that_cannot_be_read_is_not_pushed_and_the_others_are() {
    let folder = Folder::new();
    folder.write("good.log", albs(4, "/orders", 200));
    let whole = gzip(albs(200, "/cart", 200));
    folder.write("cut.log.gz", &whole[..whole.len() / 2]);
    folder.write("rejects.log", albs(2, "/cart", 200) + "https only\n");
    folder.write("ELBAccessLogTestFile", "Enable AccessLog for ELB: shop at 2026-11-20T10:00:00.000Z");
    folder.write("empty.log", "");
    let gateway = GatewaySink::new();
    let run = push(&gateway.address, &[&folder.path("")]).expect(1);
    for part in
        ["3 files, ", "6 records, 1 reject", "cut.log.gz: the gzip data is cut off", "skipped: 1 test"]
    {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    // Nothing is to be said of files without requests.
    assert_eq!(gateway.pushes().len(), 2);
    assert_eq!(gateway.sum_by_key(COUNT, &[]), 6.0);
    let good = [folder.path("good.log"), folder.path("rejects.log")];
    push(&gateway.address, &[&good[0]]).expect(0);
    push(&gateway.address, &[&good[1]]).expect(0);
    push(&gateway.address, &["--strict", &good[1]]).expect(3);
}

#[test]
fn busy_and_refusing_gateways_are_told_apart() {
    let folder = Folder::new();
    let paths = ["a", "b", "c"].map(|name| folder.write(name, albs(2, &format!("/{name}/x"), 200)));
    let arguments = ["--threads", "1", &paths[0], &paths[1], &paths[2]];
    // Busy, and a connection that is cut before the answer: tried again, under the same key.
    let busy = GatewaySink::answering(|number| match number {
        0 => Some(503),
        1 => None,
        _ => Some(202),
    });
    weir(&[&["push", "--to", &busy.address, "--job", "alb"], &arguments[..]].concat()).expect(0);
    assert_eq!(busy.pushes().len(), 5);
    assert_eq!(busy.sum_by_key(COUNT, &[]), 6.0);
    // One file is wrong: the others go on.
    let picky = GatewaySink::answering(|number| Some(if number == 1 { 400 } else { 202 }));
    let run = push(&picky.address, &arguments).expect(1);
    assert_eq!(picky.pushes().len(), 3);
    assert!(run.stderr.contains("pushed 2 files; not pushed: 1 file. Run the same"), "{}", run.stderr);
    assert!(run.stderr.contains("refused the push with status 400: as the test says"), "{}", run.stderr);
    // The password is wrong: it is so for every file.
    let closed = GatewaySink::answering(|_| Some(401));
    let run = push(&closed.address, &arguments).expect(1);
    assert_eq!(closed.pushes().len(), 1);
    assert!(run.stderr.contains("pushed 0 files; not pushed: 3 files."), "{}", run.stderr);
    // Nobody is there.
    let run = push("127.0.0.1:1", &["--threads", "1", &paths[0]]).expect(1);
    assert!(run.stderr.contains("did not take the push within 2 s"), "{}", run.stderr);
}

#[test]
fn a_user_is_named_with_a_password_from_a_file() {
    let folder = Folder::new();
    let log = folder.write("a.log", albs(1, "/orders", 200));
    let password = folder.write("password", "s3cret\n");
    let gateway = GatewaySink::new();
    push(&gateway.address, &["--username", "push", "--password-file", &password, &log]).expect(0);
    assert_eq!(gateway.pushes()[0].header("authorization"), "Basic cHVzaDpzM2NyZXQ=");
    let missing = folder.path("none");
    let run = push(&gateway.address, &["--username", "push", "--password-file", &missing, &log]).expect(1);
    assert!(run.stderr.contains("cannot read the password file"), "{}", run.stderr);
}

#[test]
fn wrong_use_is_said_before_anything_is_pushed() {
    let folder = Folder::new();
    let log = folder.write("a.log", albs(1, "/orders", 200));
    let gateway = GatewaySink::new();
    let to = gateway.address.as_str();
    for (arguments, code, expected) in [
        (vec!["--to", to, "--job", "j"], 2, "PATH"),
        (vec!["--to", to, &log], 2, "--job"),
        (vec!["--job", "j", &log], 2, "--to"),
        (vec!["--to", "ftp://a", "--job", "j", &log], 2, "--to: `ftp://a/"),
        (vec!["--to", "me:pw@a", "--job", "j", &log], 2, "give name and password by themselves"),
        (vec!["--to", to, "--job", "j", "--deadline", "soon", &log], 2, "--deadline: `soon`"),
        (vec!["--to", to, "--job", "j", "--deadline", "0", &log], 2, "--deadline: `0` is out of range"),
        (vec!["--to", to, "--job", "j", "--username", "u", &log], 2, "--password-file"),
        (vec!["--to", to, "--job", "j", "/nowhere/at/all.log"], 1, "/nowhere/at/all.log"),
        (vec!["--to", to, "--job", "j", "s3://b/p"], 1, "s3://b/p"),
    ] {
        let run = weir(&[&["push"], &arguments[..]].concat()).expect(code);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    assert!(gateway.pushes().is_empty());
}

#[test]
fn the_same_push_twice_counts_once_at_weirs_own_gateway() {
    let folder = Folder::new();
    let log = folder.write("a.log", albs(7, "/orders", 200));
    let other = folder.write("b.log", albs(2, "/orders", 200));
    let config = folder.write("weir.yaml", "version: 1\n");
    let server = Server::start(&["-c", &config]);
    for _ in 0..3 {
        push(&server.address, &[&log]).expect(0);
    }
    push(&server.address, &[&log, &other]).expect(0);
    assert_eq!(metrics::sum(&server.metrics(), COUNT, &[("job", "alb")]), 9.0);
}

#[test]
fn more_than_a_gateway_takes_at_once_goes_in_parts() {
    let folder = Folder::new();
    let lines: String = (0..2_500).map(|number| albs(1, &format!("/of/{number}x{number}y"), 200)).collect();
    let log = folder.write("a.log", lines);
    let gateway = GatewaySink::new();
    push(&gateway.address, &["--routes", "raw", &log]).expect(0);
    let pushes = gateway.pushes();
    assert!(pushes.len() > 1, "{} bytes in one push", pushes[0].body.len());
    let mut keys: Vec<_> = pushes.iter().map(|push| push.header("x-idempotency-key")).collect();
    keys.dedup();
    assert_eq!(keys.len(), pushes.len());
    assert_eq!(gateway.sum_by_key(COUNT, &[]), 2_500.0);
    assert_eq!(gateway.sum_by_key("alb_log_request_time_seconds_count", &[]), 2_500.0);
    // Weir's own gateway takes them, and takes them once.
    let config = folder.write("weir.yaml", "version: 1\n");
    let server = Server::start(&["-c", &config]);
    for _ in 0..2 {
        push(&server.address, &["--routes", "raw", &log]).expect(0);
    }
    assert_eq!(server.sum(COUNT, &[]), 2_500.0);
}
