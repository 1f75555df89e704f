//! Starting and ending a dev instance.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use control::{
    ControlConfig, MintRequest, PlanOverrides, Registration, RegistrationPolicy, SignInLimits, SlowRate,
};
use domain::{Leash, Plan, Product, Region, SystemRng};
use gateway::config::InvalidUpstream;
use gateway::realtime::SessionTimes;
use gateway::{
    EngineCapabilities, GatewayLimits, HostMap, HostTarget, Place, RefusalStyle, RegionConfig, Site,
};
use management::ManagementLimits;
use tokio::net::TcpListener;

use super::engines::{Engine, Engines};
use super::options::generous;
use super::{AccountReport, DevOptions, DevReport, RegionReport, credentials_file, hello};
use crate::databases::LedgerPlaces;
use crate::folder::{DataFolder, FolderError};
use crate::wire::{Instance, InstanceConfig, OtherHosts, StartError, bind_loopback};

/// The region that the port which routes by path serves.
const HOME_REGION: Region = Region::Eu1;
/// How long the printed temporary key lives: the longest that every product takes, in seconds.
const PRINTED_TTL_SECONDS: u32 = 3600;

/// How long requests and sessions may go on once the end was asked for: somebody waits for their prompt.
const DRAIN_SECONDS_MAX: u64 = 3;

/// Why a dev instance doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// The instance.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is no temporary folder.
    #[error("no temporary folder can be made: {0}. Give one with --data-dir")]
    Temporary(#[source] io::Error),
    /// A port is taken.
    #[error(
        "port {port} can't be listened on: {source}. Stop what uses it, or choose another with --port (0 picks free ones)"
    )]
    Port {
        /// Which.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An engine's URL.
    #[error("{option}: {source}")]
    Upstream {
        /// Which option.
        option: &'static str,
        /// What is wrong.
        #[source]
        source: InvalidUpstream,
    },
    /// A sandbox.
    #[error(transparent)]
    Sandbox(#[from] sandbox::SandboxError),
    /// The ready credentials.
    #[error(transparent)]
    Control(#[from] control::ControlError),
    /// The ready API key doesn't mint.
    #[error("the ready API key can't mint: {0}")]
    Mint(#[from] domain::Refusal),
}

/// A running dev instance.
#[derive(Debug)]
pub struct Running {
    instance: Instance,
    engines: Engines,
    report: DevReport,
    /// Removed when this is dropped.
    temporary: Option<tempfile::TempDir>,
    data_dir: std::path::PathBuf,
}

/// A port and the sockets that listen on it.
struct Port {
    number: u16,
    listeners: Vec<TcpListener>,
}

/// The ports of a dev instance.
struct Ports {
    home: Port,
    regions: Vec<(Region, Port)>,
    global: Port,
    admin: Port,
}

impl Ports {
    async fn bind(home_port: u16) -> Result<Self, DevError> {
        let home = exactly(home_port).await?;
        let mut next = home_port;
        let mut regions = Vec::new();
        for region in Region::ALL.iter().copied() {
            next = if next == 0 { 0 } else { next.saturating_add(1) };
            regions.push((region, near(next).await?));
        }
        next = if next == 0 { 0 } else { next.saturating_add(1) };
        let global = near(next).await?;
        next = if next == 0 { 0 } else { next.saturating_add(1) };
        Ok(Self { home, regions, global, admin: near(next).await? })
    }
}

async fn exactly(port: u16) -> Result<Port, DevError> {
    let (number, listeners) = bind_loopback(port).await.map_err(|source| DevError::Port { port, source })?;
    Ok(Port { number, listeners })
}

/// This port, or any other where it is taken: the printed endpoints tell which.
async fn near(port: u16) -> Result<Port, DevError> {
    match exactly(port).await {
        Ok(bound) => Ok(bound),
        Err(_) if port != 0 => exactly(0).await,
        Err(error) => Err(error),
    }
}

/// Starts a dev instance.
///
/// # Errors
/// See [`DevError`].
pub async fn start(options: &DevOptions) -> Result<Running, DevError> {
    let temporary = match &options.data_dir {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("voxgate-dev-").tempdir().map_err(DevError::Temporary)?),
    };
    let data_dir = match (&options.data_dir, &temporary) {
        (Some(path), _) => path.clone(),
        (None, Some(folder)) => folder.path().to_owned(),
        (None, None) => std::path::PathBuf::from("."),
    };
    let folder = DataFolder::open(&data_dir)?;
    let ports = Ports::bind(options.port).await?;
    let mut engines = Engines::default();
    let started = engines.start(options, &data_dir).await?;
    let config = instance_config(options, &data_dir, &ports, started);
    let mut instance =
        Instance::start(folder, config, Arc::clone(&options.clock), Arc::new(SystemRng)).await?;
    let secrets = instance.control().bootstrap_dev(credentials_file::load(&data_dir)).await?;
    credentials_file::save(&data_dir, &secrets)?;
    let report = report(&ports, &secrets);
    listen(&mut instance, ports, options);
    Ok(Running { instance, engines, report, temporary, data_dir })
}

/// Tests sign many people in from one address; guesses at one account are as slow as anywhere.
fn dev_sign_in_limits() -> SignInLimits {
    let generous = SlowRate { burst_max: 10_000, every_seconds: 1 };
    SignInLimits { network: generous, mails_of_network: generous, ..SignInLimits::default() }
}

/// Tests call as fast as they can.
const GENEROUS: ManagementLimits = ManagementLimits {
    credential_calls_per_second_max: 10_000,
    network_calls_per_second_max: 10_000,
    network_failures_per_second_max: 10_000,
};

fn instance_config(
    options: &DevOptions,
    data_dir: &std::path::Path,
    ports: &Ports,
    engines: Vec<Engine>,
) -> InstanceConfig {
    let mut control = ControlConfig::in_folder(data_dir);
    control.database.clone_from(&options.database);
    control.plan_limits = PlanOverrides {
        free: Some(generous(Plan::Free)),
        pro: Some(generous(Plan::Pro)),
        enterprise: Some(options.limits),
    };
    control.registration = Registration {
        policy: RegistrationPolicy::Open,
        may_sign_in_unconfirmed: true,
        ..Registration::default()
    };
    control.sign_in = dev_sign_in_limits();
    control.webhooks.loopback = true;
    if let Some(seconds) = options.ttl_min_seconds {
        let ttl = &mut control.ttl_seconds;
        for range in [&mut ttl.batch, &mut ttl.rt, &mut ttl.tts, &mut ttl.flow] {
            range.min_seconds = seconds;
        }
    }
    let usual = GatewayLimits::default();
    let mut session_times = SessionTimes::default();
    if let Some(seconds) = options.idle_seconds_max {
        session_times.idle_silent_max = Duration::from_secs(seconds.into());
    }
    InstanceConfig {
        session_times,
        control,
        ledgers: ledgers(options),
        regions: engines.into_iter().map(|engine| region_config(ports, engine)).collect(),
        refusal_style: RefusalStyle::ByCredential,
        limits: GatewayLimits {
            drain_seconds_max: DRAIN_SECONDS_MAX,
            worker_threads: options.worker_threads.unwrap_or(usual.worker_threads),
            ..usual
        },
        management: GENEROUS,
        other_hosts: OtherHosts::default(),
        portal: portal_config(ports),
        mails: portal::Mails::kept(Arc::clone(&options.clock)),
        extra: Router::new().route(
            "/assets/hello.wav",
            get(async || ([(http::header::CONTENT_TYPE, "audio/wav")], hello::wav())),
        ),
        telemetry: None,
    }
}

/// Each region's ledger in a schema of its own, where there is a database for everything.
fn ledgers(options: &DevOptions) -> LedgerPlaces {
    let Some(database) = &options.database else { return LedgerPlaces::default() };
    let place = |region: &Region| (*region, database.clone().in_schema(&format!("ledger_{region}")));
    LedgerPlaces(Region::ALL.iter().map(place).collect())
}

fn http(port: &Port) -> String {
    format!("http://localhost:{}", port.number)
}

fn batch_url(port: &Port) -> String {
    format!("http://localhost:{}/v2", port.number)
}

fn realtime_url(port: &Port) -> String {
    format!("ws://localhost:{}/v2", port.number)
}

fn region_config(ports: &Ports, engine: Engine) -> RegionConfig {
    let region = engine.region;
    let port = ports.regions.iter().find(|(other, _)| *other == region).map_or(&ports.home, |(_, port)| port);
    RegionConfig {
        region,
        batch_url: batch_url(port),
        realtime_url: region.has_realtime().then(|| realtime_url(port)),
        batch_upstream: Some(engine.batch),
        realtime_upstream: region.has_realtime().then_some(engine.realtime),
        tts_upstream: None,
        engine_token: None,
        capabilities: EngineCapabilities::default(),
    }
}

fn portal_config(ports: &Ports) -> portal::PortalConfig {
    let regions = ports.regions.iter().map(|(region, port)| portal::RegionEndpoints {
        region: region.to_string(),
        area: region.area().to_string(),
        batch_url: batch_url(port),
        realtime_url: region.has_realtime().then(|| realtime_url(port)),
        enterprise: region.is_enterprise(),
    });
    portal::PortalConfig {
        base_url: http(&ports.home),
        providers: Vec::new(),
        endpoints: portal::Endpoints {
            management_url: http(&ports.home),
            batch_url: batch_url(&ports.home),
            realtime_url: Some(realtime_url(&ports.home)),
            global_realtime_url: Some(realtime_url(&ports.global)),
            regions: regions.collect(),
        },
        is_dev: true,
        docs_url: None,
        support_contact: None,
    }
}

fn report(ports: &Ports, secrets: &control::DevSecrets) -> DevReport {
    let regions: BTreeMap<String, RegionReport> = ports
        .regions
        .iter()
        .map(|(region, port)| {
            let realtime_url = region.has_realtime().then(|| realtime_url(port));
            (region.to_string(), RegionReport { batch_url: batch_url(port), realtime_url })
        })
        .collect();
    DevReport {
        portal_url: http(&ports.home),
        management_url: http(&ports.home),
        batch_url: batch_url(&ports.home),
        realtime_url: realtime_url(&ports.home),
        global_realtime_url: realtime_url(&ports.global),
        admin_url: http(&ports.admin),
        regions,
        account: AccountReport {
            email: secrets.account.email.clone(),
            password: secrets.account.password.expose().to_owned(),
        },
        project_id: secrets.project_id.get(),
        api_key: secrets.api_key.expose().to_owned(),
        management_token: secrets.management_token.expose().to_owned(),
    }
}

fn listen(instance: &mut Instance, ports: Ports, options: &DevOptions) {
    for listener in ports.home.listeners {
        instance.listen(listener, Site::Home(HOME_REGION));
    }
    for (region, port) in ports.regions {
        for listener in port.listeners {
            instance.listen(listener, Site::Region(region));
        }
    }
    let mut hosts = HostMap::default();
    for name in ["localhost", "127.0.0.1", "[::1]"] {
        hosts.insert(name, HostTarget::Realtime(Place::Global));
    }
    let hosts = Arc::new(hosts);
    for listener in ports.global.listeners {
        instance.listen(listener, Site::ByHost(Arc::clone(&hosts)));
    }
    for listener in ports.admin.listeners {
        instance.serve_admin(listener, options.dropped_lines.clone());
    }
}

impl Running {
    /// Where everything is, and the ready credentials.
    pub const fn report(&self) -> &DevReport {
        &self.report
    }

    /// Where everything is kept.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.data_dir
    }

    /// Whether the data folder goes with the instance.
    pub const fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// The running instance.
    pub const fn instance(&self) -> &Instance {
        &self.instance
    }

    /// A temporary key for realtime, for the URL that is printed.
    ///
    /// # Errors
    /// When the ready API key doesn't mint.
    pub fn mint_printed(&self) -> Result<zeroize::Zeroizing<String>, DevError> {
        let control = self.instance.control();
        let peer = std::net::Ipv4Addr::LOCALHOST.into();
        let parent = control.tables().mint_rights(&self.report.api_key, peer, control.now())?;
        let request = MintRequest {
            product: Product::Rt,
            ttl_seconds: PRINTED_TTL_SECONDS,
            area: None,
            client_ref: None,
            leash: Leash::default(),
        };
        Ok(control.mint(&parent, &request)?.key_value)
    }

    /// Ends the instance, then its engines, then removes a temporary folder.
    pub async fn shutdown(self) {
        self.instance.shutdown().await;
        self.engines.shutdown().await;
        drop(self.temporary);
    }
}
