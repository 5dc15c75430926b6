//! Why a line is not a record.
//!
//! A closed set, because each reason is a label of `weir_source_rejected_total` and a line of the
//! documentation. The place (file and line) is added by whoever read the line; this module knows
//! only the column.

use std::fmt;

/// A line that could not be parsed: why, and where in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Why.
    pub reason: Reason,
    /// The byte at which it went wrong, from 1.
    pub column: usize,
}

impl Reject {
    /// A reject at the byte with index `offset` (from 0).
    pub fn at(reason: Reason, offset: usize) -> Self {
        Self { reason, column: offset + 1 }
    }

    /// The reject of a line longer than `line_bytes_max`.
    pub fn line_too_long(line_bytes_max: usize) -> Self {
        Self::at(Reason::LineTooLong, line_bytes_max)
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.reason.explanation())
    }
}

macro_rules! reasons {
    ($($variant:ident = $label:literal, $text:literal;)*) => {
        /// Why a line was rejected.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $(#[doc = $text] $variant),* }

        impl Reason {
            /// Every reason, in a fixed order.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),*];

            /// The value of the label `reason`.
            pub const fn label(self) -> &'static str {
                match self { $(Reason::$variant => $label),* }
            }

            /// What a person reads.
            pub const fn explanation(self) -> &'static str {
                match self { $(Reason::$variant => $text),* }
            }
        }
    };
}

reasons! {
    LineTooLong = "line_too_long", "the line is longer than limits.line_bytes allows";
    TooFewFields = "too_few_fields", "the line ends before the request field; an ALB line has at least 13 fields";
    CutLine = "cut_line", "the line stops within the target group; it was probably cut";
    UnclosedQuote = "unclosed_quote", "a quoted field is not closed; the line was probably cut";
    BadTime = "bad_time", "expected the time of the response";
    BadDuration = "bad_duration", "expected seconds, as 0.042, or -1";
    BadStatus = "bad_status", "expected a status of three digits";
    BadNumber = "bad_number", "expected a whole number";
    NotQuoted = "not_quoted", "expected a field in double quotes";
    NotJson = "not_json", "expected one JSON object; the line was probably cut";
    NotRequest = "not_request", "a JSON object without any field of an access log, such as status or request_uri";
    NotCombined = "not_combined", "expected the combined log format";
    NoMessage = "no_message", "a GELF message with nothing to read in it: no full_message, short_message or message";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unique_and_explanations_are_sentences() {
        for (index, reason) in Reason::ALL.iter().enumerate() {
            assert!(!reason.explanation().ends_with('.'));
            assert!(Reason::ALL[..index].iter().all(|other| other.label() != reason.label()));
        }
    }

    #[test]
    fn columns_count_from_one() {
        assert_eq!(
            Reject::at(Reason::BadStatus, 0).to_string(),
            "column 1: expected a status of three digits"
        );
    }
}
