//! What becomes of an event: its objects pushed, and an answer by which Lambda knows what to do again.
//!
//! Only a queue can be told which of its messages failed; any other sender gets its whole event again. That is
//! harmless where weir's own gateway counts, since the key of each push is that of its object.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use weir_ingest::s3::{
    LambdaEvent, LambdaMessage, LambdaSender, NotificationError, ObjectReference, read_lambda_event,
};
use weir_record::Timestamp;

use super::object_pusher::{ObjectPusher, Pushed};
use super::runtime_interface::Failure;

/// What is kept of Lambda's time for the answer.
const RESERVE: Duration = Duration::from_secs(1);

/// The most of the time that is left which the reserve may be: a function of 3 s works for 2.4 of them.
const RESERVE_SHARE_MAX: u32 = 5;

/// The longest that a function can run, where Lambda does not say.
const RUN_MAX: Duration = Duration::from_secs(15 * 60);

/// Texts of failures that a failed invocation names; the others are in the log.
const FAILURES_SHOWN_MAX: usize = 3;

/// Answers events.
pub struct Function {
    objects: Arc<ObjectPusher>,
}

/// What was counted of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tallied {
    objects: u64,
    records: u64,
    rejects: u64,
    skipped: u64,
}

impl Function {
    /// A function that pushes what it is told of.
    pub fn new(objects: ObjectPusher) -> Self {
        Self { objects: Arc::new(objects) }
    }

    /// Does what an event says until shortly before `deadline`, and answers it.
    ///
    /// # Errors
    ///
    /// When the whole event must come again: it cannot be read, or something of it failed whose sender cannot
    /// be told what.
    pub async fn answer(&self, event: &[u8], left: Option<Duration>) -> Result<Value, Failure> {
        let deadline = Instant::now() + working_time(left);
        let LambdaEvent { sender, messages } = read_lambda_event(event).map_err(|error| {
            tracing::error!(error = %error, "cannot read the event");
            Failure { kind: "Weir.UnknownEvent", text: error.to_string() }
        })?;
        let mut tallied = Tallied::default();
        let mut failures: Vec<Option<String>> = Vec::with_capacity(messages.len());
        // A queue that keeps its order is done in its order, as nothing behind a failure may be done.
        let step = if sender == (LambdaSender::Sqs { is_fifo: true }) { 1 } else { messages.len().max(1) };
        for group in messages.chunks(step) {
            if step == 1 && failures.iter().any(Option::is_some) {
                failures.push(Some("a message before it in the queue failed".to_owned()));
            } else {
                failures.extend(self.deal_with(group, deadline, &mut tallied).await);
            }
        }
        tracing::info!(
            messages = messages.len() as u64,
            failed_messages = failures.iter().flatten().count() as u64,
            objects = tallied.objects,
            records = tallied.records,
            rejects = tallied.rejects,
            skipped = tallied.skipped,
            "event done"
        );
        answer(sender, &messages, &failures, tallied)
    }

    /// Counts and pushes what some messages name; why each failed, if it did.
    async fn deal_with(
        &self,
        messages: &[LambdaMessage],
        deadline: Instant,
        tallied: &mut Tallied,
    ) -> Vec<Option<String>> {
        let (objects, places) = distinct_objects(messages);
        let results = self.objects.push_all(objects, deadline).await;
        let mut texts = Vec::with_capacity(results.len());
        for result in results {
            match result {
                Ok(pushed) => {
                    tallied.add(pushed);
                    texts.push(None);
                }
                Err(failure) => {
                    if failure.needs_a_person() {
                        tracing::error!(error = %failure, "an object was not counted");
                    } else {
                        tracing::warn!(error = %failure, "an object was not counted; it comes again");
                    }
                    texts.push(Some(failure.to_string()));
                }
            }
        }
        let failure = |(message, places): (&LambdaMessage, Vec<usize>)| {
            unreadable(message)
                .or_else(|| places.into_iter().find_map(|place| texts.get(place).cloned().flatten()))
        };
        messages.iter().zip(places).map(failure).collect()
    }
}

impl Tallied {
    fn add(&mut self, pushed: Pushed) {
        self.objects += u64::from(!pushed.is_skipped);
        self.skipped += u64::from(pushed.is_skipped);
        self.records += pushed.records;
        self.rejects += pushed.rejects;
    }
}

/// How long to work, of the time that is left.
fn working_time(left: Option<Duration>) -> Duration {
    let left = left.unwrap_or(RUN_MAX).min(RUN_MAX);
    left - RESERVE.min(left / RESERVE_SHARE_MAX)
}

/// The time until `deadline`; none if it is over.
pub fn time_left(deadline: Timestamp, now: Timestamp) -> Duration {
    let micros = deadline.micros().saturating_sub(now.micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// What is wrong with a message itself. All of its objects are counted nevertheless, where it has some.
fn unreadable(message: &LambdaMessage) -> Option<String> {
    let (label, text) = match &message.content {
        Err(error) => (NotificationError::label(error), error.to_string()),
        Ok(said) => ("record_unreadable", said.errors.first()?.to_string()),
    };
    let id = message.id.as_deref().unwrap_or("-");
    tracing::error!(message_id = id, label, error = text, "a message cannot be read");
    Some(text)
}

/// The objects of all messages, each once, and for each message the places of its own.
fn distinct_objects(messages: &[LambdaMessage]) -> (Vec<ObjectReference>, Vec<Vec<usize>>) {
    let mut objects: Vec<ObjectReference> = Vec::new();
    let mut known = HashMap::new();
    let mut place_of = |object: &ObjectReference| {
        let identity =
            (object.bucket.clone(), object.key.clone(), object.version_id.clone(), object.etag.clone());
        *known.entry(identity).or_insert_with(|| {
            objects.push(object.clone());
            objects.len() - 1
        })
    };
    let places = messages
        .iter()
        .map(|message| message.content.iter().flat_map(|said| &said.objects).map(&mut place_of).collect())
        .collect();
    (objects, places)
}

fn answer(
    sender: LambdaSender,
    messages: &[LambdaMessage],
    failures: &[Option<String>],
    tallied: Tallied,
) -> Result<Value, Failure> {
    let failed = || messages.iter().zip(failures).filter(|(_, failure)| failure.is_some());
    let ids: Option<Vec<&str>> = failed().map(|(message, _)| message.id.as_deref()).collect();
    match (sender, ids) {
        (LambdaSender::Sqs { .. }, Some(ids)) => {
            let items: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
            Ok(json!({ "batchItemFailures": items }))
        }
        _ if failures.iter().all(Option::is_none) => Ok(json!({
            "objects": tallied.objects,
            "records": tallied.records,
            "rejects": tallied.rejects,
            "skipped": tallied.skipped,
        })),
        _ => Err(failure_of(failures)),
    }
}

fn failure_of(failures: &[Option<String>]) -> Failure {
    let count = failures.iter().flatten().count();
    let mut text: String =
        failures.iter().flatten().take(FAILURES_SHOWN_MAX).cloned().collect::<Vec<_>>().join("; ");
    if count > FAILURES_SHOWN_MAX {
        text += &format!("; and {} more, which are in the log", count - FAILURES_SHOWN_MAX);
    }
    Failure { kind: "Weir.ObjectsFailed", text }
}

#[cfg(test)]
mod tests {
    use weir_ingest::s3::Notification;

    use super::*;

    fn message(id: Option<&str>, keys: &[&str]) -> LambdaMessage {
        let objects = keys.iter().map(|key| ObjectReference::new("b", *key)).collect();
        let said = Notification { objects, ..Notification::default() };
        LambdaMessage { id: id.map(str::to_owned), content: Ok(said) }
    }

    #[test]
    fn only_a_queue_is_told_which_messages_failed() {
        let sqs = LambdaSender::Sqs { is_fifo: false };
        let counts = r#"{"objects":2,"records":0,"rejects":0,"skipped":0}"#;
        for (sender, ids, failures, expected) in [
            (sqs, [Some("1"), Some("2")], [None, None], r#"{"batchItemFailures":[]}"#),
            (
                sqs,
                [Some("1"), Some("2")],
                [None, Some("cut")],
                r#"{"batchItemFailures":[{"itemIdentifier":"2"}]}"#,
            ),
            // A failure that cannot be named fails the whole batch, or the message would be lost.
            (sqs, [Some("1"), None], [None, Some("cut")], "cut"),
            (
                sqs,
                [Some("1"), None],
                [Some("cut"), None],
                r#"{"batchItemFailures":[{"itemIdentifier":"1"}]}"#,
            ),
            (LambdaSender::Sns, [None, None], [None, None], counts),
            (LambdaSender::Sns, [None, None], [Some("cut"), Some("gone")], "cut; gone"),
            (LambdaSender::S3, [None, None], [Some("cut"), None], "cut"),
            (LambdaSender::EventBridge, [None, None], [None, None], counts),
        ] {
            let messages = ids.map(|id| message(id, &["k"]));
            let failures = failures.map(|failure| failure.map(str::to_owned));
            let tallied = Tallied { objects: 2, ..Tallied::default() };
            let found = match answer(sender, &messages, &failures, tallied) {
                Ok(answer) => answer.to_string(),
                Err(failure) => failure.text,
            };
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_failed_event_names_a_few_failures() {
        let failures: Vec<_> = (0..5).map(|number| Some(format!("f{number}"))).collect();
        assert_eq!(failure_of(&failures).text, "f0; f1; f2; and 2 more, which are in the log");
    }

    #[test]
    fn an_object_that_two_messages_name_is_done_once() {
        let messages =
            [message(Some("1"), &["a", "b", "a"]), message(Some("2"), &[]), message(None, &["b", "c"])];
        let (objects, places) = distinct_objects(&messages);
        let keys: Vec<_> = objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "c"]);
        assert_eq!(places, [vec![0, 1, 0], vec![], vec![1, 2]]);
    }

    #[test]
    fn some_time_is_kept_for_the_answer() {
        for (left_ms, expected_ms) in [(0, 0), (1_000, 800), (3_000, 2_400), (5_000, 4_000), (30_000, 29_000)]
        {
            assert_eq!(working_time(Some(Duration::from_millis(left_ms))).as_millis(), expected_ms);
        }
        assert_eq!(working_time(None), RUN_MAX - RESERVE);
        assert_eq!(working_time(Some(Duration::MAX)), RUN_MAX - RESERVE);
        let time = |micros| Timestamp::from_micros(micros);
        assert_eq!(time_left(time(5_000_000), time(2_000_000)), Duration::from_secs(3));
        assert_eq!(time_left(time(1), time(2)), Duration::ZERO);
    }
}
