//! Many objects on all cores.
//!
//! One object is the unit of work: workers take the largest first, so that the one that holds half of
//! all data does not start last. What a worker gathers is its own until the end; nothing is shared
//! and nothing depends on who took what.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The cores this process may use.
pub fn available_threads() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Gives every object to one of `threads` workers and returns the workers when all are done.
///
/// `size` is what an object costs, in any unit. `new_worker` makes a worker per thread; `work` does
/// one object.
pub fn for_each_object<'o, O: Sync, W: Send>(
    objects: &'o [O],
    threads: NonZeroUsize,
    size: impl Fn(&O) -> u64,
    new_worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, &'o O) + Sync,
) -> Vec<W> {
    let mut order: Vec<usize> = (0..objects.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(size(&objects[index])), index));
    let next = AtomicUsize::new(0);
    let run = || {
        let mut worker = new_worker();
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(&mut worker, &objects[index]);
        }
        worker
    };
    let threads = threads.get().min(objects.len()).max(1);
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut workers = vec![run()];
        for other in others {
            match other.join() {
                Ok(worker) => workers.push(worker),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        workers
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_is_done_once_and_the_largest_first() {
        let objects: Vec<u64> = (0..100).collect();
        let one = for_each_object(
            &objects,
            NonZeroUsize::MIN,
            |&object| object,
            Vec::new,
            |done, &object| done.push(object),
        );
        assert_eq!(one, [(0..100).rev().collect::<Vec<_>>()]);
        let three = NonZeroUsize::new(3).expect("not zero");
        let mut all =
            for_each_object(&objects, three, |&object| object, Vec::new, |done, &object| done.push(object))
                .concat();
        all.sort_unstable();
        assert_eq!(all, objects);
    }
}
