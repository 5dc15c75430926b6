//! Ways to a Redis that are not the plain one: through TLS, in a cluster, and over a connection that is half dead.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;

use crate::support::redis::{Answer, Redis, RedisClient};
use crate::support::{Certificate, Folder, Server, until, within};

const KEY: &str = "logstash:beaver";

/// How long a connection may be silent before it is given up (15 s), and as long again.
const SILENCE_MAX: Duration = Duration::from_secs(45);

fn config(folder: &Folder, url: &str, rest: &str) -> String {
    let source = format!("name: beaver, type: redis, url: \"{url}\", key: \"{KEY}\"{rest}");
    folder.write("weir.yaml", format!("sources: [{{{source}}}]\n"))
}

fn entries(count: usize) -> Vec<String> {
    let entry = |number: usize| format!(r#"{{"host":"web1","type":"app","message":"m","number":{number}}}"#);
    (0..count).map(entry).collect()
}

/// Waits until exactly these entries are stored and nothing is left of them in Redis.
#[track_caller]
fn await_all(server: &Server, client: &mut RedisClient, count: usize) {
    server.await_sum("weir_source_stored_total", &[("source", "beaver")], count as f64);
    until("the lists to go", || client.keys().is_empty().then_some(()));
    let lines = server.get("/api/search?query=source:beaver&from=0&to=now%2B1d&format=ndjson").text();
    let number = |line: &str| serde_json::from_str::<Value>(line).unwrap()["number"].as_u64().unwrap();
    let mut numbers: Vec<u64> = lines.lines().map(number).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(0..count as u64), "{} entries of {count}", numbers.len());
}

#[test]
fn a_list_is_read_through_tls_of_an_authority_that_is_trusted() {
    let folder = Folder::new();
    let Certificate { certificate, key } = Certificate::new(&folder);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let tls = ["--tls-port", &port.to_string(), "--tls-auth-clients", "no", "--tls-cert-file", &certificate];
    let redis =
        Redis::start(&[&tls[..], &["--tls-key-file", &key, "--tls-ca-cert-file", &certificate]].concat());
    let mut client = redis.client();
    client.push(KEY, &entries(20));
    let config = config(&folder, &format!("rediss://127.0.0.1:{port}"), "");

    let distrustful = Server::start(&["-c", &config]);
    until("the warning", || distrustful.log().contains("unavailable").then_some(()));
    let log = distrustful.log();
    assert!(log.contains("ertificate"), "{log}");
    assert_eq!(client.ask(&["LLEN", KEY]), Answer::Number(20));
    drop(distrustful);

    let server = Server::start_with(&[("SSL_CERT_FILE", &certificate)], &["-c", &config]);
    await_all(&server, &mut client, 20);
}

#[test]
fn a_node_of_a_cluster_is_asked_for_keys_of_one_slot_alone() {
    let redis = Redis::start(&["--cluster-enabled", "yes"]);
    let mut client = redis.client();
    assert_eq!(client.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), Answer::Text("OK".to_owned()));
    until("the cluster to serve", || {
        let Answer::Text(info) = client.ask(&["CLUSTER", "INFO"]) else { panic!("no text") };
        info.contains("cluster_state:ok").then_some(())
    });
    client.push(KEY, &entries(1_000));
    let folder = Folder::new();
    let config = config(&folder, &redis.url(), ", batch: {entries: 50}");
    let server = Server::start(&["-c", &config]);
    await_all(&server, &mut client, 1_000);
    // A slot that another node has is named with its node, and nothing is torn apart.
    assert!(matches!(client.ask(&["CLUSTER", "DELSLOTSRANGE", "0", "16383"]), Answer::Text(_)));
    until("the warning", || server.log().contains("unavailable").then_some(()));
    client.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    until("it to work again", || server.log().contains("works again").then_some(()));
}

#[test]
fn a_server_that_hangs_in_the_middle_neither_loses_nor_doubles_an_entry() {
    let redis = Redis::start(&[]);
    let mut client = redis.client();
    client.push(KEY, &entries(5_000));
    let folder = Folder::new();
    let config = config(&folder, &redis.url(), ", batch: {entries: 5}");
    let server = Server::start(&["-c", &config]);
    until("a part to be stored", || {
        let stored = server.sum("weir_source_stored_total", &[("source", "beaver")]);
        (stored >= 50.0).then_some(())
    });
    redis.freeze();
    within(SILENCE_MAX, "the connection to be given up", || {
        server.log().contains("unavailable").then_some(())
    });
    // What it had is answered all the same.
    assert_eq!(server.get("/-/healthy").status, 200);
    redis.thaw();
    await_all(&server, &mut client, 5_000);
}
