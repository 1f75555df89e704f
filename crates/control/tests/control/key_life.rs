//! API keys rotated and changed: what the holder, the holder of the successor, and their gateways notice.

use control::{ChangeKeyError, KeyChange, NewKey, RotateKeyError, RotatedKey};
use domain::limits::{NETWORKS_ENTRIES_MAX, ROTATION_OVERLAP_SECONDS_MAX};
use domain::{
    Area, AreaSet, ClientRef, Networks, Plan, Product, ProductSet, Reason, Region, Timestamp, WorkspaceId,
};
use proptest::prelude::*;
use storage::AuditAction;

use crate::support::{ACTOR, Follower, Instance, reason, request, verify};

async fn rotate(
    instance: &Instance,
    workspace_id: WorkspaceId,
    id: domain::ApiKeyId,
    overlap_seconds: u32,
) -> RotatedKey {
    instance.control.rotate_key(&ACTOR, workspace_id, id, overlap_seconds).await.unwrap()
}

/// After a rotation both keys work until the overlap ends, to the second; then only the new one does, and the old one's
/// temporary keys end with it. The new one has the same name and rights, and says what it replaces.
#[tokio::test]
async fn a_rotation_overlaps() {
    let instance = Instance::new().await;
    let gateway = Follower::attach(&instance.control, "eu1/a");
    let (workspace, project) = instance.workspace(Plan::Enterprise).await;
    let old = instance
        .key(
            &workspace,
            NewKey {
                areas: Some(AreaSet::EMPTY.with(Area::Eu).with(Area::Au)),
                products: Some(ProductSet::EMPTY.with(Product::Batch).with(Product::Tts)),
                networks: Networks(vec!["127.0.0.0/8".parse().unwrap()]),
                client_ref: Some(ClientRef::new("user-1").unwrap()),
                ..NewKey::named(project.id, "payments")
            },
        )
        .await;
    let temporary = instance.mint(old.secret.expose(), &request(Product::Batch)).unwrap();
    let rotated = rotate(&instance, workspace.id, old.key.id, 3600).await;
    let (new, end) = (&rotated.key, instance.control.now().plus_seconds(3600));
    assert_eq!(rotated.old_expires_at, end);
    assert_ne!(new.id, old.key.id);
    assert_eq!(new.rotated_from, Some(old.key.id));
    assert_eq!(
        (&new.name, new.areas, new.products, &new.networks, &new.client_ref, new.expires_at),
        (&old.key.name, old.key.areas, old.key.products, &old.key.networks, &old.key.client_ref, None)
    );
    let olds = [old.secret.expose(), temporary.key_value.as_str()];
    for (seconds, old_works) in [(0, true), (3599, true), (3600, false), (3601, false)] {
        let now = Timestamp::from_micros(end.as_micros()).plus_seconds(seconds - 3600);
        let at = |credential: &str| verify(&gateway.tables, credential, Product::Batch, Region::Eu1, now);
        assert!(at(rotated.secret.expose()).is_ok());
        assert_eq!(at(olds[0]).is_ok(), old_works, "after {seconds} s");
        if seconds < 60 {
            assert!(at(olds[1]).is_ok(), "control");
        }
    }
    let long = control::MintRequest { ttl_seconds: 3600, ..request(Product::Batch) };
    instance.clock.advance_seconds(3000);
    let long = instance.mint(old.secret.expose(), &long).unwrap();
    let ended = verify(&gateway.tables, &long.key_value, Product::Batch, Region::Eu1, end);
    assert_eq!(reason(ended), Reason::CredentialExpired, "its parent has expired");

    let events = instance.control.list_audit_events(workspace.id, 0, 100).await.unwrap();
    let rotation = events.iter().find(|event| event.action == AuditAction::ApiKeyRotated).unwrap();
    assert_eq!(rotation.subject, old.key.id.to_string());
    assert!(rotation.detail.contains(&new.id.to_string()), "{}", rotation.detail);
}

/// Without overlap the old key is refused when the rotation is answered.
#[tokio::test]
async fn a_rotation_without_overlap_is_at_once() {
    let instance = Instance::new().await;
    let gateway = Follower::attach(&instance.control, "eu1/a");
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let old = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let rotated = rotate(&instance, workspace.id, old.key.id, 0).await;
    let now = instance.control.now();
    let at = |credential: &str| verify(&gateway.tables, credential, Product::Rt, Region::Eu1, now);
    assert_eq!(reason(at(old.secret.expose())), Reason::CredentialExpired);
    assert!(at(rotated.secret.expose()).is_ok());
    assert!(matches!(
        instance.control.rotate_key(&ACTOR, workspace.id, old.key.id, 60).await,
        Err(RotateKeyError::Expired)
    ));
}

/// Another workspace's key, a revoked one, an unknown one and an overlap that is too long are refused, and nothing happens.
#[tokio::test]
async fn what_cannot_be_rotated() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let key = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let revoked = instance.key(&workspace, NewKey::named(project.id, "r")).await.key.id;
    instance.control.revoke_key(&ACTOR, workspace.id, revoked).await.unwrap();
    let try_rotate = async |workspace_id, id, overlap| {
        instance.control.rotate_key(&ACTOR, workspace_id, id, overlap).await.unwrap_err()
    };
    assert!(matches!(try_rotate(other.id, key.key.id, 0).await, RotateKeyError::NotFound));
    assert!(matches!(try_rotate(workspace.id, revoked, 0).await, RotateKeyError::NotFound));
    let unknown = domain::ApiKeyId::from_u128(7);
    assert!(matches!(try_rotate(workspace.id, unknown, 0).await, RotateKeyError::NotFound));
    let too_long = try_rotate(workspace.id, key.key.id, ROTATION_OVERLAP_SECONDS_MAX + 1).await;
    assert!(matches!(too_long, RotateKeyError::OverlapTooLong));
    assert_eq!(instance.control.list_keys(workspace.id, None).await.unwrap().len(), 2);
    assert!(instance.verify(key.secret.expose(), Product::Rt, Region::Eu1).is_ok());
    rotate(&instance, workspace.id, key.key.id, ROTATION_OVERLAP_SECONDS_MAX).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A rotation never extends the life of the old key, nor that of what replaces it, whatever the overlap.
    #[test]
    fn a_rotation_extends_no_life(lives in prop::option::of(1_i64..5_000_000), overlap in 0..=ROTATION_OVERLAP_SECONDS_MAX) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let instance = Instance::new().await;
            let (workspace, project) = instance.workspace(Plan::Pro).await;
            let now = instance.control.now();
            let expires_at = lives.map(|seconds| now.plus_seconds(seconds));
            let old = instance.key(&workspace, NewKey { expires_at, ..NewKey::named(project.id, "k") }).await;
            let rotated = rotate(&instance, workspace.id, old.key.id, overlap).await;
            assert_eq!(rotated.key.expires_at, expires_at);
            assert!(rotated.old_expires_at <= now.plus_seconds(i64::from(overlap)));
            assert!(expires_at.is_none_or(|expires_at| rotated.old_expires_at <= expires_at));
            let stored = instance.control.find_key(workspace.id, old.key.id).await.unwrap().unwrap();
            assert_eq!(stored.expires_at, Some(rotated.old_expires_at));
        });
    }
}

/// What is changed holds at the gateway when the change is answered; what is not named stays; `None` clears an expiry.
#[tokio::test]
async fn a_change_holds_from_its_answer_on() {
    let instance = Instance::new().await;
    let gateway = Follower::attach(&instance.control, "eu1/a");
    let (workspace, project) = instance.workspace(Plan::Enterprise).await;
    let key = instance.key(&workspace, NewKey::named(project.id, "before")).await;
    let now = instance.control.now();
    let at = |product, region| verify(&gateway.tables, key.secret.expose(), product, region, now);
    let change = async |change: KeyChange| {
        instance.control.change_key(&ACTOR, workspace.id, key.key.id, change).await.unwrap()
    };
    let nothing = change(KeyChange::default()).await;
    assert_eq!((nothing.revision, &nothing.key), (key.revision, &key.key));

    let renamed = change(KeyChange { name: Some(String::from("after")), ..KeyChange::default() }).await;
    assert_eq!(
        (renamed.revision, renamed.key.name.as_str()),
        (key.revision, "after"),
        "no news for gateways"
    );

    assert_eq!(reason(at(Product::Tts, Region::Eu1)), Reason::WrongProduct);
    let products = ProductSet::EMPTY.with(Product::Tts);
    change(KeyChange { products: Some(products), ..KeyChange::default() }).await;
    assert!(at(Product::Tts, Region::Eu1).is_ok());
    assert_eq!(reason(at(Product::Batch, Region::Eu1)), Reason::WrongProduct);

    change(KeyChange { areas: Some(AreaSet::EMPTY.with(Area::Usa).with(Area::Au)), ..KeyChange::default() })
        .await;
    assert_eq!(reason(at(Product::Tts, Region::Eu1)), Reason::WrongArea);
    assert!(at(Product::Tts, Region::Us1).is_ok());

    let elsewhere = Networks(vec!["192.0.2.0/24".parse().unwrap()]);
    change(KeyChange { networks: Some(elsewhere), ..KeyChange::default() }).await;
    assert_eq!(reason(at(Product::Tts, Region::Us1)), Reason::NetworkDenied);
    change(KeyChange { networks: Some(Networks::default()), ..KeyChange::default() }).await;
    assert!(at(Product::Tts, Region::Us1).is_ok());

    let past = KeyChange { expires_at: Some(Some(now.plus_seconds(-1))), ..KeyChange::default() };
    change(past).await;
    assert_eq!(reason(at(Product::Tts, Region::Us1)), Reason::CredentialExpired);
    let changed = change(KeyChange { expires_at: Some(None), ..KeyChange::default() }).await;
    assert!(at(Product::Tts, Region::Us1).is_ok());
    assert_eq!(
        (changed.key.name.as_str(), changed.key.products, changed.key.expires_at),
        ("after", products, None)
    );

    let events = instance.control.list_audit_events(workspace.id, 0, 100).await.unwrap();
    let details: Vec<&str> = events
        .iter()
        .filter(|event| event.action == AuditAction::ApiKeyChanged)
        .map(|event| event.detail.as_str())
        .collect();
    assert_eq!(details[..3], ["name", "products tts", "areas usa, au"], "{details:?}");
}

/// Changes that a new key couldn't have either are refused, and leave the key as it was; so are other people's keys.
#[tokio::test]
async fn changes_are_checked() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let key = instance.key(&workspace, NewKey::named(project.id, "k")).await.key;
    let try_change = async |workspace_id, change| {
        instance.control.change_key(&ACTOR, workspace_id, key.id, change).await.unwrap_err()
    };
    let change = KeyChange::default;
    let network = "192.0.2.0/24".parse().unwrap();
    let foreign = KeyChange { name: Some(String::from("mine")), ..change() };
    assert!(matches!(try_change(other.id, foreign).await, ChangeKeyError::NotFound));
    for (change, is_expected) in [
        (
            KeyChange { name: Some(String::new()), ..change() },
            (|error| matches!(error, ChangeKeyError::InvalidName)) as fn(ChangeKeyError) -> bool,
        ),
        (KeyChange { areas: Some(AreaSet::EMPTY), ..change() }, |error| {
            matches!(error, ChangeKeyError::NoAreas)
        }),
        (KeyChange { products: Some(ProductSet::EMPTY), ..change() }, |error| {
            matches!(error, ChangeKeyError::NoProducts)
        }),
        (KeyChange { areas: Some(AreaSet::all()), ..change() }, |error| {
            matches!(error, ChangeKeyError::SeveralAreas)
        }),
        (
            KeyChange { networks: Some(Networks(vec![network; NETWORKS_ENTRIES_MAX + 1])), ..change() },
            |error| matches!(error, ChangeKeyError::TooManyNetworks),
        ),
    ] {
        assert!(is_expected(try_change(workspace.id, change.clone()).await), "{change:?}");
    }
    assert_eq!(instance.control.find_key(workspace.id, key.id).await.unwrap().unwrap(), key);
    instance.control.revoke_key(&ACTOR, workspace.id, key.id).await.unwrap();
    let late = KeyChange { expires_at: Some(None), ..change() };
    assert!(
        matches!(try_change(workspace.id, late).await, ChangeKeyError::NotFound),
        "what is revoked stays so"
    );
}
