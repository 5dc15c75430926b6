//! `type: gelf` and `type: syslog`: the addresses that are listened on, and who may send there.
//!
//! UDP and plain TCP have no passwords, so an address that other machines reach is refused unless the config says
//! which of them may send: open is a decision that somebody wrote down.

use std::net::SocketAddr;
use std::path::PathBuf;

use weir_ingest::sockets::RECEIVE_BUFFER_BYTES_DEFAULT;
use weir_ingest::{Allowed, Protocol};

use super::byte_size::ByteSize;
use super::error::ConfigError;
use super::http::parse_address;
use super::keys;
use super::reader::{Field, Fields};
use super::source::Type;

/// Keys that only a source of this type has.
const OWN_KEYS: [&str; 5] = ["udp", "tcp", "tls", "allow", "receive_buffer"];

/// Addresses of one source; each has a socket and threads of its own.
const ADDRESSES_MAX: usize = 16;

/// Networks that may send; each is asked for every datagram.
const NETWORKS_MAX: usize = 100;

/// A smaller buffer has no room for a datagram of the largest size.
const RECEIVE_BUFFER_RANGE: (ByteSize, ByteSize) = (ByteSize(128 << 10), ByteSize(1 << 30));

/// Where GELF or syslog is listened for; one address at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketInput {
    /// What is sent.
    pub protocol: Protocol,
    /// For datagrams.
    pub udp: Vec<SocketAddr>,
    /// For connections.
    pub tcp: Vec<SocketAddr>,
    /// What connections are encrypted with.
    pub tls: Option<TlsFiles>,
    /// Who may send; `None`: over TLS everybody, else programs on this machine.
    pub allowed: Option<Allowed>,
    /// The receive buffer of each UDP socket, in bytes.
    pub receive_buffer_bytes: usize,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that vouch for it, in PEM.
    pub cert_file: PathBuf,
    /// Its key, in PEM.
    pub key_file: PathBuf,
}

/// What is sent to a source of this type; `None` where it reads what it is told to.
pub fn protocol(kind: Type) -> Option<Protocol> {
    match kind {
        Type::Gelf => Some(Protocol::Gelf),
        Type::Syslog => Some(Protocol::Syslog),
        Type::Alb | Type::File | Type::Http | Type::Redis => None,
    }
}

/// Reports keys of these types in a source of another; where the type is wrong, what is wrong with them.
pub fn refuse(fields: &Fields, kind: Option<Type>, errors: &mut Vec<ConfigError>) {
    let Some(kind) = kind else {
        read_values(fields, Protocol::Gelf, errors);
        return;
    };
    if protocol(kind).is_some() {
        return;
    }
    for name in OWN_KEYS {
        if let Some(field) = fields.get(name) {
            let message = format!("`{name}` is for `type: gelf` and `type: syslog` only");
            let error = ConfigError::new(field.position(), message);
            errors.push(error.with_hint("remove it, or make this source `type: gelf`"));
        }
    }
}

/// Reads the keys of a source of this type.
pub fn read(fields: &Fields, protocol: Protocol, errors: &mut Vec<ConfigError>) -> Option<SocketInput> {
    for name in ["path", "sqs", "s3"] {
        if let Some(field) = fields.get(name) {
            let message = format!("`{name}` is not for `type: {}`", protocol.name());
            let error = ConfigError::new(field.position(), message);
            errors.push(error.with_hint("remove it: messages are sent to this source, by `udp` or `tcp`"));
        }
    }
    let input = read_values(fields, protocol, errors);
    if fields.get("udp").is_none() && fields.get("tcp").is_none() {
        errors.push(ConfigError::new(fields.position, "`udp` or `tcp` is missing in `sources[]`"));
        return None;
    }
    if let (Some(field), None) = (fields.get("tls"), fields.get("tcp")) {
        let error = ConfigError::new(field.position(), "`tls` is for `tcp`, which is missing");
        errors.push(error.with_hint("add `tcp: 0.0.0.0:12201`, or remove it: datagrams are not encrypted"));
    }
    Some(input)
}

/// Reads whatever of them is there.
fn read_values(fields: &Fields, protocol: Protocol, errors: &mut Vec<ConfigError>) -> SocketInput {
    let (tls_field, allow_field) = (fields.get("tls"), fields.get("allow"));
    let tls = tls_field.and_then(|field| read_tls(field, errors));
    let allowed = allow_field.map(|field| read_allowed(field, errors));
    let is_open = allow_field.is_some();
    let udp = fields.get("udp").map(|field| read_addresses(field, is_open, errors));
    let tcp = fields.get("tcp").map(|field| read_addresses(field, is_open || tls_field.is_some(), errors));
    let buffer = fields.get("receive_buffer").and_then(|field| field.size(RECEIVE_BUFFER_RANGE, errors));
    let buffer = buffer.and_then(|bytes| usize::try_from(bytes).ok());
    SocketInput {
        protocol,
        udp: udp.unwrap_or_default(),
        tcp: tcp.unwrap_or_default(),
        tls,
        allowed,
        receive_buffer_bytes: buffer.unwrap_or(RECEIVE_BUFFER_BYTES_DEFAULT),
    }
}

fn read_addresses(field: Field, is_open: bool, errors: &mut Vec<ConfigError>) -> Vec<SocketAddr> {
    let expected = "an address such as 127.0.0.1:12201";
    let items = field.one_or_more(expected, errors);
    if let Some(item) = items.get(ADDRESSES_MAX) {
        errors.push(ConfigError::new(item.position(), format!("more than {ADDRESSES_MAX} addresses")));
    }
    let read = items.iter().take(ADDRESSES_MAX).filter_map(|item| {
        let address = item.parse(expected, errors, parse_address)?;
        if !is_open && !address.ip().to_canonical().is_loopback() {
            let message = format!("other machines can reach `{address}`, and nobody says which may send");
            let hint = "name them in `allow: [10.0.0.0/8]`, or listen on 127.0.0.1";
            errors.push(ConfigError::new(item.position(), message).with_hint(hint));
        }
        Some(address)
    });
    read.collect()
}

fn read_allowed(field: Field, errors: &mut Vec<ConfigError>) -> Allowed {
    let mut allowed = Allowed::new();
    let items = field.one_or_more("a network such as 10.0.0.0/8", errors);
    if let Some(item) = items.get(NETWORKS_MAX) {
        errors.push(ConfigError::new(item.position(), format!("more than {NETWORKS_MAX} networks")));
    }
    for item in items.iter().take(NETWORKS_MAX) {
        item.parse("a network such as 10.0.0.0/8", errors, |text| allowed.add(text));
    }
    allowed
}

fn read_tls(field: Field, errors: &mut Vec<ConfigError>) -> Option<TlsFiles> {
    let fields = field.fields(&keys::TLS, errors)?;
    let cert_file = fields.require("cert_file", errors).and_then(|field| field.file_path(errors));
    let key_file = fields.require("key_file", errors).and_then(|field| field.file_path(errors));
    Some(TlsFiles { cert_file: cert_file?, key_file: key_file? })
}
