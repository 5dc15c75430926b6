//! `http`: the address that `weir` listens on, and who may reach it.
//!
//! An address that other machines reach is refused unless the config names users or says `auth: none`:
//! open is a decision that somebody wrote down, never the result of a typo. Both the config and
//! `--listen` ask here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use weir_web::SessionLimits;

use super::error::ConfigError;
use super::keys;
use super::reader::Field;
use super::users::{self, User};

/// From what a test needs to a month.
const SESSION_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30 * 24 * 3600));

/// Who may use the HTTP endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Programs on this machine: nothing was said about `auth`.
    ThisMachine,
    /// Whoever reaches the address: `auth: none`.
    Anyone,
    /// These, on this machine too; at least one.
    Users(Vec<User>),
}

/// The HTTP endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where to listen; port 0 is any free one.
    pub listen: SocketAddr,
    /// Who may use it.
    pub access: Access,
    /// Where people reach it, an `http` or `https` address without a query; for links in what is sent.
    pub external_url: Option<String>,
    /// How long people stay signed in at the page.
    pub sessions: SessionLimits,
}

/// An address that other machines reach, without anybody having allowed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("other machines can reach `{0}`, and nobody has to log in")]
pub struct OpenListenError(SocketAddr);

impl OpenListenError {
    /// What to do about it.
    pub const HINT: &str = "name users in `http.auth`, write `auth: none` to serve everyone who reaches it, \
        or listen on 127.0.0.1";
}

impl Default for Http {
    /// `127.0.0.1:9099`, for this machine only.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9099)),
            access: Access::ThisMachine,
            external_url: None,
            sessions: SessionLimits::default(),
        }
    }
}

impl Http {
    /// Whether this address may be opened.
    ///
    /// # Errors
    ///
    /// The address is not a loopback one and [`Access`] is [`Access::ThisMachine`].
    pub fn check(&self) -> Result<(), OpenListenError> {
        let is_loopback = self.listen.ip().to_canonical().is_loopback();
        if is_loopback || self.access != Access::ThisMachine {
            Ok(())
        } else {
            Err(OpenListenError(self.listen))
        }
    }
}

/// Reads the section.
pub fn read(field: Field, errors: &mut Vec<ConfigError>) -> Http {
    let mut http = Http::default();
    let Some(fields) = field.fields(&keys::HTTP, errors) else {
        return http;
    };
    let auth = fields.get("auth");
    http.external_url = fields.get("external_url").and_then(|field| read_external_url(field, errors));
    if let Some(sessions) = fields.get("sessions") {
        http.sessions = read_sessions(sessions, errors);
    }
    if let Some(access) = auth.and_then(|auth| read_access(auth, errors)) {
        http.access = access;
    }
    let Some(listen) = fields.get("listen") else {
        return http;
    };
    let Some(address) = listen.parse("an address such as 127.0.0.1:9099", errors, parse_address) else {
        return http;
    };
    http.listen = address;
    if let (None, Err(error)) = (auth, http.check()) {
        errors.push(ConfigError::new(listen.position(), error.to_string()).with_hint(OpenListenError::HINT));
    }
    http
}

fn read_access(field: Field, errors: &mut Vec<ConfigError>) -> Option<Access> {
    if field.is_section() {
        return Some(Access::Users(users::read(field, errors)));
    }
    field.parse("`none` or `users`", errors, |text| match text {
        "none" => Ok(Access::Anyone),
        _ => Err("write `{users: [{name: NAME, password_file: FILE, roles: [read]}]}`"),
    })
}

fn read_sessions(field: Field, errors: &mut Vec<ConfigError>) -> SessionLimits {
    let default = SessionLimits::default();
    let Some(fields) = field.fields(&keys::SESSIONS, errors) else { return default };
    let mut time =
        |key, example| fields.get(key).and_then(|field| field.duration(example, SESSION_RANGE, errors));
    SessionLimits {
        idle_max: time("max_idle", "12h").unwrap_or(default.idle_max),
        age_max: time("max_age", "7d").unwrap_or(default.age_max),
    }
}

fn read_external_url(field: Field, errors: &mut Vec<ConfigError>) -> Option<String> {
    let expected = "an address such as https://weir.example.com/";
    let url = field.address(expected, errors, |address| {
        if address.has_query { Err("remove what begins with `?`: links are added to it") } else { Ok(()) }
    });
    url.map(str::to_owned)
}

/// Reads `127.0.0.1:9099`, `[::1]:9099` or `localhost:9099`; no other name, since looking one up
/// would make the same config mean different addresses.
///
/// # Errors
///
/// What to write instead.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let Ok(port) = port.parse::<u16>() else {
        return Err("write an IP address and a port, for example `127.0.0.1:9099`".to_owned());
    };
    if host == "localhost" {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    Err(match host.parse::<IpAddr>() {
        Ok(address) => format!("an IPv6 address needs brackets: `{}`", SocketAddr::new(address, port)),
        Err(_) if host.is_empty() => {
            format!("write `127.0.0.1:{port}` for this machine only, `0.0.0.0:{port}` for every interface")
        }
        Err(_) => format!("write an IP address, not a name, for example `127.0.0.1:{port}`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, address) in [
            ("127.0.0.1:9099", "127.0.0.1:9099"),
            ("localhost:80", "127.0.0.1:80"),
            ("[::1]:9099", "[::1]:9099"),
            ("0.0.0.0:0", "0.0.0.0:0"),
        ] {
            assert_eq!(parse_address(text).unwrap().to_string(), address);
        }
    }

    #[test]
    fn a_wrong_address_says_what_to_write() {
        for (text, hint) in [
            ("", "write an IP address and a port, for example `127.0.0.1:9099`"),
            ("127.0.0.1", "write an IP address and a port, for example `127.0.0.1:9099`"),
            ("127.0.0.1:99999", "write an IP address and a port, for example `127.0.0.1:9099`"),
            (":80", "write `127.0.0.1:80` for this machine only, `0.0.0.0:80` for every interface"),
            ("80", "write `127.0.0.1:80` for this machine only, `0.0.0.0:80` for every interface"),
            ("fe80::1:80", "an IPv6 address needs brackets: `[fe80::1]:80`"),
            ("weir.example.com:80", "write an IP address, not a name, for example `127.0.0.1:80`"),
        ] {
            assert_eq!(parse_address(text), Err(hint.to_owned()), "{text}");
        }
    }

    #[test]
    fn only_loopback_is_open_without_a_word() {
        for (listen, is_loopback) in [
            ("127.0.0.1:1", true),
            ("127.8.8.8:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("10.0.0.1:1", false),
        ] {
            let listen = listen.parse().unwrap();
            let with = |access| Http { listen, access, ..Http::default() }.check();
            assert_eq!(with(Access::ThisMachine).is_ok(), is_loopback, "{listen}");
            assert_eq!((with(Access::Anyone), with(Access::Users(Vec::new()))), (Ok(()), Ok(())));
        }
    }
}
