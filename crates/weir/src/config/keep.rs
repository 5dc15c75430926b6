//! `sources[].keep`: which records of a source can be searched. All are counted, whatever it says.
//!
//! A few words rather than a query, since the point is to spare work on a busy source: each of them is decided
//! from a request as it was parsed. What they mean is in `serve::keeping`.

use super::error::ConfigError;
use super::keys;
use super::micros;
use super::reader::Field;

/// From where on a request is slow unless the config says otherwise, in microseconds: a second.
const SLOW_US_DEFAULT: u64 = 1_000_000;

/// A sample of fewer keeps nothing of most sources.
const SAMPLE_MAX: u64 = 1_000_000;

/// Which records are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Each one.
    #[default]
    All,
    /// What failed.
    Errors,
    /// What failed, and what took long.
    Slow {
        /// From where on a request took long, in microseconds.
        threshold_us: u64,
    },
    /// One of so many.
    Sample {
        /// How many; at least 1.
        one_of: u64,
    },
    /// No record.
    None,
}

const EXPECTED: &str = "`all`, `errors`, `slow`, `none`, `{slow: 400ms}` or `{sample: 10}`";

/// Reads the value.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> Option<Keep> {
    if field.is_section() {
        return read_section(field, errors);
    }
    field.parse(EXPECTED, errors, |text| match text {
        "all" => Ok(Keep::All),
        "errors" => Ok(Keep::Errors),
        "slow" => Ok(Keep::Slow { threshold_us: SLOW_US_DEFAULT }),
        "none" => Ok(Keep::None),
        "sample" => Err("say one of how many: `{sample: 10}`"),
        _ => Err("what is not kept is counted all the same"),
    })
}

fn read_section(field: Field, errors: &mut Vec<ConfigError>) -> Option<Keep> {
    let fields = field.fields(&keys::KEEP, errors)?;
    let slow = fields.get("slow").map(|field| {
        let threshold = field.parse("a duration such as 400ms", errors, micros::parse_seconds)?;
        Some(Keep::Slow { threshold_us: u64::try_from(threshold).ok()? })
    });
    let sample = fields
        .get("sample")
        .map(|field| Some(Keep::Sample { one_of: field.whole_number(1..=SAMPLE_MAX, errors)? }));
    match (slow, sample) {
        (Some(keep), None) | (None, Some(keep)) => keep,
        (Some(_), Some(_)) => {
            let error = ConfigError::new(field.position(), "`slow` and `sample` are both given");
            errors.push(error.with_hint("keep what is slow or a sample of everything; remove the other"));
            None
        }
        (None, None) => {
            errors.push(field.wrong(EXPECTED, "neither `slow` nor `sample`"));
            None
        }
    }
}
