//! Alerts that keep others quiet: where the cause is known, its effects tell nobody anything.
//!
//! The rule is Alertmanager's: an alert that meets the target's matchers is quiet while one that meets the
//! source's fires with the same values of the labels in `equal`; a label that both lack is equal. An alert that
//! meets both sides is not quieted by another that does, or two could quiet each other.

use std::collections::BTreeMap;

use super::matcher::Matcher;
use crate::{Alert, Fingerprint, Labels};

/// Which alerts keep which quiet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InhibitRule {
    /// What the one that is heard meets.
    pub source: Vec<Matcher>,
    /// What those that are not meet.
    pub target: Vec<Matcher>,
    /// The labels that must have the same value.
    pub equal: Vec<Box<str>>,
}

/// The alerts that fire, ready to be asked whom they keep quiet: thousands may ask at once.
pub(super) struct Inhibitors<'a> {
    rules: Vec<(&'a InhibitRule, BTreeMap<Vec<&'a str>, Sources>)>,
}

/// Those that fire with the same values of a rule's equal labels.
#[derive(Default)]
struct Sources {
    any: Option<Fingerprint>,
    /// One that is not a target of the same rule.
    one_sided: Option<Fingerprint>,
}

impl InhibitRule {
    fn values<'a>(&self, labels: &'a Labels) -> Vec<&'a str> {
        self.equal.iter().map(|name| labels.get(name).map_or("", |value| value)).collect()
    }
}

impl<'a> Inhibitors<'a> {
    /// Those of the `firing` that `rules` give a say.
    pub fn new(
        rules: &'a [InhibitRule],
        firing: &(impl Iterator<Item = (Fingerprint, &'a Alert)> + Clone),
    ) -> Self {
        let of_rule = |rule: &'a InhibitRule| {
            let mut by_values: BTreeMap<Vec<&'a str>, Sources> = BTreeMap::new();
            for (fingerprint, alert) in firing.clone().filter(|(_, alert)| meets(&rule.source, &alert.labels))
            {
                let sources = by_values.entry(rule.values(&alert.labels)).or_default();
                sources.any.get_or_insert(fingerprint);
                if !meets(&rule.target, &alert.labels) {
                    sources.one_sided.get_or_insert(fingerprint);
                }
            }
            (rule, by_values)
        };
        Self { rules: rules.iter().map(of_rule).collect() }
    }

    /// The alert that keeps one with these labels quiet.
    pub fn of(&self, labels: &Labels) -> Option<Fingerprint> {
        self.rules.iter().filter(|(rule, _)| meets(&rule.target, labels)).find_map(|(rule, by_values)| {
            let sources = by_values.get(&rule.values(labels))?;
            if meets(&rule.source, labels) { sources.one_sided } else { sources.any }
        })
    }
}

fn meets(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_record::Timestamp;

    fn alert(pairs: &[(&str, &str)]) -> Alert {
        Alert {
            labels: pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
            annotations: Labels::new(),
            starts_at: Timestamp::default(),
            ends_at: None,
            generator_url: String::new(),
        }
    }

    #[test]
    fn a_cause_quiets_its_effects_and_not_itself() {
        let rules = [InhibitRule {
            source: Matcher::parse_all("severity=page").unwrap(),
            target: Matcher::parse_all("severity=~page|ticket").unwrap(),
            equal: vec!["service".into(), "zone".into()],
        }];
        let page = alert(&[("severity", "page"), ("service", "shop")]);
        let firing = [(page.fingerprint(), &page)];
        let inhibitors = Inhibitors::new(&rules, &firing.into_iter());
        let is_quiet = |pairs| inhibitors.of(&alert(pairs).labels).is_some();
        assert!(is_quiet(&[("severity", "ticket"), ("service", "shop")]));
        assert!(!is_quiet(&[("severity", "ticket"), ("service", "pay")]));
        assert!(!is_quiet(&[("severity", "ticket"), ("service", "shop"), ("zone", "a")]));
        assert!(!is_quiet(&[("severity", "info"), ("service", "shop")]));
        assert!(inhibitors.of(&page.labels).is_none());
    }
}
