//! The dialect of ini that Python's ConfigParser reads, as far as Beaver's files use it.
//!
//! `[section]`, `key: value` or `key = value`, comments with `#` or `;` at the start of a line, and values that go on
//! in indented lines. Keys are lower case. A comment behind a value begins with ` ;`, as Python 2 has it. Beaver's
//! own parser also takes sections named by globs with brackets in them: the last bracket of the line ends the name.

use std::fmt;

/// A section, and its keys in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What stands between the brackets.
    pub name: String,
    /// Keys and values.
    pub keys: Vec<(String, String)>,
}

/// A line that is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IniError {
    line: usize,
    text: &'static str,
}

impl fmt::Display for IniError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.text)
    }
}

impl Section {
    /// The value of a key, the last one where it is there twice.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.keys.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// Reads a file.
pub fn parse(text: &str) -> Result<Vec<Section>, IniError> {
    let mut sections: Vec<Section> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let error = |text| Err(IniError { line: index + 1, text });
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let Some(end) = rest.rfind(']') else {
                return error("the section's name has no closing bracket");
            };
            sections.push(Section { name: rest[..end].to_owned(), keys: Vec::new() });
            continue;
        }
        let Some(section) = sections.last_mut() else {
            return error("expected a section such as [beaver] first");
        };
        if line.starts_with([' ', '\t'])
            && let Some((_, value)) = section.keys.last_mut()
        {
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        let Some((key, value)) = trimmed.split_once([':', '=']) else {
            return error("expected `key: value`");
        };
        let value = value.split(" ;").next().unwrap_or_default().trim();
        section.keys.push((key.trim().to_lowercase(), value.to_owned()));
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keys_and_comments_are_read() {
        let text = "# c\n[beaver]\nRedis_URL = redis://h:6379/0 ; c\n\n[/var/log/[ab]*.log]\ntype: nginx\ntags: a,\n  b\n";
        let sections = parse(text).unwrap();
        let shown: Vec<String> = sections
            .iter()
            .flat_map(|section| {
                section.keys.iter().map(|(key, value)| format!("{} {key}={value}", section.name))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "beaver redis_url=redis://h:6379/0",
                "/var/log/[ab]*.log type=nginx",
                "/var/log/[ab]*.log tags=a,\nb"
            ]
        );
        assert_eq!(parse("a: b").unwrap_err().to_string(), "1: expected a section such as [beaver] first");
        assert_eq!(parse("[a]\nb").unwrap_err().to_string(), "2: expected `key: value`");
        assert_eq!(parse("[a").unwrap_err().to_string(), "1: the section's name has no closing bracket");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(\\PC|\n|\\[|\\]|:|=){0,200}") {
            let _ = parse(&text);
        }
    }
}
