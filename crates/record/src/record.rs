//! What a line is: a request, which is counted, or an event, which is only kept.
//!
//! A view that borrows what the parser made, not an owner: a request is half a kilobyte of fields, and moving
//! each one into an enum would cost the counting path a copy per line for the sake of the few who read events.
//! An event keeps its line and nothing else; its fields are read when somebody asks for them.

use crate::request::Request;
use crate::timestamp::Timestamp;

/// What a line that could be read says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A request of an access log.
    Request(&'a Request<'a>),
    /// Anything else that has a time.
    Event(Event<'a>),
}

/// Something that happened at a time, of which nothing is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// When it happened.
    pub time: Timestamp,
    /// Its line, without the line end; [`crate::other_fields()`] gives what is in it.
    pub line: &'a [u8],
}

impl<'a> Record<'a> {
    /// When the response was sent, or the event happened.
    pub fn time(self) -> Timestamp {
        match self {
            Record::Request(request) => request.time,
            Record::Event(event) => event.time,
        }
    }

    /// The request, if it is one.
    pub fn request(self) -> Option<&'a Request<'a>> {
        match self {
            Record::Request(request) => Some(request),
            Record::Event(_) => None,
        }
    }
}
