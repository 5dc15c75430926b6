//! What an answer means: delivered, try again, or never.
//!
//! Remote write says that 4xx is final and 5xx is to be repeated. Prometheus before 2.50 answers a sample
//! that is too old with 500, so a sender that believes the number alone repeats one minute for ever and never
//! sends the next. Its text is therefore read as well.

use std::time::Duration;

use crate::http_client::{Answer, NoAnswer};

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver has it.
    Delivered,
    /// It may take the same bytes later.
    Retry {
        /// How long it asks to be left alone.
        after: Option<Duration>,
        /// Why, fit for a log.
        text: String,
    },
    /// It will never take these bytes.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Why, fit for a log.
        text: String,
    },
}

/// Why a receiver does not take a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// It is before the receiver's window.
    TooOld,
    /// The series has a later sample.
    OutOfOrder,
    /// The series has another value at that moment.
    Duplicate,
    /// Anything else.
    Refused,
}

impl DropReason {
    /// The value of the label `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooOld => "too_old",
            Self::OutOfOrder => "out_of_order",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
        }
    }

    /// The reason in a receiver's text, in the words of Prometheus, which others have taken over.
    pub(super) fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let has = |words: &str| text.contains(words);
        if has("too old sample") || has("too old") || has("out of bounds") {
            Self::TooOld
        } else if has("out of order") || has("out-of-order") {
            Self::OutOfOrder
        } else if has("duplicate sample") {
            Self::Duplicate
        } else {
            Self::Refused
        }
    }
}

/// What the result of a request means.
pub(super) fn classify(result: Result<Answer, NoAnswer>) -> Delivery {
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => return Delivery::Retry { after: None, text: error.to_string() },
    };
    let Answer { status, retry_after, text } = answer;
    match status {
        200..=299 => Delivery::Delivered,
        500 if DropReason::of(&text) != DropReason::Refused => Delivery::Refused { status, text },
        429 | 500.. => {
            let text = if text.is_empty() { format!("status {status}") } else { text };
            Delivery::Retry { after: retry_after, text }
        }
        _ => Delivery::Refused { status, text },
    }
}

/// Whether a refusal is about some of the samples, so that the others may be taken without them. Other
/// statuses (401, 404, a redirect) are about the target, and cutting the body would only ask it more often.
pub(super) fn is_about_samples(status: u16) -> bool {
    matches!(status, 400 | 409 | 413 | 422 | 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(status: u16, retry_after: Option<u64>, text: &str) -> Delivery {
        let retry_after = retry_after.map(Duration::from_secs);
        classify(Ok(Answer { status, retry_after, text: text.to_owned() }))
    }

    /// What Prometheus 2.42 answers, as measured, and what the specification says of the others.
    #[test]
    fn answers_are_classified_by_status_and_text() {
        let check = |status, text: &str, expected: &str| {
            let name = match delivery(status, None, text) {
                Delivery::Delivered => "delivered".to_owned(),
                Delivery::Retry { after: None, .. } => "retry".to_owned(),
                Delivery::Retry { .. } => "retry after".to_owned(),
                Delivery::Refused { text, .. } => format!("refused {}", DropReason::of(&text).name()),
            };
            assert_eq!(name, expected, "{status} {text}");
        };
        check(200, "", "delivered");
        check(204, "", "delivered");
        check(400, "out of order sample", "refused out_of_order");
        check(400, "duplicate sample for timestamp", "refused duplicate");
        check(400, "out of bounds", "refused too_old");
        check(500, "too old sample", "refused too_old");
        check(500, "out of bounds", "refused too_old");
        check(500, "out of order sample", "refused out_of_order");
        check(500, "duplicate sample for timestamp", "refused duplicate");
        check(500, "disk full", "retry");
        check(400, "snappy: corrupt input", "refused refused");
        check(400, "err-mimir-sample-out-of-order: Out-of-order sample", "refused out_of_order");
        check(503, "too old sample", "retry");
        check(502, "", "retry");
        check(429, "", "retry");
        check(401, "Unauthorized", "refused refused");
        check(404, "", "refused refused");
        check(301, "", "refused refused");
        check(415, "", "refused refused");
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept() {
        for status in [429, 503] {
            let after = Some(Duration::from_secs(7));
            assert_eq!(delivery(status, Some(7), "busy"), Delivery::Retry { after, text: "busy".to_owned() });
        }
    }

    #[test]
    fn an_answer_without_text_says_its_status() {
        let text = "status 502".to_owned();
        assert_eq!(delivery(502, None, ""), Delivery::Retry { after: None, text });
    }
}
