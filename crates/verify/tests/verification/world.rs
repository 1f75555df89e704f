//! A small world to verify in: one workspace, one project, one API key, one signing key, one management token.

use std::net::IpAddr;

use credentials::{PlainSecret, SecretKind, SigningKey};
use domain::link::{Change, KeyRecord, ManagementTokenRecord, Revision, Snapshot};
use domain::token::Claims;
use domain::{
    Algorithm, ApiKeyId, Area, AreaSet, ClientRef, InstanceId, Leash, ManagementTokenId, Networks,
    Permission, PermissionSet, Plan, PlanLimits, Product, ProductSet, ProjectId, Reason, Refusal, Region,
    Rng as _, SystemRng, TemporaryKeyId, Timestamp, WorkspaceId,
};
use verify::{Need, Principal, Surface, Tables};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_764_000_000);
pub(crate) const PROJECT: ProjectId = ProjectId::new(42);
pub(crate) const SURFACES: [Surface; 3] = [Surface::Batch, Surface::RealtimeHeader, Surface::RealtimeUrl];

pub(crate) struct World {
    pub(crate) tables: Tables,
    pub(crate) instance: InstanceId,
    pub(crate) signing_key: SigningKey,
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) api_key: PlainSecret,
    pub(crate) record: KeyRecord,
    pub(crate) management_token: PlainSecret,
    pub(crate) management_record: ManagementTokenRecord,
}

pub(crate) fn limits(plan: Plan) -> PlanLimits {
    plan.default_limits()
}

pub(crate) fn key_record(secret: &PlainSecret) -> KeyRecord {
    KeyRecord {
        id: ApiKeyId::generate(NOW, &SystemRng),
        hash: secret.hash(),
        project_id: PROJECT,
        areas: AreaSet::EMPTY.with(Area::Eu),
        products: ProductSet::default_for_keys(),
        expires_at: None,
        networks: Networks::default(),
        client_ref: None,
        revoked_at: None,
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self::unknown();
        world.tables.load(&world.snapshot());
        world
    }

    /// The same before the tables know anything of it.
    pub(crate) fn unknown() -> Self {
        let api_key = SecretKind::ApiKey.generate(&SystemRng);
        let management_token = SecretKind::ManagementToken.generate(&SystemRng);
        let workspace_id = WorkspaceId::generate(NOW, &SystemRng);
        Self {
            tables: Tables::new(),
            instance: InstanceId::generate(NOW, &SystemRng),
            signing_key: SigningKey::generate(Algorithm::EdDsa, &SystemRng),
            workspace_id,
            record: key_record(&api_key),
            api_key,
            management_record: ManagementTokenRecord {
                id: ManagementTokenId::generate(NOW, &SystemRng),
                hash: management_token.hash(),
                workspace_id,
                permissions: PermissionSet::EMPTY.with(Permission::ViewProjects),
                revoked_at: None,
            },
            management_token,
        }
    }

    pub(crate) fn changes(&self) -> Vec<Change> {
        vec![
            Change::Instance { id: self.instance },
            Change::Workspace { id: self.workspace_id, limits: limits(Plan::Pro) },
            Change::Project { id: PROJECT, workspace_id: self.workspace_id },
            Change::SigningKey(self.signing_key.verifying_key()),
            Change::Key(self.record.clone()),
            Change::ManagementToken(self.management_record.clone()),
        ]
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let changes = self.changes().into_iter().map(|change| (Revision(10), change)).collect();
        Snapshot { revision: Revision(10), changes }
    }

    /// Applies changes as the next revision.
    pub(crate) fn apply(&self, changes: &[Change]) -> Revision {
        let revision = Revision(self.tables.revision().0 + 1);
        self.tables.apply(revision, changes);
        revision
    }

    pub(crate) fn change_key(&self, edit: impl FnOnce(&mut KeyRecord)) {
        let mut record = self.record.clone();
        edit(&mut record);
        self.apply(&[Change::Key(record)]);
    }

    pub(crate) fn set_plan(&self, plan: Plan) {
        self.apply(&[Change::Workspace { id: self.workspace_id, limits: limits(plan) }]);
    }

    /// Another key of the same project.
    pub(crate) fn add_key(&self, edit: impl FnOnce(&mut KeyRecord)) -> (PlainSecret, KeyRecord) {
        let secret = SecretKind::ApiKey.generate(&SystemRng);
        let mut record = key_record(&secret);
        edit(&mut record);
        self.apply(&[Change::Key(record.clone())]);
        (secret, record)
    }

    pub(crate) fn claims(&self, product: Product) -> Claims {
        Claims {
            issuer: self.instance.to_string(),
            areas: self.record.areas,
            issued_at: NOW,
            not_before: NOW,
            expires_at: NOW.plus_seconds(60),
            id: TemporaryKeyId::generate(self.record.id, &SystemRng),
            revision: self.tables.revision(),
            project_id: PROJECT,
            workspace_id: self.workspace_id,
            api_key_id: self.record.id,
            product,
            client_ref: None,
            leash: Leash::default(),
        }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> String {
        self.signing_key.sign(claims).unwrap()
    }

    pub(crate) fn mint(&self, product: Product) -> String {
        self.sign(&self.claims(product))
    }

    pub(crate) fn claims_for(&self, product: Product, client_ref: &str) -> Claims {
        Claims { client_ref: Some(ClientRef::new(client_ref).unwrap()), ..self.claims(product) }
    }

    pub(crate) fn mint_for(&self, product: Product, client_ref: &str) -> String {
        self.sign(&self.claims_for(product, client_ref))
    }

    /// Presents a credential where its product is at home.
    pub(crate) fn verify(&self, presented: &str, surface: Surface) -> Result<Principal, Refusal> {
        self.tables.verify(presented, &need(surface), NOW)
    }

    pub(crate) fn reason(&self, presented: &str, need: &Need<'_>) -> Option<Reason> {
        self.tables.verify(presented, need, NOW).err().map(|refusal| refusal.reason)
    }

    pub(crate) fn mint_reason(&self, presented: &str) -> Option<Reason> {
        self.tables.mint_rights(presented, peer(), NOW).err().map(|refusal| refusal.reason)
    }

    pub(crate) fn management_reason(&self, presented: &str) -> Option<Reason> {
        self.tables.verify_management(presented, NOW).err().map(|refusal| refusal.reason)
    }
}

pub(crate) fn peer() -> IpAddr {
    "192.0.2.7".parse().unwrap()
}

pub(crate) const fn product(surface: Surface) -> Product {
    match surface {
        Surface::RealtimeHeader | Surface::RealtimeUrl => Product::Rt,
        Surface::Mint | Surface::Batch | Surface::Management => Product::Batch,
    }
}

/// What the home region's endpoint of a surface needs.
pub(crate) fn need(surface: Surface) -> Need<'static> {
    let (product, region) = match surface {
        Surface::Mint | Surface::Management => (None, None),
        _ => (Some(product(surface)), Some(Region::Eu1)),
    };
    Need { surface, product, region, peer: peer(), origin: None, usage: false }
}

/// A fresh random secret of a form that isn't ours.
pub(crate) fn foreign_secret() -> PlainSecret {
    PlainSecret::new(format!("{:032x}", SystemRng.next_u128()))
}
