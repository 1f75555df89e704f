//! Offline verification with a key set alone.

use credentials::Jwks;
use domain::token::Claims;
use domain::{Area, Product, Reason};
use verify::{Expect, Leeway, SignedClaims};

use crate::world::{NOW, World};

/// Each thing that a key set can tell is checked, and nothing that differs passes.
#[test]
fn signature_time_issuer_product_and_area() {
    let world = World::unknown();
    let jwks = Jwks::from_json(&Jwks::from_keys(&[world.signing_key.verifying_key()]).to_json()).unwrap();
    let issuer = world.instance.to_string();
    let expect = Expect { issuer: &issuer, area: Area::Eu, product: Product::Rt };
    let claims = world.claims(Product::Rt);
    let token = world.sign(&claims);
    let verify = |token: &str, expect: &Expect<'_>, now| {
        SignedClaims::verify(token, &jwks, expect, Leeway::default(), now).map_err(|refusal| refusal.reason)
    };
    assert_eq!(verify(&token, &expect, NOW).unwrap().claims(), &claims);
    assert_eq!(verify(&token, &expect, NOW.plus_seconds(65)).unwrap_err(), Reason::CredentialExpired);
    assert_eq!(verify(&token, &expect, NOW.plus_seconds(-61)).unwrap_err(), Reason::CredentialEarly);
    let elsewhere = Expect { area: Area::Usa, ..expect };
    assert_eq!(verify(&token, &elsewhere, NOW).unwrap_err(), Reason::WrongArea);
    let other_product = Expect { product: Product::Batch, ..expect };
    assert_eq!(verify(&token, &other_product, NOW).unwrap_err(), Reason::WrongProduct);
    let other_issuer = Expect { issuer: "vox_other", ..expect };
    assert_eq!(verify(&token, &other_issuer, NOW).unwrap_err(), Reason::TokenInvalid);
    assert_eq!(verify(&World::unknown().sign(&claims), &expect, NOW).unwrap_err(), Reason::TokenInvalid);
    assert_eq!(verify("a.b.c", &expect, NOW).unwrap_err(), Reason::CredentialUnknown);
    let expired = Claims { expires_at: NOW.plus_seconds(1), ..claims };
    let wrong_in_every_way = Expect { issuer: "vox_other", area: Area::Au, product: Product::Tts };
    let late = NOW.plus_seconds(100);
    assert_eq!(verify(&world.sign(&expired), &wrong_in_every_way, late).unwrap_err(), Reason::TokenInvalid);
}
