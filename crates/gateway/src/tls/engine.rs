//! TLS with engines: whom to believe that an engine is who it should be, and who the gateway says it is itself.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, TlsStream};

use super::pem::{self, CertificateFiles, TlsError};
use super::provider;

/// What engines are spoken to with.
const PROTOCOL: &[u8] = b"http/1.1";
/// Sessions that are kept for resumption, per gateway: there are few engines.
const SESSIONS_KEPT: usize = 64;

/// Where TLS with engines takes its trust from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineTlsFiles {
    /// The authorities that sign engines' certificates, in PEM. None: this machine's.
    pub authorities: Option<PathBuf>,
    /// What the gateway shows of itself, to engines that ask for it.
    pub client: Option<CertificateFiles>,
}

/// TLS with engines. Clones are the same one.
#[derive(Clone)]
pub struct EngineTls(TlsConnector);

impl fmt::Debug for EngineTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineTls")
    }
}

impl PartialEq for EngineTls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.0.config(), other.0.config())
    }
}

impl Eq for EngineTls {}

impl EngineTls {
    /// Reads the files, or the machine's authorities. An engine's certificate must stand for the host of its URL.
    ///
    /// # Errors
    /// When a file can't be used, or there is no authority at all.
    pub fn load(files: &EngineTlsFiles) -> Result<Self, TlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities(files)?);
        let mut config = match &files.client {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let chain = pem::certificates(&pair.certificate, &pem::read(&pair.certificate)?)?;
                let key = pem::key(&pair.key, &pem::read(&pair.key)?)?;
                builder.with_client_auth_cert(chain, key).map_err(|source| TlsError::Mismatch {
                    certificate: pair.certificate.clone(),
                    key: pair.key.clone(),
                    source,
                })?
            }
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.resumption = Resumption::in_memory_sessions(SESSIONS_KEPT);
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Makes a connection secret, and makes sure that `host` is at its other end.
    ///
    /// # Errors
    /// When it isn't, or when nothing that both sides speak is safe.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host)
            .map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidInput, "no certificate can stand for this host")
            })?
            .to_owned();
        self.0.connect(name, stream).await.map(TlsStream::Client)
    }
}

fn authorities(files: &EngineTlsFiles) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match &files.authorities {
        Some(path) => {
            for certificate in pem::certificates(path, &pem::read(path)?)? {
                store.add(certificate).map_err(|_| TlsError::BadCertificate(path.clone()))?;
            }
        }
        // Some of a machine's authorities may be of kinds that can't be used: those sign nobody that is believed.
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                return Err(TlsError::NoAuthorities);
            }
        }
    }
    Ok(store)
}
