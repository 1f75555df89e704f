//! The feed: snapshots, changes, replays, and what can't be applied.

use std::sync::atomic::{AtomicBool, Ordering};

use credentials::SecretKind;
use domain::link::{Change, ManagementTokenRecord, Revision, Snapshot};
use domain::token::Claims;
use domain::{Area, AreaSet, ClientRef, Plan, Product, Reason, Region, SystemRng};
use verify::{Need, Surface, Tables};

use crate::world::{NOW, PROJECT, World, key_record, limits, need};

/// Before anything is told, everything is refused.
#[test]
fn empty_tables_refuse_everything() {
    let world = World::unknown();
    assert_eq!(world.tables.revision(), Revision(0));
    assert_eq!(world.tables.instance_id(), None);
    assert_eq!(world.reason(world.api_key.expose(), &need(Surface::Batch)), Some(Reason::CredentialUnknown));
    assert_eq!(world.reason(&world.mint(Product::Batch), &need(Surface::Batch)), Some(Reason::TokenInvalid));
    assert_eq!(world.management_reason(world.management_token.expose()), Some(Reason::CredentialUnknown));
}

/// A snapshot and the changes one by one come to the same.
#[test]
fn a_snapshot_is_its_changes() {
    let (world, token) = (World::unknown(), |world: &World| world.mint(Product::Batch));
    world.tables.load(&world.snapshot());
    assert_eq!(world.tables.revision(), Revision(10));
    assert_eq!(world.tables.instance_id(), Some(world.instance));
    let replayed = Tables::new();
    for (revision, change) in world.snapshot().changes {
        replayed.apply(revision, &[change]);
    }
    for tables in [&world.tables, &replayed] {
        for presented in [world.api_key.expose(), &token(&world)] {
            assert!(tables.verify(presented, &need(Surface::Batch), NOW).is_ok());
        }
        assert_eq!(tables.api_keys(), 1);
        assert_eq!(tables.skipped(), 0);
    }
}

/// What a new snapshot doesn't hold is gone, remembered tokens among it.
#[test]
fn a_snapshot_replaces_everything() {
    let (world, other) = (World::new(), World::unknown());
    let token = world.mint(Product::Batch);
    assert!(world.verify(&token, Surface::Batch).is_ok(), "control");
    world.tables.load(&other.snapshot());
    assert_eq!(world.reason(&token, &need(Surface::Batch)), Some(Reason::TokenInvalid));
    assert_eq!(world.reason(world.api_key.expose(), &need(Surface::Batch)), Some(Reason::CredentialUnknown));
    assert_eq!(world.management_reason(world.management_token.expose()), Some(Reason::CredentialUnknown));
    assert!(world.tables.verify(other.api_key.expose(), &need(Surface::Batch), NOW).is_ok());
}

/// While snapshots replace each other, no reader ever sees a mixture that neither of them allows: here, the area of one
/// with the plan of the other.
#[test]
fn readers_never_see_half_a_snapshot() {
    let world = World::new();
    let one = world.snapshot();
    let mut other = world.snapshot();
    for (_, change) in &mut other.changes {
        match change {
            Change::Key(record) => record.areas = AreaSet::EMPTY.with(Area::Usa),
            Change::Workspace { limits: present, .. } => *present = limits(Plan::Enterprise),
            _ => {}
        }
    }
    let failover = Need { region: Some(Region::Eu2), ..need(Surface::Batch) };
    let token = world.mint(Product::Batch);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reasons = std::collections::HashSet::new();
            while !done.load(Ordering::Acquire) {
                for presented in [world.api_key.expose(), &token] {
                    reasons.insert(world.reason(presented, &failover));
                }
            }
            reasons
        });
        for _ in 0..50 {
            world.tables.load(&other);
            world.tables.load(&one);
        }
        done.store(true, Ordering::Release);
        let reasons = reader.join().unwrap();
        assert!(!reasons.contains(&None), "accepted by a mixture");
        assert!(
            reasons.iter().all(|reason| { matches!(reason, Some(Reason::PlanRequired | Reason::WrongArea)) }),
            "{reasons:?}"
        );
    });
}

/// Applying a change twice is applying it once.
#[test]
fn changes_are_idempotent() {
    let world = World::new();
    let client_ref = ClientRef::new("user-1").unwrap();
    let changes = [
        Change::ClientRefRevoked { project_id: PROJECT, client_ref: client_ref.clone() },
        Change::Key(world.record.clone()),
    ];
    let revoked_at = world.apply(&changes);
    world.tables.apply(revoked_at, &changes);
    assert!(world.tables.client_ref_shut(PROJECT, &client_ref));
    world.apply(&[Change::ClientRefReadmitted {
        project_id: PROJECT,
        client_ref: client_ref.clone(),
        revoked_at,
        forget_at: None,
    }]);
    // The old revision comes again, after a reconnect.
    world.tables.apply(revoked_at, &changes);
    assert!(!world.tables.client_ref_shut(PROJECT, &client_ref));
    assert_eq!(world.tables.api_keys(), 1);
}

/// An older revision that comes late takes away what it takes away, and gives nothing back.
#[test]
fn late_changes_only_take_away() {
    let world = World::new();
    let before = world.record.clone();
    let old = world.tables.revision();
    world.change_key(|key| key.areas = AreaSet::EMPTY.with(Area::Usa));
    world.tables.apply(old, &[]);
    world.tables.apply(Revision(old.0 - 1), &[Change::Key(before.clone())]);
    assert_eq!(world.reason(world.api_key.expose(), &need(Surface::Batch)), Some(Reason::WrongArea));
    let mut revoked = before;
    revoked.revoked_at = Some(NOW);
    world.tables.apply(Revision(old.0 - 1), &[Change::Key(revoked)]);
    assert_eq!(world.reason(world.api_key.expose(), &need(Surface::Batch)), Some(Reason::CredentialRevoked));
    assert_eq!(world.tables.revision(), Revision(old.0 + 1), "the revision never goes back");
}

/// What is gone stays gone: no later change opens a deleted project, a closed workspace or a revoked token again.
#[test]
fn endings_are_final() {
    let world = World::new();
    world.apply(&[Change::ProjectDeleted { id: PROJECT }]);
    world.apply(&world.changes());
    assert_eq!(world.reason(world.api_key.expose(), &need(Surface::Batch)), Some(Reason::CredentialRevoked));

    let world = World::new();
    world.apply(&[Change::WorkspaceClosed { id: world.workspace_id }]);
    world.apply(&world.changes());
    assert_eq!(world.reason(world.api_key.expose(), &need(Surface::Batch)), Some(Reason::CredentialRevoked));
    assert_eq!(world.management_reason(world.management_token.expose()), Some(Reason::CredentialRevoked));

    let world = World::new();
    let mut record = world.management_record.clone();
    record.revoked_at = Some(NOW);
    world.apply(&[Change::ManagementToken(record)]);
    world.apply(&world.changes());
    assert_eq!(world.management_reason(world.management_token.expose()), Some(Reason::CredentialRevoked));
}

/// A client_ref's keys die for good when it is revoked; readmitted, new ones are born, and a second revocation kills those.
#[test]
fn client_refs_are_revoked_by_revision() {
    let world = World::new();
    let client_ref = ClientRef::new("user-1").unwrap();
    let batch = need(Surface::Batch);
    let (isolated, _) = world.add_key(|key| key.client_ref = Some(client_ref.clone()));
    let reasons =
        |tokens: &[&String]| tokens.iter().map(|token| world.reason(token, &batch)).collect::<Vec<_>>();
    let revoked = Some(Reason::CredentialRevoked);

    let first = world.mint_for(Product::Batch, "user-1");
    let stranger = world.mint_for(Product::Batch, "user-2");
    assert_eq!(reasons(&[&first, &stranger]), [None, None]);
    let revoked_at =
        world.apply(&[Change::ClientRefRevoked { project_id: PROJECT, client_ref: client_ref.clone() }]);
    assert!(world.tables.client_ref_shut(PROJECT, &client_ref));
    // A mint that read the older revision before it was shut out: dead. One that claims the new one: shut out.
    let late = world.mint_for(Product::Batch, "user-1");
    assert_eq!(reasons(&[&first, &late, &stranger]), [revoked, revoked, None]);
    assert_eq!(world.reason(isolated.expose(), &batch), revoked, "its permanent key is out, too");

    world.apply(&[Change::ClientRefReadmitted {
        project_id: PROJECT,
        client_ref: client_ref.clone(),
        revoked_at,
        forget_at: None,
    }]);
    assert!(!world.tables.client_ref_shut(PROJECT, &client_ref));
    let second = world.mint_for(Product::Batch, "user-1");
    assert_eq!(reasons(&[&first, &second, &stranger]), [revoked, None, None]);
    assert_eq!(world.reason(isolated.expose(), &batch), None);
    let at = |revision| world.sign(&Claims { revision, ..world.claims_for(Product::Batch, "user-1") });
    let (knew, did_not_know) = (at(revoked_at), at(Revision(revoked_at.0 - 1)));
    assert_eq!(reasons(&[&knew, &did_not_know]), [None, revoked], "only who minted without knowing is out");

    world.apply(&[Change::ClientRefRevoked { project_id: PROJECT, client_ref }]);
    assert_eq!(reasons(&[&first, &second, &stranger]), [revoked, revoked, None]);
    let elsewhere = ClientRef::new("user-1").unwrap();
    assert!(
        !world.tables.client_ref_shut(domain::ProjectId::new(43), &elsewhere),
        "another project's is another"
    );
}

/// A snapshot carries each client_ref's revision: what died before it stays dead after a restart.
#[test]
fn readmitted_client_refs_survive_a_snapshot() {
    let world = World::new();
    let client_ref = ClientRef::new("user-1").unwrap();
    let dead = world.mint_for(Product::Batch, "user-1");
    let mut snapshot = world.snapshot();
    snapshot.changes.push((
        Revision(12),
        Change::ClientRefReadmitted {
            project_id: PROJECT,
            client_ref,
            revoked_at: Revision(11),
            forget_at: None,
        },
    ));
    snapshot.revision = Revision(12);
    world.tables.load(&snapshot);
    let alive = world.mint_for(Product::Batch, "user-1");
    assert_eq!(world.reason(&dead, &need(Surface::Batch)), Some(Reason::CredentialRevoked));
    assert_eq!(world.reason(&alive, &need(Surface::Batch)), None);
}

/// A change that can't be applied is counted, refuses only what it concerns, and the rest of its revision applies.
#[test]
fn poisoned_changes_are_skipped() {
    let world = World::new();
    let token = world.mint(Product::Batch);
    let mut broken = world.signing_key.verifying_key();
    broken.public_key.truncate(7);
    let stolen_hash = key_record(&world.api_key);
    let (added, record) = (World::unknown().api_key, world.record.clone());
    let mut new = key_record(&added);
    new.project_id = record.project_id;
    world.apply(&[Change::SigningKey(broken), Change::Key(stolen_hash), Change::Key(new)]);
    assert_eq!(world.tables.skipped(), 2);
    assert_eq!(world.reason(&token, &need(Surface::Batch)), Some(Reason::TokenInvalid));
    for key in [&world.api_key, &added] {
        assert_eq!(world.reason(key.expose(), &need(Surface::Batch)), None);
    }
    // The same in a snapshot.
    let mut snapshot = world.snapshot();
    snapshot.changes.push((Revision(10), Change::Key(key_record(&world.api_key))));
    world.tables.load(&snapshot);
    assert_eq!(world.tables.skipped(), 3);
    assert_eq!(world.reason(world.api_key.expose(), &need(Surface::Batch)), None);
    let mut broken = World::new().signing_key.verifying_key();
    broken.public_key.truncate(7);
    snapshot.changes.push((Revision(10), Change::SigningKey(broken)));
    world.tables.load(&snapshot);
    assert_eq!(world.tables.skipped(), 5);
}

/// A management token that is made anew under its id replaces the one before, and stays revoked if that was.
#[test]
fn a_management_token_has_one_secret() {
    let world = World::new();
    let renewed = |world: &World| {
        let secret = SecretKind::ManagementToken.generate(&SystemRng);
        let record = ManagementTokenRecord { hash: secret.hash(), ..world.management_record.clone() };
        world.apply(&[Change::ManagementToken(record)]);
        secret
    };
    let second = renewed(&world);
    assert_eq!(world.management_reason(second.expose()), None);
    let first = world.management_token.expose();
    assert_eq!(world.management_reason(first), Some(Reason::CredentialUnknown));

    let world = World::new();
    let revoked = ManagementTokenRecord { revoked_at: Some(NOW), ..world.management_record.clone() };
    world.apply(&[Change::ManagementToken(revoked)]);
    assert_eq!(world.management_reason(renewed(&world).expose()), Some(Reason::CredentialRevoked));
}

/// Revoking a signing key strikes what it signed, and nothing that another one signed.
#[test]
fn one_signing_key_is_revoked_alone() {
    let (world, other) = (World::new(), World::new().signing_key);
    world.apply(&[Change::SigningKey(other.verifying_key())]);
    let claims = world.claims(Product::Batch);
    let (first, second) = (world.sign(&claims), other.sign(&claims).unwrap());
    let batch = need(Surface::Batch);
    assert_eq!([&first, &second].map(|token| world.reason(token, &batch)), [None, None], "control");
    world.apply(&[Change::SigningKeyRevoked { kid: world.signing_key.kid().clone() }]);
    let reasons = [&first, &second].map(|token| world.reason(token, &batch));
    assert_eq!(reasons, [Some(Reason::TokenInvalid), None]);
    let third = other.sign(&world.claims(Product::Batch)).unwrap();
    assert_eq!(world.reason(&third, &batch), None, "not only what is remembered");
}

/// A key of a project that nobody told of is refused, and so is a project of such a workspace.
#[test]
fn unknown_owners_are_refused() {
    for missing in ["project", "workspace"] {
        let world = World::unknown();
        let mut snapshot = world.snapshot();
        snapshot.changes.retain(|(_, change)| match change {
            Change::Project { .. } => missing != "project",
            Change::Workspace { .. } => missing != "workspace",
            _ => true,
        });
        world.tables.load(&snapshot);
        for presented in [world.api_key.expose(), &world.mint(Product::Batch)] {
            assert_eq!(
                world.reason(presented, &need(Surface::Batch)),
                Some(Reason::CredentialUnknown),
                "{missing}"
            );
        }
        let manages = world.management_reason(world.management_token.expose());
        assert_eq!(manages, (missing == "workspace").then_some(Reason::CredentialUnknown));
    }
}

/// Changes arrive while readers read: no reader is ever let in by a key that was revoked before it asked.
#[test]
fn revocations_hold_from_the_moment_they_are_applied() {
    let world = World::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Acquire) {
                assert!(world.verify(world.api_key.expose(), Surface::Batch).is_ok(), "an innocent key");
            }
        });
        for _ in 0..500 {
            let (secret, mut record) = world.add_key(|_| {});
            assert!(world.verify(secret.expose(), Surface::Batch).is_ok());
            record.revoked_at = Some(NOW);
            world.apply(&[Change::Key(record)]);
            let verified = world.verify(secret.expose(), Surface::Batch);
            assert_eq!(verified.unwrap_err().reason, Reason::CredentialRevoked);
        }
        stop.store(true, Ordering::Release);
    });
    assert_eq!(world.tables.api_keys(), 501);
}

/// Many keys in one snapshot are all there, and none else.
#[test]
fn many_keys_are_found() {
    let world = World::unknown();
    let mut changes = world.snapshot().changes;
    let secrets: Vec<_> = (0..2000).map(|_| credentials::SecretKind::ApiKey.generate(&SystemRng)).collect();
    changes.extend(secrets.iter().map(|secret| (Revision(10), Change::Key(key_record(secret)))));
    world.tables.load(&Snapshot { revision: Revision(10), changes });
    assert_eq!(world.tables.api_keys(), 2001);
    assert!(secrets.iter().all(|secret| world.verify(secret.expose(), Surface::Batch).is_ok()));
}
