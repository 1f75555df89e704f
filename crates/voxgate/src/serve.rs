//! `voxgate serve`: an instance from a configuration file, in front of real engines.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use control::{ControlConfig, MasterKeySource};
use domain::{Region, SystemClock, SystemRng};
use gateway::{EngineToken, HostMap, HostTarget, Place, RegionConfig, Site};
use zeroize::Zeroizing;

use crate::config::{MasterKeyPlace, RegionSettings, SecretPlace, Serves, Settings};
use crate::folder::{DataFolder, FolderError};
use crate::wire::{Instance, InstanceConfig, OtherHosts, StartError, bind};

/// Why an instance doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The instance.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A listener's address is taken, or not this machine's.
    #[error("{address} can't be listened on: {source}. Stop what uses it, or change the listener's address")]
    Listen {
        /// Which address.
        address: std::net::SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A secret's environment variable isn't set.
    #[error("the environment variable {0} isn't set: the configuration says that it holds a secret")]
    Variable(String),
    /// A secret's file can't be read.
    #[error("{path} can't be read: {source}. The configuration says that it holds a secret")]
    SecretFile {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An engine's token can't be sent.
    #[error("the engine token of region {region} can't be sent: {source}")]
    EngineToken {
        /// Which region.
        region: Region,
        /// What is wrong.
        #[source]
        source: gateway::config::InvalidUpstream,
    },
}

/// Reads environment variables; the command line hands in the real ones.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// How the control plane is opened under these settings; also by commands that find no server.
///
/// # Errors
/// When the master key's variable isn't set.
pub fn control_config(
    settings: &Settings,
    environment: Environment<'_>,
) -> Result<ControlConfig, ServeError> {
    let master_key = match &settings.master_key {
        MasterKeyPlace::Folder => MasterKeySource::Folder,
        MasterKeyPlace::File(path) => MasterKeySource::File(path.clone()),
        MasterKeyPlace::Variable(name) => MasterKeySource::Text(variable(name, environment)?),
    };
    Ok(ControlConfig {
        master_key,
        algorithm: settings.tokens.algorithm,
        ttl_seconds: settings.ttl_seconds,
        plan_limits: settings.plans,
        leeway: settings.tokens.leeway,
        ..ControlConfig::in_folder(&settings.data_dir)
    })
}

fn variable(name: &str, environment: Environment<'_>) -> Result<Zeroizing<String>, ServeError> {
    environment(name)
        .filter(|value| !value.is_empty())
        .map(Zeroizing::new)
        .ok_or_else(|| ServeError::Variable(name.to_owned()))
}

/// Starts an instance; it serves until it is shut down.
///
/// # Errors
/// See [`ServeError`].
pub async fn start(settings: &Settings, environment: Environment<'_>) -> Result<Instance, ServeError> {
    let urls = PublicUrls::of(settings);
    let regions = settings
        .regions
        .iter()
        .map(|region| region_config(region, &urls, environment))
        .collect::<Result<Vec<_>, _>>()?;
    let config = InstanceConfig {
        control: control_config(settings, environment)?,
        regions,
        refusal_style: settings.refusals.into(),
        limits: settings.limits,
        other_hosts: OtherHosts {
            management: settings.hosts.management.clone(),
            portal: settings.hosts.portal.clone(),
        },
        portal: portal_config(settings, &urls),
        extra: Router::new(),
    };
    let mut sockets = Vec::new();
    for listener in &settings.listeners {
        let address = listener.address;
        let socket = bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        sockets.push((socket, listener.serves));
    }
    let folder = DataFolder::open(&settings.data_dir)?;
    let mut instance = Instance::start(folder, config, Arc::new(SystemClock), Arc::new(SystemRng)).await?;
    let hosts = Arc::new(host_map(settings));
    for (socket, serves) in sockets {
        let site = match serves {
            Serves::Hosts => Site::ByHost(Arc::clone(&hosts)),
            Serves::Home(region) => Site::Home(region),
            Serves::Region(region) => Site::Region(region),
        };
        if let Ok(address) = socket.local_addr() {
            tracing::info!(%address, "listening");
        }
        instance.listen(socket, site);
    }
    Ok(instance)
}

fn host_map(settings: &Settings) -> HostMap {
    let mut map = HostMap::default();
    let mut seen = HashSet::new();
    let mut insert = |host: &str, target| {
        if seen.insert(host.to_owned()) {
            map.insert(host, target);
        }
    };
    for host in settings.hosts.management.iter().chain(&settings.hosts.portal) {
        insert(host, HostTarget::Other);
    }
    for host in &settings.hosts.global_realtime {
        insert(host, HostTarget::Realtime(Place::Global));
    }
    for region in &settings.regions {
        for host in &region.batch_hosts {
            insert(host, HostTarget::Batch(region.region));
        }
        for host in &region.realtime_hosts {
            insert(host, HostTarget::Realtime(Place::Region(region.region)));
        }
    }
    map
}

/// What URLs of this instance begin and how their hosts end: told to clients in details and on the portal.
struct PublicUrls {
    http: &'static str,
    ws: &'static str,
    /// `:8080`, or nothing where a proxy in front has the usual port.
    port: String,
}

impl PublicUrls {
    fn of(settings: &Settings) -> Self {
        if settings.behind_tls_proxy {
            return Self { http: "https", ws: "wss", port: String::new() };
        }
        let by_host = settings.listeners.iter().find(|listener| listener.serves == Serves::Hosts);
        let port = by_host.or(settings.listeners.first()).map_or(80, |listener| listener.address.port());
        Self { http: "http", ws: "ws", port: if port == 80 { String::new() } else { format!(":{port}") } }
    }

    fn web(&self, host: &str) -> String {
        format!("{}://{host}{}", self.http, self.port)
    }

    fn batch(&self, hosts: &[String]) -> String {
        hosts.first().map(|host| format!("{}/v2", self.web(host))).unwrap_or_default()
    }

    fn realtime(&self, hosts: &[String]) -> Option<String> {
        hosts.first().map(|host| format!("{}://{host}{}/v2", self.ws, self.port))
    }
}

fn region_config(
    settings: &RegionSettings,
    urls: &PublicUrls,
    environment: Environment<'_>,
) -> Result<RegionConfig, ServeError> {
    Ok(RegionConfig {
        region: settings.region,
        batch_url: urls.batch(&settings.batch_hosts),
        realtime_url: urls.realtime(&settings.realtime_hosts),
        batch_upstream: settings.batch_upstream.clone(),
        realtime_upstream: settings.realtime_upstream.clone(),
        tts_upstream: settings.tts_upstream.clone(),
        engine_token: engine_token(settings, environment)?,
        capabilities: settings.capabilities,
    })
}

fn engine_token(
    settings: &RegionSettings,
    environment: Environment<'_>,
) -> Result<Option<EngineToken>, ServeError> {
    let text = match &settings.engine_token {
        None => return Ok(None),
        Some(SecretPlace::File(path)) => secret_file(path)?,
        Some(SecretPlace::Variable(name)) => variable(name, environment)?,
    };
    EngineToken::new(text.trim())
        .map(Some)
        .map_err(|source| ServeError::EngineToken { region: settings.region, source })
}

fn secret_file(path: &Path) -> Result<Zeroizing<String>, ServeError> {
    std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|source| ServeError::SecretFile { path: path.to_owned(), source })
}

fn portal_config(settings: &Settings, urls: &PublicUrls) -> portal::PortalConfig {
    let served = settings.regions.iter().filter(|region| region.has_engine());
    let regions = served.map(|region| portal::RegionEndpoints {
        region: region.region.to_string(),
        area: region.region.area().to_string(),
        batch_url: urls.batch(&region.batch_hosts),
        realtime_url: region.realtime_upstream.as_ref().and_then(|_| urls.realtime(&region.realtime_hosts)),
        enterprise: region.region.is_enterprise(),
    });
    let regions: Vec<portal::RegionEndpoints> = regions.collect();
    let management_host = settings.hosts.management.first().map_or(settings.domain.as_str(), String::as_str);
    portal::PortalConfig {
        endpoints: portal::Endpoints {
            management_url: urls.web(management_host),
            batch_url: regions.first().map(|region| region.batch_url.clone()).unwrap_or_default(),
            realtime_url: regions.iter().find_map(|region| region.realtime_url.clone()),
            global_realtime_url: urls.realtime(&settings.hosts.global_realtime),
            regions,
        },
        is_dev: false,
        docs_url: settings.docs_url.clone(),
    }
}
