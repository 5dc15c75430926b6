//! Why an object could not be fetched, by what can be done about it.
//!
//! An object that is gone, one that permissions hide and one behind a broken network look alike to a program that
//! only knows "it failed"; then either lost objects are retried for ever or a wrong policy throws logs away. The
//! kinds here are closed, so every source decides for each of them.

use super::aws_failure::{AwsFailure, FailureKind};
use super::object_reference::ObjectReference;

/// Why an object, or a page of a listing, could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The object or its version does not exist.
    #[error(
        "{object} does not exist ({detail}); it was deleted before it was read, look at the bucket's lifecycle rules"
    )]
    Missing {
        /// `s3://bucket/key`.
        object: String,
        /// The service's word.
        detail: String,
    },
    /// The bucket does not exist.
    #[error("the bucket of {object} does not exist ({detail}); look at its name, and at the endpoint")]
    BucketMissing {
        /// `s3://bucket/key`.
        object: String,
        /// The service's word.
        detail: String,
    },
    /// Permissions do not allow it.
    #[error(
        "access to {object} is denied ({detail}); allow s3:GetObject on the objects (s3:GetObjectVersion where the \
         bucket keeps versions, kms:Decrypt where a key encrypts them) and s3:ListBucket on the bucket, without \
         which S3 says the same of an object that does not exist"
    )]
    Denied {
        /// `s3://bucket/key`.
        object: String,
        /// The service's word.
        detail: String,
    },
    /// The object has other content than the one that was asked for.
    #[error(
        "{object} is being replaced, or was: its content is not the one that was announced; it is tried again"
    )]
    Changed {
        /// `s3://bucket/key`.
        object: String,
    },
    /// There are no valid credentials.
    #[error(
        "no valid credentials for {object} ({detail}); give some by environment, profile or role, and look at the \
         clock if they are new"
    )]
    CredentialsExpired {
        /// `s3://bucket/key`.
        object: String,
        /// The service's word.
        detail: String,
    },
    /// The bucket is in another region.
    #[error(
        "the bucket of {object} is in another region ({detail}); set the region of this source to the bucket's"
    )]
    WrongRegion {
        /// `s3://bucket/key`.
        object: String,
        /// The service's word.
        detail: String,
    },
    /// The body ended early or late.
    #[error("{object} was cut: {received_bytes} of {expected_bytes} bytes came; it is tried again")]
    Cut {
        /// `s3://bucket/key`.
        object: String,
        /// What came.
        received_bytes: u64,
        /// What was announced.
        expected_bytes: u64,
    },
    /// The service or the way to it is in trouble.
    #[error("S3 cannot be reached for {object} ({detail}); it is tried again")]
    Unavailable {
        /// `s3://bucket/key`.
        object: String,
        /// What went wrong.
        detail: String,
    },
    /// Anything else.
    #[error("cannot fetch {object}: {detail}")]
    Other {
        /// `s3://bucket/key`.
        object: String,
        /// The service's word.
        detail: String,
    },
}

impl FetchError {
    pub(crate) fn new(object: &ObjectReference, failure: AwsFailure) -> Self {
        let (object, detail) = (object.to_string(), failure.detail);
        match failure.kind {
            FailureKind::Missing => Self::Missing { object, detail },
            FailureKind::BucketMissing => Self::BucketMissing { object, detail },
            FailureKind::Denied => Self::Denied { object, detail },
            FailureKind::Changed => Self::Changed { object },
            FailureKind::Credentials => Self::CredentialsExpired { object, detail },
            FailureKind::WrongRegion => Self::WrongRegion { object, detail },
            FailureKind::Unavailable => Self::Unavailable { object, detail },
            FailureKind::Other => Self::Other { object, detail },
        }
    }

    /// The value of the label `reason`.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "object_missing",
            Self::BucketMissing { .. } => "bucket_missing",
            Self::Denied { .. } => "access_denied",
            // Not `object_changed`: that is what was counted and has other content now.
            Self::Changed { .. } => "object_replaced",
            Self::CredentialsExpired { .. } => "credentials_expired",
            Self::WrongRegion { .. } => "wrong_region",
            Self::Cut { .. } => "object_cut",
            Self::Unavailable { .. } => "s3_unavailable",
            Self::Other { .. } => "object_unreadable",
        }
    }

    /// Whether the same request can succeed later, by itself or once a person has mended permissions.
    pub fn is_worth_retrying(&self) -> bool {
        !matches!(self, Self::Missing { .. } | Self::BucketMissing { .. } | Self::Other { .. })
    }

    /// Whether a person must act before it can succeed: permissions, credentials, the region.
    pub fn needs_a_person(&self) -> bool {
        matches!(self, Self::Denied { .. } | Self::CredentialsExpired { .. } | Self::WrongRegion { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_what_to_do() {
        let object = ObjectReference::new("b", "k");
        for (kind, label, is_worth_retrying, text) in [
            (FailureKind::Missing, "object_missing", false, "lifecycle"),
            (FailureKind::BucketMissing, "bucket_missing", false, "endpoint"),
            (FailureKind::Denied, "access_denied", true, "s3:ListBucket"),
            (FailureKind::Changed, "object_replaced", true, "tried again"),
            (FailureKind::Credentials, "credentials_expired", true, "role"),
            (FailureKind::WrongRegion, "wrong_region", true, "set the region"),
            (FailureKind::Unavailable, "s3_unavailable", true, "tried again"),
            (FailureKind::Other, "object_unreadable", false, "why"),
        ] {
            let error = FetchError::new(&object, AwsFailure { kind, detail: "why".to_owned() });
            assert_eq!((error.label(), error.is_worth_retrying()), (label, is_worth_retrying));
            let shown = error.to_string();
            assert!(shown.contains("s3://b/k") && shown.contains(text), "{shown}");
        }
    }
}
