//! The repository builds anywhere: no folder of one machine, no host of a package registry.
//!
//! A path that exists on its author's machine works there and nowhere else; a registry's host
//! belongs in each user's own configuration, so that a mirror can stand in for it. Cargo's lock files
//! name their registry by design and samples of logs hold whatever paths were asked for: both are left out. npm's need
//! not (`omit-lockfile-registry-resolved`), and so must not.

use super::Finding;
use super::source::TextFile;

/// In pieces, so that a search of the tree finds none of them here.
const FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("deb", ".debian.org"),
    concat!("maven", ".org"),
    concat!("sona", "type.org"),
];

/// Absolute paths of a machine and registry hosts, in any text file.
pub fn check(file: &TextFile) -> Vec<Finding> {
    if is_exempt(&file.path) {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate();
    let findings = lines.flat_map(|(index, line)| {
        let folder = FOLDERS.iter().find(|folder| has_absolute_path(line, folder)).map(|folder| {
            format!("a path under `{folder}` exists on one machine only; make it relative or an argument")
        });
        let host = HOSTS.iter().find(|host| line.contains(*host)).map(|host| {
            format!("`{host}` is a registry's host; name the package and let the client's settings find it")
        });
        folder.into_iter().chain(host).map(move |message| Finding::new(&file.path, index + 1, message))
    });
    findings.collect()
}

fn is_exempt(path: &str) -> bool {
    let is_lock_file = path.rsplit('/').next() == Some("Cargo.lock");
    is_lock_file || path.starts_with("testdata/") || path.starts_with("fuzz/seeds/")
}

/// Whether `folder` begins a path in `line`, rather than standing inside a longer one or an address.
fn has_absolute_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let before = line.get(..start).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '}' | '*' | '~'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::assert_lines;
    use super::*;

    fn check_text(path: &str, text: &str, expected: &[usize]) {
        assert_lines(&check(&TextFile { path: path.to_owned(), text: text.to_owned() }), expected);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in FOLDERS {
            check_text("a.md", &format!("first\nsee `{folder}a.txt`"), &[2]);
            check_text("a.sh", &format!("cd {folder}a"), &[1]);
            check_text("a.md", &format!("https://example.com{folder}a and ./a{folder}b"), &[]);
        }
    }

    #[test]
    fn a_registry_host_is_found() {
        for host in HOSTS {
            check_text("a.toml", &format!("\nregistry = \"https://index.{host}/\""), &[2]);
            check_text("fuzz/Cargo.lock", &format!("source = \"{host}\""), &[]);
            check_text("page/package-lock.json", &format!("\"resolved\": \"https://{host}/a.tgz\""), &[1]);
        }
    }

    #[test]
    fn samples_of_logs_are_left_alone() {
        check_text("testdata/alb.log", &format!("GET {}a HTTP/1.1", FOLDERS.concat()), &[]);
    }
}
