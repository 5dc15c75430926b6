//! What a document points at exists.
//!
//! Documents rot by what they name: a file moves and every mention of it turns into a dead end. So
//! relative links, their anchors, and paths in backticks that begin with a folder of the repository
//! are looked up among the listed files. Addresses on the web are not: a check that needs a network
//! fails for reasons that are nobody's fault.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::source::TextFile;

/// Dead relative links, anchors and path mentions in all Markdown files.
pub fn check(files: &[TextFile], paths: &BTreeSet<String>) -> Vec<Finding> {
    let documents = || files.iter().filter(|file| file.path.ends_with(".md"));
    let ignored = files.iter().find(|file| file.path == ".gitignore").map_or("", |file| file.text.as_str());
    let tree = Tree {
        places: paths.iter().flat_map(|path| with_folders(path)).collect(),
        ignored: ignored.lines().filter_map(|line| line.strip_prefix('/')).collect(),
        anchors: documents().map(|file| (file.path.as_str(), anchors(&file.text))).collect(),
    };
    documents().flat_map(|file| check_document(file, &tree)).collect()
}

/// What a document may point at.
struct Tree<'a> {
    /// Files and folders.
    places: BTreeSet<&'a str>,
    /// Folders that git ignores: they exist once something has been built.
    ignored: BTreeSet<&'a str>,
    /// The anchors of each document.
    anchors: BTreeMap<&'a str, BTreeSet<String>>,
}

impl Tree<'_> {
    fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty()
            || self.places.contains(path)
            || self.ignored.iter().any(|folder| path.starts_with(folder))
    }
}

/// A path and every folder above it.
fn with_folders(path: &str) -> impl Iterator<Item = &str> {
    let folders = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
    folders.chain([path])
}

fn check_document(file: &TextFile, tree: &Tree<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in prose(&file.text) {
        // Backticks divide a line into text and code in turn.
        for (index, piece) in text.split('`').enumerate() {
            let dead: Vec<String> = if index % 2 == 1 {
                mentioned_path(piece, tree)
                    .filter(|path| !tree.has(path))
                    .into_iter()
                    .map(str::to_owned)
                    .collect()
            } else {
                targets(piece)
                    .filter(|target| !leads_somewhere(&file.path, target, tree))
                    .map(str::to_owned)
                    .collect()
            };
            findings.extend(dead.iter().map(|target| {
                Finding::new(&file.path, line, format!("`{target}` leads nowhere; name what exists now"))
            }));
        }
    }
    findings
}

/// The lines outside fenced code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_fence = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_fence ^= is_fence;
        (!in_fence && !is_fence).then_some((index + 1, line))
    })
}

/// The targets of `[text](target)` and `[name]: target`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let inline = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let reference =
        text.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
    inline.chain(reference)
}

/// Whether a link from the document at `from` ends in the repository, or leaves it.
fn leads_somewhere(from: &str, target: &str, tree: &Tree<'_>) -> bool {
    if target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let Some(path) = resolve(from, path) else {
        return false;
    };
    let has_anchor = |anchor| tree.anchors.get(path.as_str()).is_none_or(|anchors| anchors.contains(anchor));
    tree.has(&path) && anchor.is_none_or(has_anchor)
}

/// `target` seen from the folder of `from`, or `None` when it leaves the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The path in `code` if it looks like one of this repository: it begins with a folder of the root, or is
/// a document at the root such as `STYLE.md`.
fn mentioned_path<'a>(code: &'a str, tree: &Tree<'_>) -> Option<&'a str> {
    let is_plain = !code.contains(|c: char| c.is_whitespace() || "<>*{}$?|\"'=…()".contains(c));
    let path = code.split([':', '#']).next().filter(|_| is_plain)?;
    let is_mention = match path.split_once('/') {
        Some((folder, _)) => tree.places.contains(folder),
        None => {
            path.strip_suffix(".md").is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_uppercase()))
        }
    };
    is_mention.then_some(path)
}

/// Anchors of a document's headings, as the usual renderers make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter_map(|(_, line)| {
        let heading = line.trim_start_matches('#').strip_prefix(' ')?;
        line.starts_with('#').then_some(heading)
    });
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    /// Checks `docs/a.md` with this text, in a tree of a few files.
    fn check_text(text: &str, expected: &[usize]) {
        let file = |path: &str, text: &str| TextFile { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file(".gitignore", "/bench/data\n"),
            file("STYLE.md", "# Style\n## Names, and units\n"),
            file("bench/run.rs", ""),
            file("crates/record/src/alb.rs", ""),
            file("docs/a.md", text),
        ];
        let paths = files.iter().map(|file| file.path.clone()).collect();
        assert_lines(&check(&files, &paths), expected);
    }

    #[test]
    fn relative_links_end_at_a_file_or_folder() {
        check_text("[a](../STYLE.md), [b](../crates/record/), [c](https://example.com/x)", &[]);
        check_text("first\n[a](../GONE.md) and [b](b.md)", &[2, 2]);
        check_text("[a](../../outside.md)", &[1]);
        check_text("[a]: ../GONE.md", &[1]);
    }

    #[test]
    fn anchors_are_headings() {
        check_text("[a](../STYLE.md#names-and-units)", &[]);
        check_text("[a](../STYLE.md#gone)", &[1]);
        check_text("# Here\n[a](#here) [b](#there)", &[2]);
    }

    #[test]
    fn paths_in_backticks_exist() {
        check_text("`crates/record/src/alb.rs:12`, `crates/record`, `STYLE.md`", &[]);
        check_text("`crates/record/src/gone.rs`", &[1]);
        check_text("`GONE.md`", &[1]);
    }

    #[test]
    fn what_only_looks_like_a_path_is_left_alone() {
        check_text("`/api/v1/users`, `crates/*/src`, `bench/data/big.log`, `a.md`, `x/y`", &[]);
        check_text("```\n[a](gone.md) `crates/gone`\n```\n", &[]);
    }
}
