//! A disk without room: intake waits, nothing is lost, and it goes on by itself.

use crate::support::lines::alb;
use crate::support::{Folder, Server, gzip, until};

const COUNT: &str = "alb_log_request_count_total";

/// Files of one watch, each with routes of its own.
const FILES: u32 = 8;
const LINES_PER_FILE: u32 = 1_500;

/// What the ledger may grow to: enough to begin with, not enough for all.
const ROOM_KIB: u64 = 3_000;

/// Files with so many routes that the ledger has no room for them, and the config that keeps them apart.
fn too_much(folder: &Folder) -> String {
    for file in 0..FILES {
        let line = |number: u32| alb("2026-11-20T10:15:30.123456Z", &format!("/{file}/{number}"), 200);
        folder.publish(&format!("{file}.log.gz"), gzip((0..LINES_PER_FILE).map(line).collect::<String>()));
    }
    let logs = folder.path("").trim_end_matches('/').to_owned();
    folder.write(
        "weir.yaml",
        format!(
            "version: 1\nunmatched_routes: raw\nsources: [{{name: alb, type: alb, path: \"{logs}/*.gz\"}}]\n"
        ),
    )
}

fn await_full(server: &Server) {
    let total = f64::from(FILES * LINES_PER_FILE);
    until("the disk to be full", || {
        assert!(server.sum(COUNT, &[]) < total, "there was room for all\n{}", server.log());
        (server.sum("weir_ledger_writable", &[]) == 0.0).then_some(())
    });
}

#[test]
fn intake_waits_for_room_and_goes_on_by_itself() {
    let folder = Folder::new();
    let config = too_much(&folder);
    let data = folder.path("data");
    let server = Server::start_with_little_room(&data, ROOM_KIB, &["-c", &config]);
    await_full(&server);
    let total = f64::from(FILES * LINES_PER_FILE);
    assert!(server.sum(COUNT, &[]) < total, "what is shown is on the disk");
    let push = || server.request("POST", "/metrics/job/backup", &[], b"# TYPE runs counter\nruns 1\n");
    assert_eq!(push().status, 507);
    assert!(server.log().contains("intake waits"), "{}", server.log());

    server.make_room();
    server.await_sum(COUNT, &[], total);
    assert_eq!(push().status, 202);
    assert_eq!(server.sum("runs", &[]), 1.0);
    server.kill();
    let again = Server::start_in(&data, &["-c", &config]);
    again.await_sum(COUNT, &[], total);
    assert_eq!(again.sum("runs", &[]), 1.0);
}

#[test]
fn a_server_with_a_full_disk_ends_when_it_is_told_to() {
    let folder = Folder::new();
    let config = too_much(&folder);
    let data = folder.path("data");
    let server = Server::start_with_little_room(&data, ROOM_KIB, &["-c", &config]);
    await_full(&server);
    server.terminate();
    let again = Server::start_in(&data, &["-c", &config]);
    again.await_sum(COUNT, &[], f64::from(FILES * LINES_PER_FILE));
}
