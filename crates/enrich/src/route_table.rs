//! The first of many patterns that matches a path.
//!
//! A service may have hundreds of routes, most with the same first segments, so they are a tree by
//! segment, not a list: a path follows its literal branch and the few wildcard branches beside it.
//! First-match-wins stays exact because every node knows the earliest pattern below it, and a
//! branch that cannot beat the best match so far is not entered. Router crates decide by
//! specificity instead (`/a/{id}` never shadows `/a/b`); here the user's order decides, as in the
//! rules of every proxy.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::route_pattern::{Partial, RoutePattern, Segment};

/// A tree over route patterns; matches cost about one hash per segment.
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    /// The earliest pattern that ends here or below.
    earliest: usize,
    /// The earliest pattern that ends exactly here.
    exact: usize,
    /// The earliest pattern with `**` here.
    rest: usize,
    literals: HashMap<Box<[u8]>, usize, FixedState>,
    partials: Vec<(Partial, usize)>,
    any: Option<usize>,
}

const NONE: usize = usize::MAX;

impl RouteTable {
    pub(crate) fn new(patterns: &[RoutePattern]) -> Self {
        let mut table = Self { nodes: vec![Node::new(NONE)] };
        for (index, pattern) in patterns.iter().enumerate() {
            table.insert(index, pattern);
        }
        table
    }

    /// The index of the first pattern that matches `path`.
    pub(crate) fn find(&self, path: &[u8]) -> Option<usize> {
        let rest = path.strip_prefix(b"/")?;
        let rest = rest.strip_suffix(b"/").unwrap_or(rest);
        let mut best = NONE;
        self.search(0, (!rest.is_empty()).then_some(rest), &mut best);
        (best != NONE).then_some(best)
    }

    fn insert(&mut self, index: usize, pattern: &RoutePattern) {
        let mut at = 0;
        for segment in &pattern.segments {
            at = self.child(at, segment, index);
        }
        if let Some(node) = self.nodes.get_mut(at) {
            let end = if pattern.has_rest { &mut node.rest } else { &mut node.exact };
            *end = index.min(*end);
        }
        if let Some(root) = self.nodes.first_mut() {
            root.earliest = root.earliest.min(index);
        }
    }

    /// The node below `parent` for `segment`, made if it is not there yet.
    ///
    /// Patterns come in rising order, so whoever makes a node is its earliest pattern.
    fn child(&mut self, parent: usize, segment: &Segment, index: usize) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(parent) else { return parent };
        let child = match segment {
            Segment::Literal(text) => *node.literals.entry(text.as_bytes().into()).or_insert(next),
            Segment::Any => *node.any.get_or_insert(next),
            Segment::Partial(partial) => match node.partials.iter().find(|(known, _)| known == partial) {
                Some((_, child)) => *child,
                None => {
                    node.partials.push((partial.clone(), next));
                    next
                }
            },
        };
        if child == next {
            self.nodes.push(Node::new(index));
        }
        child
    }

    /// Lowers `best` to the first match at or below node `at`; `rest` is what follows the last `/`.
    fn search(&self, at: usize, rest: Option<&[u8]>, best: &mut usize) {
        let Some(node) = self.nodes.get(at).filter(|node| node.earliest < *best) else {
            return;
        };
        *best = node.rest.min(*best);
        let Some(rest) = rest else {
            *best = node.exact.min(*best);
            return;
        };
        let (segment, following) = split_segment(rest);
        if let Some(&child) = node.literals.get(segment) {
            self.search(child, following, best);
        }
        for (partial, child) in &node.partials {
            if partial.matches(segment) {
                self.search(*child, following, best);
            }
        }
        if let Some(child) = node.any.filter(|_| !segment.is_empty()) {
            self.search(child, following, best);
        }
    }
}

impl Node {
    fn new(earliest: usize) -> Self {
        Self {
            earliest,
            exact: NONE,
            rest: NONE,
            literals: HashMap::with_hasher(FixedState::default()),
            partials: Vec::new(),
            any: None,
        }
    }
}

/// The first segment without its `;parameters`, and what follows its slash.
fn split_segment(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    let text_len = path.iter().position(|byte| matches!(byte, b'/' | b';')).unwrap_or(path.len());
    let (text, rest) = path.split_at_checked(text_len).unwrap_or((path, &[]));
    let slash = rest.iter().position(|&byte| byte == b'/');
    (text, slash.and_then(|at| rest.get(at + 1..)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(texts: &[&str]) -> Vec<RoutePattern> {
        texts.iter().map(|text| RoutePattern::parse(text).unwrap()).collect()
    }

    /// Each path's first matching pattern, or `none`.
    #[track_caller]
    fn check(texts: &[&str], expected: &[(&str, &str)]) {
        let table = RouteTable::new(&patterns(texts));
        for (path, pattern) in expected {
            let found = table.find(path.as_bytes()).and_then(|index| texts.get(index)).copied();
            assert_eq!(found.unwrap_or("none"), *pattern, "{path}");
        }
    }

    #[test]
    fn a_variable_is_one_segment_that_is_not_empty() {
        check(
            &["/orders/{id}", "/users/*/name"],
            &[
                ("/orders/7", "/orders/{id}"),
                ("/orders/7/", "/orders/{id}"),
                ("/orders/7;jsessionid=1", "/orders/{id}"),
                ("/orders;v=1/7", "/orders/{id}"),
                ("/users/x/name", "/users/*/name"),
                ("/orders", "none"),
                ("/orders/", "none"),
                ("/orders//", "none"),
                ("/orders/7/items", "none"),
                ("/Orders/7", "none"),
                ("orders/7", "none"),
                ("", "none"),
            ],
        );
    }

    #[test]
    fn two_stars_are_zero_or_more_segments() {
        check(
            &["/static/**"],
            &[
                ("/static", "/static/**"),
                ("/static/", "/static/**"),
                ("/static/a//b.js", "/static/**"),
                ("/statics", "none"),
            ],
        );
        check(&["/**"], &[("/", "/**"), ("/a/b", "/**"), ("*", "none")]);
    }

    #[test]
    fn a_segment_may_hold_text_and_wildcards() {
        check(
            &["/{id}.json", "/v{major}.{minor}", "/{a}-x-{b}-x", "/*.js"],
            &[
                ("/7.json", "/{id}.json"),
                ("/.json", "none"),
                ("/v1.2", "/v{major}.{minor}"),
                ("/v1.", "none"),
                ("/v..2", "/v{major}.{minor}"),
                ("/1-x-2-x", "/{a}-x-{b}-x"),
                ("/-x-2-x", "none"),
                ("/1-x--x", "none"),
                ("/a.js/", "/*.js"),
            ],
        );
    }

    #[test]
    fn the_first_match_wins_however_special_a_later_one_is() {
        check(&["/a/{id}", "/a/b", "/**"], &[("/a/b", "/a/{id}"), ("/a", "/**"), ("/a/b/c", "/**")]);
        check(&["/a/b", "/a/{id}"], &[("/a/b", "/a/b"), ("/a/c", "/a/{id}")]);
        check(&["/**", "/a"], &[("/a", "/**")]);
        check(
            &["/{x}/b/d", "/a/**", "/{x}/b/c"],
            &[("/a/b/c", "/a/**"), ("/a/b/d", "/{x}/b/d"), ("/z/b/c", "/{x}/b/c")],
        );
        check(&["/a", "/a/", "/"], &[("/a/", "/a"), ("/", "/")]);
    }

    /// The specification: patterns in order, segments side by side.
    fn first_match_by_list(patterns: &[RoutePattern], path: &[u8]) -> Option<usize> {
        let rest = path.strip_prefix(b"/")?;
        let rest = rest.strip_suffix(b"/").unwrap_or(rest);
        let segments: Vec<&[u8]> =
            if rest.is_empty() { vec![] } else { rest.split(|&b| b == b'/').collect() };
        patterns.iter().position(|pattern| {
            let enough = if pattern.has_rest { usize::ge } else { usize::eq };
            enough(&segments.len(), &pattern.segments.len())
                && pattern.segments.iter().zip(&segments).all(|(want, segment)| match want {
                    Segment::Literal(text) => text.as_bytes() == *segment,
                    Segment::Any => !segment.is_empty(),
                    Segment::Partial(partial) => partial.matches(segment),
                })
        })
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_the_list_finds(
            texts in proptest::collection::vec("(/(a|b|ab|\\{x\\}|a\\{x\\}|\\{x\\}b)){0,3}(/\\*\\*)?", 0..20),
            path in "(/(a|b|ab|aab)?){0,5}",
        ) {
            let texts: Vec<_> = texts.iter().map(|text| format!("/{}", text.trim_start_matches('/'))).collect();
            let patterns = patterns(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let table = RouteTable::new(&patterns);
            prop_assert_eq!(table.find(path.as_bytes()), first_match_by_list(&patterns, path.as_bytes()));
        }
    }
}
