//! The zone that times are shown in and days begin in.
//!
//! Everything inside is UTC; a zone is a matter of the question and its answer only. What is shown keeps its
//! offset, so a time that is copied from an answer means the same moment wherever it is put in again.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use weir_record::Timestamp;

/// A zone of the world, or UTC.
#[derive(Clone, Debug, Default)]
pub struct Zone(Option<TimeZone>);

impl Zone {
    /// The zone of that name: `Europe/Berlin`, `UTC`, or `local` for that of this machine.
    ///
    /// # Errors
    ///
    /// A name that no zone has.
    pub fn named(name: &str) -> Result<Self, String> {
        match name {
            "" | "UTC" | "utc" | "Z" => Ok(Self(None)),
            "local" => Ok(Self(TimeZone::try_system().ok())),
            _ => TimeZone::get(name).map(|zone| Self(Some(zone))).map_err(|_| {
                let name: String = name.chars().take(64).collect();
                format!("`{name}` is no time zone; write one as Europe/Berlin, or UTC")
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.as_ref().map_or("UTC", |zone| zone.iana_name().unwrap_or("local"))
    }

    /// A moment in RFC 3339, with the offset that it has here.
    pub fn text(&self, time: Timestamp) -> String {
        let Some(offset) = self.0.as_ref().map(|zone| offset_seconds(zone, time)).filter(|at| *at != 0)
        else {
            return time.to_string();
        };
        let mut text = time.plus_micros(offset * 1_000_000).to_string();
        // What it says of the zone is that of UTC.
        text.truncate(text.len() - 1);
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
        text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        text
    }

    /// The start of the span of `seconds` that a moment lies in, by a clock here.
    pub fn start_of(&self, time: Timestamp, seconds: i64) -> Timestamp {
        let step = seconds.max(1) * 1_000_000;
        let floor = |time: Timestamp| Timestamp::from_micros(time.micros() - time.micros().rem_euclid(step));
        let Some(zone) = &self.0 else { return floor(time) };
        let clock = floor(time.plus_micros(offset_seconds(zone, time) * 1_000_000));
        at_clock(zone, clock).unwrap_or_else(|| floor(time))
    }

    /// A moment as people write it: as everywhere, but days begin when they do here, and a time without an offset
    /// is that of a clock here.
    ///
    /// # Errors
    ///
    /// What is wrong with it and what would be right.
    pub fn parse(&self, text: &str, now: Timestamp) -> Result<Timestamp, String> {
        let text = text.trim();
        let Some(zone) = &self.0 else {
            return Timestamp::parse_expression(text, now);
        };
        let is_rounded = text.starts_with("now") && text.contains('/');
        if is_rounded {
            let local = now.plus_micros(offset_seconds(zone, now) * 1_000_000);
            let rounded = Timestamp::parse_expression(text, local)?;
            return Ok(at_clock(zone, rounded).unwrap_or(rounded));
        }
        // A date, or a date and a time without an offset, read as if it were UTC.
        let is_date = text.len() == 10 && text.contains('-') && !text.starts_with("now");
        let suffix = match text.len() {
            _ if is_date => "T00:00:00Z",
            16 => ":00Z",
            _ => "Z",
        };
        let clock = Timestamp::parse_rfc3339(format!("{text}{suffix}").as_bytes());
        match clock.and_then(|clock| at_clock(zone, clock)) {
            Some(time) => Ok(time),
            None => Timestamp::parse_expression(text, now),
        }
    }
}

fn offset_seconds(zone: &TimeZone, time: Timestamp) -> i64 {
    let time = jiff::Timestamp::from_microsecond(time.micros());
    time.map_or(0, |time| i64::from(zone.to_offset(time).seconds()))
}

/// The moment when a clock in `zone` shows what a clock of UTC shows at `clock`. In the hour that is skipped, later by
/// that hour; in the one that is there twice, the first.
fn at_clock(zone: &TimeZone, clock: Timestamp) -> Option<Timestamp> {
    let civil: DateTime = TimeZone::UTC.to_datetime(jiff::Timestamp::from_microsecond(clock.micros()).ok()?);
    let time = zone.to_timestamp(civil).ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text.as_bytes()).unwrap()
    }

    #[test]
    fn moments_are_shown_with_their_offset() {
        for (zone, time, expected) in [
            ("UTC", "2026-11-20T10:15:30Z", "2026-11-20T10:15:30Z"),
            ("Europe/Berlin", "2026-11-20T10:15:30.5Z", "2026-11-20T11:15:30.500000+01:00"),
            ("Europe/Berlin", "2026-07-20T23:15:30Z", "2026-07-21T01:15:30+02:00"),
            ("America/St_Johns", "2026-11-20T02:15:30Z", "2026-11-19T22:45:30-03:30"),
            ("Asia/Kolkata", "2026-11-20T10:15:30Z", "2026-11-20T15:45:30+05:30"),
        ] {
            let shown = Zone::named(zone).unwrap().text(utc(time));
            assert_eq!(shown, expected);
            assert_eq!(utc(&shown), utc(time), "{shown}");
        }
    }

    #[test]
    fn spans_begin_by_the_clock() {
        for (zone, time, seconds, expected) in [
            ("UTC", "2026-11-20T23:15:30Z", 86_400, "2026-11-20T00:00:00Z"),
            ("Europe/Berlin", "2026-11-20T23:15:30Z", 86_400, "2026-11-20T23:00:00Z"),
            ("Asia/Kolkata", "2026-11-20T10:15:30Z", 3_600, "2026-11-20T09:30:00Z"),
        ] {
            assert_eq!(Zone::named(zone).unwrap().start_of(utc(time), seconds), utc(expected), "{zone}");
        }
    }

    #[test]
    fn days_begin_where_the_zone_is() {
        let now = utc("2026-11-20T10:15:30Z");
        for (zone, text, expected) in [
            ("UTC", "now/d", "2026-11-20T00:00:00Z"),
            ("UTC", "2026-11-20T01:00:00", "2026-11-20T01:00:00Z"),
            ("Europe/Berlin", "now/d", "2026-11-19T23:00:00Z"),
            ("Europe/Berlin", "now-1h", "2026-11-20T09:15:30Z"),
            ("Europe/Berlin", "2026-07-20", "2026-07-19T22:00:00Z"),
            ("Europe/Berlin", "2026-07-20T01:00:00", "2026-07-19T23:00:00Z"),
            ("Europe/Berlin", "2026-07-20T01:00:00Z", "2026-07-20T01:00:00Z"),
            ("Europe/Berlin", "1795169730", "2026-11-20T10:15:30Z"),
            // The clock jumps from 02:00 to 03:00 and, in autumn, from 03:00 to 02:00.
            ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
            ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
        ] {
            let time = Zone::named(zone).unwrap().parse(text, now);
            assert_eq!(time, Ok(utc(expected)), "{zone} {text}");
        }
        assert!(Zone::named("Europe/Berlin").unwrap().parse("yesterday", now).is_err());
        assert!(Zone::named("Europe/Atlantis").is_err());
    }
}
