//! `filter_path`: which parts of an answer a client wants.
//!
//! Logstash and Filebeat ask for errors and statuses only, which makes the answer to a body of thousands of
//! documents a tenth. What leaves something out (`-items`) is read over, as parameters are that nobody knows.
//! Source: Elasticsearch reference, "Common options, response filtering".

/// More than any client has; what is beyond them is read over.
const PATTERNS_MAX: usize = 32;

/// The parts that an answer to `_bulk` may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub took: bool,
    pub errors: bool,
    /// Of each item.
    pub index: bool,
    pub id: bool,
    /// `_version`, `result`, `_shards`, `_seq_no` and `_primary_term`, which are always the same.
    pub rest: bool,
    pub status: bool,
    pub error: bool,
}

impl Parts {
    /// What a value of `filter_path` asks for; everything where there is none.
    pub(super) fn of(filter: Option<&str>) -> Self {
        let patterns = filter.unwrap_or_default().split(',').map(str::trim).take(PATTERNS_MAX);
        let patterns: Vec<Vec<&str>> = patterns
            .filter(|pattern| !pattern.is_empty() && !pattern.starts_with('-'))
            .map(|pattern| pattern.split('.').collect())
            .collect();
        let wants = |path: &[&str]| patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, path));
        let of_item = |name| ["create", "index"].iter().any(|operation| wants(&["items", operation, name]));
        Self {
            took: wants(&["took"]),
            errors: wants(&["errors"]),
            index: of_item("_index"),
            id: of_item("_id"),
            rest: of_item("result"),
            status: of_item("status"),
            error: of_item("error") || of_item("error.type") || of_item("error.reason"),
        }
    }
}

/// Whether a pattern is a path, or that of something around it.
fn fits(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], _) => true,
        (["**", rest @ ..], path) => (0..=path.len()).any(|start| fits(rest, &path[start..])),
        (_, []) => false,
        ([name, pattern @ ..], [own, path @ ..]) => is_like(name, own) && fits(pattern, path),
    }
}

/// Whether a name is that of a pattern with one `*` at most.
fn is_like(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_wanted() {
        let shown = |filter| {
            let Parts { took, errors, index, id, rest, status, error } = Parts::of(filter);
            [took, errors, index, id, rest, status, error]
                .map(|is_wanted| char::from(b'0' + u8::from(is_wanted)))
        };
        for (filter, expected) in [
            (None, "1111111"),
            (Some(""), "1111111"),
            (Some("-items"), "1111111"),
            (Some("errors,items.*.error,items.*.status"), "0100011"),
            (Some("took"), "1000000"),
            (Some("items"), "0011111"),
            (Some("items.create._i*"), "0011000"),
            (Some("**.status,errors"), "0100010"),
            (Some("nothing"), "0000000"),
        ] {
            assert_eq!(shown(filter).iter().collect::<String>(), expected, "{filter:?}");
        }
    }
}
