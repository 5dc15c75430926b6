//! The source of Redis lists against a real server: every entry comes once, whatever is killed.

#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise, and so may their helpers")]

use std::collections::{BTreeMap, HashSet};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use weir_ingest::redis::{BatchMax, RedisInput, RedisServer, RedisSource};
use weir_ingest::{Delivery, MessageBatch, MessageSink, Stopping};
use weir_record::Timestamp;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with a folder of its own that is gone when it is dropped.
struct Server {
    port: u16,
    folder: tempfile::TempDir,
    child: Child,
}

impl Server {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let child = Self::spawn(port, &folder);
        Self { port, folder, child }
    }

    fn spawn(port: u16, folder: &tempfile::TempDir) -> Child {
        Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "always", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed by .ci/setup")
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn restart(&mut self) {
        self.child = Self::spawn(self.port, &self.folder);
    }

    async fn connection(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        loop {
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
            {
                return connection;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Commits what it is given, as the program does, and remembers it through its crashes.
#[derive(Default)]
struct Committed {
    identities: Mutex<HashSet<[u8; 16]>>,
    entries: Mutex<BTreeMap<Vec<u8>, usize>>,
    known: Mutex<usize>,
    /// Holds back every answer as long as there are some.
    held: Mutex<Option<Vec<oneshot::Sender<()>>>>,
    caught_up: Mutex<Option<Timestamp>>,
}

impl Committed {
    fn count(&self) -> usize {
        self.entries.lock().unwrap().values().sum()
    }
}

impl MessageSink for Committed {
    fn try_put(&self, batch: MessageBatch) -> Result<(), MessageBatch> {
        for message in batch.messages {
            *self.entries.lock().unwrap().entry(message.bytes).or_default() += 1;
        }
        Ok(())
    }

    async fn put(&self, batch: MessageBatch) -> Result<(), Stopping> {
        self.try_put(batch).map_err(|_| Stopping)
    }

    async fn deliver(&self, batch: MessageBatch) -> Delivery {
        let is_new =
            self.identities.lock().unwrap().insert(batch.identity.expect("a batch of a list has one"));
        if is_new {
            let _ = self.try_put(batch);
        } else {
            *self.known.lock().unwrap() += 1;
        }
        let (release, released) = oneshot::channel();
        if let Some(answers) = self.held.lock().unwrap().as_mut() {
            answers.push(release);
        } else {
            drop(release);
        }
        let _ = released.await;
        if is_new { Delivery::Durable(Vec::new()) } else { Delivery::Known }
    }

    fn caught_up(&self, at: Timestamp) {
        *self.caught_up.lock().unwrap() = Some(at);
    }
}

fn lists(server: &Server, keys: &[&str]) -> RedisSource {
    RedisSource {
        name: "beaver".to_owned(),
        server: RedisServer { url: format!("redis://127.0.0.1:{}", server.port), password_file: None },
        input: RedisInput::Lists {
            keys: keys.iter().map(|&key| key.to_owned()).collect(),
            batch_max: BatchMax { entries: 100, bytes: 10_000 },
            instance: "i1".to_owned(),
        },
    }
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what} took too long"));
}

async fn push(connection: &mut redis::aio::MultiplexedConnection, key: &str, from: usize, to: usize) {
    let mut pipeline = redis::pipe();
    for number in from..to {
        pipeline.cmd("RPUSH").arg(key).arg(format!("{key} {number}")).ignore();
    }
    pipeline.query_async::<()>(connection).await.unwrap();
}

async fn keys(connection: &mut redis::aio::MultiplexedConnection) -> Vec<String> {
    redis::cmd("KEYS").arg("*").query_async(connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_several_lists_come_once_and_leave_nothing_behind() {
    let server = Server::start();
    let mut connection = server.connection().await;
    push(&mut connection, "a", 0, 1_234).await;
    push(&mut connection, "b", 0, 77).await;
    push(&mut connection, "long", 0, 1).await;
    let long = "x".repeat(50_000);
    for _ in 0..3 {
        let _: () = redis::cmd("RPUSH").arg("long").arg(&long).query_async(&mut connection).await.unwrap();
    }
    let committed = Arc::new(Committed::default());
    let (stop, stopping) = watch::channel(false);
    let source = lists(&server, &["a", "b", "long"]);
    let running = tokio::spawn(source.run(Arc::clone(&committed), stopping));
    until("reading", async || committed.count() == 1_234 + 77 + 4).await;
    until("deletion", async || keys(&mut connection).await.is_empty()).await;
    let caught_up_at = *committed.caught_up.lock().unwrap();
    until("being caught up", async || *committed.caught_up.lock().unwrap() > caught_up_at).await;
    push(&mut connection, "a", 2_000, 2_010).await;
    until("reading what comes later", async || committed.count() == 1_234 + 77 + 4 + 10).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(keys(&mut connection).await, Vec::<String>::new());
    let entries = committed.entries.lock().unwrap();
    assert_eq!(entries.get(long.as_bytes()), Some(&3));
    assert!(entries.iter().all(|(entry, &count)| count == 1 || entry.len() == 50_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_killed_between_commit_and_deletion_doubles_nothing() {
    let server = Server::start();
    let mut connection = server.connection().await;
    push(&mut connection, "a", 0, 1_000).await;
    let committed = Arc::new(Committed::default());
    *committed.held.lock().unwrap() = Some(Vec::new());
    let (_stop, stopping) = watch::channel(false);
    let running = tokio::spawn(lists(&server, &["a"]).run(Arc::clone(&committed), stopping.clone()));
    // Four batches are committed and none is deleted.
    until("four batches", async || committed.count() == 400).await;
    running.abort();
    let _ = running.await;
    *committed.held.lock().unwrap() = None;
    let _running = tokio::spawn(lists(&server, &["a"]).run(Arc::clone(&committed), stopping));
    until("the rest", async || committed.count() == 1_000).await;
    until("deletion", async || keys(&mut connection).await.is_empty()).await;
    assert_eq!(*committed.known.lock().unwrap(), 4);
    assert!(committed.entries.lock().unwrap().values().all(|&count| count == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_loses_and_doubles_nothing() {
    let mut server = Server::start();
    let committed = Arc::new(Committed::default());
    let (_stop, stopping) = watch::channel(false);
    let _running = tokio::spawn(lists(&server, &["a"]).run(Arc::clone(&committed), stopping));
    let mut acknowledged = 0;
    for round in 0..6 {
        let mut connection = server.connection().await;
        for chunk in 0..20 {
            let from = round * 10_000 + chunk * 50;
            push(&mut connection, "a", from, from + 50).await;
            acknowledged += 50;
        }
        server.kill();
        server.restart();
    }
    until("everything acknowledged", async || committed.count() >= acknowledged).await;
    let mut connection = server.connection().await;
    until("deletion", async || keys(&mut connection).await.is_empty()).await;
    assert_eq!(committed.count(), acknowledged);
    assert!(committed.entries.lock().unwrap().values().all(|&count| count == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_can_still_be_emptied() {
    let server = Server::start();
    let mut connection = server.connection().await;
    push(&mut connection, "a", 0, 5_000).await;
    let _: () = redis::pipe()
        .cmd("CONFIG")
        .arg("SET")
        .arg("maxmemory-policy")
        .arg("noeviction")
        .cmd("CONFIG")
        .arg("SET")
        .arg("maxmemory")
        .arg("100kb")
        .query_async(&mut connection)
        .await
        .unwrap();
    let pushed: Result<(), _> = redis::cmd("RPUSH").arg("a").arg("x").query_async(&mut connection).await;
    assert!(pushed.is_err(), "the server is not full");
    let committed = Arc::new(Committed::default());
    let (_stop, stopping) = watch::channel(false);
    let _running = tokio::spawn(lists(&server, &["a"]).run(Arc::clone(&committed), stopping));
    until("reading", async || committed.count() == 5_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_while_we_listen_comes() {
    let server = Server::start();
    let mut connection = server.connection().await;
    let committed = Arc::new(Committed::default());
    let (_stop, stopping) = watch::channel(false);
    let source = RedisSource {
        input: RedisInput::Channels(vec!["beaver".to_owned(), "logs.*".to_owned()]),
        ..lists(&server, &[])
    };
    let _running = tokio::spawn(source.run(Arc::clone(&committed), stopping));
    until("subscriptions", async || {
        let heard: usize =
            redis::cmd("PUBLISH").arg("logs.x").arg("hello").query_async(&mut connection).await.unwrap();
        heard == 1
    })
    .await;
    for number in 0..500 {
        let _: () =
            redis::cmd("PUBLISH").arg("beaver").arg(number).query_async(&mut connection).await.unwrap();
    }
    until("reading", async || committed.count() == 501).await;
}
