//! A new series shows 0 first.
//!
//! `increase()` compares two samples, so Prometheus never sees the events before a series' first
//! sample: a rare error that comes once would not be an increase at all. A series is therefore shown
//! with 0 on the first scrape after its birth, to each scraper, and with its value from the next.
//! Who reads by hand sees the value at once.
//!
//! Two scrapers (a highly available pair) must not share that first scrape, so each is known by its
//! name and address. A scraper never heard of before gets 0 only for series that are younger than
//! [`YOUNG_US`]: to start a month-old counter at 0 would be a month of events that did not happen.

use std::collections::HashMap;

use weir_record::Timestamp;

use crate::meter::Births;

/// How young a series must be to show 0 to a scraper that was never heard of: 10 minutes, several
/// times the usual scrape interval.
const YOUNG_US: i64 = 10 * 60 * 1_000_000;

/// Scrapers that are remembered; beyond it the one that came least recently is forgotten.
const SCRAPERS_MAX: usize = 100;

/// What each scraper has seen.
#[derive(Clone, Debug, Default)]
pub struct Scrapers {
    seen: HashMap<String, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    births: Births,
    scraped_at: Timestamp,
}

/// Which series a scraper is to see at 0: those born later than both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroAfter {
    /// Series up to these births show their value.
    pub births: Births,
    /// Series born up to this moment show their value.
    pub born_at: Timestamp,
}

impl Scrapers {
    /// Notes a scrape at `now` that shows all series up to `births`, and says which of them at 0.
    ///
    /// `scraper` is its User-Agent and address; `None` for a reader that is no scraper.
    pub fn scrape(&mut self, scraper: Option<String>, births: Births, now: Timestamp) -> Option<ZeroAfter> {
        let scraper = scraper?;
        let before = self.seen.insert(scraper, Seen { births, scraped_at: now });
        self.forget_quietest();
        Some(match before {
            Some(seen) => ZeroAfter { births: seen.births, born_at: Timestamp::from_micros(i64::MIN) },
            None => ZeroAfter { births: Births::default(), born_at: now.plus_micros(-YOUNG_US) },
        })
    }

    fn forget_quietest(&mut self) {
        if self.seen.len() <= SCRAPERS_MAX {
            return;
        }
        let quietest = self.seen.iter().min_by_key(|(_, seen)| seen.scraped_at);
        if let Some(name) = quietest.map(|(name, _)| name.clone()) {
            self.seen.remove(&name);
        }
    }
}

/// The scraper's identity, if a request comes from one: Prometheus or vmagent, by its User-Agent.
pub fn scraper_name(user_agent: Option<&str>, address: &str) -> Option<String> {
    let user_agent = user_agent?;
    let is_scraper =
        ["Prometheus/", "vmagent", "VictoriaMetrics"].iter().any(|name| user_agent.starts_with(name));
    is_scraper.then(|| format!("{user_agent} {address}"))
}
