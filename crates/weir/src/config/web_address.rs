//! Addresses of other servers: `https://sqs.eu-west-1.amazonaws.com/123456789012/alb-logs`.
//!
//! The program behind an address is asked minutes later, by a task that can only log, so what can't be an
//! address at all is refused here. Checked by hand: a URL library would mend what is wrong (`http:/host`,
//! spaces, upper case) and so hide it. Names are not looked up; that is the network's to say.

use std::net::Ipv6Addr;

/// The longest address, in bytes; servers answer 414 to longer ones.
const ADDRESS_BYTES_MAX: usize = 2048;

/// The parts of a checked address that its readers look at; the scheme is `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebAddress<'a> {
    /// Name or IP address, and the port where one is written.
    pub host_and_port: &'a str,
    /// From the first `/` on, without the query; may be empty.
    pub path: &'a str,
    /// Whether a `?` follows the path.
    pub has_query: bool,
}

impl<'a> WebAddress<'a> {
    /// Reads an `http` or `https` address.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or what to write instead.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
            return Err("an address begins with `http://` or `https://`".to_owned());
        };
        if text.len() > ADDRESS_BYTES_MAX {
            return Err(format!("an address has at most {ADDRESS_BYTES_MAX} bytes"));
        }
        let is_strange = |c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(c);
        if let Some(strange) = text.chars().find(|c| is_strange(*c)) {
            return Err(format!("an address can't have `{}` in it", strange.escape_debug()));
        }
        if text.contains('#') {
            return Err("remove what begins with `#`: it is never sent".to_owned());
        }
        let host_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host_and_port, rest) = rest.split_at(host_end);
        check_host_and_port(host_and_port)?;
        let (path, has_query) = rest.split_once('?').map_or((rest, false), |(path, _)| (path, true));
        Ok(Self { host_and_port, path, has_query })
    }
}

fn check_host_and_port(text: &str) -> Result<(), String> {
    if text.contains('@') {
        return Err("write user and password elsewhere, never in an address".to_owned());
    }
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => {
            host.parse::<Ipv6Addr>().map_err(|_| format!("`{host}` is no IPv6 address"))?;
            (host, port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_host_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_host_char) {
        return Err("a host's name or IP address is missing after `://`".to_owned());
    }
    if port.is_empty() {
        return Ok(());
    }
    let number = port.strip_prefix(':').and_then(|number| number.parse::<u16>().ok());
    match number {
        Some(1..) => Ok(()),
        _ => Err("the port should be a number from 1 to 65535".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (text, host_and_port, path, has_query) in [
            ("http://a", "a", "", false),
            ("https://a.example.com:8443/", "a.example.com:8443", "/", false),
            ("http://127.0.0.1:9090/api/v1/write", "127.0.0.1:9090", "/api/v1/write", false),
            ("http://[::1]:9090/x?a=b/c", "[::1]:9090", "/x", true),
            ("http://[::1]", "[::1]", "", false),
            ("http://a?b", "a", "", true),
            ("http://under_score/%20", "under_score", "/%20", false),
        ] {
            assert_eq!(WebAddress::parse(text), Ok(WebAddress { host_and_port, path, has_query }), "{text}");
        }
    }

    #[test]
    fn anything_else_says_why_not() {
        let no_scheme = "an address begins with `http://` or `https://`";
        let no_host = "a host's name or IP address is missing after `://`";
        let no_port = "the port should be a number from 1 to 65535";
        for (text, reason) in [
            ("", no_scheme),
            ("a.example.com", no_scheme),
            ("HTTP://a", no_scheme),
            ("ftp://a", no_scheme),
            ("http:/a", no_scheme),
            ("http://", no_host),
            ("http:///a", no_host),
            ("http://:80", no_host),
            ("http://a,b/", no_host),
            ("http://a:", no_port),
            ("http://a:0", no_port),
            ("http://a:65536", no_port),
            ("http://a:b:1", no_port),
            ("http://[::1]x", no_port),
            ("http://[::g]", "`::g` is no IPv6 address"),
            ("http://a b", "an address can't have ` ` in it"),
            ("http://a/\n", "an address can't have `\\n` in it"),
            ("http://a/{x}", "an address can't have `{` in it"),
            ("http://é", "an address can't have `é` in it"),
            ("http://me:secret@a/", "write user and password elsewhere, never in an address"),
            ("http://a/#b", "remove what begins with `#`: it is never sent"),
        ] {
            assert_eq!(WebAddress::parse(text), Err(reason.to_owned()), "{text}");
        }
        let long = format!("http://a/{}", "x".repeat(ADDRESS_BYTES_MAX));
        assert_eq!(WebAddress::parse(&long), Err("an address has at most 2048 bytes".to_owned()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(https?://)?[a:@\\[\\]/?#.1é-]{0,16}") {
            let _ = WebAddress::parse(&text);
        }
    }
}
