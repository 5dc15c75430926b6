//! The documents a newcomer looks for are there, short enough to be read, and complete.
//!
//! A map that leaves out a crate is worse than none, because it is believed; a rule book of a
//! thousand lines is not read. Both are therefore counted.

use super::Finding;
use super::source::TextFile;

/// Documents at the root and the most lines that each may have.
const DOCUMENTS: &[(&str, usize)] = &[
    ("README.md", 400),
    ("ARCHITECTURE.md", 250),
    ("STYLE.md", 200),
    ("CONTRIBUTING.md", 300),
    ("CHANGELOG.md", usize::MAX),
    ("LICENSE", usize::MAX),
];
const MAP: &str = "ARCHITECTURE.md";

/// Documents that are missing or too long, and crates that the map does not show.
pub fn check(files: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for &(path, lines_max) in DOCUMENTS {
        match files.iter().find(|file| file.path == path) {
            None => findings.push(Finding::new(path, 1, "the document is missing; write it")),
            Some(file) => {
                let lines = file.text.lines().count();
                if lines > lines_max {
                    let message = format!("{lines} lines, {lines_max} are allowed; cut what nobody needs");
                    findings.push(Finding::new(path, lines, message));
                }
            }
        }
    }
    findings.extend(missing_from_map(files));
    findings
}

fn missing_from_map(files: &[TextFile]) -> Vec<Finding> {
    let map = files.iter().find(|file| file.path == MAP).map_or("", |file| file.text.as_str());
    let crates = files.iter().filter_map(|file| {
        file.path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml"))
    });
    let missing =
        crates.filter(|name| !map.contains(&format!("{name}/")) && !map.contains(&format!("`{name}`")));
    missing.map(|name| Finding::new(MAP, 1, format!("the map does not show crates/{name}; add it"))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    fn tree(map: &str) -> Vec<TextFile> {
        let documents = DOCUMENTS.iter().map(|(path, _)| (*path, if *path == MAP { map } else { "" }));
        let files = documents.chain([("crates/record/Cargo.toml", "")]);
        files.map(|(path, text)| TextFile { path: path.to_owned(), text: text.to_owned() }).collect()
    }

    #[test]
    fn documents_must_exist() {
        assert_lines(&check(&tree("`record`")), &[]);
        let mut files = tree("`record`");
        files.retain(|file| file.path != "STYLE.md");
        assert_lines(&check(&files), &[1]);
    }

    #[test]
    fn the_map_is_short_and_shows_every_crate() {
        assert_lines(&check(&tree("no crates")), &[1]);
        assert_lines(&check(&tree(&"record/\n".repeat(250))), &[]);
        assert_lines(&check(&tree(&"record/\n".repeat(251))), &[251]);
    }
}
