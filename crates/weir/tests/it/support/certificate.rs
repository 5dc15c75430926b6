//! A certificate of this machine's own, which nobody trusts who is not told to.

use std::process::Command;

use super::folder::Folder;
use super::program::output;

/// Files in PEM, for `localhost` and `127.0.0.1`.
pub struct Certificate {
    /// The certificate, which is its own authority.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Certificate {
    /// Makes one in a folder.
    #[track_caller]
    pub fn new(folder: &Folder) -> Self {
        let (certificate, key) = (folder.path("cert.pem"), folder.path("key.pem"));
        // rustls takes no certificate of a server that could sign others.
        let subject = "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
                       -addext basicConstraints=critical,CA:FALSE";
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        openssl.args(["-days", "2", "-keyout", &key, "-out", &certificate]).args(subject.split_whitespace());
        output(&mut openssl).expect(0);
        Self { certificate, key }
    }
}
