//! What an error of AWS' SDK means: the few kinds that differ in what to do next.
//!
//! Three services spell the same trouble in a dozen codes, and the SDK wraps them four deep. Sorting them in one
//! place keeps the decision whether to wait, to try again or to call a person out of every caller. Codes come first
//! and the HTTP status decides for unknown ones, since other S3 servers have codes of their own.

use std::error::Error;
use std::fmt::Write as _;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::object_reference::shown;

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The object, version or queue does not exist.
    Missing,
    /// The bucket does not exist.
    BucketMissing,
    /// Permissions do not allow it.
    Denied,
    /// The content is not the one that was meant.
    Changed,
    /// There are no credentials, or they are expired or wrong.
    Credentials,
    /// The bucket is in another region.
    WrongRegion,
    /// Network, overload, trouble of the service: nobody's fault, and over some day.
    Unavailable,
    /// Anything else.
    Other,
}

/// An error of the SDK, sorted, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsFailure {
    pub(crate) kind: FailureKind,
    pub(crate) detail: String,
}

impl AwsFailure {
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self { kind: FailureKind::Unavailable, detail: detail.into() }
    }
}

impl<E: ProvideErrorMetadata + Error + 'static> From<SdkError<E>> for AwsFailure {
    fn from(error: SdkError<E>) -> Self {
        match &error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let kind = kind_of(service.err().code().unwrap_or_default(), status);
                Self { kind, detail: service_detail(service.err(), status) }
            }
            SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
                Self::unavailable(chain(&error))
            }
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
                let detail = chain(&error);
                // The type of this error is not exported by the clients.
                let kind = match detail.contains("redentials") || detail.contains("identity") {
                    true => FailureKind::Credentials,
                    false if matches!(error, SdkError::DispatchFailure(_)) => FailureKind::Unavailable,
                    false => FailureKind::Other,
                };
                Self { kind, detail }
            }
            _ => Self::unavailable(chain(&error)),
        }
    }
}

/// Source: S3 API reference, "Error responses"; SQS and Elastic Load Balancing API references, "Common errors".
fn kind_of(code: &str, status: u16) -> FailureKind {
    match code {
        "NoSuchKey" | "NoSuchVersion" | "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" => {
            FailureKind::Missing
        }
        "NoSuchBucket" => FailureKind::BucketMissing,
        "PreconditionFailed" | "ConditionalRequestConflict" => FailureKind::Changed,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "TokenRefreshRequired"
        | "InvalidToken"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken" => FailureKind::Credentials,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IncorrectEndpoint"
        | "IllegalLocationConstraintException" => FailureKind::WrongRegion,
        "SlowDown" | "RequestTimeout" | "RequestLimitExceeded" | "InternalError" | "ServiceUnavailable" => {
            FailureKind::Unavailable
        }
        _ if code.contains("Throttl") || code.contains("TooManyRequests") => FailureKind::Unavailable,
        // Archived: it must be restored before it can be read.
        "InvalidObjectState" => FailureKind::Other,
        _ => match status {
            301 | 307 => FailureKind::WrongRegion,
            401 | 403 => FailureKind::Denied,
            // S3 answers 405 for a version that is a delete marker.
            404 | 405 | 410 => FailureKind::Missing,
            409 | 412 => FailureKind::Changed,
            408 | 429 | 500.. => FailureKind::Unavailable,
            _ => FailureKind::Other,
        },
    }
}

fn service_detail(error: &impl ProvideErrorMetadata, status: u16) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{}: {}", shown(code), shown(message)),
        (Some(text), None) | (None, Some(text)) => shown(text),
        (None, None) => format!("status {status}"),
    }
}

/// The text of an error and of what caused it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            let _ = write!(text, ": {cause_text}");
        }
        source = cause.source();
    }
    // Some of these texts have several lines.
    shown(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_first_and_the_status_decides_the_rest() {
        for (code, status, expected) in [
            ("NoSuchKey", 404, FailureKind::Missing),
            ("NoSuchBucket", 404, FailureKind::BucketMissing),
            ("", 404, FailureKind::Missing),
            ("MethodNotAllowed", 405, FailureKind::Missing),
            ("AccessDenied", 403, FailureKind::Denied),
            ("", 403, FailureKind::Denied),
            ("ExpiredToken", 400, FailureKind::Credentials),
            ("InvalidAccessKeyId", 403, FailureKind::Credentials),
            ("PreconditionFailed", 412, FailureKind::Changed),
            ("PermanentRedirect", 301, FailureKind::WrongRegion),
            ("AuthorizationHeaderMalformed", 400, FailureKind::WrongRegion),
            ("SlowDown", 503, FailureKind::Unavailable),
            ("ThrottlingException", 400, FailureKind::Unavailable),
            ("NeverHeardOf", 599, FailureKind::Unavailable),
            ("InvalidObjectState", 403, FailureKind::Other),
            ("InvalidArgument", 400, FailureKind::Other),
        ] {
            assert_eq!(kind_of(code, status), expected, "{code} {status}");
        }
    }
}
