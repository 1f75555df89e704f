//! TLS, on both sides: to clients from PEM files that may change while it is spoken ([`ServerTls`]), to engines by the machine's
//! authorities or one's own ([`EngineTls`]). rustls with aws-lc-rs, TLS 1.2 and 1.3, nothing older.

mod engine;
mod pem;
mod server;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub use engine::{EngineTls, EngineTlsFiles};
pub use pem::{CertificateFiles, TlsError};
pub use server::{CertificateInfo, ServerTls};

/// What does the cryptography. Passed along rather than installed: a library below may bring another one.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
