//! A promise about a service, as the config makes it: what is measured, how much of it must be good, and which
//! alerts say when it is not.
//!
//! From this one definition come the counts, the rules of the evaluator here and those for Prometheus.

use std::time::Duration;

use crate::alert::Labels;
use crate::period::{Exclusion, TimeWindow};
use crate::rule::{Condition, NoTraffic, Rule, RuleScope, SharePair};
use crate::share::{BurnFactor, Objective, Share};

/// A promise about a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sla {
    /// Its name; no other has it.
    pub name: Box<str>,
    /// Whose requests.
    pub service: Box<str>,
    /// The source whose lines are counted: two sources would count a request twice.
    pub source: Box<str>,
    /// Whether each route is an instance of its own.
    pub by_route: bool,
    /// Whether each method is.
    pub by_method: bool,
    /// What is measured.
    pub indicator: Indicator,
    /// How much of it must be good.
    pub objective: Objective,
    /// Over which span.
    pub time_window: TimeWindow,
    /// The instances that it is about; none means all.
    pub only: Vec<Selector>,
    /// What is promised otherwise for some instances; the first that matches counts.
    pub overrides: Vec<Override>,
    /// What is left out.
    pub exclusions: Vec<Exclusion>,
    /// What becomes of its alerts while too few requests come.
    pub on_no_traffic: NoTraffic,
    /// Its alerts.
    pub alerts: Vec<SlaAlert>,
    /// Labels for all of its alerts.
    pub labels: Labels,
    /// Annotations for all of its alerts, as templates.
    pub annotations: Labels,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indicator {
    /// A request is good that was answered within a time.
    Latency {
        /// That time, in microseconds; exactly so long is good.
        threshold_us: u64,
        /// What a status of 500 or above is.
        failures: Failures,
    },
    /// A request is bad that a query matches.
    Ratio {
        /// The query, as it was written.
        bad: Box<str>,
    },
}

/// What a failed request is to a latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failures {
    /// Bad: a fast error is not a fast answer.
    Bad,
    /// As any other.
    AsMeasured,
    /// Not counted.
    Excluded,
}

/// Instances by route and method; what is `None` may be any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The route.
    pub route: Option<Box<str>>,
    /// The method.
    pub method: Option<Box<str>>,
}

/// What is promised otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// For which instances.
    pub selector: Selector,
    /// Another time, in microseconds.
    pub threshold_us: Option<u64>,
    /// Another objective.
    pub objective: Option<Objective>,
}

/// An alert of an SLA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlaAlert {
    /// Its name.
    pub name: Box<str>,
    /// When it holds.
    pub kind: SlaAlertKind,
    /// How long it must hold.
    pub hold: Duration,
    /// How long it lasts beyond that.
    pub keep_firing_for: Duration,
    /// The fewest events that say something; `None` is as many as allow for two bad ones.
    pub min_events: Option<u64>,
}

/// When an alert of an SLA holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlaAlertKind {
    /// The objective was missed over a window.
    Threshold {
        /// The window, in minutes.
        window: i64,
        /// What its label says.
        severity: Box<str>,
    },
    /// The budget is spent too fast.
    BurnRate(Vec<BurnRate>),
}

/// A speed at which a budget is spent that is worth an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BurnRate {
    /// The window that decides, in minutes.
    pub long: i64,
    /// The window that says whether it still goes on, in minutes.
    pub short: i64,
    /// How many times faster than allowed.
    pub factor: BurnFactor,
    /// What its label says.
    pub severity: Box<str>,
}

impl BurnRate {
    /// The pairs of windows of the Site Reliability Workbook, for a period of so many minutes: two, five, ten and ten
    /// percent of the budget.
    pub fn preset(period_minutes: i64) -> Vec<Self> {
        let period = period_minutes.unsigned_abs();
        let rate = |percent, long: i64, severity: &str| Self {
            long,
            short: long / 12,
            factor: BurnFactor::spending(percent, period, long.unsigned_abs()),
            severity: severity.into(),
        };
        vec![rate(2, 60, "page"), rate(5, 360, "page"), rate(10, 1440, "ticket"), rate(10, 4320, "ticket")]
    }
}

impl Selector {
    /// Whether an instance is one of these.
    pub fn matches(&self, route: &str, method: &str) -> bool {
        self.route.as_deref().is_none_or(|own| own == route)
            && self.method.as_deref().is_none_or(|own| own == method)
    }

    /// The same by the labels of an instance.
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        let label = |name: &str| labels.get(name).map_or("", |value| value);
        self.matches(label("route"), label("method"))
    }
}

impl Sla {
    /// The labels by which its instances are told apart.
    pub fn instance_labels(&self) -> Vec<&'static str> {
        [("route", self.by_route), ("method", self.by_method)]
            .into_iter()
            .filter_map(|(name, is_one)| is_one.then_some(name))
            .collect()
    }

    /// Whether a request of the service is counted.
    pub fn selects(&self, route: &str, method: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|selector| selector.matches(route, method))
    }

    /// The time within which an answer is good, in microseconds, for an instance; `None` where that is not measured.
    pub fn threshold_us(&self, route: &str, method: &str) -> Option<u64> {
        let Indicator::Latency { threshold_us, .. } = self.indicator else { return None };
        let own = self.overrides.iter().find(|change| change.selector.matches(route, method));
        Some(own.and_then(|change| change.threshold_us).unwrap_or(threshold_us))
    }

    /// Every time within which an answer may have to come.
    pub fn thresholds_us(&self) -> impl Iterator<Item = u64> {
        let base = match self.indicator {
            Indicator::Latency { threshold_us, .. } => Some(threshold_us),
            Indicator::Ratio { .. } => None,
        };
        let others =
            self.overrides.iter().filter_map(|change| change.threshold_us).filter(move |_| base.is_some());
        base.into_iter().chain(others)
    }

    /// The objective of an instance.
    pub fn objective_of(&self, instance: &Labels) -> Objective {
        let own = self.overrides.iter().find(|change| change.selector.matches_labels(instance));
        own.and_then(|change| change.objective).unwrap_or(self.objective)
    }

    /// Whether a minute is left out.
    pub fn excludes(&self, minute: i64) -> bool {
        self.exclusions.iter().any(|exclusion| exclusion.contains(minute))
    }

    /// The instances that the config names, so that they are there before the first request.
    pub fn named_instances(&self) -> Vec<Labels> {
        let names = self.instance_labels();
        if names.is_empty() {
            return vec![Labels::new()];
        }
        let of_selector = |selector: &Selector| {
            let value = |name: &str| match name {
                "route" => selector.route.clone(),
                _ => selector.method.clone(),
            };
            names.iter().map(|name| Some(((*name).into(), value(name)?))).collect::<Option<Labels>>()
        };
        let mut instances: Vec<Labels> = Vec::new();
        let overrides = self.overrides.iter().map(|change| &change.selector);
        for instance in
            self.only.iter().chain(overrides.filter(|_| self.only.is_empty())).filter_map(of_selector)
        {
            if !instances.contains(&instance) {
                instances.push(instance);
            }
        }
        instances
    }

    /// The rules that make its alerts. An alert is a rule for each severity, and for each objective.
    pub fn rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for alert in &self.alerts {
            for (scope, objective) in self.scopes() {
                match &alert.kind {
                    SlaAlertKind::Threshold { window, severity } => {
                        let pair = self.pair(alert, *window, None, objective.allowed());
                        rules.push(self.rule(alert, severity, vec![pair], scope.clone(), objective));
                    }
                    SlaAlertKind::BurnRate(rates) => {
                        for severity in severities(rates) {
                            let of_severity = rates.iter().filter(|rate| rate.severity == severity);
                            let pairs = of_severity.map(|rate| {
                                let share = objective.burning(rate.factor);
                                self.pair(alert, rate.long, Some(rate.short), share)
                            });
                            rules.push(self.rule(
                                alert,
                                &severity,
                                pairs.collect(),
                                scope.clone(),
                                objective,
                            ));
                        }
                    }
                }
            }
        }
        rules
    }

    /// Each objective, and whose it is.
    fn scopes(&self) -> Vec<(RuleScope, Objective)> {
        let others: Vec<&Override> = self
            .overrides
            .iter()
            .filter(|change| change.objective.is_some_and(|own| own != self.objective))
            .collect();
        let mut scopes = vec![(
            RuleScope { only: None, except: others.iter().map(|change| change.selector.clone()).collect() },
            self.objective,
        )];
        for (at, change) in others.iter().enumerate() {
            let except = others.iter().take(at).map(|earlier| earlier.selector.clone()).collect();
            let scope = RuleScope { only: Some(change.selector.clone()), except };
            scopes.extend(change.objective.map(|objective| (scope, objective)));
        }
        scopes
    }

    fn pair(&self, alert: &SlaAlert, long: i64, short: Option<i64>, share: Share) -> SharePair {
        SharePair { long, short, share, events_min: alert.min_events.unwrap_or(share.events_min()) }
    }

    fn rule(
        &self,
        alert: &SlaAlert,
        severity: &str,
        pairs: Vec<SharePair>,
        scope: RuleScope,
        objective: Objective,
    ) -> Rule {
        let mut labels = self.labels.clone();
        for (name, value) in [
            ("alertname", &*alert.name),
            ("severity", severity),
            ("service", &self.service),
            ("sla", &self.name),
            ("source", &self.source),
        ] {
            labels.insert(name.into(), value.into());
        }
        let mut annotations = self.annotations.clone();
        for (name, text) in
            [("summary", self.summary(&pairs)), ("description", self.promise(objective, &Labels::new()))]
        {
            annotations.entry(name.into()).or_insert_with(|| text.into());
        }
        Rule {
            labels,
            annotations,
            condition: Condition::Share { pairs, no_traffic: self.on_no_traffic },
            hold: alert.hold,
            keep_firing_for: alert.keep_firing_for,
            scope,
        }
    }

    fn summary(&self, pairs: &[SharePair]) -> String {
        let instance: String =
            self.instance_labels().iter().rev().map(|name| format!(" {{{{ $labels.{name} }}}}")).collect();
        let what = match self.indicator {
            Indicator::Latency { .. } => "slow or failed",
            Indicator::Ratio { .. } => "bad",
        };
        // Which of several holds is not known here; whichever it is, more than the least was bad.
        let share = pairs.iter().map(|pair| pair.share.as_f64() * 100.0).reduce(f64::min).unwrap_or(0.0);
        let share = (share * 1e6).round() / 1e6;
        format!(
            "{}{instance}: {{{{ $value | humanizePercentage }}}} {what}, more than {share} %",
            self.service
        )
    }

    /// What is promised to an instance, in a sentence.
    pub fn promise(&self, objective: Objective, instance: &Labels) -> String {
        let percent = objective.percent();
        let label = |name: &str| instance.get(name).map_or("", |value| value);
        match &self.indicator {
            Indicator::Latency { threshold_us, .. } => {
                let threshold_us =
                    self.threshold_us(label("route"), label("method")).unwrap_or(*threshold_us);
                format!("{percent} % of requests are answered within {} s", threshold_us as f64 / 1e6)
            }
            Indicator::Ratio { bad } => format!("{percent} % of requests do not match {bad}"),
        }
    }
}

/// Each severity once, in the order in which they come.
fn severities(rates: &[BurnRate]) -> Vec<Box<str>> {
    let mut severities: Vec<Box<str>> = Vec::new();
    for rate in rates {
        if !severities.contains(&rate.severity) {
            severities.push(rate.severity.clone());
        }
    }
    severities
}
