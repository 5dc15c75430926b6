//! Objects in S3: told of by a queue, found by listing, fetched within bounds and handed to whoever counts.
//!
//! The parts are separate because they fail separately: a message can be nonsense while the queue is fine, an object
//! can be denied while the bucket is fine, and only who counts knows what was counted before. That one stands behind
//! [`ObjectSink`], so nothing here decides whether an object counts; what is decided here is when it is tried again
//! and when it is given up, and that a message is deleted only after its objects are durable.

mod aws_failure;
mod client;
mod fetch_error;
mod intake;
mod lambda_event;
mod left_behind;
mod listener_rules_api;
mod listing;
mod listing_pass;
mod listing_source;
mod notification;
mod object_body;
mod object_reference;
pub(crate) mod outage;
mod progress;
mod queue;
mod queue_calls;
pub(crate) mod retry_pace;
mod sink;
#[cfg(test)]
mod testing;

pub use client::{
    AwsClients, FetchedObject, ListPage, ListedObject, ObjectHead, S3Client, S3Settings, WHOLE_BYTES_MAX,
};
pub use fetch_error::FetchError;
pub use lambda_event::{LAMBDA_EVENT_BYTES_MAX, LambdaEvent, LambdaMessage, LambdaSender, read_lambda_event};
pub use listener_rules_api::{ListenerRulesApiError, fetch_listener_rules};
pub use listing::{Listing, ListingPart, ListingSpan, list_objects};
pub use listing_pass::ListingProgress;
pub use listing_source::{Backfill, S3PollSource};
pub use notification::{
    ENVELOPES_MAX, MESSAGE_BYTES_MAX, Notification, NotificationError, RECORDS_MAX, RecordError,
    read_notification,
};
pub use object_body::{ObjectBody, ObjectRead, ObjectStream};
pub use object_reference::{BUCKET_BYTES_MAX, KEY_BYTES_MAX, ObjectReference};
pub use queue::{SqsSettings, SqsSource};
pub use sink::{GivenUp, GivenUpContent, ObjectSink, Taken, Unavailable};
