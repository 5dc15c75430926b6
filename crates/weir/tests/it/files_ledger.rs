//! Watched files across restarts: what was counted is known, wherever the process ended.

use std::fs;

use crate::support::lines::{alb, albs, nginx_json};
use crate::support::{Account, FalseClock, Folder, Server, gzip, now_seconds, until};

const COUNT: &str = "alb_log_request_count_total";
const NGINX_COUNT: &str = "nginx_http_requests_total";
const DUPLICATES: &str = "weir_duplicate_objects_total";

/// A folder of logs, and a data folder that outlives the server.
fn folders() -> (Folder, Folder) {
    (Folder::new(), Folder::new())
}

fn start(logs: &Folder, data: &Folder) -> Server {
    Server::start_in(&data.path("data"), &[&logs.path("")])
}

/// Waits until the server has met everything that is in the folder now: one more file shows it.
#[track_caller]
fn await_next_look(logs: &Folder, server: &Server, marker: &str) {
    let path = format!("/{marker}");
    logs.publish(&format!("{marker}.gz"), gzip(alb("2026-11-20T10:00:00.000000Z", &path, 200)));
    until("the marker to be counted", || (server.sum(COUNT, &[("path", &path)]) == 1.0).then_some(()));
}

#[test]
fn a_restart_counts_no_file_again() {
    let (logs, data) = folders();
    logs.publish("a.log.gz", gzip(albs(30, "/cart", 200)));
    logs.publish("b.log.gz", gzip(albs(20, "/cart", 503)));
    logs.append("c.log", albs(10, "/orders", 200));
    let mut markers = 0.0;
    for round in 0..4 {
        let server = start(&logs, &data);
        server.await_sum(COUNT, &[], 60.0 + markers);
        await_next_look(&logs, &server, &format!("marker-{}", ["a", "b", "c", "d"][round]));
        markers += 1.0;
        assert_eq!(server.sum(COUNT, &[]), 60.0 + markers, "{}", server.log());
        assert_eq!(server.sum("alb_log_target_5xx_total", &[]), 20.0);
        assert_eq!(server.sum("weir_source_received_total", &[]), 60.0 + markers);
        if round % 2 == 0 {
            server.kill();
        } else {
            server.terminate();
        }
    }
}

#[test]
fn the_same_text_counts_once_under_any_name() {
    let (logs, data) = folders();
    let text = albs(300, "/cart", 200);
    logs.publish("a.log.gz", gzip(&text));
    let server = start(&logs, &data);
    server.await_sum(COUNT, &[], 300.0);
    // As another sync would write it again: a new file of the same name, and one packed in another way.
    logs.publish("a.log.gz", gzip(&text));
    logs.publish("copy.log.zst", zstd::encode_all(text.as_bytes(), 3).unwrap());
    await_next_look(&logs, &server, "first");
    assert_eq!(server.sum(COUNT, &[]), 301.0, "{}", server.log());
    server.kill();
    fs::create_dir(logs.path("moved")).unwrap();
    fs::rename(logs.path("copy.log.zst"), logs.path("moved/renamed.log.zst")).unwrap();
    logs.publish("b.log.gz", gzip(&text));
    let server = start(&logs, &data);
    await_next_look(&logs, &server, "second");
    assert_eq!(server.sum(COUNT, &[]), 302.0, "{}", server.log());
    assert!(server.sum(DUPLICATES, &[]) >= 1.0);
}

#[test]
fn a_file_that_grows_goes_on_where_it_was_read_to() {
    let (logs, data) = folders();
    let mut lines = 0.0;
    let half = nginx_json("/half", 200);
    let (first_half, second_half) = half.split_at(50);
    for round in 0..5 {
        // Some lines while nothing runs, and some while it does.
        logs.append("access.json", nginx_json("/while-down", 200).repeat(3));
        lines += 3.0;
        let server = start(&logs, &data);
        server.await_sum(NGINX_COUNT, &[], lines);
        logs.append("access.json", nginx_json("/while-up", 200).repeat(2) + first_half);
        lines += 2.0;
        server.await_sum(NGINX_COUNT, &[], lines);
        if round % 2 == 0 {
            server.kill();
        } else {
            server.terminate();
        }
        logs.append("access.json", second_half);
        lines += 1.0;
        if round == 2 {
            // As logrotate does it.
            fs::rename(logs.path("access.json"), logs.path("access.json.1")).unwrap();
        }
    }
    let server = start(&logs, &data);
    server.await_sum(NGINX_COUNT, &[], lines);
    await_next_look(&logs, &server, "marker");
    assert_eq!(server.sum(NGINX_COUNT, &[]), lines, "{}", server.log());
    assert_eq!(server.sum("weir_source_rejected_total", &[]), 0.0);
    let halves = server
        .sum(NGINX_COUNT, &[("path", "/half")])
        .max(server.sum(NGINX_COUNT, &[("api_method_end_point", "/half")]));
    assert_eq!(halves, 5.0, "{}", server.metrics());
}

#[test]
fn minutes_and_counters_are_the_same_after_a_kill() {
    let (logs, data) = folders();
    let mut account = Account::default();
    let base = now_seconds() / 60 * 60 - 1_200;
    for round in 0..5_i64 {
        let server = start(&logs, &data);
        let text = account.requests(base + round * 60, "/cart", 200, 3)
            + &account.requests(base + 30, "/orders", 503, 2)
            + &account.reject();
        logs.publish(&format!("{}.log.gz", ["a", "b", "c", "d", "e"][round as usize]), gzip(text));
        account.objects += 1;
        server.await_sum("weir_source_objects_total", &[], account.objects as f64);
        account.check(&server, "files");
        server.kill();
    }
    account.check(&start(&logs, &data), "files");
}

#[test]
fn a_series_that_expired_resumes_from_its_value() {
    let (logs, data) = folders();
    let config = data.write(
        "weir.yaml",
        format!(
            "sources: [{{name: alb, type: alb, path: '{}'}}]\nmetrics: {{expire_after: 1h}}\n",
            logs.path("")
        ),
    );
    let now = now_seconds();
    let clock = FalseClock::at(now);
    let start = || Server::start_at(&clock, &data.path("data"), &["-c", &config]);
    logs.publish("a.log.gz", gzip(albs(5, "/cart", 200)));
    let server = start();
    server.await_sum(COUNT, &[("path", "/cart")], 5.0);
    clock.set(now + 3 * 3_600);
    until("the series to expire", || (!server.metrics().contains("path=\"/cart\"")).then_some(()));
    server.kill();
    let server = start();
    assert!(!server.metrics().contains("path=\"/cart\""), "it stays expired after a restart");
    logs.publish("b.log.gz", gzip(albs(2, "/cart", 200)));
    server.await_sum(COUNT, &[("path", "/cart")], 7.0);
}

#[test]
fn a_file_that_stays_for_months_is_counted_once_though_the_server_starts_often() {
    const DAY: i64 = 24 * 3_600;
    let (logs, data) = folders();
    logs.publish("a.log.gz", gzip(albs(30, "/cart", 200)));
    logs.append("b.log", albs(10, "/orders", 200));
    let now = now_seconds();
    let clock = FalseClock::at(now);
    // Longer than positions and texts are remembered of what is not there.
    for (start, marker) in ["one", "two", "three", "four", "five", "six", "seven"].iter().enumerate() {
        let start = i64::try_from(start).unwrap();
        clock.set(now + start * 20 * DAY);
        let server = Server::start_at(&clock, &data.path("data"), &[&logs.path("")]);
        await_next_look(&logs, &server, marker);
        await_next_look(&logs, &server, &format!("{marker}-again"));
        let markers = (start + 1) * 2;
        // Series expire meanwhile; what was received does not.
        let received = server.sum("weir_source_received_total", &[]);
        assert_eq!(received, (40 + markers) as f64, "{}", server.log());
        assert_eq!(server.sum(DUPLICATES, &[]), 0.0, "files are known by their positions, not by their text");
        server.terminate();
    }
}

#[test]
fn a_file_that_was_restored_goes_on_where_it_was_read_to() {
    let (logs, data) = folders();
    logs.append("a.json", nginx_json("/a", 200).repeat(3));
    logs.append("b.json", nginx_json("/b", 200).repeat(2));
    let server = start(&logs, &data);
    server.await_sum(NGINX_COUNT, &[], 5.0);
    server.terminate();
    // Other inodes, and one has grown meanwhile.
    for name in ["a.json", "b.json"] {
        fs::copy(logs.path(name), data.path("restored")).unwrap();
        fs::rename(data.path("restored"), logs.path(name)).unwrap();
    }
    logs.append("b.json", nginx_json("/b", 503));
    let server = start(&logs, &data);
    server.await_sum(NGINX_COUNT, &[("path", "/b")], 3.0);
    await_next_look(&logs, &server, "marker");
    assert_eq!(server.sum(NGINX_COUNT, &[]), 6.0, "{}", server.log());
    server.terminate();
    // The keys of before are forgotten: a start knows them by their new ones.
    let server = start(&logs, &data);
    await_next_look(&logs, &server, "second");
    assert_eq!(server.sum(NGINX_COUNT, &[]), 6.0, "{}", server.log());
}
