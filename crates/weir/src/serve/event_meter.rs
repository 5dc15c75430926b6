//! `weir_sla_events_total`: what was counted for promises since ever, as it is exposed and as it is written elsewhere.
//!
//! One for `/metrics` and one for each remote write, because each stands at a moment of its own. An instance has one
//! series, whatever was measured under its name: with another threshold the counter goes on, since one that fell would
//! be taken for a restart.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use weir_alert::Labels;
use weir_ledger::{EventCounts, EventKey, LedgerError, Reading, StoredEventKey};
use weir_meter::{Family, Kind, LabelPairs, Series, Value, ZeroAfter};
use weir_record::Minute;

use super::indicators::Indicators;

/// The family.
pub const FAMILY: &str = "weir_sla_events_total";

/// What was counted for promises in all.
#[derive(Debug)]
pub struct EventMeter {
    indicators: Arc<Indicators>,
    /// The promises that it has, by number.
    has: Vec<bool>,
    /// By the number of the indicator and the labels of the instance.
    instances: BTreeMap<(usize, Labels), Instance>,
    /// The instance of each key.
    keys: HashMap<u32, (usize, Labels)>,
    /// Every key that was ever known.
    seen: HashSet<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Instance {
    events: EventCounts,
    /// The key that made it; 0 where the config names it.
    born: u32,
    born_minute: i64,
}

impl EventMeter {
    /// What the ledger has under `name`, of promises about these sources.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn load(
        ledger: &Reading<'_>,
        name: &str,
        indicators: &Arc<Indicators>,
        has_source: impl Fn(&str) -> bool,
    ) -> Result<Self, LedgerError> {
        let mut has = vec![false; indicators.all().len()];
        let mut instances = BTreeMap::new();
        for (number, sla) in indicators.slas().filter(|(_, sla)| has_source(&sla.source)) {
            has[number] = true;
            instances.extend(
                sla.named_instances().into_iter().map(|labels| ((number, labels), Instance::default())),
            );
        }
        let (keys, seen) = (HashMap::new(), HashSet::new());
        let mut meter = Self { indicators: Arc::clone(indicators), has, instances, keys, seen };
        for StoredEventKey { number, key, first, .. } in ledger.event_keys()? {
            meter.know(number, &key, first);
        }
        for (number, events) in ledger.event_totals(name)? {
            meter.add(number, events);
        }
        Ok(meter)
    }

    /// Whether it has a promise.
    pub fn has(&self, indicator: usize) -> bool {
        self.has.get(indicator).copied().unwrap_or(false)
    }

    /// Whether a key is known, or of no promise that it has.
    pub fn knows(&self, number: u32) -> bool {
        self.seen.contains(&number)
    }

    /// Learns the number of a key.
    pub fn know(&mut self, number: u32, key: &EventKey, first: Minute) {
        self.seen.insert(number);
        let name = |indicator: &super::indicators::Indicator| indicator.name == key.indicator;
        let Some(indicator) = self.indicators.all().iter().position(name).filter(|number| self.has(*number))
        else {
            return;
        };
        let labels: Labels = key.labels.iter().cloned().collect();
        self.keys.insert(number, (indicator, labels.clone()));
        let born = Instance { born: number, born_minute: first.0, ..Instance::default() };
        // Not before it has events: only then it is there.
        self.instances.entry((indicator, labels)).or_insert(born);
    }

    /// Adds what was counted.
    pub fn add(&mut self, number: u32, events: EventCounts) {
        if let Some(instance) = self.keys.get(&number).and_then(|key| self.instances.get_mut(key)) {
            instance.events.add(events);
        }
    }

    /// The number of the youngest key that made an instance.
    pub fn births(&self) -> u64 {
        self.instances.values().map(|instance| u64::from(instance.born)).max().unwrap_or(0)
    }

    /// The family, with instances at 0 that a scraper has not seen before.
    pub fn family(&self, zero_after: Option<ZeroAfter>) -> Option<Family> {
        if !self.has.contains(&true) {
            return None;
        }
        let mut series = Vec::with_capacity(self.instances.len() * 2);
        for ((number, labels), instance) in &self.instances {
            let is_new = zero_after.is_some_and(|zero_after| {
                u64::from(instance.born) > zero_after.births.alb
                    && Minute(instance.born_minute + 1).start() > zero_after.born_at
            });
            let events = if is_new { EventCounts::default() } else { instance.events };
            for (result, value) in [("bad", events.bad), ("good", events.good)] {
                let labels = self.labels(*number, labels, result)?;
                series.push(Series { labels, value: Value::Number(value as f64), created_ms: None });
            }
        }
        Some(Family {
            name: FAMILY.into(),
            help: "Requests that a service-level objective counts, good or bad.".into(),
            kind: Kind::Counter,
            series,
        })
    }

    fn labels(&self, number: usize, instance: &Labels, result: &str) -> Option<LabelPairs> {
        let (_, sla) = self.indicators.slas().find(|(known, _)| *known == number)?;
        let label = |name: &str| Arc::from(instance.get(name).map_or("", |value| value));
        Some(
            [
                ("method".into(), label("method")),
                ("result".into(), result.into()),
                ("route".into(), label("route")),
                ("service".into(), Arc::from(&*sla.service)),
                ("sla".into(), Arc::from(&*sla.name)),
            ]
            .into_iter()
            .filter(|(_, value): &(Arc<str>, Arc<str>)| !value.is_empty())
            .collect(),
        )
    }
}
