//! When several checks fail, the first row of the answers table that applies is the answer.

use domain::link::Change;
use domain::token::Claims;
use domain::{Area, AreaSet, ClientRef, Leash, Networks, Product, ProductSet, Reason, Region};
use proptest::prelude::*;
use verify::{Need, Surface};

use crate::world::{NOW, PROJECT, World, key_record, need};

/// One way to fail each, in the order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Flaw {
    ForeignSignature,
    ForeignIssuer,
    TokenExpired,
    ParentExpired,
    ParentRevoked,
    TokenRevoked,
    ClientRefRevoked,
    ProjectDeleted,
    WorkspaceClosed,
    InUrl,
    WrongProduct,
    WrongArea,
    NoPlan,
    Network,
    Origin,
    Usage,
}

const FLAWS: [Flaw; 16] = [
    Flaw::ForeignSignature,
    Flaw::ForeignIssuer,
    Flaw::TokenExpired,
    Flaw::ParentExpired,
    Flaw::ParentRevoked,
    Flaw::TokenRevoked,
    Flaw::ClientRefRevoked,
    Flaw::ProjectDeleted,
    Flaw::WorkspaceClosed,
    Flaw::InUrl,
    Flaw::WrongProduct,
    Flaw::WrongArea,
    Flaw::NoPlan,
    Flaw::Network,
    Flaw::Origin,
    Flaw::Usage,
];

/// Of both kinds of credential.
const KEY_FLAWS: [Flaw; 11] = [
    Flaw::ParentExpired,
    Flaw::ParentRevoked,
    Flaw::ClientRefRevoked,
    Flaw::ProjectDeleted,
    Flaw::WorkspaceClosed,
    Flaw::InUrl,
    Flaw::WrongProduct,
    Flaw::WrongArea,
    Flaw::NoPlan,
    Flaw::Network,
    Flaw::Usage,
];

const fn reason(flaw: Flaw) -> Reason {
    match flaw {
        Flaw::ForeignSignature | Flaw::ForeignIssuer => Reason::TokenInvalid,
        Flaw::TokenExpired | Flaw::ParentExpired => Reason::CredentialExpired,
        Flaw::ParentRevoked
        | Flaw::TokenRevoked
        | Flaw::ClientRefRevoked
        | Flaw::ProjectDeleted
        | Flaw::WorkspaceClosed => Reason::CredentialRevoked,
        Flaw::InUrl => Reason::ApiKeyInUrl,
        Flaw::WrongProduct => Reason::WrongProduct,
        Flaw::WrongArea => Reason::WrongArea,
        Flaw::NoPlan => Reason::PlanRequired,
        Flaw::Network => Reason::NetworkDenied,
        Flaw::Origin => Reason::OriginDenied,
        Flaw::Usage => Reason::UsageNeedsProject,
    }
}

/// A client_ref that is shut out without a flaw would be one; a usage request needs one to be refused.
fn client_ref() -> ClientRef {
    ClientRef::new("user-1").unwrap()
}

fn outside() -> Networks {
    Networks(vec!["198.51.100.0/24".parse().unwrap()])
}

/// The world after its flaws were told by the feed, and what is needed there.
fn flawed(world: &World, flaws: &[Flaw]) -> Need<'static> {
    let has = |flaw| flaws.contains(&flaw);
    if has(Flaw::ClientRefRevoked) {
        world.apply(&[Change::ClientRefRevoked { project_id: PROJECT, client_ref: client_ref() }]);
    }
    if has(Flaw::ProjectDeleted) {
        world.apply(&[Change::ProjectDeleted { id: PROJECT }]);
    }
    if has(Flaw::WorkspaceClosed) {
        world.apply(&[Change::WorkspaceClosed { id: world.workspace_id }]);
    }
    let surface = if has(Flaw::InUrl) { Surface::RealtimeUrl } else { Surface::RealtimeHeader };
    let region = if has(Flaw::NoPlan) { Region::Eu2 } else { Region::Eu1 };
    Need { region: Some(region), usage: has(Flaw::Usage), ..need(surface) }
}

fn subset(flaws: &'static [Flaw]) -> impl Strategy<Value = Vec<Flaw>> {
    prop::sample::subsequence(flaws, 0..=flaws.len()).prop_map(|mut flaws| {
        flaws.sort();
        flaws
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A temporary key with any flaws is told of the first, cold and cached.
    #[test]
    fn temporary_keys_are_told_of_the_first_flaw(flaws in subset(&FLAWS)) {
        let flaws: Vec<Flaw> = flaws.into_iter().filter(|flaw| *flaw != Flaw::InUrl).collect();
        let has = |flaw| flaws.contains(&flaw);
        let world = World::new();
        let past = if has(Flaw::TokenExpired) { -3600 } else { 0 };
        let wrong_area = has(Flaw::WrongArea);
        let mut claims = world.claims(if has(Flaw::WrongProduct) { Product::Batch } else { Product::Rt });
        claims = Claims {
            issuer: if has(Flaw::ForeignIssuer) { "vox_other".to_owned() } else { claims.issuer },
            issued_at: NOW.plus_seconds(past),
            not_before: NOW.plus_seconds(past),
            expires_at: NOW.plus_seconds(past + 60),
            areas: AreaSet::EMPTY.with(if wrong_area { Area::Au } else { Area::Eu }),
            client_ref: Some(client_ref()),
            leash: Leash {
                networks: if has(Flaw::Network) { outside() } else { Networks::default() },
                origins: if has(Flaw::Origin) { vec!["https://app.example".to_owned()] } else { Vec::new() },
                ..Leash::default()
            },
            ..claims
        };
        let token = if has(Flaw::ForeignSignature) { World::unknown().sign(&claims) } else { world.sign(&claims) };
        if has(Flaw::TokenRevoked) {
            world.apply(&[Change::TemporaryKeyRevoked { id: claims.id, forget_at: claims.expires_at }]);
        }
        world.change_key(|key| {
            key.expires_at = has(Flaw::ParentExpired).then_some(NOW);
            key.revoked_at = has(Flaw::ParentRevoked).then_some(NOW);
        });
        let need = flawed(&world, &flaws);
        let expected = flaws.first().copied().map(reason);
        for _ in ["cold", "cached"] {
            prop_assert_eq!(world.reason(&token, &need), expected, "{:?}", flaws);
        }
        // At the mint all temporary keys that are good at all are refused as such.
        let good_at_all = flaws.first().is_none_or(|flaw| *flaw > Flaw::InUrl);
        if good_at_all {
            prop_assert_eq!(world.mint_reason(&token), Some(Reason::CannotMint));
        } else {
            prop_assert_eq!(world.mint_reason(&token), expected);
        }
    }

    /// An API key with any flaws is told of the first.
    #[test]
    fn api_keys_are_told_of_the_first_flaw(flaws in subset(&KEY_FLAWS)) {
        let has = |flaw| flaws.contains(&flaw);
        let world = World::new();
        let mut record = key_record(&world.api_key);
        record.id = world.record.id;
        record.expires_at = has(Flaw::ParentExpired).then_some(NOW);
        record.revoked_at = has(Flaw::ParentRevoked).then_some(NOW);
        record.client_ref = Some(client_ref());
        if has(Flaw::WrongProduct) {
            record.products = ProductSet::EMPTY.with(Product::Tts);
        }
        if has(Flaw::WrongArea) {
            record.areas = AreaSet::EMPTY.with(Area::Usa);
        }
        if has(Flaw::Network) {
            record.networks = outside();
        }
        world.apply(&[Change::Key(record)]);
        let need = flawed(&world, &flaws);
        prop_assert_eq!(world.reason(world.api_key.expose(), &need), flaws.first().copied().map(reason), "{:?}", flaws);
    }
}
