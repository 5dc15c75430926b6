//! What `weir init` prints: configs to start from, each key explained in a line.
//!
//! They are files of their own and not generated from the table of keys, since their order and words
//! are for somebody who reads one for the first time. Tests read them as they are, and once more with
//! every commented default switched on, so that neither a key nor a default can go stale in them.

/// What `weir init alb` prints.
pub const ALB: &str = include_str!("templates/alb.yaml");

/// What `weir init nginx` prints.
pub const NGINX: &str = include_str!("templates/nginx.yaml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::SECTIONS;
    use crate::config::{Config, parse};

    #[track_caller]
    fn read(text: &str) -> Config {
        parse("template", text, &|_| None).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
    }

    /// Keys that are shown with another value than their default, or with one where there is none.
    const EXAMPLES: [&str; 9] = [
        "auth",
        "sqs",
        "s3",
        "listener_rules",
        "listener_rules_api",
        "remote_write",
        "redact",
        "max_disk",
        "counters",
    ];

    /// The key of a line such as `  # lateness: 12m`.
    fn commented_key(line: &str) -> Option<&str> {
        let (key, _) = line.trim_start().strip_prefix("# ")?.split_once(": ")?;
        SECTIONS.iter().any(|section| section.keys.contains(&key)).then_some(key)
    }

    #[test]
    fn templates_are_read_as_they_are() {
        for template in [ALB, NGINX] {
            let config = read(template);
            assert_eq!((config.sources.len(), config.services.len()), (1, 0));
        }
    }

    #[test]
    fn what_is_commented_out_is_the_default() {
        for template in [ALB, NGINX] {
            let mut keys = Vec::new();
            let switched_on = template.lines().map(|line| match commented_key(line) {
                Some(key) if !EXAMPLES.contains(&key) => {
                    keys.push(key);
                    line.replacen("# ", "", 1)
                }
                _ => line.to_owned(),
            });
            let switched_on = switched_on.collect::<Vec<_>>().join("\n");
            let (expected, found) = (read(template), read(&switched_on));
            assert!(keys.len() >= 7, "{keys:?}");
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn each_example_in_comments_is_right() {
        for template in [ALB, NGINX] {
            let examples = template
                .lines()
                .filter(|line| commented_key(line).is_some_and(|key| EXAMPLES.contains(&key)));
            for example in examples {
                let is_input = commented_key(example).is_some_and(|key| matches!(key, "sqs" | "s3"));
                let lines = template.lines().filter(|line| !(is_input && line.starts_with("    path:")));
                let switched_on = lines
                    .map(|line| if line == example { line.replacen("# ", "", 1) } else { line.to_owned() });
                let config = read(&switched_on.collect::<Vec<_>>().join("\n"));
                assert_ne!(config, read(template), "{example}");
            }
        }
    }

    #[test]
    fn the_service_in_comments_is_right() {
        for template in [ALB, NGINX] {
            let is_service = |line: &str| line.starts_with("#  -") || line.starts_with("#    ");
            let with_service = template.replace("services: []", "services:");
            let start = with_service.find("services:\n").unwrap();
            let (before, services) = with_service.split_at(start);
            let services = services.lines().map(|line| if is_service(line) { &line[1..] } else { line });
            let config = read(&format!("{before}{}", services.collect::<Vec<_>>().join("\n")));
            let [service] = config.services.as_slice() else { panic!("one service") };
            assert_eq!((service.team.as_deref(), service.routes.len()), (Some("core"), 2));
        }
    }
}
