//! `printf` as Go has it, for texts and numbers: also its way to say that an argument does not fit, since that stands
//! in the mail and not in a log. Written by hand: Rust's own formats are fixed when the program is built.

use std::fmt::Write;

use super::function::Value;
use super::number::{go_float, significant_go};

/// The widest field and the most decimals: more is a mistake, and would be a way to fill memory.
const WIDTH_MAX: usize = 200;

/// What one `%` asks for.
#[derive(Default)]
struct Spec {
    is_left: bool,
    has_sign: bool,
    has_zeros: bool,
    width: usize,
    precision: Option<usize>,
}

/// The text of a format and its arguments.
pub(super) fn printf(format: &str, arguments: &[Value]) -> String {
    let mut text = String::new();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some((before, behind)) = rest.split_once('%') {
        text.push_str(before);
        let (spec, after) = spec(behind);
        let Some(verb) = after.chars().next() else {
            text.push_str("%!(NOVERB)");
            return text;
        };
        rest = &after[verb.len_utf8()..];
        if verb == '%' {
            text.push('%');
            continue;
        }
        match arguments.next() {
            None => {
                let _ = write!(text, "%!{verb}(MISSING)");
            }
            Some(value) => text.push_str(&shown(&spec, verb, value)),
        }
    }
    text.push_str(rest);
    let left: Vec<String> =
        arguments.map(|value| format!("{}={}", kind(value), value.clone().into_text())).collect();
    if !left.is_empty() {
        let _ = write!(text, "%!(EXTRA {})", left.join(", "));
    }
    text
}

fn spec(mut rest: &str) -> (Spec, &str) {
    let mut spec = Spec::default();
    loop {
        match rest.as_bytes().first() {
            Some(b'-') => spec.is_left = true,
            Some(b'+') => spec.has_sign = true,
            Some(b'0') => spec.has_zeros = true,
            Some(b' ' | b'#') => {}
            _ => break,
        }
        rest = &rest[1..];
    }
    let number = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (rest[..digits].parse::<usize>().unwrap_or(0).min(WIDTH_MAX), digits)
    };
    let (width, digits) = number(rest);
    (spec.width, rest) = (width, &rest[digits..]);
    if let Some(behind) = rest.strip_prefix('.') {
        let (precision, digits) = number(behind);
        (spec.precision, rest) = (Some(precision), &behind[digits..]);
    }
    (spec, rest)
}

fn shown(spec: &Spec, verb: char, value: &Value) -> String {
    let decimals = spec.precision.unwrap_or(6);
    let text = match (verb, value) {
        ('v', value) => match (value, spec.precision) {
            (Value::Number(number), Some(digits)) => significant_go(*number, digits),
            _ => value.clone().into_text(),
        },
        ('t', Value::Boolean(boolean)) => boolean.to_string(),
        ('s', Value::Text(text)) => match spec.precision {
            Some(length) => text.chars().take(length).collect(),
            None => text.clone(),
        },
        ('q', Value::Text(text)) => format!("{text:?}"),
        ('f' | 'F', Value::Number(number)) if number.is_finite() => format!("{number:.decimals$}"),
        ('e', Value::Number(number)) if number.is_finite() => exponent(&format!("{number:.decimals$e}")),
        ('g', Value::Number(number)) if number.is_finite() => match spec.precision {
            Some(digits) => significant_go(*number, digits),
            None => go_float(*number),
        },
        ('f' | 'F' | 'e' | 'g', Value::Number(number)) => go_float(*number),
        (verb, value) => return format!("%!{verb}({}={})", kind(value), value.clone().into_text()),
    };
    padded(spec, text, matches!(value, Value::Number(_)))
}

fn padded(spec: &Spec, mut text: String, is_number: bool) -> String {
    if spec.has_sign && is_number && !text.starts_with(['-', '+']) {
        text.insert(0, '+');
    }
    let missing = spec.width.saturating_sub(text.chars().count());
    if missing == 0 {
        return text;
    }
    if spec.is_left {
        return format!("{text}{}", " ".repeat(missing));
    }
    if spec.has_zeros && is_number {
        let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    format!("{}{text}", " ".repeat(missing))
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "string",
        Value::Number(_) => "float64",
        Value::Boolean(_) => "bool",
    }
}

/// Go writes two digits and a sign of an exponent: `1e+06`.
pub(super) fn exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text.to_owned() };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}
