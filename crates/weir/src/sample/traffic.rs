//! The stream of requests: what each of them is, in order of time.
//!
//! Every second has a random stream of its own, which follows from the seed and the second alone. So
//! the same span gives the same requests whether it is reached by walking through the day or asked
//! for by itself, which is what lets a live demo go on after a restart as if it had never stopped. The
//! cost is that nothing can be remembered from one second to the next.

use std::ops::Range;

use super::client::{Connection, Moment, Protocol};
use super::deck::{Card, Deck};
use super::edge::Edge;
use super::incident::Trouble;
use super::outcome::{Ending, IDLE_TIMEOUT_MS, Outcome};
use super::request::SampleRequest;
use super::rng::{Rng, mix};
use super::schedule::{Plan, Schedule};
use super::shop::{NODES, Route};

/// One request in so many is a scanner's.
const SCANNER_EVERY: u64 = 70;
/// One request in so many is odd.
const ODD_EVERY: u64 = 500;
/// In one second of so many the first response falls on the second exactly, and is logged without a
/// fraction.
const WHOLE_SECOND_EVERY: i64 = 601;

/// A [`Plan`] made ready: weights summed up, rules looked up.
#[derive(Debug)]
pub struct Traffic {
    schedule: Schedule,
    ordinary: Deck,
    probes: Deck,
    odd: Deck,
}

impl Traffic {
    /// Makes `plan` ready; costs as much as the plan has minutes.
    pub fn new(plan: Plan) -> Traffic {
        Traffic {
            schedule: Schedule::new(plan),
            ordinary: Deck::ordinary(),
            probes: Deck::probes(),
            odd: Deck::odd(),
        }
    }

    /// The plan that this is.
    pub fn plan(&self) -> &Plan {
        self.schedule.plan()
    }

    /// All requests, in order of [`SampleRequest::time_us`].
    pub fn requests(&self) -> Requests<'_> {
        self.between(self.plan().span_s())
    }

    /// The requests answered in the seconds `span_s`, as far as they lie in the plan: exactly those
    /// that [`Traffic::requests`] has there.
    pub fn between(&self, span_s: Range<i64>) -> Requests<'_> {
        let plan_s = self.plan().span_s();
        let from_s = span_s.start.clamp(plan_s.start, plan_s.end);
        let rest_s = from_s..span_s.end.clamp(from_s, plan_s.end);
        let moment = Moment { seed: self.plan().seed, second: from_s, per_second: 0 };
        Requests { traffic: self, rest_s, moment, index: 0, rng: Rng::new(0), trouble: Trouble::default() }
    }
}

/// Iterator over requests in order of time.
#[derive(Clone, Debug)]
pub struct Requests<'a> {
    traffic: &'a Traffic,
    /// The seconds that are still to come.
    rest_s: Range<i64>,
    /// The second that is being walked through, and how many of its requests have been drawn.
    moment: Moment,
    index: u64,
    rng: Rng,
    trouble: Trouble,
}

impl Iterator for Requests<'_> {
    type Item = SampleRequest;

    fn next(&mut self) -> Option<SampleRequest> {
        while self.index == self.moment.per_second {
            let second = self.rest_s.next()?;
            self.enter(second);
        }
        let time_us = self.response_time_us();
        self.index += 1;
        let card = self.draw()?;
        Some(self.request(time_us, card))
    }
}

impl Requests<'_> {
    fn enter(&mut self, second: i64) {
        let plan = self.traffic.plan();
        self.trouble = Trouble::at(second, &plan.incidents);
        let per_second = self.traffic.schedule.requests_in(second) + self.trouble.more_per_second();
        self.moment = Moment { seed: plan.seed, second, per_second };
        self.index = 0;
        self.rng = Rng::new(mix(plan.seed, second as u64));
    }

    /// The second is cut into as many parts as it has requests, each answered at a random moment of
    /// its part: random, yet in order without sorting.
    fn response_time_us(&mut self) -> i64 {
        let Moment { second, per_second, .. } = self.moment;
        if self.index == 0 && second % WHOLE_SECOND_EVERY == 0 {
            return second * 1_000_000;
        }
        let from_us = self.index * 1_000_000 / per_second;
        let to_us = (self.index + 1) * 1_000_000 / per_second;
        second * 1_000_000 + (from_us + self.rng.below(to_us - from_us)) as i64
    }

    fn draw(&mut self) -> Option<Card> {
        let deck = if self.rng.one_in(SCANNER_EVERY) {
            &self.traffic.probes
        } else if self.rng.one_in(ODD_EVERY) {
            &self.traffic.odd
        } else {
            &self.traffic.ordinary
        };
        deck.draw(self.rng.bits())
    }

    fn request(&mut self, time_us: i64, card: Card) -> SampleRequest {
        let connection = Connection::open_at(self.moment, &card, self.rng.bits());
        let protocol = protocol_of(&connection, &card);
        let rule = if protocol.is_encrypted() { card.rule_443 } else { card.rule_80 };
        let drawn = Ending::draw(&card, rule, &self.trouble, &mut self.rng);
        let ending = card.edge.and_then(Edge::ending).unwrap_or(drawn);
        let target_ms = self.target_ms(card.route);
        let outcome = Outcome::of(ending, rule, target_ms, &mut self.rng);
        let (received_bytes, sent_bytes) = sizes(&card, &outcome, &mut self.rng);
        SampleRequest {
            time_us,
            node: connection.node(self.traffic.plan().nodes.clamp(1, NODES.len())),
            protocol,
            route: card.route,
            edge: card.edge,
            connection,
            identity: self.rng.bits(),
            outcome,
            received_bytes,
            sent_bytes,
        }
    }

    fn target_ms(&mut self, route: &'static Route) -> u32 {
        let factor = if self.trouble.slows(route.pattern) { 30 } else { 1 };
        let median_us = u64::from(route.median_ms) * 1000 * factor;
        let drawn_ms = self.rng.log_normal(median_us, route.spread) / 1000;
        // A target that took longer would have been answered 504.
        drawn_ms.min(u64::from(IDLE_TIMEOUT_MS) - 100) as u32
    }
}

fn protocol_of(connection: &Connection, card: &Card) -> Protocol {
    let usual = match (card.edge, connection.protocol(card.route.host)) {
        // Odd requests are about something else than a redirect.
        (Some(_), Protocol::Http) => Protocol::Https,
        (None, Protocol::Https | Protocol::H2) if card.is_socket => Protocol::Wss,
        (_, usual) => usual,
    };
    card.edge.and_then(Edge::protocol).unwrap_or(usual)
}

/// Bytes received and sent.
fn sizes(card: &Card, outcome: &Outcome, rng: &mut Rng) -> (u64, u64) {
    if card.edge.is_some_and(Edge::is_unread) {
        return (0, 272);
    }
    let route = card.route;
    let has_body = matches!(route.method, "POST" | "PUT" | "PATCH");
    let body = if has_body { rng.log_normal(500, 18) } else { 0 };
    let full = u64::from(route.sent_bytes);
    let sent = match (outcome.elb_status, outcome.target_status) {
        (0 | 460, _) => 0,
        (200..=206, Some(_)) if route.method != "HEAD" => rng.log_normal(full, 10),
        (101, Some(_)) => rng.log_normal(full, 24),
        (204 | 304, _) => 150 + rng.below(250),
        (_, None) => 230 + rng.below(500),
        _ => 250 + rng.log_normal(400, 8),
    };
    (180 + rng.below(1_100) + body, sent)
}

#[cfg(test)]
mod tests {
    use super::super::edge::EDGES;
    use super::super::incident::story_of_the_day;
    use super::super::shop::{PROBES, ROUTES, TargetGroup};
    use super::*;

    const DAY_S: i64 = 1_795_132_800; // 2026-11-20T00:00:00Z

    fn day(requests: u64) -> Traffic {
        let incidents = story_of_the_day(DAY_S, 86_400);
        Traffic::new(Plan { seed: 1, start_s: DAY_S, duration_s: 86_400, requests, nodes: 3, incidents })
    }

    #[test]
    fn a_plan_has_exactly_its_number_of_requests_in_order_of_time() {
        for (duration_s, requests) in [(86_400, 1000), (60, 12_345), (1, 7), (3601, 0), (0, 0)] {
            let plan =
                Plan { seed: 3, start_s: DAY_S + 17, duration_s, requests, nodes: 2, incidents: vec![] };
            let traffic = Traffic::new(plan);
            let times: Vec<i64> = traffic.requests().map(|request| request.time_us).collect();
            assert_eq!(times.len() as u64, requests);
            assert!(times.is_sorted());
            assert!(
                times
                    .iter()
                    .all(|us| (DAY_S + 17..DAY_S + 17 + duration_s as i64).contains(&(us / 1_000_000)))
            );
        }
    }

    #[test]
    fn a_span_by_itself_is_the_same_as_within_the_whole() {
        let traffic = day(50_000);
        let (from_s, to_s) = (DAY_S + 51_000, DAY_S + 51_100);
        let text = |request: SampleRequest| format!("{request:?}");
        let in_span = |request: &SampleRequest| (from_s..to_s).contains(&(request.time_us / 1_000_000));
        let whole: Vec<String> = traffic.requests().filter(in_span).map(text).collect();
        let span: Vec<String> = traffic.between(from_s..to_s).map(text).collect();
        let halves = traffic.between(from_s..from_s + 7).chain(traffic.between(from_s + 7..to_s));
        assert!(whole.len() > 50);
        assert_eq!(span, whole);
        assert_eq!(halves.map(text).collect::<Vec<_>>(), whole);
    }

    #[test]
    fn orders_fail_in_their_incident_and_hardly_at_other_times() {
        let traffic = day(600_000);
        let failed_percent = |from_minute: i64, to_minute: i64| {
            let span = traffic.between(DAY_S + from_minute * 60..DAY_S + to_minute * 60);
            let orders: Vec<_> = span.filter(|r| r.outcome.owner == Some(TargetGroup::Orders)).collect();
            let failed =
                orders.iter().filter(|r| r.outcome.elb_status >= 500 && r.outcome.target_status.is_none());
            failed.count() * 100 / orders.len()
        };
        assert!((60..80).contains(&failed_percent(14 * 60, 14 * 60 + 25)));
        assert_eq!(failed_percent(12 * 60, 14 * 60), 0);
        assert_eq!(failed_percent(14 * 60 + 25, 16 * 60), 0);
    }

    #[test]
    fn search_gets_slow_in_its_incident() {
        let traffic = day(1_000_000);
        let p95_ms = |from_minute: i64, to_minute: i64| {
            let span = traffic.between(DAY_S + from_minute * 60..DAY_S + to_minute * 60);
            let searches = span.filter(|r| r.route.pattern == "/api/v1/search" && r.edge.is_none());
            let mut times: Vec<u32> = searches.filter_map(|r| r.outcome.times_ms[1]).collect();
            times.sort_unstable();
            (times[times.len() * 95 / 100], *times.last().unwrap())
        };
        let ((usual_p95, _), (slow_p95, slowest)) = (p95_ms(960 - 40, 960), p95_ms(960, 1000));
        assert!((65..95).contains(&usual_p95), "usual p95 is {usual_p95} ms");
        assert!((2000..3000).contains(&slow_p95), "slow p95 is {slow_p95} ms");
        assert!(slowest > 5000);
    }

    #[test]
    fn every_route_probe_and_odd_form_comes_up() {
        let traffic = day(400_000);
        let mut seen = std::collections::HashSet::new();
        for request in traffic.requests() {
            seen.insert(std::ptr::from_ref(request.route).cast::<()>());
            seen.extend(request.edge.map(|edge| std::ptr::from_ref(edge).cast::<()>()));
        }
        assert_eq!(seen.len(), ROUTES.len() + PROBES.len() + EDGES.len());
    }

    #[test]
    fn a_request_that_came_by_port_80_is_never_taken_by_a_rule_of_port_443() {
        for request in day(100_000).requests().filter(|request| !request.protocol.is_encrypted()) {
            let forwarded = request.outcome.target_group.is_some();
            assert!(!forwarded || request.route.pattern == "/ws/notifications", "{request:?}");
        }
    }
}
