//! Both sides of every moment.

use domain::link::Change;
use domain::token::Claims;
use domain::{ClientRef, Product, Reason, Timestamp};
use verify::{Leeway, Surface, Tables};

use crate::world::{NOW, PROJECT, World, need};

const MICRO: i64 = 1;

fn shifted(time: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(time.as_micros() + micros)
}

/// With any leeway: valid from `nbf` less the one to `exp` plus the other, exactly, cold and cached.
#[test]
fn leeway_is_exact() {
    for leeway in [
        Leeway::default(),
        Leeway { early_seconds: 0, expiry_seconds: 0 },
        Leeway { early_seconds: 5, expiry_seconds: 120 },
    ] {
        let mut world = World::unknown();
        world.tables = Tables::with_leeway(leeway);
        world.tables.load(&world.snapshot());
        assert_eq!(world.tables.leeway(), leeway);
        let claims = world.claims(Product::Rt);
        let token = world.sign(&claims);
        let first = claims.not_before.plus_seconds(-i64::from(leeway.early_seconds));
        let end = claims.expires_at.plus_seconds(i64::from(leeway.expiry_seconds));
        let at = |now| {
            let verified = world.tables.verify(&token, &need(Surface::RealtimeHeader), now);
            verified.err().map(|refusal| refusal.reason)
        };
        for _ in ["cold", "cached"] {
            assert_eq!(at(shifted(first, -MICRO)), Some(Reason::CredentialEarly));
            assert_eq!(at(first), None);
            assert_eq!(
                at(claims.expires_at),
                (leeway.expiry_seconds == 0).then_some(Reason::CredentialExpired)
            );
            assert_eq!(at(shifted(end, -MICRO)), None);
        }
        assert_eq!(world.tables.cached_tokens(), 1);
        assert_eq!(at(end), Some(Reason::CredentialExpired));
        assert_eq!(world.tables.cached_tokens(), 0, "the entry died with its token");
        assert_eq!(at(end), Some(Reason::CredentialExpired));
        assert_eq!(world.tables.cached_tokens(), 0, "an expired token is not remembered");
    }
}

/// `exp` is not shortened or prolonged by the longest allowed `ttl`, nor does it overflow at the end of time.
#[test]
fn the_last_moment_of_the_calendar() {
    let world = World::new();
    let claims = Claims { expires_at: Timestamp::from_seconds(253_402_300_799), ..world.claims(Product::Rt) };
    assert!(world.verify(&world.sign(&claims), Surface::RealtimeHeader).is_ok());
}

/// An API key expires at its moment, without leeway, and its temporary keys with it.
#[test]
fn api_keys_expire_at_their_moment() {
    let world = World::new();
    let token = world.mint(Product::Rt);
    let end = NOW.plus_seconds(30);
    world.change_key(|key| key.expires_at = Some(end));
    for presented in [world.api_key.expose(), &token] {
        let at = |now| {
            let verified = world.tables.verify(presented, &need(Surface::RealtimeHeader), now);
            verified.err().map(|refusal| refusal.reason)
        };
        assert_eq!(at(shifted(end, -MICRO)), None);
        assert_eq!(at(end), Some(Reason::CredentialExpired));
    }
    let principal = world.verify(world.api_key.expose(), Surface::RealtimeHeader).unwrap();
    assert_eq!(world.tables.api_key_expires_at(&principal), Some(end));
}

/// A signing key that retired verifies nothing more, from its moment on, not even what is remembered.
#[test]
fn signing_keys_retire_at_their_moment() {
    let world = World::new();
    let token = world.mint(Product::Rt);
    assert!(world.verify(&token, Surface::RealtimeHeader).is_ok(), "control, and remembered now");
    let end = NOW.plus_seconds(30);
    let mut key = world.signing_key.verifying_key();
    key.retired_at = Some(end);
    world.apply(&[Change::SigningKey(key)]);
    let at = |now| {
        let verified = world.tables.verify(&token, &need(Surface::RealtimeHeader), now);
        verified.err().map(|refusal| refusal.reason)
    };
    assert_eq!(at(shifted(end, -MICRO)), None);
    assert_eq!(at(end), Some(Reason::TokenInvalid));
    assert_eq!(world.tables.cached_tokens(), 0);
    assert_eq!(at(end), Some(Reason::TokenInvalid));
}

/// Revocations of single temporary keys are forgotten once the keys have expired, and not before.
#[test]
fn revocations_are_forgotten_in_time() {
    let world = World::new();
    let claims = world.claims(Product::Rt);
    let token = world.sign(&claims);
    let forget_at = claims.expires_at.plus_seconds(5);
    world.apply(&[Change::TemporaryKeyRevoked { id: claims.id, forget_at }]);
    world.tables.forget_expired(shifted(forget_at, -MICRO));
    assert_eq!(world.reason(&token, &need(Surface::RealtimeHeader)), Some(Reason::CredentialRevoked));
    world.tables.forget_expired(forget_at);
    let late = world.tables.verify(&token, &need(Surface::RealtimeHeader), forget_at);
    assert_eq!(late.unwrap_err().reason, Reason::CredentialExpired);
    // What is forgotten takes no memory: by a clock that stood still the key would be good again.
    assert_eq!(world.reason(&token, &need(Surface::RealtimeHeader)), None);
}

/// A client_ref that was let in again is forgotten once what was minted before has expired, and not before; one that is shut out
/// never is.
#[test]
fn readmissions_are_forgotten_in_time() {
    let world = World::new();
    let client_ref = ClientRef::new("user-1").unwrap();
    let claims = world.claims_for(Product::Rt, "user-1");
    let token = world.sign(&claims);
    let reason = || world.reason(&token, &need(Surface::RealtimeHeader));
    let forget_at = claims.expires_at.plus_seconds(5);
    let revoked_at =
        world.apply(&[Change::ClientRefRevoked { project_id: PROJECT, client_ref: client_ref.clone() }]);
    world.tables.forget_expired(forget_at);
    assert!(world.tables.client_ref_shut(PROJECT, &client_ref));
    world.apply(&[Change::ClientRefReadmitted {
        project_id: PROJECT,
        client_ref,
        revoked_at,
        forget_at: Some(forget_at),
    }]);
    world.tables.forget_expired(shifted(forget_at, -MICRO));
    assert_eq!(reason(), Some(Reason::CredentialRevoked));
    world.tables.forget_expired(forget_at);
    // By a clock that stood still, as above.
    assert_eq!(reason(), None);
}
