//! The rows of the answers table that verification decides, on each of their surfaces, beside controls that pass.

use credentials::SecretKind;
use domain::link::Change;
use domain::token::Claims;
use domain::{
    Area, AreaSet, ClientRef, Leash, Networks, Permission, Plan, Product, ProductSet, Reason, Region,
    SystemRng,
};
use verify::{Holder, Need, Surface};

use crate::world::{PROJECT, SURFACES, World, foreign_secret, key_record, need, peer, product};

/// Where API keys are welcome.
const KEY_SURFACES: [Surface; 4] =
    [Surface::Mint, Surface::Batch, Surface::RealtimeHeader, Surface::Management];

/// Controls: what is welcome everywhere, so that refusing everything fails.
#[test]
fn good_credentials_pass_everywhere() {
    let world = World::new();
    for surface in KEY_SURFACES {
        let principal = world.verify(world.api_key.expose(), surface).unwrap();
        assert_eq!(principal.api_key_id(), world.record.id);
        assert_eq!(principal.project_id(), PROJECT);
        assert_eq!(principal.workspace_id(), world.workspace_id);
        assert_eq!(principal.products(), world.record.products);
        assert_eq!(principal.temporary_key_id(), None);
        assert_eq!(principal.expires_at(), None);
        assert!(principal.leash().is_empty());
    }
    for surface in SURFACES {
        let claims = world.claims(product(surface));
        let principal = world.verify(&world.sign(&claims), surface).unwrap();
        assert_eq!(principal.temporary_key_id(), Some(claims.id));
        assert_eq!(principal.expires_at(), Some(claims.expires_at));
        assert_eq!(principal.products(), ProductSet::EMPTY.with(claims.product));
        assert_eq!(principal.areas(), world.record.areas);
        assert_eq!(principal.region(), Some(Region::Eu1));
    }
    let manager = world.tables.verify_management(world.management_token.expose(), crate::world::NOW).unwrap();
    assert_eq!(manager.workspace_id(), world.workspace_id);
    assert_eq!(manager.token_id(), world.management_record.id);
}

#[test]
fn no_credential_is_credential_missing() {
    let world = World::new();
    for surface in KEY_SURFACES {
        assert_eq!(world.reason("", &need(surface)), Some(Reason::CredentialMissing));
    }
    assert_eq!(world.management_reason(""), Some(Reason::CredentialMissing));
}

#[test]
fn malformed_mistyped_and_unknown_are_credential_unknown() {
    let world = World::new();
    let key = world.api_key.expose();
    let unknown_key = SecretKind::ApiKey.generate(&SystemRng);
    let enrolment = SecretKind::Enrolment.generate(&SystemRng);
    let foreign = foreign_secret();
    for surface in KEY_SURFACES {
        for presented in [
            &key[..key.len() - 1],
            &format!("{key}x"),
            &key.to_uppercase(),
            unknown_key.expose(),
            enrolment.expose(),
            foreign.expose(),
            "two words",
            "a.b.c",
            "é",
        ] {
            assert_eq!(
                world.reason(presented, &need(surface)),
                Some(Reason::CredentialUnknown),
                "{presented}"
            );
        }
        let refusal = world.verify(&key[..key.len() - 1], surface).unwrap_err();
        assert!(refusal.detail.contains("mistyped or cut short"), "{refusal}");
    }
    for presented in
        [&key[..key.len() - 1], foreign.expose(), key, "a.b.c", enrolment.expose(), unknown_key.expose()]
    {
        assert_eq!(world.management_reason(presented), Some(Reason::CredentialUnknown), "{presented}");
    }
}

/// A management token opens no API, and says what it is for.
#[test]
fn a_management_token_opens_no_api() {
    let world = World::new();
    for surface in [Surface::Batch, Surface::RealtimeHeader, Surface::Management] {
        let refusal = world.verify(world.management_token.expose(), surface).unwrap_err();
        assert_eq!(refusal.reason, Reason::CredentialUnknown);
        assert!(refusal.detail.contains("a management token manages keys"), "{refusal}");
    }
}

/// Temporary keys manage nothing.
#[test]
fn a_temporary_key_manages_nothing() {
    let world = World::new();
    let token = world.mint(Product::Batch);
    for _ in ["cold", "cached"] {
        let refusal = world.tables.verify_management(&token, crate::world::NOW).unwrap_err();
        assert_eq!(refusal.reason, Reason::CredentialUnknown);
        assert!(refusal.detail.starts_with("this is a temporary key"), "{refusal}");
        assert_eq!(world.reason(&token, &need(Surface::Management)), Some(Reason::CredentialUnknown));
        assert!(world.verify(&token, Surface::Batch).is_ok(), "control");
    }
}

#[test]
fn forged_and_foreign_tokens_are_token_invalid() {
    let (world, other) = (World::new(), World::new());
    for surface in [SURFACES.as_slice(), &[Surface::Mint]].concat() {
        let foreign = other.mint(product(surface));
        assert_eq!(world.reason(&foreign, &need(surface)), Some(Reason::TokenInvalid));
        let good = world.mint(product(surface));
        let forged = format!("{}.{}", good.rsplit_once('.').unwrap().0, foreign.rsplit_once('.').unwrap().1);
        assert_eq!(world.reason(&forged, &need(surface)), Some(Reason::TokenInvalid));
        let issuer = other.instance.to_string();
        let claims = Claims { issuer, ..world.claims(product(surface)) };
        assert_eq!(world.reason(&world.sign(&claims), &need(surface)), Some(Reason::TokenInvalid));
    }
}

/// Whatever a credential was born of: when it is revoked, so is the credential, on every surface, cached or not.
#[test]
fn revoked_is_credential_revoked() {
    let everything_else = |world: &World, surface| world.verify(world.api_key.expose(), surface).is_ok();
    type Revoke = fn(&World, &Claims);
    let revocations: [(&str, Revoke); 5] = [
        ("itself", |world, claims| {
            world.apply(&[Change::TemporaryKeyRevoked { id: claims.id, forget_at: claims.expires_at }]);
        }),
        ("parent", |world, _| world.change_key(|key| key.revoked_at = Some(crate::world::NOW))),
        ("client_ref", |world, claims| {
            let client_ref = claims.client_ref.clone().unwrap();
            world.apply(&[Change::ClientRefRevoked { project_id: PROJECT, client_ref }]);
        }),
        ("project", |world, _| {
            world.apply(&[Change::ProjectDeleted { id: PROJECT }]);
        }),
        ("workspace", |world, _| {
            world.apply(&[Change::WorkspaceClosed { id: world.workspace_id }]);
        }),
    ];
    for (what, revoke) in revocations {
        for surface in SURFACES {
            let world = World::new();
            let client_ref = Some(ClientRef::new("user-1").unwrap());
            let claims = Claims { client_ref, ..world.claims(product(surface)) };
            let token = world.sign(&claims);
            assert!(world.verify(&token, surface).is_ok(), "control");
            revoke(&world, &claims);
            for surface in [surface, Surface::Mint] {
                assert_eq!(world.reason(&token, &need(surface)), Some(Reason::CredentialRevoked), "{what}");
            }
            let other_dies = matches!(what, "parent" | "project" | "workspace");
            if surface != Surface::RealtimeUrl {
                assert_eq!(everything_else(&world, surface), !other_dies, "{what}");
            }
            let another = world.mint_for(product(surface), "user-2");
            assert_eq!(world.verify(&another, surface).is_ok(), !other_dies, "{what}");
        }
    }
}

#[test]
fn revoked_api_keys_and_management_tokens_are_credential_revoked() {
    type Revoke = fn(&World);
    let revocations: [Revoke; 3] = [
        |world| world.change_key(|key| key.revoked_at = Some(crate::world::NOW)),
        |world| {
            world.apply(&[Change::ProjectDeleted { id: PROJECT }]);
        },
        |world| {
            world.apply(&[Change::WorkspaceClosed { id: world.workspace_id }]);
        },
    ];
    for revoke in revocations {
        let world = World::new();
        revoke(&world);
        for surface in [KEY_SURFACES.as_slice(), &[Surface::RealtimeUrl]].concat() {
            assert_eq!(world.reason(world.api_key.expose(), &need(surface)), Some(Reason::CredentialRevoked));
        }
    }
    let world = World::new();
    let mut record = world.management_record.clone();
    record.revoked_at = Some(crate::world::NOW);
    assert_eq!(world.management_reason(world.management_token.expose()), None, "control");
    world.apply(&[Change::ManagementToken(record)]);
    assert_eq!(world.management_reason(world.management_token.expose()), Some(Reason::CredentialRevoked));
    assert_eq!(world.mint_reason(world.management_token.expose()), Some(Reason::CredentialRevoked));
}

/// A long-lived key in a URL is told what it did; what may be anything is merely unknown.
#[test]
fn api_key_in_url() {
    let world = World::new();
    let imported = foreign_secret();
    world.apply(&[Change::Key(key_record(&imported))]);
    let url = need(Surface::RealtimeUrl);
    let unknown_key = SecretKind::ApiKey.generate(&SystemRng);
    for presented in
        [world.api_key.expose(), unknown_key.expose(), world.management_token.expose(), imported.expose()]
    {
        let refusal = world.tables.verify(presented, &url, crate::world::NOW).unwrap_err();
        assert_eq!(refusal.reason, Reason::ApiKeyInUrl);
        assert!(refusal.detail.contains("POST /v1/api_keys?type=rt"), "{refusal}");
    }
    let key = world.api_key.expose();
    for presented in [foreign_secret().expose(), &key[1..], &key[..40], "x"] {
        assert_eq!(world.reason(presented, &url), Some(Reason::CredentialUnknown));
    }
    assert_eq!(world.reason(&world.mint(Product::Rt), &url), None, "control");
    assert_eq!(world.reason(imported.expose(), &need(Surface::RealtimeHeader)), None, "control");
}

#[test]
fn temporary_keys_and_management_tokens_cannot_mint() {
    let world = World::new();
    assert_eq!(world.mint_reason(world.api_key.expose()), None, "control");
    assert_eq!(world.mint_reason(&world.mint(Product::Batch)), Some(Reason::CannotMint));
    assert_eq!(world.mint_reason(world.management_token.expose()), Some(Reason::CannotMint));
    let unknown = SecretKind::ManagementToken.generate(&SystemRng);
    assert_eq!(world.mint_reason(unknown.expose()), Some(Reason::CredentialUnknown));
}

/// Whoever acts for a workspace mints under its own API keys, named by their ids; a key of another workspace is as unknown as
/// none.
#[test]
fn keys_mint_for_their_own_workspace() {
    let world = World::new();
    let (peer, now) = (crate::world::peer(), crate::world::NOW);
    let mint = |workspace_id, id| {
        let rights = world.tables.mint_rights_of(workspace_id, id, peer, now);
        rights.map(|principal| principal.api_key_id()).map_err(|refusal| refusal.reason)
    };
    let own = world.record.id;
    assert_eq!(mint(world.workspace_id, own), Ok(own));
    let foreign = World::new();
    assert_eq!(mint(foreign.workspace_id, own), Err(Reason::CredentialUnknown));
    assert_eq!(mint(world.workspace_id, foreign.record.id), Err(Reason::CredentialUnknown));
    world.change_key(|key| key.revoked_at = Some(now));
    assert_eq!(mint(world.workspace_id, own), Err(Reason::CredentialRevoked));
    assert_eq!(mint(foreign.workspace_id, own), Err(Reason::CredentialUnknown));
}

/// Whoever was refused is counted under their own key, also when it may do nothing any more; a stranger under none.
#[test]
fn holders_are_those_of_genuine_credentials() {
    let world = World::new();
    let holder = |presented: &str| world.tables.holder(presented, crate::world::NOW);
    let (api_key_id, client_ref) = (world.record.id, Some(ClientRef::new("user-1").unwrap()));
    let by_key = Holder { project_id: PROJECT, api_key_id, client_ref: None, is_temporary: false };
    let by_token = Holder { project_id: PROJECT, api_key_id, client_ref, is_temporary: true };
    let token = world.mint_for(Product::Rt, "user-1");
    for _ in ["good", "revoked"] {
        assert_eq!(holder(world.api_key.expose()), Some(by_key.clone()));
        assert_eq!(holder(&token), Some(by_token.clone()));
        world.change_key(|key| key.revoked_at = Some(crate::world::NOW));
    }
    let forged = format!("{}x", &token[..token.len() - 1]);
    for stranger in ["", "x", world.management_token.expose(), foreign_secret().expose(), &forged] {
        assert_eq!(holder(stranger), None);
    }
}

/// The refusal names both products, and how to get the right one.
#[test]
fn wrong_product_names_both() {
    let world = World::new();
    for surface in SURFACES {
        for minted in Product::ALL.iter().copied() {
            let result = world.verify(&world.mint(minted), surface);
            if minted == product(surface) {
                assert!(result.is_ok(), "control");
                continue;
            }
            let refusal = result.unwrap_err();
            assert_eq!(refusal.reason, Reason::WrongProduct);
            let expected = format!(
                "this temporary key is for {minted}; this endpoint needs {needed}: mint it with ?type={needed}",
                needed = product(surface)
            );
            assert_eq!(refusal.detail, expected);
        }
    }
    for surface in [Surface::Batch, Surface::RealtimeHeader] {
        let tts = Need { product: Some(Product::Tts), ..need(surface) };
        let refusal = world.tables.verify(world.api_key.expose(), &tts, crate::world::NOW).unwrap_err();
        assert_eq!(refusal.reason, Reason::WrongProduct);
        assert!(
            refusal.detail.contains("for batch, rt") && refusal.detail.contains("needs tts"),
            "{refusal}"
        );
    }
}

/// A temporary key never has more than its parent has now.
#[test]
fn what_the_parent_loses_the_temporary_key_loses() {
    let world = World::new();
    let token = world.mint(Product::Rt);
    let header = need(Surface::RealtimeHeader);
    assert_eq!(world.reason(&token, &header), None, "control");
    world.change_key(|key| key.products = ProductSet::EMPTY.with(Product::Batch));
    assert_eq!(world.reason(&token, &header), Some(Reason::WrongProduct));
    world.change_key(|key| key.areas = AreaSet::EMPTY.with(Area::Usa));
    assert_eq!(world.reason(&token, &header), Some(Reason::WrongArea));
}

/// The refusal names what the key has and where it works instead.
#[test]
fn wrong_area_names_the_right_endpoint() {
    let world = World::new();
    for surface in SURFACES {
        let token = world.mint(product(surface));
        for region in Region::ALL.iter().copied() {
            let need = Need { region: Some(region), ..need(surface) };
            let presented = if surface == Surface::RealtimeUrl { &token } else { world.api_key.expose() };
            for presented in [presented, &token] {
                let expected = match region {
                    Region::Eu1 => None,
                    Region::Eu2 => Some(Reason::PlanRequired),
                    Region::Us1 | Region::Us2 | Region::Au1 => Some(Reason::WrongArea),
                };
                assert_eq!(world.reason(presented, &need), expected, "{region}");
                if let Err(refusal) = world.tables.verify(presented, &need, crate::world::NOW) {
                    assert!(refusal.detail.contains("eu1"), "{refusal}");
                    assert!(!refusal.detail.contains("eu2") || region == Region::Eu2, "{refusal}");
                }
            }
        }
    }
}

/// Where the product isn't offered is no place to be sent to: realtime isn't sent to au1, batch is.
#[test]
fn wrong_area_names_where_the_product_is() {
    let world = World::new();
    world.change_key(|key| key.areas = AreaSet::EMPTY.with(Area::Eu).with(Area::Au));
    for (surface, places) in [(Surface::RealtimeHeader, "use eu1, or"), (Surface::Batch, "use eu1, au1, or")]
    {
        let need = Need { region: Some(Region::Us1), ..need(surface) };
        let refusal = world.tables.verify(world.api_key.expose(), &need, crate::world::NOW).unwrap_err();
        assert!(refusal.detail.contains(places), "{refusal}");
    }
}

/// A temporary key narrowed to one area works there only, though its parent works in more.
#[test]
fn a_narrowed_temporary_key_stays_in_its_area() {
    let world = World::new();
    world.change_key(|key| key.areas = AreaSet::all());
    let narrowed = Claims { areas: AreaSet::EMPTY.with(Area::Usa), ..world.claims(Product::Batch) };
    let token = world.sign(&narrowed);
    let at = |region| Need { region: Some(region), ..need(Surface::Batch) };
    assert_eq!(world.reason(&token, &at(Region::Us1)), None);
    assert_eq!(world.reason(&token, &at(Region::Eu1)), Some(Reason::WrongArea));
    assert_eq!(world.reason(&token, &at(Region::Au1)), Some(Reason::WrongArea));
    assert_eq!(world.reason(world.api_key.expose(), &at(Region::Au1)), None, "control");
}

#[test]
fn plan_required_at_failover_regions() {
    let world = World::new();
    let token = world.mint(Product::Batch);
    let failover = Need { region: Some(Region::Eu2), ..need(Surface::Batch) };
    for presented in [&token, world.api_key.expose()] {
        assert_eq!(world.reason(presented, &failover), Some(Reason::PlanRequired));
        world.set_plan(Plan::Enterprise);
        assert_eq!(world.reason(presented, &failover), None, "control");
        world.set_plan(Plan::Pro);
    }
}

#[test]
fn network_denied_everywhere() {
    let world = World::new();
    let networks = Networks(vec!["198.51.100.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()]);
    let (secret, _) = world.add_key(|key| key.networks = networks.clone());
    let inside = ["198.51.100.9", "::ffff:198.51.100.9", "2001:db8::1"];
    for surface in KEY_SURFACES {
        assert_eq!(world.reason(secret.expose(), &need(surface)), Some(Reason::NetworkDenied));
        for peer in inside {
            let need = Need { peer: peer.parse().unwrap(), ..need(surface) };
            assert_eq!(world.reason(secret.expose(), &need), None, "control {peer}");
        }
    }
    for surface in SURFACES {
        let leash = Leash { networks: networks.clone(), ..Leash::default() };
        let token = world.sign(&Claims { leash, ..world.claims(product(surface)) });
        assert_eq!(world.reason(&token, &need(surface)), Some(Reason::NetworkDenied));
        for peer in inside {
            let need = Need { peer: peer.parse().unwrap(), ..need(surface) };
            assert_eq!(world.reason(&token, &need), None, "control {peer}");
        }
    }
}

/// A server's key is limited to the server's network; the temporary keys that it mints are for browsers elsewhere.
#[test]
fn networks_of_a_key_are_not_those_of_its_temporary_keys() {
    let world = World::new();
    let token = world.mint(Product::Rt);
    world.change_key(|key| key.networks = Networks(vec!["198.51.100.0/24".parse().unwrap()]));
    assert_eq!(
        world.reason(world.api_key.expose(), &need(Surface::RealtimeHeader)),
        Some(Reason::NetworkDenied)
    );
    assert_eq!(world.reason(&token, &need(Surface::RealtimeHeader)), None);
}

#[test]
fn origin_denied_unless_exactly_allowed() {
    let world = World::new();
    for surface in SURFACES {
        let leash = Leash { origins: vec!["https://app.example".to_owned()], ..Leash::default() };
        let token = world.sign(&Claims { leash, ..world.claims(product(surface)) });
        let from = |origin| Need { origin, ..need(surface) };
        assert_eq!(world.reason(&token, &from(Some("https://app.example"))), None, "control");
        for origin in [
            None,
            Some(""),
            Some("null"),
            Some("http://app.example"),
            Some("https://app.example/"),
            Some("https://APP.example"),
            Some("https://app.example:443"),
            Some("https://app.example.evil"),
        ] {
            assert_eq!(world.reason(&token, &from(origin)), Some(Reason::OriginDenied), "{origin:?}");
        }
        assert_eq!(world.reason(&world.mint(product(surface)), &from(None)), None, "control without leash");
    }
}

#[test]
fn permission_missing_names_it() {
    let world = World::new();
    let manager = world.tables.verify_management(world.management_token.expose(), crate::world::NOW).unwrap();
    assert!(manager.needs(Permission::ViewProjects).is_ok(), "control");
    let refusal = manager.needs(Permission::CreateApiKeys).unwrap_err();
    assert_eq!(refusal.reason, Reason::PermissionMissing);
    assert!(
        refusal.detail.contains("create_api_keys") && refusal.detail.contains("view_projects"),
        "{refusal}"
    );
}

#[test]
fn usage_needs_a_credential_of_the_whole_project() {
    let world = World::new();
    let usage = Need { usage: true, ..need(Surface::Batch) };
    let (isolated, _) = world.add_key(|key| key.client_ref = Some(ClientRef::new("user-1").unwrap()));
    for presented in [world.mint_for(Product::Batch, "user-1").as_str(), isolated.expose()] {
        assert_eq!(world.reason(presented, &usage), Some(Reason::UsageNeedsProject));
        assert_eq!(world.reason(presented, &need(Surface::Batch)), None, "control");
    }
    for presented in [world.mint(Product::Batch).as_str(), world.api_key.expose()] {
        assert_eq!(world.reason(presented, &usage), None, "control");
    }
}

/// A refusal's sentence never repeats the credential.
#[test]
fn refusals_hold_no_secret() {
    let world = World::new();
    let token = world.mint(Product::Tts);
    let unknown = SecretKind::ApiKey.generate(&SystemRng);
    for surface in SURFACES {
        for presented in [token.as_str(), unknown.expose(), world.management_token.expose()] {
            let refusal = world.verify(presented, surface).unwrap_err();
            assert!(!refusal.to_string().contains(&presented[..20]), "{refusal}");
            assert!(!refusal.to_string().contains(&presented[presented.len() - 8..]), "{refusal}");
        }
    }
    assert_eq!(peer().to_string(), "192.0.2.7");
}
