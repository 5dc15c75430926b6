//! How people and other programs are told of alerts: mail, webhooks, a real Alertmanager.
//!
//! What a message says and how it is sent are apart: a message is made once, when it is decided, and kept as the
//! bytes that leave, so that trying again sends the same. Whether that can help is part of each answer.

mod alertmanager;
mod delivery;
mod mail;
mod masking;
mod webhook;

pub use alertmanager::{AlertmanagerSender, PushOutcome};
pub use delivery::Failure;
pub use mail::{
    Account, Budget, Delay, Digest, DigestRow, Envelope, LINK, Login, MailContent, MailMessage, MailOptions,
    MailParts, MailSender, MailSenderError, Measured, Resolution, SEARCH, Secrecy, Share, ShareTable,
    SlowLine, TlsMode, WORST, is_address, mail_of_digest, mail_of_notification, mail_parts,
};
pub use masking::masked;
pub use webhook::{WebhookSender, WebhookSenderOptions, webhook_body};
