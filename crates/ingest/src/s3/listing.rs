//! The objects of a bucket in the order of their keys, of a span of time, without reading years to find two days.
//!
//! A listing knows only keys and cannot be asked for dates. AWS writes logs below `.../YYYY/MM/DD/`, though, and keys
//! are sorted, so a listing that meets an older day jumps to the first day that matters: two requests for each such
//! folder instead of one for each thousand objects. What this leaves out are keys that sort between the days of such
//! a folder and are no days themselves; nothing that writes logs by day writes such keys.

use weir_record::Timestamp;

use super::client::{ListedObject, S3Client};
use super::fetch_error::FetchError;
use crate::object_key::ObjectKey;

/// How long a load balancer collects before it writes a file, in microseconds.
const INTERVAL_US: i64 = 5 * 60 * 1_000_000;

/// A day, in microseconds.
const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// `YYYY/MM/DD`, in bytes.
const DAY_BYTES: usize = 10;

/// A span of event time: `from` inclusive, `to` exclusive; `None` is without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListingSpan {
    /// The beginning.
    pub from: Option<Timestamp>,
    /// The end.
    pub to: Option<Timestamp>,
}

impl ListingSpan {
    /// Whether the object can hold lines of the span, by its name, or else by when it was written.
    ///
    /// A load balancer's file of the interval that ends at e holds lines of (e - 5 min, e].
    pub fn covers(&self, object: &ListedObject) -> bool {
        let (first, last) = match (ObjectKey::parse(&object.reference.key), object.last_modified) {
            (Some(key), _) => (key.interval_end.plus_micros(1 - INTERVAL_US), key.interval_end),
            (None, Some(written_at)) => (written_at, written_at),
            (None, None) => return true,
        };
        self.from.is_none_or(|from| last >= from) && self.to.is_none_or(|to| first < to)
    }
}

/// A listing on its way.
#[derive(Clone, Debug)]
pub struct Listing {
    client: S3Client,
    bucket: String,
    prefix: String,
    span: ListingSpan,
    start_after: Option<String>,
    first_day: Option<String>,
    is_ended: bool,
}

/// A part of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListingPart {
    /// Objects that the span covers, in the order of their keys.
    pub objects: Vec<ListedObject>,
    /// Objects that were seen and are outside of it.
    pub skipped: u64,
    /// Where the next part goes on.
    pub end: Option<String>,
}

/// Lists the objects of a bucket whose keys begin with `prefix` and come after `start_after`, as far as `span` covers
/// them.
pub fn list_objects(
    client: &S3Client,
    bucket: &str,
    prefix: &str,
    span: ListingSpan,
    start_after: Option<String>,
) -> Listing {
    Listing {
        client: client.clone(),
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        span,
        start_after,
        // A folder's day is the day of delivery, never earlier than that of the lines; a day more does no harm.
        first_day: span.from.map(|from| day(from.plus_micros(-DAY_US))),
        is_ended: false,
    }
}

impl Listing {
    /// The same, jumping over folders of days before this time.
    #[must_use]
    pub(crate) fn skipping_days_before(mut self, time: Timestamp) -> Self {
        self.first_day = Some(day(time));
        self
    }

    /// The next part; `None` behind the last. After an error the same part can be asked for again.
    ///
    /// # Errors
    ///
    /// [`FetchError`] about the listing.
    pub async fn next_part(&mut self) -> Result<Option<ListingPart>, FetchError> {
        if self.is_ended {
            return Ok(None);
        }
        let page = self.client.list(&self.bucket, &self.prefix, self.start_after.as_deref()).await?;
        if !page.is_last && page.last_key <= self.start_after {
            return Err(FetchError::Other {
                object: format!("s3://{}/{}", self.bucket, self.prefix),
                detail: "the server lists no further but says that there is more".to_owned(),
            });
        }
        self.is_ended = page.is_last;
        let mut part = ListingPart::default();
        let mut jump: Option<String> = None;
        for object in page.objects {
            let key = object.reference.key.as_str();
            if jump.as_deref().is_none_or(|jump| key > jump) {
                jump = self.first_day.as_deref().and_then(|first_day| jump_from(key, first_day));
            }
            if jump.is_none() && self.span.covers(&object) {
                part.objects.push(object);
            } else {
                part.skipped += 1;
            }
        }
        self.start_after = page.last_key.max(jump).max(self.start_after.take());
        part.end.clone_from(&self.start_after);
        Ok(Some(part))
    }
}

/// Where to go on from a key in the folder of a day before `first_day`: behind the name of that day's folder.
fn jump_from(key: &str, first_day: &str) -> Option<String> {
    let bytes = key.as_bytes();
    let at = (0..bytes.len()).find(|&at| {
        let is_start = at == 0 || bytes[at - 1] == b'/';
        is_start && bytes.get(at..=at + DAY_BYTES).is_some_and(is_day_folder)
    })?;
    let day = key.get(at..at + DAY_BYTES)?;
    (day < first_day).then(|| format!("{}{first_day}/", &key[..at]))
}

/// Whether this is `YYYY/MM/DD/`.
fn is_day_folder(text: &[u8]) -> bool {
    let is_shape = text.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 | DAY_BYTES => *byte == b'/',
        _ => byte.is_ascii_digit(),
    });
    is_shape
        && (b"01"..=b"12").contains(&&[text[5], text[6]])
        && (b"01"..=b"31").contains(&&[text[8], text[9]])
}

/// The name of a day's folder, without the last slash.
fn day(time: Timestamp) -> String {
    let mut day = time.to_string().replace('-', "/");
    day.truncate(DAY_BYTES);
    day
}

/// The first day that a listing of new objects looks at, two days before `now`: a file is delivered minutes after its
/// interval, and around midnight in the folder of either day.
pub(crate) fn recent(now: Timestamp) -> Timestamp {
    now.plus_micros(-2 * DAY_US)
}

#[cfg(test)]
mod tests {
    use super::super::object_reference::ObjectReference;
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_interval_is_covered_if_one_of_its_lines_can_be() {
        let span =
            ListingSpan { from: Some(time("2026-11-20T10:00:00Z")), to: Some(time("2026-11-20T11:00:00Z")) };
        let named = |end: &str| format!("p/1_elasticloadbalancing_eu_app.lb.1_{end}_10.0.0.1_x.log.gz");
        for (key, written_at, is_covered) in [
            (named("20261120T0955Z"), None, false),
            (named("20261120T1000Z"), None, true),
            (named("20261120T1030Z"), Some("2020-01-01T00:00:00Z"), true),
            (named("20261120T1100Z"), None, true),
            (named("20261120T1105Z"), None, false),
            ("other.gz".to_owned(), Some("2026-11-20T09:59:59Z"), false),
            ("other.gz".to_owned(), Some("2026-11-20T10:00:00Z"), true),
            ("other.gz".to_owned(), Some("2026-11-20T11:00:00Z"), false),
            ("other.gz".to_owned(), None, true),
        ] {
            let object = ListedObject {
                reference: ObjectReference::new("b", key.clone()),
                last_modified: written_at.map(time),
            };
            assert_eq!(span.covers(&object), is_covered, "{key}");
            assert!(ListingSpan::default().covers(&object), "{key}");
        }
    }

    #[test]
    fn older_days_are_jumped_over_in_each_folder() {
        for (key, expected) in [
            ("a/AWSLogs/1/elb/eu/2024/01/31/x.gz", Some("a/AWSLogs/1/elb/eu/2026/11/18/")),
            ("2024/01/31/x.gz", Some("2026/11/18/")),
            ("a/2026/11/17/x.gz", Some("a/2026/11/18/")),
            ("a/2026/11/18/x.gz", None),
            ("a/2027/01/01/x.gz", None),
            ("a/2024/13/01/x.gz", None),
            ("a/2024/01/00/x.gz", None),
            ("a/12024/01/01/x.gz", None),
            ("a/2024/01/01", None),
            ("a/2024-01-01/x.gz", None),
            ("\u{fc}/2024/01/01/x", Some("\u{fc}/2026/11/18/")),
            ("", None),
        ] {
            assert_eq!(jump_from(key, "2026/11/18").as_deref(), expected, "{key}");
        }
        assert_eq!(day(recent(time("2026-11-20T00:10:00Z"))), "2026/11/18");
    }
}
