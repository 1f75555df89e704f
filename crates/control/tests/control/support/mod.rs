//! A control plane in a folder of its own, a clock that tests move, and a gateway that really verifies.

pub(crate) mod authenticator;
pub(crate) mod people;
pub(crate) mod provider;
pub(crate) mod spellings;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use control::{
    Actor, Control, ControlConfig, CreatedKey, GatewayPort, MintRequest, Minted, NewKey, NewWorkspace,
};
use domain::link::{FromGateway, Revision, ToGateway};
use domain::{
    Area, Leash, ManualClock, Plan, Product, Project, Reason, Refusal, Region, SystemRng, Timestamp,
    Workspace,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use verify::{Need, Principal, Surface, Tables};

pub(crate) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const ACTOR: Actor = Actor::OPERATOR;

pub(crate) fn start_time() -> Timestamp {
    Timestamp::from_micros(1_800_000_000_123_456)
}

pub(crate) struct Instance {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) control: Arc<Control>,
}

impl Instance {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(start_time()));
        let control = open(&folder, &clock).await;
        Self { folder, clock, control }
    }

    /// Stops it in order, and starts it again.
    pub(crate) async fn restart(self) -> Self {
        self.control.close().await;
        self.crash().await
    }

    /// Drops it as it stands, and starts it again.
    pub(crate) async fn crash(self) -> Self {
        let Self { folder, clock, control } = self;
        drop(control);
        let control = open(&folder, &clock).await;
        Self { folder, clock, control }
    }

    pub(crate) fn config(&self) -> ControlConfig {
        ControlConfig::in_folder(self.folder.path())
    }

    pub(crate) async fn workspace(&self, plan: Plan) -> (Workspace, Project) {
        let new = NewWorkspace { name: String::from("Workspace"), plan, home_area: Area::Eu };
        let made = self.control.create_workspace(&ACTOR, new).await.unwrap();
        (made.workspace, made.default_project)
    }

    pub(crate) async fn key(&self, workspace: &Workspace, new: NewKey) -> CreatedKey {
        self.control.create_key(&ACTOR, workspace.id, new).await.unwrap()
    }

    /// Mints as the management API does.
    pub(crate) fn mint(&self, secret: &str, request: &MintRequest) -> Result<Minted, Refusal> {
        let parent = self.control.tables().mint_rights(secret, PEER, self.control.now())?;
        self.control.mint(&parent, request)
    }

    pub(crate) fn verify(
        &self,
        presented: &str,
        product: Product,
        region: Region,
    ) -> Result<Principal, Refusal> {
        verify(self.control.tables(), presented, product, region, self.control.now())
    }
}

pub(crate) async fn open(folder: &TempDir, clock: &Arc<ManualClock>) -> Arc<Control> {
    let config = ControlConfig::in_folder(folder.path());
    Control::open(config, Arc::clone(clock) as _, Arc::new(SystemRng)).await.unwrap()
}

pub(crate) fn verify(
    tables: &Tables,
    presented: &str,
    product: Product,
    region: Region,
    now: Timestamp,
) -> Result<Principal, Refusal> {
    let surface = if product == Product::Rt { Surface::RealtimeHeader } else { Surface::Batch };
    let need = Need {
        surface,
        product: Some(product),
        region: Some(region),
        peer: PEER,
        origin: None,
        usage: false,
    };
    tables.verify(presented, &need, now)
}

pub(crate) fn request(product: Product) -> MintRequest {
    MintRequest { product, ttl_seconds: 60, area: None, client_ref: None, leash: Leash::default() }
}

pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Reason {
    result.unwrap_err().reason
}

/// A gateway without connections: it applies what it is told and says so.
pub(crate) struct Follower {
    pub(crate) tables: Arc<Tables>,
    pub(crate) seen: Arc<Mutex<Vec<Revision>>>,
    task: JoinHandle<()>,
}

impl Follower {
    pub(crate) fn attach(control: &Control, name: &str) -> Self {
        let GatewayPort { mut incoming, outgoing } = control.gateways().attach(name);
        let tables = Arc::new(Tables::new());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (own, log) = (Arc::clone(&tables), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            while let Some(message) = incoming.recv().await {
                let revision = match message {
                    ToGateway::Snapshot(snapshot) => {
                        own.load(&snapshot);
                        snapshot.revision
                    }
                    ToGateway::Change { revision, changes } => {
                        own.apply(revision, &changes);
                        revision
                    }
                    ToGateway::EndSession { .. }
                    | ToGateway::Heartbeat { .. }
                    | ToGateway::ListSessions { .. }
                    | ToGateway::UsageCounted { .. } => continue,
                };
                log.lock().unwrap().push(revision);
                if outgoing.send(FromGateway::Applied { revision }).await.is_err() {
                    return;
                }
            }
        });
        Self { tables, seen, task }
    }

    /// Waits until control is gone.
    pub(crate) async fn finished(self) {
        self.task.await.unwrap();
    }
}
