//! `route` and `inhibit_rules`: Alertmanager's tree, with its old and new ways to write matchers.
//!
//! Both ways, because files with the old one are in use and still read by Alertmanager; they become the same
//! matchers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weir_alert::notification::{Comparison, GroupBy, InhibitRule, Matcher, RouteSpec, TimeInterval};

use super::super::error::ConfigError;
use super::super::keys::{self, did_you_mean, list};
use super::super::reader::{Field, Fields, quoted};

/// Routes below one, and rules.
const ITEMS_MAX: usize = 1000;

/// The shortest is what a mail program can bear, the longest a year.
const WAIT_RANGE: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(365 * 24 * 3600));
const INTERVAL_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(365 * 24 * 3600));

/// What routes can name.
pub(super) struct Known<'a> {
    /// The names of all receivers, of those with mistakes too.
    pub receivers: &'a [&'a str],
    /// The intervals.
    pub intervals: &'a BTreeMap<Box<str>, Vec<TimeInterval>>,
}

/// Reads the tree from its root.
pub(super) fn read_root(field: Field, known: &Known<'_>, errors: &mut Vec<ConfigError>) -> Option<RouteSpec> {
    let fields = field.fields(&keys::ROUTE, errors)?;
    fields.require("receiver", errors);
    let root = read(&fields, known, errors);
    if !root.matchers.is_empty() || root.goes_on {
        let error =
            ConfigError::new(fields.position, "the first route takes all alerts, so it has no matchers");
        errors.push(error.with_hint("put the matchers into a route below it, in `routes`"));
    }
    if !root.mute_time_intervals.is_empty() || !root.active_time_intervals.is_empty() {
        let error =
            ConfigError::new(fields.position, "the first route has no time intervals, as in Alertmanager");
        errors.push(error.with_hint("put them into a route below it, in `routes`"));
    }
    Some(root)
}

fn read(fields: &Fields, known: &Known<'_>, errors: &mut Vec<ConfigError>) -> RouteSpec {
    let receiver = fields.get("receiver").and_then(|field| field.text(errors).map(|name| (field, name)));
    if let Some((field, name)) = receiver.filter(|(_, name)| !known.receivers.contains(name)) {
        let hint = did_you_mean(name, known.receivers).unwrap_or_else(|| match known.receivers {
            [] => "name one in `receivers`".to_owned(),
            names => format!("there is {}", list(names, "and")),
        });
        errors.push(
            ConfigError::new(field.position(), format!("no receiver is named {}", quoted(name)))
                .with_hint(hint),
        );
    }
    let mut duration = |key, range| fields.get(key).and_then(|field| field.duration("5m", range, errors));
    let group_wait = duration("group_wait", WAIT_RANGE);
    let group_interval = duration("group_interval", INTERVAL_RANGE);
    let repeat_interval = duration("repeat_interval", INTERVAL_RANGE);
    let routes = fields.get("routes").map(|field| {
        let items = field.items_at_most("a list of routes", ITEMS_MAX, errors);
        let read_one =
            |item: Field| item.fields(&keys::ROUTE, errors).map(|fields| read(&fields, known, errors));
        items.into_iter().filter_map(read_one).collect()
    });
    RouteSpec {
        receiver: receiver.map(|(_, name)| name.into()),
        matchers: read_matchers(fields, ["match", "match_re", "matchers"], errors),
        group_by: fields.get("group_by").and_then(|field| read_group_by(field, errors)),
        group_wait,
        group_interval,
        repeat_interval,
        goes_on: fields.get("continue").and_then(|field| field.boolean(errors)).unwrap_or(false),
        mute_time_intervals: read_names(fields, "mute_time_intervals", known, errors),
        active_time_intervals: read_names(fields, "active_time_intervals", known, errors),
        routes: routes.unwrap_or_default(),
    }
}

fn read_group_by(field: Field, errors: &mut Vec<ConfigError>) -> Option<GroupBy> {
    let items = field.items_at_most("a list of labels", ITEMS_MAX, errors);
    let mut names = BTreeSet::new();
    for item in &items {
        let name = item.parse("a label, or `...`", errors, |text| {
            let is_right = text == "..." || is_label(text);
            if is_right { Ok(text) } else { Err("a label is made of a-z, A-Z, 0-9 and `_`") }
        })?;
        names.insert(Box::from(name));
    }
    if names.contains("...") {
        if names.len() > 1 {
            let error = ConfigError::new(field.position(), "`...` stands for all labels, so it stands alone");
            errors.push(error);
        }
        return Some(GroupBy::All);
    }
    Some(GroupBy::Labels(names))
}

fn read_names(
    fields: &Fields,
    key: &'static str,
    known: &Known<'_>,
    errors: &mut Vec<ConfigError>,
) -> Vec<Box<str>> {
    let Some(field) = fields.get(key) else { return Vec::new() };
    let mut names = Vec::new();
    for item in field.items_at_most("a list of names", ITEMS_MAX, errors) {
        let Some(name) = item.text(errors) else { continue };
        if !known.intervals.contains_key(name) {
            let there: Vec<&Box<str>> = known.intervals.keys().collect();
            let hint = did_you_mean(name, there).unwrap_or_else(|| "name it in `time_intervals`".to_owned());
            let message = format!("no time interval is named {}", quoted(name));
            errors.push(ConfigError::new(item.position(), message).with_hint(hint));
        }
        names.push(name.into());
    }
    names
}

/// Reads the rules.
pub(super) fn read_inhibit_rules(field: Field, errors: &mut Vec<ConfigError>) -> Vec<InhibitRule> {
    let mut rules = Vec::new();
    for item in field.items_at_most("a list of rules", ITEMS_MAX, errors) {
        let Some(fields) = item.fields(&keys::INHIBIT_RULE, errors) else { continue };
        let equal = fields.get("equal").map(|field| {
            let items = field.items_at_most("a list of labels", ITEMS_MAX, errors);
            items.into_iter().filter_map(|item| item.text(errors)).map(Box::from).collect()
        });
        rules.push(InhibitRule {
            source: read_matchers(&fields, ["source_match", "source_match_re", "source_matchers"], errors),
            target: read_matchers(&fields, ["target_match", "target_match_re", "target_matchers"], errors),
            equal: equal.unwrap_or_default(),
        });
    }
    rules
}

/// Matchers under their three keys: labels and values, labels and regular expressions, and texts.
fn read_matchers(fields: &Fields, keys: [&'static str; 3], errors: &mut Vec<ConfigError>) -> Vec<Matcher> {
    let [equal, regex, texts] = keys;
    let mut matchers = Vec::new();
    for (key, comparison) in [(equal, Comparison::Equal), (regex, Comparison::Matches)] {
        let entries = fields.get(key).and_then(|field| field.entries("labels and values", errors));
        for entry in entries.into_iter().flatten() {
            if !is_label(entry.key) {
                let message = format!("{} is no label", quoted(entry.key));
                errors.push(ConfigError::new(entry.key_position, message));
            }
            let read = |value: &str| Matcher::new(entry.key, comparison, value);
            matchers.extend(entry.field().parse("a value", errors, read));
        }
    }
    if let Some(field) = fields.get(texts) {
        for item in field.one_or_more("a matcher such as severity=\"page\"", errors) {
            let read = |text: &str| Matcher::parse_all(text);
            matchers.extend(
                item.parse("a matcher such as severity=\"page\"", errors, read).into_iter().flatten(),
            );
        }
    }
    matchers
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
