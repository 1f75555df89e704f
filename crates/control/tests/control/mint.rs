//! Minting: every rule of it, each refusal beside what is allowed.

use control::{ClientRefError, MintRequest, NewKey, RevokeTemporaryKeyError};
use credentials::verify_signature;
use domain::limits::CLIENT_REF_BYTES_MAX;
use domain::link::Revision;
use domain::token::Claims;
use domain::{
    Area, AreaSet, ClientRef, Leash, Plan, Product, ProductSet, ProjectId, Reason, Refusal, Region,
    SystemRng, TemporaryKeyId,
};

use crate::support::{ACTOR, Instance, reason, request};

fn client_ref(text: &str) -> ClientRef {
    ClientRef::new(text).unwrap()
}

/// What a temporary key says, by the published key set alone.
fn claims(instance: &Instance, token: &str) -> Claims {
    let jwks = instance.control.jwks();
    let find = |kid: &domain::Kid| jwks.find(kid).cloned();
    verify_signature(token, find).unwrap()
}

fn detail<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.unwrap_err().detail.into_owned()
}

/// A temporary key says exactly what it was minted with: exp = iat + ttl, nbf = iat, its parent in the jti, and it
/// verifies by the published keys.
#[tokio::test]
async fn a_temporary_key_says_what_it_was_minted_with() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let made = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let leash = Leash { max_sessions: Some(2), ..Leash::default() };
    let wish = MintRequest {
        ttl_seconds: 3600,
        client_ref: Some(client_ref("alice")),
        leash: leash.clone(),
        ..request(Product::Rt)
    };
    let minted = instance.mint(made.secret.expose(), &wish).unwrap();
    let now = instance.control.now();
    let issued_at = domain::Timestamp::from_seconds(now.as_seconds());
    let expected = Claims {
        issuer: instance.control.instance_id().to_string(),
        areas: AreaSet::EMPTY.with(Area::Eu),
        issued_at,
        not_before: issued_at,
        expires_at: issued_at.plus_seconds(3600),
        id: minted.id,
        revision: instance.control.tables().revision(),
        project_id: project.id,
        workspace_id: workspace.id,
        api_key_id: made.key.id,
        product: Product::Rt,
        client_ref: Some(client_ref("alice")),
        leash,
    };
    assert_eq!(claims(&instance, &minted.key_value), expected);
    assert_eq!(minted.expires_at, expected.expires_at);
    assert_eq!(minted.id.parent(), made.key.id);
    let other = instance.mint(made.secret.expose(), &wish).unwrap();
    assert_ne!(other.id, minted.id);
    let principal = instance.verify(&minted.key_value, Product::Rt, Region::Eu1).unwrap();
    assert_eq!(principal.temporary_key_id(), Some(minted.id));
    assert_eq!(reason(instance.verify(&minted.key_value, Product::Batch, Region::Eu1)), Reason::WrongProduct);
}

/// The ttl's range is the product's; what a caller forgot to check is refused here too.
#[tokio::test]
async fn the_ttl_has_the_products_range() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let all = NewKey { products: Some(ProductSet::all()), ..NewKey::named(project.id, "k") };
    let secret = instance.key(&workspace, all).await.secret;
    for (product, max) in
        [(Product::Batch, 3600), (Product::Rt, 86_400), (Product::Tts, 86_400), (Product::Flow, 86_400)]
    {
        let range = instance.control.ttl_seconds().of(product);
        assert_eq!((range.min_seconds, range.max_seconds), (60, max));
        for ttl_seconds in [60, max] {
            assert!(instance.mint(secret.expose(), &MintRequest { ttl_seconds, ..request(product) }).is_ok());
        }
        for ttl_seconds in [0, 59, max + 1, u32::MAX] {
            let refused = instance.mint(secret.expose(), &MintRequest { ttl_seconds, ..request(product) });
            assert_eq!(reason(refused), Reason::InvalidValue);
        }
    }
}

/// A product that the API key lacks is refused, and the sentence names those that it has.
#[tokio::test]
async fn a_product_that_the_key_lacks_is_refused() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let batch_only =
        NewKey { products: Some(ProductSet::EMPTY.with(Product::Batch)), ..NewKey::named(project.id, "k") };
    let secret = instance.key(&workspace, batch_only).await.secret;
    assert!(instance.mint(secret.expose(), &request(Product::Batch)).is_ok());
    let refused = instance.mint(secret.expose(), &request(Product::Rt));
    assert_eq!(refused.as_ref().unwrap_err().reason, Reason::WrongProduct);
    assert!(detail(refused).contains("is for batch"));
}

/// No region means the key's own areas, of those where the product can be used; one that the key lacks is refused with
/// a sentence that says what to pass.
#[tokio::test]
async fn the_region_narrows_to_one_of_the_keys_areas() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Enterprise).await;
    let of = |areas: &[Area]| NewKey {
        areas: Some(areas.iter().copied().collect()),
        ..NewKey::named(project.id, "k")
    };
    let usa = instance.key(&workspace, of(&[Area::Usa])).await.secret;
    let au = instance.key(&workspace, of(&[Area::Au])).await.secret;
    let both = instance.key(&workspace, of(&[Area::Eu, Area::Au])).await.secret;
    let minted = |secret: &credentials::PlainSecret, product, area| {
        let minted = instance.mint(secret.expose(), &MintRequest { area, ..request(product) })?;
        Ok::<_, Refusal>(claims(&instance, &minted.key_value).areas)
    };
    let set = |areas: &[Area]| areas.iter().copied().collect::<AreaSet>();

    assert_eq!(minted(&usa, Product::Rt, None), Ok(set(&[Area::Usa])));
    assert_eq!(minted(&usa, Product::Rt, Some(Area::Usa)), Ok(set(&[Area::Usa])));
    assert_eq!(minted(&both, Product::Batch, None), Ok(set(&[Area::Eu, Area::Au])));
    assert_eq!(minted(&both, Product::Batch, Some(Area::Au)), Ok(set(&[Area::Au])));
    assert_eq!(minted(&both, Product::Rt, None), Ok(set(&[Area::Eu])), "realtime is not offered in au");
    assert_eq!(minted(&au, Product::Batch, None), Ok(set(&[Area::Au])));

    let sent_by_default = minted(&usa, Product::Batch, Some(Area::Eu));
    assert_eq!(sent_by_default.as_ref().unwrap_err().reason, Reason::WrongArea);
    let sentence = detail(sent_by_default);
    assert!(sentence.contains("linked to usa") && sentence.contains("\"region\":\"usa\""), "{sentence}");
    for refused in [minted(&au, Product::Rt, None), minted(&both, Product::Rt, Some(Area::Au))] {
        assert_eq!(reason(refused), Reason::WrongArea);
    }
}

/// A temporary key can't mint, whatever it is for.
#[tokio::test]
async fn a_temporary_key_cannot_mint() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let temporary = instance.mint(secret.expose(), &request(Product::Batch)).unwrap();
    assert_eq!(reason(instance.mint(&temporary.key_value, &request(Product::Batch))), Reason::CannotMint);
    let principal = instance.verify(&temporary.key_value, Product::Batch, Region::Eu1).unwrap();
    assert_eq!(reason(instance.control.mint(&principal, &request(Product::Batch))), Reason::CannotMint);
}

/// What an API key of a client_ref mints is of that client_ref; another is refused.
#[tokio::test]
async fn a_key_of_a_client_ref_mints_for_that_one_only() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let own = NewKey { client_ref: Some(client_ref("alice")), ..NewKey::named(project.id, "k") };
    let secret = instance.key(&workspace, own).await.secret;
    for asked in [None, Some(client_ref("alice"))] {
        let wish = MintRequest { client_ref: asked, ..request(Product::Batch) };
        let minted = instance.mint(secret.expose(), &wish).unwrap();
        assert_eq!(claims(&instance, &minted.key_value).client_ref, Some(client_ref("alice")));
    }
    let other = MintRequest { client_ref: Some(client_ref("Alice")), ..request(Product::Batch) };
    assert_eq!(reason(instance.mint(secret.expose(), &other)), Reason::CannotMint);
}

/// A client_ref that was shut out: its temporary keys die and none is minted for it; readmitted, new ones are minted
/// and the old ones stay dead. Others are not touched, nor is the same one in another project.
#[tokio::test]
async fn a_client_ref_is_shut_out_until_it_is_readmitted() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, other_project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let other_secret = instance.key(&other, NewKey::named(other_project.id, "k")).await.secret;
    let alice = client_ref("alice");
    let wish = |name: &str| MintRequest { client_ref: Some(client_ref(name)), ..request(Product::Rt) };
    let mint = |name| instance.mint(secret.expose(), &wish(name));
    let works = |token: &str| instance.verify(token, Product::Rt, Region::Eu1).map(drop);
    let before = mint("alice").unwrap();
    let bob = mint("bob").unwrap();
    let nobody = instance.mint(secret.expose(), &request(Product::Rt)).unwrap();
    let elsewhere = instance.mint(other_secret.expose(), &wish("alice")).unwrap();

    control.revoke_client_ref(&ACTOR, workspace.id, project.id, &alice).await.unwrap();
    assert_eq!(reason(works(&before.key_value)), Reason::CredentialRevoked);
    let refused = mint("alice").unwrap_err();
    assert_eq!((refused.reason, refused.reason.http_status()), (Reason::ClientRefRevoked, 403));
    for alive in [&bob, &nobody, &elsewhere] {
        works(&alive.key_value).unwrap();
    }
    assert!(mint("Alice").is_ok());

    control.readmit_client_ref(&ACTOR, workspace.id, project.id, &alice).await.unwrap();
    let after = mint("alice").unwrap();
    works(&after.key_value).unwrap();
    assert_eq!(reason(works(&before.key_value)), Reason::CredentialRevoked);
    let again = control.readmit_client_ref(&ACTOR, workspace.id, project.id, &alice).await;
    assert!(matches!(again, Err(ClientRefError::NotRevoked)));
    control.revoke_client_ref(&ACTOR, workspace.id, project.id, &alice).await.unwrap();
    assert_eq!(reason(works(&after.key_value)), Reason::CredentialRevoked);

    let foreign = control.revoke_client_ref(&ACTOR, other.id, project.id, &alice).await;
    assert!(matches!(foreign, Err(ClientRefError::ProjectNotFound)));
    let unknown = control.readmit_client_ref(&ACTOR, workspace.id, ProjectId::new(99), &alice).await;
    assert!(matches!(unknown, Err(ClientRefError::ProjectNotFound)));
}

/// One temporary key is revoked by its jti, by its owner only, as often as one likes; its siblings live.
#[tokio::test]
async fn one_temporary_key_can_be_revoked() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let first = instance.mint(secret.expose(), &request(Product::Rt)).unwrap();
    let second = instance.mint(secret.expose(), &request(Product::Rt)).unwrap();
    let foreign = control.revoke_temporary_key(&ACTOR, other.id, first.id).await;
    assert!(matches!(foreign, Err(RevokeTemporaryKeyError::NotFound)));
    let unknown = TemporaryKeyId::generate(domain::ApiKeyId::from_u128(1), &SystemRng);
    let unknown = control.revoke_temporary_key(&ACTOR, workspace.id, unknown).await;
    assert!(matches!(unknown, Err(RevokeTemporaryKeyError::NotFound)));
    assert!(instance.verify(&first.key_value, Product::Rt, Region::Eu1).is_ok());
    let revision = control.revoke_temporary_key(&ACTOR, workspace.id, first.id).await.unwrap();
    assert_eq!(control.revoke_temporary_key(&ACTOR, workspace.id, first.id).await.unwrap(), revision);
    assert_eq!(
        reason(instance.verify(&first.key_value, Product::Rt, Region::Eu1)),
        Reason::CredentialRevoked
    );
    assert!(instance.verify(&second.key_value, Product::Rt, Region::Eu1).is_ok());
    assert!(revision > Revision(0));
}

/// A key that mints too fast is told to wait, and may go on after that; another key is not slowed.
#[tokio::test]
async fn minting_has_a_rate() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let other = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let rate = Plan::Pro.default_limits().mints_per_second_max;
    for _ in 0..rate {
        instance.mint(secret.expose(), &request(Product::Rt)).unwrap();
    }
    let refused = instance.mint(secret.expose(), &request(Product::Rt)).unwrap_err();
    assert_eq!((refused.reason, refused.retry_after_seconds), (Reason::RateLimited, Some(1)));
    assert!(instance.mint(other.expose(), &request(Product::Rt)).is_ok());
    instance.clock.advance_seconds(1);
    assert!(instance.mint(secret.expose(), &request(Product::Rt)).is_ok());
}

/// The longest values that are allowed fit into a temporary key, alone; more than fits together is refused, not cut.
#[tokio::test]
async fn a_temporary_key_that_would_be_too_long_is_refused() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let secret = instance.key(&workspace, NewKey::named(project.id, "k")).await.secret;
    let long = Some(client_ref(&"x".repeat(CLIENT_REF_BYTES_MAX)));
    let wish = MintRequest { client_ref: long.clone(), ..request(Product::Rt) };
    assert!(instance.mint(secret.expose(), &wish).is_ok());
    let origins = vec![format!("https://{}.example", "o".repeat(100)); 8];
    let lock = Some(format!("{{\"a\":\"{}\"}}", "x".repeat(500)));
    let leash = Leash { origins, lock, ..Leash::default() };
    let refused = instance.mint(secret.expose(), &MintRequest { leash, ..wish });
    assert_eq!(reason(refused), Reason::InvalidValue);
}
