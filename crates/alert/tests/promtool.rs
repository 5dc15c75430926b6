//! The evaluator here and a real Prometheus agree on every alert at every step.
//!
//! Random promises and random histories from a seed; `promtool` judges. `PROMTOOL_HISTORIES=1000` is `make prove`.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test runs a program and reads its environment"
)]

use std::fs;
use std::process::Command;
use std::time::Duration;

use weir_alert::rule_file::{Arrival, RuleSource, Scenario, TargetVersion, Track, rule_file, test_file};
use weir_alert::{
    BurnFactor, BurnRate, Events, Failures, Indicator, Labels, NoTraffic, Objective, Override, Selector, Sla,
    SlaAlert, SlaAlertKind, TimeWindow,
};

/// Instances of one promise: each has a history of its own, and all share a test of promtool, which costs most.
const INSTANCES: u64 = 10;

/// Histories that are checked unless told otherwise.
const HISTORIES: usize = 300;

/// A route that must be escaped everywhere.
const ODD_ROUTE: &str = "/a\"\\{id}";

/// A small generator with a seed: xorshift64*.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }
}

fn promise(rng: &mut Rng) -> Sla {
    let by_route = rng.below(3) > 0;
    let objective = |rng: &mut Rng| {
        Objective::from_percent_micros(rng.one_of(&[95_000_000, 90_000_000, 99_000_000, 66_700_000]))
    };
    let kind = match rng.below(3) {
        0 => SlaAlertKind::BurnRate(
            (0..1 + rng.below(3))
                .map(|_| BurnRate {
                    long: rng.one_of(&[6, 12, 20]),
                    short: rng.one_of(&[1, 2, 3]),
                    factor: BurnFactor(rng.one_of(&[10_000, 14_000, 25_000])),
                    severity: rng.one_of(&["page", "ticket"]).into(),
                })
                .collect(),
        ),
        _ => SlaAlertKind::Threshold { window: rng.one_of(&[1, 2, 5, 10]), severity: "page".into() },
    };
    let seconds = |rng: &mut Rng, choices: &[u64]| Duration::from_secs(rng.one_of(choices));
    let alert = SlaAlert {
        name: "Broken".into(),
        kind,
        hold: seconds(rng, &[0, 60, 90, 120, 300]),
        keep_firing_for: seconds(rng, &[0, 0, 60, 150, 300]),
        min_events: rng.one_of(&[None, Some(0), Some(1), Some(10), Some(40)]),
    };
    let overrides = (by_route && rng.below(2) == 0).then(|| Override {
        selector: Selector { route: Some(ODD_ROUTE.into()), method: None },
        threshold_us: None,
        objective: objective(rng),
    });
    Sla {
        name: "shop-latency".into(),
        service: "shop".into(),
        source: "web".into(),
        by_route,
        by_method: by_route && rng.below(2) == 0,
        indicator: Indicator::Latency { threshold_us: 400_000, failures: Failures::Bad },
        objective: objective(rng).unwrap(),
        time_window: TimeWindow::DEFAULT,
        only: Vec::new(),
        overrides: overrides.into_iter().collect(),
        exclusions: Vec::new(),
        on_no_traffic: rng.one_of(&[NoTraffic::Resolve, NoTraffic::Keep, NoTraffic::Alert]),
        alerts: vec![alert],
        labels: [("team".into(), "core".into())].into(),
        annotations: Labels::new(),
    }
}

fn history<'a>(rng: &mut Rng, sla: &'a Sla, seed: u64, offset: i64) -> Scenario<'a> {
    let minutes = 40 + rng.below(30);
    let mut tracks = Vec::new();
    for number in 0..if sla.by_route { INSTANCES } else { 1 } {
        let route = if number == 0 { ODD_ROUTE.into() } else { format!("/{number}").into() };
        let instance = sla.instance_labels().into_iter().map(|name| match name {
            "route" => ("route".into(), Box::clone(&route)),
            _ => ("method".into(), "GET".into()),
        });
        let instance: Labels = instance.collect();
        let born = if rng.below(2) == 0 { 0 } else { rng.below(20) };
        let mut events = Vec::new();
        let (mut most, mut badness) = (30, 0);
        while (events.len() as u64) < minutes - born {
            if rng.below(6) == 0 {
                most = rng.one_of(&[0, 1, 3, 20, 100]);
                badness = rng.one_of(&[0, 5, 5, 10, 33, 100]);
            }
            let total = if most == 0 { 0 } else { rng.below(most + 1) };
            // Often exactly the share that is allowed.
            let bad = match rng.below(3) {
                0 => total * badness / 100,
                _ => (0..total).filter(|_| rng.below(100) < badness).count() as u64,
            };
            events.push(Events { good: total - bad, bad });
        }
        tracks.push(Track { instance, born: i64::try_from(born).unwrap(), events });
    }
    let minutes = i64::try_from(minutes).unwrap();
    Scenario { name: format!("seed {seed}"), sla, tracks, minutes, offset }
}

fn promtool(arguments: &[&str], folder: &std::path::Path) -> Result<(), String> {
    let output = Command::new("promtool").args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| format!("promtool does not run; .ci/setup installs it: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(()) } else { Err(text(&output.stdout) + &text(&output.stderr)) }
}

#[test]
fn prometheus_agrees_on_every_alert_at_every_step() {
    let wanted = std::env::var("PROMTOOL_HISTORIES").ok();
    let wanted = wanted.and_then(|text| text.parse().ok()).unwrap_or(HISTORIES);
    let folder = std::env::temp_dir().join(format!("weir-promtool-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut names = Vec::new();
    let (mut histories, mut fired) = (0, 0);
    for seed in 1.. {
        let mut rng = Rng(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15) | 1);
        let sla = promise(&mut rng);
        let offset = if rng.below(4) == 0 { 3 } else { 0 };
        let written_after = (offset > 0).then_some(offset * 60);
        let arrival = Arrival { written_after, lateness: 10, is_nginx: true };
        let rules = rule_file(&[RuleSource { sla: &sla, arrival }], TargetVersion::V2_42);
        let scenario = history(&mut rng, &sla, seed, offset);
        histories += scenario.tracks.len();
        let (rules_name, test_name) = (format!("{seed}.rules.yaml"), format!("{seed}.test.yaml"));
        let test = test_file(&rules_name, &[scenario]);
        fired += test.matches("firing").count();
        fs::write(folder.join(&rules_name), rules).unwrap();
        fs::write(folder.join(&test_name), test).unwrap();
        names.push(test_name);
        if histories >= wanted {
            break;
        }
    }
    // Otherwise it would show nothing.
    assert!(fired > histories, "{fired} alerts in {histories} histories");
    let arguments: Vec<&str> =
        ["test", "rules"].into_iter().chain(names.iter().map(String::as_str)).collect();
    if let Err(problem) = promtool(&arguments, &folder) {
        let shown: String = problem.chars().take(6_000).collect();
        panic!("{}: {shown}", folder.display());
    }
    fs::remove_dir_all(&folder).unwrap();
}
