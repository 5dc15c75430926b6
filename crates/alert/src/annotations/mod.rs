//! Annotations with values in them: the common forms of Prometheus' templates.
//!
//! `{{ $labels.route }}: {{ $value | humanizePercentage }} slow` is what rule files are full of. Understood are
//! labels, the value, external labels, texts, `printf`, and the functions that make numbers readable, one after
//! the other with `|`. Conditions, loops and queries are not: an annotation that needs them is an error when the
//! config is read, not an odd mail at night.

mod format;

use crate::Labels;
use format::{go_float, printf};
pub use format::{humanize, humanize_1024, humanize_duration, humanize_percentage, humanize_timestamp};

/// An annotation or a label with places for values.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Vec<Part>);

/// What a template is filled from.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The alert's labels.
    pub labels: &'a Labels,
    /// Labels of the whole server.
    pub external_labels: &'a Labels,
    /// Where people reach it.
    pub external_url: &'a str,
    /// The value that made it fire.
    pub value: f64,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `{{` without its `}}`.
    #[error("a `{{{{` has no `}}}}`")]
    Open,
    /// Nothing inside, or something that is no operand.
    #[error(
        "`{0}` is not understood; known are $labels.NAME, $value, $externalLabels.NAME, $externalURL, texts in \
         quotes and functions with |"
    )]
    Operand(String),
    /// A function that is none of those known.
    #[error("the function `{0}` is not known; there are {functions}", functions = FUNCTIONS.join(", "))]
    Function(String),
    /// Conditions, loops, definitions.
    #[error("`{0}` is not understood: templates here have no conditions, loops or queries")]
    Control(String),
}

/// The functions of one argument.
const FUNCTIONS: [&str; 8] = [
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "title",
    "toLower",
    "toUpper",
];

const CONTROL: [&str; 9] = ["if", "else", "end", "range", "with", "define", "template", "block", "query"];

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Pipe(Vec<Step>),
}

/// A function with its arguments; the one before the `|` is its last.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    function: Option<String>,
    arguments: Vec<Operand>,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Label(String),
    ExternalLabel(String),
    ExternalUrl,
    Value,
    Text(String),
    Number(f64),
}

/// What an operand or a function gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    Text(String),
    Number(f64),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// What is not understood in it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut trims_start = false;
        while let Some((before, after)) = rest.split_once("{{") {
            let end = action_end(after).ok_or(TemplateError::Open)?;
            let (action, behind) = (&after[..end], &after[end + 2..]);
            let trims_end = action.starts_with("- ") || action.starts_with("-\n");
            let before = if trims_start { before.trim_start() } else { before };
            push_text(&mut parts, if trims_end { before.trim_end() } else { before });
            let action = if trims_end { &action[1..] } else { action };
            trims_start = action.ends_with(" -");
            let action = if trims_start { &action[..action.len() - 1] } else { action };
            let action = action.trim();
            if !(action.starts_with("/*") && action.ends_with("*/")) {
                parts.push(Part::Pipe(pipe(action)?));
            }
            rest = behind;
        }
        push_text(&mut parts, if trims_start { rest.trim_start() } else { rest });
        Ok(Self(parts))
    }

    /// The text with the values in it. A label that is not there is empty.
    pub fn render(&self, values: &Values<'_>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Pipe(steps) => text.push_str(&given(steps, values).into_text()),
            }
        }
        text
    }

    /// The labels that it asks for.
    pub fn label_names(&self) -> Vec<&str> {
        let steps = self.0.iter().filter_map(|part| match part {
            Part::Pipe(steps) => Some(steps),
            Part::Text(_) => None,
        });
        let operands = steps.flatten().flat_map(|step| &step.arguments);
        operands
            .filter_map(|operand| match operand {
                Operand::Label(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }
}

impl Given {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => go_float(number),
        }
    }

    pub(crate) fn number(&self) -> f64 {
        match self {
            Self::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
            Self::Number(number) => *number,
        }
    }
}

/// The text with labels and the value in their places; as it stands where it is no template.
pub fn expand(text: &str, labels: &Labels, value: f64) -> String {
    let values = Values { labels, external_labels: &Labels::new(), external_url: "", value };
    Template::parse(text).map_or_else(|_| text.to_owned(), |template| template.render(&values))
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

/// Where an action's `}}` is; not one inside a text.
fn action_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if is_escaped => is_escaped = false,
            (Some('"'), '\\') => is_escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, '}') if text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

fn pipe(action: &str) -> Result<Vec<Step>, TemplateError> {
    let tokens = tokens(action)?;
    let steps = tokens.split(|token| token == "|").enumerate().map(|(at, words)| step(words, at > 0, action));
    steps.collect()
}

/// Words, texts in quotes and bars.
fn tokens(action: &str) -> Result<Vec<String>, TemplateError> {
    let wrong = || TemplateError::Operand(action.to_owned());
    let mut tokens = Vec::new();
    let mut rest = action.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '|' => 1,
            '"' | '`' => {
                let mut is_escaped = false;
                let close = rest.char_indices().skip(1).find(|&(_, c)| {
                    let is_close = !is_escaped && c == first;
                    is_escaped = !is_escaped && first == '"' && c == '\\';
                    is_close
                });
                close.ok_or_else(wrong)?.0 + 1
            }
            _ => rest.find(|c: char| c.is_whitespace() || c == '|').unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(end);
        tokens.push(token.to_owned());
        rest = behind.trim_start();
    }
    if tokens.is_empty() { Err(wrong()) } else { Ok(tokens) }
}

fn step(words: &[String], has_input: bool, action: &str) -> Result<Step, TemplateError> {
    let wrong = || TemplateError::Operand(action.to_owned());
    let (first, arguments) = words.split_first().ok_or_else(wrong)?;
    if CONTROL.contains(&first.as_str()) {
        return Err(TemplateError::Control(action.to_owned()));
    }
    if let Some(operand) = operand(first) {
        let is_alone = arguments.is_empty() && !has_input;
        return if is_alone { Ok(Step { function: None, arguments: vec![operand] }) } else { Err(wrong()) };
    }
    let count = arguments.len() + usize::from(has_input);
    let is_right = match first.as_str() {
        "printf" => count >= 1 && arguments.first().is_some_and(|word| word.starts_with(['"', '`'])),
        name if FUNCTIONS.contains(&name) => count == 1,
        name if name.chars().all(|c| c.is_ascii_alphanumeric()) => {
            return Err(TemplateError::Function(name.to_owned()));
        }
        _ => false,
    };
    let arguments: Option<Vec<Operand>> = arguments.iter().map(|word| operand(word)).collect();
    match arguments.filter(|_| is_right) {
        Some(arguments) => Ok(Step { function: Some(first.clone()), arguments }),
        None => Err(wrong()),
    }
}

fn operand(word: &str) -> Option<Operand> {
    let name = |prefixes: [&str; 2]| {
        let name = prefixes.iter().find_map(|prefix| word.strip_prefix(prefix))?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then(|| name.to_owned())
    };
    if let Some(name) = name(["$labels.", ".Labels."]) {
        return Some(Operand::Label(name));
    }
    if let Some(name) = name(["$externalLabels.", ".ExternalLabels."]) {
        return Some(Operand::ExternalLabel(name));
    }
    match word {
        "$value" | ".Value" => return Some(Operand::Value),
        "$externalURL" | ".ExternalURL" => return Some(Operand::ExternalUrl),
        _ => {}
    }
    if let Some(text) = word.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        let text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"").replace("\\\\", "\\");
        return Some(Operand::Text(text));
    }
    if let Some(text) = word.strip_prefix('`').and_then(|text| text.strip_suffix('`')) {
        return Some(Operand::Text(text.to_owned()));
    }
    word.parse().ok().filter(|number: &f64| number.is_finite()).map(Operand::Number)
}

fn given(steps: &[Step], values: &Values<'_>) -> Given {
    let mut input = None;
    for step in steps {
        let mut arguments: Vec<Given> =
            step.arguments.iter().map(|operand| value_of(operand, values)).collect();
        arguments.extend(input.take());
        input = Some(match &step.function {
            None => arguments.pop().unwrap_or_else(|| Given::Text(String::new())),
            Some(function) => called(function, &arguments),
        });
    }
    input.unwrap_or_else(|| Given::Text(String::new()))
}

fn value_of(operand: &Operand, values: &Values<'_>) -> Given {
    let label = |labels: &Labels, name: &str| Given::Text(labels.get(name).map_or("", |v| v).to_owned());
    match operand {
        Operand::Label(name) => label(values.labels, name),
        Operand::ExternalLabel(name) => label(values.external_labels, name),
        Operand::ExternalUrl => Given::Text(values.external_url.to_owned()),
        Operand::Value => Given::Number(values.value),
        Operand::Text(text) => Given::Text(text.clone()),
        Operand::Number(number) => Given::Number(*number),
    }
}

fn called(function: &str, arguments: &[Given]) -> Given {
    let last = arguments.last();
    let number = last.map_or(f64::NAN, Given::number);
    let text = || last.cloned().map(Given::into_text).unwrap_or_default();
    Given::Text(match function {
        "printf" => {
            let (format, arguments) = arguments.split_first().map_or(("", &[][..]), |(format, rest)| {
                (if let Given::Text(format) = format { format.as_str() } else { "" }, rest)
            });
            printf(format, arguments)
        }
        "humanize" => humanize(number),
        "humanize1024" => humanize_1024(number),
        "humanizeDuration" => humanize_duration(number),
        "humanizePercentage" => humanize_percentage(number),
        "humanizeTimestamp" => humanize_timestamp(number),
        "toUpper" => text().to_uppercase(),
        "toLower" => text().to_lowercase(),
        "title" => titled(&text()),
        _ => String::new(),
    })
}

fn titled(text: &str) -> String {
    let mut is_start = true;
    let letter = |c: char| {
        let upper: String = if is_start { c.to_uppercase().collect() } else { c.to_string() };
        is_start = !c.is_alphanumeric();
        upper
    };
    text.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rendered(text: &str, value: f64) -> String {
        let labels: Labels =
            [("route".into(), "/orders/{id}".into()), ("b".into(), "{{ $value }}".into())].into();
        let external_labels: Labels = [("env".into(), "prod".into())].into();
        let values =
            Values { labels: &labels, external_labels: &external_labels, external_url: "https://w/", value };
        Template::parse(text).unwrap().render(&values)
    }

    #[test]
    fn the_common_forms_of_rule_files() {
        for (text, value, expected) in [
            ("no places", 1.0, "no places"),
            ("{{ $labels.route }}: {{ $value | humanizePercentage }} slow", 0.72, "/orders/{id}: 72% slow"),
            ("{{$labels.route}}", 1.0, "/orders/{id}"),
            ("{{ .Labels.route }} {{ .Value }}", 0.125, "/orders/{id} 0.125"),
            ("{{ $labels.nothing }}.", 1.0, "."),
            ("{{ $labels.b }}", 1.0, "{{ $value }}"),
            ("{{ humanize $value }}", 1_234_567.0, "1.235M"),
            ("{{ $value | humanizeDuration }}", 3661.0, "1h 1m 1s"),
            ("{{ printf \"%.2f\" $value }}", 1.0 / 3.0, "0.33"),
            ("{{ $value | printf \"%.1f of %d%%\" 2 }}", 7.0, "2.0 of 7%"),
            ("{{ $labels.route | printf \"%q\" | toUpper }}", 1.0, "\"/ORDERS/{ID}\""),
            ("{{ $externalLabels.env | title }} {{ $externalURL }}", 1.0, "Prod https://w/"),
            ("a  {{- $value -}}  b", 2.0, "a2b"),
            ("{{/* why */}}{{ \"}}\" }}{{ `a|b` }}", 0.0, "}}a|b"),
        ] {
            assert_eq!(rendered(text, value), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (text, expected) in [
            ("{{ $value", "`{{` has no"),
            ("{{ }}", "is not understood"),
            ("{{ if $value }}a{{ end }}", "no conditions"),
            ("{{ query \"up\" }}", "no conditions"),
            ("{{ $value | humanise }}", "`humanise` is not known; there are humanize,"),
            ("{{ $labels.a-b }}", "is not understood"),
            ("{{ $value $value }}", "is not understood"),
            ("{{ humanize }}", "is not understood"),
            ("{{ printf $value }}", "is not understood"),
            ("{{ \"a }}", "`{{` has no"),
        ] {
            let error = Template::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert_eq!(expand("{{ if }}", &Labels::new(), 1.0), "{{ if }}");
        assert_eq!(expand("{{ $value }}", &Labels::new(), 1.0), "1");
        let template = Template::parse("{{ $labels.a }}{{ printf \"%s\" $labels.b }}").unwrap();
        assert_eq!(template.label_names(), ["a", "b"]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_template_or_none(text in ".{0,40}|(\\{\\{|\\}\\}|[ \"`|$a-z%.-]){0,20}") {
            if let Ok(template) = Template::parse(&text) {
                let labels = Labels::new();
                let values =
                    Values { labels: &labels, external_labels: &labels, external_url: "", value: f64::NAN };
                template.render(&values);
            }
        }
    }
}
