//! The JSON of `aws elbv2 describe-rules` and `describe-listeners`.
//!
//! Only what routing needs is read, everything else is skipped: AWS adds condition types, actions
//! and fields every year, and a file must not become unreadable by that. What is read is strict,
//! because a rule that silently has no owner sends a page to nobody. Old quirks of the API are
//! honoured: priorities are strings, and `TargetGroupArn` stands beside or instead of
//! `ForwardConfig` (API reference, `DescribeRules`, `Action`).

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::listener_rules::{Endpoint, Owner};

/// Why a file of listener rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError {
    file: String,
    place: String,
    reason: String,
}

impl fmt::Display for RulesError {
    /// `rules.json: Rules[3].Priority: ...` or `rules.json: line 3 column 5: ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.place, self.reason)
    }
}

impl std::error::Error for RulesError {}

/// One fact out of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Rule { load_balancer: String, listener: String, priority: u32, owner: Owner },
    Listener { load_balancer: String, listener: String, endpoint: Endpoint },
}

/// Every rule and listener in `text`, which may hold several documents after each other.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Entry>, RulesError> {
    let error = |(place, reason)| RulesError { file: file.to_owned(), place, reason };
    let mut entries = Vec::new();
    let mut is_empty = true;
    for document in serde_json::Deserializer::from_str(text).into_iter::<Document>() {
        is_empty = false;
        document
            .map_err(|error| json_problem(&error))
            .and_then(|document| document.read(&mut entries))
            .map_err(error)?;
    }
    if is_empty {
        return Err(error(("the file".to_owned(), format!("is empty; {EXPECTED}"))));
    }
    Ok(entries)
}

const EXPECTED: &str = "expected the output of `aws elbv2 describe-rules` or `describe-listeners`";

/// Where in the file, and what is wrong there.
type Problem = (String, String);

fn problem(place: &str, reason: impl Into<String>) -> Problem {
    (place.to_owned(), reason.into())
}

/// `serde_json` writes the position behind its message; here it comes first, as for other errors.
fn json_problem(error: &serde_json::Error) -> Problem {
    let place = format!("line {} column {}", error.line(), error.column());
    let message = error.to_string();
    let reason = message.strip_suffix(&format!(" at {place}")).unwrap_or(&message).to_owned();
    (place, reason)
}

/// A page, or an array of pages, rules or listeners.
struct Document {
    items: Vec<Item>,
    is_array: bool,
}

/// A page, a rule or a listener: which one shows in what is there.
///
/// One struct and not an untagged enum, because that would lose line and column of every error.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Item {
    rules: Option<Vec<Item>>,
    listeners: Option<Vec<Item>>,
    load_balancers: Option<IgnoredAny>,
    target_groups: Option<IgnoredAny>,

    rule_arn: Option<String>,
    priority: Option<String>,
    actions: Option<Vec<Action>>,

    listener_arn: Option<String>,
    port: Option<u16>,
    protocol: Option<String>,
    default_actions: Option<Vec<Action>>,

    load_balancer_arn: Option<String>,
    target_group_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Action {
    r#type: String,
    target_group_arn: Option<String>,
    forward_config: Option<ForwardConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ForwardConfig {
    #[serde(default)]
    target_groups: Vec<WeightedGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WeightedGroup {
    target_group_arn: String,
    /// 0 to 999; without one, all groups weigh the same.
    weight: Option<u32>,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Document, A::Error> {
                let item = Item::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Document { items: vec![item], is_array: false })
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, seq: A) -> Result<Document, A::Error> {
                let items = Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(seq))?;
                Ok(Document { items, is_array: true })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Document {
    fn read(&self, entries: &mut Vec<Entry>) -> Result<(), Problem> {
        if self.is_array {
            return read_all(&self.items, "", entries);
        }
        self.items.iter().try_for_each(|item| item.read("the document", "", entries))
    }
}

fn read_all(items: &[Item], name: &str, entries: &mut Vec<Entry>) -> Result<(), Problem> {
    items.iter().enumerate().try_for_each(|(index, item)| {
        let place = format!("{name}[{index}]");
        item.read(&place, &format!("{place}."), entries)
    })
}

impl Item {
    /// Reads an item at `place`; `prefix` goes before the names of what is inside it.
    fn read(&self, place: &str, prefix: &str, entries: &mut Vec<Entry>) -> Result<(), Problem> {
        if let Some(rules) = &self.rules {
            read_all(rules, &format!("{prefix}Rules"), entries)?;
        }
        if let Some(listeners) = &self.listeners {
            read_all(listeners, &format!("{prefix}Listeners"), entries)?;
        }
        let is_page = self.rules.is_some() || self.listeners.is_some();
        let is_useless = self.load_balancers.is_some()
            || self.target_groups.is_some()
            || self.load_balancer_arn.is_some()
            || self.target_group_arn.is_some();
        match (&self.rule_arn, &self.listener_arn) {
            (Some(arn), _) => self.read_rule(arn, prefix, entries),
            (None, Some(arn)) => self.read_listener(arn, prefix, entries),
            (None, None) if is_page || is_useless => Ok(()),
            (None, None) => Err(problem(place, format!("has no rules and no listeners; {EXPECTED}"))),
        }
    }

    fn read_rule(&self, arn: &str, prefix: &str, entries: &mut Vec<Entry>) -> Result<(), Problem> {
        let Some((load_balancer, [listener, _rule])) = split_arn(arn, ":listener-rule/") else {
            return Err(problem(
                &format!("{prefix}RuleArn"),
                format!("`{arn}` does not end in `:listener-rule/app/<name>/<id>/<listener>/<rule>`"),
            ));
        };
        let priority = priority(self.priority.as_deref())
            .map_err(|reason| problem(&format!("{prefix}Priority"), reason))?;
        let owner = owner(self.actions.as_deref(), &format!("{prefix}Actions"))?;
        entries.push(Entry::Rule { load_balancer, listener: listener.to_owned(), priority, owner });
        Ok(())
    }

    fn read_listener(&self, arn: &str, prefix: &str, entries: &mut Vec<Entry>) -> Result<(), Problem> {
        let Some((load_balancer, [listener])) = split_arn(arn, ":listener/") else {
            return Err(problem(
                &format!("{prefix}ListenerArn"),
                format!("`{arn}` does not end in `:listener/app/<name>/<id>/<listener>`"),
            ));
        };
        if self.default_actions.is_some() {
            let owner = owner(self.default_actions.as_deref(), &format!("{prefix}DefaultActions"))?;
            entries.push(Entry::Rule {
                load_balancer: load_balancer.clone(),
                listener: listener.to_owned(),
                priority: 0,
                owner,
            });
        }
        let is_tls = self.protocol.as_deref().map(|protocol| matches!(protocol, "HTTPS" | "TLS"));
        let endpoint = Endpoint { port: self.port, is_tls };
        entries.push(Entry::Listener { load_balancer, listener: listener.to_owned(), endpoint });
        Ok(())
    }
}

/// `app/<name>/<id>` and the ids behind it, of an ARN whose resource type is `kind`.
fn split_arn<'a, const IDS: usize>(arn: &'a str, kind: &str) -> Option<(String, [&'a str; IDS])> {
    let (_, resource) = arn.split_once(kind)?;
    let parts: Vec<&str> = resource.split('/').collect();
    let (load_balancer, ids) = parts.split_at_checked(3)?;
    let ids = <[&str; IDS]>::try_from(ids).ok()?;
    parts.iter().all(|part| !part.is_empty()).then(|| (load_balancer.join("/"), ids))
}

/// 1 to 50,000, or 0 for `default`, as field 21 of the access log writes it.
fn priority(text: Option<&str>) -> Result<u32, String> {
    match text {
        Some("default") => Ok(0),
        Some(text) => match text.parse() {
            Ok(priority @ 1..=50_000) => Ok(priority),
            _ => Err(format!("`{text}` is neither `default` nor a number from 1 to 50000")),
        },
        None => Err("is missing".to_owned()),
    }
}

/// Whom the actions forward to; authentication before it makes no difference.
fn owner(actions: Option<&[Action]>, place: &str) -> Result<Owner, Problem> {
    let Some(actions) = actions else {
        return Err(problem(place, "is missing"));
    };
    let Some((index, forward)) = actions.iter().enumerate().find(|(_, action)| action.r#type == "forward")
    else {
        return Ok(Owner::Nobody);
    };
    forward.owner().ok_or_else(|| problem(&format!("{place}[{index}]"), "forwards to no target group"))
}

impl Action {
    fn owner(&self) -> Option<Owner> {
        let groups = self.forward_config.as_ref().map_or(&[][..], |config| &config.target_groups);
        let first = groups.first().map(|group| &group.target_group_arn).or(self.target_group_arn.as_ref())?;
        let mut weighted =
            groups.iter().filter(|group| group.weight != Some(0)).map(|group| &group.target_group_arn);
        let owner = match weighted.next() {
            None if groups.len() > 1 => None,
            None => Some(first),
            Some(heavy) => weighted.all(|other| other == heavy).then_some(heavy),
        };
        Some(owner.cloned().map_or(Owner::Several, Owner::TargetGroup))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:elasticloadbalancing:eu-central-1:1:listener-rule/app/lb/0123/beef/77";

    /// The facts in `text`, one a line, or the error.
    fn facts(text: &str) -> String {
        let text = text.replace("$ARN", ARN).replace("$LISTENER", "arn:aws:x:listener/app/lb/0123/beef");
        let shown = |entry: Entry| match entry {
            Entry::Rule { load_balancer, listener, priority, owner: Owner::TargetGroup(arn) } => {
                format!("{load_balancer} {listener} {priority}: {arn}")
            }
            Entry::Rule { listener, priority, owner, .. } => format!("{listener} {priority}: {owner:?}"),
            Entry::Listener { listener, endpoint: Endpoint { port, is_tls }, .. } => {
                format!("{listener}: {port:?} {is_tls:?}")
            }
        };
        match read("r.json", &text) {
            Ok(entries) => entries.into_iter().map(shown).collect::<Vec<_>>().join("\n"),
            Err(error) => error.to_string(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(facts(text), expected, "{text}");
    }

    /// A rule whose only action is the given one.
    #[track_caller]
    fn check_action(action: &str, expected: &str) {
        check(
            &format!(r#"{{"Rules": [{{"RuleArn": "$ARN", "Priority": "5", "Actions": [{action}]}}]}}"#),
            expected,
        );
    }

    #[test]
    fn a_forward_to_one_group_has_an_owner() {
        check_action(r#"{"Type": "forward", "TargetGroupArn": "a"}"#, "app/lb/0123 beef 5: a");
        check_action(
            r#"{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "a"}]}}"#,
            "app/lb/0123 beef 5: a",
        );
        check_action(
            r#"{"Type": "forward", "ForwardConfig": {"TargetGroups": [
                {"TargetGroupArn": "a", "Weight": 0}, {"TargetGroupArn": "b", "Weight": 1}]}}"#,
            "app/lb/0123 beef 5: b",
        );
        check_action(
            r#"{"Type": "authenticate-oidc"}, {"Type": "forward", "TargetGroupArn": "a"}"#,
            "app/lb/0123 beef 5: a",
        );
    }

    #[test]
    fn weights_that_cannot_be_decided_are_several() {
        for weights in [(90, 10), (0, 0)] {
            let (a, b) = weights;
            check_action(
                &format!(
                    r#"{{"Type": "forward", "ForwardConfig": {{"TargetGroups": [
                    {{"TargetGroupArn": "a", "Weight": {a}}}, {{"TargetGroupArn": "b", "Weight": {b}}}]}}}}"#
                ),
                "beef 5: Several",
            );
        }
    }

    #[test]
    fn other_actions_have_no_owner() {
        check_action(r#"{"Type": "redirect", "RedirectConfig": {"Port": "443"}}"#, "beef 5: Nobody");
        check_action(r#"{"Type": "an-action-of-2030"}"#, "beef 5: Nobody");
    }

    #[test]
    fn listeners_tell_port_protocol_and_default_rule() {
        check(
            r#"{"Listeners": [{"ListenerArn": "$LISTENER", "Port": 443, "Protocol": "HTTPS",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": "a"}]}]}"#,
            "app/lb/0123 beef 0: a\nbeef: Some(443) Some(true)",
        );
        check(
            r#"[{"ListenerArn": "$LISTENER", "Port": 80, "Protocol": "HTTP"}]"#,
            "beef: Some(80) Some(false)",
        );
    }

    #[test]
    fn pages_come_in_any_packing() {
        let rule = r#"{"RuleArn": "$ARN", "Priority": "default", "Actions": []}"#;
        let page = format!(r#"{{"Rules": [{rule}], "NextMarker": "x"}}"#);
        for text in [format!("{page}\n{page}"), format!("[{page}, {page}]"), format!("[{rule}, {rule}]")] {
            check(&text, "beef 0: Nobody\nbeef 0: Nobody");
        }
        check(r#"{"Rules": []}"#, "");
        check(r#"{"TargetGroups": [{"TargetGroupArn": "a"}]} {"LoadBalancers": [{}]}"#, "");
    }

    #[test]
    fn errors_name_file_place_and_value() {
        check("", &format!("r.json: the file: is empty; {EXPECTED}"));
        check(
            r#"{"rules": []}"#,
            &format!("r.json: the document: has no rules and no listeners; {EXPECTED}"),
        );
        check(r#"[{"RuleArn": "$ARN"}]"#, "r.json: [0].Priority: is missing");
        check(
            r#"{"Rules": [{"RuleArn": "arn:aws:x:rule/a", "Priority": "1", "Actions": []}]}"#,
            "r.json: Rules[0].RuleArn: `arn:aws:x:rule/a` does not end in \
             `:listener-rule/app/<name>/<id>/<listener>/<rule>`",
        );
        check(
            r#"{"Rules": [{"RuleArn": "$ARN", "Priority": "0", "Actions": []}]}"#,
            "r.json: Rules[0].Priority: `0` is neither `default` nor a number from 1 to 50000",
        );
        check_action(r#"{"Type": "forward"}"#, "r.json: Rules[0].Actions[0]: forwards to no target group");
        check(
            "{\"Rules\": [\n{\"Priority\": 5}]}",
            "r.json: line 2 column 14: invalid type: integer `5`, expected a string",
        );
        check("{\"Rules\": [", "r.json: line 1 column 11: EOF while parsing a list");
        check("7", "r.json: line 1 column 1: invalid type: integer `7`, expected an object or an array");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\[\\]{}:,\"RulesPioty0-9 ]{0,40}") {
            let _ = read("r.json", &text);
        }
    }
}
