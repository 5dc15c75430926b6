//! One message, from its body to its end: deleted, postponed or given up.
//!
//! The verdict is about the whole message, since a queue knows nothing smaller, but the work is by object: what was
//! counted at the first try is known at the second. A message is given up only when everything that is left of it is
//! at fault itself; a single object behind an outage or a missing permission keeps the message alive, and such a try
//! does not count.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::super::intake::{Dealt, Failure, FailurePace, HOLD_BACK_MAX};
use super::super::notification::{Notification, NotificationError, read_notification};
use super::super::object_reference::ObjectReference;
use super::super::queue_calls::Received;
use super::super::retry_pace::RetryPace;
use super::super::sink::{GivenUp, GivenUpContent, ObjectSink};
use super::{Ours, Shared};

/// Objects of one message that are worked on at once.
const OBJECTS_AT_ONCE: usize = 16;

/// When a message comes again that failed: doubled by each own try, or each receive where it is not at fault.
const MESSAGE_PACE: RetryPace =
    RetryPace { first: Duration::from_secs(5), longest: Duration::from_secs(15 * 60) };

/// The same in an outage. The source asks little of a queue meanwhile, and must not be late when it is over.
const OUTAGE_PACE: RetryPace = RetryPace { first: Duration::from_secs(5), longest: Duration::from_secs(120) };

/// The same for an object that is being replaced, or whose unit fell through.
const SOON_PACE: RetryPace = RetryPace { first: Duration::from_secs(2), longest: Duration::from_secs(15) };

/// What is left of a message after a try.
#[derive(Default)]
struct Left {
    objects: Vec<Failure>,
    /// What could not be read of the message itself: label and text.
    unreadable: Option<(&'static str, String)>,
    is_stopping: bool,
}

/// Works on a message until it is deleted or postponed; dropped on the way, it comes again.
pub(super) async fn deal<S: ObjectSink>(ours: Ours<S>, message: Received) {
    let shared = Arc::clone(&ours.shared);
    let mut left = Left::default();
    match read_notification(message.body.as_bytes()) {
        Ok(notification) => {
            left.unreadable = unreadable_records(&notification);
            count_all(&shared, notification.objects, &mut left).await;
        }
        Err(error) => left.unreadable = Some(unreadable(&error)),
    }
    if left.is_stopping {
        return;
    }
    if let Some((label, _)) = &left.unreadable {
        shared.intake.sink.failed(label);
    }
    if left.objects.is_empty() && left.unreadable.is_none() {
        return ours.delete().await;
    }
    let is_at_fault = left.objects.iter().all(|failure| failure.pace.is_try());
    if !is_at_fault {
        let pause = pace(&left).pause(message.receive_count, &message.id);
        return ours.postpone(pause, hold_back(&left)).await;
    }
    let tries = shared.own_tries().add(&message.id);
    if is_tried_enough(&left, tries, message.receive_count, shared.settings.receives_max.max(1)) {
        if give_up(&shared, &message, &left).await {
            return ours.delete().await;
        }
        let pause = OUTAGE_PACE.pause(message.receive_count, &message.id);
        return ours.postpone(pause, FailurePace::Outage.hold_back()).await;
    }
    ours.postpone(pace(&left).pause(tries, &message.id), hold_back(&left)).await;
}

/// Whether another try is useless: after enough own tries, or, where the message itself cannot be read, after enough
/// receives by anybody, since its text never changes.
fn is_tried_enough(left: &Left, tries: u32, receive_count: u32, tries_max: u32) -> bool {
    tries >= tries_max || left.objects.is_empty() && receive_count >= tries_max
}

/// The longest that one of its failures is waited for.
fn hold_back(left: &Left) -> Duration {
    left.objects.iter().map(|failure| failure.pace.hold_back()).max().unwrap_or(HOLD_BACK_MAX)
}

fn unreadable(error: &NotificationError) -> (&'static str, String) {
    (error.label(), error.to_string())
}

/// The first record that could not be read, and how many there are.
fn unreadable_records(notification: &Notification) -> Option<(&'static str, String)> {
    let first = notification.errors.first()?;
    let text = match notification.errors.len() - 1 {
        0 => first.to_string(),
        more => format!("{first}, and {more} more"),
    };
    Some(("record_unreadable", text))
}

async fn count_all<S: ObjectSink>(shared: &Arc<Shared<S>>, objects: Vec<ObjectReference>, left: &mut Left) {
    let slots = Arc::new(Semaphore::new(OBJECTS_AT_ONCE));
    let mut tasks = JoinSet::new();
    for object in objects {
        while let Some(ended) = tasks.try_join_next() {
            left.add(ended);
        }
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            break;
        };
        if *shared.stop.borrow() {
            left.is_stopping = true;
            break;
        }
        let (intake, stop) = (Arc::clone(&shared.intake), shared.stop.clone());
        tasks.spawn(async move {
            let dealt = intake.count(object, &stop).await;
            drop(slot);
            dealt
        });
    }
    while let Some(ended) = tasks.join_next().await {
        left.add(ended);
    }
}

impl Left {
    fn add(&mut self, ended: Result<Dealt, tokio::task::JoinError>) {
        match ended {
            Ok(Dealt::Done) => {}
            Ok(Dealt::Failed(failure)) => self.objects.push(failure),
            Ok(Dealt::Stopping) => self.is_stopping = true,
            Err(error) => {
                tracing::error!(error = %error, "counting an object broke off; it comes again, please report this");
                self.is_stopping = true;
            }
        }
    }
}

impl FailurePace {
    fn is_try(self) -> bool {
        matches!(self, Self::Try | Self::SoonTry)
    }
}

/// The pace of the failure that needs the most patience.
fn pace(left: &Left) -> RetryPace {
    let has = |pace| left.objects.iter().any(|failure| failure.pace == pace);
    if left.unreadable.is_some() || has(FailurePace::Try) || has(FailurePace::Person) {
        MESSAGE_PACE
    } else if has(FailurePace::Outage) {
        OUTAGE_PACE
    } else {
        SOON_PACE
    }
}

/// Keeps what is left, first durably and then where the user wants it too; false if that could not be done.
async fn give_up<S: ObjectSink>(shared: &Shared<S>, message: &Received, left: &Left) -> bool {
    let mut reasons = Vec::new();
    if let Some((label, text)) = &left.unreadable {
        let content = GivenUpContent::Message { id: message.id.clone(), body: Arc::clone(&message.body) };
        let what = GivenUp { content, label, reason: text.clone(), is_content_at_fault: true };
        if shared.intake.give_up(what).await.is_err() {
            return false;
        }
        reasons.push(text.as_str());
    }
    for failure in &left.objects {
        if shared.intake.give_up(failure.given_up()).await.is_err() {
            return false;
        }
        reasons.push(&failure.text);
    }
    let Some(dead_letter_queue_url) = &shared.settings.dead_letter_queue_url else {
        return true;
    };
    let reason = reasons.join("; ");
    match shared.calls.send_dead_letter(dead_letter_queue_url, message, &reason).await {
        Ok(()) => shared.dead_letters.worked(dead_letter_queue_url),
        Err(failure) => {
            shared.dead_letters.failed(dead_letter_queue_url, &failure.detail);
            return false;
        }
    }
    true
}
