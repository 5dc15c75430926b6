//! What is asked of a queue, in its batches of ten.
//!
//! Every call but receiving may fail without harm: a message that is not deleted or not postponed comes again, and
//! its objects are known by then. So these calls are tried a few times and then let go, which keeps the loop that
//! counts free of a second kind of error.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageAttributeValue,
    MessageSystemAttributeName, QueueAttributeName,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::aws_failure::{AwsFailure, FailureKind};
use super::outage::Reminder;
use super::queue::QueueDepth;
use super::retry_pace::SERVICE_PACE;

/// Messages in one request, by SQS' rule.
pub(crate) const BATCH_MAX: usize = 10;

/// How long a receive waits for the first message, in seconds: the longest that SQS allows.
const WAIT_S: i32 = 20;

/// How long a message that is done waits for others to be deleted with it.
const DELETE_LINGER: Duration = Duration::from_millis(50);

/// How often a deletion is tried. After that the message comes again and is deleted then.
const DELETE_TRIES: u32 = 3;

/// The longest reason that is attached to a dead letter, in characters.
const REASON_CHARS_MAX: usize = 1000;

/// A queue of messages.
#[derive(Clone, Debug)]
pub(crate) struct QueueCalls {
    pub(crate) client: Client,
    pub(crate) queue_url: String,
}

/// A message as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) receipt_handle: String,
    pub(crate) body: Arc<str>,
    /// How often it was received, this time included.
    pub(crate) receive_count: u32,
}

impl QueueCalls {
    /// Waits for messages, at most `count_max` of them.
    pub(crate) async fn receive(
        &self,
        count_max: usize,
        visibility_s: i32,
    ) -> Result<Vec<Received>, AwsFailure> {
        let output = self
            .client
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(count_max.clamp(1, BATCH_MAX) as i32)
            .wait_time_seconds(WAIT_S)
            .visibility_timeout(visibility_s)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await?;
        let received = output.messages.unwrap_or_default().into_iter().filter_map(|message| {
            let receive_count = message
                .attributes
                .as_ref()
                .and_then(|attributes| attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount))
                .and_then(|count| count.parse().ok());
            Some(Received {
                id: message.message_id?,
                receipt_handle: message.receipt_handle?,
                body: message.body.unwrap_or_default().into(),
                receive_count: receive_count.unwrap_or(1),
            })
        });
        Ok(received.collect())
    }

    /// How many messages there are, about.
    pub(crate) async fn depth(&self) -> Result<QueueDepth, AwsFailure> {
        let (visible, in_flight) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let call = self.client.get_queue_attributes().queue_url(&self.queue_url);
        let output = call.attribute_names(visible.clone()).attribute_names(in_flight.clone()).send().await?;
        let number = |name: &QueueAttributeName| {
            let text = output.attributes.as_ref().and_then(|attributes| attributes.get(name));
            text.and_then(|text| text.parse().ok()).ok_or_else(|| AwsFailure {
                kind: FailureKind::Other,
                detail: format!("the answer has no {}", name.as_str()),
            })
        };
        Ok(QueueDepth { visible: number(&visible)?, in_flight: number(&in_flight)? })
    }

    /// Makes messages visible in `visibility_s` seconds, 0 for at once. What fails keeps its time.
    pub(crate) async fn change_visibility(&self, receipt_handles: &[String], visibility_s: i32) {
        for batch in receipt_handles.chunks(BATCH_MAX) {
            let entries = batch.iter().enumerate().filter_map(|(index, handle)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(visibility_s)
                    .build()
                    .ok()
            });
            let call = self.client.change_message_visibility_batch().queue_url(&self.queue_url);
            if let Err(error) = call.set_entries(Some(entries.collect())).send().await {
                let failure = AwsFailure::from(error);
                tracing::debug!(queue = %self.queue_url, error = %failure.detail, "visibility not changed");
            }
        }
    }

    /// Deletes what comes through the channel, until it is closed.
    pub(crate) async fn delete_all(self, mut done: mpsc::Receiver<String>) {
        let reminder = Reminder::default();
        while let Some(first) = done.recv().await {
            let mut handles = vec![first];
            let linger = tokio::time::sleep(DELETE_LINGER);
            tokio::pin!(linger);
            while handles.len() < BATCH_MAX {
                tokio::select! {
                    handle = done.recv() => match handle {
                        Some(handle) => handles.push(handle),
                        None => break,
                    },
                    () = &mut linger => break,
                }
            }
            let left = self.delete(handles).await;
            if left > 0 && reminder.is_due(Instant::now()) {
                tracing::warn!(
                    queue = %self.queue_url,
                    messages = left,
                    "cannot delete messages that are done; they come again and are known then, \
                     allow sqs:DeleteMessage if this stays"
                );
            }
        }
    }

    /// How many could not be deleted.
    async fn delete(&self, mut handles: Vec<String>) -> usize {
        for attempt in 0..DELETE_TRIES {
            match self.delete_once(&handles).await {
                Ok(failed) if failed.is_empty() => return 0,
                Ok(failed) => {
                    handles = failed.into_iter().filter_map(|at| handles.get(at).cloned()).collect();
                }
                Err(failure) => {
                    tracing::debug!(queue = %self.queue_url, error = %failure.detail, "messages not deleted");
                }
            }
            if attempt + 1 < DELETE_TRIES {
                tokio::time::sleep(SERVICE_PACE.pause(attempt, &self.queue_url)).await;
            }
        }
        handles.len()
    }

    /// The places of those that were not deleted.
    async fn delete_once(&self, handles: &[String]) -> Result<Vec<usize>, AwsFailure> {
        let entries = handles.iter().enumerate().filter_map(|(index, handle)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(handle)
                .build()
                .ok()
        });
        let output = self
            .client
            .delete_message_batch()
            .queue_url(&self.queue_url)
            .set_entries(Some(entries.collect()))
            .send()
            .await?;
        // What was the caller's fault, as an old receipt handle, does not get better by another try.
        let again = output.failed.into_iter().filter(|entry| !entry.sender_fault);
        Ok(again.filter_map(|entry| entry.id.parse().ok()).collect())
    }

    /// Sends a message to another queue, with the reason why it is there.
    pub(crate) async fn send_dead_letter(
        &self,
        dead_letter_queue_url: &str,
        message: &Received,
        reason: &str,
    ) -> Result<(), AwsFailure> {
        let reason: String = reason
            .chars()
            .map(
                |char| if char.is_control() || char == '\u{fffe}' || char == '\u{ffff}' { ' ' } else { char },
            )
            .take(REASON_CHARS_MAX)
            .collect();
        let attribute = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(reason)
            .build()
            .map_err(|error| AwsFailure { kind: FailureKind::Other, detail: error.to_string() })?;
        let mut call = self
            .client
            .send_message()
            .queue_url(dead_letter_queue_url)
            .message_body(message.body.as_ref())
            .message_attributes("reason", attribute);
        if dead_letter_queue_url.ends_with(".fifo") {
            call = call.message_group_id("weir").message_deduplication_id(&message.id);
        }
        call.send().await?;
        Ok(())
    }
}
