//! Starts a source of GELF or syslog: a socket for each address, all of them before the server says that it has
//! started.
//!
//! Datagrams are read by threads, since what is not read in time is lost; connections by tasks, since they wait.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use weir_ingest::sockets::{FRAME_TIME_MAX, TcpReceiver, TcpSettings, UdpReceiver, UdpSettings};
use weir_ingest::tls_acceptor;

use super::intake::Intake;
use super::message_sink::{Completeness, CountingMessages};
use super::received::Received;
use super::sources::{Shared, end_messages, start_messages};
use crate::config::SocketInput;

/// Starts the source; the handle completes when it has ended.
///
/// # Errors
///
/// An address that cannot be listened on, a certificate that cannot be used, or a thread that cannot be started.
pub async fn start(
    input: &SocketInput,
    intake: Intake,
    shared: &Shared,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<JoinHandle<()>> {
    let name = Arc::clone(&intake.source);
    let udp = bind_udp(input, &name)?;
    let tcp = bind_tcp(input, &name).await?;
    let received = Received {
        protocol: input.protocol.name(),
        datagrams: udp.iter().map(UdpReceiver::counts).collect(),
        connections: tcp.iter().map(TcpReceiver::counts).collect(),
    };
    shared.state.lock().own.received.insert(Arc::clone(&name), received);
    let (messages, thread) = start_messages(intake, shared, Completeness::WhenIdle)?;
    let mut running = Vec::new();
    for receiver in udp {
        running.push(start_udp(receiver, &name, &messages, stop.clone())?);
    }
    for receiver in tcp {
        running.push(tokio::spawn(receiver.run(Arc::new(messages.clone()), stop.clone())));
    }
    Ok(tokio::spawn(async move {
        for receiver in running {
            // One that has failed has said so.
            let _ = receiver.await;
        }
        end_messages(&messages, thread).await;
    }))
}

fn bind_udp(input: &SocketInput, source: &str) -> anyhow::Result<Vec<UdpReceiver>> {
    let bind = |&listen: &SocketAddr| {
        let settings = UdpSettings {
            source: source.to_owned(),
            listen,
            protocol: input.protocol,
            allowed: input.allowed.clone().unwrap_or_default(),
            receive_buffer_bytes: input.receive_buffer_bytes,
        };
        let receiver = UdpReceiver::bind(settings).with_context(|| cannot_listen("UDP", listen))?;
        tracing::info!(source, transport = "udp", address = %receiver.local_addr()?, "listening");
        Ok(receiver)
    };
    input.udp.iter().map(bind).collect()
}

async fn bind_tcp(input: &SocketInput, source: &str) -> anyhow::Result<Vec<TcpReceiver>> {
    let tls = input.tls.as_ref().map(|files| tls_acceptor(&files.cert_file, &files.key_file)).transpose()?;
    let transport = if tls.is_some() { "tls" } else { "tcp" };
    // Who can be reached by other machines without a list has TLS.
    let allowed =
        if tls.is_some() { input.allowed.clone() } else { Some(input.allowed.clone().unwrap_or_default()) };
    let mut receivers = Vec::new();
    for &listen in &input.tcp {
        let settings = TcpSettings {
            source: source.to_owned(),
            listen,
            protocol: input.protocol,
            allowed: allowed.clone(),
            tls: tls.clone(),
            frame_time_max: FRAME_TIME_MAX,
        };
        let receiver = TcpReceiver::bind(settings).await.with_context(|| cannot_listen("TCP", listen))?;
        tracing::info!(source, transport, address = %receiver.local_addr()?, "listening");
        receivers.push(receiver);
    }
    Ok(receivers)
}

fn cannot_listen(transport: &str, address: SocketAddr) -> String {
    format!("cannot listen on {transport} {address}; does another program, such as Logstash, listen there?")
}

/// Runs a receiver of datagrams in a thread of its own; the handle completes when it has ended.
fn start_udp(
    receiver: UdpReceiver,
    source: &Arc<str>,
    messages: &CountingMessages,
    stop: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let (source, messages, runtime) = (Arc::clone(source), messages.clone(), Handle::current());
    let (ended, has_ended) = tokio::sync::oneshot::channel();
    let name = format!("udp {source}");
    std::thread::Builder::new().name(name).spawn(move || {
        if let Err(error) = receiver.run(&messages, &runtime, &stop) {
            tracing::error!(source = %source, error = %error, "a socket has failed; nothing is read from it any more");
        }
        // Nobody listens any more if the server has failed.
        let _ = ended.send(());
    })?;
    Ok(tokio::spawn(async move {
        let _ = has_ended.await;
    }))
}
