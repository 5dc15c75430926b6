//! TLS for those who connect to us.
//!
//! One place for all listeners, so that each takes the same versions and ciphers: those of rustls, with the
//! provider that AWS' client has brought along anyway.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not what it should be.
    #[error("cannot read {what} in {path}: {reason}; it must be PEM", path = path.display())]
    File {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: pem::Error,
    },
    /// The certificate and the key do not fit.
    #[error("cannot use the certificate with its key: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Accepts connections with the certificates of one file (the own one first) and the key of another.
///
/// # Errors
///
/// [`TlsError`].
pub fn tls_acceptor(cert_file: &Path, key_file: &Path) -> Result<TlsAcceptor, TlsError> {
    let error = |what, path: &Path| {
        let path = path.to_owned();
        move |reason| TlsError::File { what, path, reason }
    };
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(cert_file).and_then(Iterator::collect);
    let certificates = certificates.map_err(error("a certificate", cert_file))?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(error("a private key", key_file))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    // A client that only writes never reads them; its system then resets the connection when it closes, and what was
    // on its way is lost.
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
