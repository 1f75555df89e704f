//! The rows of "JWT libraries" and "Gateways" that concern what a token is good for, and the cache, each named after its row.

use credentials::SigningKey;
use domain::link::Change;
use domain::token::Claims;
use domain::{Algorithm, Area, AreaSet, Product, Reason, Region, SystemRng};
use proptest::prelude::*;
use verify::{Need, Surface};

use crate::world::{NOW, SURFACES, World, need, product};

#[test]
fn kid_injection_of_a_retired_key() {
    let world = World::new();
    let token = world.mint(Product::Rt);
    let next = SigningKey::generate(Algorithm::Es256, &SystemRng);
    world.apply(&[Change::SigningKey(next.verifying_key())]);
    let new = next.sign(&world.claims(Product::Rt)).unwrap();
    for _ in ["cold", "cached"] {
        assert!(world.verify(&token, Surface::RealtimeUrl).is_ok(), "control: rotation overlaps");
        assert!(world.verify(&new, Surface::RealtimeUrl).is_ok(), "control");
    }
    world.apply(&[Change::SigningKeyRemoved { kid: world.signing_key.kid().clone() }]);
    for _ in ["remembered", "forgotten"] {
        assert_eq!(world.reason(&token, &need(Surface::RealtimeUrl)), Some(Reason::TokenInvalid));
    }
    assert!(world.verify(&new, Surface::RealtimeUrl).is_ok(), "control");
}

/// A missing or malformed `aud` never gets so far: `credentials` refuses it.
#[test]
fn cve_2026_40946_audience() {
    let world = World::new();
    world.change_key(|key| key.areas = AreaSet::all());
    for bits in 1_u8..8 {
        let areas: AreaSet = Area::ALL.iter().copied().filter(|area| bits & 1 << *area as u8 != 0).collect();
        let token = world.sign(&Claims { areas, ..world.claims(Product::Batch) });
        for region in [Region::Eu1, Region::Us1, Region::Au1] {
            let need = Need { region: Some(region), ..need(Surface::Batch) };
            let expected = (!areas.contains(region.area())).then_some(Reason::WrongArea);
            assert_eq!(world.reason(&token, &need), expected);
        }
    }
}

#[test]
fn cve_2026_31813_issuer() {
    let world = World::new();
    let ours = world.instance.to_string();
    assert!(world.verify(&world.mint(Product::Rt), Surface::RealtimeUrl).is_ok(), "control");
    for issuer in [
        format!("{ours}/"),
        ours.to_uppercase(),
        format!("user@{ours}"),
        format!(" {ours}"),
        format!("https://{ours}"),
        ours[..ours.len() - 1].to_owned(),
        World::unknown().instance.to_string(),
        "vox_".to_owned(),
    ] {
        let token = world.sign(&Claims { issuer, ..world.claims(Product::Rt) });
        for surface in SURFACES {
            assert_eq!(world.reason(&token, &need(surface)), Some(Reason::TokenInvalid));
        }
    }
}

/// Signed by us, but for a project or workspace that its parent isn't in.
#[test]
fn claims_that_contradict_the_tables() {
    let world = World::new();
    let other = World::unknown();
    let project_id = domain::ProjectId::new(43);
    world.apply(&[Change::Project { id: project_id, workspace_id: world.workspace_id }]);
    for claims in [
        Claims { project_id, ..world.claims(Product::Rt) },
        Claims { workspace_id: other.workspace_id, ..world.claims(Product::Rt) },
    ] {
        assert_eq!(
            world.reason(&world.sign(&claims), &need(Surface::RealtimeUrl)),
            Some(Reason::TokenInvalid)
        );
    }
    let orphan =
        Claims { id: other.claims(Product::Rt).id, api_key_id: other.record.id, ..world.claims(Product::Rt) };
    assert_eq!(
        world.reason(&world.sign(&orphan), &need(Surface::RealtimeUrl)),
        Some(Reason::CredentialUnknown)
    );
}

/// The same credential on routes that need different things, in every order: a hot cache changes no answer.
#[test]
fn cve_2021_32701_cache_ignored_what_was_needed() {
    let world = World::new();
    let token = world.mint(Product::Rt);
    let needs = [
        (need(Surface::RealtimeHeader), None),
        (need(Surface::RealtimeUrl), None),
        (need(Surface::Batch), Some(Reason::WrongProduct)),
        (Need { region: Some(Region::Us1), ..need(Surface::RealtimeHeader) }, Some(Reason::WrongArea)),
        (Need { region: Some(Region::Eu2), ..need(Surface::RealtimeHeader) }, Some(Reason::PlanRequired)),
        (need(Surface::Mint), Some(Reason::CannotMint)),
        (need(Surface::Management), Some(Reason::CredentialUnknown)),
    ];
    for (first, expected_first) in &needs {
        for (second, expected_second) in &needs {
            assert_eq!(world.reason(&token, first), *expected_first);
            assert_eq!(world.reason(&token, second), *expected_second);
        }
    }
    assert_eq!(world.tables.cached_tokens(), 1);
}

/// Tokens that share their beginnings and ends with a remembered one are not it.
#[test]
fn cve_2026_35030_truncated_cache_key() {
    let world = World::new();
    let (mine, theirs) = (world.mint_for(Product::Rt, "user-1"), world.mint_for(Product::Rt, "user-2"));
    for token in [&mine, &theirs] {
        assert!(world.verify(token, Surface::RealtimeUrl).is_ok(), "control, and remembered now");
    }
    let is_refused = |token: &str| world.verify(token, Surface::RealtimeUrl).is_err();
    for length in 1..mine.len() {
        assert!(is_refused(&mine[..length]), "the first {length} bytes");
        assert!(is_refused(&mine[length..]), "without the first {length} bytes");
    }
    for split in [350, 400, mine.len() - 90, mine.len() - 40] {
        let crossed = format!("{}{}", &mine[..split], &theirs[split..]);
        assert!(crossed != mine && crossed != theirs && is_refused(&crossed), "crossed at {split}");
    }
    for suffix in ["=", ".", " ", "A", "\n", "\0"] {
        assert!(is_refused(&format!("{mine}{suffix}")));
        assert!(is_refused(&format!("{suffix}{mine}")));
    }
    let who = |token| world.verify(token, Surface::RealtimeUrl).unwrap().client_ref().unwrap().to_string();
    assert_eq!((who(&mine).as_str(), who(&theirs).as_str()), ("user-1", "user-2"));
}

/// An imported key may look like a token, and is still a key everywhere.
#[test]
fn a_key_that_looks_like_a_token() {
    let world = World::new();
    let secret = credentials::PlainSecret::new("SG.abcdefghijklmnop.qrstuvwxyz0123456789".to_owned());
    assert_eq!(world.reason(secret.expose(), &need(Surface::Batch)), Some(Reason::CredentialUnknown));
    world.apply(&[Change::Key(crate::world::key_record(&secret))]);
    assert_eq!(world.reason(secret.expose(), &need(Surface::Batch)), None);
    assert_eq!(world.reason(secret.expose(), &need(Surface::Management)), None);
    assert_eq!(world.mint_reason(secret.expose()), None);
    assert_eq!(world.reason(secret.expose(), &need(Surface::RealtimeUrl)), Some(Reason::ApiKeyInUrl));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A hit of the cache means the very same bytes: any change to a remembered token is refused, and the principal of
    /// the unchanged one is the same as without the cache.
    #[test]
    fn a_cache_hit_is_byte_identical(position: prop::sample::Index, bit in 0_u32..7, which in 0_usize..3) {
        let world = World::new();
        let surface = SURFACES[which];
        let token = world.mint(product(surface));
        prop_assert_eq!(world.tables.signatures(), 0);
        let cold = world.verify(&token, surface);
        prop_assert_eq!(world.tables.cached_tokens(), 1);
        prop_assert_eq!(world.verify(&token, surface), cold);
        prop_assert_eq!(world.tables.signatures(), 1, "what is remembered isn't computed again");
        let mut bytes = token.clone().into_bytes();
        let index = position.index(bytes.len());
        bytes[index] ^= 1_u8 << bit;
        let altered = String::from_utf8(bytes).unwrap();
        let refusal = world.tables.verify(&altered, &need(surface), NOW).unwrap_err();
        prop_assert!(matches!(refusal.reason, Reason::TokenInvalid | Reason::CredentialUnknown), "{}", refusal);
        prop_assert_eq!(world.tables.cached_tokens(), 1);
    }

    /// No text crashes the verifier or gets in.
    #[test]
    fn any_text_is_refused(text in any::<String>(), prefix in "(vg[kmg]_|ey|[A-Za-z0-9_-]{1,9}\\.[A-Za-z0-9_-]{1,9}\\.)?") {
        let world = World::new();
        for surface in [SURFACES.as_slice(), &[Surface::Mint, Surface::Management]].concat() {
            let presented = format!("{prefix}{text}");
            prop_assert!(world.verify(&presented, surface).is_err());
            prop_assert!(world.tables.verify_management(&presented, NOW).is_err());
        }
    }
}
