//! A ledger on a simulated disk, and what must be in it.
//!
//! Each transaction leaves its number in several tables, so that one which is there in part, twice, or
//! although it was given up is seen wherever it left something.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use weir_ledger::{Ledger, LedgerError, ObjectEntry, ObjectId, QueueItem, View, Writing};
use weir_meter::durable::{SeriesId, StoredCounts, StoredLabels};
use weir_record::{Minute, Origin, Timestamp};
use weir_sim::Disk;

/// How a transaction ended, as its author saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Committed,
    DiskFull,
    Io,
}

/// A disk, the ledger on it, and the transactions that must be in it.
pub struct History {
    pub disk: Disk,
    ledger: Option<Ledger>,
    /// Transactions by number, with their rows.
    committed: BTreeMap<u64, u64>,
    /// The last number that was tried, and its rows.
    last: (u64, u64),
}

impl History {
    /// A new ledger on a new disk.
    pub fn begin() -> Self {
        let disk = Disk::new();
        let ledger = Some(open(&disk));
        Self { disk, ledger, committed: BTreeMap::new(), last: (0, 0) }
    }

    pub fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().unwrap()
    }

    /// Tries one transaction of so many rows.
    pub fn commit(&mut self, rows: u64) -> Outcome {
        let number = self.last.0 + 1;
        self.last = (number, rows);
        let outcome = match self.ledger().write(|w| change(w, number, rows)) {
            Ok(()) => Outcome::Committed,
            Err(LedgerError::DiskFull(_)) => Outcome::DiskFull,
            Err(LedgerError::Io(_)) => Outcome::Io,
            Err(error) => panic!("transaction {number}: {error}"),
        };
        if outcome == Outcome::Committed {
            self.committed.insert(number, rows);
        }
        outcome
    }

    /// Begins a transaction and gives it up at its end.
    pub fn give_up(&mut self, rows: u64) {
        self.last = (self.last.0 + 1, rows);
        let number = self.last.0;
        let given_up = self.ledger().write(|w| {
            change(w, number, rows)?;
            Err::<(), _>(LedgerError::GivenUp("no more".into()))
        });
        assert!(matches!(given_up, Err(LedgerError::GivenUp(_))));
    }

    /// Cuts the power and opens the ledger again.
    pub fn cut_power(&mut self, seed: u64) {
        self.disk.cut_power(seed);
        self.ledger = None;
        self.ledger = Some(open(&self.disk));
    }

    /// Cuts the power, and again after so many writes and syncs of the repair.
    pub fn cut_power_while_repairing(&mut self, calls: u64, seed: u64) {
        self.disk.cut_power(seed);
        self.ledger = None;
        self.disk.fail_after(calls, ErrorKind::Other);
        drop(try_open(&self.disk));
        self.cut_power(!seed);
    }

    /// Closes the ledger and opens it again.
    pub fn restart(&mut self) {
        self.ledger = None;
        self.ledger = Some(open(&self.disk));
    }

    /// After a crash: the last transaction may be there, unless it was acknowledged: then it must be.
    pub fn check_after(&mut self, outcome: Outcome) {
        let (number, rows) = self.last;
        let is_there = self.ledger().read(|r| r.object(id(number))).unwrap().is_some();
        assert!(
            is_there || outcome != Outcome::Committed,
            "transaction {number} was acknowledged and is gone"
        );
        if is_there {
            self.committed.insert(number, rows);
        }
        self.check();
    }

    /// After a failure: tries the last transaction again, as the server would, so that it is there. Whether
    /// it had been there all the time.
    pub fn check_after_retry(&mut self, outcome: Outcome) -> bool {
        let (number, rows) = self.last;
        let mut was_committed = false;
        if outcome != Outcome::Committed {
            match self.ledger().write(|w| change(w, number, rows)) {
                Ok(()) => {}
                Err(LedgerError::WasCommitted) => was_committed = true,
                Err(error) => panic!("transaction {number} again: {error}"),
            }
            self.committed.insert(number, rows);
        }
        self.check();
        was_committed
    }

    /// Checks that the committed transactions are there, and nothing else.
    pub fn check(&self) {
        self.ledger()
            .read(|r| {
                for number in 1..=self.last.0 {
                    assert_eq!(r.object(id(number))?.is_some(), self.committed.contains_key(&number));
                }
                let rows: Vec<(u64, u64)> =
                    r.series("metrics")?.iter().map(|(id, _, counts)| (id.birth, counts.requests)).collect();
                assert_eq!(rows, expected_series(&self.committed));
                let bodies: Vec<usize> =
                    r.queue_front("queue", usize::MAX)?.iter().map(|(_, item)| item.body.len()).collect();
                let expected: Vec<usize> = self.committed.values().map(|&rows| body_len(rows)).collect();
                assert_eq!(bodies, expected);
                let bytes: usize = expected.iter().sum();
                assert_eq!(r.queue_bytes("queue")?, (expected.len() as u64, bytes as u64));
                assert_eq!(r.keys_len()?, expected.len() as u64);
                assert_eq!(pending(r), (!expected.is_empty()).then_some(()));
                assert_eq!(r.state("last")?, self.committed.keys().next_back().copied());
                Ok(())
            })
            .unwrap();
    }
}

fn open(disk: &Disk) -> Ledger {
    try_open(disk).unwrap()
}

fn try_open(disk: &Disk) -> Result<Ledger, LedgerError> {
    let disk = disk.clone();
    Ledger::open_backend(move || Ok(Box::new(disk.backend())))
}

fn id(number: u64) -> ObjectId {
    ObjectId::of(&["bucket", &number.to_string()])
}

const fn body_len(rows: u64) -> usize {
    rows as usize * 90
}

/// Each transaction adds its number to each of its series, from 1 to the number of its rows.
fn expected_series(committed: &BTreeMap<u64, u64>) -> Vec<(u64, u64)> {
    let mut sums = BTreeMap::new();
    for (&number, &rows) in committed {
        for birth in 1..=rows {
            *sums.entry(birth).or_insert(0) += number;
        }
    }
    sums.into_iter().collect()
}

fn pending<A: weir_ledger::Access>(view: &View<A>) -> Option<()> {
    view.pending_minutes("target").unwrap().map(|(first, last)| assert_eq!(first, last))
}

/// What a transaction does.
fn change(w: &Writing<'_>, number: u64, rows: u64) -> Result<(), LedgerError> {
    let entry = ObjectEntry { etag: "etag".into(), size: 1, text_hash: 2, committed_at_us: 3 };
    w.put_object(id(number), &entry)?;
    let known: BTreeMap<u64, u64> =
        w.series("metrics")?.iter().map(|(id, _, counts)| (id.birth, counts.requests)).collect();
    for birth in 1..=rows {
        let series = SeriesId { origin: Origin::Nginx, birth };
        let requests = known.get(&birth).copied().unwrap_or(0) + number;
        if !known.contains_key(&birth) {
            w.put_labels("metrics", series, &labels())?;
        }
        w.put_counts("metrics", series, &StoredCounts { requests, ..Default::default() })?;
        w.add_pending("target", Minute(5), series, &StoredCounts { requests: 1, ..Default::default() })?;
    }
    w.push_queue("queue", &QueueItem { body: vec![200; body_len(rows)], ..Default::default() })?;
    w.put_key(id(number).0, Timestamp::from_micros(1))?;
    w.put_state("last", &number)
}

fn labels() -> StoredLabels {
    StoredLabels {
        host: "h".into(),
        method: "GET".into(),
        path: "/".into(),
        target_group: "".into(),
        application: "".into(),
        status: None,
        is_configured: false,
        is_host_configured: false,
        folding: 0,
        born_at_us: 0,
    }
}
