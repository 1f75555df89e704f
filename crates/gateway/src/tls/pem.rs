//! Certificates and keys from PEM files.

use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

/// The largest file that is read, in bytes: a chain has a few KiB, a bundle of authorities some hundred.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and behind it those that lead to an authority, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Why certificates can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{path} can't be read: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is larger than any certificate.
    #[error("{0} is larger than 4 MiB: expected certificates or a key in PEM")]
    TooLarge(PathBuf),
    /// A file holds no certificate.
    #[error("{0} holds no certificate: expected PEM text that begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate(PathBuf),
    /// A file holds no key.
    #[error(
        "{0} holds no private key: expected PEM text that begins with -----BEGIN PRIVATE KEY-----, without a passphrase"
    )]
    NoKey(PathBuf),
    /// A certificate can't be parsed.
    #[error("{0} holds a certificate that can't be read")]
    BadCertificate(PathBuf),
    /// A key that isn't the certificate's, or of a kind that can't be used.
    #[error("the key in {key} doesn't fit the certificate in {certificate}: {source}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls said.
        #[source]
        source: rustls::Error,
    },
    /// The machine has no authorities.
    #[error(
        "this machine has no certificate authorities to verify engines with: install ca-certificates, or name a file in engine_ca_file"
    )]
    NoAuthorities,
    /// rustls refuses.
    #[error("TLS can't be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Reads a whole file, which may hold a key: it is wiped when it is dropped.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(TlsError::TooLarge(path.to_owned()));
    }
    std::fs::read(path).map(Zeroizing::new).map_err(failed)
}

/// All certificates of a file, in their order; at least one.
pub(super) fn certificates(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    found
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| TlsError::NoCertificate(path.to_owned()))
}

/// The first key of a file.
pub(super) fn key(path: &Path, text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(text).map_err(|_| TlsError::NoKey(path.to_owned()))
}
