//! `listener_rules` and `listener_rules_api`: what tells the target group of a load balancer's own errors.
//!
//! Two ways, which may stand together: files hold how the rules once were, so that old logs get the owner of
//! their time, and the API tells how they are now.

use std::time::Duration;

use super::error::ConfigError;
use super::keys;
use super::reader::Field;
use super::source::Type;
use super::source_input::read_paths;

/// AWS answers 10 such requests a second for a whole account; rules change by the day at most.
const REFRESH_RANGE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(24 * 3600));

/// An account has 50 load balancers in a region unless AWS raises it.
const LOAD_BALANCERS_MAX: usize = 1000;

/// The longest name of a load balancer, as AWS has it.
const NAME_CHARS_MAX: usize = 32;

/// Listener rules that are asked from AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerRulesApi {
    /// Names or ARNs; empty means all load balancers that the credentials may see.
    pub load_balancers: Vec<String>,
    /// How often they are asked for.
    pub refresh: Duration,
}

/// Reads `listener_rules`: paths and globs of `describe-rules` files.
pub fn read_files(field: Field, kind: Option<Type>, errors: &mut Vec<ConfigError>) -> Vec<String> {
    if is_refused("listener_rules", field, kind, errors) { Vec::new() } else { read_paths(field, errors) }
}

/// Reads `listener_rules_api`.
pub fn read_api(field: Field, kind: Option<Type>, errors: &mut Vec<ConfigError>) -> Option<ListenerRulesApi> {
    if is_refused("listener_rules_api", field, kind, errors) {
        return None;
    }
    let fields = field.fields(&keys::LISTENER_RULES_API, errors)?;
    let load_balancers = fields.get("load_balancers").map(|field| {
        let expected = "a list of load balancers";
        let items = field.items_at_most(expected, LOAD_BALANCERS_MAX, errors);
        items.into_iter().filter_map(|item| read_load_balancer(item, errors)).collect()
    });
    let refresh = fields.get("refresh").and_then(|field| field.duration("5m", REFRESH_RANGE, errors));
    Some(ListenerRulesApi {
        load_balancers: load_balancers.unwrap_or_default(),
        refresh: refresh.unwrap_or(Duration::from_secs(5 * 60)),
    })
}

fn is_refused(name: &str, field: Field, kind: Option<Type>, errors: &mut Vec<ConfigError>) -> bool {
    if matches!(kind, Some(Type::File | Type::Http)) {
        let error = ConfigError::new(field.position(), format!("`{name}` is for `type: alb` only"));
        errors.push(error.with_hint("remove it, or make this source `type: alb`"));
        return true;
    }
    false
}

fn read_load_balancer(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    field.parse("the name or ARN of a load balancer", errors, |text| {
        if text.starts_with("arn:") {
            let is_one = text.contains(":elasticloadbalancing:") && text.contains(":loadbalancer/app/");
            return if is_one {
                Ok(text.to_owned())
            } else {
                Err("the ARN of an application load balancer has `:loadbalancer/app/` in it".to_owned())
            };
        }
        let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let is_name = (1..=NAME_CHARS_MAX).contains(&text.len()) && text.chars().all(is_name_char);
        if is_name {
            Ok(text.to_owned())
        } else {
            Err(format!("a name has up to {NAME_CHARS_MAX} letters, digits and `-`"))
        }
    })
}
