//! Any bytes in the header are read without a crash, what is found is one word that stood there, and nothing random is
//! let in, on any surface, while the world's own key is.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use credentials::{PlainSecret, SecretKind};
use domain::link::{Change, KeyRecord, Revision};
use domain::{
    ApiKeyId, AreaSet, InstanceId, Networks, Plan, ProductSet, ProjectId, Region, SystemRng, Timestamp,
    WorkspaceId,
};
use libfuzzer_sys::fuzz_target;
use verify::{Bearer, Need, Surface, Tables, presented_bearer};

const NOW: Timestamp = Timestamp::from_seconds(1_764_000_000);
const SURFACES: [Surface; 5] =
    [Surface::Mint, Surface::Batch, Surface::RealtimeHeader, Surface::RealtimeUrl, Surface::Management];

static WORLD: LazyLock<(Tables, PlainSecret)> = LazyLock::new(|| {
    let (tables, secret) = (Tables::new(), SecretKind::ApiKey.generate(&SystemRng));
    let (workspace_id, project_id) = (WorkspaceId::from_u128(1), ProjectId::new(1));
    let record = KeyRecord {
        id: ApiKeyId::from_u128(1),
        hash: secret.hash(),
        project_id,
        areas: AreaSet::all(),
        products: ProductSet::all(),
        expires_at: None,
        networks: Networks::default(),
        client_ref: None,
        revoked_at: None,
    };
    let changes = [
        Change::Instance { id: InstanceId::from_u128(1) },
        Change::Workspace { id: workspace_id, limits: Plan::Enterprise.default_limits() },
        Change::Project { id: project_id, workspace_id },
        Change::Key(record),
    ];
    tables.apply(Revision(1), &changes);
    (tables, secret)
});

fn is_let_in(presented: &str, surface: Surface) -> bool {
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let need = Need { surface, product: None, region: Some(Region::Eu1), peer, origin: None, usage: false };
    WORLD.0.verify(presented, &need, NOW).is_ok()
}

fuzz_target!(|data: &[u8]| {
    if let Bearer::Credential(presented) = presented_bearer(data) {
        assert!(!presented.is_empty() && presented.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(data.windows(presented.len()).any(|part| part == presented.as_bytes()));
        for surface in SURFACES {
            assert!(!is_let_in(presented, surface));
        }
        assert!(WORLD.0.verify_management(presented, NOW).is_err());
    }
    let text = String::from_utf8_lossy(data);
    let own = WORLD.1.expose();
    for surface in SURFACES {
        assert!(!is_let_in(&text, surface));
        assert_eq!(is_let_in(own, surface), surface != Surface::RealtimeUrl);
        assert_eq!(
            is_let_in(&format!("{own}{text}"), surface),
            text.is_empty() && surface != Surface::RealtimeUrl
        );
    }
});
