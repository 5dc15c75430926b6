//! Lines without a format: each is the message of an event.
//!
//! For logs of which only the words matter. Such a line says nothing of its time that could be relied on, so it has
//! that of its arrival, and a file of which nobody knows when it was written has none.

use crate::record::Event;
use crate::reject::{Reason, Reject};
use crate::timestamp::Timestamp;
use crate::value::{Value, logged_text};

/// Reads one line, without its line end.
///
/// # Errors
///
/// [`Reason::BadTime`] where nobody says when it arrived.
pub fn parse(line: &[u8], received_at: Option<Timestamp>) -> Result<Event<'_>, Reject> {
    let time = received_at.ok_or(Reject::at(Reason::BadTime, 0))?;
    Ok(Event { time, line })
}

/// Its only field.
pub(crate) fn other_fields<'a>(line: &'a [u8], each: &mut dyn FnMut(&str, Value<'a>)) {
    each("message", Value::Text(logged_text(line)));
}
