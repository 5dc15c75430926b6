//! The keys that are read, and the values found under them.
//!
//! A log format's author chooses the keys; most take the variable's own name, and ingress-nginx's
//! documentation has spread a second set. Keys are resolved to a closed set while the line is read,
//! so that the rules of which key wins can be written down afterwards, apart from the reading.

use std::borrow::Cow;

use super::escape::LoggedText;
use super::json_object::{Content, Value};

macro_rules! keys {
    ($($key:ident = $($name:literal)|+;)*) => {
        /// What a key means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Key { $($key),* }

        impl Key {
            const COUNT: usize = [$(Key::$key),*].len();

            #[inline]
            pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
                match name { $($($name)|+ => Some(Key::$key),)* _ => None }
            }
        }
    };
}

keys! {
    Msec = b"msec";
    TimeIso8601 = b"time_iso8601";
    Time = b"time";
    AtTimestamp = b"@timestamp";
    Timestamp = b"timestamp";
    TimeLocal = b"time_local";
    Status = b"status";
    RequestMethod = b"request_method";
    Method = b"method";
    RequestUri = b"request_uri";
    Uri = b"uri";
    Path = b"path";
    Request = b"request";
    Args = b"args" | b"query_string" | b"request_query";
    Host = b"host";
    HttpHost = b"http_host";
    Vhost = b"vhost";
    ServerName = b"server_name";
    RequestTime = b"request_time";
    Duration = b"duration";
    UpstreamResponseTime = b"upstream_response_time";
    UpstreamStatus = b"upstream_status";
    UpstreamAddr = b"upstream_addr";
    RequestLength = b"request_length";
    BytesSent = b"bytes_sent";
    BodyBytesSent = b"body_bytes_sent";
    RemoteAddr = b"remote_addr";
    HttpUserAgent = b"http_user_agent";
    HttpReferer = b"http_referer" | b"http_referrer";
    RequestId = b"request_id";
    HttpXRequestId = b"http_x_request_id";
    HttpXAmznTraceId = b"http_x_amzn_trace_id";
    Scheme = b"scheme";
    Https = b"https";
    SslProtocol = b"ssl_protocol";
    Hostname = b"hostname";
}

impl Key {
    /// Whether a request holds all that a text under this key says.
    #[inline]
    pub(crate) fn is_all_read(self) -> bool {
        !matches!(self, Self::Request | Self::Scheme | Self::Https | Self::SslProtocol)
    }
}

/// The values of one line by key. Of equal keys the last one counts.
pub(super) struct Values<'a>([Option<Value<'a>>; Key::COUNT]);

impl<'a> Values<'a> {
    pub(super) fn new() -> Self {
        Self([None; Key::COUNT])
    }

    #[inline]
    pub(super) fn insert(&mut self, key: Key, value: Value<'a>) {
        self.0[key as usize] = Some(value);
    }

    /// The value under a key, whatever it is.
    #[inline]
    pub(super) fn get(&self, key: Key) -> Option<Value<'a>> {
        self.0[key as usize]
    }

    /// The text under the first of these keys that has one: neither missing, nor `-`, nor nested.
    #[inline]
    pub(super) fn text<const N: usize>(&self, keys: [Key; N]) -> Option<LoggedText<'a>> {
        keys.into_iter().find_map(|key| match self.get(key)?.content {
            Content::Text(text) => text.present(),
            Content::Nested(_) => None,
        })
    }

    /// The same, with its escapes resolved.
    #[inline]
    pub(super) fn decoded<const N: usize>(&self, keys: [Key; N]) -> Option<Cow<'a, [u8]>> {
        self.text(keys).map(LoggedText::decode)
    }
}
