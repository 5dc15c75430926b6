//! The process is killed, the disk has no room, senders never finish: what was answered is there, once.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use super::{account, found, post, server};
use crate::support::{Folder, Random, Response, Server, try_request, until, within};

/// Writers at the same time.
const WRITERS: u64 = 3;

/// Bodies that each writer sends.
const BODIES: u64 = 40;

/// Lines in each of them.
const LINES: u64 = 25;

/// Clients that never finish, of each kind.
const SLOW_CLIENTS: usize = 100;

/// How long all answers beside them may take together.
const UNHELD_MAX: Duration = Duration::from_secs(10);

/// What a file may grow to: enough to begin with.
const ROOM_KIB: u64 = 3_000;

/// Lines of a body that can be told from all others.
fn body(writer: u64, number: u64) -> String {
    let line =
        |line: u64| format!("{{\"message\":\"killed\",\"body\":\"{writer}-{number}\",\"line\":{line}}}\n");
    (0..LINES).map(line).collect()
}

/// How many lines of each body a server has.
fn lines_by_body(server: &Server) -> BTreeMap<String, u64> {
    let question = br#"{"query": "message:killed", "from": "0", "to": "now+1d", "group_by": ["body"],
        "metrics": {"n": {"count": {}}}, "limit": 10000}"#;
    let headers = [("Content-Type", "application/json")];
    let answer = server.request("POST", "/api/aggregate", &headers, question).json();
    let rows = answer["rows"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let row =
        |row: &serde_json::Value| (row["body"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap());
    rows.iter().map(row).collect()
}

/// Sends the bodies of a writer until each is answered, again and again where the server is gone.
fn write_all(address: &Mutex<String>, writer: u64) {
    for number in 0..BODIES {
        let (key, body) = (format!("{writer}-{number}"), body(writer, number));
        until("a body to be answered", || {
            let address = address.lock().unwrap().clone();
            let headers = [("X-Idempotency-Key", key.as_str())];
            let answer = try_request(&address, "POST", "/ingest/ndjson", &headers, body.as_bytes())?;
            (answer.status == 200).then_some(())
        });
    }
}

#[test]
fn what_was_answered_is_there_once_however_often_it_is_killed() {
    let folder = Folder::new();
    let config = folder.write("weir.yaml", "version: 1\n");
    let data = folder.path("data");
    let start = || Server::start_in(&data, &["-c", &config]);
    let mut running = Some(start());
    let address = Mutex::new(running.as_ref().unwrap().address.clone());
    let (mut random, mut kills) = (Random::new(7), 0);
    std::thread::scope(|scope| {
        let address = &address;
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| scope.spawn(move || write_all(address, writer))).collect();
        let is_over = || writers.iter().all(std::thread::ScopedJoinHandle::is_finished);
        while !is_over() {
            let server = running.take().unwrap();
            let wanted = received(&server) + 1 + random.below(8 * LINES);
            until("more to be there", || (is_over() || received(&server) >= wanted).then_some(()));
            server.kill();
            kills += 1;
            let server = start();
            address.lock().unwrap().clone_from(&server.address);
            running = Some(server);
        }
    });
    let running = running.unwrap();
    assert!(kills > 5, "{kills}");
    let counts = lines_by_body(&running);
    assert_eq!(counts.len() as u64, WRITERS * BODIES);
    assert!(counts.values().all(|count| *count == LINES), "{counts:?}");
    assert_eq!(account(&running, "http")[0], WRITERS * BODIES * LINES);
}

/// Records that the server has counted, before anything was written too.
fn received(server: &Server) -> u64 {
    server.sum("weir_source_received_total", &[("source", "http")]) as u64
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let folder = Folder::new();
    let config = folder.write("weir.yaml", "version: 1\n");
    let server = Server::start_with_little_room(&folder.path("data"), ROOM_KIB, &["-c", &config]);
    let mut random = Random::new(3);
    let mut noise = || (0..40_000).map(|_| format!("{:x}", random.below(1 << 30))).collect::<String>();
    let mut sent = Vec::new();
    let refused = within(Duration::from_secs(120), "the disk to be full", || {
        let key = format!("body-{}", sent.len());
        let body = format!("{{\"message\":\"filled\",\"noise\":\"{}\"}}\n", noise());
        let answer = post(&server, "/ingest/ndjson", &[("X-Idempotency-Key", &key)], &body);
        sent.push((key, body));
        (answer.status != 200).then_some(answer)
    });
    let is_told =
        |answer: &Response| matches!(answer.status, 429 | 507) && !answer.header("retry-after").is_empty();
    assert!(is_told(&refused), "{} {}", refused.status, refused.lossy());
    let bulk = post(&server, "/es/_bulk", &[], "{\"index\":{}}\n{\"message\":\"bulk\"}\n");
    assert!(bulk.status == 429 && is_told(&bulk), "{} {}", bulk.status, bulk.lossy());
    assert_eq!(bulk.json()["status"], 429);
    server.make_room();
    for (key, body) in &sent {
        until("all to be taken", || {
            let answer = post(&server, "/ingest/ndjson", &[("X-Idempotency-Key", key)], body);
            (answer.status == 200).then_some(())
        });
    }
    assert_eq!(found(&server, "message:filled"), sent.len() as u64);
}

#[test]
fn clients_that_never_finish_hold_up_nobody() {
    let (server, _folder) = server("");
    let heads = [
        "POST /es/_bulk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n{\"index\"",
        "POST /ingest/ndjson HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
        "POST /ingest/ndjson HTTP/1.1\r\nHost: localhost\r\nX-Half",
    ];
    let mut slow = Vec::new();
    for head in heads {
        for _ in 0..SLOW_CLIENTS {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            slow.push(stream);
        }
    }
    let mut left = 50;
    within(UNHELD_MAX, "answers beside slow clients", || {
        let answer = post(&server, "/ingest/ndjson", &[], "{\"message\":\"unheld\"}\n");
        assert_eq!(answer.status, 200, "{}", answer.lossy());
        left -= 1;
        (left == 0).then_some(())
    });
    assert_eq!(found(&server, "unheld"), 50);
    // Who has said nothing more for a while is told, and the connection ends.
    for index in [0, SLOW_CLIENTS] {
        let stream = &mut slow[index];
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    }
}
