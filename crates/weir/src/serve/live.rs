//! The stream before the store: records for whoever follows them as they come.
//!
//! Whoever counts must never wait for whoever looks on. So each listener has a bounded queue of batches, and what
//! does not fit is counted instead; a batch is shared by all queues, so a hundred listeners cost no more memory
//! than the slowest one. Nobody listening costs one look at a number.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use weir_store::Rows;

/// Listeners at most: each evaluates its query on every record that comes.
pub const LISTENERS_MAX: usize = 100;

/// Records that wait for one listener: at 20,000 a second some 6 s, and at most some 100 MB for all.
const ROWS_WAITING_MAX: usize = 131_072;

/// Batches that wait for one listener.
const BATCHES_WAITING_MAX: usize = 256;

/// Where records pass by. Only the sources send, and anybody may listen.
#[derive(Default)]
pub struct LiveTail {
    listeners: Mutex<Vec<Arc<Queue>>>,
    listeners_count: AtomicUsize,
}

/// What one listener has before it.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<Arc<Rows>>,
    rows: usize,
    passed_over: u64,
}

/// A listener's end; it stops listening when this goes.
pub struct LiveRows {
    tail: Arc<LiveTail>,
    queue: Arc<Queue>,
}

/// Records that came since the last time.
#[derive(Default)]
pub struct News {
    /// What came.
    pub batches: VecDeque<Arc<Rows>>,
    /// Records that came too and found no room.
    pub passed_over: u64,
}

impl LiveTail {
    /// One that nobody listens to.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether anybody listens: only then there is something to send.
    pub fn has_listeners(&self) -> bool {
        self.listeners_count.load(Ordering::Relaxed) > 0
    }

    /// Shows records to all listeners; never waits.
    pub fn send(&self, rows: &Arc<Rows>) {
        for queue in self.listeners().iter() {
            queue.add(rows);
        }
    }

    /// Says to all listeners that so many records came and are not shown.
    pub fn pass_over(&self, records: u64) {
        if records > 0 {
            self.listeners().iter().for_each(|queue| queue.pass_over(records));
        }
    }

    /// Listens from now on; `None` where there are too many listeners already.
    pub fn listen(self: &Arc<Self>) -> Option<LiveRows> {
        let mut listeners = self.listeners();
        if listeners.len() >= LISTENERS_MAX {
            return None;
        }
        let queue = Arc::new(Queue::default());
        listeners.push(Arc::clone(&queue));
        self.listeners_count.store(listeners.len(), Ordering::Relaxed);
        Some(LiveRows { tail: Arc::clone(self), queue })
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn add(&self, rows: &Arc<Rows>) {
        let mut waiting = self.waiting();
        let is_full = waiting.rows + rows.len() > ROWS_WAITING_MAX && !waiting.batches.is_empty();
        if is_full || waiting.batches.len() >= BATCHES_WAITING_MAX {
            waiting.passed_over += rows.len() as u64;
        } else {
            waiting.rows += rows.len();
            waiting.batches.push_back(Arc::clone(rows));
        }
        drop(waiting);
        self.news.notify_one();
    }

    fn pass_over(&self, records: u64) {
        self.waiting().passed_over += records;
        self.news.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveRows {
    /// Waits until something has come, and takes it.
    pub async fn next(&mut self) -> News {
        loop {
            {
                let mut waiting = self.queue.waiting();
                if !waiting.batches.is_empty() || waiting.passed_over > 0 {
                    let Waiting { batches, passed_over, .. } = std::mem::take(&mut *waiting);
                    return News { batches, passed_over };
                }
            }
            self.queue.news.notified().await;
        }
    }
}

impl Drop for LiveRows {
    fn drop(&mut self) {
        let mut listeners = self.tail.listeners();
        listeners.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        self.tail.listeners_count.store(listeners.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use weir_record::{Timestamp, Value};
    use weir_store::{RowsBuilder, SequenceNumbers};

    use super::*;

    fn rows(count: usize) -> Arc<Rows> {
        let mut builder = RowsBuilder::new();
        for second in 0..count {
            let time = Timestamp::from_seconds(i64::try_from(second).unwrap());
            builder.push_fields(time, [("message", Value::Text("a".into()))]);
        }
        let rows = builder.finish(&SequenceNumbers::starting_at(0));
        Arc::new(rows.expect("they fit").expect("some"))
    }

    #[tokio::test]
    async fn what_found_no_room_is_counted() {
        let tail = Arc::new(LiveTail::new());
        tail.send(&rows(1));
        assert!(!tail.has_listeners());
        let mut listener = tail.listen().expect("there is room");
        assert!(tail.has_listeners());
        let batch = rows(1_000);
        for _ in 0..140 {
            tail.send(&batch);
        }
        let news = listener.next().await;
        assert_eq!((news.batches.len(), news.passed_over), (131, 9_000));
        tail.send(&batch);
        assert_eq!(listener.next().await.batches.len(), 1);
        drop(listener);
        assert!(!tail.has_listeners());
    }

    #[test]
    fn listeners_are_bounded() {
        let tail = Arc::new(LiveTail::new());
        let listeners: Vec<_> = (0..LISTENERS_MAX).map(|_| tail.listen().expect("there is room")).collect();
        assert!(tail.listen().is_none());
        drop(listeners);
        assert!(tail.listen().is_some());
    }
}
