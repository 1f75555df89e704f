//! Owners: what belongs to another looks absent, in every query.

use domain::link::UsageRecord;
use domain::{Product, Region, SystemRng, TemporaryKeyId};
use storage::Store;

use super::builders::{api_key, at, audit, batch, insert_key, management_token, owner};

/// A stranger's workspace sees, counts, changes and revokes nothing of another's; the owner does.
pub(crate) async fn what_belongs_to_another_workspace_looks_absent(store: &Store) {
    let (mine, project) = owner(store, "mine").await;
    let (other, other_project) = owner(store, "other").await;
    let key = api_key(mine.id, project.id, "k");
    insert_key(store, &key).await;
    let token = management_token(mine.id, "t");
    let mut change = store.change().await.unwrap();
    change.insert_management_token(&token).await.unwrap();
    change.publish(&audit()).await.unwrap();

    assert!(store.find_api_key(other.id, key.id).await.unwrap().is_none());
    assert!(store.find_api_key(mine.id, key.id).await.unwrap().is_some());
    assert!(store.list_api_keys(other.id, None).await.unwrap().is_empty());
    assert!(store.list_api_keys(other.id, Some(project.id)).await.unwrap().is_empty());
    assert_eq!(store.list_api_keys(mine.id, Some(project.id)).await.unwrap().len(), 1);
    assert!(store.find_project(other.id, project.id).await.unwrap().is_none());
    assert!(store.find_project(mine.id, project.id).await.unwrap().is_some());
    assert_eq!(store.list_projects(other.id).await.unwrap(), std::slice::from_ref(&other_project));
    assert!(store.find_management_token(other.id, token.id).await.unwrap().is_none());
    assert!(store.list_management_tokens(other.id).await.unwrap().is_empty());
    assert_eq!(store.list_management_tokens(mine.id).await.unwrap().len(), 1);

    let before = store.snapshot().await.unwrap();
    let mut change = store.change().await.unwrap();
    assert_eq!(change.count_live_api_keys(other.id, project.id, at(0)).await.unwrap(), 0);
    assert_eq!(change.count_live_api_keys(mine.id, project.id, at(0)).await.unwrap(), 1);
    assert!(change.find_api_key(other.id, key.id).await.unwrap().is_none());
    assert!(!change.revoke_api_key(other.id, key.id, at(1)).await.unwrap());
    assert!(!change.revoke_management_token(other.id, token.id, at(1)).await.unwrap());
    assert!(!change.rename_project(other.id, project.id, "stolen").await.unwrap());
    assert!(!change.delete_project(other.id, project.id, at(1)).await.unwrap());
    let foreign = TemporaryKeyId::generate(api_key(mine.id, project.id, "x").id, &SystemRng);
    assert!(!change.revoke_temporary_key(&key, foreign, at(1), at(2)).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap(), before, "a stranger changed something");

    let mut change = store.change().await.unwrap();
    assert!(change.revoke_api_key(mine.id, key.id, at(1)).await.unwrap());
    assert!(
        !change.revoke_api_key(mine.id, key.id, at(2)).await.unwrap(),
        "a second revocation changes nothing"
    );
    assert!(change.revoke_management_token(mine.id, token.id, at(1)).await.unwrap());
    assert!(change.rename_project(mine.id, project.id, "renamed").await.unwrap());
    assert!(
        change
            .revoke_temporary_key(&key, TemporaryKeyId::generate(key.id, &SystemRng), at(1), at(2))
            .await
            .unwrap()
    );
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_api_key(mine.id, key.id).await.unwrap().unwrap().state.revoked_at(), Some(at(1)));
    assert_eq!(store.find_project(mine.id, project.id).await.unwrap().unwrap().name, "renamed");

    let record = usage(project.id, key.id);
    store.record_usage(batch("g", 1), &[record], at(0)).await.unwrap();
    assert!(store.list_usage(other.id, at(0), at(10)).await.unwrap().is_empty());
    assert_eq!(store.list_usage(mine.id, at(0), at(10)).await.unwrap().len(), 1);

    let mut entry = audit();
    entry.workspace_id = Some(mine.id);
    store.change().await.unwrap().publish(&entry).await.unwrap();
    assert!(store.list_audit_events(other.id, 0, 100).await.unwrap().is_empty());
    assert_eq!(store.list_audit_events(mine.id, 0, 100).await.unwrap().len(), 1);
}

/// After a project is deleted it is gone, and so is what it held, for its owner too; its number is not given again.
pub(crate) async fn what_belongs_to_a_deleted_project_looks_absent(store: &Store) {
    let (mine, project) = owner(store, "mine").await;
    let key = api_key(mine.id, project.id, "k");
    insert_key(store, &key).await;
    let mut change = store.change().await.unwrap();
    assert!(change.delete_project(mine.id, project.id, at(1)).await.unwrap());
    assert!(!change.delete_project(mine.id, project.id, at(1)).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert!(store.find_project(mine.id, project.id).await.unwrap().is_none());
    assert!(store.list_projects(mine.id).await.unwrap().is_empty());
    assert!(store.find_api_key(mine.id, key.id).await.unwrap().is_none());
    assert!(store.list_api_keys(mine.id, None).await.unwrap().is_empty());
    let (_, next) = owner(store, "next").await;
    assert!(next.id > project.id);
}

pub(crate) fn usage(project_id: domain::ProjectId, api_key_id: domain::ApiKeyId) -> UsageRecord {
    UsageRecord {
        project_id,
        api_key_id,
        client_ref: None,
        region: Region::Eu1,
        product: Product::Batch,
        day: at(0),
        requests: 1,
        sessions: 2,
        audio_millis: 3,
        received_bytes: 4,
        refusals: 5,
        refused: std::collections::BTreeMap::new(),
    }
}
