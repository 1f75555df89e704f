//! Open sessions: what must end them, and what must not.

use domain::link::Change;
use domain::{Area, AreaSet, ClientRef, Networks, Plan, Product, ProductSet, Reason, Region};
use verify::{Need, Principal, Surface};

use crate::world::{NOW, PROJECT, World, need};

struct Sessions {
    world: World,
    by_key: Principal,
    by_token: Principal,
}

fn open() -> Sessions {
    let world = World::new();
    world.set_plan(Plan::Enterprise);
    let at = Need { region: Some(Region::Eu2), ..need(Surface::RealtimeHeader) };
    let by_key = world.tables.verify(world.api_key.expose(), &at, NOW).unwrap();
    let by_token = world.tables.verify(&world.mint_for(Product::Rt, "user-1"), &at, NOW).unwrap();
    Sessions { world, by_key, by_token }
}

impl Sessions {
    /// What ends each of them.
    fn ends(&self) -> [Option<Reason>; 2] {
        [&self.by_key, &self.by_token]
            .map(|principal| self.world.tables.still_good(principal, NOW).err().map(|refusal| refusal.reason))
    }
}

/// Control: nothing that concerns others ends a session, and neither does the temporary key's own expiry.
#[test]
fn sessions_go_on() {
    let sessions = open();
    assert_eq!(sessions.ends(), [None, None]);
    let world = &sessions.world;
    let client_ref = ClientRef::new("user-2").unwrap();
    let other = world.claims(Product::Rt).id;
    world.add_key(|key| key.revoked_at = Some(NOW));
    world.apply(&[
        Change::ClientRefRevoked { project_id: PROJECT, client_ref },
        Change::TemporaryKeyRevoked { id: other, forget_at: NOW.plus_seconds(100) },
        Change::ProjectDeleted { id: domain::ProjectId::new(7) },
        Change::SigningKeyRemoved { kid: world.signing_key.kid().clone() },
    ]);
    assert_eq!(sessions.ends(), [None, None]);
    let later = NOW.plus_seconds(100_000);
    assert!(world.tables.still_good(&sessions.by_token, later).is_ok());
}

/// A session knows what it was opened with and for: the product, and of a temporary key who signed it.
#[test]
fn sessions_know_their_origin() {
    let sessions = open();
    let (own, other) = (sessions.world.signing_key.kid(), World::new().signing_key);
    assert!(sessions.by_token.is_signed_by(own) && !sessions.by_token.is_signed_by(other.kid()));
    assert!(!sessions.by_key.is_signed_by(own));
    assert_eq!([sessions.by_key.product(), sessions.by_token.product()], [Some(Product::Rt); 2]);
    let batch = sessions.world.verify(sessions.world.api_key.expose(), Surface::Batch).unwrap();
    assert_eq!(batch.product(), Some(Product::Batch));
}

/// Every revocation ends exactly the sessions that it concerns.
#[test]
fn revocations_end_sessions() {
    let revoked = Some(Reason::CredentialRevoked);
    let sessions = open();
    sessions.world.change_key(|key| key.revoked_at = Some(NOW));
    assert_eq!(sessions.ends(), [revoked, revoked]);

    let sessions = open();
    let id = sessions.by_token.temporary_key_id().unwrap();
    sessions.world.apply(&[Change::TemporaryKeyRevoked { id, forget_at: NOW.plus_seconds(65) }]);
    assert_eq!(sessions.ends(), [None, revoked]);

    let sessions = open();
    let client_ref = ClientRef::new("user-1").unwrap();
    let revoked_at = sessions
        .world
        .apply(&[Change::ClientRefRevoked { project_id: PROJECT, client_ref: client_ref.clone() }]);
    assert_eq!(sessions.ends(), [None, revoked]);
    sessions.world.apply(&[Change::ClientRefReadmitted {
        project_id: PROJECT,
        client_ref,
        revoked_at,
        forget_at: None,
    }]);
    assert_eq!(sessions.ends(), [None, revoked], "readmission revives nothing");

    let sessions = open();
    let kid = sessions.world.signing_key.kid().clone();
    sessions.world.apply(&[Change::SigningKeyRevoked { kid: kid.clone() }]);
    assert_eq!(sessions.ends(), [None, revoked]);
    sessions.world.apply(&[Change::SigningKey(sessions.world.signing_key.verifying_key())]);
    assert_eq!(sessions.ends(), [None, revoked], "told again, it stays out");

    let sessions = open();
    sessions.world.apply(&[Change::ProjectDeleted { id: PROJECT }]);
    assert_eq!(sessions.ends(), [revoked, revoked]);

    let sessions = open();
    sessions.world.apply(&[Change::WorkspaceClosed { id: sessions.world.workspace_id }]);
    assert_eq!(sessions.ends(), [revoked, revoked]);
}

/// A right that is lost ends the sessions that needed it.
#[test]
fn lost_rights_end_sessions() {
    let sessions = open();
    sessions.world.change_key(|key| key.expires_at = Some(NOW));
    assert_eq!(sessions.ends(), [Some(Reason::CredentialExpired); 2]);

    let sessions = open();
    sessions.world.change_key(|key| key.products = ProductSet::EMPTY.with(Product::Batch));
    assert_eq!(sessions.ends(), [Some(Reason::WrongProduct); 2]);

    let sessions = open();
    sessions.world.change_key(|key| key.areas = AreaSet::EMPTY.with(Area::Usa));
    assert_eq!(sessions.ends(), [Some(Reason::WrongArea); 2]);

    let sessions = open();
    sessions.world.set_plan(Plan::Pro);
    assert_eq!(sessions.ends(), [Some(Reason::PlanRequired); 2]);

    let sessions = open();
    sessions.world.change_key(|key| key.networks = Networks(vec!["198.51.100.0/24".parse().unwrap()]));
    assert_eq!(sessions.ends(), [Some(Reason::NetworkDenied), None]);
}

/// Sessions of a key that a new snapshot doesn't hold end: unknown means refused.
#[test]
fn a_snapshot_without_the_key_ends_its_sessions() {
    let sessions = open();
    let mut snapshot = sessions.world.snapshot();
    snapshot.changes.retain(|(_, change)| !matches!(change, Change::Key(_)));
    sessions.world.tables.load(&snapshot);
    assert_eq!(sessions.ends(), [Some(Reason::CredentialUnknown); 2]);
    assert!(sessions.world.tables.api_key_expires_at(&sessions.by_key).is_some_and(|at| at < NOW));
}

/// Who loses a right is told what the API key has now, and what to do.
#[test]
fn what_was_lost_is_named() {
    let told = |change: fn(&mut domain::link::KeyRecord)| {
        let sessions = open();
        sessions.world.change_key(change);
        [&sessions.by_key, &sessions.by_token].map(|principal| {
            sessions.world.tables.still_good(principal, NOW).unwrap_err().detail.into_owned()
        })
    };
    let products = told(|key| key.products = ProductSet::EMPTY.with(Product::Batch));
    assert!(products.iter().all(|detail| detail.contains("is for batch")), "{products:?}");
    let areas = told(|key| key.areas = [Area::Usa].into_iter().collect::<AreaSet>());
    assert!(areas.iter().all(|detail| detail.contains("works in area usa")), "{areas:?}");
    assert!(areas[1].contains("the API key that minted"), "{areas:?}");

    // The same where a session is begun.
    let sessions = open();
    let token = sessions.world.mint_for(Product::Rt, "user-1");
    sessions.world.change_key(|key| key.areas = [Area::Usa].into_iter().collect());
    let at = Need { region: Some(Region::Eu1), ..need(Surface::RealtimeHeader) };
    let refusal = sessions.world.tables.verify(&token, &at, NOW).unwrap_err();
    assert_eq!(refusal.detail, areas[1].replace("eu2", "eu1"));
}
