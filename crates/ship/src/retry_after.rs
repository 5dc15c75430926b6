//! The `Retry-After` of an answer as a wait.
//!
//! It is seconds or a date. A date is compared with the `Date` of the same answer, never with a clock of
//! ours: both were written by one machine, so a skewed clock on either side does not become a wrong wait.

use std::time::Duration;

/// The longest wait that an answer may ask for: 10 minutes. Beyond it the sender asks again anyway, since a
/// mistake in a header must not stop a series for a day.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// The wait that `retry_after` asks for; `None` when it cannot be read, or is a date without `date`.
pub(crate) fn wait(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let retry_after = retry_after.trim();
    let seconds = if !retry_after.is_empty() && retry_after.bytes().all(|byte| byte.is_ascii_digit()) {
        retry_after.parse().unwrap_or(u64::MAX)
    } else {
        let seconds = seconds_of_date(retry_after)? - seconds_of_date(date?)?;
        u64::try_from(seconds).unwrap_or(0)
    };
    Some(Duration::from_secs(seconds).min(WAIT_MAX))
}

/// Seconds since the epoch of a date as HTTP writes it today: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn seconds_of_date(date: &str) -> Option<i64> {
    let (_, date) = date.trim().split_once(", ")?;
    let mut parts = date.split(' ');
    let day: i64 = number(parts.next()?, 1, 31)?;
    let month = month_number(parts.next()?)?;
    let year = number(parts.next()?, 1970, 9999)?;
    let mut time = parts.next()?.split(':');
    let hour = number(time.next()?, 0, 23)?;
    let minute = number(time.next()?, 0, 59)?;
    let second = number(time.next()?, 0, 60)?;
    (parts.next()? == "GMT").then(|| days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(digits: &str, min: i64, max: i64) -> Option<i64> {
    let number = digits.parse().ok()?;
    (min..=max).contains(&number).then_some(number)
}

fn month_number(name: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let index = MONTHS.iter().position(|month| *month == name)?;
    i64::try_from(index).ok().map(|index| index + 1)
}

/// Days since 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the leap day is last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_since_the_epoch() {
        let check = |date, expected| assert_eq!(seconds_of_date(date), expected, "{date}");
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199));
        check("Fri, 01 Mar 2024 00:00:00 GMT", Some(1_709_251_200));
        check("Wed, 25 Nov 2026 17:15:41 GMT", Some(1_795_626_941));
        check("Sunday, 06-Nov-94 08:49:37 GMT", None);
        check("Sun, 06 Nov 1994 08:49:37 CET", None);
        check("Sun, 40 Nov 1994 08:49:37 GMT", None);
        check("", None);
    }

    #[test]
    fn a_wait_is_seconds_or_the_way_to_a_date() {
        const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        let check = |retry_after, date, expected: Option<u64>| {
            assert_eq!(wait(retry_after, date), expected.map(Duration::from_secs), "{retry_after}");
        };
        check("7", None, Some(7));
        check(" 7 ", Some(DATE), Some(7));
        check("0", None, Some(0));
        check("86400", None, Some(600));
        check("99999999999999999999999", None, Some(600));
        check("Sun, 06 Nov 1994 08:50:07 GMT", Some(DATE), Some(30));
        check("Sun, 06 Nov 1994 08:49:00 GMT", Some(DATE), Some(0));
        check("Mon, 07 Nov 1994 08:49:00 GMT", Some(DATE), Some(600));
        check("Sun, 06 Nov 1994 08:50:07 GMT", None, None);
        check("-3", None, None);
        check("soon", Some(DATE), None);
        check("", None, None);
    }
}
