//! What goes wrong, and when: data, so that a whole day's story can also be told in ten minutes.
//!
//! Few kinds are enough to show what metrics of a load balancer are for: a target group that fails
//! (the ELB answers by itself, and often the line doesn't say for whom), one route that gets slow
//! while everything else stays as it was, and a crowd.

use super::shop::TargetGroup;

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incident {
    /// First second of it, since 1970.
    pub from_s: i64,
    /// First second after it.
    pub to_s: i64,
    /// What goes wrong.
    pub effect: Effect,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// 70 % of the group's requests end in 502, 503 or 504, some without a target group in the line.
    TargetGroupFails(TargetGroup),
    /// So many more requests a second.
    Crowd(u64),
    /// Requests with this pattern take thirty times as long and are still answered.
    RouteSlows(&'static str),
}

/// The route that gets slow in [`story_of_the_day`].
pub const SLOW_ROUTE: &str = "/api/v1/search";

/// The story told by default: from 14:00 to 14:25 the target group `orders` fails, from 16:00 to 16:40
/// search is slow.
///
/// The times are those of a day of 86,400 s that begins at `start_s`; a `length_s` that is shorter
/// brings them nearer in proportion.
pub fn story_of_the_day(start_s: i64, length_s: u64) -> Vec<Incident> {
    let at = |hour: i64, minute: i64| start_s + length_s as i64 * (hour * 60 + minute) / 1440;
    let failure = Effect::TargetGroupFails(TargetGroup::Orders);
    vec![
        Incident { from_s: at(14, 0), to_s: at(14, 25), effect: failure },
        Incident { from_s: at(16, 0), to_s: at(16, 40), effect: Effect::RouteSlows(SLOW_ROUTE) },
    ]
}

/// A crowd that search does not bear: enough requests to see it at any hour of the day.
pub fn crowd(from_s: i64, to_s: i64) -> Vec<Incident> {
    /// Enough that five minutes have a hundred searches.
    const MORE_PER_SECOND: u64 = 20;
    let incident = |effect| Incident { from_s, to_s, effect };
    vec![incident(Effect::Crowd(MORE_PER_SECOND)), incident(Effect::RouteSlows(SLOW_ROUTE))]
}

/// What is going wrong in one second.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    second: i64,
    active: Vec<Incident>,
}

impl Trouble {
    /// Those of `incidents` that last at `second`.
    pub fn at(second: i64, incidents: &[Incident]) -> Trouble {
        let lasts = |incident: &&Incident| (incident.from_s..incident.to_s).contains(&second);
        Trouble { second, active: incidents.iter().filter(lasts).copied().collect() }
    }

    /// For how many seconds `group` has been failing; none when it works.
    pub fn failing_s(&self, group: TargetGroup) -> Option<i64> {
        let failure = Effect::TargetGroupFails(group);
        let incident = self.active.iter().find(|incident| incident.effect == failure)?;
        Some(self.second - incident.from_s)
    }

    /// How many more requests come than usual.
    pub fn more_per_second(&self) -> u64 {
        let more = self.active.iter().map(|incident| match incident.effect {
            Effect::Crowd(more) => more,
            Effect::TargetGroupFails(_) | Effect::RouteSlows(_) => 0,
        });
        more.sum()
    }

    /// True while the route with `pattern` is slow.
    pub fn slows(&self, pattern: &'static str) -> bool {
        self.active.iter().any(|incident| incident.effect == Effect::RouteSlows(pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_can_be_compressed() {
        let times = |start_s, length_s| {
            story_of_the_day(start_s, length_s).iter().map(|i| (i.from_s, i.to_s)).collect::<Vec<_>>()
        };
        assert_eq!(times(0, 86_400), [(50_400, 51_900), (57_600, 60_000)]);
        assert_eq!(times(1000, 1440), [(1840, 1865), (1960, 2000)]);
    }

    #[test]
    fn an_incident_ends_before_its_last_second() {
        let incidents = [
            Incident { from_s: 5, to_s: 7, effect: Effect::RouteSlows("/") },
            Incident { from_s: 6, to_s: 9, effect: Effect::TargetGroupFails(TargetGroup::Web) },
        ];
        let at = |second| {
            let trouble = Trouble::at(second, &incidents);
            (trouble.slows("/"), trouble.failing_s(TargetGroup::Web), trouble.failing_s(TargetGroup::Api))
        };
        let crowds = crowd(5, 7);
        assert_eq!([4, 5, 7].map(|second| Trouble::at(second, &crowds).more_per_second()), [0, 20, 0]);
        assert_eq!([at(4), at(5)], [(false, None, None), (true, None, None)]);
        assert_eq!([at(6), at(7)], [(true, Some(0), None), (false, Some(1), None)]);
    }
}
