//! Beaver's sections as sources.
//!
//! Beaver's keys are about getting lines to Redis; ours are about the lines. So a section of files becomes a source
//! that reads those files, and the Redis in between is gone. For machines that keep Beaver, the same lines as a
//! `type: redis` source stand below as a comment.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::ini::Section;

/// The section that is not about files.
const MAIN: &str = "beaver";

/// Keys that say how lines travel, of which nothing is left once they do not.
const NEEDLESS: [&str; 30] = [
    "config_file",
    "confd_path",
    "debug",
    "daemonize",
    "discover_interval",
    "fqdn",
    "hostname",
    "ignore_old_files",
    "ignore_truncate",
    "logstash_version",
    "max_failure",
    "max_queue_size",
    "message_batch_size",
    "number_of_consumer_processes",
    "output",
    "path",
    "pid",
    "queue_timeout",
    "redis_data_type",
    "redis_namespace",
    "redis_password",
    "redis_url",
    "refresh_worker_process",
    "respawn_delay",
    "sincedb_path",
    "sincedb_write_interval",
    "stat_interval",
    "transport",
    "wait_timeout",
    "message_format",
];

/// The config for these sections.
pub fn convert(sections: &[Section]) -> String {
    let main = sections.iter().find(|section| section.name == MAIN);
    let mut out = String::from(
        "# Made by `weir import-beaver`. Read it through, then: weir check -c FILE\n\
         version: 1\ndata_dir: /var/lib/weir\nsources:\n",
    );
    let mut names = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    let files: Vec<&Section> = sections.iter().filter(|section| section.name != MAIN).collect();
    for section in &files {
        add_source(&mut out, section, main, &mut names);
        kinds.extend(section.get("type").filter(|_| is_nginx(section)).map(str::to_owned));
    }
    if files.is_empty() {
        out = out.replace("sources:\n", "sources: []\n");
        out += "# There is no section of files. Where there is a confd_path, import each of its files.\n";
    }
    add_redis(&mut out, &files, main, &kinds);
    out
}

fn add_source(out: &mut String, section: &Section, main: Option<&Section>, names: &mut BTreeSet<String>) {
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    let name = source_name(section, names);
    line(&format!("  - name: {name}"));
    line("    type: file");
    line(&format!("    path: {}", quoted(&section.name)));
    let (format, remark) = format_of(section);
    if let Some(remark) = remark {
        line(&format!("    # {remark}"));
    }
    line(&format!("    format: {format}"));
    if let Some(kind) = section.get("type") {
        line(&format!("    set_type: {}", quoted(kind)));
    }
    let tags: Vec<String> = list(section.get("tags").unwrap_or_default()).map(quoted).collect();
    if !tags.is_empty() {
        line(&format!("    tags: [{}]", tags.join(", ")));
    }
    for text in added_fields(section) {
        line(&text);
    }
    if let Some(pattern) = section.get("exclude").filter(|pattern| !pattern.is_empty()) {
        line(&match name_glob(pattern) {
            Some(glob) => format!("    exclude: {}", quoted(&glob)),
            None => {
                format!("    # exclude: {pattern}: a regular expression; say it as a glob: exclude: \"*.gz\"")
            }
        });
    }
    for text in multiline(section) {
        line(&text);
    }
    line(&format!("    start_position: {}", start_position(section)));
    for (key, value) in &section.keys {
        if let Some(remark) = remark_on(key, value) {
            line(&format!("    # {key}: {}: {remark}", value.replace('\n', " ")));
        }
    }
    if section.get("redis_namespace").is_some() && main.is_some() {
        line("    # redis_namespace: the lines no longer go through Redis; see the end of this file.");
    }
}

/// A regular expression on paths as a glob on names, where it is made of texts, `.*` and `$` alone.
fn name_glob(pattern: &str) -> Option<String> {
    let (body, end) = pattern.strip_suffix('$').map_or((pattern, "*"), |body| (body, ""));
    let mut glob = String::from("*");
    let mut rest = body.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '.' if rest.next_if_eq(&'*').is_some() => glob.push('*'),
            '\\' => {
                glob.push(rest.next().filter(char::is_ascii_punctuation).filter(|c| !"*?[]{}".contains(*c))?);
            }
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => glob.push(c),
            _ => return None,
        }
    }
    glob.push_str(end);
    while glob.contains("**") {
        glob = glob.replace("**", "*");
    }
    Some(glob)
}

/// A name of the characters that one may have, after the type or the file.
fn source_name(section: &Section, names: &mut BTreeSet<String>) -> String {
    let last = section.name.rsplit('/').next().unwrap_or_default();
    let wanted = section.get("type").filter(|kind| !kind.is_empty()).unwrap_or(last);
    let mut name: String = wanted
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' })
        .collect();
    name = name.trim_matches('-').to_owned();
    if name.is_empty() {
        "files".clone_into(&mut name);
    }
    let mut number = 1;
    let mut own = name.clone();
    while !names.insert(own.clone()) {
        number += 1;
        own = format!("{name}-{number}");
    }
    own
}

/// The format of the lines, and what to look at.
fn format_of(section: &Section) -> (&'static str, Option<&'static str>) {
    if is_nginx(section) {
        return (
            "nginx_json",
            Some("taken for nginx's JSON by its type; `combined` where it is nginx's default format"),
        );
    }
    match section.get("format") {
        Some("rawjson") => ("ndjson", None),
        Some("raw" | "string" | "json" | "msgpack") | None => ("text", None),
        Some("gelf") => {
            ("text", Some("format: gelf was how Beaver sent the lines; the files have plain text"))
        }
        Some(_) => ("text", Some("this format of Beaver's is not known")),
    }
}

fn is_nginx(section: &Section) -> bool {
    section.get("type").is_some_and(|kind| kind.to_lowercase().contains("nginx"))
        && !section.name.to_lowercase().contains("error")
}

fn added_fields(section: &Section) -> Vec<String> {
    let mut lines = Vec::new();
    let words: Vec<&str> = list(section.get("add_field").unwrap_or_default()).collect();
    let pairs: Vec<String> =
        words.chunks_exact(2).map(|pair| format!("{}: {}", quoted(pair[0]), quoted(pair[1]))).collect();
    if !pairs.is_empty() {
        lines.push(format!("    add_field: {{{}}}", pairs.join(", ")));
    }
    if words.len() % 2 == 1 {
        lines.push(format!(
            "    # add_field has no value for {}; Beaver refuses that.",
            quoted(words[words.len() - 1])
        ));
    }
    let words: Vec<&str> = list(section.get("add_field_env").unwrap_or_default()).collect();
    for pair in words.chunks_exact(2) {
        lines.push(format!(
            "    # add_field_env: add to add_field  {}: \"${{{}:-}}\"",
            quoted(pair[0]),
            pair[1]
        ));
    }
    lines
}

fn multiline(section: &Section) -> Vec<String> {
    let before = section.get("multiline_regex_before").filter(|pattern| !pattern.is_empty());
    let after = section.get("multiline_regex_after").filter(|pattern| !pattern.is_empty());
    let mut lines = Vec::new();
    if let Some(pattern) = before {
        lines.push(format!(
            "    # multiline_regex_before: {}: lines like this belong to the one before. weir wants the opposite, how",
            pattern.replace('\n', " ")
        ));
        lines.push(
            "    # a first line looks; this is the usual one, without white space in front:".to_owned(),
        );
        lines.push("    multiline: {start: '^\\S'}".to_owned());
    }
    if let Some(pattern) = after {
        lines.push(format!(
            "    # multiline_regex_after: {}: lines like this go on in the next. There is no counterpart; say with",
            pattern.replace('\n', " ")
        ));
        lines.push("    # multiline: {start: REGEX} how a first line looks.".to_owned());
    }
    lines
}

fn start_position(section: &Section) -> &'static str {
    match section.get("start_position") {
        Some("beginning") => "beginning",
        _ => "end",
    }
}

/// What to say of a key that is translated nowhere else; `None` where nothing is to be said.
fn remark_on(key: &str, value: &str) -> Option<&'static str> {
    const DONE: [&str; 10] = [
        "type",
        "tags",
        "add_field",
        "add_field_env",
        "exclude",
        "format",
        "multiline_regex_after",
        "multiline_regex_before",
        "start_position",
        "redis_namespace",
    ];
    if DONE.contains(&key) || NEEDLESS.contains(&key) {
        return None;
    }
    Some(match key {
        "encoding" if matches!(value.to_lowercase().as_str(), "utf_8" | "utf-8" | "utf8" | "ascii") => {
            return None;
        }
        "encoding" => "lines are read as UTF-8; other bytes are kept as \\xHH",
        "delimiter" if value == "\\n" => return None,
        "delimiter" => "lines end with a line feed",
        "size_limit" => "see limits.line_bytes, which is for all sources",
        "tail_lines" if value == "0" => return None,
        "tail_lines" => "use start_position: beginning, or none",
        "ignore_empty" => "empty lines are always left out",
        _ => "no counterpart",
    })
}

/// The same lines for who keeps Beaver and takes them from Redis.
fn add_redis(out: &mut String, files: &[&Section], main: Option<&Section>, kinds: &BTreeSet<String>) {
    let Some(main) = main else { return };
    let get = |key: &str| main.get(key).filter(|value| !value.is_empty());
    if get("redis_url").is_none() && get("transport") != Some("redis") {
        if let Some(transport) = get("transport") {
            let _ = writeln!(
                out,
                "# transport: {transport}: the files are read where they are; nothing is sent."
            );
        }
        return;
    }
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    let everywhere = get("redis_namespace").unwrap_or("logstash:beaver");
    let mut copies = BTreeSet::new();
    for namespace in files.iter().map(|section| section.get("redis_namespace").unwrap_or(everywhere)) {
        // Each line is pushed to all of them; the last one is the likeliest to have been added for weir.
        keys.extend(list(namespace).last());
        if list(namespace).count() > 1 {
            copies.insert(namespace);
        }
    }
    let keys: Vec<String> = keys.into_iter().map(quoted).collect();
    let word = if get("redis_data_type") == Some("channel") { "channel" } else { "key" };
    let _ = writeln!(
        out,
        "\n# Where Beaver stays (weir is on another machine, or Logstash goes on for now), these take the place of\n\
         # all sources above; never both, or each line counts twice. See docs/redis.md for running beside Logstash."
    );
    for namespace in copies {
        let _ = writeln!(out, "# Beaver pushes each line to all of {namespace}; weir needs one of them.");
    }
    for (index, url) in list(get("redis_url").unwrap_or("redis://localhost:6379/0")).enumerate() {
        let number = if index == 0 { String::new() } else { format!("-{}", index + 1) };
        let map: Vec<String> = kinds.iter().map(|kind| format!("{}: nginx_json", quoted(kind))).collect();
        let format = match map.as_slice() {
            [] => "beaver".to_owned(),
            map => format!("{{by: type, map: {{{}}}, default: beaver}}", map.join(", ")),
        };
        let _ = writeln!(
            out,
            "#  - name: beaver{number}\n#    type: redis\n#    url: {}\n#    {word}: [{}]\n#    format: {format}",
            quoted(url),
            keys.join(", ")
        );
    }
    if get("redis_password").is_some() {
        out.push_str(
            "# redis_password: Beaver's Redis transport does not use it; if Redis wants one: password_file: FILE\n",
        );
    }
}

/// The parts of a comma list, without white space.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty())
}

/// A text as YAML has it, whatever is in it; a `$` is none of the environment.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '$' => out.push('$'),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c) & 0xff);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out.replace("${", "$${")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import_beaver::ini;

    #[test]
    fn configs_become_what_the_golden_files_say() {
        for (ini, expected) in [
            (
                include_str!("../../../../testdata/import_beaver/shop.ini"),
                include_str!("../../../../testdata/import_beaver/shop.yaml"),
            ),
            (
                include_str!("../../../../testdata/import_beaver/empty.ini"),
                include_str!("../../../../testdata/import_beaver/empty.yaml"),
            ),
        ] {
            let config = convert(&ini::parse(ini).unwrap());
            assert_eq!(config, expected, "\n{config}");
            crate::config::parse("f", &config, &|_| None).unwrap();
        }
    }

    #[test]
    fn simple_expressions_are_globs() {
        for (pattern, glob) in [
            (r".*\.gz$", Some("*.gz")),
            (r"\.gz$", Some("*.gz")),
            ("old", Some("*old*")),
            (r"error.*\.log$", Some("*error*.log")),
            ("a|b", None),
            (r"\d+", None),
            ("/tmp/.*", None),
            (r"\", None),
        ] {
            assert_eq!(name_glob(pattern).as_deref(), glob, "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_value_is_quoted_so_that_yaml_reads_it_back(text in "\\PC{0,40}") {
            let config = format!("data_dir: {}\n", quoted(&format!("x{text}")));
            let read = crate::config::parse("f", &config, &|_| None);
            if let Ok(config) = read {
                proptest::prop_assert_eq!(config.data_dir.display().to_string(), format!("x{text}"));
            }
        }
    }
}
