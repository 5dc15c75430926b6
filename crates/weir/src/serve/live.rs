//! The stream before the store: records for whoever follows them as they come.
//!
//! Whoever counts must never wait for whoever looks on. So each listener has a bounded queue of batches, and what
//! does not fit is counted instead; a batch is shared by all queues, so a hundred listeners cost no more memory
//! than the slowest one. A listener takes one batch at a time: what it has taken is not in the bounds. Nobody
//! listening costs one look at a number.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use weir_store::Rows;

/// Listeners at most: each evaluates its query on every record that comes.
pub const LISTENERS_MAX: usize = 100;

/// Records that wait for one listener: at 20,000 a second some 6 s.
const ROWS_WAITING_MAX: usize = 131_072;

/// Memory of what waits for one listener, in bytes; a single batch may have more. Records have some hundred bytes
/// each, so it is long lines that reach this before there are too many.
const BYTES_WAITING_MAX: usize = 32 << 20;

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
    bytes: usize,
    passed_over: u64,
}

/// A listener's end; it stops listening when this goes.
pub struct LiveRows {
    tail: Arc<LiveTail>,
    queue: Arc<Queue>,
}

/// Records that came.
pub struct News {
    /// The batch that has waited longest.
    pub rows: Option<Arc<Rows>>,
    /// Records that found no room since the last time.
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
        let is_full = waiting.rows + rows.len() > ROWS_WAITING_MAX
            || waiting.bytes + rows.bytes > BYTES_WAITING_MAX
            || waiting.batches.len() >= BATCHES_WAITING_MAX;
        if is_full && !waiting.batches.is_empty() {
            waiting.passed_over += rows.len() as u64;
        } else {
            waiting.rows += rows.len();
            waiting.bytes += rows.bytes;
            waiting.batches.push_back(Arc::clone(rows));
        }
        drop(waiting);
        self.news.notify_one();
    }

    fn pass_over(&self, records: u64) {
        self.waiting().passed_over += records;
        self.news.notify_one();
    }

    /// What has waited longest, if there is anything.
    fn take(&self) -> Option<News> {
        let mut waiting = self.waiting();
        let rows = waiting.batches.pop_front();
        if let Some(rows) = &rows {
            waiting.rows -= rows.len();
            waiting.bytes -= rows.bytes;
        }
        let passed_over = std::mem::take(&mut waiting.passed_over);
        (rows.is_some() || passed_over > 0).then_some(News { rows, passed_over })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveRows {
    /// Waits until something has come, and takes one batch of it.
    pub async fn next(&mut self) -> News {
        loop {
            if let Some(news) = self.queue.take() {
                return news;
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
        long_rows(count, 1)
    }

    fn long_rows(count: usize, bytes: usize) -> Arc<Rows> {
        let text = "a".repeat(bytes);
        let mut builder = RowsBuilder::new();
        for second in 0..count {
            let time = Timestamp::from_seconds(i64::try_from(second).unwrap());
            builder.push_fields(time, [("message", Value::Text(text.as_str().into()))]);
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
        assert_eq!(taken(&mut listener), (131_000, 9_000));
        tail.send(&batch);
        assert_eq!(listener.next().await.rows.map(|rows| rows.len()), Some(1_000));
        drop(listener);
        assert!(!tail.has_listeners());
    }

    /// The records that wait and those that found no room.
    fn taken(listener: &mut LiveRows) -> (usize, u64) {
        let news: Vec<News> = std::iter::from_fn(|| listener.queue.take()).collect();
        let rows = news.iter().filter_map(|news| news.rows.as_ref());
        (rows.map(|rows| rows.len()).sum(), news.iter().map(|news| news.passed_over).sum())
    }

    #[test]
    fn long_records_are_bounded_by_their_bytes() {
        let tail = Arc::new(LiveTail::new());
        let mut listener = tail.listen().expect("there is room");
        for (bytes, sent, waiting) in [(BYTES_WAITING_MAX / 8, 20, 4..9), (BYTES_WAITING_MAX + 1, 3, 1..2)] {
            let batch = long_rows(1, bytes);
            // Twice, since what was taken makes room.
            for _ in 0..2 {
                (0..sent).for_each(|_| tail.send(&batch));
                let (rows, passed_over) = taken(&mut listener);
                assert!(waiting.contains(&rows), "{rows}");
                assert_eq!(rows as u64 + passed_over, sent);
            }
        }
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
