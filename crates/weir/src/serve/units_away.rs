//! Units of one worker that are on their way to the disk.
//!
//! A unit has room for minutes and rejects, so a worker that is quicker than the disk, or a full disk, must not make
//! one after the other: it waits for one to come back and goes on in that one's memory.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::commit::{Commits, Request, Stopping};
use super::intake::Intake;
use super::unit::Unit;

/// Units that are on their way at a time; beyond it the worker waits.
const UNITS_MAX: usize = 2;

/// Units on their way, and the way back.
pub struct UnitsAway {
    back: Receiver<Box<Unit>>,
    give_back: SyncSender<Box<Unit>>,
    count: usize,
}

impl UnitsAway {
    /// None yet.
    pub fn new() -> Self {
        let (give_back, back) = sync_channel(UNITS_MAX);
        Self { back, give_back, count: 0 }
    }

    /// Takes a full unit out of the hands of its worker, who gets an empty one; waits while too many are away.
    pub fn exchange(&mut self, unit: &mut Box<Unit>, intake: &Intake) -> Box<Unit> {
        let mut next = if self.count < UNITS_MAX {
            intake.unit()
        } else {
            match self.back.recv() {
                Ok(unit) => {
                    self.count -= 1;
                    unit
                }
                Err(_) => intake.unit(),
            }
        };
        intake.clear(&mut next);
        std::mem::replace(unit, next)
    }

    /// Hands a unit to the commit thread.
    ///
    /// # Errors
    ///
    /// [`Stopping`] where the server stops.
    pub fn send(&mut self, unit: Box<Unit>, commits: &Commits) -> Result<(), Stopping> {
        commits.send(Request::Unit(unit, Some(self.give_back.clone())))?;
        self.count += 1;
        Ok(())
    }
}
