//! The settings, as plain data, and what they are when nothing is said.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use control::{
    PlanOverrides, ProviderKind, Registration, Retention, SecondFactorPolicy, TtlSeconds, WebhookReach,
};
use domain::{Algorithm, Region, named_enum};
use gateway::{
    CertificateFiles, ClientHeader, EngineCapabilities, EngineTlsFiles, GatewayLimits, RefusalStyle, Upstream,
};
use ipnet::IpNet;
use management::ManagementLimits;
use sql::{CONNECTIONS_DEFAULT, DbPlace};
use verify::Leeway;

use crate::admin::AdminSettings;
use crate::log::LogSettings;
use crate::mail::MailSettings;
use crate::telemetry::TelemetrySettings;

/// The port of the only listener unless others are configured.
const PORT: u16 = 8080;

/// Everything that the file can say.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the instance keeps everything.
    pub data_dir: PathBuf,
    /// What the hosts end with.
    pub domain: String,
    /// The proxies in front.
    pub proxies: ProxySettings,
    /// Where the documentation is published.
    pub docs_url: Option<String>,
    /// The control plane's database.
    pub database: DatabaseSettings,
    /// Where the master key comes from.
    pub master_key: MasterKeyPlace,
    /// Where it will come from after a re-wrap.
    pub next_master_key: Option<MasterKeyPlace>,
    /// Whom users turn to.
    pub support_contact: Option<String>,
    /// The log.
    pub log: LogSettings,
    /// The administration listener.
    pub admin: AdminSettings,
    /// Traces.
    pub telemetry: TelemetrySettings,
    /// Where to listen.
    pub listeners: Vec<ListenerSettings>,
    /// Host names that aren't a region's.
    pub hosts: Hosts,
    /// The regions, each of the known ones once.
    pub regions: Vec<RegionSettings>,
    /// Signatures and clocks.
    pub tokens: TokenSettings,
    /// How long temporary keys may live.
    pub ttl_seconds: TtlSeconds,
    /// The limits of the plans.
    pub plans: PlanOverrides,
    /// How realtime refusals are told.
    pub refusals: RealtimeRefusals,
    /// Limits of the gateway.
    pub limits: GatewayLimits,
    /// How fast the management API may be called.
    pub management: ManagementLimits,
    /// How accounts are made by those who want one.
    pub registration: Registration,
    /// The mail server.
    pub mail: Option<MailSettings>,
    /// Whether whoever signs in needs a second factor.
    pub second_factor: SecondFactorPolicy,
    /// Where webhooks may be.
    pub webhooks: WebhookReach,
    /// Other providers that people can sign in with.
    pub providers: Vec<ProviderSettings>,
}

/// Another provider that people can sign in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Its id, in addresses and in the database.
    pub id: String,
    /// What people know it by.
    pub name: String,
    /// What it speaks.
    pub kind: ProviderKind,
    /// Its issuer; of GitHub, the address of the server.
    pub issuer: String,
    /// Who this instance is there.
    pub client_id: String,
    /// What proves that.
    pub client_secret: Option<SecretPlace>,
    /// The domains whose people are let in; empty for everybody's.
    pub allowed_domains: Vec<String>,
}

/// The control plane's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// Where it is; `None` means SQLite in the data folder.
    pub url: Option<DbUrl>,
    /// Connections that may be open to each PostgreSQL at once.
    pub connections_max: u32,
    /// How long what nobody relies on is kept.
    pub retention: Retention,
}

/// The URL of a database. One that holds a password is a secret, and never stands in the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DbUrl {
    /// This one, without a password.
    Plain(DbPlace),
    /// The one that a file or an environment variable holds.
    Secret(SecretPlace),
}

/// Where the master key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MasterKeyPlace {
    /// `master.key` in the data folder, made at first start.
    Folder,
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// What a command prints.
    Command(Vec<String>),
}

/// Where another secret comes from: never from the file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

/// The proxies in front.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxySettings {
    /// Whether one of them speaks TLS with clients.
    pub behind_tls_proxy: bool,
    /// Those that are believed when they tell who speaks.
    pub trusted: Vec<IpNet>,
    /// The header in which they tell.
    pub header: ClientHeader,
}

/// One place to listen at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerSettings {
    /// Where.
    pub place: ListenerPlace,
    /// What is served there.
    pub serves: Serves,
    /// The certificates of TLS; without any, none is spoken.
    pub tls: Vec<CertificateFiles>,
    /// Whether trusted proxies tell who speaks by the PROXY protocol, and nobody else connects.
    pub proxy_protocol: bool,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenerPlace {
    /// Address and port.
    Address(SocketAddr),
    /// A Unix socket that is made at the start.
    Unix(PathBuf),
    /// A socket that systemd opened, by its name.
    Inherited(String),
}

impl ListenerSettings {
    /// A plain listener.
    pub const fn plain(address: SocketAddr, serves: Serves) -> Self {
        Self { place: ListenerPlace::Address(address), serves, tls: Vec::new(), proxy_protocol: false }
    }

    /// Its address, where the configuration says one.
    pub const fn address(&self) -> Option<SocketAddr> {
        match self.place {
            ListenerPlace::Address(address) => Some(address),
            ListenerPlace::Unix(_) | ListenerPlace::Inherited(_) => None,
        }
    }
}

impl fmt::Display for ListenerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Inherited(name) => write!(f, "the socket \"{name}\" of systemd"),
        }
    }
}

/// What a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// Everything, told apart by host.
    Hosts,
    /// One region, whatever the host, and management and portal beside it: one port that routes by path.
    Home(Region),
    /// One region, whatever the host.
    Region(Region),
}

/// Host names that aren't a region's; more than one each, so that other names can be mapped on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// The management API's.
    pub management: Vec<String>,
    /// The portal's.
    pub portal: Vec<String>,
    /// The realtime endpoint's that goes to the nearest region.
    pub global_realtime: Vec<String>,
}

named_enum! {
    /// What an engine can do.
    EngineAbility {
        /// It understands `wait` on reads.
        Wait = "wait",
        /// It understands `DELETE`.
        Delete = "delete",
        /// It serves logs.
        Log = "log",
    }
}

/// One region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSettings {
    /// Which.
    pub region: Region,
    /// Host names of its Jobs API.
    pub batch_hosts: Vec<String>,
    /// Host names of its realtime endpoint; empty where it has none.
    pub realtime_hosts: Vec<String>,
    /// The engine behind the Jobs API.
    pub batch_upstream: Option<Upstream>,
    /// The engine behind realtime.
    pub realtime_upstream: Option<Upstream>,
    /// The engine for text to speech.
    pub tts_upstream: Option<Upstream>,
    /// What the engine wants in `Authorization`.
    pub engine_token: Option<SecretPlace>,
    /// How engines that are spoken to by TLS are verified.
    pub engine_tls: EngineTlsFiles,
    /// What the engine can do.
    pub capabilities: EngineCapabilities,
    /// The region's ledger; `None` means SQLite in the data folder.
    pub ledger_url: Option<DbUrl>,
}

/// Signatures and clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenSettings {
    /// The algorithm of signing keys that are made from now on.
    pub algorithm: Algorithm,
    /// How far clocks may be apart.
    pub leeway: Leeway,
    /// How old a signing key may become, in days.
    pub signing_key_days_max: u32,
    /// How long a signing key is published before its first use, in seconds.
    pub publish_ahead_seconds: u32,
}

named_enum! {
    /// How realtime refusals are told.
    RealtimeRefusals {
        /// By HTTP where the credential is in the header, in-band where it is in the URL.
        ByCredential = "by_credential",
        /// Always by HTTP.
        Http = "http",
        /// Always in-band.
        InBand = "in_band",
    }
}

impl From<RealtimeRefusals> for RefusalStyle {
    fn from(refusals: RealtimeRefusals) -> Self {
        match refusals {
            RealtimeRefusals::ByCredential => Self::ByCredential,
            RealtimeRefusals::Http => Self::Http,
            RealtimeRefusals::InBand => Self::InBand,
        }
    }
}

impl Hosts {
    /// The names of design 5 under a domain.
    pub fn under(domain: &str) -> Self {
        Self {
            management: vec![format!("mp.{domain}")],
            portal: vec![format!("portal.{domain}")],
            global_realtime: vec![format!("global.rt.{domain}")],
        }
    }
}

impl RegionSettings {
    /// A region under a domain, without engines.
    pub fn under(region: Region, domain: &str) -> Self {
        let realtime = match region {
            Region::Eu1 => vec![format!("eu.rt.{domain}")],
            Region::Us1 => vec![format!("us.rt.{domain}")],
            Region::Au1 | Region::Eu2 | Region::Us2 => Vec::new(),
        };
        Self {
            region,
            batch_hosts: vec![format!("{region}.asr.{domain}")],
            realtime_hosts: realtime,
            batch_upstream: None,
            realtime_upstream: None,
            tts_upstream: None,
            engine_token: None,
            engine_tls: EngineTlsFiles::default(),
            capabilities: EngineCapabilities::default(),
            ledger_url: None,
        }
    }

    /// Whether any engine stands behind it.
    pub const fn has_engine(&self) -> bool {
        self.batch_upstream.is_some() || self.realtime_upstream.is_some() || self.tts_upstream.is_some()
    }
}

impl Settings {
    /// Everything by default, under a domain.
    pub fn under(domain: &str) -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/voxgate"),
            domain: domain.to_owned(),
            proxies: ProxySettings::default(),
            docs_url: None,
            database: DatabaseSettings {
                url: None,
                connections_max: CONNECTIONS_DEFAULT,
                retention: Retention::default(),
            },
            master_key: MasterKeyPlace::Folder,
            next_master_key: None,
            support_contact: None,
            log: LogSettings::default(),
            admin: AdminSettings::default(),
            telemetry: TelemetrySettings::default(),
            listeners: vec![ListenerSettings::plain((Ipv4Addr::LOCALHOST, PORT).into(), Serves::Hosts)],
            hosts: Hosts::under(domain),
            regions: Region::ALL.iter().map(|region| RegionSettings::under(*region, domain)).collect(),
            tokens: TokenSettings {
                algorithm: Algorithm::EdDsa,
                leeway: Leeway::default(),
                signing_key_days_max: control::SIGNING_KEY_DAYS_MAX,
                publish_ahead_seconds: control::PUBLISH_AHEAD_SECONDS,
            },
            ttl_seconds: TtlSeconds::default(),
            plans: PlanOverrides::default(),
            refusals: RealtimeRefusals::ByCredential,
            limits: GatewayLimits::default(),
            management: ManagementLimits::default(),
            registration: Registration::default(),
            mail: None,
            second_factor: SecondFactorPolicy::Offered,
            webhooks: WebhookReach::default(),
            providers: Vec::new(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::under("localhost")
    }
}
