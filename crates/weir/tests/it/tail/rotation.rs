//! nginx writes in both ways of escaping under load from wrk, and logrotate rotates in all its ways. Which lines
//! there are is told by the files. What nginx writes between a copy and a truncation is in none of them; weir may have
//! read it before it was gone, so there the ids of requests tell that each line is a record once.

use std::collections::HashSet;
use std::time::Duration;

use crate::support::{Folder, Process, Server, get, until, within};

use super::{Nginx, request_ids};

const RECEIVED: &str = "weir_source_received_total";
const COUNT: &str = "nginx_http_requests_total";
const LOGS: [&str; 2] = ["escaped", "default"];

/// How often logs are rotated in a test.
const ROTATIONS: usize = 4;

/// Whether the rotated files are watched too.
#[derive(Clone, Copy)]
enum Watched {
    Current,
    Rotated,
}

/// A config with a source for each log.
fn config(nginx: &Nginx, watched: Watched) -> String {
    let end = match watched {
        Watched::Current => "",
        Watched::Rotated => "*",
    };
    let source = |name: &str| {
        let path = nginx.folder.path(&format!("logs/{name}.json{end}"));
        format!("  - {{name: {name}, type: file, format: nginx_json, path: '{path}'}}\n")
    };
    format!("sources:\n{}", LOGS.map(source).concat())
}

fn is_running(process: &mut Process) -> bool {
    process.0.try_wait().unwrap().is_none()
}

/// Waits until something of each file that is written now was counted: what is in all the others, and more.
#[track_caller]
fn await_reading(nginx: &Nginx, server: &Server) {
    for log in LOGS {
        let rotated = nginx.lines(&format!("{log}.json"), true);
        until("the new file to be read", || {
            (server.sum(RECEIVED, &[("source", log)]) > rotated as f64).then_some(())
        });
    }
}

/// Waits until each line that is in a file is a record, and says how many records there are; none is there twice.
#[track_caller]
fn await_each_once(nginx: &Nginx, server: &Server, log: &str) -> usize {
    let written = nginx.request_ids(log);
    until("as much to be counted as there is", || {
        (server.sum(RECEIVED, &[("source", log)]) >= written.len() as f64).then_some(())
    });
    let export = format!("/api/search?query=source:{log}&from=0&fields=request_id&format=ndjson");
    let found: Vec<String> = until("each line to be found", || {
        let found: Vec<String> = request_ids(&server.get(&export).text()).collect();
        let distinct: HashSet<&String> = found.iter().collect();
        assert_eq!(distinct.len(), found.len(), "a line is there twice\n{}", server.log());
        written.iter().all(|id| distinct.contains(id)).then_some(found)
    });
    found.len()
}

/// All that was written was counted once, and nothing else; `is_copied`: some of it may be in no file any more.
#[track_caller]
fn check_counts(nginx: &mut Nginx, server: &Server, is_copied: bool) {
    nginx.stop();
    let mut sum = 0;
    for log in LOGS {
        let lines = nginx.lines(&format!("{log}.json"), false);
        assert!(lines > 1000, "there was load: {lines}");
        let expected = if is_copied { await_each_once(nginx, server, log) } else { lines };
        server.await_sum(RECEIVED, &[("source", log)], expected as f64);
        sum += expected;
    }
    server.await_sum(COUNT, &[], sum as f64);
    assert_eq!(server.sum("weir_source_rejected_total", &[]), 0.0, "{}", server.log());
    // Rotated files are met again and again, and count no more.
    let stayed = within(Duration::from_secs(20), "packed files to settle", || {
        let looks = server.sum("weir_duplicate_objects_total", &[]);
        let packed = nginx
            .folder
            .files()
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "gz"))
            .count();
        (looks >= packed as f64).then_some(server.sum(COUNT, &[]))
    });
    assert_eq!(stayed, sum as f64, "{}", server.log());
}

/// Rotates in one way under load.
fn check(words: &str, watched: Watched) {
    let mut nginx = Nginx::start();
    let data = Folder::new();
    let config = data.write("weir.yaml", config(&nginx, watched));
    let mut load = nginx.load(60);
    let server = Server::start_in(&data.path("data"), &["-c", &config]);
    for _ in 0..ROTATIONS {
        await_reading(&nginx, &server);
        assert!(is_running(&mut load));
        nginx.rotate(words);
    }
    load.terminate();
    check_counts(&mut nginx, &server, words.contains("copytruncate"));
}

#[test]
fn create_loses_nothing_though_the_rotated_file_is_not_watched() {
    check("create\nnocompress", Watched::Current);
}

#[test]
fn create_counts_rotated_files_once_where_they_are_watched() {
    check("create\nnocompress", Watched::Rotated);
}

#[test]
fn create_counts_files_once_that_are_packed_later() {
    check("create\ncompress\ndelaycompress", Watched::Rotated);
}

#[test]
fn copytruncate_counts_what_is_in_the_copies_and_the_file() {
    check("copytruncate\nnocompress", Watched::Current);
}

#[test]
fn copytruncate_counts_copies_once_where_they_are_watched() {
    check("copytruncate\nnocompress", Watched::Rotated);
}

#[test]
fn copytruncate_counts_copies_once_that_are_packed() {
    check("copytruncate\ncompress\ndelaycompress", Watched::Rotated);
}

/// Kills the program around each rotation.
fn check_kill(words: &str, watched: Watched) {
    let mut nginx = Nginx::start();
    let data = Folder::new();
    let config = data.write("weir.yaml", config(&nginx, watched));
    // As long as it takes on a busy machine; it is ended before.
    let mut load = nginx.load(600);
    let start = || Server::start_in(&data.path("data"), &["-c", &config]);
    let mut server = start();
    for round in 0..ROTATIONS * 2 {
        await_reading(&nginx, &server);
        assert!(is_running(&mut load));
        if round % 2 == 0 {
            server.kill();
            nginx.rotate(words);
        } else {
            let rotation = std::thread::scope(|scope| {
                let rotation = scope.spawn(|| nginx.rotate(words));
                server.kill();
                rotation.join()
            });
            rotation.unwrap();
        }
        server = start();
    }
    load.terminate();
    check_counts(&mut nginx, &server, words.contains("copytruncate"));
}

#[test]
fn a_kill_during_create_loses_nothing() {
    check_kill("create\nnocompress", Watched::Current);
}

#[test]
fn a_kill_during_copytruncate_loses_nothing_that_is_in_the_copies() {
    check_kill("copytruncate\nnocompress", Watched::Rotated);
}

#[test]
fn each_status_is_in_the_histogram_within_two_seconds() {
    let nginx = Nginx::start();
    let data = Folder::new();
    let config = data.write("weir.yaml", config(&nginx, Watched::Current));
    let server = Server::start_in(&data.path("data"), &["-c", &config]);
    // A busy machine may be slow once, not each time.
    let is_live = |round: usize| {
        for path in ["/", "/missing", "/proxied"] {
            get(&nginx.address, path);
        }
        let _ = crate::support::try_request(&nginx.address, "GET", "/hang-up", &[], b"");
        let expected = (round * LOGS.len()) as f64;
        let has_all = || {
            let statuses = ["200", "404", "444", "502"];
            let metrics = server.metrics();
            let sum = |status| crate::support::metrics::sum(&metrics, COUNT, &[("status", status)]);
            let observed = crate::support::metrics::sum(&metrics, "nginx_http_request_time_count", &[]);
            (statuses.into_iter().all(|status| sum(status) == expected) && observed == expected * 4.0)
                .then_some(())
        };
        let is_live =
            std::panic::catch_unwind(|| within(Duration::from_secs(2), "each status", has_all)).is_ok();
        until("each status after all", has_all);
        is_live
    };
    assert!((1..=5).any(is_live), "{}", server.metrics());
}
