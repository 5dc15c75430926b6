//! What promises and alerts count, from record to unit.
//!
//! Each record is judged once, by the line as it came: whether a promise about its service counts it, whether it is
//! good, and which alerts ask for it. What comes of it is whole numbers by instance and minute of event time, carried
//! in the unit like everything else that its records gave, so it is counted when they are and never without them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use weir_alert::{
    Condition, Failures, Indicator as Measured, Labels, RuleOfIndicator, Sla, message_template,
};
use weir_ledger::{EventCounts, EventKey, ObjectId};
use weir_meter::{OTHER, SlotRange};
use weir_query::{Expression, Fields, Predicate, QueryError};
use weir_record::{
    Format, Minute, Record, RecordContext, RecordFields, Request, Timestamp, Value, method_label,
};

use super::current_indicators::CurrentIndicators;
use crate::config::{AlertConfig, Config, SlaConfig};

/// Instances that one unit keeps apart; what would be one more counts under `__other__`.
const UNIT_INSTANCES_MAX: usize = 20_000;

/// The longest value of a label, in bytes; the rest is cut off.
pub const LABEL_BYTES_MAX: usize = 256;

/// Everything that the config has promises or alerts about; shared by all threads.
#[derive(Debug, Default)]
pub struct Indicators {
    all: Vec<Indicator>,
    /// The promises of each service, by number.
    by_service: HashMap<String, Vec<usize>>,
    /// The alerts on records, by number.
    alerts: Vec<usize>,
}

/// What is counted for one promise or alert.
#[derive(Debug)]
pub struct Indicator {
    /// Its name in the ledger: `sla/NAME` or `alert/NAME`.
    pub name: Box<str>,
    /// A hash of what decides what is counted.
    pub measure: u64,
    /// What it is for.
    pub subject: Subject,
    /// Which records are bad, or counted, by a query; all where none says so.
    pub bad: Expression,
    /// Whether there may be connections among the requests, which no promise counts.
    pub may_have_connections: bool,
    /// The same, ready to be asked.
    predicate: Predicate,
}

/// What events are counted for.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A promise.
    Sla(Box<Sla>),
    /// An alert.
    Alert(Box<AlertConfig>),
}

/// What the records of a unit add; the default is nothing.
#[derive(Debug, Default)]
pub struct IndicatorCounts {
    /// By which it is counted; the numbers of indicators are those of it.
    indicators: Option<Arc<Indicators>>,
    /// Whether it is known that these are the ones in force.
    has_begun: bool,
    rows: Vec<Row>,
    places: HashMap<Box<[u8]>, usize>,
    /// The instance that is looked for.
    wanted: Vec<u8>,
}

/// What is added to one instance.
#[derive(Debug)]
pub struct Row {
    /// The number of the indicator.
    pub indicator: usize,
    /// The labels of the instance.
    pub labels: Labels,
    /// Minutes and their events, in any order, each minute once.
    pub minutes: Vec<(Minute, EventCounts)>,
}

impl Indicators {
    /// Those of a config.
    ///
    /// # Errors
    ///
    /// A query that does not compile; a config that was read has none.
    pub fn new(config: &Config) -> Result<Self, QueryError> {
        let mut all = Vec::new();
        let mut by_service: HashMap<String, Vec<usize>> = HashMap::new();
        for SlaConfig { sla, bad } in &config.slas {
            by_service.entry(sla.service.to_string()).or_default().push(all.len());
            let bad = bad.clone().unwrap_or(Expression::All);
            let source = config.sources.iter().find(|source| *source.name == *sla.source);
            all.push(Indicator {
                name: format!("sla/{}", sla.name).into(),
                measure: measure_of_sla(sla),
                predicate: bad.compile(Timestamp::default())?,
                bad,
                may_have_connections: source
                    .is_some_and(|source| source.format.is_none_or(|format| format == Format::Alb)),
                subject: Subject::Sla(Box::new(sla.clone())),
            });
        }
        let first_alert = all.len();
        for alert in &config.alerts {
            let by: Vec<&str> = alert.by.iter().map(|(field, _)| field.as_str()).collect();
            all.push(Indicator {
                name: format!("alert/{}", alert.name).into(),
                measure: hash(&[&alert.query, &alert.sources.join(","), &by.join(",")]),
                predicate: alert.filter.compile(Timestamp::default())?,
                bad: alert.filter.clone(),
                may_have_connections: false,
                subject: Subject::Alert(Box::new(alert.clone())),
            });
        }
        let alerts = (first_alert..all.len()).collect();
        Ok(Self { all, by_service, alerts })
    }

    /// Whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All, in the order of their numbers.
    pub fn all(&self) -> &[Indicator] {
        &self.all
    }

    /// The promises, with their numbers.
    pub fn slas(&self) -> impl Iterator<Item = (usize, &Sla)> {
        self.all.iter().enumerate().filter_map(|(number, indicator)| match &indicator.subject {
            Subject::Sla(sla) => Some((number, &**sla)),
            Subject::Alert(_) => None,
        })
    }

    /// The number of the indicator that a key is of, if it still measures the same.
    pub fn number_of(&self, key: &EventKey) -> Option<usize> {
        self.all
            .iter()
            .position(|indicator| indicator.name == key.indicator && indicator.measure == key.measure)
    }

    /// Counts a record.
    pub fn observe(
        &self,
        counts: &mut IndicatorCounts,
        record: Record<'_>,
        context: &RecordContext<'_>,
        range: SlotRange,
    ) {
        let minute = record.time().minute();
        if !range.contains(minute) {
            return;
        }
        let fields = RecordFields::new(record, *context);
        if let (Record::Request(request), Some(service)) = (record, context.service)
            && let Some(numbers) = self.by_service.get(service)
        {
            for number in numbers {
                self.observe_request(*number, counts, request, (&fields, context));
            }
        }
        for number in &self.alerts {
            self.observe_record(*number, counts, (&fields, context), minute);
        }
    }

    fn observe_request(
        &self,
        number: usize,
        counts: &mut IndicatorCounts,
        request: &Request<'_>,
        (fields, context): (&RecordFields<'_>, &RecordContext<'_>),
    ) {
        let Some(Indicator { subject: Subject::Sla(sla), predicate, .. }) = self.all.get(number) else {
            return;
        };
        let route = context.route.unwrap_or("-");
        let method = method_label(request.method.as_deref());
        if *sla.source != *context.source || !sla.selects(route, method) {
            return;
        }
        let Some(is_good) = is_good(sla, route, method, request, || predicate.matches(fields)) else {
            return;
        };
        let labels = [("method", sla.by_method, method), ("route", sla.by_route, route)];
        let labels = labels.into_iter().filter(|(_, is_label, _)| *is_label);
        let events = EventCounts { good: u64::from(is_good), bad: u64::from(!is_good) };
        let labels = labels.map(|(name, _, value)| (name, Cow::Borrowed(value)));
        counts.add(number, labels, request.time.minute(), events);
    }

    fn observe_record(
        &self,
        number: usize,
        counts: &mut IndicatorCounts,
        (fields, context): (&RecordFields<'_>, &RecordContext<'_>),
        minute: Minute,
    ) {
        let Some(Indicator { subject: Subject::Alert(alert), predicate, .. }) = self.all.get(number) else {
            return;
        };
        let is_of_source =
            alert.sources.is_empty() || alert.sources.iter().any(|name| name == context.source);
        if !is_of_source || !predicate.matches(fields) {
            return;
        }
        let value = |field: &str| {
            let value = Fields::field(fields, field);
            let value = value.as_ref().map_or(Cow::Borrowed(""), label_value);
            if field == "message" { message_template(&value) } else { value.into_owned() }
        };
        let values: Vec<String> = alert.by.iter().map(|(field, _)| value(field)).collect();
        let names = alert.by.iter().map(|(_, label)| label.as_str());
        let labels = names.zip(values.iter().map(|value| Cow::Borrowed(value.as_str())));
        counts.add(number, labels, minute, EventCounts { good: 0, bad: 1 });
    }

    /// The rules of all alerts, with the numbers of what they judge.
    pub fn rules(&self) -> Vec<RuleOfIndicator> {
        let mut rules = Vec::new();
        for (number, indicator) in self.all.iter().enumerate() {
            let of_indicator = match &indicator.subject {
                Subject::Sla(sla) => sla.rules(),
                Subject::Alert(alert) => vec![alert.rule()],
            };
            rules.extend(of_indicator.into_iter().map(|rule| RuleOfIndicator { rule, indicator: number }));
        }
        rules
    }
}

/// Which minutes are left out, asked for in the order of time: a calendar is slow, so its last answer is kept.
pub struct Maintenance<'i> {
    indicators: &'i Indicators,
    known: Vec<Option<(Minute, bool)>>,
}

impl<'i> Maintenance<'i> {
    /// That of all indicators.
    pub fn of(indicators: &'i Indicators) -> Self {
        Self { indicators, known: vec![None; indicators.all.len()] }
    }

    /// Whether the indicator of this number leaves a minute out.
    pub fn excludes(&mut self, number: usize, minute: Minute) -> bool {
        let known = self.known.get_mut(number);
        let (Some(known), Some(indicator)) = (known, self.indicators.all.get(number)) else { return false };
        match known {
            Some((last, is_excluded)) if *last == minute => *is_excluded,
            _ => known.insert((minute, indicator.excludes(minute))).1,
        }
    }
}

impl Indicator {
    /// The instances that are there before the first event.
    pub fn named_instances(&self) -> Vec<Labels> {
        match &self.subject {
            Subject::Sla(sla) => sla.named_instances(),
            Subject::Alert(alert) if alert.by.is_empty() => vec![Labels::new()],
            Subject::Alert(_) => Vec::new(),
        }
    }

    /// The sources whose records are counted; none means all.
    pub fn sources(&self) -> Vec<&str> {
        match &self.subject {
            Subject::Sla(sla) => vec![&sla.source],
            Subject::Alert(alert) => alert.sources.iter().map(String::as_str).collect(),
        }
    }

    /// Which records are bad, or counted.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// Whether what it counts is on `/metrics`.
    pub fn has_counter(&self) -> bool {
        matches!(self.subject, Subject::Sla(_))
    }

    /// Whether a minute is left out when it is judged.
    pub fn excludes(&self, minute: Minute) -> bool {
        matches!(&self.subject, Subject::Sla(sla) if sla.excludes(minute.0))
    }

    /// Whether it is judged by the clock, not by what has come: silence.
    pub fn is_silence(&self) -> bool {
        matches!(&self.subject, Subject::Alert(alert) if matches!(alert.condition, Condition::Silent { .. }))
    }

    /// What its events are counted under.
    pub fn key(&self, labels: &Labels) -> EventKey {
        let labels = labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        EventKey { indicator: self.name.clone(), measure: self.measure, labels }
    }
}

/// Whether a request is good; `None` where it does not count.
fn is_good(
    sla: &Sla,
    route: &str,
    method: &str,
    request: &Request<'_>,
    is_bad: impl FnOnce() -> bool,
) -> Option<bool> {
    // A connection's life says nothing of how long an answer took.
    if request.is_connection {
        return None;
    }
    match sla.indicator {
        Measured::Ratio { .. } => Some(!is_bad()),
        Measured::Latency { failures, .. } => {
            let has_failed = request.status.is_some_and(weir_record::Status::is_server_error);
            match failures {
                Failures::Bad if has_failed => Some(false),
                Failures::Excluded if has_failed => None,
                _ => Some(request.latency_us()? <= sla.threshold_us(route, method)?),
            }
        }
    }
}

impl IndicatorCounts {
    /// Counts a record by what is in force, or by what was when the first record of the unit came.
    #[inline]
    pub fn observe(
        &mut self,
        current: &CurrentIndicators,
        record: Record<'_>,
        context: &RecordContext<'_>,
        range: SlotRange,
    ) {
        if !self.has_begun {
            self.begin(current.get());
        }
        // It is in the way of what it adds to.
        if let Some(indicators) = self.indicators.take() {
            if !indicators.is_empty() {
                indicators.observe(self, record, context, range);
            }
            self.indicators = Some(indicators);
        }
    }

    fn begin(&mut self, indicators: Arc<Indicators>) {
        if !self.indicators.as_ref().is_some_and(|own| Arc::ptr_eq(own, &indicators)) {
            *self = Self { indicators: Some(indicators), ..Self::default() };
        }
        self.has_begun = true;
    }

    /// By which it was counted; `None` where nothing was.
    pub fn indicators(&self) -> Option<&Arc<Indicators>> {
        self.indicators.as_ref()
    }

    /// Forgets everything and keeps the memory of instances that are known, unless they are many.
    pub fn clear(&mut self) {
        if self.rows.len() >= UNIT_INSTANCES_MAX {
            *self = Self::default();
        }
        self.has_begun = false;
        self.rows.iter_mut().for_each(|row| row.minutes.clear());
    }

    /// What was added.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.minutes.is_empty())
    }

    fn add<'v>(
        &mut self,
        indicator: usize,
        labels: impl Iterator<Item = (&'v str, Cow<'v, str>)> + Clone,
        minute: Minute,
        events: EventCounts,
    ) {
        self.wanted.clear();
        self.wanted.extend_from_slice(&(indicator as u32).to_be_bytes());
        for (_, value) in labels.clone() {
            self.wanted.extend_from_slice(cut(&value).as_bytes());
            self.wanted.push(0);
        }
        let place = match self.places.get(self.wanted.as_slice()) {
            Some(place) => *place,
            None => self.new_row(indicator, labels),
        };
        let Some(row) = self.rows.get_mut(place) else { return };
        // Lines come in about the order of time, so it is the last but for a few.
        match row.minutes.iter_mut().rev().find(|(known, _)| *known == minute) {
            Some((_, sum)) => sum.add(events),
            None => row.minutes.push((minute, events)),
        }
    }

    fn new_row<'v>(
        &mut self,
        indicator: usize,
        labels: impl Iterator<Item = (&'v str, Cow<'v, str>)>,
    ) -> usize {
        let has_room = self.rows.len() < UNIT_INSTANCES_MAX;
        let value = |value: &str| if has_room { cut(value).into() } else { OTHER.into() };
        let labels: Labels = labels.map(|(name, text)| (name.into(), value(&text))).collect();
        if !has_room {
            let known = self.rows.iter().position(|row| row.indicator == indicator && row.labels == labels);
            if let Some(place) = known {
                return place;
            }
        }
        let place = self.rows.len();
        self.rows.push(Row { indicator, labels, minutes: Vec::new() });
        if has_room {
            self.places.insert(self.wanted.as_slice().into(), place);
        }
        place
    }
}

/// A value of a label, within its bound.
pub fn cut(text: &str) -> &str {
    let end = (0..=LABEL_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

fn label_value<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::Text(text) | Value::Json(text) => Cow::Borrowed(text),
        Value::Integer(number) => Cow::Owned(number.to_string()),
        Value::Float(number) => Cow::Owned(number.to_string()),
        Value::Boolean(boolean) => Cow::Borrowed(if *boolean { "true" } else { "false" }),
        Value::Time(time) => Cow::Owned(time.to_string()),
    }
}

/// What decides which requests a promise counts, and which are good.
fn measure_of_sla(sla: &Sla) -> u64 {
    let indicator = match &sla.indicator {
        Measured::Latency { threshold_us, failures } => format!("latency {threshold_us} {failures:?}"),
        Measured::Ratio { bad } => format!("ratio {bad}"),
    };
    let overrides: BTreeMap<String, Option<u64>> =
        sla.overrides.iter().map(|change| (format!("{:?}", change.selector), change.threshold_us)).collect();
    let overrides = overrides.iter().filter(|(_, threshold_us)| threshold_us.is_some());
    let overrides: String = overrides.map(|(selector, us)| format!("{selector} {us:?};")).collect();
    let by = format!("{} {}", sla.by_route, sla.by_method);
    hash(&[&sla.service, &sla.source, &indicator, &overrides, &by])
}

fn hash(parts: &[&str]) -> u64 {
    let ObjectId(bytes) = ObjectId::of(parts);
    u64::from_be_bytes(std::array::from_fn(|at| bytes[at]))
}
