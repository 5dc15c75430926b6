//! The listener rules: which rule takes a request, and the same rules as `aws elbv2 describe-*` shows them.
//!
//! An ELB 5xx without a target group in its line can be traced only through `matched_rule_priority`
//! and the rules. One table gives both the priorities in the lines and the JSON, so they can't
//! disagree. Both listeners have a rule with priority 10: the log doesn't name the listener, and a
//! reader who ignores the port would take one for the other.

use std::fmt::Write;

use super::shop::{CERTIFICATE_ARN, Host, TargetGroup};

/// The port that took a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// HTTP: redirects, a health check for uptime monitors, and an old socket client.
    Port80,
    /// HTTPS: all real traffic.
    Port443,
}

/// What a rule does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Hands it to a target group.
    Forward(TargetGroup),
    /// Asks for a login with the identity provider first.
    AuthenticateAndForward(TargetGroup),
    /// 301 to the same URL with HTTPS.
    RedirectToHttps,
    /// An answer written in the rule itself.
    FixedResponse(u16),
}

impl Action {
    /// The only target group that the rule can lead to.
    pub fn target_group(self) -> Option<TargetGroup> {
        match self {
            Action::Forward(group) | Action::AuthenticateAndForward(group) => Some(group),
            Action::RedirectToHttps | Action::FixedResponse(_) => None,
        }
    }
}

/// One listener rule; the host and one of the paths must match.
#[derive(Debug)]
pub struct Rule {
    /// 1 to 50000, or 0 for the default rule (`default` in the JSON).
    pub priority: u16,
    /// The host to match; none matches any.
    pub host: Option<Host>,
    /// Path patterns, with `*` at the end only; an empty list matches any path.
    pub paths: &'static [&'static str],
    /// What happens then.
    pub action: Action,
    /// A URL rewrite after the match: regular expression and replacement.
    pub rewrite: Option<(&'static str, &'static str)>,
}

const fn rule(priority: u16, host: Option<Host>, paths: &'static [&'static str], action: Action) -> Rule {
    Rule { priority, host, paths, action, rewrite: None }
}

/// The priority of the rule that rewrites `/go/*`, and what a path becomes by it.
pub const REWRITE_PRIORITY: u16 = 60;
/// See [`REWRITE_PRIORITY`].
pub const REWRITTEN_PATTERN: &str = "/catalog/campaign/{slug}";

static RULES_443: [Rule; 12] = {
    use Action::{AuthenticateAndForward, FixedResponse, Forward};
    use TargetGroup::{Admin, Api, Orders, Search, Static, Web};
    const SEARCH: &[&str] = &["/api/v1/search*", "/api/v1/suggest"];
    const ORDERS: &[&str] = &["/api/v1/orders*", "/api/v1/payments/*", "/api/v1/shipments/*"];
    const GO: Option<(&str, &str)> = Some(("^/go/(.*)$", "/catalog/campaign/$1"));
    [
        rule(1, None, &["/.well-known/*"], FixedResponse(200)),
        rule(5, Some(Host::Api), &["/api/v0/*"], FixedResponse(410)),
        rule(10, Some(Host::Static), &[], Forward(Static)),
        rule(15, Some(Host::Api), &["/api/v1/exports/*"], FixedResponse(503)),
        rule(20, Some(Host::Api), ORDERS, Forward(Orders)),
        rule(25, Some(Host::Shop), &["/checkout*"], Forward(Orders)),
        rule(30, Some(Host::Api), SEARCH, Forward(Search)),
        rule(40, Some(Host::Api), &[], Forward(Api)),
        rule(50, Some(Host::Admin), &[], AuthenticateAndForward(Admin)),
        Rule { rewrite: GO, ..rule(REWRITE_PRIORITY, Some(Host::Shop), &["/go/*"], Forward(Web)) },
        rule(50_000, Some(Host::Shop), &["/fn/*"], Forward(Static)),
        rule(0, None, &[], Forward(Web)),
    ]
};

static RULES_80: [Rule; 3] = [
    rule(10, None, &["/health"], Action::FixedResponse(200)),
    rule(20, Some(Host::Api), &["/ws/*"], Action::Forward(TargetGroup::Api)),
    rule(0, None, &[], Action::RedirectToHttps),
];

impl Listener {
    fn rules(self) -> (&'static Rule, &'static [Rule]) {
        match self {
            Listener::Port80 => (&RULES_80[2], &RULES_80),
            Listener::Port443 => (&RULES_443[11], &RULES_443),
        }
    }

    /// The rule that takes a request: the first that matches, else the default.
    pub fn rule_for(self, host: Host, path: &str) -> &'static Rule {
        let (default, rules) = self.rules();
        rules.iter().find(|rule| rule.matches(host, path)).unwrap_or(default)
    }

    fn arn(self, kind: &str) -> String {
        let id = match self {
            Listener::Port80 => "aaaaaaaaaaaaaaaa",
            Listener::Port443 => "bbbbbbbbbbbbbbbb",
        };
        format!(
            "arn:aws:elasticloadbalancing:eu-central-1:111122223333:{kind}/app/shop/50dc6c495c0c9188/{id}"
        )
    }
}

impl Rule {
    fn matches(&self, host: Host, path: &str) -> bool {
        let path_matches = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == *pattern,
        };
        self.host.is_none_or(|wanted| wanted == host)
            && (self.paths.is_empty() || self.paths.iter().any(path_matches))
    }
}

/// The rules of one listener, as `aws elbv2 describe-rules` prints them.
pub fn describe_rules(listener: Listener) -> String {
    let rules: Vec<String> = listener.rules().1.iter().map(|rule| describe_rule(listener, rule)).collect();
    format!("{{\n  \"Rules\": [\n{}\n  ]\n}}\n", rules.join(",\n"))
}

/// The two listeners, as `aws elbv2 describe-listeners` prints them.
pub fn describe_listeners() -> String {
    let certificate = format!(
        ", \"Certificates\": [{{\"CertificateArn\": \"{CERTIFICATE_ARN}\"}}], \
         \"SslPolicy\": \"ELBSecurityPolicy-TLS13-1-2-2021-06\""
    );
    let http = describe_listener(Listener::Port80, 80, "HTTP", "");
    let https = describe_listener(Listener::Port443, 443, "HTTPS", &certificate);
    format!("{{\n  \"Listeners\": [\n{http},\n{https}\n  ]\n}}\n")
}

fn describe_listener(listener: Listener, port: u16, protocol: &str, rest: &str) -> String {
    let (default, _) = listener.rules();
    format!(
        "    {{\"ListenerArn\": \"{}\", \"LoadBalancerArn\": \"{}\", \"Port\": {port}, \
         \"Protocol\": \"{protocol}\"{rest},\n     \"DefaultActions\": [{}]}}",
        listener.arn("listener"),
        "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188",
        describe_actions(default.action),
    )
}

fn describe_rule(listener: Listener, rule: &Rule) -> String {
    let priority = if rule.priority == 0 { "default".to_owned() } else { rule.priority.to_string() };
    let mut text = format!(
        "    {{\"RuleArn\": \"{}/{:016x}\", \"Priority\": \"{priority}\", \"IsDefault\": {},\n     \
         \"Conditions\": [{}],\n     \"Actions\": [{}]",
        listener.arn("listener-rule"),
        rule.priority,
        rule.priority == 0,
        describe_conditions(rule),
        describe_actions(rule.action),
    );
    if let Some((regex, replace)) = rule.rewrite {
        let rewrite = format!("{{\"Regex\": \"{regex}\", \"Replace\": \"{replace}\"}}");
        let config = format!("{{\"Rewrites\": [{rewrite}]}}");
        // Writing to a String can't fail.
        let _ = write!(
            text,
            ",\n     \"Transforms\": [{{\"Type\": \"url-rewrite\", \"UrlRewriteConfig\": {config}}}]"
        );
    }
    text.push('}');
    text
}

fn describe_conditions(rule: &Rule) -> String {
    let host = rule.host.map(|host| describe_condition("host-header", "HostHeaderConfig", &[host.name()]));
    let paths =
        (!rule.paths.is_empty()).then(|| describe_condition("path-pattern", "PathPatternConfig", rule.paths));
    host.into_iter().chain(paths).collect::<Vec<_>>().join(", ")
}

fn describe_condition(field: &str, config: &str, values: &[&str]) -> String {
    let values = values.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(", ");
    format!("{{\"Field\": \"{field}\", \"{config}\": {{\"Values\": [{values}]}}}}")
}

fn describe_actions(action: Action) -> String {
    match action {
        Action::Forward(group) => describe_forward(group, 1),
        Action::AuthenticateAndForward(group) => format!(
            "{{\"Type\": \"authenticate-oidc\", \"Order\": 1, \"AuthenticateOidcConfig\": \
             {{\"Issuer\": \"https://idp.example.com\", \"ClientId\": \"shop-admin\", \"Scope\": \"openid\", \
             \"OnUnauthenticatedRequest\": \"authenticate\"}}}}, {}",
            describe_forward(group, 2)
        ),
        Action::RedirectToHttps => "{\"Type\": \"redirect\", \"Order\": 1, \"RedirectConfig\": \
             {\"Protocol\": \"HTTPS\", \"Port\": \"443\", \"Host\": \"#{host}\", \"Path\": \"/#{path}\", \
             \"Query\": \"#{query}\", \"StatusCode\": \"HTTP_301\"}}"
            .to_owned(),
        Action::FixedResponse(status) => format!(
            "{{\"Type\": \"fixed-response\", \"Order\": 1, \"FixedResponseConfig\": \
             {{\"StatusCode\": \"{status}\", \"ContentType\": \"text/plain\"}}}}"
        ),
    }
}

fn describe_forward(group: TargetGroup, order: u8) -> String {
    let arn = group.arn();
    format!(
        "{{\"Type\": \"forward\", \"TargetGroupArn\": \"{arn}\", \"Order\": {order}, \"ForwardConfig\": \
         {{\"TargetGroups\": [{{\"TargetGroupArn\": \"{arn}\", \"Weight\": 1}}], \
         \"TargetGroupStickinessConfig\": {{\"Enabled\": false}}}}}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_to_the_first_rule_that_matches() {
        let check = |host, path, expected: u16| {
            assert_eq!(Listener::Port443.rule_for(host, path).priority, expected, "{path}");
        };
        check(Host::Shop, "/", 0);
        check(Host::Shop, "/.well-known/acme-challenge/x", 1);
        check(Host::Shop, "/checkout/1/confirm", 25);
        check(Host::Api, "/api/v1/orders", 20);
        check(Host::Api, "/api/v1/search/clicks", 30);
        check(Host::Api, "/api/v1/suggestions", 40);
        check(Host::Random, "/api/v1/orders", 0);
        assert_eq!(Listener::Port80.rule_for(Host::Shop, "/health").priority, 10);
        assert_eq!(Listener::Port80.rule_for(Host::Shop, "/healthy").action, Action::RedirectToHttps);
    }

    #[test]
    fn rules_are_in_rising_priority_and_end_with_the_default() {
        for listener in [Listener::Port80, Listener::Port443] {
            let (default, rules) = listener.rules();
            assert_eq!(default.priority, 0);
            let priorities: Vec<u16> = rules.iter().map(|rule| rule.priority).collect();
            let (last, others) = priorities.split_last().unwrap();
            assert_eq!(*last, 0);
            assert!(others.is_sorted());
        }
    }

    #[test]
    fn the_json_holds_every_rule_in_the_shape_of_describe_rules() {
        let json: serde_json::Value = serde_json::from_str(&describe_rules(Listener::Port443)).unwrap();
        let rules = json["Rules"].as_array().unwrap();
        assert_eq!(rules.len(), RULES_443.len());
        for (described, rule) in rules.iter().zip(&RULES_443) {
            let priority = described["Priority"].as_str().unwrap();
            assert_eq!(priority.parse().unwrap_or(0), rule.priority);
            assert_eq!(described["IsDefault"], rule.priority == 0);
            let forwarded =
                described["Actions"].as_array().unwrap().last().unwrap()["TargetGroupArn"].as_str();
            assert_eq!(forwarded, rule.action.target_group().map(TargetGroup::arn));
        }
        assert_eq!(rules[4]["Conditions"][0]["HostHeaderConfig"]["Values"][0], "api.shop.example.com");
        assert_eq!(rules[9]["Transforms"][0]["Type"], "url-rewrite");
    }

    #[test]
    fn the_listeners_name_the_ports_and_the_rules_belong_to_them() {
        let listeners: serde_json::Value = serde_json::from_str(&describe_listeners()).unwrap();
        for (place, listener, port) in [(0, Listener::Port80, 80), (1, Listener::Port443, 443)] {
            let described = &listeners["Listeners"][place];
            assert_eq!(described["Port"], port);
            let rules = describe_rules(listener);
            let listener_arn = described["ListenerArn"].as_str().unwrap();
            assert!(rules.contains(&listener_arn.replace(":listener/", ":listener-rule/")));
        }
    }
}
