//! The program is killed at any moment, hundreds of times, while a queue delivers everything more than once;
//! what it says in the end is what an independent count says.
//!
//! A wrong order of two steps in the commit shows only in a crash between them. Moments at random find what
//! nobody thought of; the named steps find it each time.

use std::collections::BTreeSet;
use std::fs::{self};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::support::aws::Bucket;
use crate::support::{
    Account, Folder, Process, Random, Server, alb_key, get, gzip, launch, metrics, now_seconds, until, within,
};

/// How often the process is killed at random.
const KILLS: usize = 200;

/// Messages that wait at each start, at least, so that it always has something to do. Few, since a commit
/// comes when the work pauses.
const WAITING_MIN: u64 = 6;

/// How often most objects are told of, besides what the queue repeats by itself.
const TELLINGS: usize = 3;

/// The steps of the commit, in their order.
const STEPS: [&str; 8] =
    ["gathered", "looked up", "prepared", "stored", "written", "published", "applied", "answered"];

/// SIGKILL.
const KILLED: i32 = 9;

/// The longest that the last messages may be hidden from a server that took over, and the work on them.
const LAST_MESSAGES_MAX: Duration = Duration::from_secs(120);

/// A bucket that fills, and a data folder that survives each end of the process.
struct Victim {
    bucket: Bucket,
    folder: Folder,
    config: String,
    random: Random,
    account: Account,
    /// A time some while ago, in seconds.
    base: i64,
    /// Keys that may be told of again.
    told: Vec<String>,
    messages: usize,
}

impl Victim {
    fn new(name: &str) -> Self {
        let bucket = Bucket::without_notifications(name);
        let folder = Folder::new();
        let sources = format!("sources: [{{name: alb, type: alb, {}}}]\n", bucket.sqs("receives_max: 1000"));
        let config = folder.write("weir.yaml", sources);
        let base = now_seconds() / 300 * 300 - 7_200;
        let (random, account) = (Random::new(0x9e37_79b9_7f4a_7c15), Account::default());
        Self { bucket, folder, config, random, account, base, told: Vec::new(), messages: 0 }
    }

    fn data(&self) -> String {
        self.folder.path("data")
    }

    /// Puts new objects of few lines, and says so several times.
    fn feed(&mut self, objects: usize) {
        let mut keys = Vec::new();
        for _ in 0..objects {
            let mut text = String::new();
            for _ in 0..=self.random.below(3) {
                let second = self.base + i64::try_from(self.random.below(3_000)).unwrap();
                let path = ["/", "/cart", "/orders", "/search"][self.random.below(4) as usize];
                let status = [200, 200, 404, 503][self.random.below(4) as usize];
                let count = 1 + self.random.below(4);
                text += &self.account.requests(second, path, status, count);
            }
            if self.random.below(5) == 0 {
                text += &self.account.reject();
            }
            self.account.objects += 1;
            let node = format!("10.0.0.{}", self.random.below(3));
            let key = alb_key(self.base + 3_000, &node, &format!("{:08}", self.account.objects));
            self.bucket.put(&key, gzip(text));
            keys.push(key);
        }
        // Some are told of once: only that no message goes before its objects are durable keeps those.
        let mut often = keys.split_off(keys.len() / 3);
        let mut bodies: Vec<String> = keys.iter().map(|key| self.bucket.notification(&[key])).collect();
        for _ in 0..TELLINGS {
            // In other company each time, and now and then one of old.
            for at in (1..often.len()).rev() {
                often.swap(at, self.random.below(at as u64 + 1) as usize);
            }
            for keys in often.chunks(2) {
                let old = self.told.get(self.random.below(self.told.len() as u64 * 4 + 4) as usize);
                let keys: Vec<&str> = keys.iter().chain(old).map(String::as_str).collect();
                bodies.push(self.bucket.notification(&keys));
            }
        }
        self.messages += bodies.len();
        self.bucket.queue.send_all(&bodies);
        self.told.append(&mut often);
    }

    /// Starts the program and does not wait for anything.
    fn launch(&self, crash_at: Option<&str>) -> Process {
        launch(&self.data(), &self.config, &self.folder.path("log"), crash_at)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path("log")).unwrap_or_default()
    }

    /// Lets it finish, and compares everything.
    #[track_caller]
    fn finish(&self) -> Server {
        let server = Server::start_in(&self.data(), &["-c", &self.config]);
        within(LAST_MESSAGES_MAX, "the queue to be empty", || {
            (self.bucket.queue.message_counts() == (0, 0)).then_some(())
        });
        self.account.check(&server, "alb");
        assert_eq!(server.sum("weir_source_given_up_total", &[]), 0.0, "{}", server.log());
        let log = self.log();
        let complaints: BTreeSet<&str> = log.lines().filter(|line| line.contains("level=error")).collect();
        assert!(complaints.is_empty(), "{complaints:?}");
        server
    }
}

/// Waits for a time that a test chose at random.
fn linger(time: Duration) {
    let (_never, nothing) = std::sync::mpsc::sync_channel::<()>(0);
    let _ = nothing.recv_timeout(time);
}

/// What a server has done by now: objects counted, and objects met again.
fn progress(victim: &Victim, address: &str) -> f64 {
    // It is read while the server lives, since only the test kills it.
    let metrics = get(address, "/metrics").text();
    let sum = |name: &str| metrics::sum(&metrics, name, &[]);
    assert!(sum("weir_source_objects_total") <= victim.account.objects as f64, "more objects than there are");
    sum("weir_source_objects_total") + sum("weir_duplicate_objects_total")
}

/// Starts the program and kills it at a moment that `random` chooses; says whether it had committed anything.
fn start_and_kill(victim: &mut Victim, kill: usize) -> bool {
    let starts = victim.log().matches("message=started").count();
    let mut process = victim.launch(None);
    let mut has_committed = false;
    if kill.is_multiple_of(5) {
        // While it opens what the last kill left.
        linger(Duration::from_millis(victim.random.below(80)));
    } else {
        let address = until("the server to start", || {
            assert!(process.0.try_wait().unwrap().is_none(), "it ended by itself: {}", victim.log());
            let log = victim.log();
            let line = log.lines().filter(|line| line.contains("message=started")).nth(starts)?;
            line.split(' ').find_map(|word| word.strip_prefix("address=")).map(str::to_owned)
        });
        if kill % 5 <= 2 {
            // On its way to the first commit, or in it.
            linger(Duration::from_micros(victim.random.below(400_000)));
        } else {
            // Behind a commit: between that and the deletion of its messages, or in the next.
            let before = progress(victim, &address);
            until("a commit", || (progress(victim, &address) > before).then_some(()));
            has_committed = true;
            linger(Duration::from_micros(victim.random.below(150_000)));
        }
    }
    assert!(process.0.try_wait().unwrap().is_none(), "it ended by itself: {}", victim.log());
    process.0.kill().unwrap();
    assert_eq!(process.wait().signal(), Some(KILLED));
    has_committed
}

#[test]
fn two_hundred_kills_at_random_neither_lose_nor_double_a_line() {
    let mut victim = Victim::new("kill");
    let mut commits = 0;
    for kill in 0..KILLS {
        let (waiting, _) = victim.bucket.queue.message_counts();
        if waiting < WAITING_MIN {
            victim.feed(6);
        }
        commits += usize::from(start_and_kill(&mut victim, kill));
    }
    let (waiting, hidden) = victim.bucket.queue.message_counts();
    let server = victim.finish();
    println!(
        "{KILLS} kills, {commits} of them soon after a commit; {} objects, told of in {} messages, of which {} were \
         left at the last kill; objects met again {}; {} requests and {} rejects, each counted once",
        victim.account.objects,
        victim.messages,
        waiting + hidden,
        server.sum("weir_duplicate_objects_total", &[]),
        victim.account.total(),
        victim.account.rejects
    );
    assert!(
        server.sum("weir_duplicate_objects_total", &[]) > 0.0,
        "nothing came again, so nothing was shown"
    );
}

#[test]
fn a_crash_at_each_step_of_the_commit_neither_loses_nor_doubles_a_line() {
    let mut victims = Vec::new();
    for step in STEPS {
        for times in [1, 2, 5] {
            let mut victim = Victim::new("step");
            victim.feed(8);
            let mut process = victim.launch(Some(&format!("{step}:{times}")));
            // It is fed as long as it lives: groups that it waits for must come.
            let status = until(&format!("the crash at `{step}` for the {times}. time"), || {
                let ended = process.0.try_wait().unwrap();
                if ended.is_none() {
                    victim.feed(3);
                }
                ended
            });
            assert_eq!(status.signal(), Some(KILLED), "{step}:{times}: {}", victim.log());
            victims.push((step, times, victim));
        }
    }
    // By now the messages of the first ones are not hidden any more.
    for (step, times, victim) in victims {
        println!("after the crash at `{step}` for the {times}. time");
        victim.finish();
    }
}
