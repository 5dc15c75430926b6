//! Every dependency says why it is there, beside itself.
//!
//! A reason elsewhere is not read when the dependency is questioned years later. The workspace's
//! table holds versions only; the reason belongs to the crate that uses it, since another crate may
//! have another one, or none.

use super::Finding;
use super::source::TextFile;

/// Dependencies of other people's crates without a comment on or right above their line.
pub fn check(file: &TextFile) -> Vec<Finding> {
    if !file.path.ends_with("/Cargo.toml") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut in_dependencies = false;
    let mut previous = "";
    for (index, line) in file.text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        }
        let is_dependency = in_dependencies && line.starts_with(|c: char| c.is_ascii_alphanumeric());
        let is_explained = line.contains('#') || previous.starts_with('#') || is_companion(line, previous);
        if is_dependency && !is_explained && !is_ours(line) {
            let name = name(line);
            let message =
                format!("`{name}` has no reason; write above it, as a comment, what it is used for");
            findings.push(Finding::new(&file.path, index + 1, message));
        }
        previous = line;
    }
    findings
}

fn name(line: &str) -> &str {
    line.split(['.', ' ', '=']).next().unwrap_or(line)
}

/// `serde_json` behind `serde`: one reason is enough for both.
fn is_companion(line: &str, previous: &str) -> bool {
    !name(previous).is_empty() && name(line).starts_with(name(previous))
}

fn is_ours(line: &str) -> bool {
    line.starts_with("weir-") || line.contains("path = ")
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    fn check_manifest(text: &str, expected: &[usize]) {
        let file = TextFile { path: "crates/record/Cargo.toml".to_owned(), text: text.to_owned() };
        assert_lines(&check(&file), expected);
    }

    #[test]
    fn a_dependency_has_its_reason_beside_it() {
        check_manifest("[dependencies]\n# finds line ends\nmemchr.workspace = true", &[]);
        check_manifest("[dependencies]\nmemchr.workspace = true # finds line ends", &[]);
        check_manifest("[dependencies]\nmemchr.workspace = true", &[2]);
        check_manifest("[dev-dependencies]\n# a reason\na = \"1\"\nb = \"1\"", &[4]);
        check_manifest("[dependencies]\n# reads JSON\nserde.workspace = true\nserde_json = \"1\"", &[]);
    }

    #[test]
    fn our_own_crates_and_other_tables_need_none() {
        check_manifest("[dependencies]\nweir-record.workspace = true", &[]);
        check_manifest("[package]\nname = \"a\"\n[lints]\nworkspace = true", &[]);
    }
}
