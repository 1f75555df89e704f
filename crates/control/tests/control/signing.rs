//! Signing keys: published before first use, replaced without a valid token refused, revoked with all that they signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use control::{
    Control, ControlConfig, MintRequest, NewKey, PUBLISH_AHEAD_SECONDS, SignFrom, SigningKeyError,
};
use domain::limits::SIGNING_KEYS_MAX;
use domain::{Algorithm, Kid, Plan, Product, Reason, Region, SigningKeyState, SystemRng};
use storage::AuditAction;

use crate::support::{ACTOR, Follower, Instance, reason, request, verify};

async fn states(control: &Control) -> Vec<SigningKeyState> {
    control.signing_keys().await.unwrap().iter().map(|key| key.state).collect()
}

fn shown(control: &Control) -> Vec<Kid> {
    control.jwks().keys().iter().map(|key| key.kid().clone()).collect()
}

async fn current(control: &Control) -> Kid {
    let keys = control.signing_keys().await.unwrap();
    keys.into_iter().find(|key| key.state == SigningKeyState::Signing).unwrap().kid
}

/// A hundred rotations while tokens are minted and used all the time, at once and in both algorithms: not one valid token is
/// refused by a gateway.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_rotations_refuse_no_valid_token() {
    let instance = Arc::new(Instance::new().await);
    let gateway = Arc::new(Follower::attach(&instance.control, "eu1/a"));
    let (workspace, project) = instance.workspace(Plan::Enterprise).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let (is_over, used) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let user = tokio::spawn({
        let (instance, gateway, is_over, used) =
            (Arc::clone(&instance), Arc::clone(&gateway), Arc::clone(&is_over), Arc::clone(&used));
        async move {
            let mut kept: Vec<String> = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                match instance.mint(secret.expose(), &request(Product::Rt)) {
                    Ok(minted) => kept.push(minted.key_value.to_string()),
                    // The clock stands still, so that a second's worth is all that this key may mint.
                    Err(refusal) => {
                        assert_eq!(refusal.reason, Reason::RateLimited);
                        instance.clock.advance_seconds(1);
                    }
                }
                // Old ones and new ones; the first are good for a minute.
                kept.drain(..kept.len().saturating_sub(40));
                for token in &kept {
                    let now = instance.control.now();
                    let entered = verify(&gateway.tables, token, Product::Rt, Region::Eu1, now);
                    assert!(entered.is_ok(), "{entered:?}");
                    used.fetch_add(1, Ordering::SeqCst);
                }
                tokio::task::yield_now().await;
            }
        }
    });
    for round in 0..100 {
        let before = current(&instance.control).await;
        let rotated = instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
        assert_ne!(rotated.key.kid, before, "round {round}");
        let so_far = used.load(Ordering::SeqCst);
        while used.load(Ordering::SeqCst) < so_far + 40 && !user.is_finished() {
            tokio::task::yield_now().await;
        }
    }
    is_over.store(true, Ordering::SeqCst);
    user.await.unwrap();
    assert!(used.load(Ordering::SeqCst) >= 4_000);
}

/// A rotation shows the new key at once and lets it sign only when everybody had the time to fetch it; the old one stays
/// until its last token has expired, and then is gone from the key set.
#[tokio::test]
async fn a_key_is_published_before_its_first_use() {
    use SigningKeyState::{Published, Retiring, Signing};
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let longest = MintRequest { ttl_seconds: 86_400, ..request(Product::Rt) };
    let first = current(control).await;

    instance.clock.advance_seconds(1);
    let rotated = control.rotate_signing_key(&ACTOR, SignFrom::PublishedAhead).await.unwrap();
    let next = rotated.key.kid.clone();
    let ahead = i64::from(PUBLISH_AHEAD_SECONDS);
    assert_eq!(rotated.key.signs_from, Some(control.now().plus_seconds(ahead)));
    assert_eq!(states(control).await, [Signing, Published]);
    assert_eq!(shown(control), [first.clone(), next.clone()]);
    let again = control.rotate_signing_key(&ACTOR, SignFrom::PublishedAhead).await.unwrap();
    assert_eq!(again.key.kid, next, "it waits already");

    instance.clock.advance_seconds(ahead - 1);
    control.tend_signing_keys().await.unwrap();
    assert_eq!(current(control).await, first);
    let last = instance.mint(secret.expose(), &longest).unwrap();
    instance.clock.advance_seconds(1);
    control.tend_signing_keys().await.unwrap();
    assert_eq!(current(control).await, next);
    assert_eq!(states(control).await, [Retiring, Signing]);

    instance.clock.advance_seconds(86_399);
    control.tend_signing_keys().await.unwrap();
    assert!(instance.verify(&last.key_value, Product::Rt, Region::Eu1).is_ok(), "its last second has begun");
    assert_eq!(shown(control), [first, next.clone()]);
    instance.clock.advance_seconds(10);
    control.tend_signing_keys().await.unwrap();
    assert_eq!((shown(control), states(control).await), (vec![next], vec![Signing]));
    assert!(instance.verify(&last.key_value, Product::Rt, Region::Eu1).is_err());
}

/// A signing key is replaced by itself when it is as old as the configuration lets it become, published before.
#[tokio::test]
async fn a_key_is_replaced_by_age() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let first = current(control).await;
    let days = 90 * 24 * 3600;
    instance.clock.advance_seconds(days - i64::from(PUBLISH_AHEAD_SECONDS) - 1);
    control.tend_signing_keys().await.unwrap();
    assert_eq!(shown(control), std::slice::from_ref(&first));
    instance.clock.advance_seconds(1);
    control.tend_signing_keys().await.unwrap();
    assert_eq!((shown(control).len(), current(control).await), (2, first.clone()));
    instance.clock.advance_seconds(i64::from(PUBLISH_AHEAD_SECONDS));
    control.tend_signing_keys().await.unwrap();
    assert_ne!(current(control).await, first);
}

/// With another algorithm configured a key of it is published, then signs; what the old one signed stays good meanwhile.
#[tokio::test]
async fn another_algorithm_brings_another_signing_key() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let mut config = instance.config();
    let algorithms =
        |control: &Control| control.jwks().keys().iter().map(|key| key.algorithm()).collect::<Vec<_>>();
    let mut instance = instance;
    for (algorithm, expected) in [
        (Algorithm::Es256, [Algorithm::EdDsa, Algorithm::Es256]),
        (Algorithm::EdDsa, [Algorithm::Es256, Algorithm::EdDsa]),
    ] {
        instance.clock.advance_seconds(1);
        config.algorithm = algorithm;
        instance = reopen(instance, &config).await;
        let old = instance.mint(secret.expose(), &request(Product::Rt)).unwrap();
        assert_eq!(algorithms(&instance.control), expected);
        instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
        let new = instance.mint(secret.expose(), &request(Product::Rt)).unwrap();
        for token in [&old, &new] {
            assert!(instance.verify(&token.key_value, Product::Rt, Region::Eu1).is_ok());
        }
        instance.clock.advance_seconds(86_400 + 5);
        instance = reopen(instance, &config).await;
        assert_eq!(algorithms(&instance.control), [algorithm], "the old one is gone");
    }
}

async fn reopen(instance: Instance, config: &ControlConfig) -> Instance {
    instance.control.close().await;
    let clock = Arc::clone(&instance.clock);
    let control = Control::open(config.clone(), clock as _, Arc::new(SystemRng)).await.unwrap();
    Instance { control, ..instance }
}

/// A revoked signing key takes everything with it at once, here and at gateways, and a restart brings nothing of it back;
/// what the other keys signed goes on, and minting does.
#[tokio::test]
async fn a_revoked_key_takes_its_tokens_with_it() {
    let instance = Instance::new().await;
    let gateway = Follower::attach(&instance.control, "eu1/a");
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let mint = |instance: &Instance| instance.mint(secret.expose(), &request(Product::Rt)).unwrap();
    let first = current(&instance.control).await;
    let of_first = mint(&instance);
    instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
    let second = current(&instance.control).await;
    let of_second = mint(&instance);
    let now = instance.control.now();
    let at = |token: &str| verify(&gateway.tables, token, Product::Rt, Region::Eu1, now);
    let session = at(&of_second.key_value).unwrap();

    let revision = instance.control.revoke_signing_key(&ACTOR, &second).await.unwrap();
    assert_eq!(gateway.tables.revision(), revision);
    assert_eq!(reason(at(&of_second.key_value)), Reason::TokenInvalid);
    assert_eq!(reason(gateway.tables.still_good(&session, now)), Reason::CredentialRevoked);
    assert!(at(&of_first.key_value).is_ok(), "what another key signed is good");
    assert!(!shown(&instance.control).contains(&second));
    let of_third = mint(&instance);
    assert!(at(&of_third.key_value).is_ok(), "a new key signs");
    assert!(![first, second.clone()].contains(&current(&instance.control).await));
    assert!(matches!(
        instance.control.revoke_signing_key(&ACTOR, &second).await,
        Err(SigningKeyError::AlreadyRevoked(_))
    ));
    assert!(matches!(
        instance.control.revoke_signing_key(&ACTOR, &Kid::new("none")).await,
        Err(SigningKeyError::NotFound(_))
    ));

    let instance = instance.crash().await;
    assert_eq!(reason(instance.verify(&of_second.key_value, Product::Rt, Region::Eu1)), Reason::TokenInvalid);
    assert_eq!(reason(instance.control.tables().still_good(&session, now)), Reason::CredentialRevoked);
    for token in [&of_first, &of_third, &mint(&instance)] {
        assert!(instance.verify(&token.key_value, Product::Rt, Region::Eu1).is_ok());
    }
    let store = storage::Store::open_file(&instance.folder.path().join("voxgate.db")).await.unwrap();
    let events = store
        .find_audit_events(
            &storage::AuditFilter { action: Some(AuditAction::SigningKeyRevoked), ..Default::default() },
            0,
            10,
        )
        .await
        .unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].subject.as_str(), events[0].actor.as_str()), (second.as_str(), "operator"));
}

/// There are never more keys than a key set may hold: more rotations are refused, and the present key goes on signing.
#[tokio::test]
async fn signing_keys_have_a_limit() {
    let instance = Instance::new().await;
    for _ in 1..SIGNING_KEYS_MAX {
        instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
    }
    let before = current(&instance.control).await;
    let refused = instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await;
    assert!(matches!(refused, Err(SigningKeyError::TooMany)));
    assert_eq!(current(&instance.control).await, before);
    let text = instance.control.jwks().to_json();
    assert!(credentials::Jwks::from_json(&text).is_ok(), "an offline verifier still reads the whole set");
}

/// One key signs, whenever whoever asked for a rotation has gone away: what has begun is brought to its end.
#[tokio::test]
async fn whoever_asks_for_a_rotation_may_go_away() {
    const MICROS_STEP: u64 = 100;
    let instance = Instance::new().await;
    let control = &instance.control;
    for step in 0..40 {
        let asked = control.rotate_signing_key(&ACTOR, SignFrom::Now);
        drop(tokio::time::timeout(Duration::from_micros(MICROS_STEP * step), asked).await);
        control.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
        let signing = states(control).await.into_iter().filter(|state| *state == SigningKeyState::Signing);
        assert_eq!(signing.count(), 1, "after {step}");
        instance.clock.advance_seconds(10 * 24 * 3600);
        control.tend_signing_keys().await.unwrap();
    }
}

/// One key signs, though a node moves keys on that doesn't know what another has moved on.
#[tokio::test]
async fn keys_are_moved_on_from_where_they_are() {
    let instance = Instance::new().await;
    let other = crate::support::open(&instance.folder, &instance.clock).await;
    instance.clock.advance_seconds(1);
    other.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
    instance.clock.advance_seconds(1);
    let rotated = instance.control.rotate_signing_key(&ACTOR, SignFrom::Now).await.unwrap();
    assert_eq!(
        states(&instance.control).await,
        [SigningKeyState::Retiring, SigningKeyState::Retiring, SigningKeyState::Signing]
    );
    assert_eq!(current(&instance.control).await, rotated.key.kid);

    // Both see that none waits; one makes the next.
    let (here, there) = tokio::join!(
        instance.control.rotate_signing_key(&ACTOR, SignFrom::PublishedAhead),
        other.rotate_signing_key(&ACTOR, SignFrom::PublishedAhead),
    );
    assert_eq!(here.unwrap().key.kid, there.unwrap().key.kid);
    let waiting = states(&other).await.into_iter().filter(|state| *state == SigningKeyState::Published);
    assert_eq!(waiting.count(), 1);
}
