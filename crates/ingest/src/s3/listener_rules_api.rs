//! Listener rules from the API, as the text that `aws elbv2 describe-*` would have printed.
//!
//! There is one reader of that text, with its own tests and history; a second way in, by types of the SDK, would have
//! to agree with it for ever. So what is fetched is written down as JSON and read like a file, which a user can also
//! keep. A capture is whole or an error: a listener that is missing would send a page to nobody.

use std::fmt::Display;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{Action, Listener, LoadBalancer, LoadBalancerTypeEnum, Rule};
use serde_json::{Value, json};

use super::aws_failure::{AwsFailure, FailureKind};
use super::client::{AwsClients, S3Settings};
use super::object_reference::shown;

/// Names or ARNs in one request, by the API's rule.
const NAMES_PER_REQUEST_MAX: usize = 20;

/// Pages of one answer; a load balancer has 50 listeners, a listener 200 rules, and a page 400 of either.
const PAGES_MAX: usize = 1_000;

/// Why listener rules could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenerRulesApiError {
    /// Permissions or credentials do not allow it.
    #[error(
        "cannot read listener rules: {detail}; allow elasticloadbalancing:DescribeLoadBalancers, \
         DescribeListeners and DescribeRules"
    )]
    Denied {
        /// The service's word.
        detail: String,
    },
    /// There is no such load balancer, or it is none that has rules.
    #[error("cannot read the rules of `{name}`: {detail}; name application load balancers of this region")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The service or the way to it is in trouble; worth another try.
    #[error("cannot read listener rules: {detail}; trying again can help")]
    Unavailable {
        /// What went wrong.
        detail: String,
    },
    /// The answer lacks something, so it would be no whole capture.
    #[error("cannot read listener rules: {detail}; nothing of this capture is used")]
    Incomplete {
        /// What is missing.
        detail: String,
    },
}

impl ListenerRulesApiError {
    /// Whether the same request can succeed later.
    pub fn is_worth_retrying(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Incomplete { .. })
    }
}

/// Fetches the listeners and rules of application load balancers, given by name or ARN, or of all in the region if
/// none is given. The text is one JSON document with `Listeners` and `Rules`, with what routing needs of them.
///
/// # Errors
///
/// [`ListenerRulesApiError`]; there is no part of a capture.
pub async fn fetch_listener_rules(
    settings: &S3Settings,
    names_or_arns: &[String],
) -> Result<String, ListenerRulesApiError> {
    let client = AwsClients::load(settings).await.load_balancers();
    fetch(&client, names_or_arns).await
}

async fn fetch(client: &Client, names_or_arns: &[String]) -> Result<String, ListenerRulesApiError> {
    let mut listeners = Vec::new();
    for load_balancer in load_balancers(client, names_or_arns).await? {
        for listener in describe_listeners(client, &load_balancer).await? {
            let listener_arn = required(listener.listener_arn(), "ListenerArn")?;
            let rules = describe_rules(client, listener_arn).await?;
            listeners.push((listener, rules));
        }
    }
    capture(listeners)
}

/// The text of listeners with their rules. It has an order of its own, because the API promises none, and the same
/// rules in another order would be kept as another capture.
fn capture(mut captured: Vec<(Listener, Vec<Rule>)>) -> Result<String, ListenerRulesApiError> {
    captured.sort_by(|(one, _), (other, _)| one.listener_arn().cmp(&other.listener_arn()));
    let (mut listeners, mut rules) = (Vec::new(), Vec::new());
    for (listener, mut of_listener) in captured {
        of_listener.sort_by_cached_key(|rule| (priority(rule), rule.rule_arn().map(str::to_owned)));
        for rule in &of_listener {
            rules.push(rule_json(rule)?);
        }
        listeners.push(listener_json(&listener, required(listener.listener_arn(), "ListenerArn")?)?);
    }
    Ok(json!({"Listeners": listeners, "Rules": rules}).to_string())
}

/// The place of a rule; the default rule is no number and comes last.
fn priority(rule: &Rule) -> u32 {
    rule.priority().and_then(|priority| priority.parse().ok()).unwrap_or(u32::MAX)
}

/// The ARNs of the load balancers that were asked for.
async fn load_balancers(
    client: &Client,
    names_or_arns: &[String],
) -> Result<Vec<String>, ListenerRulesApiError> {
    let is_arn = |name: &&String| name.starts_with("arn:");
    let (arns, names): (Vec<&String>, Vec<&String>) = names_or_arns.iter().partition(is_arn);
    let mut found = Vec::new();
    if names_or_arns.is_empty() {
        found = describe_load_balancers(client, &[], &[]).await?;
        found.retain(|load_balancer| load_balancer.r#type() == Some(&LoadBalancerTypeEnum::Application));
    }
    for arns in arns.chunks(NAMES_PER_REQUEST_MAX) {
        found.extend(describe_load_balancers(client, arns, &[]).await?);
    }
    for names in names.chunks(NAMES_PER_REQUEST_MAX) {
        found.extend(describe_load_balancers(client, &[], names).await?);
    }
    for name in names_or_arns {
        check_found(name, &found)?;
    }
    let mut arns = Vec::with_capacity(found.len());
    for load_balancer in &found {
        arns.push(required(load_balancer.load_balancer_arn(), "LoadBalancerArn")?.to_owned());
    }
    arns.sort_unstable();
    arns.dedup();
    Ok(arns)
}

fn check_found(name: &str, found: &[LoadBalancer]) -> Result<(), ListenerRulesApiError> {
    let unknown =
        |detail: &str| ListenerRulesApiError::Unknown { name: shown(name), detail: detail.to_owned() };
    let load_balancer = found
        .iter()
        .find(|found| [found.load_balancer_arn(), found.load_balancer_name()].contains(&Some(name)))
        .ok_or_else(|| unknown("there is no such load balancer"))?;
    match load_balancer.r#type() {
        Some(LoadBalancerTypeEnum::Application) => Ok(()),
        Some(other) => Err(unknown(&format!("it is a {} load balancer", other.as_str()))),
        None => Err(unknown("its type is not known")),
    }
}

async fn describe_load_balancers(
    client: &Client,
    arns: &[&String],
    names: &[&String],
) -> Result<Vec<LoadBalancer>, ListenerRulesApiError> {
    let owned =
        |list: &[&String]| (!list.is_empty()).then(|| list.iter().copied().cloned().collect::<Vec<_>>());
    let asked = arns.iter().chain(names).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    let (mut items, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let output = client
            .describe_load_balancers()
            .set_load_balancer_arns(owned(arns))
            .set_names(owned(names))
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| api_error(&asked, error.into()))?;
        items.extend(output.load_balancers.unwrap_or_default());
        marker = output.next_marker;
        if marker.is_none() {
            return Ok(items);
        }
    }
    Err(too_many_pages("load balancers"))
}

async fn describe_listeners(
    client: &Client,
    load_balancer_arn: &str,
) -> Result<Vec<Listener>, ListenerRulesApiError> {
    let (mut items, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let output = client
            .describe_listeners()
            .load_balancer_arn(load_balancer_arn)
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| api_error(load_balancer_arn, error.into()))?;
        items.extend(output.listeners.unwrap_or_default());
        marker = output.next_marker;
        if marker.is_none() {
            return Ok(items);
        }
    }
    Err(too_many_pages("listeners"))
}

async fn describe_rules(client: &Client, listener_arn: &str) -> Result<Vec<Rule>, ListenerRulesApiError> {
    let (mut items, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let output = client
            .describe_rules()
            .listener_arn(listener_arn)
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| api_error(listener_arn, error.into()))?;
        items.extend(output.rules.unwrap_or_default());
        marker = output.next_marker;
        if marker.is_none() {
            // A listener always has its default rule.
            return if items.is_empty() { Err(incomplete("a listener without rules")) } else { Ok(items) };
        }
    }
    Err(too_many_pages("rules"))
}

fn listener_json(listener: &Listener, listener_arn: &str) -> Result<Value, ListenerRulesApiError> {
    Ok(json!({
        "ListenerArn": listener_arn,
        "LoadBalancerArn": required(listener.load_balancer_arn(), "LoadBalancerArn")?,
        "Port": required(listener.port(), "Port")?,
        "Protocol": required(listener.protocol(), "Protocol")?.as_str(),
        "DefaultActions": actions_json(listener.default_actions())?,
    }))
}

fn rule_json(rule: &Rule) -> Result<Value, ListenerRulesApiError> {
    Ok(json!({
        "RuleArn": required(rule.rule_arn(), "RuleArn")?,
        "Priority": required(rule.priority(), "Priority")?,
        "IsDefault": rule.is_default().unwrap_or(false),
        "Actions": actions_json(rule.actions())?,
    }))
}

fn actions_json(actions: &[Action]) -> Result<Vec<Value>, ListenerRulesApiError> {
    actions.iter().map(action_json).collect()
}

/// What an action says of target groups; certificates, answers and redirects are nobody's owner.
fn action_json(action: &Action) -> Result<Value, ListenerRulesApiError> {
    let mut value = json!({"Type": required(action.r#type(), "Type of an action")?.as_str()});
    if let Some(order) = action.order() {
        value["Order"] = json!(order);
    }
    if let Some(arn) = action.target_group_arn() {
        value["TargetGroupArn"] = json!(arn);
    }
    if let Some(forward) = action.forward_config() {
        let mut groups = Vec::new();
        for group in forward.target_groups() {
            let mut entry = json!({"TargetGroupArn": required(group.target_group_arn(), "TargetGroupArn")?});
            if let Some(weight) = group.weight() {
                entry["Weight"] = json!(weight);
            }
            groups.push(entry);
        }
        value["ForwardConfig"] = json!({"TargetGroups": groups});
    }
    Ok(value)
}

fn required<T>(value: Option<T>, name: impl Display) -> Result<T, ListenerRulesApiError> {
    value.ok_or_else(|| incomplete(format!("the answer has no {name}")))
}

fn incomplete(detail: impl Into<String>) -> ListenerRulesApiError {
    ListenerRulesApiError::Incomplete { detail: detail.into() }
}

fn too_many_pages(what: &str) -> ListenerRulesApiError {
    incomplete(format!("more than {PAGES_MAX} pages of {what}"))
}

fn api_error(asked: &str, failure: AwsFailure) -> ListenerRulesApiError {
    let detail = failure.detail;
    match failure.kind {
        FailureKind::Denied | FailureKind::Credentials => ListenerRulesApiError::Denied { detail },
        FailureKind::Unavailable => ListenerRulesApiError::Unavailable { detail },
        _ => ListenerRulesApiError::Unknown { name: shown(asked), detail },
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{
        ActionTypeEnum, ForwardActionConfig, ProtocolEnum, TargetGroupTuple,
    };

    use super::*;

    fn forward(groups: &[(&str, i32)]) -> Action {
        let groups = groups
            .iter()
            .map(|(arn, weight)| TargetGroupTuple::builder().target_group_arn(*arn).weight(*weight).build());
        let config = ForwardActionConfig::builder().set_target_groups(Some(groups.collect())).build();
        Action::builder().r#type(ActionTypeEnum::Forward).order(1).forward_config(config).build()
    }

    #[test]
    fn rules_and_listeners_are_written_as_the_command_line_prints_them() {
        let rule = Rule::builder().rule_arn("r").priority("10").is_default(false);
        let rule = rule.actions(forward(&[("a", 90), ("b", 10)])).build();
        assert_eq!(
            rule_json(&rule).unwrap(),
            json!({"RuleArn": "r", "Priority": "10", "IsDefault": false, "Actions": [
                {"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": [
                    {"TargetGroupArn": "a", "Weight": 90}, {"TargetGroupArn": "b", "Weight": 10}]}}]})
        );
        let action = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn("a").build();
        let listener = Listener::builder().load_balancer_arn("lb").port(443).protocol(ProtocolEnum::Https);
        assert_eq!(
            listener_json(&listener.default_actions(action).build(), "l").unwrap(),
            json!({"ListenerArn": "l", "LoadBalancerArn": "lb", "Port": 443, "Protocol": "HTTPS",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": "a"}]})
        );
    }

    #[test]
    fn another_order_is_the_same_capture() {
        let rule = |arn: &str, priority: &str| Rule::builder().rule_arn(arn).priority(priority).build();
        let listener = |arn: &str| {
            let listener = Listener::builder().listener_arn(arn).load_balancer_arn("lb").port(443);
            listener.protocol(ProtocolEnum::Https).build()
        };
        let rules = || vec![rule("x", "2"), rule("w", "10"), rule("a", "default")];
        let one =
            capture(vec![(listener("a"), rules()), (listener("b"), vec![rule("c", "default")])]).unwrap();
        let reversed = rules().into_iter().rev().collect();
        let other =
            capture(vec![(listener("b"), vec![rule("c", "default")]), (listener("a"), reversed)]).unwrap();
        assert_eq!(one, other);
        let arns: Value = serde_json::from_str(&one).unwrap();
        let arns: Vec<_> = arns["Rules"].as_array().unwrap().iter().map(|rule| &rule["RuleArn"]).collect();
        assert_eq!(arns, ["x", "w", "a", "c"]);
    }

    #[test]
    fn a_capture_that_lacks_something_is_an_error() {
        let error = rule_json(&Rule::builder().rule_arn("r").build()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read listener rules: the answer has no Priority; nothing of this capture is used"
        );
        let action = Action::builder().r#type(ActionTypeEnum::Forward).forward_config(
            ForwardActionConfig::builder().target_groups(TargetGroupTuple::builder().build()).build(),
        );
        assert!(actions_json(&[action.build()]).is_err());
    }

    #[test]
    fn only_application_load_balancers_have_rules() {
        let found = |kind| {
            LoadBalancer::builder().load_balancer_name("n").load_balancer_arn("arn:n").r#type(kind).build()
        };
        let application = [found(LoadBalancerTypeEnum::Application)];
        for (name, found, is_found) in [
            ("n", &application, true),
            ("arn:n", &application, true),
            ("other", &application, false),
            ("n", &[found(LoadBalancerTypeEnum::Network)], false),
        ] {
            assert_eq!(check_found(name, found).is_ok(), is_found, "{name}");
        }
    }
}
