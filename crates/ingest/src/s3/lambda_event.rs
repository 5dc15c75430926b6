//! What AWS Lambda hands to a function: the same notifications in four more wrappings.
//!
//! Lambda wants to know which messages failed, by their id, so the result keeps message by message what each one
//! said; an event that only S3, SNS or EventBridge sent has no ids and fails or succeeds whole.

use serde_json::Value;

use super::notification::{
    Notification, NotificationError, RECORDS_MAX, parse, read_event, read_notification,
};

/// The largest event that is read, in bytes: what Lambda carries at most in a synchronous call.
pub const LAMBDA_EVENT_BYTES_MAX: usize = 6 << 20;

/// One event, message by message, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaEvent {
    /// Who sent it.
    pub sender: LambdaSender,
    /// What it said; an event of S3 or EventBridge is one message.
    pub messages: Vec<LambdaMessage>,
}

/// Who called the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LambdaSender {
    /// The bucket itself.
    S3,
    /// A topic.
    Sns,
    /// A queue. Of a FIFO queue everything behind the first failure must be answered as failed too.
    Sqs {
        /// Whether the queue keeps its order.
        is_fifo: bool,
    },
    /// A rule.
    EventBridge,
}

/// One message of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaMessage {
    /// SQS' id of it, which a partial batch response names; `None` for any other sender, and for a record without
    /// one, which only a failure of the whole event can answer.
    pub id: Option<String>,
    /// What it said.
    pub content: Result<Notification, NotificationError>,
}

/// Reads an event as Lambda hands it over: of S3, SQS, SNS or EventBridge.
///
/// # Errors
///
/// [`NotificationError`] when the event as a whole is none of these.
pub fn read_lambda_event(event: &[u8]) -> Result<LambdaEvent, NotificationError> {
    let event = parse(event, LAMBDA_EVENT_BYTES_MAX)?;
    let records = event.get("Records").and_then(Value::as_array);
    // Only SNS writes it with a capital.
    let source = records
        .and_then(|records| records.first())
        .and_then(|first| first.get("eventSource").or_else(|| first.get("EventSource")))
        .and_then(Value::as_str);
    match (source, records) {
        (Some("aws:sqs"), Some(records)) => {
            let sender = LambdaSender::Sqs { is_fifo: records.iter().any(is_fifo) };
            read_messages(sender, records, |record| LambdaMessage {
                id: text(record, "messageId"),
                content: body(record.get("body")),
            })
        }
        (Some("aws:sns"), Some(records)) => read_messages(LambdaSender::Sns, records, |record| {
            LambdaMessage { id: None, content: body(record.get("Sns").and_then(|sns| sns.get("Message"))) }
        }),
        _ => {
            let sender = if records.is_some() { LambdaSender::S3 } else { LambdaSender::EventBridge };
            let content = Ok(read_event(&event)?);
            Ok(LambdaEvent { sender, messages: vec![LambdaMessage { id: None, content }] })
        }
    }
}

fn read_messages(
    sender: LambdaSender,
    records: &[Value],
    read: impl Fn(&Value) -> LambdaMessage,
) -> Result<LambdaEvent, NotificationError> {
    if records.len() > RECORDS_MAX {
        return Err(NotificationError::TooManyRecords { records: records.len() });
    }
    Ok(LambdaEvent { sender, messages: records.iter().map(read).collect() })
}

fn body(body: Option<&Value>) -> Result<Notification, NotificationError> {
    match body {
        Some(Value::String(body)) => read_notification(body.as_bytes()),
        _ => Err(NotificationError::unknown_shape("the record has no body")),
    }
}

fn is_fifo(record: &Value) -> bool {
    text(record, "eventSourceARN").is_some_and(|arn| arn.ends_with(".fifo"))
}

/// A text that is there and not empty: an empty id would fail the whole batch.
fn text(record: &Value, name: &str) -> Option<String> {
    record.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sender, and per message its id, objects, ignored records and error.
    fn outline(event: &str) -> String {
        let event = match read_lambda_event(event.as_bytes()) {
            Ok(event) => event,
            Err(error) => return error.label().to_owned(),
        };
        let shown = |message: &LambdaMessage| {
            let id = message.id.as_deref().map_or("-", |id| &id[id.len() - 1..]);
            match &message.content {
                Ok(said) => format!("{id}:{}/{}/{}", said.objects.len(), said.ignored, said.errors.len()),
                Err(error) => format!("{id}:{}", error.label()),
            }
        };
        let messages: Vec<_> = event.messages.iter().map(shown).collect();
        format!("{:?} {}", event.sender, messages.join(" "))
    }

    #[test]
    fn every_wrapping_of_lambda_is_read_message_by_message() {
        for (event, expected) in [
            (include_str!("../../../../testdata/s3_events/lambda-s3-direct.json"), "S3 -:1/0/0"),
            (include_str!("../../../../testdata/s3_events/lambda-sns-direct.json"), "Sns -:1/0/0"),
            (
                include_str!("../../../../testdata/s3_events/lambda-sqs-one.json"),
                "Sqs { is_fifo: false } 0:1/0/0",
            ),
            (
                include_str!("../../../../testdata/s3_events/lambda-sqs-mixed.json"),
                "Sqs { is_fifo: false } 0:1/0/0 1:0/1/0 2:1/0/0 3:1/0/0 4:message_not_json 5:0/0/0 6:1/0/0",
            ),
            (
                include_str!("../../../../testdata/s3_events/eventbridge-object-created.json"),
                "EventBridge -:1/0/0",
            ),
            (
                r#"{"Records": [{"eventSource": "aws:sqs", "messageId": "", "body": "{}", "eventSourceARN": "a.fifo"}]}"#,
                "Sqs { is_fifo: true } -:message_unknown_shape",
            ),
            (
                r#"{"Records": [{"eventSource": "aws:sqs", "messageId": "7"}]}"#,
                "Sqs { is_fifo: false } 7:message_unknown_shape",
            ),
            (r#"{"Records": []}"#, "S3 -:0/0/0"),
            ("{}", "message_unknown_shape"),
            ("[]", "message_unknown_shape"),
        ] {
            assert_eq!(outline(event), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\[\\]{}:,\"RecordsSnBdyMg0-9 ]{0,60}") {
            let _ = read_lambda_event(text.as_bytes());
        }
    }
}
