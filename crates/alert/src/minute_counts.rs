//! How many events of one instance were good and bad, by minute of event time.
//!
//! Every window of every alert is a sum over whole minutes, and there are many windows and few changes; so what is
//! kept is the running sum, and a window is the difference of two of them, found by halving. A minute without events
//! costs nothing. What is older than the longest window is kept by hour, for budgets, in the same way.

use std::collections::VecDeque;

/// Minutes in an hour.
const HOUR: i64 = 60;

/// Good and bad events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Events {
    /// Events that are as they should be.
    pub good: u64,
    /// All others.
    pub bad: u64,
}

/// The events of one instance.
#[derive(Clone, Debug, Default)]
pub struct MinuteCounts {
    minutes: RunningSums,
    /// By hour since the epoch.
    hours: RunningSums,
}

/// Sums over spans of minutes, or of hours.
#[derive(Clone, Debug, Default)]
struct RunningSums {
    /// The times that have events, in order, each with the sum of all up to its end.
    sums: VecDeque<(i64, Events)>,
    /// The sum of what is not in `sums` any more.
    before: Events,
}

impl Events {
    /// Good and bad ones.
    pub const fn total(self) -> u64 {
        self.good + self.bad
    }

    /// Adds `other`.
    pub const fn add(&mut self, other: Self) {
        self.good += other.good;
        self.bad += other.bad;
    }

    const fn since(self, earlier: Self) -> Self {
        Self { good: self.good - earlier.good, bad: self.bad - earlier.bad }
    }
}

impl MinuteCounts {
    /// Adds what happened in a minute, whenever it comes.
    pub fn add(&mut self, minute: i64, events: Events) {
        self.add_hour(minute.div_euclid(HOUR), events);
        self.add_minute(minute, events);
    }

    /// Adds what happened in an hour, for long spans only.
    pub fn add_hour(&mut self, hour: i64, events: Events) {
        self.hours.add(hour, events);
    }

    /// Adds what happened in a minute, for windows only.
    pub fn add_minute(&mut self, minute: i64, events: Events) {
        self.minutes.add(minute, events);
    }

    /// What happened from minute `from` (inclusive) to `to` (exclusive).
    pub fn sum(&self, from: i64, to: i64) -> Events {
        self.minutes.sum(from, to)
    }

    /// The same of a long span: `from` counts from the start of its hour.
    pub fn sum_of_period(&self, from: i64, to: i64) -> Events {
        let (first, last) = (from.div_euclid(HOUR), to.div_euclid(HOUR));
        if first >= last {
            return self.sum(first * HOUR, to);
        }
        let mut sum = self.sum(last * HOUR, to);
        sum.add(self.hours.sum(first, last));
        sum
    }

    /// From when a long span is counted that begins at `from`.
    pub const fn start_of_period(from: i64) -> i64 {
        from.div_euclid(HOUR) * HOUR
    }

    /// The first minute or hour that has events.
    pub fn first(&self) -> Option<i64> {
        self.hours.sums.front().map(|(hour, _)| hour * HOUR)
    }

    /// Forgets minutes before `minutes_from`, and hours that end by `hours_from`.
    pub fn forget(&mut self, minutes_from: i64, hours_from: i64) {
        self.minutes.forget(minutes_from);
        self.hours.forget(hours_from.div_euclid(HOUR));
    }
}

impl RunningSums {
    fn add(&mut self, time: i64, events: Events) {
        let (last, mut sum) = self.sums.back().copied().unwrap_or((i64::MIN, self.before));
        if last < time {
            sum.add(events);
            // Not twice as many places as before: three days of a thousand instances are a hundred megabytes.
            if self.sums.len() == self.sums.capacity() {
                self.sums.reserve_exact(self.sums.len() / 4 + 4);
            }
            return self.sums.push_back((time, sum));
        }
        let at = self.place(time);
        if self.sums.get(at).is_none_or(|(other, _)| *other != time) {
            let before = self.sum_before(at);
            self.sums.insert(at, (time, before));
        }
        self.sums.range_mut(at..).for_each(|(_, sum)| sum.add(events));
    }

    fn sum(&self, from: i64, to: i64) -> Events {
        let (end, start) = (self.place(to), self.place(from));
        self.sum_before(end.max(start)).since(self.sum_before(start))
    }

    fn forget(&mut self, from: i64) {
        while let Some((_, sum)) = self.sums.front().filter(|(time, _)| *time < from) {
            self.before = *sum;
            self.sums.pop_front();
        }
    }

    /// Where `time` is, or would be. Each time is there once, so it is at most so far from an end as there are times in
    /// between: near the last one, where windows are, and where no time is missing, little is left to halve.
    fn place(&self, time: i64) -> usize {
        let (Some((first, _)), Some((last, _))) = (self.sums.front(), self.sums.back()) else { return 0 };
        let len = self.sums.len();
        let until = |earlier: i64, later: i64| usize::try_from(later - earlier).unwrap_or(0);
        let mut to = until(*first, time).min(len);
        let mut from = len.saturating_sub(until(time, *last).saturating_add(usize::from(time <= *last)));
        while from < to {
            let middle = usize::midpoint(from, to);
            match self.sums.get(middle) {
                Some((other, _)) if *other < time => from = middle + 1,
                _ => to = middle,
            }
        }
        from
    }

    fn sum_before(&self, at: usize) -> Events {
        at.checked_sub(1).and_then(|last| self.sums.get(last)).map_or(self.before, |(_, sum)| *sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_are_those_of_the_minutes_whatever_the_order(
            events in prop::collection::vec((-200i64..400, 0u64..5, 0u64..5), 0..60),
            from in -200i64..400,
            span in 0i64..300,
            forgotten in -200i64..0,
        ) {
            let mut counts = MinuteCounts::default();
            for (at, (minute, good, bad)) in events.iter().enumerate() {
                counts.add(*minute, Events { good: *good, bad: *bad });
                if at == 20 {
                    counts.forget(forgotten, i64::MIN / 2);
                }
            }
            let naive = |from: i64, to: i64| {
                let mut sum = Events::default();
                events.iter().filter(|(minute, ..)| (from..to).contains(minute))
                    .for_each(|(_, good, bad)| sum.add(Events { good: *good, bad: *bad }));
                sum
            };
            let from = from.max(0);
            prop_assert_eq!(counts.sum(from, from + span), naive(from, from + span));
            let hour = from.div_euclid(60) * 60;
            prop_assert_eq!(counts.sum_of_period(from, from + span), naive(hour, from + span));
        }
    }
}
