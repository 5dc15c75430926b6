//! Keys and values as bytes.
//!
//! Keys are fixed-width and big-endian, so that the order of bytes is the order of what they mean and the
//! store compares them without knowing it. Values are postcard's published format; a file's one format
//! number covers them all, since a number in each of a million values would cost more than a migration.

use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_meter::durable::SeriesId;
use weir_record::{Minute, Origin, Timestamp};

use crate::error::LedgerError;

/// Minutes of a day.
const DAY_MINUTES: i64 = 24 * 60;

/// The last key of all that begin alike.
pub(crate) const LAST: [u8; 16] = [u8::MAX; 16];

/// Joins `parts` to a key; what is missing to its width is zeros, the first of all keys that begin alike.
pub(crate) fn key<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut key = [0; N];
    let bytes = parts.iter().flat_map(|part| part.iter());
    for (place, byte) in key.iter_mut().zip(bytes) {
        *place = *byte;
    }
    key
}

/// Eight bytes in the order of the numbers, negative ones first.
pub(crate) const fn signed(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

/// What [`signed`] made `bytes` of.
pub(crate) const fn from_signed(bytes: [u8; 8]) -> i64 {
    i64::from_be_bytes(bytes) ^ i64::MIN
}

/// The bytes of a key from `at` on; zeros where the key is too short, which its type rules out.
pub(crate) fn part<const N: usize>(key: &[u8], at: usize) -> [u8; N] {
    key.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
}

/// The day of a minute, since the epoch.
pub(crate) const fn day_of_minute(minute: Minute) -> i64 {
    minute.0.div_euclid(DAY_MINUTES)
}

/// The moment, in microseconds since the epoch.
pub(crate) const fn micros(time: Timestamp) -> i64 {
    time.micros()
}

/// An origin's byte on disk; it never changes.
pub(crate) const fn origin_byte(origin: Origin) -> u8 {
    match origin {
        Origin::Alb => 1,
        Origin::Nginx => 2,
    }
}

/// The nine bytes of a series, in the order of origins and births.
pub(crate) fn series_bytes(series: SeriesId) -> [u8; 9] {
    key(&[&[origin_byte(series.origin)], &series.birth.to_be_bytes()])
}

/// What [`series_bytes`] made `bytes` of.
pub(crate) fn series_from(table: &'static str, bytes: [u8; 9]) -> Result<SeriesId, LedgerError> {
    let origin = match bytes[0] {
        1 => Origin::Alb,
        2 => Origin::Nginx,
        other => return Err(LedgerError::corrupt(table, &format!("{other} is no origin"))),
    };
    Ok(SeriesId { origin, birth: u64::from_be_bytes(part(&bytes, 1)) })
}

pub(crate) fn encode<T: Serialize + ?Sized>(table: &'static str, value: &T) -> Result<Vec<u8>, LedgerError> {
    postcard::to_stdvec(value).map_err(|error| LedgerError::unwritable(table, &error))
}

pub(crate) fn decode<T: DeserializeOwned>(table: &'static str, bytes: &[u8]) -> Result<T, LedgerError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => {
            Err(LedgerError::corrupt(table, &format!("a value has {} bytes too many", rest.len())))
        }
        Err(error) => Err(LedgerError::corrupt(table, &error)),
    }
}

/// As [`encode`], with raw bytes behind the value; serde would take these one by one.
pub(crate) fn encode_with<T: Serialize>(
    table: &'static str,
    value: &T,
    body: &[u8],
) -> Result<Vec<u8>, LedgerError> {
    let mut bytes = encode(table, value)?;
    bytes.extend_from_slice(body);
    Ok(bytes)
}

/// What [`encode_with`] made `bytes` of.
pub(crate) fn decode_with<T: DeserializeOwned>(
    table: &'static str,
    bytes: &[u8],
) -> Result<(T, Vec<u8>), LedgerError> {
    let (value, body) =
        postcard::take_from_bytes(bytes).map_err(|error| LedgerError::corrupt(table, &error))?;
    Ok((value, body.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_what_they_mean() {
        let numbers = [i64::MIN, -86_401, -1, 0, 1, 255, 256, i64::MAX];
        assert!(numbers.is_sorted_by_key(|&number| signed(number)));
        assert!(numbers.iter().all(|&number| from_signed(signed(number)) == number));
        let series = [(Origin::Alb, 1), (Origin::Alb, 256), (Origin::Nginx, 1)]
            .map(|(origin, birth)| SeriesId { origin, birth });
        assert!(series.is_sorted_by_key(|&series| series_bytes(series)));
        assert!(series.iter().all(|&id| series_from("series", series_bytes(id)).unwrap() == id));
        assert!(series_from("series", [9; 9]).is_err());
    }

    #[test]
    fn days_before_the_epoch_are_days_too() {
        assert_eq!([-1, 0, DAY_MINUTES].map(|minute| day_of_minute(Minute(minute))), [-1, 0, 1]);
        assert_eq!(key::<4>(&[&[1], &[2, 3]]), [1, 2, 3, 0]);
    }
}
