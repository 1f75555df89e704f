//! The life of keys: changed, imported, used; signing keys revoked and sealed anew.

use domain::link::{Change, Revision};
use domain::{ApiKey, ApiKeyId, AreaSet, Networks, ProductSet, SigningKeyState};
use storage::{Instance, Store};

use super::builders::{api_key, at, audit, insert_key, owner, random_hash, signing_key};

/// A change of a key reaches its row and, where gateways need it, the feed; nothing else of the key changes, and only its
/// owner can do it.
pub(crate) async fn a_key_is_changed_by_its_owner_alone(store: &Store) {
    let (workspace, project) = owner(store, "acme").await;
    let (foreign, _) = owner(store, "rival").await;
    let key = api_key(workspace.id, project.id, "before");
    let made = insert_key(store, &key).await.revision;

    let mut change = store.change().await.unwrap();
    let stolen = ApiKey { workspace_id: foreign.id, name: String::from("stolen"), ..key.clone() };
    assert!(!change.update_api_key(&stolen).await.unwrap());
    let renamed = ApiKey { name: String::from("after"), ..key.clone() };
    assert!(change.update_api_key(&renamed).await.unwrap());
    let committed = change.publish(&audit()).await.unwrap();
    assert_eq!((committed.revision, committed.changes.len()), (made, 0), "gateways know no names");
    drop(committed);

    let changed = ApiKey {
        expires_at: Some(at(50)),
        areas: AreaSet::all(),
        products: ProductSet::all(),
        networks: Networks(vec!["192.0.2.0/24".parse().unwrap()]),
        hash: random_hash(),
        ..renamed.clone()
    };
    let mut change = store.change().await.unwrap();
    assert!(change.update_api_key(&changed).await.unwrap());
    let committed = change.publish(&audit()).await.unwrap();
    assert_eq!(committed.revision, Revision(made.0 + 1));
    assert!(
        matches!(&committed.changes[..], [Change::Key(told)] if told.hash == key.hash && told.areas == AreaSet::all())
    );
    drop(committed);
    let stored = store.find_api_key(workspace.id, key.id).await.unwrap().unwrap();
    assert_eq!(stored, ApiKey { hash: key.hash, ..changed });
}

/// Many keys are kept at once, with one feed entry; a secret is found whoever owns it, and can't be kept twice.
pub(crate) async fn many_keys_are_kept_at_once(store: &Store) {
    let (workspace, project) = owner(store, "acme").await;
    let (other, elsewhere) = owner(store, "rival").await;
    let keys: Vec<ApiKey> = (0..1_234)
        .map(|number| ApiKey {
            imported_at: Some(at(1)),
            ..api_key(workspace.id, project.id, &format!("key {number}"))
        })
        .collect();
    let before = store.revision().await.unwrap();
    let mut change = store.change().await.unwrap();
    change.insert_api_keys(&keys).await.unwrap();
    let committed = change.publish(&audit()).await.unwrap();
    assert_eq!((committed.revision, committed.changes.len()), (Revision(before.0 + 1), keys.len()));
    drop(committed);
    let mut stored = store.list_api_keys(workspace.id, None).await.unwrap();
    stored.sort_by_key(|key| key.id);
    let mut expected = keys.clone();
    expected.sort_by_key(|key| key.id);
    assert_eq!(stored, expected);

    let foreign = api_key(other.id, elsewhere.id, "foreign");
    insert_key(store, &foreign).await;
    let mut asked: Vec<_> = keys.iter().map(|key| key.hash).collect();
    asked.extend([foreign.hash, random_hash()]);
    let mut found = store.projects_of_hashes(&asked).await.unwrap();
    assert_eq!(found.len(), keys.len() + 1, "the unknown one is left out");
    found.retain(|(_, owner)| *owner != project.id);
    assert_eq!(found, [(foreign.hash, elsewhere.id)]);

    let mut change = store.change().await.unwrap();
    assert_eq!(change.count_live_api_keys(workspace.id, project.id, at(2)).await.unwrap(), 0, "all imported");
    let twice = ApiKey { id: ApiKeyId::from_u128(7), ..keys[0].clone() };
    let error = change.insert_api_keys(&[twice]).await.unwrap_err();
    assert!(error.is_unique_violation());
    assert!(change.publish(&audit()).await.is_err());
}

/// When a key and when its temporary keys were last used are kept apart, and neither goes back.
pub(crate) async fn uses_of_temporary_keys_are_kept_apart(store: &Store) {
    let (workspace, project) = owner(store, "acme").await;
    let key = api_key(workspace.id, project.id, "k");
    insert_key(store, &key).await;
    store.record_last_used(&[(key.id, at(5))], &[(key.id, at(3))]).await.unwrap();
    store
        .record_last_used(&[(key.id, at(4))], &[(key.id, at(2)), (ApiKeyId::from_u128(1), at(9))])
        .await
        .unwrap();
    let stored = store.find_api_key(workspace.id, key.id).await.unwrap().unwrap();
    assert_eq!((stored.last_used_at, stored.temporary_keys_last_used_at), (Some(at(5)), Some(at(3))));
}

/// A revoked signing key stays revoked, holds no private half, and is told to whoever reads a snapshot.
pub(crate) async fn a_revoked_signing_key_stays_revoked(store: &Store) {
    let key = signing_key("kid-a");
    let kid = &key.verifying_key.kid;
    let mut change = store.change().await.unwrap();
    change.insert_signing_key(&key).await.unwrap();
    change.insert_signing_key(&signing_key("kid-b")).await.unwrap();
    change.publish(&audit()).await.unwrap();
    let mut change = store.change().await.unwrap();
    assert!(change.revoke_signing_key(kid, at(1)).await.unwrap());
    assert!(!change.revoke_signing_key(kid, at(2)).await.unwrap(), "it was revoked before");
    assert!(!change.set_signing_key_state(kid, SigningKeyState::Signing, None).await.unwrap());
    let committed = change.publish(&audit()).await.unwrap();
    assert_eq!(&committed.changes[..], [Change::SigningKeyRevoked { kid: kid.clone() }]);
    drop(committed);
    let stored = store.list_signing_keys().await.unwrap();
    let revoked = stored.iter().find(|stored| stored.verifying_key.kid == *kid).unwrap();
    assert_eq!((revoked.state, revoked.sealed_private_key.len()), (SigningKeyState::Revoked, 0));
    let told = store.snapshot().await.unwrap().changes;
    assert!(told.iter().any(|(_, change)| *change == Change::SigningKeyRevoked { kid: kid.clone() }));
    assert!(
        told.iter()
            .any(|(_, change)| matches!(change, Change::SigningKey(key) if key.kid.as_str() == "kid-b"))
    );
}

/// What is sealed under the master key is replaced as one, without a word to gateways.
pub(crate) async fn sealed_values_are_replaced_together(store: &Store) {
    let first = Instance {
        id: domain::InstanceId::from_u128(1),
        created_at: at(0),
        sentinel: vec![1],
        sealed_keys: None,
    };
    let mut change = store.change().await.unwrap();
    change.insert_instance(&first).await.unwrap();
    change.insert_signing_key(&signing_key("kid-a")).await.unwrap();
    let revision = change.publish(&audit()).await.unwrap().revision;
    assert_eq!(store.find_instance().await.unwrap(), Some(first.clone()));

    let kid = signing_key("kid-a").verifying_key.kid;
    for publish in [false, true] {
        let mut change = store.change().await.unwrap();
        change.reseal_instance(&[2], &[3]).await.unwrap();
        assert!(change.reseal_signing_key(&kid, &[4]).await.unwrap());
        assert!(!change.reseal_signing_key(&domain::Kid::new("none"), &[4]).await.unwrap());
        if publish {
            assert_eq!(change.publish(&audit()).await.unwrap().revision, revision);
        } else {
            drop(change);
            assert_eq!(store.find_instance().await.unwrap(), Some(first.clone()));
        }
    }
    let resealed = Instance { sentinel: vec![2], sealed_keys: Some(vec![3]), ..first };
    assert_eq!(store.find_instance().await.unwrap(), Some(resealed));
    assert_eq!(store.list_signing_keys().await.unwrap()[0].sealed_private_key, [4]);
}
