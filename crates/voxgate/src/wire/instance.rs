//! One running instance: control, gateway, listeners, and how they end.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use control::{Control, ControlConfig};
use domain::{Clock, Region, Rng};
use gateway::realtime::SessionTimes;
use gateway::{
    CertificateInfo, Gateway, GatewayConfig, GatewayLimits, GatewayLink, Listener, RefusalStyle,
    RegionConfig, ServerTls, Site, UserIdKey,
};
use ledger::Ledger;
use management::{ManagementConfig, ManagementLimits};
use portal::{Mails, PortalConfig};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{OtherHosts, other};
use crate::admin::{self, Admin};
use crate::databases::{LEDGER_FOLDER, LedgerPlaces};
use crate::folder::{DataFolder, FolderError, make_private};
use crate::log::DroppedLines;
use crate::operator;
use crate::telemetry::Telemetry;

/// The name of the gateway that runs in the same process as control.
const GATEWAY_NAME: &str = "local/a";

/// What an instance is made of.
#[derive(Debug)]
pub struct InstanceConfig {
    /// How to open control; its data folder is the instance's.
    pub control: ControlConfig,
    /// The regions and their engines.
    pub regions: Vec<RegionConfig>,
    /// Where ledgers are that are not in the data folder.
    pub ledgers: LedgerPlaces,
    /// How realtime refusals are told.
    pub refusal_style: RefusalStyle,
    /// Limits of the gateway.
    pub limits: GatewayLimits,
    /// How long things may take in a session.
    pub session_times: SessionTimes,
    /// How fast the management API may be called.
    pub management: ManagementLimits,
    /// Which hosts show management and portal.
    pub other_hosts: OtherHosts,
    /// What the portal shows.
    pub portal: PortalConfig,
    /// How mails leave.
    pub mails: Mails,
    /// Pages beside the portal's.
    pub extra: Router,
    /// Where traces go, if anywhere.
    pub telemetry: Option<Telemetry>,
}

/// Why an instance doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The control plane.
    #[error(transparent)]
    Control(#[from] control::ControlError),
    /// A region's ledger.
    #[error("the ledger of region {region} can't be opened")]
    Ledger {
        /// Which region.
        region: Region,
        /// What happened.
        #[source]
        source: ledger::LedgerError,
    },
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] gateway::GatewayError),
    /// The operator's socket.
    #[error(transparent)]
    Operator(#[from] operator::SocketError),
}

/// A running instance.
#[derive(Debug)]
pub struct Instance {
    control: Arc<Control>,
    gateway: Arc<Gateway>,
    other: Arc<OtherBox>,
    tasks: JoinSet<()>,
    /// The TLS of the listeners that speak it.
    tls: Vec<Arc<ServerTls>>,
    telemetry: Option<Telemetry>,
    shutdown: CancellationToken,
    /// Cancelled last: the administration listener outlives everything that it tells of.
    over: CancellationToken,
    /// Kept until the end: it holds the lock.
    _folder: DataFolder,
}

/// `gateway::Other` has no `Debug` of its own.
struct OtherBox(gateway::Other);

impl std::fmt::Debug for OtherBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Other")
    }
}

impl Instance {
    /// Opens everything in `folder` and joins the planes; nothing listens yet but the operator's socket.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(
        folder: DataFolder,
        config: InstanceConfig,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, StartError> {
        let leeway = config.control.leeway;
        let control = Control::open(config.control, Arc::clone(&clock), Arc::clone(&rng)).await?;
        let ledgers = open_ledgers(&folder, &config.regions, &config.ledgers).await?;
        let journal = journal_name(&ledgers, rng.as_ref()).await?;
        let gateway_config = GatewayConfig {
            regions: config.regions,
            user_id_key: UserIdKey(*control.user_id_key()),
            refusal_style: config.refusal_style,
            limits: config.limits,
            session_times: config.session_times,
            tracing: config.telemetry.as_ref().map(Telemetry::tracing),
        };
        let port = control.gateways().attach_with_journal(GATEWAY_NAME, &journal);
        let link = GatewayLink { incoming: port.incoming, outgoing: port.outgoing };
        let tables = Arc::new(verify::Tables::with_leeway(leeway));
        let gateway = Gateway::start(gateway_config, tables, ledgers, clock, Arc::clone(&rng), link).await?;
        // Whoever is let in from here on is let in by what the gateway knows: before its first snapshot it refuses everybody.
        control.gateways().wait_enforced(control.tables().revision()).await;
        let url = config.portal.endpoints.management_url.clone();
        let portal_url = config.portal.base_url.clone();
        let management = ManagementConfig {
            rng: Arc::clone(&rng),
            url,
            portal_url: portal_url.clone(),
            limits: config.management,
        };
        let management = management::router(Arc::clone(&control), management);
        let portal =
            portal::router(Arc::clone(&control), config.portal, rng, config.mails).merge(config.extra);
        let other = Arc::new(OtherBox(other::other(management, portal, config.other_hosts)));
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let operator = operator::Operator::new(Arc::clone(&control), Some(Arc::clone(&gateway)))
            .ending(shutdown.clone())
            .with_portal(portal_url);
        let socket = operator::listen(folder.path())?;
        tasks.spawn(operator::serve(socket, operator, shutdown.clone()));
        Ok(Self {
            control,
            gateway,
            other,
            tasks,
            tls: Vec::new(),
            telemetry: config.telemetry,
            shutdown,
            over: CancellationToken::new(),
            _folder: folder,
        })
    }

    /// Serves a site at a listener until the end, and keeps its certificates fresh.
    pub fn listen(&mut self, listener: impl Into<Listener>, site: Site) {
        let listener = listener.into();
        if let Some(tls) = &listener.rules.tls {
            self.tls.push(Arc::clone(tls));
            self.tasks.spawn(Arc::clone(tls).watch(self.shutdown.clone()));
        }
        let gateway = Arc::clone(&self.gateway);
        let other = Arc::clone(&self.other.0);
        self.tasks.spawn(gateway.serve(listener, site, other, self.shutdown.clone()));
    }

    /// Serves the administration listener until the very end. It tells of the listeners that serve already.
    pub fn serve_admin(&self, listener: TcpListener, dropped_lines: Option<DroppedLines>) {
        let admin = Admin {
            control: Arc::clone(&self.control),
            gateway: Arc::clone(&self.gateway),
            shutdown: self.shutdown.clone(),
            dropped_lines,
            dropped_spans: self.telemetry.as_ref().map(Telemetry::dropped_spans),
            tls: self.tls.clone(),
        };
        tokio::spawn(admin::serve(listener, admin, self.over.clone()));
    }

    /// Reads the certificates again. What is broken is logged and changes nothing.
    pub fn reload_certificates(&self) {
        for tls in &self.tls {
            tls.reload_and_log();
        }
    }

    /// The certificates in use, of all listeners.
    pub fn certificates(&self) -> Vec<CertificateInfo> {
        self.tls.iter().flat_map(|tls| tls.certificates()).collect()
    }

    /// The gateway.
    pub const fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// The control plane.
    pub const fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Says when the end has begun, and begins it.
    pub const fn shutdown_token(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Ends: stops accepting, lets requests finish, ends sessions, writes what is in memory.
    pub async fn shutdown(mut self) {
        self.shutdown.cancel();
        // Sessions outlive the connections that they were opened on, so they are ended while those drain.
        let connections = async { while self.tasks.join_next().await.is_some() {} };
        tokio::join!(connections, self.gateway.stop());
        self.control.close().await;
        if let Some(telemetry) = self.telemetry.take() {
            telemetry.finish().await;
        }
        self.over.cancel();
    }
}

/// The journal that the gateway numbers its usage in: that of the first region's ledger.
async fn journal_name(ledgers: &HashMap<Region, Arc<Ledger>>, rng: &dyn Rng) -> Result<String, StartError> {
    let Some(first) = ledgers.values().min_by_key(|ledger| ledger.region()) else {
        return Ok(GATEWAY_NAME.to_owned());
    };
    let region = first.region();
    first.journal_name(rng).await.map_err(|source| StartError::Ledger { region, source })
}

async fn open_ledgers(
    folder: &DataFolder,
    regions: &[RegionConfig],
    places: &LedgerPlaces,
) -> Result<HashMap<Region, Arc<Ledger>>, StartError> {
    make_private(&folder.path().join(LEDGER_FOLDER))?;
    let mut ledgers = HashMap::new();
    for region in regions.iter().map(|config| config.region) {
        let ledger = Ledger::open_at(&places.of(region, folder.path()), region)
            .await
            .map_err(|source| StartError::Ledger { region, source })?;
        ledgers.insert(region, Arc::new(ledger));
    }
    Ok(ledgers)
}
