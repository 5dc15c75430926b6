//! What is sent to a socket of ours.
//!
//! GELF and syslog have a socket's life in common: datagrams that the kernel drops where nobody reads them in time,
//! connections that are too many, too slow or too silent, frames that are too long. They differ in where a message
//! begins and ends, and only there.

/// How messages are put into datagrams and streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Datagrams that may be packed or parts of messages; frames that end in a NUL.
    Gelf,
    /// A message per datagram; frames by count or by line (RFC 5426, RFC 6587).
    Syslog,
}

impl Protocol {
    /// Its name in the config and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Gelf => "gelf",
            Protocol::Syslog => "syslog",
        }
    }
}
