//! Reading metrics in text format back, with no code of the program that wrote them.

use std::collections::BTreeMap;

/// One line of an exposition.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// All samples of a text in format 0.0.4 or OpenMetrics without timestamps.
#[track_caller]
pub fn samples(text: &str) -> Vec<Sample> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}"))).collect()
}

/// The sum of the samples of a name that have these labels; 0 if there are none.
#[track_caller]
pub fn sum(text: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let has_labels = |sample: &&Sample| {
        labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|own| own == value))
    };
    let samples = samples(text);
    samples.iter().filter(|sample| sample.name == name).filter(has_labels).map(|sample| sample.value).sum()
}

fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_end);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    Some(Sample { name: name.to_owned(), labels, value: value.trim().parse().ok()? })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.insert(name.to_owned(), value);
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

/// A text up to its closing quote, and what follows that.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
}
