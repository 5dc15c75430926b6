//! Objects that wait to be counted, between the async side that fetches and the threads that read.
//!
//! A worker must be able to wait for the next object for a short while only, so that it hands over what it
//! has when nothing more comes; a channel that several threads share cannot do that.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A queue of which each item goes to one of its waiting threads.
///
/// It has no bound of its own: who puts something in waits for what becomes of it, and is bounded itself.
pub struct WorkQueue<T> {
    inner: Mutex<Inner<T>>,
    arrived: Condvar,
}

struct Inner<T> {
    items: VecDeque<T>,
    is_closed: bool,
}

/// What a thread got.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// An item.
    Item(T),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    Closed,
}

impl<T> WorkQueue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        Self {
            inner: Mutex::new(Inner { items: VecDeque::new(), is_closed: false }),
            arrived: Condvar::new(),
        }
    }

    /// Puts an item in; gives it back if the queue is closed.
    pub fn put(&self, item: T) -> Result<(), T> {
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(item);
        }
        inner.items.push_back(item);
        drop(inner);
        self.arrived.notify_one();
        Ok(())
    }

    /// Lets nothing more in; what is in it is still handed out.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_all();
    }

    /// Whether nothing more is let in.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// The next item; waits for it no longer than `wait`, for ever without one.
    pub fn next(&self, wait: Option<Duration>) -> Next<T> {
        let mut inner = self.lock();
        let is_idle = |inner: &mut Inner<T>| inner.items.is_empty() && !inner.is_closed;
        inner = match wait {
            Some(wait) => {
                self.arrived
                    .wait_timeout_while(inner, wait, is_idle)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self.arrived.wait_while(inner, is_idle).unwrap_or_else(PoisonError::into_inner),
        };
        match inner.items.pop_front() {
            Some(item) => Next::Item(item),
            None if inner.is_closed => Next::Closed,
            None => Next::Nothing,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_closed_queue_is_still_handed_out() {
        let queue = WorkQueue::new();
        assert_eq!(queue.next(Some(Duration::ZERO)), Next::Nothing);
        assert_eq!((queue.put(1), queue.put(2)), (Ok(()), Ok(())));
        queue.close();
        assert_eq!(queue.put(3), Err(3));
        let next = || queue.next(None);
        assert_eq!((next(), next(), next()), (Next::Item(1), Next::Item(2), Next::Closed));
    }
}
