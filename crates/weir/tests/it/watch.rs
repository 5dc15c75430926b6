//! Watched folders: each request is counted once, however its file comes, grows or breaks.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::lines::{alb, albs, nginx_json};
use crate::support::{Folder, Server, gzip, until};

const COUNT: &str = "alb_log_request_count_total";
const NGINX_COUNT: &str = "nginx_http_requests_total";

fn watched() -> (Folder, Server) {
    let folder = Folder::new();
    let server = Server::start(&[&folder.path("")]);
    (folder, server)
}

/// Waits until the server has met everything that is in the folder now: one more file shows it.
#[track_caller]
fn await_next_look(folder: &Folder, server: &Server, marker: &str) {
    folder.publish(&format!("{marker}.gz"), gzip(albs(1, &format!("/{marker}"), 200)));
    until("the marker to be counted", || {
        (server.sum(COUNT, &[("path", &format!("/{marker}"))]) == 1.0).then_some(())
    });
}

#[test]
fn a_link_to_what_never_ends_a_read_holds_up_no_other_file() {
    let (folder, server) = watched();
    std::os::unix::fs::symlink("/proc/kmsg", folder.path("a.log")).unwrap();
    folder.append("b.log", albs(3, "/cart", 200));
    server.await_sum(COUNT, &[], 3.0);
    await_next_look(&folder, &server, "after");
    assert_eq!(server.terminate().0, Some(0));
}

#[test]
fn files_that_arrive_are_counted() {
    let (folder, server) = watched();
    folder.publish("a.log.gz", gzip(albs(3, "/cart", 200)));
    server.await_sum(COUNT, &[], 3.0);
    fs::create_dir_all(folder.path("2026/11/20")).unwrap();
    fs::rename(folder.publish("b", albs(2, "/cart", 200)), folder.path("2026/11/20/b.log")).unwrap();
    server.await_sum(COUNT, &[], 5.0);
    folder.publish("c.log.zst", zstd::encode_all(albs(1, "/cart", 200).as_bytes(), 3).unwrap());
    server.await_sum(COUNT, &[], 6.0);
}

#[test]
fn a_pattern_may_match_nothing_yet() {
    let folder = Folder::new();
    let server = Server::start(&[&folder.path("later/**/*.log")]);
    fs::create_dir(folder.path("later")).unwrap();
    folder.write("later/a.log", albs(2, "/cart", 200));
    folder.write("later/a.txt", albs(2, "/cart", 200));
    server.await_sum(COUNT, &[], 2.0);
}

#[test]
fn a_file_that_grows_is_followed_by_whole_lines() {
    let (folder, server) = watched();
    folder.append("access.json", nginx_json("/a", 200));
    server.await_sum(NGINX_COUNT, &[], 1.0);
    let line = nginx_json("/b", 200);
    let (first_half, second_half) = line.split_at(40);
    folder.append("access.json", nginx_json("/a", 500) + first_half);
    server.await_sum(NGINX_COUNT, &[], 2.0);
    folder.append("access.json", second_half);
    server.await_sum(NGINX_COUNT, &[("path", "/b")], 1.0);
    server.await_sum(NGINX_COUNT, &[], 3.0);
    assert_eq!(server.sum("weir_source_rejected_total", &[]), 0.0);
}

#[test]
fn a_file_that_is_rotated_is_read_to_its_end_and_the_next_from_its_start() {
    let (folder, server) = watched();
    folder.append("access.json", nginx_json("/a", 200).repeat(2));
    server.await_sum(NGINX_COUNT, &[], 2.0);
    folder.append("access.json", nginx_json("/last", 200));
    fs::rename(folder.path("access.json"), folder.path("access.json.1")).unwrap();
    folder.append("access.json", nginx_json("/first", 200));
    server.await_sum(NGINX_COUNT, &[], 4.0);
    folder.append("access.json.1", nginx_json("/straggler", 200));
    server.await_sum(NGINX_COUNT, &[], 5.0);
}

#[test]
fn a_file_that_is_emptied_in_place_is_read_from_its_start() {
    let (folder, server) = watched();
    folder.append("access.json", nginx_json("/before", 200).repeat(3));
    server.await_sum(NGINX_COUNT, &[], 3.0);
    folder.write("access.json", nginx_json("/after", 200));
    server.await_sum(NGINX_COUNT, &[("path", "/after")], 1.0);
    server.await_sum(NGINX_COUNT, &[], 4.0);
}

#[test]
fn a_gzip_file_that_is_still_written_is_counted_once_when_it_is_complete() {
    let (folder, server) = watched();
    let packed = gzip(albs(40, "/cart", 200));
    folder.publish("a.log.gz", &packed[..packed.len() / 2]);
    server.await_sum("weir_source_failed_objects_total", &[("reason", "truncated")], 1.0);
    assert_eq!(server.sum(COUNT, &[]), 0.0);
    assert!(server.log().contains("the gzip data is cut off"), "{}", server.log());
    folder.append("a.log.gz", &packed[packed.len() / 2..]);
    server.await_sum(COUNT, &[("path", "/cart")], 40.0);
    await_next_look(&folder, &server, "once");
    await_next_look(&folder, &server, "twice");
    assert_eq!(server.sum(COUNT, &[("path", "/cart")]), 40.0);
    assert_eq!(server.sum("weir_source_failed_objects_total", &[]), 1.0);
}

#[test]
fn a_file_that_is_broken_is_reported_once() {
    let (folder, server) = watched();
    folder.publish("a.log.gz", &gzip(albs(40, "/cart", 200))[..100]);
    server.await_sum("weir_source_failed_objects_total", &[], 1.0);
    await_next_look(&folder, &server, "once");
    await_next_look(&folder, &server, "twice");
    assert_eq!(server.sum("weir_source_failed_objects_total", &[]), 1.0);
    assert_eq!(server.log().matches("a file was not counted").count(), 1, "{}", server.log());
}

#[test]
fn a_plain_file_of_an_unknown_layout_is_reported_once() {
    let (folder, server) = watched();
    folder.publish("notes.txt", "no log\n");
    until("the file to be met", || {
        (server.sum("weir_source_failed_objects_total", &[]) >= 1.0).then_some(())
    });
    await_next_look(&folder, &server, "once");
    await_next_look(&folder, &server, "twice");
    assert_eq!(server.sum("weir_source_failed_objects_total", &[("reason", "unknown_format")]), 1.0);
    assert_eq!(server.log().matches("a file was not counted").count(), 1, "{}", server.log());
}

#[test]
fn a_file_name_may_be_any_bytes() {
    let (folder, server) = watched();
    let odd = Path::new(&folder.path("")).join(OsStr::from_bytes(b"caf\xe9.log"));
    fs::write(odd, albs(1, "/cart", 200)).unwrap();
    server.await_sum(COUNT, &[("path", "/cart")], 1.0);
    folder.write("a.log", albs(2, "/cart", 200));
    server.await_sum(COUNT, &[("path", "/cart")], 3.0);
}

#[test]
fn many_bad_lines_do_not_stop_a_file_that_is_followed() {
    let (folder, server) = watched();
    folder.append("access.json", nginx_json("/a", 200));
    server.await_sum(NGINX_COUNT, &[], 1.0);
    folder.append("access.json", "a crash left this\n".repeat(50) + &nginx_json("/a", 200));
    server.await_sum(NGINX_COUNT, &[], 2.0);
    assert_eq!(server.sum("weir_source_rejected_total", &[("reason", "not_json")]), 50.0);
    assert_eq!(server.sum("weir_source_received_total", &[]), 52.0);
}

#[test]
fn bad_lines_are_rejects_as_soon_as_they_come() {
    let (folder, server) = watched();
    folder.append("access.json", nginx_json("/a", 200));
    server.await_sum(NGINX_COUNT, &[], 1.0);
    folder.append("access.json", "a crash left this\n");
    server.await_sum("weir_source_rejected_total", &[("reason", "not_json")], 1.0);
    assert_eq!(server.sum("weir_source_failed_objects_total", &[]), 0.0);
}

#[test]
fn a_file_that_was_counted_is_left_alone_when_it_is_touched_or_renamed() {
    let (folder, server) = watched();
    let path = folder.publish("a.log.gz", gzip(albs(3, "/cart", 200)));
    server.await_sum(COUNT, &[("path", "/cart")], 3.0);
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::options().append(true).open(&path).unwrap().set_modified(later).unwrap();
    await_next_look(&folder, &server, "touched");
    fs::rename(&path, folder.path("b.log.gz")).unwrap();
    await_next_look(&folder, &server, "renamed");
    await_next_look(&folder, &server, "twice");
    assert_eq!(server.sum(COUNT, &[("path", "/cart")]), 3.0);
}

#[test]
fn a_file_that_two_patterns_match_is_counted_once() {
    let folder = Folder::new();
    folder.publish("a.log.gz", gzip(albs(3, "/cart", 200)));
    let server = Server::start(&[&folder.path(""), &folder.path("*.gz"), &folder.path("a.log.gz")]);
    server.await_sum(COUNT, &[("path", "/cart")], 3.0);
    await_next_look(&folder, &server, "once");
    assert_eq!(server.sum(COUNT, &[("path", "/cart")]), 3.0);
}

#[test]
fn what_holds_no_requests_is_skipped_and_counted_as_skipped() {
    let (folder, server) = watched();
    folder.publish("ELBAccessLogTestFile", "Enable AccessLog for ELB: prod\n");
    let connection =
        "2026-11-20T10:15:30.123456Z 203.0.113.7 50123 443 TLSv1.3 TLS_AES_128_GCM_SHA256 0.010 - - - - T\n";
    folder.publish(
        "conn_log.1_elasticloadbalancing_eu-central-1_app.prod.50dc_20261120T1015Z_10.0.0.1_a.log.gz",
        gzip(connection),
    );
    server.await_sum("weir_source_skipped_objects_total", &[("kind", "connection_log")], 1.0);
    server.await_sum("weir_source_skipped_objects_total", &[("kind", "test_file")], 1.0);
    await_next_look(&folder, &server, "once");
    assert_eq!(server.sum("weir_source_skipped_objects_total", &[]), 2.0);
    assert_eq!(server.sum("weir_source_failed_objects_total", &[]), 0.0);
}

#[test]
fn sources_of_a_config_have_their_own_services_and_accounts() {
    let folder = Folder::new();
    let config = format!(
        "http: {{listen: '127.0.0.1:0'}}\n\
         sources:\n\
         - {{name: edge, type: alb, path: '{0}/alb/*.gz'}}\n\
         - {{name: web, type: file, path: '{0}/web.json', format: nginx_json}}\n\
         services:\n\
         - {{name: front, match: {{source: edge}}, routes: ['/cart/{{item}}']}}\n\
         - {{name: back, match: {{source: web}}}}\n",
        folder.path("")
    );
    let config = folder.write("weir.yaml", config);
    folder.write("alb/a.gz", gzip(alb("2026-11-20T10:15:30.123456Z", "/cart/first", 200)));
    folder.write("web.json", nginx_json("/cart/7", 200).repeat(2));
    let server = Server::start(&["-c", &config]);
    server.await_sum(COUNT, &[("application", "front"), ("path", "/cart/{item}")], 1.0);
    server.await_sum(NGINX_COUNT, &[("application", "back"), ("path", "/cart/{id}")], 2.0);
    assert_eq!(server.sum("weir_source_received_total", &[("source", "edge")]), 1.0);
    assert_eq!(server.sum("weir_source_received_total", &[("source", "web")]), 2.0);
}
