//! How much of what is being written may be in memory, and how many wait for their commit.
//!
//! A body is charged as its bytes arrive, not as its head promises: who announces much and sends little takes
//! little. Nobody waits for room here, since a sender that waits holds what it has sent; he is told to come again.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all bodies, unpacked texts and messages may take together, in units of [`UNIT_BYTES`]: 512 MiB. It has
/// room for the largest body, its text and its messages, and beside them for thousands of usual ones.
const UNITS_MAX: usize = (512 << 20) / UNIT_BYTES;

/// The unit that is charged: of what arrives in smaller pieces one piece in many asks the semaphore.
const UNIT_BYTES: usize = 4 << 10;

/// How many bodies wait for their commit at the same time; more are told to come again.
const TURNS_MAX: usize = 1_024;

/// The room of all writers.
#[derive(Clone)]
pub(super) struct Room {
    units: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Room {
    fn default() -> Self {
        Self { units: Arc::new(Semaphore::new(UNITS_MAX)), turns: Arc::new(Semaphore::new(TURNS_MAX)) }
    }
}

impl Room {
    /// A share of the room, of nothing yet.
    pub(super) fn ticket(&self) -> Ticket {
        Ticket { room: Arc::clone(&self.units), held: None }
    }

    /// A place among those who wait for a commit; `None`: all are taken.
    pub(super) fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).try_acquire_owned().ok()
    }
}

/// What one body holds of the room; given back when it is dropped.
pub(super) struct Ticket {
    room: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

/// There is no room for more.
#[derive(Debug)]
pub(super) struct NoRoom;

impl Ticket {
    /// Holds room for `bytes` in all.
    ///
    /// # Errors
    ///
    /// There is less.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let units = bytes.div_ceil(UNIT_BYTES);
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if units <= held {
            return Ok(());
        }
        let more = u32::try_from(units - held).map_err(|_| NoRoom)?;
        let more = Arc::clone(&self.room).try_acquire_many_owned(more).map_err(|_| NoRoom)?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let room = Room::default();
        let (mut first, mut second) = (room.ticket(), room.ticket());
        first.grow_to(UNITS_MAX * UNIT_BYTES - UNIT_BYTES).expect("room");
        first.grow_to(10).expect("it holds more already");
        second.grow_to(UNIT_BYTES).expect("room");
        assert!(second.grow_to(UNIT_BYTES + 1).is_err());
        drop(first);
        second.grow_to(UNIT_BYTES + 1).expect("room");
    }

    #[test]
    fn turns_are_few() {
        let room = Room::default();
        let held: Vec<_> = (0..TURNS_MAX).map(|_| room.turn().expect("a turn")).collect();
        assert!(room.turn().is_none());
        drop(held);
        assert!(room.turn().is_some());
    }
}
