//! `es`: what clients of Elasticsearch that write find.
//!
//! They may write to `/es/` of the HTTP address, if they take a path; a port of its own is for those that do not,
//! and for configs in which only a host is to change. Who may use it is what `http.auth` says.

use std::net::SocketAddr;

use super::error::ConfigError;
use super::http::{Http, OpenListenError, parse_address};
use super::keys;
use super::reader::Field;

/// What clients of Elasticsearch find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Es {
    /// Where to listen for them; `None`: only under `/es/`.
    pub listen: Option<SocketAddr>,
    /// Which version they are told.
    pub version: String,
}

impl Default for Es {
    /// No port of its own.
    fn default() -> Self {
        Self { listen: None, version: weir_web::writers::elastic::VERSION_DEFAULT.to_owned() }
    }
}

impl Es {
    /// Whether its address may be opened.
    ///
    /// # Errors
    ///
    /// As [`Http::check`].
    pub fn check(&self, http: &Http) -> Result<(), OpenListenError> {
        self.listen.map_or(Ok(()), |listen| Http { listen, ..http.clone() }.check())
    }
}

/// Reads the section; `http` was read before.
pub fn read(field: Field, http: &Http, errors: &mut Vec<ConfigError>) -> Es {
    let mut es = Es::default();
    let Some(fields) = field.fields(&keys::ES, errors) else { return es };
    if let Some(listen) = fields.get("listen") {
        es.listen = listen.parse("an address such as 127.0.0.1:9200", errors, parse_address);
        if let Err(error) = es.check(http) {
            let error = ConfigError::new(listen.position(), error.to_string());
            errors.push(error.with_hint(OpenListenError::HINT));
        }
    }
    let version = fields.get("version").and_then(|field| {
        field.parse("a version such as 8.19.0", errors, |text| {
            let is_version = text.split('.').count() == 3 && text.split('.').all(is_number);
            if is_version { Ok(text.to_owned()) } else { Err("clients read three numbers in it") }
        })
    });
    es.version = version.unwrap_or(es.version);
    es
}

fn is_number(text: &str) -> bool {
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
