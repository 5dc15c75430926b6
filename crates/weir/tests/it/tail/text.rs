//! Lines of text are events with their own time or that of their arrival, and a stack trace is one event.

use std::fs;

use crate::support::{Folder, Server, gzip, until};

use super::await_hits;

fn start(folder: &Folder, data: &Folder, more: &str) -> Server {
    let path = folder.path("*.log");
    let config = format!("sources: [{{name: app, type: file, path: '{path}', format: text{more}}}]\n");
    Server::start_in(&data.path("data"), &["-c", &data.write("weir.yaml", config)])
}

const MULTILINE: &str = ", multiline: {start: '^\\d{4}-\\d\\d-\\d\\d'}";

const TRACE: &str = "2026-11-20 10:15:30,250 ERROR payment failed\n\
                     java.lang.IllegalStateException: no funds\n\
                     \tat shop.Payment.pay(Payment.java:7)\n\
                     Caused by: java.io.IOException: closed\n\
                     \tat shop.Bank.call(Bank.java:3)\n";

#[test]
fn lines_of_text_are_found_by_their_words() {
    let (folder, data) = (Folder::new(), Folder::new());
    let server = start(&folder, &data, "");
    folder.append("app.log", "2026-11-20 10:15:30,250 WARN slow query\r\nand one without a time\n\nha");
    let hits = await_hits(&server, "\"slow query\"", 1);
    assert_eq!(hits[0]["@timestamp"], "2026-11-20T10:15:30.250000Z");
    assert_eq!(hits[0]["message"], "2026-11-20 10:15:30,250 WARN slow query");
    await_hits(&server, "without", 1);
    folder.append("app.log", "lf a line\n");
    await_hits(&server, "\"half a line\"", 1);
    assert_eq!(server.sum("weir_source_received_total", &[]), 3.0);
    assert_eq!(server.sum("weir_source_stored_total", &[]), 3.0);
}

#[test]
fn a_stack_trace_is_one_event() {
    let (folder, data) = (Folder::new(), Folder::new());
    let server = start(&folder, &data, MULTILINE);
    folder.append("app.log", TRACE);
    let hits = await_hits(&server, "Bank.java", 1);
    assert_eq!(hits[0]["message"], TRACE.trim_end());
    assert_eq!(hits[0]["@timestamp"], "2026-11-20T10:15:30.250000Z");
    folder.append("app.log", format!("{TRACE}{TRACE}"));
    server.await_sum("weir_source_received_total", &[], 3.0);
    fs::write(folder.path("b.log"), gzip(format!("{TRACE}2026-11-21 10:15:30 last\n"))).unwrap();
    server.await_sum("weir_source_received_total", &[], 5.0);
    await_hits(&server, "Bank.java", 4);
}

#[test]
fn the_last_event_is_complete_after_a_pause_and_not_counted_again_after_a_kill() {
    let (folder, data) = (Folder::new(), Folder::new());
    let server = start(&folder, &data, MULTILINE);
    folder.append("app.log", TRACE);
    server.await_sum("weir_source_received_total", &[], 1.0);
    server.kill();
    let server = start(&folder, &data, MULTILINE);
    folder.append("app.log", TRACE);
    server.await_sum("weir_source_received_total", &[], 2.0);
    await_hits(&server, "Bank.java", 2);
}

#[test]
fn the_last_line_of_a_deleted_file_is_taken_without_its_end() {
    let (folder, data) = (Folder::new(), Folder::new());
    let server = start(&folder, &data, "");
    folder.append("app.log", "one\ntwo");
    await_hits(&server, "one", 1);
    fs::remove_file(folder.path("app.log")).unwrap();
    await_hits(&server, "two", 1);
}

#[test]
fn zeros_that_a_crash_left_cost_no_line() {
    let (folder, data) = (Folder::new(), Folder::new());
    let server = start(&folder, &data, "");
    folder.append("app.log", format!("one\nha{}two\n", "\0".repeat(5000)));
    until("all lines", || (server.sum("weir_source_received_total", &[]) == 3.0).then_some(()));
    await_hits(&server, "two", 1);
}
