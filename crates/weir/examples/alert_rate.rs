//! How long it takes to judge ten thousand instances of a promise at one moment, as `name value` lines for the
//! benchmark's record.
//!
//! An example and not a test, since it reads the clock; here and not beside the evaluator, which reads none. Each
//! instance has requests in every tenth minute of the longest window, three days, and three alerts: a window of five
//! minutes, and the burn rates of a page and of a ticket.

use std::time::{Duration, Instant};

use weir_alert::{
    BurnFactor, BurnRate, Evaluator, Events, Failures, Indicator, Labels, NoTraffic, Objective,
    RuleOfIndicator, Sla, SlaAlert, SlaAlertKind, TimeWindow,
};

/// Instances; more are not judged.
const INSTANCES: usize = 10_000;

/// Minutes of the longest window.
const MINUTES: i64 = 3 * 24 * 60;

/// Moments that are judged.
const TICKS: i64 = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sla = sla().ok_or("the objective is none")?;
    let rules: Vec<_> = sla.rules().into_iter().map(|rule| RuleOfIndicator { rule, indicator: 0 }).collect();
    let rules_len = rules.len();
    let mut evaluator = Evaluator::new(rules, 1);
    for number in 0..INSTANCES {
        let labels: Labels = [("route".into(), format!("/route/{number}").into())].into();
        let instance = evaluator.instance_number(0, &labels).ok_or("too many instances")?;
        for minute in (0..MINUTES).step_by(10) {
            let events = Events { good: 50, bad: u64::from((minute + number as i64) % 37 == 0) };
            evaluator.add_minute_of(0, instance, minute, events);
        }
    }
    report(&mut evaluator, rules_len);
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "measuring is reading the clock")]
#[allow(clippy::print_stdout, reason = "the result of a command")]
fn report(evaluator: &mut Evaluator, rules: usize) {
    let mut times: Vec<Duration> = Vec::new();
    let mut changes = 0;
    for tick in 0..TICKS {
        let start = Instant::now();
        for rule in 0..rules {
            changes += evaluator.evaluate(rule, MINUTES + tick).len();
        }
        times.push(start.elapsed());
    }
    times.sort();
    println!("tick_ms {:.2}", times[times.len() / 2].as_secs_f64() * 1e3);
    println!("tick_max_ms {:.2}", times[times.len() - 1].as_secs_f64() * 1e3);
    println!("changes {changes}");
}

fn sla() -> Option<Sla> {
    let threshold = SlaAlertKind::Threshold { window: 5, severity: "page".into() };
    let rate = |severity: &str, long: i64, short: i64, factor: u64| BurnRate {
        severity: severity.into(),
        long,
        short,
        factor: BurnFactor(factor),
    };
    let rates = vec![
        rate("page", 60, 5, 144_000),
        rate("page", 360, 30, 60_000),
        rate("ticket", 1440, 120, 30_000),
        rate("ticket", 4320, 360, 10_000),
    ];
    let alert = |name: &str, kind| SlaAlert {
        name: name.into(),
        kind,
        hold: Duration::from_secs(300),
        keep_firing_for: Duration::ZERO,
        min_events: None,
    };
    Some(Sla {
        name: "latency".into(),
        service: "shop".into(),
        source: "web".into(),
        by_route: true,
        by_method: false,
        indicator: Indicator::Latency { threshold_us: 400_000, failures: Failures::Bad },
        objective: Objective::from_percent_micros(99_000_000)?,
        time_window: TimeWindow::DEFAULT,
        only: Vec::new(),
        overrides: Vec::new(),
        exclusions: Vec::new(),
        on_no_traffic: NoTraffic::default(),
        alerts: vec![alert("Slow", threshold), alert("Burn", SlaAlertKind::BurnRate(rates))],
        labels: Labels::new(),
        annotations: Labels::new(),
    })
}
