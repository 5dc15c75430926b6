//! Fills a ledger with the events of a promise, as if a server had counted them for days.
//!
//! `event_history LEDGER DAYS INSTANCES REQUESTS`: the ledger is that of a server that has counted one request for one
//! promise by route; what is added is counted under the same key, up to now, with so many requests in each minute.
//! With 0 requests each instance has one in each minute, which is the most rows that there can be. What was written
//! comes as `name value` lines.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use weir_ledger::{EventCounts, EventKey, Ledger, LedgerError, Writing};
use weir_record::Minute;

/// Minutes that are written in one transaction.
const MINUTES_PER_COMMIT: i64 = 360;

/// One request in so many is bad.
const BAD_ONE_OF: u64 = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, days, instances, requests] = arguments.as_slice() else {
        return Err("event_history LEDGER DAYS INSTANCES REQUESTS".into());
    };
    let (days, instances, requests): (i64, u64, u64) = (days.parse()?, instances.parse()?, requests.parse()?);
    let ledger = Ledger::open(Path::new(path))?;
    let before = Path::new(path).metadata()?.len();
    let first = ledger.read(|reading| Ok(reading.event_keys()?.into_iter().next()))?;
    let sample = first.ok_or("the ledger has no promise")?.key;
    let mut history = History { sample, instances, requests, state: 1, rows: 0, events: 0 };
    let end = now_minute()?;
    let mut start = end - days * 24 * 60;
    while start < end {
        let next = (start + MINUTES_PER_COMMIT).min(end);
        ledger
            .write(|writing| {
                let mut copy = History { sample: history.sample.clone(), ..history };
                copy.write(writing, start, next)?;
                Ok((copy.state, copy.rows, copy.events))
            })
            .map(|(state, rows, events)| {
                (history.state, history.rows, history.events) = (state, rows, events);
            })?;
        start = next;
    }
    drop(ledger);
    report(&history, Path::new(path).metadata()?.len().saturating_sub(before));
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "history ends now")]
fn now_minute() -> Result<i64, Box<dyn std::error::Error>> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / 60)?)
}

#[allow(clippy::print_stdout, reason = "the result of a command")]
fn report(history: &History, bytes: u64) {
    println!("rows {}", history.rows);
    println!("events {}", history.events);
    println!("bytes {bytes}");
}

struct History {
    sample: EventKey,
    instances: u64,
    requests: u64,
    state: u64,
    rows: u64,
    events: u64,
}

impl History {
    fn write(&mut self, ledger: &Writing<'_>, start: i64, end: i64) -> Result<(), LedgerError> {
        let mut numbers: BTreeMap<u64, u32> = BTreeMap::new();
        let mut hours: BTreeMap<i64, BTreeMap<u32, EventCounts>> = BTreeMap::new();
        for minute in start..end {
            let hour = hours.entry(minute.div_euclid(60)).or_default();
            let mut added = Vec::new();
            for (instance, events) in self.minute() {
                let number = match numbers.get(&instance) {
                    Some(number) => *number,
                    None => {
                        let number = ledger.event_key_number(&self.key(instance))?;
                        numbers.insert(instance, number);
                        number
                    }
                };
                added.push((number, events));
                hour.entry(number).or_default().add(events);
                self.rows += 1;
                self.events += events.good + events.bad;
            }
            ledger.add_events(Minute(minute), &added)?;
        }
        hours.into_iter().try_for_each(|(hour, events)| {
            let added: Vec<(u32, EventCounts)> = events.into_iter().collect();
            ledger.add_event_hour(hour, &added)
        })
    }

    /// The events of a minute, few instances with most of them.
    fn minute(&mut self) -> BTreeMap<u64, EventCounts> {
        let mut counts: BTreeMap<u64, EventCounts> = BTreeMap::new();
        let each = (0..self.instances).filter(|_| self.requests == 0);
        each.for_each(|instance| counts.entry(instance).or_default().good += 1);
        for _ in 0..self.requests {
            let share = (self.next() % 1_000_000) as f64 / 1e6;
            let instance = (share * share * self.instances as f64) as u64;
            let is_bad = self.next().is_multiple_of(BAD_ONE_OF);
            let events = EventCounts { good: u64::from(!is_bad), bad: u64::from(is_bad) };
            counts.entry(instance).or_default().add(events);
        }
        counts
    }

    /// The generator of Numerical Recipes; the upper bits are good enough.
    fn next(&mut self) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.state >> 33
    }

    fn key(&self, instance: u64) -> EventKey {
        let labels = vec![("route".into(), format!("/api/route-{instance}").into())];
        EventKey { labels, ..self.sample.clone() }
    }
}
