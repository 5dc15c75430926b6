//! The addresses of the config, with their secrets, ready to be sent to.
//!
//! `weir notify test` uses the same ones: a test that went another way than the real messages would prove nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use weir_alert::Fingerprint;
use weir_alert::notification::Notification;
use weir_record::Timestamp;
use weir_ship::Authorization;
use weir_ship::notify::{
    Account, Digest, Failure, Login, MailContent, MailOptions, MailSender, Secrecy, WebhookSender,
    WebhookSenderOptions, mail_of_digest, mail_of_notification, webhook_body,
};

use super::super::http::secret;
use super::outbox::{AddressId, Parcel};
use crate::config::{Config, Email, Receiver, Secret, Webhook, WebhookLogin};

/// How long handing over one mail may take; servers that look for spam take their time.
const MAIL_TIMEOUT: Duration = Duration::from_secs(60);

/// Where messages of one `email_configs` or `webhook_configs` go.
pub struct Address {
    /// Which one it is.
    pub id: AddressId,
    way: Way,
}

enum Way {
    Mail { options: MailOptions, sender: Box<MailSender> },
    Webhook { sender: Box<WebhookSender>, host: String, alerts_max: usize },
}

/// All addresses of a config.
///
/// # Errors
///
/// A secret or a certificate that cannot be read.
pub fn addresses(config: &Config) -> anyhow::Result<Vec<Address>> {
    let receivers = config.notifications.routing.iter().flat_map(|routing| &routing.receivers);
    let mut addresses = Vec::new();
    for receiver in receivers {
        addresses.extend(Address::of(receiver, config)?);
    }
    Ok(addresses)
}

impl Address {
    /// Those of one receiver.
    ///
    /// # Errors
    ///
    /// A secret or a certificate that cannot be read.
    pub fn of(receiver: &Receiver, config: &Config) -> anyhow::Result<Vec<Self>> {
        let external_url = config.http.external_url.clone().unwrap_or_default();
        let secrecy = config.notifications.personal_data;
        let mail = receiver.emails.iter().map(|email| mail(email, secrecy, &external_url));
        let webhook_secret = config.notifications.webhook_secret_file.as_deref().map(secret).transpose()?;
        let webhooks = receiver.webhooks.iter().map(|one| webhook(one, webhook_secret.clone()));
        let ways = mail.chain(webhooks).collect::<anyhow::Result<Vec<Way>>>();
        let ways = ways.with_context(|| format!("cannot use the receiver {}", receiver.name))?;
        let address = |(at, way)| Self { id: AddressId::new(&receiver.name, at), way };
        Ok(ways.into_iter().enumerate().map(address).collect())
    }

    /// Whether people read what comes there.
    pub fn is_mail(&self) -> bool {
        matches!(self.way, Way::Mail { .. })
    }

    /// How it is told.
    pub fn kind(&self) -> &'static str {
        match &self.way {
            Way::Mail { .. } => "mail",
            Way::Webhook { .. } => "webhook",
        }
    }

    /// Where that goes: the rest of a webhook's address may be a secret.
    pub fn to(&self) -> String {
        match &self.way {
            Way::Mail { options, .. } => options.to.join(", "),
            Way::Webhook { host, .. } => host.clone(),
        }
    }

    /// What is told of it on a terminal.
    pub fn shown(&self) -> String {
        match &self.way {
            Way::Mail { options, .. } => format!("mail to {}", options.to.join(", ")),
            Way::Webhook { .. } => "webhook".to_owned(),
        }
    }

    /// The message of a notification.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn parcel(
        &self,
        notification: &Notification,
        contents: &BTreeMap<Fingerprint, MailContent>,
        external_url: &str,
    ) -> Result<Parcel, String> {
        match &self.way {
            Way::Mail { options, .. } => {
                let message = mail_of_notification(options, notification, contents)?;
                Ok(Parcel::Mail { envelope: message.envelope, bytes: message.bytes })
            }
            Way::Webhook { alerts_max, .. } => Ok(Parcel::Webhook {
                body: webhook_body(notification, *alerts_max, external_url),
                delivery: format!("{:016x}.{}", notification.incident.id, notification.incident.messages),
            }),
        }
    }

    /// The message of a digest.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn digest(&self, digest: &Digest, thread: (&str, u32), now: Timestamp) -> Result<Parcel, String> {
        match &self.way {
            Way::Mail { options, .. } => {
                let message = mail_of_digest(options, digest, thread, now)?;
                Ok(Parcel::Mail { envelope: message.envelope, bytes: message.bytes })
            }
            Way::Webhook { .. } => Err("a webhook takes no digest".to_owned()),
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// It was not taken.
    pub async fn send(&self, parcel: &Parcel) -> Result<(), Failure> {
        match (&self.way, parcel) {
            (Way::Mail { sender, .. }, Parcel::Mail { envelope, bytes }) => {
                sender.send(envelope, bytes).await
            }
            (Way::Webhook { sender, .. }, Parcel::Webhook { body, delivery }) => {
                sender.send(body.clone(), delivery).await
            }
            _ => Err(Failure::Refused { text: "the receiver is another one than it was".to_owned() }),
        }
    }
}

fn mail(email: &Email, secrecy: Secrecy, external_url: &str) -> anyhow::Result<Way> {
    let login = email.login.as_ref().map(|login| -> anyhow::Result<Login> {
        Ok(Login { username: login.username.clone(), password: secret_text(&login.password)? })
    });
    let read = |path: &Path| {
        std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the certificate in {}", path.display()))
    };
    let account = Account {
        host: email.host.clone(),
        port: email.port,
        hello: email.hello.clone(),
        tls: email.tls,
        server_name: email.server_name.clone(),
        ca_pem: email.ca_file.as_deref().map(read).transpose()?,
        takes_any_certificate: email.takes_any_certificate,
        login: login.transpose()?,
        timeout: MAIL_TIMEOUT,
    };
    let options = MailOptions {
        from: email.from.clone(),
        to: email.to.clone(),
        headers: email.headers.clone(),
        secrecy,
        external_url: external_url.to_owned(),
    };
    Ok(Way::Mail { options, sender: Box::new(MailSender::new(&account)?) })
}

fn webhook(webhook: &Webhook, secret: Option<String>) -> anyhow::Result<Way> {
    let authorization = match &webhook.login {
        WebhookLogin::None => Authorization::None,
        WebhookLogin::Basic { username, password } => {
            Authorization::Basic { username: username.clone(), password: secret_text(password)? }
        }
        WebhookLogin::Bearer(token) => Authorization::Bearer(secret_text(token)?),
    };
    let options = WebhookSenderOptions {
        url: secret_text(&webhook.url)?,
        authorization,
        secret,
        timeout: webhook.timeout,
    };
    let host = host_of(&options.url).to_owned();
    let sender = Box::new(WebhookSender::new(options)?);
    Ok(Way::Webhook { sender, host, alerts_max: webhook.alerts_max })
}

/// The host and port of an address, without a login.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn secret_text(text: &Secret) -> anyhow::Result<String> {
    match text {
        Secret::Inline(text) => Ok(text.clone()),
        Secret::File(path) => secret(path),
    }
}
