//! What is true about the sample traffic: the numbers that any reading of its lines must arrive at.
//!
//! Counted from [`SampleRequest`] fields and never from text, so a mistake in a parser can't be made
//! twice and cancel itself out.

use std::collections::BTreeMap;

use super::client::Protocol;
use super::request::{Format, SampleRequest};
use super::shop::TargetGroup;

/// Sums over a set of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// All requests.
    pub requests: u64,
    /// By status as the format shows it; 0 is `000`.
    pub by_status: BTreeMap<u16, u64>,
    /// Status 500 or more, and no target status: the load balancer's own.
    pub elb_5xx: u64,
    /// Status 500 or more, and a target status.
    pub target_5xx: u64,
    /// By the ARN in the line; `-` where it has none.
    pub by_logged_target_group: BTreeMap<&'static str, u64>,
    /// By the target group in the line, or else the one that the matched rule leads to; `-` for none.
    pub by_owner: BTreeMap<&'static str, u64>,
    /// [`Truth::elb_5xx`] by owner.
    pub elb_5xx_by_owner: BTreeMap<&'static str, u64>,
    /// Sum of target processing times, milliseconds; `-1` adds nothing.
    pub target_time_ms: u64,
    /// Sum of request times, microseconds: the three times of a line, or if one of them is `-1` its
    /// time minus its creation time; in the nginx format `request_time`. WebSockets add nothing.
    pub request_time_us: u64,
    /// Bytes from clients.
    pub received_bytes: u64,
    /// Bytes to clients.
    pub sent_bytes: u64,
    /// By method, host and true pattern of the shop's route.
    pub by_route: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Requests to nothing that the shop has: scanners, malformed and odd requests.
    pub off_route: u64,
    /// By the minute of the response, minutes since 1970.
    pub by_minute: BTreeMap<i64, u64>,
}

impl Truth {
    /// The sums over `requests` when they are written as `format`.
    pub fn of(format: Format, requests: impl IntoIterator<Item = SampleRequest>) -> Truth {
        let mut truth = Truth::default();
        for request in requests {
            truth.add(format, &request);
        }
        truth
    }

    /// Adds one request.
    pub fn add(&mut self, format: Format, request: &SampleRequest) {
        let outcome = &request.outcome;
        let status = request.status(format);
        let owner = outcome.target_group.or(outcome.owner).map_or("-", TargetGroup::arn);
        self.requests += 1;
        *self.by_status.entry(status).or_default() += 1;
        *self
            .by_logged_target_group
            .entry(outcome.target_group.map_or("-", TargetGroup::arn))
            .or_default() += 1;
        *self.by_owner.entry(owner).or_default() += 1;
        match outcome.target_status {
            Some(_) if status >= 500 => self.target_5xx += 1,
            None if status >= 500 => {
                self.elb_5xx += 1;
                *self.elb_5xx_by_owner.entry(owner).or_default() += 1;
            }
            _ => {}
        }
        self.target_time_ms += u64::from(outcome.times_ms[1].unwrap_or(0));
        self.request_time_us += request_time_us(format, request).unwrap_or(0);
        self.received_bytes += request.received_bytes;
        self.sent_bytes += request.sent_bytes;
        match request.true_route(format) {
            Some(route) => {
                *self.by_route.entry((route.method, route.host.name(), route.pattern)).or_default() += 1;
            }
            None => self.off_route += 1,
        }
        *self.by_minute.entry(request.time_us.div_euclid(60_000_000)).or_default() += 1;
    }
}

fn request_time_us(format: Format, request: &SampleRequest) -> Option<u64> {
    if matches!(request.protocol, Protocol::Ws | Protocol::Wss) {
        return None;
    }
    if format == Format::NginxJson {
        return Some(request.outcome.waited_us / 1000 * 1000);
    }
    let sum_ms: Option<u64> = request.outcome.times_ms.iter().map(|ms| ms.map(u64::from)).sum();
    let since_creation_us = request.time_us - request.creation_time_ms() * 1000;
    sum_ms.map(|ms| ms * 1000).or(u64::try_from(since_creation_us).ok())
}
