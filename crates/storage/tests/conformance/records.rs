//! Records that are gathered and written in batches.

use domain::{ApiKeyId, ClientRef, ManagementTokenId, SystemRng, TemporaryKeyId};
use storage::{BatchOutcome, BatchPlace, Store};

use super::builders::{api_key, at, audit, batch, insert_key, management_token, owner};
use super::owners::usage;

/// A batch with a number that was seen counts nothing, whatever it holds; another gateway's same number counts.
pub(crate) async fn usage_is_counted_exactly_once(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let key = api_key(workspace.id, project.id, "k");
    let line = usage(project.id, key.id);
    let mut of_client_ref = line.clone();
    of_client_ref.client_ref = Some(ClientRef::new("alice").unwrap());
    let lines = [line.clone(), line.clone(), of_client_ref.clone()];
    let one = std::slice::from_ref(&line);
    let count = async |place, lines: &[_]| store.record_usage(place, lines, at(0)).await.unwrap();
    assert_eq!(count(batch("eu1/a", 1), &lines).await, BatchOutcome::Counted);
    assert_eq!(count(batch("eu1/a", 1), &lines).await, BatchOutcome::CountedBefore);
    assert_eq!(count(batch("eu1/a", 2), one).await, BatchOutcome::Counted);
    assert_eq!(count(batch("eu1/a", 1), &lines).await, BatchOutcome::CountedBefore);
    assert_eq!(count(batch("us1/a", 1), one).await, BatchOutcome::Counted);
    let mut stored = store.list_usage(workspace.id, at(0), at(1)).await.unwrap();
    stored.sort_by_key(|line| line.client_ref.clone());
    assert_eq!(stored.len(), 2);
    assert_eq!(stored[1], of_client_ref);
    let sums = (
        stored[0].requests,
        stored[0].sessions,
        stored[0].audio_millis,
        stored[0].received_bytes,
        stored[0].refusals,
    );
    assert_eq!(sums, (4, 8, 12, 16, 20));
    assert!(store.list_usage(workspace.id, at(1), at(2)).await.unwrap().is_empty());
}

/// A batch is counted behind the one before it and not earlier, unless its journal holds nothing older; however many were counted, each
/// journal takes one row.
pub(crate) async fn usage_is_counted_in_order(store: &Store) {
    let count = async |place| store.record_usage(place, &[], at(0)).await.unwrap();
    assert_eq!(count(batch("eu1/a", 5)).await, BatchOutcome::Counted);
    assert_eq!(count(batch("eu1/a", 7)).await, BatchOutcome::Early);
    for number in 6..=20 {
        assert_eq!(count(batch("eu1/a", number)).await, BatchOutcome::Counted);
    }
    assert_eq!(count(batch("eu1/a", 22)).await, BatchOutcome::Early);
    let oldest = |number| BatchPlace { is_oldest: true, ..batch("eu1/a", number) };
    assert_eq!(count(oldest(22)).await, BatchOutcome::Counted);
    assert_eq!(count(oldest(22)).await, BatchOutcome::CountedBefore);
    assert_eq!(count(batch("eu1/a", 21)).await, BatchOutcome::CountedBefore);
    assert_eq!(count(batch("us1/a", 1)).await, BatchOutcome::Counted);

    let table = storage::tables().unwrap().into_iter().find(|table| table.name == "usage_batches").unwrap();
    assert_eq!(store.dump().await.unwrap().count(&table).await.unwrap(), 2);
}

/// An older time that arrives late doesn't overwrite a newer one; keys that are unknown are passed over.
pub(crate) async fn last_use_never_goes_back(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let key = api_key(workspace.id, project.id, "k");
    insert_key(store, &key).await;
    let token = management_token(workspace.id, "t");
    let mut change = store.change().await.unwrap();
    change.insert_management_token(&token).await.unwrap();
    change.publish(&audit()).await.unwrap();
    let revision = store.revision().await.unwrap();
    for second in [5, 3, 7] {
        store.record_last_used(&[(key.id, at(second)), (ApiKeyId::from_u128(1), at(9))], &[]).await.unwrap();
        let tokens = [(token.id, at(second)), (ManagementTokenId::from_u128(1), at(9))];
        store.record_tokens_last_used(&tokens).await.unwrap();
        let expected = Some(at(second.max(5)));
        assert_eq!(store.find_api_key(workspace.id, key.id).await.unwrap().unwrap().last_used_at, expected);
        let stored = store.find_management_token(workspace.id, token.id).await.unwrap().unwrap();
        assert_eq!(stored.last_used_at, expected);
    }
    assert_eq!(store.revision().await.unwrap(), revision, "gateways are told nothing");
}

/// Forgetting a name leaves the log whole; a later event of the same actor brings the name back.
pub(crate) async fn names_can_be_forgotten(store: &Store) {
    let (workspace, _) = owner(store, "w").await;
    let mut entry = audit();
    entry.workspace_id = Some(workspace.id);
    entry.actor = String::from("p1");
    for name in ["Ada", "Ada Lovelace"] {
        entry.names = vec![(String::from("p1"), name.to_owned())];
        store.change().await.unwrap().publish(&entry).await.unwrap();
    }
    let names = async || {
        let events = store.list_audit_events(workspace.id, 0, 100).await.unwrap();
        events.into_iter().map(|event| event.actor_name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, [Some("Ada Lovelace".to_owned()), Some("Ada Lovelace".to_owned())]);
    assert!(store.forget_audit_name("p1").await.unwrap());
    assert!(!store.forget_audit_name("p1").await.unwrap());
    assert_eq!(names().await, [None, None]);
    let events = store.list_audit_events(workspace.id, 0, 100).await.unwrap();
    assert!(events[0].sequence < events[1].sequence);
    let rest = store.list_audit_events(workspace.id, events[0].sequence, 1).await.unwrap();
    assert_eq!(rest, [events[1].clone()]);
}

/// A revocation is forgotten once its temporary key has expired, and not before; a client_ref only once it was let in, too.
pub(crate) async fn expired_revocations_are_forgotten(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let key = api_key(workspace.id, project.id, "k");
    insert_key(store, &key).await;
    let mut change = store.change().await.unwrap();
    for second in [10, 20] {
        let id = TemporaryKeyId::generate(key.id, &SystemRng);
        assert!(change.revoke_temporary_key(&key, id, at(0), at(second)).await.unwrap());
        assert!(!change.revoke_temporary_key(&key, id, at(0), at(second)).await.unwrap());
    }
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.forget_expired(at(9)).await.unwrap(), 0);
    assert_eq!(store.forget_expired(at(10)).await.unwrap(), 1);
    assert_eq!(store.forget_expired(at(100)).await.unwrap(), 1);

    let client_ref = ClientRef::new("user-1").unwrap();
    let mut change = store.change().await.unwrap();
    change.revoke_client_ref(project.id, &client_ref, at(0)).await.unwrap();
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.forget_expired(at(1000)).await.unwrap(), 0, "it is out until it is let in");
    let mut change = store.change().await.unwrap();
    assert!(change.readmit_client_ref(project.id, &client_ref, at(1), at(10)).await.unwrap());
    change.publish(&audit()).await.unwrap();
    let count = async || store.change().await.unwrap().count_client_refs(project.id).await.unwrap();
    assert_eq!((store.forget_expired(at(9)).await.unwrap(), count().await), (0, 1));
    assert_eq!((store.forget_expired(at(10)).await.unwrap(), count().await), (1, 0));
}

/// Old entries of the feed and keys that were revoked long ago are forgotten, others are not, and the state stays what it was.
pub(crate) async fn what_nobody_needs_is_forgotten(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let (early, late, live) = (
        api_key(workspace.id, project.id, "early"),
        api_key(workspace.id, project.id, "late"),
        api_key(workspace.id, project.id, "live"),
    );
    for key in [&early, &late, &live] {
        insert_key(store, key).await;
    }
    let mut change = store.change().await.unwrap();
    assert!(change.revoke_api_key(workspace.id, early.id, at(10)).await.unwrap());
    assert!(change.revoke_api_key(workspace.id, late.id, at(20)).await.unwrap());
    let mut entry = audit();
    entry.at = at(20);
    change.publish(&entry).await.unwrap();
    assert_eq!(store.forget_revoked_api_keys(at(10)).await.unwrap(), 0);
    assert_eq!(store.forget_revoked_api_keys(at(15)).await.unwrap(), 1);
    assert!(store.find_api_key(workspace.id, early.id).await.unwrap().is_none());
    for key in [&late, &live] {
        assert!(store.find_api_key(workspace.id, key.id).await.unwrap().is_some());
    }

    let before = store.snapshot().await.unwrap();
    assert_eq!(store.forget_feed(at(0)).await.unwrap(), 0);
    assert_eq!(store.forget_feed(at(15)).await.unwrap(), 4);
    assert_eq!(store.forget_feed(at(1000)).await.unwrap(), 0, "the newest entry stays");
    assert_eq!(store.feed_after(domain::link::Revision(0), 100).await.unwrap().len(), 1);
    assert_eq!(store.snapshot().await.unwrap(), before);
}
