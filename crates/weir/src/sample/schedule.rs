//! How many requests fall into which second: the curve of a day, with some noise.
//!
//! The total is an argument and is met exactly, because a benchmark over two million lines needs two
//! million. So seconds don't draw their numbers independently: each is the difference of two running
//! totals, found from a sum per minute without walking through the seconds before it.

use std::ops::Range;

use super::incident::Incident;
use super::rng::{mix, scale};

/// What traffic to make.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// First second, since 1970.
    pub start_s: i64,
    /// How many seconds; at most a few years, since a number per minute is kept.
    pub duration_s: u64,
    /// How many requests in all, spread over the time as a day's curve has it; a crowd comes on top.
    pub requests: u64,
    /// Nodes of the load balancer, 1 to 3.
    pub nodes: usize,
    /// What goes wrong, and when.
    pub incidents: Vec<Incident>,
}

impl Plan {
    /// The seconds of the plan, since 1970.
    pub fn span_s(&self) -> Range<i64> {
        self.start_s..self.start_s.saturating_add_unsigned(self.duration_s)
    }
}

/// Requests per hour of the day (UTC) relative to the others: a shop in Europe.
const HOURS: [u64; 24] = [
    34, 24, 18, 16, 17, 24, 42, 66, 84, 94, 99, 104, 108, 102, 98, 100, 106, 116, 128, 136, 132, 112, 82, 54,
];
/// A [`Plan`] with its weights summed up.
#[derive(Debug)]
pub struct Schedule {
    plan: Plan,
    /// Weight of all minutes before the one at the index; one more than there are minutes.
    weight_before: Vec<u64>,
}

impl Schedule {
    /// Sums up; costs as much as the plan has minutes.
    pub fn new(plan: Plan) -> Schedule {
        let minutes = plan.duration_s.div_ceil(60) as i64;
        let weight = |minute| minute_weight(plan.seed, plan.start_s + minute * 60);
        let sums = (0..minutes).scan(0, |sum, minute| {
            *sum += weight(minute);
            Some(*sum)
        });
        let weight_before = [0].into_iter().chain(sums).collect();
        Schedule { plan, weight_before }
    }

    /// The plan that this is.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many requests are answered in the second `epoch_s`; 0 outside the plan.
    pub fn requests_in(&self, epoch_s: i64) -> u64 {
        match u64::try_from(epoch_s - self.plan.start_s) {
            Ok(second) if second < self.plan.duration_s => {
                self.requests_before(second + 1) - self.requests_before(second)
            }
            _ => 0,
        }
    }

    /// How many requests are answered before `second` of the plan (0 is its first).
    ///
    /// The number is exact at both ends; in between a second's share is shifted by up to a third at
    /// random, or charts would look as if drawn with a ruler.
    fn requests_before(&self, second: u64) -> u64 {
        let exact = self.exact_before(second);
        if second == 0 || second >= self.plan.duration_s {
            return exact;
        }
        let next = self.exact_before(second + 1);
        exact + scale(mix(self.plan.seed ^ 0x5EC0, second), (next - exact) / 3 + 1)
    }

    fn exact_before(&self, second: u64) -> u64 {
        let weight = |second: u64| {
            let minute = (second / 60) as usize;
            let before = self.weight_before.get(minute).or(self.weight_before.last()).copied().unwrap_or(0);
            let after = self.weight_before.get(minute + 1).copied().unwrap_or(before);
            before * 60 + (after - before) * (second % 60)
        };
        let (part, whole) = (weight(second), weight(self.plan.duration_s).max(1));
        (u128::from(self.plan.requests) * u128::from(part) / u128::from(whole)) as u64
    }
}

/// The weight of the minute that begins at `epoch_s`: the day's curve, give or take a tenth.
fn minute_weight(seed: u64, epoch_s: i64) -> u64 {
    let second_of_day = epoch_s.rem_euclid(86_400) as u64;
    let (hour, into_hour) = ((second_of_day / 3600) as usize, second_of_day % 3600);
    let at = |hour: usize| HOURS.get(hour % 24).copied().unwrap_or(1);
    let curve = (at(hour) * (3600 - into_hour) + at(hour + 1) * into_hour) / 36;
    curve * (90 + mix(seed ^ 0x317, epoch_s.div_euclid(60) as u64) % 21) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: i64 = 1_795_132_800; // 2026-11-20T00:00:00Z

    fn schedule(duration_s: u64, requests: u64) -> Schedule {
        Schedule::new(Plan {
            seed: 3,
            start_s: DAY_S + 17,
            duration_s,
            requests,
            nodes: 2,
            incidents: vec![],
        })
    }

    #[test]
    fn the_seconds_add_up_to_the_total() {
        for (duration_s, requests) in [(86_400, 1_000), (86_400, 5_000_000), (60, 12_345), (1, 7), (3601, 0)]
        {
            let schedule = schedule(duration_s, requests);
            let seconds = DAY_S..DAY_S + 17 + duration_s as i64 + 5;
            assert_eq!(seconds.map(|second| schedule.requests_in(second)).sum::<u64>(), requests);
        }
        assert_eq!(schedule(0, 0).requests_in(DAY_S + 17), 0);
    }

    #[test]
    fn nights_are_quiet_and_evenings_busy() {
        let schedule = schedule(86_400, 200_000);
        let hour = |hour: i64| -> u64 {
            (0..3600).map(|second| schedule.requests_in(DAY_S + hour * 3600 + second)).sum()
        };
        assert!(hour(19) > 6 * hour(3), "{} and {}", hour(19), hour(3));
    }

    #[test]
    fn a_plan_of_years_is_no_burden() {
        let years = schedule(3 * 365 * 86_400, 3_000_000_000);
        assert!((1..200).contains(&years.requests_in(DAY_S + 86_400 * 1_000)));
    }
}
