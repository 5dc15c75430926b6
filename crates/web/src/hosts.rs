//! The names by which a server may be called that nobody has to log in to.
//!
//! A page that somebody opens can have its own name resolve to 127.0.0.1, and is then, for the browser, of the
//! same origin as the server on this machine ("DNS rebinding"): it may read and push. It cannot choose the name
//! that the browser sends, so a server for this machine only answers to names of this machine.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

/// The names by which a server may be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Any: who calls logs in, or the operator has opened the server to everyone.
    #[default]
    Any,
    /// Those of this machine, addresses, and this name, if there is one.
    ThisMachine(Option<String>),
}

impl Hosts {
    /// Whether a request with these headers may pass; one without `Host` comes from no browser.
    pub(crate) fn allow(&self, headers: &HeaderMap) -> bool {
        let Self::ThisMachine(own) = self else { return true };
        let Some(host) = headers.get(header::HOST) else { return true };
        host.to_str().is_ok_and(|host| is_of_this_machine(name_of(host), own.as_deref()))
    }
}

fn is_of_this_machine(name: &str, own: Option<&str>) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
        || own.is_some_and(|own| own.eq_ignore_ascii_case(&name))
}

/// The name without the port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_pass() {
        for (host, expected) in [
            ("127.0.0.1:9099", true),
            ("localhost", true),
            ("LOCALHOST:9099", true),
            ("weir.localhost:9099", true),
            ("[::1]:9099", true),
            ("10.0.0.7:9099", true),
            ("weir.example.com:443", true),
            ("evil.example:9099", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:9099", false),
            ("", false),
        ] {
            let headers = [(header::HOST, host.parse().expect("a header"))].into_iter().collect();
            let hosts = Hosts::ThisMachine(Some("weir.example.com".to_owned()));
            assert_eq!(hosts.allow(&headers), expected, "{host}");
            assert!(Hosts::Any.allow(&headers));
        }
    }
}
