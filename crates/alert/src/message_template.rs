//! What messages have in common: their text without what differs each time.
//!
//! An error is new when its words were never seen, not when it names another order. Numbers, ids, addresses and
//! quoted text give way to a sign; what is left is the message's template.

/// The longest template, in bytes: the beginning of a message says what it is about.
const TEMPLATE_BYTES_MAX: usize = 200;

/// The template of a message.
pub fn message_template(message: &str) -> String {
    let mut template = String::new();
    for line in message.lines().map(str::trim).filter(|line| !line.is_empty()).take(1) {
        for word in line.split_whitespace() {
            if template.len() >= TEMPLATE_BYTES_MAX {
                break;
            }
            if !template.is_empty() {
                template.push(' ');
            }
            push_word(&mut template, word);
        }
    }
    let end = (0..=TEMPLATE_BYTES_MAX.min(template.len())).rev().find(|at| template.is_char_boundary(*at));
    template.truncate(end.unwrap_or(0));
    template
}

/// A word with a sign in the place of each run of letters and digits that has a digit.
fn push_word(template: &mut String, word: &str) {
    let mut rest = word;
    while !rest.is_empty() {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(end);
        let has_digit = part.bytes().any(|byte| byte.is_ascii_digit());
        template.push_str(if has_digit || part.contains('@') { "*" } else { part });
        let mut chars = behind.chars();
        template.extend(chars.next());
        rest = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_each_time_is_left_out() {
        for (message, template) in [
            ("order 4711 not found", "order * not found"),
            ("order 9 not found\n  at line 3", "order * not found"),
            ("user a@b.com: timeout after 30s (id=6f9a-11)", "user *: timeout after * (id=*)"),
            ("", ""),
        ] {
            assert_eq!(message_template(message), template);
        }
        assert!(message_template(&"é".repeat(1_000)).len() <= TEMPLATE_BYTES_MAX);
    }
}
