//! Event time, as a number that a minute can be taken of.
//!
//! Every format writes its time in a fixed layout of its own, so the parsers here read digits at
//! known places instead of calling a general date library: time is read once per line, and a
//! library costs several times the rest of the parse. Calendars, zones by name and user input
//! are not this module's business (the command line uses `jiff` for those).

use std::fmt;
use std::time::Duration;

/// A moment in microseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A whole minute since 1970-01-01T00:00:00Z: the grain in which records are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Minute(pub i64);

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;

impl Timestamp {
    /// A moment from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// A moment from whole seconds since the epoch; saturates at the ends of the range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, with a fraction.
    pub fn seconds_f64(self) -> f64 {
        self.0 as f64 / MICROS_PER_SECOND as f64
    }

    /// The minute this moment lies in (its start is inclusive).
    pub const fn minute(self) -> Minute {
        Minute(self.0.div_euclid(MICROS_PER_MINUTE))
    }

    /// The first minute that starts at this moment or later: the exclusive end of a span of minutes.
    pub const fn minute_rounded_up(self) -> Minute {
        Minute(self.0.saturating_add(MICROS_PER_MINUTE - 1).div_euclid(MICROS_PER_MINUTE))
    }

    /// Microseconds from `earlier` to this moment, or `None` where `earlier` is later.
    pub fn micros_since(self, earlier: Self) -> Option<u64> {
        u64::try_from(self.0.checked_sub(earlier.0)?).ok()
    }

    /// This moment, `micros` later; saturates at the ends of the range.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// This moment, `duration` earlier, in whole microseconds; saturates at the ends of the range.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Reads RFC 3339 as access logs write it: `2026-11-20T10:15:30.123456Z`,
    /// `2026-11-20T13:15:30+03:00`; a fraction of 1 to 9 digits is optional.
    ///
    /// Returns `None` for any other layout and for a day or hour that does not exist.
    pub fn parse_rfc3339(text: &[u8]) -> Option<Self> {
        let date = text.get(..10)?;
        if date[4] != b'-' || date[7] != b'-' || !matches!(text.get(10), Some(b'T' | b't' | b' ')) {
            return None;
        }
        let days = days_from_civil(number(&date[..4])?, number(&date[5..7])?, number(&date[8..])?)?;
        let seconds_of_day = parse_clock(text.get(11..19)?)?;
        let (fraction_us, zone) = parse_fraction(&text[19..])?;
        let offset_seconds = parse_offset(zone)?;
        let seconds = days * 86_400 + seconds_of_day - offset_seconds;
        Some(Self(seconds * MICROS_PER_SECOND + fraction_us))
    }

    /// Reads the common log format's time: `20/Nov/2026:13:15:30 +0300`.
    ///
    /// Month names are English in every locale of nginx and Apache.
    pub fn parse_common_log(text: &[u8]) -> Option<Self> {
        if text.len() != 26 || text[2] != b'/' || text[6] != b'/' || text[11] != b':' || text[20] != b' ' {
            return None;
        }
        let days = days_from_civil(number(&text[7..11])?, month(&text[3..6])?, number(&text[..2])?)?;
        let seconds = days * 86_400 + parse_clock(&text[12..20])? - parse_offset(&text[21..])?;
        Some(Self::from_seconds(seconds))
    }

    /// Reads seconds since the epoch with an optional fraction, as nginx writes `$msec`: `1795169730.123`.
    pub fn parse_epoch_seconds(text: &[u8]) -> Option<Self> {
        let whole_len = text.iter().position(|&b| b == b'.').unwrap_or(text.len());
        if whole_len == 0 || whole_len > 12 {
            return None;
        }
        let seconds = number(&text[..whole_len])?;
        let (fraction_us, rest) = parse_fraction(&text[whole_len..])?;
        rest.is_empty().then_some(Self(seconds * MICROS_PER_SECOND + fraction_us))
    }
}

impl Minute {
    /// The first moment of this minute.
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(MICROS_PER_MINUTE))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with microseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        let micros = self.0.rem_euclid(MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("Z")
    }
}

/// A run of ASCII digits as a number; `None` if empty or if any byte is not a digit.
pub(crate) fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0i64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + i64::from(digit))
    })
}

/// `HH:MM:SS` as seconds of the day; a leap second (60) counts as the next second.
pub(crate) fn parse_clock(text: &[u8]) -> Option<i64> {
    if text.len() != 8 || text[2] != b':' || text[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (number(&text[..2])?, number(&text[3..5])?, number(&text[6..])?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// An optional `.fraction` as microseconds (further digits are cut off), and what follows it.
pub(crate) fn parse_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', rest)) = text.split_first() else {
        return Some((0, text));
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 9 {
        return None;
    }
    let kept = digits.min(6);
    let scale = 10i64.pow(6 - kept as u32);
    Some((number(&rest[..kept])? * scale, &rest[digits..]))
}

/// `Z`, `+03:00` or `+0300` as seconds east of UTC.
pub(crate) fn parse_offset(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text.split_first()? {
        (b'Z' | b'z', []) => return Some(0),
        (b'+', digits) => (1, digits),
        (b'-', digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        5 if digits[2] == b':' => (number(&digits[..2])?, number(&digits[3..])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

pub(crate) fn month(name: &[u8]) -> Option<i64> {
    const NAMES: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)).map(|index| index as i64 + 1)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; `None` if there is no such day.
///
/// The formula counts in eras of 400 years that begin on the first of March
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    const DAYS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if !(1..=12).contains(&month) {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = DAYS[month as usize - 1] + i64::from(leap && month == 2);
    if !(1..=days_in_month).contains(&day) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The inverse of [`days_from_civil`]: year, month and day.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parse: fn(&[u8]) -> Option<Timestamp>, text: &str, expected: &str) {
        let shown = parse(text.as_bytes()).map_or_else(|| "none".to_owned(), |time| time.to_string());
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn rfc3339_is_read_and_written() {
        check(Timestamp::parse_rfc3339, "2026-11-20T10:15:30.123456Z", "2026-11-20T10:15:30.123456Z");
        check(Timestamp::parse_rfc3339, "2026-11-20T10:15:30Z", "2026-11-20T10:15:30Z");
        check(Timestamp::parse_rfc3339, "2026-11-20T13:15:30+03:00", "2026-11-20T10:15:30Z");
        check(Timestamp::parse_rfc3339, "2024-02-29T23:59:59.5Z", "2024-02-29T23:59:59.500000Z");
        check(Timestamp::parse_rfc3339, "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z");
        check(Timestamp::parse_rfc3339, "2023-02-29T00:00:00Z", "none");
        check(Timestamp::parse_rfc3339, "2026-11-20T24:00:00Z", "none");
        check(Timestamp::parse_rfc3339, "2026-11-20T10:15:30.Z", "none");
        check(Timestamp::parse_rfc3339, "2026-11-20T10:15:30", "none");
        check(Timestamp::parse_rfc3339, "-", "none");
    }

    #[test]
    fn common_log_time_is_read() {
        check(Timestamp::parse_common_log, "20/Nov/2026:13:15:30 +0300", "2026-11-20T10:15:30Z");
        check(Timestamp::parse_common_log, "20/Nov/2026:13:15:30 -0930", "2026-11-20T22:45:30Z");
        check(Timestamp::parse_common_log, "31/Feb/2026:25:61:61 +0000", "none");
    }

    #[test]
    fn epoch_seconds_are_read() {
        check(Timestamp::parse_epoch_seconds, "1795169730.123", "2026-11-20T10:15:30.123000Z");
        check(Timestamp::parse_epoch_seconds, "0", "1970-01-01T00:00:00Z");
        check(Timestamp::parse_epoch_seconds, "1.2.3", "none");
    }

    #[test]
    fn minutes_floor_before_the_epoch_too() {
        assert_eq!(Timestamp::from_micros(-1).minute(), Minute(-1));
        assert_eq!(Timestamp::from_seconds(119).minute(), Minute(1));
    }

    #[test]
    fn a_span_as_long_as_it_likes_goes_back_no_further_than_the_range() {
        for (micros, duration, expected) in [
            (3, Duration::from_nanos(2_999), 1),
            (0, Duration::from_secs(1), -1_000_000),
            (0, Duration::MAX, -i64::MAX),
            (-2, Duration::MAX, i64::MIN),
        ] {
            assert_eq!(Timestamp(micros).minus(duration), Timestamp(expected), "{micros} {duration:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn display_then_parse_gives_the_same_moment(micros in -62_000_000_000_000_000i64..250_000_000_000_000_000) {
            let time = Timestamp::from_micros(micros);
            proptest::prop_assert_eq!(Timestamp::parse_rfc3339(time.to_string().as_bytes()), Some(time));
        }
    }
}
