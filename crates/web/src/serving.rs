//! Connections: how many there may be, and how long each may take to say what it wants.
//!
//! Anybody who reaches the port can open connections and send nothing, or a byte a minute, and nobody has to say who
//! he is for that. So a request's head has a time limit, connections have a bound, and one address can take only a
//! part of it, so that it cannot keep out all others. Nor may he who asked leave the answer where it is for long. What
//! is beyond the bound waits in the system's queue; what one address has too many of is closed at once.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::attempts::network;
use crate::slow_reader::TimedStream;

/// The largest head of a request, in bytes: tokens and cookies of a whole domain fit.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Lines of a head at most.
const HEAD_LINES_MAX: usize = 128;

/// Bounds on connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How long the head of a request may take, and how long a connection may be idle between two.
    pub head_timeout: Duration,
    /// How long the body of a question to the API may take.
    pub body_timeout: Duration,
    /// How long the client may read nothing of an answer that waits for it.
    pub stall_timeout: Duration,
    /// What large answers may take in memory until they are read, in bytes; of one address half.
    pub answer_bytes_max: usize,
    /// Connections at the same time.
    pub connections_max: usize,
    /// Of one address.
    pub of_address_max: usize,
}

impl Default for ConnectionLimits {
    /// A minute, as nginx allows, and half of one for a body of 2 MiB at most; a minute without a byte read, as
    /// exports have; 256 MiB of answers, which is what one question may take; a thousand connections, of which an
    /// address may have half, as a proxy in front makes all of them.
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(60),
            answer_bytes_max: 256 << 20,
            connections_max: 1_024,
            of_address_max: 512,
        }
    }
}

/// What connections come from.
pub(crate) trait Peers: Listener {
    /// The address that a request is said to come from.
    fn address(peer: &Self::Addr) -> SocketAddr;
}

impl Peers for TcpListener {
    fn address(peer: &SocketAddr) -> SocketAddr {
        *peer
    }
}

impl Peers for UnixListener {
    fn address(_: &Self::Addr) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }
}

/// Serves until `stop` completes; requests under way are answered first. All connections end with the future.
pub(crate) async fn serve<L: Peers>(
    mut listener: L,
    router: Router,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()> + Send,
) {
    let (stopping, stopped) = watch::channel(false);
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let addresses: Arc<Addresses> = Arc::default();
    let mut connections = JoinSet::new();
    let accept_all = async {
        loop {
            // It is never closed.
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            let (stream, peer) = listener.accept().await;
            while connections.try_join_next().is_some() {}
            let peer = L::address(&peer);
            let Some(place) = Addresses::enter(&addresses, network(peer.ip()), limits.of_address_max) else {
                continue;
            };
            let connection = answer(stream, peer, router.clone(), limits, stopped.clone());
            connections.spawn(async move {
                connection.await;
                drop((permit, place));
            });
        }
    };
    tokio::select! {
        () = accept_all => {}
        () = stop => {}
    }
    drop(listener);
    let _ = stopping.send(true);
    while connections.join_next().await.is_some() {}
}

/// Answers the requests of one connection.
async fn answer<S>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    limits: ConnectionLimits,
    mut stopped: watch::Receiver<bool>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(TimedStream::new(stream, limits.stall_timeout));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
    builder.max_buf_size(HEAD_BYTES_MAX).max_header_size(HEAD_BYTES_MAX).max_headers(HEAD_LINES_MAX);
    let mut connection = std::pin::pin!(builder.serve_connection(stream, service));
    // How a connection ends, its client knows better; there is nobody else to tell.
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stopped.wait_for(|stopped| *stopped) => None,
    };
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// How many connections each address has.
#[derive(Default)]
struct Addresses {
    counts: Mutex<HashMap<IpAddr, usize>>,
}

/// One of an address' connections.
struct Place {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    /// A place for one more, until it is dropped; `None` where the address has enough.
    fn enter(addresses: &Arc<Self>, address: IpAddr, max: usize) -> Option<Place> {
        let mut counts = addresses.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place { addresses: Arc::clone(addresses), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}
