//! Mail about alerts: what it says, how that is written, and how it is handed over.
//!
//! Reading order: `content` is what a mail says of an alert, `document` puts it in order once, `text` and `html`
//! write that order down, `message` makes a mail of both, `sender` hands it to a server.

mod content;
mod document;
mod html;
mod message;
mod sender;
mod text;

#[cfg(test)]
mod tests;

pub use content::{
    Budget, Delay, LINK, MailContent, Measured, Resolution, SEARCH, Share, ShareTable, SlowLine, WORST,
};
pub use document::{Digest, DigestRow, MailParts, Secrecy, mail_parts};
pub use message::{Envelope, MailMessage, MailOptions, is_address, mail_of_digest, mail_of_notification};
pub use sender::{Account, Login, MailSender, MailSenderError, TlsMode};
