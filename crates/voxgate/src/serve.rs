//! `voxgate serve`: an instance from a configuration file, in front of real engines.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use control::{ControlConfig, MasterKeySource, ProviderConfig, SignInLimits, SlowRate};
use credentials::PlainSecret;
use domain::{Region, SystemClock, SystemRng};
use gateway::realtime::SessionTimes;
use gateway::{EngineToken, GatewayLimits, HostMap, HostTarget, Place, RegionConfig, Site};
use management::ManagementLimits;
use portal::Mails;
use sql::{DbPlace, InvalidDbUrl};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::config::{
    DbUrl, ListenerSettings, MasterKeyPlace, ProviderSettings, RegionSettings, SecretPlace, Serves, Settings,
};
use crate::databases::LedgerPlaces;
use crate::folder::{DataFolder, FolderError};
use crate::log::DroppedLines;
use crate::mail::{MailError, Smtp};
use crate::telemetry::{self, TelemetryError};
use crate::wire::{
    EntranceError, Inherited, Instance, InstanceConfig, OtherHosts, StartError, bind, open_listeners,
    with_engine_tls,
};

/// Why an instance doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The instance.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A listener, or TLS.
    #[error(transparent)]
    Entrance(#[from] EntranceError),
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
    /// A database's URL can't be read.
    #[error("the database URL in {from} can't be used: {source}")]
    DatabaseUrl {
        /// The file or the variable that holds it.
        from: String,
        /// What is wrong with it.
        #[source]
        source: InvalidDbUrl,
    },
    /// Two parts of the instance would use one database.
    #[error(
        "the ledger of region {region} can't be in {place}, which another part of the instance uses: give it a database of its own"
    )]
    SharedDatabase {
        /// Which region.
        region: Region,
        /// Which database, shown without its password.
        place: DbPlace,
    },
    /// The administration listener's address is taken, or not this machine's.
    #[error("{address} can't be listened on: {source}. Stop what uses it, or change address in [admin]")]
    Admin {
        /// Which address.
        address: std::net::SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Mails.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// Traces.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
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
    let next = settings.next_master_key.as_ref();
    Ok(ControlConfig {
        database: database(settings, environment)?,
        retention: settings.database.retention,
        master_key: master_key_source(&settings.master_key, environment)?,
        // Nobody needs the next one before a re-wrap: where its variable isn't set, there is none.
        next_master_key: next.and_then(|place| master_key_source(place, environment).ok()),
        algorithm: settings.tokens.algorithm,
        signing_key_days_max: settings.tokens.signing_key_days_max,
        publish_ahead_seconds: settings.tokens.publish_ahead_seconds,
        ttl_seconds: settings.ttl_seconds,
        plan_limits: settings.plans,
        leeway: settings.tokens.leeway,
        registration: settings.registration.clone(),
        sign_in: sign_in_limits(settings),
        second_factor: settings.second_factor,
        webhooks: settings.webhooks.clone(),
        ..ControlConfig::in_folder(&settings.data_dir)
    })
}

fn master_key_source(
    place: &MasterKeyPlace,
    environment: Environment<'_>,
) -> Result<MasterKeySource, ServeError> {
    Ok(match place {
        MasterKeyPlace::Folder => MasterKeySource::Folder,
        MasterKeyPlace::File(path) => MasterKeySource::File(path.clone()),
        MasterKeyPlace::Variable(name) => MasterKeySource::Text(variable(name, environment)?),
        MasterKeyPlace::Command(command) => MasterKeySource::Command(command.clone()),
    })
}

/// The control plane's database, where it isn't in the data folder.
fn database(settings: &Settings, environment: Environment<'_>) -> Result<Option<DbPlace>, ServeError> {
    let connections_max = settings.database.connections_max;
    settings.database.url.as_ref().map(|url| db_place(url, connections_max, environment)).transpose()
}

/// The ledgers that aren't in the data folder.
///
/// # Errors
/// When a URL can't be read, or two parts of the instance would share a database.
pub fn ledger_places(settings: &Settings, environment: Environment<'_>) -> Result<LedgerPlaces, ServeError> {
    let connections_max = settings.database.connections_max;
    let mut taken: Vec<DbPlace> = database(settings, environment)?.into_iter().collect();
    let mut places = LedgerPlaces::default();
    for region in &settings.regions {
        let Some(url) = &region.ledger_url else { continue };
        let place = db_place(url, connections_max, environment)?;
        if taken.contains(&place) {
            return Err(ServeError::SharedDatabase { region: region.region, place });
        }
        taken.push(place.clone());
        places.0.insert(region.region, place);
    }
    Ok(places)
}

fn db_place(url: &DbUrl, connections_max: u32, environment: Environment<'_>) -> Result<DbPlace, ServeError> {
    let place = match url {
        DbUrl::Plain(place) => place.clone(),
        DbUrl::Secret(SecretPlace::File(path)) => parse_url(&secret_file(path)?, path.display())?,
        DbUrl::Secret(SecretPlace::Variable(name)) => parse_url(&variable(name, environment)?, name)?,
    };
    Ok(place.with_connections(connections_max))
}

fn parse_url(text: &str, from: impl std::fmt::Display) -> Result<DbPlace, ServeError> {
    DbPlace::parse(text.trim()).map_err(|source| ServeError::DatabaseUrl { from: from.to_string(), source })
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
    start_logging(settings, environment, None).await
}

/// The same in a process that writes a log, which the administration listener tells of.
///
/// # Errors
/// See [`ServeError`].
pub async fn start_logging(
    settings: &Settings,
    environment: Environment<'_>,
    dropped_lines: Option<DroppedLines>,
) -> Result<Instance, ServeError> {
    let urls = PublicUrls::of(settings);
    let regions = settings
        .regions
        .iter()
        .map(|region| region_config(region, &urls, environment))
        .collect::<Result<Vec<_>, _>>()?;
    let config = InstanceConfig {
        control: control_config(settings, environment)?,
        regions,
        ledgers: ledger_places(settings, environment)?,
        refusal_style: settings.refusals.into(),
        limits: gateway_limits(settings),
        session_times: SessionTimes::default(),
        management: management_limits(settings),
        other_hosts: OtherHosts {
            management: settings.hosts.management.clone(),
            portal: settings.hosts.portal.clone(),
        },
        portal: portal::PortalConfig {
            providers: providers(settings, environment)?,
            ..portal_config(settings, &urls)
        },
        mails: mails(settings, environment)?,
        extra: Router::new(),
        telemetry: telemetry::start(&settings.telemetry)?,
    };
    let mut inherited = Inherited::from_environment(environment("LISTEN_FDNAMES").as_deref());
    let listeners = open_listeners(settings, &mut inherited).await?;
    let admin = open_admin(settings).await?;
    let folder = DataFolder::open(&settings.data_dir)?;
    let mut instance = Instance::start(folder, config, Arc::new(SystemClock), Arc::new(SystemRng)).await?;
    let hosts = Arc::new(host_map(settings));
    for (listener, settings) in listeners.into_iter().zip(&settings.listeners) {
        let site = match settings.serves {
            Serves::Hosts => Site::ByHost(Arc::clone(&hosts)),
            Serves::Home(region) => Site::Home(region),
            Serves::Region(region) => Site::Region(region),
        };
        let at = listener.address().map_or_else(|| settings.place.to_string(), |address| address.to_string());
        tracing::info!(at, tls = listener.rules.tls.is_some(), "listening");
        instance.listen(listener, site);
    }
    if let Some(listener) = admin {
        instance.serve_admin(listener, dropped_lines);
    }
    Ok(instance)
}

/// The providers that people can sign in with, each with its secret.
fn providers(settings: &Settings, environment: Environment<'_>) -> Result<Vec<ProviderConfig>, ServeError> {
    let with_secret = |provider: &ProviderSettings| {
        let secret = match &provider.client_secret {
            None => None,
            Some(SecretPlace::File(path)) => Some(secret_file(path)?),
            Some(SecretPlace::Variable(name)) => Some(variable(name, environment)?),
        };
        Ok(ProviderConfig {
            id: provider.id.clone(),
            name: provider.name.clone(),
            kind: provider.kind,
            issuer: provider.issuer.clone(),
            client_id: provider.client_id.clone(),
            client_secret: secret.map(|secret| PlainSecret::new(secret.trim().to_owned())),
            allowed_domains: provider.allowed_domains.clone(),
        })
    };
    settings.providers.iter().map(with_secret).collect()
}

/// How mails leave, if they do.
fn mails(settings: &Settings, environment: Environment<'_>) -> Result<Mails, ServeError> {
    let Some(mail) = &settings.mail else { return Ok(Mails::none()) };
    let password = match &mail.password {
        None => None,
        Some(SecretPlace::File(path)) => Some(secret_file(path)?),
        Some(SecretPlace::Variable(name)) => Some(variable(name, environment)?),
    };
    Ok(Mails::by(Arc::new(Smtp::new(mail, password)?)))
}

/// The administration listener, if there shall be one.
async fn open_admin(settings: &Settings) -> Result<Option<TcpListener>, ServeError> {
    let Some(address) = settings.admin.address else { return Ok(None) };
    let listener = bind(address).await.map_err(|source| ServeError::Admin { address, source })?;
    let at = listener.local_addr().unwrap_or(address);
    tracing::info!(%at, "the administration listener is open");
    Ok(Some(listener))
}

/// The gateway's limits. Where a proxy is declared and none is trusted, all clients come from its address: then nothing can be
/// limited by address.
fn gateway_limits(settings: &Settings) -> GatewayLimits {
    let limits = settings.limits;
    let connections_per_peer_max =
        if is_blind(settings) { limits.connections_max } else { limits.connections_per_peer_max };
    GatewayLimits { connections_per_peer_max, ..limits }
}

/// The management API's limits. Those per network are off where nothing can be limited by address.
fn management_limits(settings: &Settings) -> ManagementLimits {
    let limits = settings.management;
    if !is_blind(settings) {
        return limits;
    }
    ManagementLimits {
        network_calls_per_second_max: u32::MAX,
        network_failures_per_second_max: u32::MAX,
        ..limits
    }
}

/// How often passwords may be tried. Where nothing can be told by address, those of a network are everybody's.
fn sign_in_limits(settings: &Settings) -> SignInLimits {
    let usual = SignInLimits::default();
    if !is_blind(settings) {
        return usual;
    }
    let unlimited = SlowRate { burst_max: u32::MAX, every_seconds: 1 };
    SignInLimits {
        network: unlimited,
        account_and_network: usual.account,
        mails_of_network: unlimited,
        ..usual
    }
}

/// Whether all clients come from the address of one proxy.
fn is_blind(settings: &Settings) -> bool {
    settings.proxies.behind_tls_proxy && settings.proxies.trusted.is_empty()
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
        if settings.proxies.behind_tls_proxy {
            return Self { http: "https", ws: "wss", port: String::new() };
        }
        let by_host = settings.listeners.iter().find(|listener| listener.serves == Serves::Hosts);
        let listener = by_host.or(settings.listeners.first());
        let is_tls = listener.is_some_and(|listener| !listener.tls.is_empty());
        let (http, ws, usual_port) = if is_tls { ("https", "wss", 443) } else { ("http", "ws", 80) };
        let address = listener.and_then(ListenerSettings::address);
        let port = address.map(|address| address.port()).filter(|port| *port != usual_port);
        Self { http, ws, port: port.map(|port| format!(":{port}")).unwrap_or_default() }
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
    let config = RegionConfig {
        region: settings.region,
        batch_url: urls.batch(&settings.batch_hosts),
        realtime_url: urls.realtime(&settings.realtime_hosts),
        batch_upstream: settings.batch_upstream.clone(),
        realtime_upstream: settings.realtime_upstream.clone(),
        tts_upstream: settings.tts_upstream.clone(),
        engine_token: engine_token(settings, environment)?,
        capabilities: settings.capabilities,
    };
    Ok(with_engine_tls(config, settings)?)
}

/// The engine's own token of a region, from where the configuration says that it is.
///
/// # Errors
/// When it isn't there, or can't be sent.
pub(crate) fn engine_token(
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

fn portal_url(settings: &Settings, urls: &PublicUrls) -> String {
    let host = settings.hosts.portal.first().map_or(settings.domain.as_str(), String::as_str);
    urls.web(host)
}

/// The whole address of a path of the portal, as the configuration says it.
pub fn portal_address(settings: &Settings, path: &str) -> String {
    format!("{}{path}", portal_url(settings, &PublicUrls::of(settings)))
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
        base_url: portal_url(settings, urls),
        providers: Vec::new(),
        endpoints: portal::Endpoints {
            management_url: urls.web(management_host),
            batch_url: regions.first().map(|region| region.batch_url.clone()).unwrap_or_default(),
            realtime_url: regions.iter().find_map(|region| region.realtime_url.clone()),
            global_realtime_url: urls.realtime(&settings.hosts.global_realtime),
            regions,
        },
        is_dev: false,
        docs_url: settings.docs_url.clone(),
        support_contact: settings.support_contact.clone(),
    }
}
