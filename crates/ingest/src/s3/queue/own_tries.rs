//! How often a message failed through its own fault.
//!
//! SQS counts how often it handed a message out, which an outage, a missing permission and a killed program raise too:
//! after a bad night everything in the queue would be given up at its first honest failure. So tries are counted
//! here, in memory. A restart begins anew, which costs a few tries more and loses nothing.

use std::collections::HashMap;

/// Messages whose tries are remembered. With more the one that failed longest ago is forgotten, and tried anew.
const MESSAGES_MAX: usize = 10_000;

/// Tries by message.
#[derive(Debug, Default)]
pub(super) struct OwnTries {
    messages: HashMap<String, Tries>,
    next_number: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    count: u32,
    /// Rises with each try of any message.
    number: u64,
}

impl OwnTries {
    /// Notes a try; how many there are with it.
    pub(super) fn add(&mut self, id: &str) -> u32 {
        if !self.messages.contains_key(id) && self.messages.len() >= MESSAGES_MAX {
            let oldest = self.messages.iter().min_by_key(|(_, tries)| tries.number);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.messages.remove(&oldest);
            }
        }
        let tries = self.messages.entry(id.to_owned()).or_default();
        self.next_number += 1;
        tries.number = self.next_number;
        tries.count = tries.count.saturating_add(1);
        tries.count
    }

    /// A message is dealt with.
    pub(super) fn forget(&mut self, id: &str) {
        self.messages.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_by_message_until_it_is_done() {
        let mut tries = OwnTries::default();
        assert_eq!([tries.add("a"), tries.add("a"), tries.add("b"), tries.add("a")], [1, 2, 1, 3]);
        tries.forget("a");
        assert_eq!([tries.add("a"), tries.add("b")], [1, 2]);
    }

    #[test]
    fn of_too_many_the_one_that_failed_longest_ago_is_forgotten() {
        let mut tries = OwnTries::default();
        (0..MESSAGES_MAX).for_each(|index| assert_eq!(tries.add(&index.to_string()), 1));
        assert_eq!(tries.add("0"), 2);
        assert_eq!(tries.add("one more"), 1);
        assert_eq!(tries.messages.len(), MESSAGES_MAX);
        assert_eq!([tries.add("0"), tries.add("1")], [3, 1]);
    }
}
