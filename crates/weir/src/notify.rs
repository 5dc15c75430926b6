//! `weir notify test`: does a message reach its receiver?
//!
//! By the code that sends real ones, with the config and the secrets as they are now, at once and without a
//! server: whoever sets up mail wants the mail server's own words.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use weir_alert::notification::{GroupId, Incident, Notification, Reason};
use weir_alert::{Alert, Labels};

use crate::cli::ConfigArgument;
use crate::clock;
use crate::output::{harmless, say};
use crate::serve::Address;
use crate::{admin, setup};

/// `weir notify`.
#[derive(Debug, Args)]
pub struct NotifyArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: NotifyCommand,
}

/// What to try.
#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// Send a test message to every address of a receiver.
    Test {
        /// The receiver's name in the config.
        #[arg(value_name = "RECEIVER")]
        receiver: String,
        #[command(flatten)]
        config: ConfigArgument,
    },
}

/// Runs the command.
///
/// # Errors
///
/// No such receiver, or a config or a secret that cannot be read.
pub fn run(arguments: &NotifyArguments) -> anyhow::Result<ExitCode> {
    let NotifyCommand::Test { receiver, config } = &arguments.command;
    let config = setup::load_config(config.config.as_deref())?;
    let receivers = config.notifications.routing.as_ref().map(|routing| routing.receivers.as_slice());
    let receivers = receivers.context("the config has no `notifications` with receivers")?;
    let Some(found) = receivers.iter().find(|one| one.name == *receiver) else {
        let names: Vec<&str> = receivers.iter().map(|one| one.name.as_str()).collect();
        bail!("no receiver is named `{receiver}`; there is {}", names.join(", "));
    };
    let addresses = Address::of(found, &config)?;
    if addresses.is_empty() {
        bail!("the receiver `{receiver}` has neither email_configs nor webhook_configs: it tells nobody");
    }
    let external_url = config.http.external_url.clone().unwrap_or_default();
    let notification = test_notification(receiver, &external_url);
    let all_taken = admin::runtime()?.block_on(async {
        let mut all_taken = true;
        for address in addresses {
            let parcel = address.parcel(&notification, &BTreeMap::new(), &external_url);
            let sent = match parcel {
                Ok(parcel) => address.send(&parcel).await.map_err(|failure| failure.to_string()),
                Err(error) => Err(error),
            };
            match sent {
                Ok(()) => say(&format_args!("{receiver}: {}: taken", address.shown())),
                Err(error) => {
                    all_taken = false;
                    say(&format_args!("{receiver}: {}: not taken: {}", address.shown(), harmless(&error)));
                }
            }
        }
        all_taken
    });
    Ok(if all_taken { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn test_notification(receiver: &str, external_url: &str) -> Notification {
    let now = clock::now();
    let labels: Labels = [("alertname".into(), "WeirTest".into()), ("severity".into(), "none".into())].into();
    let summary = "a test message: nothing is wrong";
    let alert = Alert {
        labels,
        annotations: [("summary".into(), summary.into())].into(),
        starts_at: now,
        ends_at: None,
        generator_url: external_url.to_owned(),
    };
    Notification {
        receiver: receiver.into(),
        integration: 0,
        group: GroupId(0),
        group_key: "{}:{alertname=\"WeirTest\"}".into(),
        group_labels: [("alertname".into(), "WeirTest".into())].into(),
        alerts: vec![alert],
        reason: Reason::First,
        incident: Incident { id: now.micros().unsigned_abs(), messages: 0, title: summary.into() },
        at: now,
    }
}
