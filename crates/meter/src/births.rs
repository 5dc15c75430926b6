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
//!
//! A restart must not show 0 again to who has seen the value: that is a counter reset, and all its events
//! would count twice. So a value is shown only to a scraper of whom the disk knows that it has seen the 0;
//! until that is written it sees 0 once more.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
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
    /// Series that it was shown.
    births: Births,
    /// Of these, the series of which the disk knows that it was shown them.
    stored: Births,
    /// Series born up to this moment show their value whatever was stored.
    born_at: Timestamp,
    scraped_at: Timestamp,
}

/// A scraper as it is kept: whom, up to which births of load balancers and nginx it has seen, since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredScraper {
    /// Its User-Agent and address.
    pub name: String,
    /// Births of load balancers' series that it has seen.
    pub alb_births: u64,
    /// Births of nginx' series that it has seen.
    pub nginx_births: u64,
    /// Series born up to this moment (microseconds since the epoch) never showed it 0.
    pub born_at_us: i64,
    /// When it came last, in microseconds since the epoch.
    pub scraped_at_us: i64,
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
        let unknown = || Seen {
            births: Births::default(),
            stored: Births::default(),
            born_at: now.plus_micros(-YOUNG_US),
            scraped_at: now,
        };
        let seen = self.seen.entry(scraper).or_insert_with(unknown);
        seen.births = births;
        seen.scraped_at = now;
        let zero_after = ZeroAfter { births: seen.stored, born_at: seen.born_at };
        self.forget_quietest();
        Some(zero_after)
    }

    /// Whether there is something to write.
    pub fn has_news(&self) -> bool {
        self.seen.values().any(|seen| seen.births != seen.stored)
    }

    /// All scrapers, to be written.
    pub fn to_stored(&self) -> Vec<StoredScraper> {
        let stored = |(name, seen): (&String, &Seen)| StoredScraper {
            name: name.clone(),
            alb_births: seen.births.alb,
            nginx_births: seen.births.nginx,
            born_at_us: seen.born_at.micros(),
            scraped_at_us: seen.scraped_at.micros(),
        };
        self.seen.iter().map(stored).collect()
    }

    /// Notes that `scrapers` are on the disk.
    pub fn mark_stored(&mut self, scrapers: &[StoredScraper]) {
        for scraper in scrapers {
            if let Some(seen) = self.seen.get_mut(&scraper.name) {
                seen.stored = births_of(scraper);
            }
        }
    }

    /// The scrapers that were kept.
    pub fn restore(scrapers: Vec<StoredScraper>) -> Self {
        let seen = |scraper: StoredScraper| {
            let births = births_of(&scraper);
            let born_at = Timestamp::from_micros(scraper.born_at_us);
            let scraped_at = Timestamp::from_micros(scraper.scraped_at_us);
            (scraper.name, Seen { births, stored: births, born_at, scraped_at })
        };
        Self { seen: scrapers.into_iter().take(SCRAPERS_MAX).map(seen).collect() }
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

fn births_of(scraper: &StoredScraper) -> Births {
    Births { alb: scraper.alb_births, nginx: scraper.nginx_births }
}

/// The scraper's identity, if a request comes from one: Prometheus or vmagent, by its User-Agent.
pub fn scraper_name(user_agent: Option<&str>, address: &str) -> Option<String> {
    let user_agent = user_agent?;
    let is_scraper =
        ["Prometheus/", "vmagent", "VictoriaMetrics"].iter().any(|name| user_agent.starts_with(name));
    is_scraper.then(|| format!("{user_agent} {address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_169_730);

    fn births(alb: u64) -> Births {
        Births { alb, nginx: 0 }
    }

    /// Up to which births the next scrape shows values.
    fn shown(scrapers: &mut Scrapers, known: u64) -> u64 {
        scrapers
            .scrape(Some("Prometheus/2.42.0 ::1".to_owned()), births(known), NOW)
            .map_or(0, |zero| zero.births.alb)
    }

    #[test]
    fn a_value_is_shown_once_the_disk_knows_that_the_zero_was() {
        let mut scrapers = Scrapers::default();
        assert_eq!(shown(&mut scrapers, 5), 0);
        assert_eq!(shown(&mut scrapers, 6), 0, "nothing was written yet");
        let written = scrapers.to_stored();
        assert_eq!(shown(&mut scrapers, 9), 0, "not known to be written yet");
        scrapers.mark_stored(&written);
        assert_eq!(shown(&mut scrapers, 9), 6);
        let mut restarted = Scrapers::restore(written);
        assert_eq!(shown(&mut restarted, 9), 6, "7 to 9 have not been shown as far as the disk knows");
    }

    #[test]
    fn who_reads_by_hand_sees_everything() {
        assert_eq!(Scrapers::default().scrape(None, births(3), NOW), None);
    }
}
