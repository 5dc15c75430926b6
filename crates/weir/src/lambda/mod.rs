//! `weir lambda`: the function that AWS Lambda runs, from its start to its answers.
//!
//! Lambda keeps no state between two events, so nothing is counted up here: each object becomes a push, and the
//! gateway adds. That the same object counts once, however often Lambda tries, is the gateway's doing, by the key
//! of the push. Everything that cannot work is said before the first event, where Lambda shows it to whoever
//! deploys, and not with the first lost object.

mod function;
mod object_pusher;
mod runtime_interface;
mod settings;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use weir_ingest::s3::S3Settings;
use weir_record::Format;
use weir_ship::GatewayTarget;

use crate::clock;
use crate::config::Config;
use crate::setup;
use crate::shaping::Shaping;

use function::{Function, time_left};
use object_pusher::{ObjectPusher, Plan};
use runtime_interface::{Failure, InterfaceError, Invocation, RuntimeInterface};
use settings::Settings;

/// How long a push is repeated. Lambda's own deadline may come earlier.
const PUSH_DEADLINE: Duration = Duration::from_secs(20);

/// Runs the command: answers events until Lambda ends the process.
///
/// # Errors
///
/// Outside of Lambda, when the function cannot start, or when the runtime interface is gone.
pub fn run() -> anyhow::Result<ExitCode> {
    let address = setup::environment("AWS_LAMBDA_RUNTIME_API").filter(|address| !address.is_empty());
    let address = address.context(
        "AWS_LAMBDA_RUNTIME_API is not set, so this is not AWS Lambda, where alone `weir lambda` works; use `weir \
         push` to push files from here",
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let interface = RuntimeInterface::new(&address);
        match start() {
            Ok(function) => serve(&interface, &function).await,
            Err(error) => {
                let failure = Failure { kind: "Weir.InitError", text: format!("{error:#}") };
                if let Err(error) = interface.fail_to_start(&failure).await {
                    tracing::warn!(error = %error, "cannot tell Lambda that the function does not start");
                }
                Err(error)
            }
        }
    })
}

/// Everything but the first connection to S3 and to the gateway.
fn start() -> anyhow::Result<Function> {
    let settings = Settings::read(setup::environment)?;
    let config = setup::load_config(None)?;
    let enricher = setup::enricher(&config, None)?;
    let target =
        GatewayTarget::new(&settings.push_endpoint, &settings.job, &settings.authorization, PUSH_DEADLINE)
            .context("PUSH_ENDPOINT, USERNAME or PASSWORD cannot be used")?;
    tracing::info!(push_url = target.url(), "started");
    Ok(Function::new(ObjectPusher::new(Plan {
        target,
        job: settings.job,
        source: config.sources.first().map_or_else(String::new, |source| source.name.clone()),
        format: config.sources.first().map_or(Some(Format::Alb), |source| source.format),
        limits: setup::read_limits(&config.limits),
        meter_options: setup::meter_options(&config, &enricher, false),
        s3: s3_settings(&config),
        shaping: Shaping::new(&config)?,
        enricher,
    })))
}

/// How objects are reached: as the first source that reads a bucket does, else as the environment says.
fn s3_settings(config: &Config) -> S3Settings {
    let access = config.sources.iter().find_map(|source| source.input.aws());
    access.map_or_else(S3Settings::default, |access| S3Settings {
        region: access.region.clone(),
        endpoint_url: access.endpoint_url.clone(),
        path_style: access.is_path_style,
    })
}

async fn serve(interface: &RuntimeInterface, function: &Function) -> anyhow::Result<ExitCode> {
    loop {
        let invocation = interface.next().await?;
        if let Err(error) = answer(interface, function, invocation).await {
            if !error.is_of_the_answer() {
                return Err(error.into());
            }
            tracing::error!(error = %error, "Lambda did not take the answer; it will see the event as failed");
        }
    }
}

async fn answer(
    interface: &RuntimeInterface,
    function: &Function,
    invocation: Invocation,
) -> Result<(), InterfaceError> {
    let Invocation { request_id, deadline, event } = invocation;
    let left = deadline.map(|deadline| time_left(deadline, clock::now()));
    match function.answer(&event, left).await {
        Ok(answer) => interface.respond(&request_id, &answer).await,
        Err(failure) => {
            tracing::warn!(request_id, kind = failure.kind, "the event failed; Lambda gives it again");
            interface.fail(&request_id, &failure).await
        }
    }
}
