//! The target group that owns a request, also where the load balancer answered by itself.
//!
//! A 502 or 503 that the load balancer made has no target group in its log line, and it is exactly
//! the line whose owner is wanted. The line does tell the priority of the rule that matched, but not
//! the listener it belongs to, and two listeners both have a rule 10. So the listener is inferred:
//! from the port of the URL, which the load balancer writes into it, else from TLS. What stays
//! open after that is [`AMBIGUOUS`], never a guess: a page to the wrong team is worse than one
//! to both.

use weir_record::{Request, Timestamp};

use crate::AMBIGUOUS;
use crate::listener_rules::{Listener, ListenerRules, Owner};

/// The line's own target group, else the one that its listener rule forwards to; empty if none.
pub(crate) fn resolve<'a>(rules: &'a ListenerRules, request: &'a Request<'_>) -> &'a [u8] {
    match request.target_group {
        Some(arn) => arn,
        None => owner_by_rule(rules, request).map_or("", Owner::label).as_bytes(),
    }
}

/// The owner on which all listeners agree that can have taken the request.
fn owner_by_rule<'a>(rules: &'a ListenerRules, request: &Request<'_>) -> Option<&'a Owner> {
    let priority = request.rule_priority?;
    let listeners = rules.listeners(request.load_balancer?);
    let mut owners = candidates(listeners, request)
        .filter_map(|listener| listener.rules.get(&priority))
        .filter_map(|history| history.at(request.time));
    let first = owners.next()?;
    Some(if owners.all(|other| other == first) { first } else { &Owner::Several })
}

/// The listener on the request's port if there is one, else those whose protocol does not differ.
///
/// A listener of which only rules are known (no `describe-listeners`) can always be meant.
fn candidates<'a>(listeners: &'a [Listener], request: &Request<'_>) -> impl Iterator<Item = &'a Listener> {
    let (port, is_tls, time) = (request.port, request.is_tls, request.time);
    let on_port = move |listener: &Listener| port.is_some() && port_of(listener, time) == port;
    let is_port_known = listeners.iter().any(on_port);
    listeners.iter().filter(
        move |listener| {
            if is_port_known { on_port(listener) } else { may_speak(listener, is_tls, time) }
        },
    )
}

fn port_of(listener: &Listener, time: Timestamp) -> Option<u16> {
    listener.endpoint.at(time)?.port
}

fn may_speak(listener: &Listener, is_tls: Option<bool>, time: Timestamp) -> bool {
    let offered = listener.endpoint.at(time).and_then(|endpoint| endpoint.is_tls);
    offered.zip(is_tls).is_none_or(|(offered, spoken)| offered == spoken)
}

impl Owner {
    /// The target group label of this owner.
    fn label(&self) -> &str {
        match self {
            Owner::TargetGroup(arn) => arn,
            Owner::Several => AMBIGUOUS,
            Owner::Nobody => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_record::Origin;

    use super::*;

    const LISTENERS: &str = include_str!("../../../testdata/elbv2/describe-listeners.json");
    const RULES_80: &str = include_str!("../../../testdata/elbv2/describe-rules-80.json");
    const RULES_443: &str = include_str!("../../../testdata/elbv2/describe-rules-443.json");
    const RULES_443_PAGE_1: &str = include_str!("../../../testdata/elbv2/describe-rules-443-page1.json");
    const RULES_443_PAGE_2: &str = include_str!("../../../testdata/elbv2/describe-rules-443-page2.json");
    const LOAD_BALANCERS: &str = include_str!("../../../testdata/elbv2/describe-load-balancers.json");
    const TARGET_GROUPS: &str = include_str!("../../../testdata/elbv2/describe-target-groups.json");

    fn rules(files: &[&str]) -> ListenerRules {
        let mut builder = ListenerRules::builder();
        for text in files {
            builder.add_json("rules.json", text).unwrap();
        }
        builder.build()
    }

    fn everything() -> ListenerRules {
        rules(&[LISTENERS, RULES_80, RULES_443, LOAD_BALANCERS, TARGET_GROUPS])
    }

    /// A request on the samples' load balancer.
    fn request(priority: u32, port: Option<u16>, is_tls: Option<bool>) -> Request<'static> {
        let mut request = Request::new(Origin::Alb, Timestamp::from_seconds(1_795_169_730));
        request.load_balancer = Some(b"app/prod/50dc6c495c0c9188");
        request.rule_priority = Some(priority);
        request.port = port;
        request.is_tls = is_tls;
        request
    }

    /// The target group's short name, or the label itself.
    #[track_caller]
    fn check(rules: &ListenerRules, request: &Request<'_>, expected: &str) {
        let label = std::str::from_utf8(resolve(rules, request)).unwrap();
        assert_eq!(label.split('/').nth(1).unwrap_or(label), expected, "{request:?}");
    }

    #[test]
    fn the_lines_own_target_group_wins() {
        let mut line = request(50_000, Some(443), Some(true));
        line.target_group = Some(b"arn:x:targetgroup/own/1");
        check(&everything(), &line, "own");
    }

    #[test]
    fn a_rule_names_its_target_group() {
        let rules = everything();
        for (priority, expected) in
            [(0, "web"), (1, ""), (10, "ambiguous"), (20, ""), (30, "api-canary"), (40, "web"), (50, "")]
        {
            check(&rules, &request(priority, Some(443), Some(true)), expected);
        }
        check(&rules, &request(50_000, Some(443), None), "fn");
        check(&rules, &request(999, Some(443), None), "");
    }

    #[test]
    fn the_listener_is_told_by_port_then_by_tls() {
        let rules = everything();
        check(&rules, &request(0, Some(80), None), "");
        check(&rules, &request(0, Some(443), None), "web");
        check(&rules, &request(0, Some(8443), Some(true)), "web");
        check(&rules, &request(0, None, Some(true)), "web");
        check(&rules, &request(0, None, Some(false)), "");
        check(&rules, &request(0, None, None), "ambiguous");
        check(&rules, &request(60, None, None), "api");
    }

    #[test]
    fn without_listeners_one_listeners_rules_are_taken_and_several_must_agree() {
        check(&rules(&[RULES_443]), &request(0, Some(8443), None), "web");
        check(&rules(&[RULES_443, RULES_80]), &request(0, Some(443), Some(true)), "ambiguous");
        check(&rules(&[RULES_443, RULES_80]), &request(70, Some(443), Some(true)), "grpc");
    }

    #[test]
    fn the_default_rule_is_known_from_the_listener_alone() {
        check(&rules(&[LISTENERS]), &request(0, Some(443), None), "web");
    }

    #[test]
    fn pages_make_one_set() {
        let rules = rules(&[RULES_443_PAGE_1, RULES_443_PAGE_2, LISTENERS]);
        check(&rules, &request(30, Some(443), None), "api-canary");
        check(&rules, &request(60, Some(443), None), "api");
    }

    #[test]
    fn a_line_without_rule_or_load_balancer_has_no_owner() {
        let mut line = request(0, Some(443), None);
        line.rule_priority = None;
        check(&everything(), &line, "");
        line.rule_priority = Some(0);
        line.load_balancer = Some(b"app/other/50dc6c495c0c9188");
        check(&everything(), &line, "");
        line.load_balancer = None;
        check(&everything(), &line, "");
    }

    #[test]
    fn an_old_line_meets_the_rules_of_its_time() {
        let moved = RULES_443.replace("targetgroup/grpc/", "targetgroup/grpc-new/");
        let mut builder = ListenerRules::builder();
        for (text, seconds) in [(moved.as_str(), 2000), (RULES_443, 1000)] {
            builder.add_json_at("rules.json", text, Some(Timestamp::from_seconds(seconds))).unwrap();
        }
        let rules = builder.build();
        let mut line = request(70, None, None);
        for (seconds, expected) in
            [(0, "grpc"), (1000, "grpc"), (1999, "grpc"), (2000, "grpc-new"), (9999, "grpc-new")]
        {
            line.time = Timestamp::from_seconds(seconds);
            check(&rules, &line, expected);
        }
    }
}
