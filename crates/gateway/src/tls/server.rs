//! TLS with clients: several certificates told apart by the name that the client asks for, reloaded when their files change.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{Context, SHA256};
use domain::Timestamp;
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
use zeroize::Zeroizing;

use super::pem::{self, CertificateFiles, TlsError};
use super::provider;

/// How often the files are looked at, in seconds.
const LOOK_SECONDS: u64 = 5;
/// What HTTP speaks over TLS, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// Tickets that a client gets per handshake, each good for one resumption.
const TICKETS: usize = 2;

/// TLS with clients. Its certificates can be replaced while it is in use; connections that are open keep theirs.
#[derive(Debug)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
    files: Vec<CertificateFiles>,
    /// What the files held when they were last read, good or not.
    seen: Mutex<Digest>,
}

/// What is known of a certificate, for those who watch when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Its file.
    pub file: PathBuf,
    /// The host names and addresses that it stands for.
    pub names: Vec<String>,
    /// When it begins.
    pub begins_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

type Digest = [u8; 32];

/// The certificates in use, in the order of the configuration.
#[derive(Debug)]
struct Certificates(ArcSwap<Vec<Certificate>>);

#[derive(Debug)]
struct Certificate {
    key: Arc<CertifiedKey>,
    info: CertificateInfo,
}

/// A certificate's file and its key's, as they were at one moment.
type Texts = Result<[Zeroizing<Vec<u8>>; 2], TlsError>;

impl ServerTls {
    /// Reads the files. The first certificate is for clients that ask for no name, or for one that no certificate has.
    ///
    /// # Errors
    /// When a file can't be read, or a key doesn't fit its certificate.
    pub fn load(files: Vec<CertificateFiles>) -> Result<Arc<Self>, TlsError> {
        let (texts, digest) = read(&files);
        let certificates = Arc::new(Certificates(ArcSwap::from_pointee(parse(&files, texts)?)));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(certificates.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        // Sessions resume by tickets alone: nothing is kept per client.
        config.ticketer = Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = TICKETS;
        Ok(Arc::new(Self { config: Arc::new(config), certificates, files, seen: Mutex::new(digest) }))
    }

    /// Reads the files again. Where they hold something new and good, it is used from the next handshake on; where they hold
    /// something broken, what was there goes on.
    ///
    /// # Errors
    /// When the files can't be used.
    pub fn reload(&self) -> Result<(), TlsError> {
        let (texts, digest) = read(&self.files);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = digest;
        self.certificates.0.store(Arc::new(parse(&self.files, texts)?));
        Ok(())
    }

    /// Reloads whenever the files change, until `shutdown`. A pair that is replaced one file after the other is broken for a
    /// moment; it is looked at again when the second file has come.
    pub async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(Duration::from_secs(LOOK_SECONDS));
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let this = self.clone();
            // Files may lie on a disk that takes its time.
            drop(tokio::task::spawn_blocking(move || this.reload_if_changed()).await);
        }
    }

    /// Reloads if the files hold something that was not seen yet, and logs how that went.
    fn reload_if_changed(&self) {
        let (_, digest) = read(&self.files);
        if digest != *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            self.reload_and_log();
        }
    }

    /// Reloads, and logs how that went.
    pub fn reload_and_log(&self) {
        match self.reload() {
            Ok(()) => {
                for info in self.certificates() {
                    let (file, names) = (info.file.display(), info.names.join(" "));
                    tracing::info!(%file, names, expires_at = %info.expires_at, "a certificate was loaded");
                }
            }
            Err(error) => {
                tracing::error!(%error, "new certificates can't be used, the old ones stay in use");
            }
        }
    }

    /// The certificates in use.
    pub fn certificates(&self) -> Vec<CertificateInfo> {
        self.certificates.0.load().iter().map(|certificate| certificate.info.clone()).collect()
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificates = self.0.load();
        let asked = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let fitting =
            asked.and_then(|name| certificates.iter().find(|certificate| certificate.is_for(&name)));
        fitting.or(certificates.first()).map(|certificate| certificate.key.clone())
    }
}

impl Certificate {
    fn is_for(&self, name: &ServerName<'_>) -> bool {
        let parsed = self.key.cert.first().and_then(|der| ParsedCertificate::try_from(der).ok());
        parsed.is_some_and(|parsed| verify_server_name(&parsed, name).is_ok())
    }
}

/// Reads all files, and tells one state of them from another.
fn read(files: &[CertificateFiles]) -> (Vec<Texts>, Digest) {
    let mut digest = Context::new(&SHA256);
    let mut read_one = |path: &Path| {
        let text = pem::read(path);
        let bytes = text.as_ref().map_or(&b""[..], |text| text);
        digest.update(&bytes.len().to_be_bytes());
        digest.update(bytes);
        text
    };
    let mut texts = Vec::new();
    for pair in files {
        let (certificate, key) = (read_one(&pair.certificate), read_one(&pair.key));
        texts.push(certificate.and_then(|certificate| Ok([certificate, key?])));
    }
    let mut seen = Digest::default();
    seen.copy_from_slice(digest.finish().as_ref());
    (texts, seen)
}

fn parse(files: &[CertificateFiles], texts: Vec<Texts>) -> Result<Vec<Certificate>, TlsError> {
    files.iter().zip(texts).map(|(pair, texts)| parse_pair(pair, &texts?)).collect()
}

fn parse_pair(
    files: &CertificateFiles,
    [certificate, key]: &[Zeroizing<Vec<u8>>; 2],
) -> Result<Certificate, TlsError> {
    let chain = pem::certificates(&files.certificate, certificate)?;
    let key = pem::key(&files.key, key)?;
    let info = info(&files.certificate, chain.first())?;
    let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|source| TlsError::Mismatch {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    })?;
    Ok(Certificate { key: Arc::new(key), info })
}

fn info(file: &Path, der: Option<&CertificateDer<'_>>) -> Result<CertificateInfo, TlsError> {
    let bad = || TlsError::BadCertificate(file.to_owned());
    let (_, parsed) = X509Certificate::from_der(der.ok_or_else(bad)?).map_err(|_| bad())?;
    let names = parsed.subject_alternative_name().map_err(|_| bad())?;
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(name).collect();
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_seconds(time.timestamp());
    Ok(CertificateInfo {
        file: file.to_owned(),
        names,
        begins_at: at(parsed.validity().not_before),
        expires_at: at(parsed.validity().not_after),
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(host) => Some((*host).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}
