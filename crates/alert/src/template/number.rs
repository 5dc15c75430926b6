//! Numbers as Go and Prometheus write them: digits that say something, and an exponent where Go has one. Rust writes
//! all digits of a million, which would be easier to read and another text than the same rule gives elsewhere.

use super::printf::exponent;

/// As Go's `%v`: the shortest text that reads back, with an exponent below 1e-4 and from a million on.
pub(super) fn go_float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e6).contains(&magnitude) {
        return exponent(&format!("{number:e}"));
    }
    format!("{number}")
}

/// As Go's `%.4g` for 4 digits.
pub(super) fn significant_go(number: f64, digits: usize) -> String {
    if number == 0.0 || !number.is_finite() {
        return go_float(number);
    }
    let digits = digits.max(1);
    // Rounding may carry into another magnitude, so the rounded text says which it is.
    let scientific = format!("{number:.decimals$e}", decimals = digits - 1);
    let power = scientific.split_once('e').and_then(|(_, power)| power.parse::<i32>().ok()).unwrap_or(0);
    let plain_below = i32::try_from(digits).unwrap_or(i32::MAX);
    if power < -4 || power >= plain_below {
        let (mantissa, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        return exponent(&format!("{}e{power}", trimmed(mantissa)));
    }
    let decimals = usize::try_from(plain_below - 1 - power).unwrap_or(0);
    trimmed(&format!("{number:.decimals$}")).to_owned()
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// `1.235M`.
pub(super) fn humanize(mut number: f64, step: f64, units: &[&str]) -> String {
    if number == 0.0 || !number.is_finite() {
        return significant_go(number, 4);
    }
    if number.abs() < 1.0 && step == 1000.0 {
        let mut unit = "";
        for small in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if number.abs() >= 1.0 {
                break;
            }
            number *= 1000.0;
            unit = small;
        }
        return format!("{}{unit}", significant_go(number, 4));
    }
    let mut unit = 0;
    while number.abs() >= step && unit + 1 < units.len() {
        number /= step;
        unit += 1;
    }
    format!("{}{}", significant_go(number, 4), units[unit])
}

/// `72.05%`.
pub(super) fn humanize_percentage(share: f64) -> String {
    format!("{}%", significant_go(share * 100.0, 4))
}

/// `1h 2m 5s`.
pub(super) fn humanize_duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return significant_go(seconds, 4);
    }
    if seconds == 0.0 {
        return "0s".to_owned();
    }
    if seconds.abs() < 1.0 {
        return format!("{}s", humanize(seconds, 1000.0, &[""]));
    }
    let (sign, whole) = (if seconds < 0.0 { "-" } else { "" }, seconds.abs());
    let all = whole as u64;
    let (days, hours, minutes) = (all / 86_400, all / 3600 % 24, all / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", significant_go(whole, 4)),
        (0, 0, _) => format!("{sign}{minutes}m {}s", all % 60),
        (0, ..) => format!("{sign}{hours}h {minutes}m {}s", all % 60),
        _ => format!("{sign}{days}d {hours}h {minutes}m {}s", all % 60),
    }
}
