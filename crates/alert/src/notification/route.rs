//! Whom an alert goes to: Alertmanager's tree of routes.
//!
//! An alert goes down the first child that matches, and on to its siblings where that one says `continue`; a
//! node whose children all refuse it takes it itself. What a node does not say is its parent's, except for its
//! times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::matcher::{Matcher, in_quotes};
use crate::Labels;

/// What makes alerts of a route one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// All labels (`...`): each alert is a group of its own.
    All,
    /// These; without any, one group has all.
    Labels(BTreeSet<Box<str>>),
}

/// A node of the tree as a config writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteSpec {
    /// Who is told.
    pub receiver: Option<Box<str>>,
    /// What an alert must meet; the root has none.
    pub matchers: Vec<Matcher>,
    /// What makes alerts one group.
    pub group_by: Option<GroupBy>,
    /// How long a new group waits for more alerts.
    pub group_wait: Option<Duration>,
    /// How often a group is looked at after that.
    pub group_interval: Option<Duration>,
    /// After what time the same is said again.
    pub repeat_interval: Option<Duration>,
    /// Whether the siblings behind it are asked too.
    pub goes_on: bool,
    /// Names of intervals in which nothing is sent.
    pub mute_time_intervals: Vec<Box<str>>,
    /// Names of intervals outside of which nothing is sent.
    pub active_time_intervals: Vec<Box<str>>,
    /// Its children.
    pub routes: Vec<RouteSpec>,
}

/// A node with all that it has from those above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Who is told.
    pub receiver: Box<str>,
    /// What makes alerts one group.
    pub group_by: GroupBy,
    /// How long a new group waits for more alerts.
    pub group_wait: Duration,
    /// How often a group is looked at after that.
    pub group_interval: Duration,
    /// After what time the same is said again.
    pub repeat_interval: Duration,
    /// Names of intervals in which nothing is sent.
    pub mute_time_intervals: Vec<Box<str>>,
    /// Names of intervals outside of which nothing is sent.
    pub active_time_intervals: Vec<Box<str>>,
    /// Where it stands in the tree, as Alertmanager shows it: `{}/{severity="page"}`.
    pub key: Box<str>,
    /// The same, and different for each route: what its groups are found by after a restart.
    pub unique_key: Box<str>,
    matchers: Vec<Matcher>,
    goes_on: bool,
    children: Vec<usize>,
}

/// All routes; the first one is the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// The tree below `root`, whose receiver takes what nobody else does.
    pub fn new(root: &RouteSpec) -> Self {
        let mut routes = Self(Vec::new());
        routes.add(root, None);
        let mut seen: BTreeMap<Box<str>, usize> = BTreeMap::new();
        for route in &mut routes.0 {
            let times = seen.entry(route.key.clone()).or_default();
            *times += 1;
            route.unique_key =
                if *times == 1 { route.key.clone() } else { format!("{}#{times}", route.key).into() };
        }
        routes
    }

    fn add(&mut self, spec: &RouteSpec, parent: Option<usize>) -> usize {
        let parent = parent.and_then(|at| self.0.get(at));
        let matchers: Vec<String> = spec.matchers.iter().map(ToString::to_string).collect();
        let own_key = format!("{{{}}}", matchers.join(","));
        let inherited = |own: Option<Duration>, of: fn(&Route) -> Duration, default_s| {
            own.or_else(|| parent.map(of)).unwrap_or(Duration::from_secs(default_s))
        };
        let key: Box<str> = match parent {
            Some(parent) => format!("{}/{own_key}", parent.key).into(),
            None => own_key.into(),
        };
        let route = Route {
            receiver: spec
                .receiver
                .clone()
                .or_else(|| parent.map(|parent| parent.receiver.clone()))
                .unwrap_or_default(),
            group_by: spec
                .group_by
                .clone()
                .or_else(|| parent.map(|parent| parent.group_by.clone()))
                .unwrap_or_else(|| GroupBy::Labels(BTreeSet::new())),
            group_wait: inherited(spec.group_wait, |route| route.group_wait, 30),
            group_interval: inherited(spec.group_interval, |route| route.group_interval, 5 * 60),
            repeat_interval: inherited(spec.repeat_interval, |route| route.repeat_interval, 4 * 3600),
            mute_time_intervals: spec.mute_time_intervals.clone(),
            active_time_intervals: spec.active_time_intervals.clone(),
            unique_key: key.clone(),
            key,
            matchers: spec.matchers.clone(),
            goes_on: spec.goes_on,
            children: Vec::new(),
        };
        let at = self.0.len();
        self.0.push(route);
        let children = spec.routes.iter().map(|child| self.add(child, Some(at))).collect();
        if let Some(route) = self.0.get_mut(at) {
            route.children = children;
        }
        at
    }

    /// The routes of an alert with these labels, by their place here.
    pub fn of(&self, labels: &Labels) -> Vec<usize> {
        self.below(0, labels)
    }

    fn below(&self, at: usize, labels: &Labels) -> Vec<usize> {
        let Some(route) = self.0.get(at).filter(|route| route.matchers.iter().all(|m| m.matches(labels)))
        else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for &child in &route.children {
            let of_child = self.below(child, labels);
            let is_taken = !of_child.is_empty();
            found.extend(of_child);
            if is_taken && !self.0.get(child).is_some_and(|child| child.goes_on) {
                break;
            }
        }
        if found.is_empty() {
            found.push(at);
        }
        found
    }

    /// A route by its place.
    pub fn get(&self, at: usize) -> Option<&Route> {
        self.0.get(at)
    }

    /// The place of the route with this unique key.
    pub fn find(&self, unique_key: &str) -> Option<usize> {
        self.0.iter().position(|route| *route.unique_key == *unique_key)
    }
}

impl Route {
    /// The labels that make an alert's group.
    pub fn group_labels(&self, labels: &Labels) -> Labels {
        match &self.group_by {
            GroupBy::All => labels.clone(),
            GroupBy::Labels(names) => names
                .iter()
                .filter_map(|name| labels.get(name).map(|value| (name.clone(), value.clone())))
                .collect(),
        }
    }

    /// The key of a group, as Alertmanager shows it.
    pub fn group_key(&self, group_labels: &Labels) -> String {
        let labels: Vec<String> =
            group_labels.iter().map(|(name, value)| format!("{name}={}", in_quotes(value))).collect();
        format!("{}:{{{}}}", self.key, labels.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(receiver: &str, matchers: &[&str], goes_on: bool, routes: Vec<RouteSpec>) -> RouteSpec {
        RouteSpec {
            receiver: Some(receiver.into()),
            matchers: matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect(),
            goes_on,
            routes,
            ..RouteSpec::default()
        }
    }

    fn labels(pairs: &str) -> Labels {
        pairs
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn tree() -> Routes {
        let children = vec![
            child("db", &["team=db"], false, vec![child("db-page", &["severity=page"], false, vec![])]),
            child("all", &["severity=~page|ticket"], true, vec![]),
            child("core", &["team=core"], false, vec![]),
            child("core", &["team=core"], false, vec![]),
        ];
        let root = RouteSpec {
            group_by: Some(GroupBy::Labels(["service".into()].into())),
            group_wait: Some(Duration::from_secs(10)),
            ..child("default", &[], false, children)
        };
        Routes::new(&root)
    }

    #[test]
    fn an_alert_goes_where_alertmanager_sends_it() {
        let routes = tree();
        for (pairs, expected) in [
            ("", "default"),
            ("team=db", "db"),
            ("team=db severity=page", "db-page"),
            ("team=core severity=page", "all core"),
            ("team=core", "core"),
            ("severity=ticket", "all"),
            ("severity=info", "default"),
        ] {
            let of = routes.of(&labels(pairs));
            let receivers: Vec<&str> = of.iter().map(|at| &*routes.get(*at).unwrap().receiver).collect();
            assert_eq!(receivers.join(" "), expected, "{pairs}");
        }
    }

    #[test]
    fn a_route_has_what_its_parent_has_and_a_key_of_its_own() {
        let routes = tree();
        let page = routes.get(2).unwrap();
        assert_eq!((page.group_wait, page.group_interval.as_secs()), (Duration::from_secs(10), 300));
        assert_eq!(&*page.key, "{}/{team=\"db\"}/{severity=\"page\"}");
        assert_eq!(
            (&*routes.get(5).unwrap().key, &*routes.get(5).unwrap().unique_key),
            ("{}/{team=\"core\"}", "{}/{team=\"core\"}#2")
        );
        assert_eq!(routes.find("{}/{team=\"core\"}#2"), Some(5));
        let group = page.group_labels(&labels("service=shop team=db"));
        assert_eq!(page.group_key(&group), "{}/{team=\"db\"}/{severity=\"page\"}:{service=\"shop\"}");
    }
}
