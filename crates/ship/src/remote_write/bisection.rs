//! Finds what a receiver refuses of a body, and delivers the rest.
//!
//! Prometheus discards a whole request for one bad sample and does not say which. So a refused body is cut:
//! first by time, earlier samples first, because a series' samples must arrive in order; then each part in
//! halves, until what is refused stands alone. A body sent twice after a crash shows why time comes first:
//! its zeros are refused, as out of order, its values are not.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::body::{Body, BodyError};
use super::delivery::{Delivery, DropReason, is_about_samples};
use super::message::{TimeSeries, WriteRequest};
use super::sender::RemoteWriteSender;

/// Requests spent on the samples of one moment before what is still refused is dropped in the groups in
/// which it was refused: enough to find some 40 bad samples among 5,000. Groups that were not yet tried
/// are tried once more, so it may be twice as many. Without a bound, a body that is refused whole would be
/// 10,000 requests.
const REQUESTS_MAX: usize = 500;

/// Samples that the receiver will never take, by reason.
///
/// Not all of them are lost: a Prometheus without an `out_of_order_time_window` refuses as out of order what
/// it has already, when a body comes again after its series went on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Before the receiver's window.
    pub too_old: u64,
    /// The series has a later sample.
    pub out_of_order: u64,
    /// The series has another value at that moment.
    pub duplicate: u64,
    /// Anything else.
    pub refused: u64,
}

/// What became of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was given up.
    pub dropped: Dropped,
    /// The receiver's text for the first sample that was given up.
    pub first_refusal: Option<String>,
    /// Whether something is left to do.
    pub ending: Ending,
}

/// Whether something is left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Each sample is delivered or dropped.
    Finished,
    /// The receiver may take the rest later.
    Retry {
        /// How long it asks to be left alone.
        after: Option<Duration>,
        /// Why, fit for a log.
        text: String,
        /// What is left, in the order to send it.
        remaining: Vec<Body>,
    },
    /// The receiver takes nothing as it is configured: wrong credentials, path or protocol. A person must
    /// act; nothing was dropped for this.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Why, fit for a log.
        text: String,
        /// What is left, in the order to send it.
        remaining: Vec<Body>,
    },
}

impl Dropped {
    /// Each reason and its number, in a fixed order.
    pub fn by_reason(&self) -> [(DropReason, u64); 4] {
        [
            (DropReason::TooOld, self.too_old),
            (DropReason::OutOfOrder, self.out_of_order),
            (DropReason::Duplicate, self.duplicate),
            (DropReason::Refused, self.refused),
        ]
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_reason().iter().map(|(_, samples)| samples).sum()
    }

    fn add(&mut self, reason: DropReason, samples: usize) {
        let number = match reason {
            DropReason::TooOld => &mut self.too_old,
            DropReason::OutOfOrder => &mut self.out_of_order,
            DropReason::Duplicate => &mut self.duplicate,
            DropReason::Refused => &mut self.refused,
        };
        *number += samples as u64;
    }
}

impl RemoteWriteSender {
    /// Sends `body`; where the receiver refuses some of its samples, sends the others and drops those.
    ///
    /// Sending a body again that was delivered, in whole or in part, changes nothing at the receiver (but
    /// see [`Dropped`] for what it may say).
    ///
    /// # Errors
    ///
    /// When the body was refused and cannot be decoded to be cut.
    pub async fn deliver_or_bisect(&mut self, body: &Body) -> Result<Outcome, BodyError> {
        let delivery = self.send(body).await;
        let mut bisection = Bisection { dropped: Dropped::default(), first_refusal: None };
        let ending = match ending(delivery, || vec![body.clone()]) {
            Ok(ending) => ending,
            Err(text) => bisection.cut(self, by_time(body.decode()?), text).await,
        };
        Ok(Outcome { dropped: bisection.dropped, first_refusal: bisection.first_refusal, ending })
    }
}

/// The end that a delivery is, or the receiver's text when the body is to be cut.
fn ending(delivery: Delivery, remaining: impl FnOnce() -> Vec<Body>) -> Result<Ending, String> {
    match delivery {
        Delivery::Delivered => Ok(Ending::Finished),
        Delivery::Retry { after, text } => Ok(Ending::Retry { after, text, remaining: remaining() }),
        Delivery::Refused { status, text } if is_about_samples(status) => Err(text),
        Delivery::Refused { status, text } => Ok(Ending::Refused { status, text, remaining: remaining() }),
    }
}

struct Bisection {
    dropped: Dropped,
    first_refusal: Option<String>,
}

impl Bisection {
    /// Delivers what it can of `parts`, which together were refused with `text`.
    async fn cut(
        &mut self,
        sender: &mut RemoteWriteSender,
        mut parts: VecDeque<Vec<TimeSeries>>,
        text: String,
    ) -> Ending {
        // A body of one moment was refused already, so it is not asked for again.
        let mut known_refusal = (parts.len() == 1).then_some(text);
        while let Some(part) = parts.pop_front() {
            let mut groups = VecDeque::from([part]);
            let mut requests = 0;
            while let Some(group) = groups.pop_front() {
                let text = match known_refusal.take() {
                    Some(text) => text,
                    None => {
                        requests += 1;
                        let body = Body::pack(group.clone());
                        match ending(sender.send(&body).await, || remaining(&group, &groups, &parts)) {
                            Ok(Ending::Finished) => continue,
                            Ok(ending) => return ending,
                            Err(text) => text,
                        }
                    }
                };
                if group.len() > 1 && requests < REQUESTS_MAX {
                    groups.extend(halves(group));
                } else {
                    self.give_up(group.len(), text);
                }
            }
        }
        Ending::Finished
    }

    fn give_up(&mut self, samples: usize, text: String) {
        self.dropped.add(DropReason::of(&text), samples);
        self.first_refusal.get_or_insert(text);
    }
}

/// One sample per series, grouped by time, earliest first.
fn by_time(request: WriteRequest) -> VecDeque<Vec<TimeSeries>> {
    let mut parts: BTreeMap<i64, Vec<TimeSeries>> = BTreeMap::new();
    for series in request.timeseries {
        for sample in series.samples {
            let one = TimeSeries { labels: series.labels.clone(), samples: vec![sample] };
            parts.entry(sample.timestamp).or_default().push(one);
        }
    }
    parts.into_values().collect()
}

fn halves(mut group: Vec<TimeSeries>) -> [Vec<TimeSeries>; 2] {
    let second = group.split_off(group.len() / 2);
    [group, second]
}

fn remaining(
    group: &[TimeSeries],
    groups: &VecDeque<Vec<TimeSeries>>,
    parts: &VecDeque<Vec<TimeSeries>>,
) -> Vec<Body> {
    let current = group.iter().chain(groups.iter().flatten()).cloned().collect();
    std::iter::once(Body::pack(current)).chain(parts.iter().map(|part| Body::pack(part.clone()))).collect()
}

#[cfg(test)]
mod tests;
