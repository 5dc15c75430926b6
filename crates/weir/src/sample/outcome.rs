//! How a request ends, and which of its fields that decides.
//!
//! Statuses, times, target and rule depend on one another in an ALB line: a 460 has a target and no
//! target time, a redirect has a rule and no target group. Drawing the fields apart would give lines
//! that no load balancer writes, and tests that prove nothing. So a request is given an [`Ending`],
//! and every dependent field follows from it in one place. The shapes are those of real lines.

use super::client::Visitor;
use super::deck::Card;
use super::incident::Trouble;
use super::listener::{Action, Rule};
use super::rng::Rng;
use super::shop::{Route, TargetGroup};

/// How long the load balancer waits for a target before it answers 504.
pub const IDLE_TIMEOUT_MS: u32 = 60_000;

/// The ways in which a request can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The target answered with this status.
    Answered(u16),
    /// 101; the line is written when the WebSocket closes.
    Upgraded,
    /// 502: the target closed the connection, or sent what isn't HTTP.
    TargetClosed,
    /// 502 from a Lambda function that answered nonsense.
    LambdaInvalid,
    /// 503: no healthy target.
    NoHealthyTarget,
    /// 504: no answer within the idle timeout.
    TargetTimeout,
    /// 460: the client went away first.
    ClientGone,
    /// 301 by the rule.
    Redirected,
    /// The rule's own answer.
    Fixed(u16),
    /// The firewall's answer: 403 or a custom status.
    Blocked(u16),
    /// 302 to the identity provider.
    LoginNeeded,
    /// 401 or 561: the login went wrong.
    LoginFailed(u16),
    /// Refused before any rule was evaluated; 0 is written `000`.
    Refused(u16),
    /// 464: the target group doesn't speak the client's protocol.
    ProtocolMismatch,
    /// 500: the rules could not be evaluated.
    RuleError,
}

/// Field 21.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// The rule that matched; 0 is the default rule.
    Rule(u16),
    /// `-1`: an error while the rules were evaluated.
    Error,
    /// `-`: it didn't come to that.
    Nothing,
}

/// The fields that depend on how a request ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Field 9; 0 is written `000`.
    pub elb_status: u16,
    /// Field 10; none is `-`: the load balancer answered by itself.
    pub target_status: Option<u16>,
    /// Field 5, `address:port`; none for Lambda and where no target was chosen.
    pub target: Option<&'static str>,
    /// Field 17: the target group that the line names.
    pub target_group: Option<TargetGroup>,
    /// The target group that the matched rule leads to, named by the line or not.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the truth, which only tests ask for"))]
    pub owner: Option<TargetGroup>,
    /// Fields 6 to 8: request, target and response time; none is `-1`.
    pub times_ms: [Option<u32>; 3],
    /// From the request's creation to the response: what the client waited.
    pub waited_us: u64,
    /// Field 21.
    pub priority: Priority,
    /// Field 23.
    pub actions: &'static str,
    /// Field 25.
    pub error_reason: &'static str,
}

impl Ending {
    /// Draws how a request for `card` ends that came to `rule` amid `trouble`.
    pub fn draw(card: &Card, rule: &Rule, trouble: &Trouble, rng: &mut Rng) -> Ending {
        let is_scanner = card.visitor == Visitor::Scanner;
        match rule.action {
            Action::RedirectToHttps => Ending::Redirected,
            Action::FixedResponse(status) => Ending::Fixed(status),
            Action::Forward(_) if is_scanner && rng.below(100) < 35 => Ending::Blocked(403),
            Action::AuthenticateAndForward(_) if is_scanner || rng.one_in(60) => Ending::LoginNeeded,
            Action::Forward(group) | Action::AuthenticateAndForward(group) => trouble
                .failing_s(group)
                .and_then(|failing_s| failure(failing_s, rng))
                .unwrap_or_else(|| ordinary(card.route, group, rng)),
        }
    }
}

/// An ending in a target group that has been failing for `failing_s` seconds.
fn failure(failing_s: i64, rng: &mut Rng) -> Option<Ending> {
    match rng.below(100) {
        0..28 => Some(Ending::NoHealthyTarget),
        28..54 => Some(Ending::TargetClosed),
        // Who gets a 504 now was sent to the target a minute ago.
        54..70 if failing_s > i64::from(IDLE_TIMEOUT_MS / 1000) => Some(Ending::TargetTimeout),
        54..70 => Some(Ending::TargetClosed),
        _ => None,
    }
}

/// An ending on a good day: two requests of 65,536 in a target group fail for no reason.
fn ordinary(route: &Route, group: TargetGroup, rng: &mut Rng) -> Ending {
    let status = answer(route, rng);
    match rng.below(65_536) {
        0 if group == TargetGroup::Static => Ending::LambdaInvalid,
        0 => Ending::TargetClosed,
        1 if group != TargetGroup::Static => Ending::TargetTimeout,
        2..30 if route.median_ms >= 20 => Ending::ClientGone,
        _ if status == 101 => Ending::Upgraded,
        _ => Ending::Answered(status),
    }
}

fn answer(route: &Route, rng: &mut Rng) -> u16 {
    let mut left = rng.below(1000) as u16;
    for &(status, share) in route.answers {
        match left.checked_sub(share) {
            Some(rest) => left = rest,
            None => return status,
        }
    }
    200
}

impl Outcome {
    /// What follows from `ending` for a request that `rule` took; `target_ms` is how long its target
    /// takes if it is asked.
    pub fn of(ending: Ending, rule: &Rule, target_ms: u32, rng: &mut Rng) -> Outcome {
        let owner = rule.action.target_group();
        let by_rule = Outcome {
            elb_status: 200,
            target_status: None,
            target: None,
            target_group: None,
            owner,
            times_ms: [None; 3],
            waited_us: 200 + rng.below(2_500),
            priority: Priority::Rule(rule.priority),
            actions: "waf,forward",
            error_reason: "-",
        };
        let forwarded =
            Outcome { target_group: owner, target: owner.and_then(|group| choose(group, rng)), ..by_rule };
        let refused = Outcome { owner: None, actions: "-", ..by_rule };
        match ending {
            Ending::Answered(status) => forwarded.answered(status, rule, target_ms, rng),
            Ending::Upgraded => {
                forwarded.answered(101, rule, 3, rng).open_for(rng.log_normal(240_000_000, 36))
            }
            Ending::TargetClosed => forwarded.closed(target_ms, rng),
            Ending::LambdaInvalid => Outcome {
                elb_status: 502,
                error_reason: "LambdaInvalidResponse",
                times_ms: [Some(0), Some(target_ms), Some(0)],
                waited_us: u64::from(target_ms) * 1000 + 700,
                ..forwarded
            },
            // A third of these lines don't say which target group had no healthy target.
            Ending::NoHealthyTarget => {
                let target_group = if rng.one_in(3) { None } else { owner };
                Outcome { elb_status: 503, target_group, ..by_rule }
            }
            Ending::TargetTimeout => {
                forwarded.given_up(504, u64::from(IDLE_TIMEOUT_MS) * 1000 + rng.below(8_000))
            }
            Ending::ClientGone => forwarded.given_up(460, rng.log_normal(4_000_000, 14)).dispatched(rng),
            Ending::ProtocolMismatch => Outcome { elb_status: 464, target: None, ..forwarded },
            Ending::Redirected => Outcome { elb_status: 301, actions: "waf,redirect", ..by_rule },
            Ending::Fixed(status) => Outcome { elb_status: status, actions: "waf,fixed-response", ..by_rule },
            Ending::Blocked(status) => Outcome { elb_status: status, actions: "waf", ..by_rule },
            Ending::LoginNeeded => Outcome { elb_status: 302, actions: "waf,authenticate", ..by_rule },
            Ending::LoginFailed(status) => {
                Outcome { elb_status: status, actions: "waf,authenticate", waited_us: 180_000, ..by_rule }
            }
            Ending::Refused(status) => Outcome { elb_status: status, priority: Priority::Nothing, ..refused },
            Ending::RuleError => Outcome { elb_status: 500, priority: Priority::Error, ..refused },
        }
    }

    fn answered(self, status: u16, rule: &Rule, target_ms: u32, rng: &mut Rng) -> Outcome {
        let request_ms = if rng.one_in(40) { rng.below(30) as u32 } else { rng.below(2) as u32 };
        let response_ms = if rng.one_in(50) { rng.below(9) as u32 } else { 0 };
        let authenticates = matches!(rule.action, Action::AuthenticateAndForward(_));
        Outcome {
            elb_status: status,
            target_status: Some(status),
            times_ms: [Some(request_ms), Some(target_ms), Some(response_ms)],
            waited_us: u64::from(request_ms + target_ms + response_ms) * 1000 + 80 + rng.below(900),
            actions: if authenticates { "waf,authenticate,forward" } else { self.actions },
            ..self
        }
    }

    fn open_for(self, waited_us: u64) -> Outcome {
        Outcome { waited_us: waited_us.min(2 * 3600 * 1_000_000), ..self }
    }

    /// Half of all closed connections had taken the request before.
    fn closed(self, target_ms: u32, rng: &mut Rng) -> Outcome {
        let until_reset_ms = target_ms / 4;
        let dispatched = rng.one_in(2);
        let times_ms = if dispatched { [Some(0), Some(until_reset_ms), None] } else { [None; 3] };
        Outcome { elb_status: 502, times_ms, waited_us: u64::from(until_reset_ms) * 1000 + 400, ..self }
    }

    fn given_up(self, status: u16, waited_us: u64) -> Outcome {
        Outcome { elb_status: status, waited_us, ..self }
    }

    fn dispatched(self, rng: &mut Rng) -> Outcome {
        let request_ms = rng.one_in(2).then(|| rng.below(4) as u32);
        Outcome { times_ms: [request_ms, None, None], ..self }
    }
}

fn choose(group: TargetGroup, rng: &mut Rng) -> Option<&'static str> {
    let targets = group.targets();
    (!targets.is_empty()).then(|| rng.pick(targets))
}

#[cfg(test)]
mod tests {
    use super::super::listener::Listener;
    use super::super::shop::Host;
    use super::*;

    fn outcomes(ending: Ending) -> impl Iterator<Item = Outcome> {
        let rule = Listener::Port443.rule_for(Host::Api, "/api/v1/orders");
        (0..200).map(move |seed| Outcome::of(ending, rule, 40, &mut Rng::new(seed)))
    }

    #[test]
    fn an_answer_has_all_times_and_the_targets_own_status() {
        for outcome in outcomes(Ending::Answered(404)) {
            assert_eq!((outcome.elb_status, outcome.target_status), (404, Some(404)));
            let sum_us: u64 = outcome.times_ms.iter().map(|ms| u64::from(ms.unwrap()) * 1000).sum();
            assert!(outcome.waited_us > sum_us);
            assert_eq!(outcome.target_group, Some(TargetGroup::Orders));
        }
    }

    #[test]
    fn a_timeout_waited_for_the_idle_timeout_and_has_a_target_but_no_times() {
        for outcome in outcomes(Ending::TargetTimeout) {
            assert!((60_000_000..60_010_000).contains(&outcome.waited_us));
            assert!(outcome.target.is_some());
            assert_eq!((outcome.target_status, outcome.times_ms), (None, [None; 3]));
        }
    }

    #[test]
    fn some_503_lines_name_no_target_group_but_all_have_an_owner_by_their_rule() {
        let unnamed =
            outcomes(Ending::NoHealthyTarget).filter(|outcome| outcome.target_group.is_none()).count();
        assert!((40..100).contains(&unnamed), "{unnamed} of 200");
        assert!(outcomes(Ending::NoHealthyTarget).all(|outcome| outcome.owner == Some(TargetGroup::Orders)));
        assert!(outcomes(Ending::NoHealthyTarget).all(|outcome| outcome.priority == Priority::Rule(20)));
    }

    #[test]
    fn what_was_refused_belongs_to_nobody() {
        for outcome in outcomes(Ending::Refused(400)) {
            assert_eq!(
                (outcome.owner, outcome.target_group, outcome.priority),
                (None, None, Priority::Nothing)
            );
        }
    }
}
