//! Where clients come in, from what the configuration says: sockets that are bound here or that systemd opened, certificates,
//! and the proxies in front.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use gateway::{EngineTls, Listener, RegionConfig, ServerTls, TlsError, TrustedProxies};
use tokio::net::{UnixListener, UnixStream};

use super::activation::Inherited;
use super::bind;
use crate::config::{
    ListenerPlace, ListenerSettings, RegionSettings, Settings, needs_tls, needs_tls_message,
};

/// Who may connect to a Unix socket: the user and the group of this process.
const UNIX_SOCKET_MODE: u32 = 0o660;

/// Why a listener can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum EntranceError {
    /// An address is taken, or not this machine's.
    #[error("{place} can't be listened on: {source}. Stop what uses it, or change the listener's address")]
    Listen {
        /// Where.
        place: ListenerPlace,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// systemd has passed no such socket.
    #[error(
        "systemd has passed no socket named \"{name}\", it has passed {passed}. Name it by FileDescriptorName={name} in the socket unit, and start that unit"
    )]
    NotPassed {
        /// The name that the configuration says.
        name: String,
        /// The names that there are.
        passed: String,
    },
    /// A socket that systemd passed would carry secrets in the open.
    #[error("listener {0}")]
    NeedsTls(String),
    /// Certificates or keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Opens all listeners, in the order of the configuration.
///
/// # Errors
/// See [`EntranceError`].
pub async fn open_listeners(
    settings: &Settings,
    inherited: &mut Inherited,
) -> Result<Vec<Listener>, EntranceError> {
    let proxies = &settings.proxies;
    let trusted = TrustedProxies::new(&proxies.trusted, proxies.header);
    let mut opened = Vec::new();
    for listener in &settings.listeners {
        let mut entrance = open(settings, listener, inherited).await?;
        if !listener.tls.is_empty() {
            entrance.rules.tls = Some(ServerTls::load(listener.tls.clone())?);
        }
        entrance.rules.behind_tls_proxy = proxies.behind_tls_proxy;
        entrance.rules.trusted_proxies = trusted.clone();
        entrance.rules.proxy_protocol = listener.proxy_protocol;
        opened.push(entrance);
    }
    Ok(opened)
}

async fn open(
    settings: &Settings,
    listener: &ListenerSettings,
    inherited: &mut Inherited,
) -> Result<Listener, EntranceError> {
    let failed = |source| EntranceError::Listen { place: listener.place.clone(), source };
    match &listener.place {
        ListenerPlace::Address(address) => bind(*address).await.map(Listener::from).map_err(failed),
        ListenerPlace::Unix(path) => bind_unix(path).await.map(Listener::from).map_err(failed),
        ListenerPlace::Inherited(name) => {
            let taken = inherited.take(name).map_err(failed)?;
            let passed = || EntranceError::NotPassed { name: name.clone(), passed: inherited.names() };
            let socket = taken.ok_or_else(passed)?;
            // Only now it is known which address it has.
            if socket
                .address()
                .is_some_and(|address: SocketAddr| needs_tls(listener, address, &settings.proxies))
            {
                return Err(EntranceError::NeedsTls(needs_tls_message(&listener.place)));
            }
            Ok(socket)
        }
    }
}

/// Listens on a Unix socket. The file of a process that is gone is replaced; one that somebody serves is not.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if is_socket
        && UnixStream::connect(path)
            .await
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(UNIX_SOCKET_MODE))?;
    Ok(socket)
}

/// Gives a region's engines that are spoken to by TLS something to be verified with.
///
/// # Errors
/// When a file can't be used.
pub fn with_engine_tls(
    mut region: RegionConfig,
    settings: &RegionSettings,
) -> Result<RegionConfig, EntranceError> {
    let upstreams = [&mut region.batch_upstream, &mut region.realtime_upstream, &mut region.tts_upstream];
    let mut wanting: Vec<_> = upstreams.into_iter().flatten().filter(|upstream| upstream.is_tls()).collect();
    if wanting.is_empty() {
        return Ok(region);
    }
    let tls = EngineTls::load(&settings.engine_tls)?;
    for upstream in &mut wanting {
        **upstream = upstream.clone().verified_by(&tls);
    }
    Ok(region)
}
