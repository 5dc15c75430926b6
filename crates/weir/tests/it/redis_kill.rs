//! The program is killed at any moment, and Redis too, while somebody pushes; each entry counts once all the same.
//!
//! Redis writes each command to its disk before it answers here (`appendfsync always`): with less, the last second of
//! a Redis that is killed may be forgotten, and nobody could promise anything about it.

use std::collections::BTreeSet;
use std::fs::{self};
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::support::redis::{Redis, RedisClient};
use crate::support::{Folder, Process, Random, Server, launch, until};

/// How often the program is killed at random.
const KILLS: usize = 30;

/// How often Redis is.
const REDIS_KILLS: usize = 8;

/// The steps of the commit, in their order.
const STEPS: [&str; 8] =
    ["gathered", "looked up", "prepared", "stored", "written", "published", "applied", "answered"];

/// SIGKILL.
const KILLED: i32 = 9;

/// A list that fills, and a data folder that survives each end of the process.
struct Victim {
    redis: Redis,
    folder: Folder,
    config: String,
    pushed: AtomicUsize,
}

impl Victim {
    fn new() -> Self {
        let (redis, folder) = (Redis::start(&[]), Folder::new());
        let url = redis.url();
        let sources = format!(
            "sources: [{{name: beaver, type: redis, url: \"{url}\", key: \"logstash:beaver\", batch: {{entries: 20}}}}]\n"
        );
        let config = folder.write("weir.yaml", sources);
        Self { redis, folder, config, pushed: AtomicUsize::new(0) }
    }

    fn data(&self) -> String {
        self.folder.path("data")
    }

    /// Pushes entries that are told apart by their number.
    fn push(&self, client: &mut RedisClient, count: usize) {
        let from = self.pushed.load(Ordering::SeqCst);
        let entries: Vec<String> = (from..from + count)
            .map(|number| {
                format!(
                    r#"{{"host":"web1","type":"app","tags":[],"message":"m","@timestamp":"2026-11-20T10:{:02}:00.000Z","@version":1,"number":{number}}}"#,
                    number % 60
                )
            })
            .collect();
        assert_eq!(client.push("logstash:beaver", &entries), count);
        self.pushed.store(from + count, Ordering::SeqCst);
    }

    fn launch(&self, crash_at: Option<&str>) -> Process {
        launch(&self.data(), &self.config, &self.folder.path("log"), crash_at)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path("log")).unwrap_or_default()
    }

    /// Lets it finish, and compares everything.
    #[track_caller]
    fn finish(&self) {
        let server = Server::start_in(&self.data(), &["-c", &self.config]);
        let pushed = self.pushed.load(Ordering::SeqCst);
        self.check(&server, pushed);
        let log = self.log();
        let complaints: BTreeSet<&str> = log.lines().filter(|line| line.contains("level=error")).collect();
        assert!(complaints.is_empty(), "{complaints:?}");
    }

    #[track_caller]
    fn check(&self, server: &Server, pushed: usize) {
        server.await_sum("weir_source_stored_total", &[("source", "beaver")], pushed as f64);
        let mut client = self.redis.client();
        until("the processing lists to go", || client.keys().is_empty().then_some(()));
        assert_eq!(server.sum("weir_source_received_total", &[("source", "beaver")]), pushed as f64);
        let lines = server.get("/api/search?query=source:beaver&from=0&to=now%2B1d&format=ndjson").text();
        let mut numbers = BTreeSet::new();
        for line in lines.lines() {
            let hit: Value = serde_json::from_str(line).unwrap();
            let number = hit["number"].as_u64().unwrap();
            assert!(numbers.insert(number), "{number} is there twice");
        }
        assert_eq!(numbers.len(), pushed);
    }
}

/// Waits for a time that a test chose at random.
fn linger(time: Duration) {
    let (_never, nothing) = std::sync::mpsc::sync_channel::<()>(0);
    let _ = nothing.recv_timeout(time);
}

#[test]
fn kills_at_random_while_somebody_pushes_neither_lose_nor_double_an_entry() {
    let seed = Random::seed_of_this_run();
    println!("WEIR_TEST_SEED={seed}");
    let (victim, mut random) = (Victim::new(), Random::new(seed));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = victim.redis.client();
            while !is_over.load(Ordering::SeqCst) {
                victim.push(&mut client, 25);
                linger(Duration::from_millis(5));
            }
        });
        for _ in 0..KILLS {
            let mut process = victim.launch(None);
            linger(Duration::from_micros(30_000 + random.below(500_000)));
            assert!(process.0.try_wait().unwrap().is_none(), "it ended by itself: {}", victim.log());
            process.0.kill().unwrap();
            assert_eq!(process.wait().signal(), Some(KILLED));
        }
        is_over.store(true, Ordering::SeqCst);
    });
    victim.finish();
    let log = victim.log();
    assert!(log.contains("looking at batches"), "no kill left a batch, so nothing was shown");
    println!("{KILLS} kills, {} entries, each counted once", victim.pushed.load(Ordering::SeqCst));
}

#[test]
fn a_crash_at_each_step_of_the_commit_neither_loses_nor_doubles_an_entry() {
    for step in STEPS {
        for times in [2, 3, 6] {
            let victim = Victim::new();
            let mut client = victim.redis.client();
            victim.push(&mut client, 100);
            let mut process = victim.launch(Some(&format!("{step}:{times}")));
            let status = until(&format!("the crash at `{step}` for the {times}. time"), || {
                let ended = process.0.try_wait().unwrap();
                if ended.is_none() {
                    victim.push(&mut client, 7);
                }
                ended
            });
            assert_eq!(status.signal(), Some(KILLED), "{step}:{times}: {}", victim.log());
            victim.finish();
        }
    }
}

#[test]
fn a_redis_that_is_killed_and_restarted_neither_loses_nor_doubles_what_it_acknowledged() {
    let seed = Random::seed_of_this_run();
    println!("WEIR_TEST_SEED={seed}");
    let (mut victim, mut random) = (Victim::new(), Random::new(seed));
    let server = Server::start_in(&victim.data(), &["-c", &victim.config]);
    let mut in_doubt = 0;
    for _ in 0..REDIS_KILLS {
        let mut client = victim.redis.client();
        victim.push(&mut client, 300);
        linger(Duration::from_micros(random.below(60_000)));
        // Pushed and not acknowledged: may be there or not, but not twice.
        for _ in 0..3 {
            in_doubt += 1;
            client.send(&[
                "RPUSH",
                "logstash:beaver",
                &format!(r#"{{"message":"d","number":{}}}"#, 1_000_000 + in_doubt),
            ]);
        }
        victim.redis.kill();
        linger(Duration::from_micros(random.below(400_000)));
        victim.redis.restart();
    }
    // Stopped for longer than any answer may take is the same as half open.
    let pushed = victim.pushed.load(Ordering::SeqCst);
    let mut client = victim.redis.client();
    until("everything to be taken", || client.keys().is_empty().then_some(()));
    let stored = || server.sum("weir_source_stored_total", &[("source", "beaver")]) as usize;
    until("everything to be stored", || (stored() >= pushed).then_some(()));
    let all = stored();
    assert!(all <= pushed + in_doubt, "{all} of {pushed} and {in_doubt} in doubt");
    victim.check(&server, all);
    assert!(!server.log().contains("forgot a batch"), "{}", server.log());
}
