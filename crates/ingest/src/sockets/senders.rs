//! What is said of a message by who sent it.
//!
//! The same few machines send everything, so the texts made of their addresses are kept; how many is bounded, since
//! an address of a datagram can be forged.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use weir_record::Value;

use crate::Message;

/// Senders whose texts are kept; beyond it all are made anew.
const SENDERS_MAX: usize = 4_096;

/// Makes messages of what senders of one transport sent.
pub(super) struct Senders {
    transport: &'static str,
    known: HashMap<IpAddr, Arc<str>>,
}

impl Senders {
    pub(super) fn new(transport: &'static str) -> Self {
        Self { transport, known: HashMap::new() }
    }

    /// The message of a sender, with its address as Logstash names it.
    pub(super) fn message(&mut self, sender: IpAddr, bytes: Vec<u8>) -> Message {
        if self.known.len() >= SENDERS_MAX && !self.known.contains_key(&sender) {
            self.known.clear();
        }
        let origin =
            self.known.entry(sender).or_insert_with(|| format!("{} {sender}", self.transport).into());
        let mut message = Message::new(bytes, Arc::clone(origin));
        let address = Value::Text(Cow::Owned(sender.to_string()));
        message.fields.push((Cow::Borrowed("source_host"), address));
        message
    }
}
