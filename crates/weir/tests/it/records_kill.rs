//! The program is killed while records become files and small files become large ones, and each record is found
//! once all the same.
//!
//! The commit itself is in `kill`, whose account of each line includes the records. Here it is what happens to
//! records later, when nobody would send them again: a roll, a join and a deletion, at each of their steps and at
//! random moments.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::support::{
    Account, Folder, Process, Random, Server, get, gzip, metrics, now_seconds, request, serve_command,
    try_request, until,
};

const COUNT: &str = "alb_log_request_count_total";

/// Files of like size that are joined.
const FILES_OF_A_JOIN: usize = 8;

/// How often the process is killed at random.
const KILLS: usize = 40;

/// SIGKILL.
const KILLED: i32 = 9;

/// Logs that grow in number, and a data folder that survives each end of the process.
struct Victim {
    folder: Folder,
    config: String,
    account: Account,
    files: u64,
    random: Random,
    /// A time some while ago, in seconds.
    base: i64,
}

impl Victim {
    fn new(seed: u64) -> Self {
        let folder = Folder::new();
        let pattern = folder.path("*.gz");
        let config =
            folder.write("weir.yaml", format!("sources: [{{name: alb, type: alb, path: \"{pattern}\"}}]\n"));
        let base = now_seconds() / 86_400 * 86_400 - 86_400;
        Self { folder, config, account: Account::default(), files: 0, random: Random::new(seed), base }
    }

    fn data(&self) -> String {
        self.folder.path("data")
    }

    /// Lets a file of some records arrive; one in three is of the day before.
    fn feed(&mut self) {
        let mut text = String::new();
        for _ in 0..1 + self.random.below(4) {
            let day_before = if self.random.once_in(3) { 86_400 } else { 0 };
            let second = self.base - day_before + i64::try_from(self.random.below(3_000)).unwrap();
            let path = self.random.pick(&["/", "/cart", "/orders"]);
            let status = [200, 404, 503][self.random.below(3) as usize];
            let count = 1 + self.random.below(3);
            text += &self.account.requests(second, path, status, count);
        }
        self.account.objects += 1;
        self.files += 1;
        self.folder.publish(&format!("{}.gz", self.files), gzip(text));
    }

    /// Starts the program and waits for nothing.
    fn launch(&self, crash_at: Option<&str>) -> Process {
        let mut command = serve_command(&self.data(), &["-c", &self.config]);
        command.envs(crash_at.map(|step| ("WEIR_CRASH_AT", step)));
        let log = File::create(self.folder.path("log")).unwrap();
        Process(command.stderr(log).spawn().unwrap())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path("log")).unwrap_or_default()
    }

    /// The address of a process, once it serves; `None` when it has ended before.
    fn address(&self, process: &mut Process) -> Option<String> {
        until("the server to start or to end", || {
            let log = self.log();
            let line = log.lines().find(|line| line.contains("message=started"));
            let address =
                line.and_then(|line| line.split(' ').find_map(|word| word.strip_prefix("address=")));
            match address {
                Some(address) => Some(Some(address.to_owned())),
                None => process.0.try_wait().unwrap().map(|_| None),
            }
        })
    }

    /// Compares everything with what it should be, before everything is in files and after.
    #[track_caller]
    fn check(&self) {
        let server = Server::start_in(&self.data(), &["-c", &self.config]);
        server.await_sum(COUNT, &[], self.account.total() as f64);
        self.account.check(&server, "alb");
        roll(&server.address).expect("the server lives");
        self.account.check(&server, "alb");
        let log = server.log();
        assert!(!log.contains("level=error"), "{log}");
        self.check_folder();
    }

    /// Nothing lies around that nobody will ever ask for.
    #[track_caller]
    fn check_folder(&self) {
        let store = format!("{}/store", self.data());
        let names = |folder: &str| -> Vec<String> {
            let entries = fs::read_dir(format!("{store}/{folder}")).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path().display().to_string()).collect()
        };
        assert_eq!(names("pending"), [""; 0]);
        assert_eq!(names("wal"), [""; 0]);
        assert_eq!(names("damaged"), [""; 0]);
    }
}

/// Has everything that is in memory written to files, as a deletion of nothing does; `None` if the server is gone.
fn roll(address: &str) -> Option<()> {
    let nobody = br#"{"query": "user_email:nobody", "from": "0", "to": "1", "dry_run": false}"#;
    let headers = [("Content-Type", "application/json")];
    let answer = try_request(address, "POST", "/api/delete", &headers, nobody)?;
    assert_eq!(answer.status, 200, "{}", answer.lossy());
    Some(())
}

/// The sum of a metric, if the server lives.
fn sum(address: &str, name: &str) -> Option<f64> {
    let answer = try_request(address, "GET", "/metrics", &[], b"")?;
    Some(metrics::sum(&answer.text(), name, &[]))
}

/// Feeds a process and has it make files until it has ended; `true` if it was fed often enough without that.
fn feed_until_it_ends(victim: &mut Victim, process: &mut Process, rounds: usize) -> bool {
    let Some(address) = victim.address(process) else { return false };
    for _ in 0..rounds {
        victim.feed();
        let total = victim.account.total() as f64;
        let goes_on = until("the records, or the end", || match sum(&address, COUNT) {
            Some(sum) if sum < total => None,
            Some(_) => Some(true),
            None => Some(false),
        });
        if !goes_on || roll(&address).is_none() {
            return false;
        }
    }
    true
}

/// Crashes at a step for the `times`-th time, and looks what is left.
#[track_caller]
fn crash_and_check(step: &str, times: usize) {
    let mut victim = Victim::new(times as u64);
    let mut process = victim.launch(Some(&format!("{step}:{times}")));
    let has_survived = feed_until_it_ends(&mut victim, &mut process, 5 * FILES_OF_A_JOIN);
    assert!(!has_survived, "no crash at `{step}` for the {times}. time: {}", victim.log());
    assert_eq!(process.wait().signal(), Some(KILLED), "{step}:{times}: {}", victim.log());
    victim.check();
}

#[test]
fn a_crash_at_each_step_of_a_roll_and_of_a_join_loses_and_doubles_no_record() {
    // Rolls come one by one, and are listed too; about the ninth change is the first join.
    let join = FILES_OF_A_JOIN + 1;
    let all = [1, 2, join, join + 1];
    for (step, times) in [("store performed", &all[..2]), ("store listed", &all), ("store applied", &all)] {
        std::thread::scope(|scope| {
            for &times in times {
                // The name is in the message of what fails.
                let thread = std::thread::Builder::new().name(format!("crash at `{step}:{times}`"));
                thread.spawn_scoped(scope, move || crash_and_check(step, times)).unwrap();
            }
        });
    }
}

#[test]
fn kills_at_random_while_files_are_made_lose_and_double_no_record() {
    let seed = Random::seed_of_this_run();
    println!("WEIR_TEST_SEED={seed}");
    let mut victim = Victim::new(seed);
    for _ in 0..KILLS {
        let mut process = victim.launch(None);
        let address = victim.address(&mut process).expect("it serves");
        let rounds = victim.random.below(4);
        std::thread::scope(|scope| {
            let moment = Duration::from_micros(victim.random.below(400_000));
            let id = process.0.id();
            scope.spawn(move || {
                linger(moment);
                assert!(kill(id));
            });
            for _ in 0..=rounds {
                victim.feed();
                let _ = roll(&address);
            }
        });
        assert_eq!(process.wait().signal(), Some(KILLED));
    }
    victim.check();
}

/// What a deletion is asked to remove, and what is left then.
#[test]
fn a_crash_in_a_deletion_leaves_all_or_nothing_of_it() {
    for (step, times) in
        [("store listed", 1), ("store listed", 2), ("store applied", 1), ("store applied", 2)]
    {
        let mut victim = Victim::new(7);
        (0..4).for_each(|_| victim.feed());
        let mut process = victim.launch(Some(&format!("{step}:{times}")));
        let address = victim.address(&mut process).expect("it serves");
        let total = victim.account.total() as f64;
        until("the records", || (sum(&address, COUNT)? == total).then_some(()));
        let query = br#"{"query": "path:/cart", "from": "0", "to": "now", "dry_run": false}"#;
        let headers = [("Content-Type", "application/json")];
        assert!(try_request(&address, "POST", "/api/delete", &headers, query).is_none());
        assert_eq!(process.wait().signal(), Some(KILLED), "{step}:{times}");

        let server = Server::start_in(&victim.data(), &["-c", &victim.config]);
        let found = |query: &str| {
            let answer =
                get(&server.address, &format!("/api/search?from=0&to=now&limit=0&query={query}")).json();
            answer["total"].as_u64().unwrap_or_else(|| panic!("{answer}"))
        };
        let of_path = |path: &str| -> u64 {
            let of_path = victim.account.by_series.iter().filter(|((own, _), _)| own == path);
            of_path.map(|(_, count)| count).sum()
        };
        let (all, carts) = (victim.account.total(), of_path("/cart"));
        assert!(carts > 0 && carts < all);
        let left = found("path:/cart");
        assert!(left == 0 || left == carts, "{step}:{times}: {left} of {carts} are left");
        assert_eq!(found("*"), all - carts + left, "{step}:{times}");
        let answer = request(&server.address, "POST", "/api/delete", &headers, query);
        assert_eq!(answer.json()["records"].as_u64(), Some(left), "{}", answer.lossy());
        assert_eq!((found("path:/cart"), found("*")), (0, all - carts));
        assert_eq!(server.sum(COUNT, &[]), total, "counts stay");
    }
}

/// Waits for a time that a test chose at random.
fn linger(time: Duration) {
    let (_never, nothing) = std::sync::mpsc::sync_channel::<()>(0);
    let _ = nothing.recv_timeout(time);
}

/// Ends a process at once; says whether it was there.
fn kill(id: u32) -> bool {
    let killed = std::process::Command::new("kill").args(["-9", &id.to_string()]).status();
    killed.unwrap().success()
}
