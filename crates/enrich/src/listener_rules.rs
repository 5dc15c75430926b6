//! Listener rules as they were at their time: who owns the requests that a rule matched.
//!
//! History is kept per rule, not per set of files: a listener's rules arrive in pages and the
//! listeners of one load balancer in separate files, taken seconds apart, and no file says that it
//! is complete. Since a line can only name a rule that existed when it was written, a rule that is
//! missing from a later file needs no tombstone. The cost: a priority that was freed and given
//! to another purpose between two files belongs to the old one until the later file was taken.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use weir_record::Timestamp;

use crate::describe_json::{self, Entry, RulesError};

/// What is known of load balancers' listeners; empty by default, which resolves nothing.
#[derive(Clone, Debug, Default)]
pub struct ListenerRules {
    load_balancers: HashMap<Box<[u8]>, Vec<Listener>, FixedState>,
}

/// Collects `describe-*` output into [`ListenerRules`].
#[derive(Clone, Debug, Default)]
pub struct ListenerRulesBuilder {
    rules: ListenerRules,
}

/// One listener of a load balancer.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    id: String,
    pub(crate) endpoint: History<Endpoint>,
    /// Owners by priority; 0 is the default rule.
    pub(crate) rules: HashMap<u32, History<Owner>, FixedState>,
}

/// Where a listener listens, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) port: Option<u16>,
    pub(crate) is_tls: Option<bool>,
}

/// Whose requests a rule's are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The ARN of the only target group with any weight.
    TargetGroup(String),
    /// Weights decide, and the line does not tell how they fell.
    Several,
    /// The load balancer itself answers: redirects, fixed responses.
    Nobody,
}

/// What was known when, in rising order of time; `i64::MIN` for what was given without a time.
#[derive(Clone, Debug)]
pub(crate) struct History<T>(Vec<(Timestamp, T)>);

const SINCE_EVER: Timestamp = Timestamp::from_micros(i64::MIN);

impl ListenerRules {
    /// Starts with nothing known.
    pub fn builder() -> ListenerRulesBuilder {
        ListenerRulesBuilder::default()
    }

    /// Whether no rule and no listener is known.
    pub fn is_empty(&self) -> bool {
        self.load_balancers.is_empty()
    }

    /// How many rules are known, default rules included, each once however often it changed.
    pub fn rule_count(&self) -> usize {
        self.load_balancers.values().flatten().map(|listener| listener.rules.len()).sum()
    }

    /// The known listeners of a load balancer, given as `app/<name>/<id>`.
    pub(crate) fn listeners(&self, load_balancer: &[u8]) -> &[Listener] {
        self.load_balancers.get(load_balancer).map_or(&[], Vec::as_slice)
    }

    fn listener(&mut self, load_balancer: &str, id: &str) -> &mut Listener {
        let listeners = self.load_balancers.entry(load_balancer.as_bytes().into()).or_default();
        let at = listeners.iter().position(|listener| listener.id == id).unwrap_or(listeners.len());
        if at == listeners.len() {
            listeners.push(Listener {
                id: id.to_owned(),
                endpoint: History::default(),
                rules: HashMap::with_hasher(FixedState::default()),
            });
        }
        &mut listeners[at]
    }
}

impl ListenerRulesBuilder {
    /// Adds rules that hold for lines of any time before the first dated ones; see
    /// [`add_json_at`](Self::add_json_at).
    pub fn add_json(&mut self, file_name: &str, text: &str) -> Result<(), RulesError> {
        self.add_json_at(file_name, text, None)
    }

    /// Adds the output of `aws elbv2 describe-rules` or `describe-listeners`, taken at `taken_at`.
    ///
    /// A file may hold one page, several after each other, an array of pages, or a bare array of
    /// rules or listeners; `describe-load-balancers` and `describe-target-groups` are accepted and
    /// say nothing that rules do not. A line meets the newest rules not later than itself, else the
    /// oldest. Errors name the file, the place in it and the value; nothing of that file is added.
    pub fn add_json_at(
        &mut self,
        file_name: &str,
        text: &str,
        taken_at: Option<Timestamp>,
    ) -> Result<(), RulesError> {
        let taken_at = taken_at.unwrap_or(SINCE_EVER);
        for entry in describe_json::read(file_name, text)? {
            match entry {
                Entry::Rule { load_balancer, listener, priority, owner } => {
                    let listener = self.rules.listener(&load_balancer, &listener);
                    listener.rules.entry(priority).or_default().insert(taken_at, owner);
                }
                Entry::Listener { load_balancer, listener, endpoint } => {
                    self.rules.listener(&load_balancer, &listener).endpoint.insert(taken_at, endpoint);
                }
            }
        }
        Ok(())
    }

    /// The rules that were added.
    pub fn build(self) -> ListenerRules {
        self.rules
    }
}

impl<T> History<T> {
    /// What held at `time`: the newest that is not later, else the oldest.
    pub(crate) fn at(&self, time: Timestamp) -> Option<&T> {
        let later = self.0.partition_point(|(taken_at, _)| *taken_at <= time);
        self.0.get(later.saturating_sub(1)).map(|(_, value)| value)
    }

    /// Adds what was seen at `taken_at`, in place of what another file said of the same moment.
    fn insert(&mut self, taken_at: Timestamp, value: T) {
        match self.0.binary_search_by_key(&taken_at, |(at, _)| *at) {
            Ok(same) => self.0[same].1 = value,
            Err(place) => self.0.insert(place, (taken_at, value)),
        }
    }
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES_443: &str = include_str!("../../../testdata/elbv2/describe-rules-443.json");

    #[test]
    fn history_answers_with_the_newest_that_is_not_later_else_the_oldest() {
        let mut history = History::default();
        assert_eq!(history.at(Timestamp::from_seconds(1)), None);
        for (seconds, value) in [(20, "c"), (10, "a"), (10, "b")] {
            history.insert(Timestamp::from_seconds(seconds), value);
        }
        for (seconds, value) in [(0, "b"), (10, "b"), (19, "b"), (20, "c"), (99, "c")] {
            assert_eq!(history.at(Timestamp::from_seconds(seconds)), Some(&value), "{seconds}");
        }
    }

    #[test]
    fn rules_are_counted_once_however_often_they_are_read() {
        let mut builder = ListenerRules::builder();
        builder.add_json("a.json", RULES_443).unwrap();
        builder.add_json_at("b.json", RULES_443, Some(Timestamp::from_seconds(5))).unwrap();
        assert_eq!(builder.build().rule_count(), 10);
        assert!(ListenerRules::default().is_empty());
    }

    #[test]
    fn a_file_with_an_error_adds_nothing() {
        let mut builder = ListenerRules::builder();
        let broken = RULES_443.replace("\"default\"", "\"last\"");
        assert!(builder.add_json("a.json", &broken).is_err());
        assert!(builder.build().is_empty());
    }
}
