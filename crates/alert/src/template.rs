//! Annotations: text with `{{ $labels.route }}` and `{{ $value | humanizePercentage }}`, as Prometheus' rules have it.
//!
//! Only the forms that alerts use: labels, the value, and the functions that make it readable. Anything else is left
//! as it stands, so that whoever reads it sees what was meant. Source: template/template.go of Prometheus.

use std::fmt::Write;

use crate::alert::Labels;

/// The longest text that comes of a template, in bytes.
const EXPANDED_BYTES_MAX: usize = 64 << 10;

/// The text, with labels and the value in their places.
pub fn expand(template: &str, labels: &Labels, value: f64) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once("{{") {
        text.push_str(before);
        let Some((action, after)) = behind.split_once("}}") else {
            text.push_str("{{");
            rest = behind;
            continue;
        };
        match evaluate(action.trim(), labels, value) {
            Some(result) => text.push_str(&result),
            None => {
                let _ = write!(text, "{{{{{action}}}}}");
            }
        }
        rest = after;
        if text.len() > EXPANDED_BYTES_MAX {
            break;
        }
    }
    text.push_str(rest);
    let mut end = text.len().min(EXPANDED_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

enum Item {
    Text(String),
    Number(f64),
}

fn evaluate(action: &str, labels: &Labels, value: f64) -> Option<String> {
    let action = action.trim_start_matches('-').trim_end_matches('-').trim();
    let mut parts = action.split('|').map(str::trim);
    let mut item = operand(parts.next()?, labels, value)?;
    for function in parts {
        item = apply(function, item)?;
    }
    Some(match item {
        Item::Text(text) => text,
        Item::Number(number) => number_text(number),
    })
}

fn operand(text: &str, labels: &Labels, value: f64) -> Option<Item> {
    if let Some(name) = text.strip_prefix("$labels.").or_else(|| text.strip_prefix(".Labels.")) {
        return Some(Item::Text(labels.get(name).map_or("", |value| value).to_owned()));
    }
    if matches!(text, "$value" | ".Value") {
        return Some(Item::Number(value));
    }
    // `printf "%.2f" $value` and `humanize $value`: the function first.
    let (function, argument) = text.rsplit_once(' ')?;
    apply(function.trim(), operand(argument.trim(), labels, value)?)
}

fn apply(function: &str, item: Item) -> Option<Item> {
    if let Some(format) = function.strip_prefix("printf ") {
        return printf(format.trim().trim_matches('"'), item).map(Item::Text);
    }
    let number = match &item {
        Item::Number(number) => Some(*number),
        Item::Text(text) => text.parse().ok(),
    };
    let text = match (function, item) {
        ("toUpper", Item::Text(text)) => text.to_uppercase(),
        ("humanize", _) => humanize(number?, 1000.0, &["", "k", "M", "G", "T", "P", "E"]),
        ("humanize1024", _) => humanize(number?, 1024.0, &["", "ki", "Mi", "Gi", "Ti", "Pi", "Ei"]),
        ("humanizePercentage", _) => format!("{}%", significant(number? * 100.0, 4)),
        ("humanizeDuration", _) => humanize_duration(number?),
        _ => return None,
    };
    Some(Item::Text(text))
}

/// `%s`, `%v`, `%d`, `%f` and `%.2f`, with text around.
fn printf(format: &str, item: Item) -> Option<String> {
    let (before, behind) = format.split_once('%')?;
    let verb = behind.find(|c: char| c.is_ascii_alphabetic())?;
    let (precision, after) = (&behind[..verb], &behind[verb + 1..]);
    let shown = match (behind.as_bytes().get(verb)?, item) {
        (b's' | b'v', Item::Text(text)) => text,
        (b'v' | b'g', Item::Number(number)) => number_text(number),
        (b'd', Item::Number(number)) => format!("{number:.0}"),
        (b'f', Item::Number(number)) => {
            let digits = precision.strip_prefix('.').map_or(Some(6), |digits| digits.parse().ok())?;
            format!("{number:.precision$}", precision = usize::min(digits, 20))
        }
        _ => return None,
    };
    Some(format!("{before}{shown}{}", after.replace("%%", "%")))
}

fn humanize(mut number: f64, step: f64, units: &[&str]) -> String {
    if !number.is_finite() || number == 0.0 {
        return number_text(number);
    }
    if number.abs() < 1.0 && step == 1000.0 {
        let mut unit = "";
        for small in ["m", "u", "n", "p"] {
            if number.abs() >= 1.0 {
                break;
            }
            number *= 1000.0;
            unit = small;
        }
        return format!("{}{unit}", significant(number, 4));
    }
    let mut unit = 0;
    while number.abs() >= step && unit + 1 < units.len() {
        number /= step;
        unit += 1;
    }
    format!("{}{}", significant(number, 4), units[unit])
}

fn humanize_duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return number_text(seconds);
    }
    if seconds.abs() < 1.0 {
        return format!("{}s", humanize(seconds, 1000.0, &[""]));
    }
    let (sign, whole) = (if seconds < 0.0 { "-" } else { "" }, seconds.abs());
    let all = whole as u64;
    let (days, hours, minutes) = (all / 86_400, all / 3600 % 24, all / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", significant(whole, 4)),
        (0, 0, _) => format!("{sign}{minutes}m {}s", all % 60),
        (0, ..) => format!("{sign}{hours}h {minutes}m {}s", all % 60),
        _ => format!("{sign}{days}d {hours}h {minutes}m {}s", all % 60),
    }
}

/// With so many digits that say something, as Go's `%.4g` does within the range of shares and counts.
fn significant(number: f64, digits: i32) -> String {
    if number == 0.0 || !number.is_finite() {
        return number_text(number);
    }
    let magnitude = number.abs().log10().floor() as i32;
    let decimals = usize::try_from(digits - 1 - magnitude).unwrap_or(0);
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    format!("{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_read_as_prometheus_writes_them() {
        let labels: Labels = [("route".into(), "/pay".into())].into();
        for (template, value, expected) in [
            ("{{ $labels.route }}: {{ $value | humanizePercentage }} slow", 0.7205, "/pay: 72.05% slow"),
            ("{{$value|humanizePercentage}}", 0.05, "5%"),
            ("{{ $value }}", 12.0, "12"),
            ("{{ printf \"%.2f\" $value }} x", 1.239, "1.24 x"),
            ("{{ $value | printf \"%.1f%%\" }}", 3.0, "3.0%"),
            ("{{ humanizeDuration $value }}", 3_725.0, "1h 2m 5s"),
            ("{{ $value | humanize }}", 1_234_567.0, "1.235M"),
            ("{{ $labels.route | toUpper }}{{ $labels.none }}", 1.0, "/PAY"),
            ("{{ query \"up\" }} {{", 1.0, "{{ query \"up\" }} {{"),
            ("{{ $value }}", f64::NAN, "NaN"),
        ] {
            assert_eq!(expand(template, &labels, value), expected, "{template}");
        }
    }
}
