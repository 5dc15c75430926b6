//! The requests of one transaction: gathered, and checked against what is known.
//!
//! Many requests share a transaction because a sync costs the same for one and for a thousand; what was counted
//! before is found first, so that it can be left out without touching the rest.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::oneshot;
use weir_ledger::{LedgerError, ObjectId, Reading};
use weir_meter::pushed::{Grouping, Push};
use weir_record::Timestamp;

use super::account::Account;
use super::commit::{Delivered, Promises, Pushed, Request};
use super::unit::{Committed, Unit};

/// A unit, and the way back to its worker.
pub type UnitAndWay = (Box<Unit>, Option<std::sync::mpsc::SyncSender<Box<Unit>>>);

/// A push, the hash of its idempotency key, and who waits.
pub type WaitingPush = (Push, Option<[u8; 16]>, oneshot::Sender<Pushed>);

/// What is kept under names, and who waits.
pub type WaitingKeep = (Vec<(String, Vec<u8>)>, oneshot::Sender<()>);

/// The requests of one transaction.
#[derive(Default)]
pub struct Group {
    /// What workers read.
    pub units: Vec<UnitAndWay>,
    /// What sources have to say.
    pub notes: Vec<(Arc<str>, Account)>,
    /// What was pushed.
    pub pushes: Vec<WaitingPush>,
    /// What is to be deleted.
    pub deletions: Vec<(Grouping, oneshot::Sender<Pushed>)>,
    /// Bodies that are done with.
    pub delivered: Vec<Delivered>,
    /// What is to be kept.
    pub kept: Vec<WaitingKeep>,
    /// What of it was counted before.
    pub known: Known,
    /// Promises and alerts that are in force behind it.
    promises: Vec<Promises>,
    keys: HashSet<[u8; 16]>,
    requests: usize,
    has_tick: bool,
}

/// What of a group was counted before.
#[derive(Default)]
pub struct Known {
    /// For each unit, whether something in it was.
    pub units: Vec<bool>,
    /// For each push, whether it was.
    pub pushes: Vec<bool>,
}

impl Group {
    /// Takes in a request. A push with the key of one that is in the group already is given back: whether it
    /// is known depends on what becomes of that one.
    pub fn add(&mut self, request: Request) -> Option<Request> {
        if let Request::Push(_, Some(key), _) = &request
            && !self.keys.insert(*key)
        {
            return Some(request);
        }
        self.requests += 1;
        match request {
            Request::Unit(unit, back) => self.units.push((unit, back)),
            Request::Note(source, account) => self.notes.push((source, account)),
            Request::Push(push, key, answer) => self.pushes.push((push, key, answer)),
            Request::Delete(grouping, answer) => self.deletions.push((grouping, answer)),
            Request::Delivered(delivered) => self.delivered.push(delivered),
            Request::Keep(name, bytes, done) => self.kept.push((vec![(name, bytes)], done)),
            Request::KeepAll(states, done) => self.kept.push((states, done)),
            Request::Reload(promises) => self.promises.push(*promises),
            Request::Wake => {}
            Request::Tick => self.has_tick = true,
        }
        None
    }

    /// The promises and alerts that are in force behind it, in their order.
    pub fn take_promises(&mut self) -> Vec<Promises> {
        std::mem::take(&mut self.promises)
    }

    /// How many requests it has.
    pub fn len(&self) -> usize {
        self.requests
    }

    /// Whether what is due by time is to be done.
    pub fn has_tick(&self) -> bool {
        self.has_tick
    }

    /// Finds what was counted before, in the ledger or earlier in this group.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn find_known(&self, ledger: &Reading<'_>) -> Result<Known, LedgerError> {
        let mut known = Known::default();
        let mut objects: HashSet<ObjectId> = HashSet::new();
        for (unit, _) in &self.units {
            let mut is_known = false;
            for (id, _) in &unit.objects {
                is_known |= objects.contains(id) || ledger.object(*id)?.is_some();
            }
            for id in &unit.replayed {
                is_known |= ledger.reject(*id)?.is_none();
            }
            if !is_known {
                objects.extend(unit.objects.iter().map(|(id, _)| *id));
            }
            known.units.push(is_known);
        }
        for (_, key, _) in &self.pushes {
            let is_known = key.map_or(Ok(None), |key| ledger.key(key))?.is_some();
            known.pushes.push(is_known);
        }
        Ok(known)
    }

    /// Notes what was counted before, to be left out.
    pub fn put_aside(&mut self, known: Known) {
        self.known = known;
    }

    /// Tells everybody that nothing of it was counted.
    pub fn refuse(self, now: Timestamp) {
        self.units.into_iter().for_each(|unit| end_unit(unit, Committed::Stopping, now));
        // Whoever pushed learns it from the end of the channel.
    }
}

/// Tells who waits what became of a unit, and gives it back to its worker.
pub fn end_unit((mut unit, back): UnitAndWay, committed: Committed, now: Timestamp) {
    unit.waiting.drain(..).for_each(|waiting| tell(waiting, committed));
    if let Some(back) = back {
        unit.clear(now, None);
        // A worker that has ended needs it no more.
        let _ = back.try_send(unit);
    }
}

/// Tells who waits. One that has gone away meanwhile needs no answer.
pub fn tell<T>(waiting: oneshot::Sender<T>, what: T) {
    let _ = waiting.send(what);
}
