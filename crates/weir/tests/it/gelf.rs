//! GELF as it is sent: by the clients in use, by peers that mean no good, under a flood, and while the server dies.
//!
//! What was sent is compared with two accounts: datagrams, of which the kernel counts those that it drops, and
//! messages, each of which is stored, rejected or dropped for a cause.

mod clients;
mod faults;
mod hostile;

use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};

use crate::support::{Folder, Server, until};

const RECEIVED: &str = "weir_source_received_total";
const STORED: &str = "weir_source_stored_total";
const REJECTED: &str = "weir_source_rejected_total";
const DROPPED: &str = "weir_source_dropped_total";
const DATAGRAMS: &str = "weir_gelf_datagrams_total";
const DATAGRAMS_DROPPED: &str = "weir_gelf_datagrams_dropped_total";

/// A server with a source of GELF on ports of its own choice.
struct Gelf {
    server: Server,
    udp: SocketAddr,
    tcp: SocketAddr,
}

impl Gelf {
    /// Starts it with a data folder that may have been used before; `keys` are more keys of the source.
    #[track_caller]
    fn start(folder: &Folder, keys: &str) -> Self {
        Self::started(Server::start_in(&folder.path("data"), &["-c", &config(folder, keys)]))
    }

    #[track_caller]
    fn started(server: Server) -> Self {
        let (udp, tcp) = (server.listens_at("udp"), server.listens_at("t"));
        Self { server, udp, tcp }
    }

    fn sum(&self, name: &str) -> f64 {
        self.server.sum(name, &[("source", "errors")])
    }

    /// Waits until so many messages are stored, and fails if there are more.
    #[track_caller]
    fn await_stored(&self, count: usize) {
        self.server.await_sum(STORED, &[("source", "errors")], count as f64);
    }

    /// Waits until the accounts have this many datagrams and messages, and compares them with their parts.
    #[track_caller]
    fn await_account(&self, datagrams: u64, messages: u64) {
        until(&format!("{datagrams} datagrams and {messages} messages in the account"), || {
            let datagrams_now = self.sum(DATAGRAMS) + self.sum(DATAGRAMS_DROPPED);
            let received = self.sum(RECEIVED);
            assert!(
                datagrams_now <= datagrams as f64 && received <= messages as f64,
                "{datagrams_now} {received}"
            );
            (datagrams_now == datagrams as f64 && received == messages as f64).then_some(())
        });
        assert_eq!(self.sum(RECEIVED), self.sum(STORED) + self.sum(REJECTED) + self.sum(DROPPED));
    }

    /// How many records match.
    #[track_caller]
    fn total(&self, query: &str) -> u64 {
        let query = crate::support::escaped(query);
        let answer = self.server.get(&format!("/api/search?query={query}&from=0&to=now%2B1d&limit=0")).json();
        answer["total"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    /// The newest records that match.
    #[track_caller]
    fn hits(&self, query: &str) -> Vec<serde_json::Value> {
        let query = crate::support::escaped(query);
        let answer =
            self.server.get(&format!("/api/search?query={query}&from=0&to=now%2B1d&limit=1000")).json();
        answer["hits"].as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    }
}

/// A config with one source of GELF.
fn config(folder: &Folder, keys: &str) -> String {
    let text = format!(
        "sources: [{{name: errors, type: gelf, udp: \"127.0.0.1:0\", tcp: \"127.0.0.1:0\"{keys}}}]\n"
    );
    folder.write("weir.yaml", text)
}

fn udp_sender() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).unwrap()
}

/// A message with a number to be found by.
fn message(number: u64) -> String {
    format!(r#"{{"version":"1.1","host":"web-1","short_message":"failed","level":3,"_number":{number}}}"#)
}

#[test]
fn messages_are_found_by_logstashs_names_within_two_seconds() {
    let folder = Folder::new();
    let gelf = Gelf::start(&folder, "");
    let text = r#"{"version":"1.1","host":"web-1","short_message":"no such order","full_message":"no such order\n  at shop","level":3,"_user_email":"ann@example.com","_id":"x","_request_id":"r7"}"#;
    udp_sender().send_to(text.as_bytes(), gelf.udp).unwrap();
    connect(gelf.tcp).write_all(format!("{text}\0{}", message(1)).as_bytes()).unwrap();
    gelf.await_stored(3);
    let hits = gelf.hits(r#"user_email:"ann@example.com""#);
    assert_eq!(hits.len(), 2);
    for (name, expected) in [
        ("message", "no such order\n  at shop"),
        ("short_message", "no such order"),
        ("host", "web-1"),
        ("node", "web-1"),
        ("source_host", "127.0.0.1"),
        ("id_", "x"),
        ("request_id", "r7"),
        ("version", "1.1"),
    ] {
        assert_eq!(hits[0][name], expected, "{name}: {}", hits[0]);
    }
    assert_eq!(hits[0]["level"], 3);
    assert_eq!(gelf.total("number:1 AND level:<=3"), 1);
    gelf.await_account(1, 3);
    let status = gelf.server.get("/api/sources").json()["sources"][0].clone();
    assert_eq!((&status["kind"], &status["datagrams"]["read"]), (&"gelf".into(), &1.into()), "{status}");
}

#[test]
fn what_comes_after_a_stop_has_begun_is_in_the_account_of_nobody_but_what_came_before_is_kept() {
    let folder = Folder::new();
    let gelf = Gelf::start(&folder, "");
    let sender = udp_sender();
    for number in 0..500 {
        sender.send_to(message(number).as_bytes(), gelf.udp).unwrap();
    }
    let mut stream = connect(gelf.tcp);
    for number in 500..1_000 {
        stream.write_all(format!("{}\0", message(number)).as_bytes()).unwrap();
    }
    let (code, log) = gelf.server.terminate();
    assert_eq!(code, Some(0), "{log}");
    let again = Gelf::start(&folder, "");
    assert_eq!(again.total("number:*"), 1_000, "{log}");
}
