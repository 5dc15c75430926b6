//! Sizes in bytes: `1MiB`, `50GB`, `4096`.
//!
//! `GB` is 10^9 and `GiB` 2^30, as the standards say. Many programs take `1G` or `1gb` for 2^30;
//! here they are refused, because a bound that means 7 % less than its writer thought is a bug that
//! nobody finds. A number alone is bytes: the keys' names end in `_bytes`.

use std::fmt;
use std::str::FromStr;

/// Names and bytes, from large to small; of two that fit a size, Display takes the first.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

/// A number of bytes; [`FromStr`] and [`fmt::Display`] are each other's inverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// Why a text is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ByteSizeError {
    /// It does not begin with a digit.
    #[error("it needs a whole number first")]
    NoNumber,
    /// What follows the number is none of the seven units.
    #[error("the units are B, KB, MB, GB, KiB, MiB and GiB")]
    UnknownUnit,
    /// Beyond 64 bits.
    #[error("it is larger than 2^64 bytes")]
    TooLarge,
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let number_len = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(number_len);
        if number.is_empty() {
            return Err(ByteSizeError::NoNumber);
        }
        let unit = if unit.is_empty() { "B" } else { unit };
        let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(ByteSizeError::UnknownUnit)?;
        let number = number.parse::<u64>().map_err(|_| ByteSizeError::TooLarge)?;
        number.checked_mul(*bytes).map(Self).ok_or(ByteSizeError::TooLarge)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, bytes): &&(&str, u64)| self.0 >= *bytes && self.0.is_multiple_of(*bytes);
        match UNITS.iter().find(fits) {
            Some((name, bytes)) => write!(f, "{}{name}", self.0 / bytes),
            None => f.write_str("0B"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<u64, ByteSizeError>) {
        assert_eq!(text.parse::<ByteSize>().map(|size| size.0), expected, "{text:?}");
    }

    #[test]
    fn decimal_and_binary_units_differ() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("7B", 7),
            ("2KB", 2_000),
            ("2KiB", 2_048),
            ("3MB", 3_000_000),
            ("3MiB", 3_145_728),
            ("50GB", 50_000_000_000),
            ("64GiB", 68_719_476_736),
        ] {
            check(text, Ok(bytes));
        }
    }

    #[test]
    fn anything_else_says_why_not() {
        for (text, error) in [
            ("", ByteSizeError::NoNumber),
            ("MiB", ByteSizeError::NoNumber),
            ("-1B", ByteSizeError::NoNumber),
            ("1.5GiB", ByteSizeError::UnknownUnit),
            ("1 MiB", ByteSizeError::UnknownUnit),
            ("1M", ByteSizeError::UnknownUnit),
            ("1mib", ByteSizeError::UnknownUnit),
            ("1TB", ByteSizeError::UnknownUnit),
            ("17179869184GiB", ByteSizeError::TooLarge),
            ("99999999999999999999", ByteSizeError::TooLarge),
        ] {
            check(text, Err(error));
        }
    }

    #[test]
    fn display_takes_the_largest_unit_that_leaves_nothing_over() {
        for (bytes, shown) in [
            (0, "0B"),
            (999, "999B"),
            (1 << 20, "1MiB"),
            (1 << 36, "64GiB"),
            (50_000_000_000, "50GB"),
            (1500, "1500B"),
        ] {
            assert_eq!(ByteSize(bytes).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_to_the_same(number in any::<u64>(), shift in 0_u32..64) {
            let size = ByteSize(number >> shift);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn no_text_panics(text in "[0-9a-zKMGBiéé .-]{0,12}") {
            let _ = text.parse::<ByteSize>();
        }
    }
}
