//! What happened in each minute, for alerts of any config: from what was counted for them, else from the minutes of
//! routes, else from the records.
//!
//! What was counted live is taken as it is wherever it is there, so that a backtest of what ran says what ran. What was
//! never asked is found from the minutes where these can tell it exactly; a threshold between two bounds of a
//! histogram or a query about more than routes and statuses needs the records, and where those are not kept, nothing is
//! made up.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use weir_alert::backtest::Backtest;
use weir_alert::{Events, Labels, Sla};
use weir_ledger::{LedgerError, StoredEventKey};
use weir_meter::durable::{StoredSlot, StoredSlotKey};
use weir_record::{Minute, Timestamp};
use weir_store::Cancel;
use weir_web::AdminProblem;

use super::failed;
use super::record_counts::RecordCounts;
use super::slot_counts::{SlotMeasure, can_tell, measure};
use crate::config::Config;
use crate::serve::alerting::of_stored;
use crate::serve::desk::{Inner, unreadable};
use crate::serve::indicators::{Indicators, Maintenance, Subject};

/// Minutes that are read together: a quarter of a day.
const CHUNK: i64 = 360;

/// Where the events of each indicator come from.
pub struct History<'d> {
    desk: &'d Inner,
    indicators: &'d Indicators,
    /// Those of the server.
    in_force: Arc<Indicators>,
    plans: Vec<Plan>,
    event_keys: Vec<(StoredEventKey, usize)>,
    slot_keys: Vec<(u32, StoredSlotKey)>,
    cancel: Cancel,
    /// What should be known about it.
    pub warnings: Vec<String>,
}

/// Where the events of an indicator come from.
pub struct Plan {
    /// From this minute on they were counted live.
    pub counted_from: Option<i64>,
    /// Where they come from before that.
    pub before: Before,
    /// Whether there was something before that.
    has_before: bool,
}

/// Where events come from that were not counted.
pub enum Before {
    /// Nothing tells.
    Nothing,
    /// The minutes of routes.
    Slots,
    /// The records, of which the first is of this minute.
    Records(i64, Box<RecordCounts>),
}

/// What happened in a minute.
struct Row {
    minute: i64,
    indicator: usize,
    instance: u32,
    events: Events,
    is_counted: bool,
}

impl<'d> History<'d> {
    /// Finds out where the events of `indicators` come from, which are those of `config`. `judged_since` has since when
    /// each was judged live.
    ///
    /// # Errors
    ///
    /// A ledger or records that cannot be read.
    pub fn new(
        desk: &'d Inner,
        config: &Config,
        indicators: &'d Indicators,
        judged_since: &[Option<i64>],
        cancel: &Cancel,
    ) -> Result<Self, AdminProblem> {
        let read = desk.shared.ledger.read(|ledger| Ok((ledger.event_keys()?, ledger.slot_keys()?)));
        let (all_keys, slot_keys) = read.map_err(|error| unreadable(&error))?;
        let mut history = Self {
            desk,
            indicators,
            in_force: desk.shared.indicators.get(),
            plans: Vec::new(),
            event_keys: Vec::new(),
            slot_keys,
            cancel: cancel.clone(),
            warnings: Vec::new(),
        };
        let others: HashSet<Box<str>> = all_keys
            .iter()
            .filter(|stored| indicators.number_of(&stored.key).is_none())
            .map(|stored| stored.key.indicator.clone())
            .collect();
        for stored in all_keys {
            if let Some(number) = indicators.number_of(&stored.key)
                && history.is_counted_alike(number)
                && history.is_meant(number, &stored)
            {
                history.event_keys.push((stored, number));
            }
        }
        for (number, indicator) in indicators.all().iter().enumerate() {
            let keys = history.event_keys.iter().filter(|(_, other)| *other == number);
            let first = keys.map(|(stored, _)| stored.first.0).min();
            let is_alike = history.is_counted_alike(number) && history.is_in_force(number);
            let since = judged_since.get(number).copied().flatten();
            let since = since.filter(|_| is_alike && !others.contains(&indicator.name));
            let counted_from = first.into_iter().chain(since).min();
            let plan = Plan { counted_from, before: Before::Nothing, has_before: false };
            history.plans.push(plan);
        }
        history.plan_before(config)?;
        Ok(history)
    }

    /// The plans, by the numbers of indicators.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// Whether the config in force counts the same under this name.
    fn is_in_force(&self, number: usize) -> bool {
        let Some(indicator) = self.indicators.all().get(number) else { return false };
        self.in_force.all().iter().any(|own| own.name == indicator.name && own.measure == indicator.measure)
    }

    /// Whether all that an SLA is about was counted: the one in force may be about fewer routes.
    fn is_counted_alike(&self, number: usize) -> bool {
        let Some(Subject::Sla(sla)) = self.indicators.all().get(number).map(|indicator| &indicator.subject)
        else {
            return true;
        };
        let own = self.in_force.slas().find(|(_, own)| own.name == sla.name);
        own.is_none_or(|(_, own)| {
            own.only.is_empty()
                || (!sla.only.is_empty() && sla.only.iter().all(|selector| own.only.contains(selector)))
        })
    }

    /// Whether an instance is one that an SLA is about.
    fn is_meant(&self, number: usize, stored: &StoredEventKey) -> bool {
        match self.indicators.all().get(number).map(|indicator| &indicator.subject) {
            Some(Subject::Sla(sla)) if !sla.only.is_empty() => {
                let labels: Labels = stored.key.labels.iter().cloned().collect();
                sla.only.iter().any(|selector| selector.matches_labels(&labels))
            }
            _ => true,
        }
    }

    fn plan_before(&mut self, config: &Config) -> Result<(), AdminProblem> {
        for number in 0..self.plans.len() {
            let Some(indicator) = self.indicators.all().get(number) else { continue };
            let before = match &indicator.subject {
                Subject::Sla(sla) if self.slots_can_tell(number, sla, config) => Before::Slots,
                _ => self.records_of(number, config)?,
            };
            self.plans[number].before = before;
        }
        Ok(())
    }

    fn slots_can_tell(&self, number: usize, sla: &Sla, config: &Config) -> bool {
        let Some(indicator) = self.indicators.all().get(number) else { return false };
        let bad = config.slas.get(number).and_then(|sla| sla.bad.as_ref());
        let mut keys = self.slot_keys.iter().filter(|(_, key)| is_of(key, sla));
        can_tell(sla, bad) && keys.all(|(_, key)| measure(sla, indicator.predicate(), key).is_some())
    }

    /// The records, where all of them are kept.
    fn records_of(&mut self, number: usize, config: &Config) -> Result<Before, AdminProblem> {
        let Some(indicator) = self.indicators.all().get(number) else { return Ok(Before::Nothing) };
        let names: Vec<String> = indicator.sources().into_iter().map(str::to_owned).collect();
        let is_meant = |name: &str| names.is_empty() || names.iter().any(|own| own == name);
        let partly: Vec<String> = {
            let state = self.desk.shared.state.lock();
            let partly =
                state.sources.iter().filter(|(name, source)| is_meant(name) && !source.is_kept_whole);
            partly.map(|(name, _)| name.to_string()).collect()
        };
        if let Some(source) = partly.first() {
            self.warnings.push(format!(
                "`{}`: the source `{source}` keeps only a part of its records, so what was not counted for it is not \
                 known",
                short_name(&indicator.name)
            ));
            return Ok(Before::Nothing);
        }
        let counts = RecordCounts::new(indicator, config.slas.get(number)).map_err(|error| {
            failed(format!("what `{}` asks of records does not compile: {error}", indicator.name))
        })?;
        let first = counts.first_record(&self.desk.shared.store.view(), &names, &self.cancel)?;
        Ok(first.map_or(Before::Nothing, |first| Before::Records(first, Box::new(counts))))
    }

    /// Hands everything from minute `from` to `to` to a backtest, which judges it.
    ///
    /// # Errors
    ///
    /// A ledger or records that cannot be read, or no more time.
    pub fn feed(&mut self, backtest: &mut Backtest, from: i64, to: i64) -> Result<(), AdminProblem> {
        for (number, indicator) in self.indicators.all().iter().enumerate() {
            for labels in indicator.named_instances() {
                backtest.instance(number, &labels);
            }
        }
        let mut counted: HashMap<u32, (usize, u32)> = HashMap::new();
        for (stored, number) in &self.event_keys {
            let labels: Labels = stored.key.labels.iter().cloned().collect();
            backtest.seen(*number, &labels, stored.first.0);
            if let Some(instance) = backtest.instance(*number, &labels) {
                counted.insert(stored.number, (*number, instance));
            }
        }
        let measures = self.measures(backtest);
        self.plans.iter_mut().for_each(|plan| plan.has_before = false);
        let mut start = from;
        while start < to {
            self.cancel.check().map_err(|_| too_slow())?;
            let end = (start + CHUNK).min(to);
            let mut rows = Vec::new();
            self.read_counts(&counted, &measures, (start, end), &mut rows)
                .map_err(|error| unreadable(&error))?;
            self.read_records(backtest, (start, end), &mut rows)?;
            self.hand_over(backtest, rows);
            backtest.judge_to(end);
            start = end;
        }
        Ok(())
    }

    /// What each slot key is to the indicators that need the minutes of routes.
    fn measures(&self, backtest: &mut Backtest) -> HashMap<u32, Vec<(usize, u32, SlotMeasure)>> {
        let mut measures: HashMap<u32, Vec<(usize, u32, SlotMeasure)>> = HashMap::new();
        for (number, sla) in self.indicators.slas() {
            let (Some(plan), Some(indicator)) = (self.plans.get(number), self.indicators.all().get(number))
            else {
                continue;
            };
            if !matches!(plan.before, Before::Slots) {
                continue;
            }
            for (slot, key) in self.slot_keys.iter().filter(|(_, key)| is_of(key, sla)) {
                let Some(found) = measure(sla, indicator.predicate(), key) else { continue };
                let labels = instance_labels(sla, &key.route, &key.method);
                if let Some(instance) = backtest.instance(number, &labels) {
                    measures.entry(*slot).or_default().push((number, instance, found));
                }
            }
        }
        measures
    }

    fn read_counts(
        &self,
        counted: &HashMap<u32, (usize, u32)>,
        measures: &HashMap<u32, Vec<(usize, u32, SlotMeasure)>>,
        (start, end): (i64, i64),
        rows: &mut Vec<Row>,
    ) -> Result<(), LedgerError> {
        self.desk.shared.ledger.read(|ledger| {
            ledger.events(Minute(start), Minute(end), |minute, number, events| {
                if let Some(&(indicator, instance)) = counted.get(&number) {
                    let events = of_stored(events);
                    rows.push(Row { minute: minute.0, indicator, instance, events, is_counted: true });
                }
            })?;
            let needs_slots = |plan: &&Plan| matches!(plan.before, Before::Slots);
            let last = self.plans.iter().filter(needs_slots).map(Plan::before_to).max();
            let Some(last) = last.filter(|last| start < *last) else { return Ok(()) };
            ledger.slots(Minute(start), Minute(end.min(last)), |minute, number, slot: StoredSlot| {
                for (indicator, instance, measure) in measures.get(&number).into_iter().flatten() {
                    let events = measure.events(&slot);
                    let (indicator, instance) = (*indicator, *instance);
                    rows.push(Row { minute: minute.0, indicator, instance, events, is_counted: false });
                }
            })
        })
    }

    fn read_records(
        &self,
        backtest: &mut Backtest,
        (start, end): (i64, i64),
        rows: &mut Vec<Row>,
    ) -> Result<(), AdminProblem> {
        for (number, plan) in self.plans.iter().enumerate() {
            let Before::Records(first, counts) = &plan.before else { continue };
            let (start, end) = (start.max(*first), end.min(plan.before_to()));
            if start >= end {
                continue;
            }
            let view = self.desk.shared.store.view();
            for ((minute, labels), events) in counts.count(&view, (start, end), &self.cancel)? {
                if let Some(instance) = backtest.instance(number, &labels) {
                    rows.push(Row { minute, indicator: number, instance, events, is_counted: false });
                }
            }
        }
        Ok(())
    }

    /// Hands over rows in the order of time, each minute of an indicator from one source, without maintenance.
    fn hand_over(&mut self, backtest: &mut Backtest, mut rows: Vec<Row>) {
        for row in &rows {
            let plan = &mut self.plans[row.indicator];
            plan.has_before |=
                !row.is_counted && plan.counted_from.is_some_and(|counted_from| row.minute < counted_from);
        }
        rows.retain(|row| {
            let plan = &self.plans[row.indicator];
            match plan.counted_from {
                None => !row.is_counted,
                // The first minute that was counted may have begun before it was.
                Some(from) if row.minute == from => row.is_counted != plan.has_before,
                Some(from) => row.is_counted == (row.minute > from),
            }
        });
        rows.sort_by_key(|row| row.minute);
        let mut maintenance = Maintenance::of(self.indicators);
        for Row { minute, indicator, instance, events, .. } in rows {
            if maintenance.excludes(indicator, Minute(minute)) {
                continue;
            }
            backtest.judge_to(minute);
            backtest.add(indicator, instance, minute, events);
        }
    }
}

impl Plan {
    /// The minute before which others than what was counted tell.
    pub fn before_to(&self) -> i64 {
        self.counted_from.map_or(i64::MAX, |from| from.saturating_add(1))
    }
}

/// The name that the config has.
pub fn short_name(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, name)| name)
}

/// The labels of the instance of a route and method.
pub fn instance_labels(sla: &Sla, route: &str, method: &str) -> Labels {
    let labels = [("method", sla.by_method, method), ("route", sla.by_route, route)];
    let labels = labels.into_iter().filter(|(_, is_label, _)| *is_label);
    labels.map(|(name, _, value)| (name.into(), crate::serve::indicators::cut(value).into())).collect()
}

fn is_of(key: &StoredSlotKey, sla: &Sla) -> bool {
    key.source == sla.source && key.service == sla.service && sla.selects(&key.route, &key.method)
}

/// More work than one question may make.
pub fn too_slow() -> AdminProblem {
    AdminProblem::new(
        weir_web::ProblemKind::BadRequest,
        "the backtest took too long",
        "ask for a shorter span, or for one SLA",
    )
}

/// The moment at which a minute begins, in the words of the API.
pub fn shown(minute: i64) -> String {
    let time: Timestamp = Minute(minute).start();
    time.to_string()
}
