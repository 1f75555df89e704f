//! Somebody for tests: tables that know of one workspace, its project, its API key and its signing key, and who comes with a
//! temporary key.

use credentials::{PlainSecret, SecretKind, SigningKey};
use domain::link::{Change, KeyRecord, Revision, Snapshot};
use domain::token::Claims;
use domain::{
    Algorithm, ApiKeyId, Area, AreaSet, ClientRef, InstanceId, Leash, Networks, Plan, Product, ProductSet,
    ProjectId, Region, SystemRng, TemporaryKeyId, Timestamp, WorkspaceId,
};
use verify::{Need, Principal, Surface, Tables};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_764_000_000);
/// The one in the temporary key.
pub(crate) const CLIENT_REF: &str = "somebody";

pub(crate) struct Somebody {
    pub(crate) tables: Tables,
    pub(crate) workspace: WorkspaceId,
    pub(crate) project: ProjectId,
    pub(crate) secret: PlainSecret,
    pub(crate) key: KeyRecord,
    pub(crate) temporary_key: TemporaryKeyId,
    pub(crate) signing_key: SigningKey,
    pub(crate) principal: Principal,
}

pub(crate) fn client_ref(text: &str) -> ClientRef {
    ClientRef::new(text).unwrap()
}

impl Somebody {
    pub(crate) fn new(project: i64) -> Self {
        let (workspace, project) = (WorkspaceId::generate(NOW, &SystemRng), ProjectId::new(project));
        let signing_key = SigningKey::generate(Algorithm::EdDsa, &SystemRng);
        let secret = SecretKind::ApiKey.generate(&SystemRng);
        let key = KeyRecord {
            id: ApiKeyId::generate(NOW, &SystemRng),
            hash: secret.hash(),
            project_id: project,
            areas: AreaSet::EMPTY.with(Area::Eu),
            products: ProductSet::default_for_keys(),
            expires_at: None,
            networks: Networks::default(),
            client_ref: None,
            revoked_at: None,
        };
        let instance = InstanceId::generate(NOW, &SystemRng);
        let temporary_key = TemporaryKeyId::generate(key.id, &SystemRng);
        let claims = Claims {
            issuer: instance.to_string(),
            areas: key.areas,
            issued_at: NOW,
            not_before: NOW,
            expires_at: NOW.plus_seconds(60),
            id: temporary_key,
            revision: Revision(1),
            project_id: project,
            workspace_id: workspace,
            api_key_id: key.id,
            product: Product::Rt,
            client_ref: Some(client_ref(CLIENT_REF)),
            leash: Leash::default(),
        };
        let changes = [
            Change::Instance { id: instance },
            Change::Workspace { id: workspace, limits: Plan::Pro.default_limits() },
            Change::Project { id: project, workspace_id: workspace },
            Change::SigningKey(signing_key.verifying_key()),
            Change::Key(key.clone()),
        ];
        let tables = Tables::new();
        let changes = changes.into_iter().map(|change| (Revision(1), change)).collect();
        tables.load(&Snapshot { revision: Revision(1), changes });
        let need = Need {
            surface: Surface::RealtimeHeader,
            product: Some(Product::Rt),
            region: Some(Region::Eu1),
            peer: "192.0.2.7".parse().unwrap(),
            origin: None,
            usage: false,
        };
        let principal = tables.verify(&signing_key.sign(&claims).unwrap(), &need, NOW).unwrap();
        Self { tables, workspace, project, secret, key, temporary_key, signing_key, principal }
    }
}
