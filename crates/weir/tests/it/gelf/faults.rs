//! More than there is room for, no room at all, and the end of the process in mid-load.

use std::io::Write;
use std::time::Duration;

use super::{
    DATAGRAMS, DATAGRAMS_DROPPED, DROPPED, Gelf, RECEIVED, REJECTED, STORED, connect, message, udp_sender,
};
use crate::support::{Folder, Server, until};

/// The account of what was sent by UDP, every datagram a message.
#[track_caller]
fn await_all(gelf: &Gelf, sent: u64) {
    until(&format!("an account of {sent} datagrams"), || {
        let (read, lost) = (gelf.sum(DATAGRAMS), gelf.sum(DATAGRAMS_DROPPED));
        assert!(read + lost <= sent as f64, "{read} {lost}");
        (read + lost == sent as f64 && gelf.sum(RECEIVED) == read).then_some(())
    });
    assert_eq!(gelf.sum(RECEIVED), gelf.sum(STORED) + gelf.sum(DROPPED));
}

#[test]
fn the_account_adds_up_when_more_comes_than_can_be_read() {
    let folder = Folder::new();
    let gelf = Gelf::start(&folder, ", receive_buffer: 128KiB");
    let mut sent = 0;
    std::thread::scope(|scope| {
        for part in 0..2 {
            let udp = gelf.udp;
            scope.spawn(move || {
                let sender = udp_sender();
                for number in 0..40_000 {
                    sender.send_to(message(part * 40_000 + number).as_bytes(), udp).unwrap();
                }
            });
            sent += 40_000;
        }
    });
    await_all(&gelf, sent);
    assert!(gelf.sum(DATAGRAMS_DROPPED) > 0.0, "the flood was none");
    assert_eq!(gelf.sum(STORED), gelf.total("number:*") as f64);
}

#[test]
fn a_kill_takes_the_last_second_and_nothing_twice() {
    let folder = Folder::new();
    let gelf = Gelf::start(&folder, "");
    let (sender, mut stream) = (udp_sender(), connect(gelf.tcp));
    let mut send = |numbers: std::ops::Range<u64>| {
        for number in numbers {
            if number % 2 == 0 {
                sender.send_to(message(number).as_bytes(), gelf.udp).unwrap();
            } else {
                stream.write_all(format!("{}\0", message(number)).as_bytes()).unwrap();
            }
        }
    };
    send(0..2_000);
    gelf.await_stored(2_000);
    send(2_000..6_000);
    gelf.server.kill();
    let again = Gelf::start(&folder, "");
    let found = again.total("number:*");
    assert!((2_000..=6_000).contains(&found), "{found}");
    assert_eq!(again.total("number:<2000"), 2_000);
    assert_eq!(again.sum(STORED), found as f64, "what is counted is found");
    let stats = again.server.get("/api/search?query=number%3A*&from=0&to=now%2B1d&format=ndjson").text();
    let mut numbers: Vec<&str> = stats.lines().filter_map(|line| line.split("\"number\":").nth(1)).collect();
    let lines = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((lines as u64, numbers.len()), (found, lines), "found twice");
    // It goes on.
    udp_sender().send_to(message(6_000).as_bytes(), again.udp).unwrap();
    again.await_stored(found as usize + 1);
}

#[test]
fn on_a_full_disk_connections_wait_and_datagrams_are_counted() {
    const ROOM_KIB: u64 = 4_000;
    let folder = Folder::new();
    let config = super::config(&folder, "");
    let gelf =
        Gelf::started(Server::start_with_little_room(&folder.path("data"), ROOM_KIB, &["-c", &config]));
    let payload: String = (0..60_000_u32)
        .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
        .collect();
    let large = |number: u64| message(number).replace("failed", &payload);
    let mut stream = connect(gelf.tcp);
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let sender = udp_sender();
    let mut by_udp = 0;
    let mut by_tcp = 0;
    // Until nothing more is taken: the queue is full, and then what lies between.
    loop {
        sender.send_to(large(by_udp).as_bytes(), gelf.udp).unwrap();
        by_udp += 1;
        let frame = format!("{}\0", large(1_000_000 + by_tcp));
        if stream.write_all(frame.as_bytes()).is_err() {
            break;
        }
        by_tcp += 1;
        assert!(by_tcp < 20_000, "everything was taken");
    }
    // The last frame was cut, which is the only one that may be missing.
    drop(stream);
    // More than every buffer on the way has room for.
    for _ in 0..6_000 {
        sender.send_to(large(by_udp).as_bytes(), gelf.udp).unwrap();
        by_udp += 1;
    }
    until("drops by cause", || {
        (gelf.server.sum(DROPPED, &[]) + gelf.sum(DATAGRAMS_DROPPED) > 0.0).then_some(())
    });
    gelf.server.make_room();
    until("all that was sent by TCP", || (gelf.total("number:>=1000000") == by_tcp).then_some(()));
    let sent = by_udp as f64;
    until("the account of datagrams", || {
        (gelf.sum(DATAGRAMS) + gelf.sum(DATAGRAMS_DROPPED) == sent).then_some(())
    });
    until("an end of each datagram", || {
        let kept = gelf.total("number:<1000000") as f64;
        let by_cause = gelf.server.sum(DROPPED, &[("cause", "queue_full")]);
        let ends = kept + by_cause + gelf.sum(DATAGRAMS_DROPPED);
        assert!(ends <= sent, "{kept} {by_cause}");
        (ends == sent).then_some(())
    });
    // The cut frame is a reject.
    assert_eq!(gelf.sum(RECEIVED), gelf.sum(STORED) + gelf.sum(REJECTED) + gelf.sum(DROPPED));
}
