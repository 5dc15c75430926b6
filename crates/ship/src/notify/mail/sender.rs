//! Hands mail to a server.
//!
//! STARTTLS is required unless the config says otherwise; where the server does not offer it nothing is sent, the
//! password least of all. Who of several receivers is refused does not keep the mail from the others.

use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport, Tokio1Executor};

use super::message::Envelope;
use crate::notify::delivery::Failure;

/// Characters of a server's answer that are shown.
const ANSWER_CHARS_MAX: usize = 500;

/// How a connection is kept from being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// STARTTLS, or nothing is sent.
    #[default]
    StartTls,
    /// TLS from the first byte on, as on port 465.
    Implicit,
    /// Not at all.
    None,
}

/// How to log in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
}

/// Where mail is handed over.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What we call ourselves.
    pub hello: String,
    /// How the connection is kept from being read.
    pub tls: TlsMode,
    /// The name in its certificate, where that is another.
    pub server_name: Option<String>,
    /// Certificates in PEM that are trusted beside the system's.
    pub ca_pem: Option<String>,
    /// Whether any certificate will do.
    pub takes_any_certificate: bool,
    /// How to log in, by PLAIN or LOGIN.
    pub login: Option<Login>,
    /// How long one mail may take.
    pub timeout: Duration,
}

/// Why an account cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailSenderError {
    /// The file with certificates.
    #[error("the file of `ca_file` holds no certificate in PEM")]
    Certificate,
    /// The system's certificates, or the name of the server.
    #[error("cannot prepare TLS: {0}")]
    Tls(String),
}

/// Hands mail to one server.
pub struct MailSender {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
}

impl MailSender {
    /// One for an account; opens nothing yet.
    ///
    /// # Errors
    ///
    /// Certificates that cannot be read.
    pub fn new(account: &Account) -> Result<Self, MailSenderError> {
        let tls = match account.tls {
            TlsMode::StartTls => Tls::Required(parameters(account)?),
            TlsMode::Implicit => Tls::Wrapper(parameters(account)?),
            TlsMode::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&account.host)
            .port(account.port)
            .hello_name(ClientId::Domain(account.hello.clone()))
            .timeout(Some(account.timeout))
            .tls(tls);
        if let Some(Login { username, password }) = &account.login {
            builder = builder
                .credentials(Credentials::new(username.clone(), password.clone()))
                .authentication(vec![Mechanism::Plain, Mechanism::Login]);
        }
        Ok(Self { transport: builder.build(), timeout: account.timeout })
    }

    /// Hands over one mail.
    ///
    /// # Errors
    ///
    /// It was not taken for somebody.
    pub async fn send(&self, envelope: &Envelope, bytes: &[u8]) -> Result<(), Failure> {
        match self.send_once(envelope, bytes).await {
            Err(Failure::Refused { .. }) if envelope.to.len() > 1 => {}
            outcome => return outcome,
        }
        // One of them is refused; the others shall have it.
        let mut refused = None;
        for one in envelope.split() {
            match self.send_once(&one, bytes).await {
                Ok(()) => {}
                Err(Failure::Refused { text }) => {
                    refused.get_or_insert(text);
                }
                // To try all again would send it twice to some: that is better than not at all.
                Err(failure) => return Err(failure),
            }
        }
        match refused {
            Some(text) => Err(Failure::Refused { text }),
            None => Ok(()),
        }
    }

    async fn send_once(&self, envelope: &Envelope, bytes: &[u8]) -> Result<(), Failure> {
        let envelope = envelope.to_library().map_err(Failure::refused)?;
        // The library has a limit for connecting only.
        match tokio::time::timeout(self.timeout, self.transport.send_raw(&envelope, bytes)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::retry(format!("no answer within {} s", self.timeout.as_secs_f64()))),
        }
    }
}

/// A password that is wrong today may be right tomorrow, and so may a certificate: only what the server says of
/// this mail or this receiver is final.
fn failure(error: &Error) -> Failure {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    let text = super::document::clean(&text, ANSWER_CHARS_MAX);
    let code: Option<u16> = error.status().and_then(|code| code.to_string().parse().ok());
    match code {
        Some(530 | 534 | 535 | 538) => Failure::retry(text),
        Some(500..=599) => Failure::refused(text),
        _ => Failure::retry(text),
    }
}

fn parameters(account: &Account) -> Result<TlsParameters, MailSenderError> {
    let name = account.server_name.clone().unwrap_or_else(|| account.host.clone());
    let mut builder =
        TlsParameters::builder(name).dangerous_accept_invalid_certs(account.takes_any_certificate);
    if let Some(pem) = &account.ca_pem {
        let certificate = Certificate::from_pem(pem.as_bytes()).map_err(|_| MailSenderError::Certificate)?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| MailSenderError::Tls(error.to_string()))
}
