//! Invitations: opened by their secret, once, by nobody else's workspace.

use domain::{Invitation, InvitationId, Role, SystemRng, Timestamp, WorkspaceId};
use storage::{PageRequest, Store};

use super::builders::{at, audit, owner, random_hash};

fn invitation(workspace_id: WorkspaceId, email: &str, made_at: Timestamp) -> Invitation {
    Invitation {
        id: InvitationId::generate(made_at, &SystemRng),
        workspace_id,
        email: email.to_owned(),
        role: Role::Member,
        invited_by: None,
        created_at: made_at,
        sent_at: made_at,
        expires_at: made_at.plus_seconds(100),
    }
}

/// An invitation is open to its secret until its last moment, in no other workspace than its own, and ends once.
pub(crate) async fn an_invitation_ends_once(store: &Store) {
    let (mine, _) = owner(store, "mine").await;
    let (other, _) = owner(store, "other").await;
    let (hash, invited) = (random_hash(), invitation(mine.id, "Ada@Example.org", at(0)));
    let mut change = store.change().await.unwrap();
    change.insert_invitation(&invited, hash).await.unwrap();
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_open_invitation(hash, at(99)).await.unwrap(), Some(invited.clone()));
    assert_eq!(store.find_open_invitation(hash, at(100)).await.unwrap(), None);
    assert_eq!(store.find_open_invitation(random_hash(), at(0)).await.unwrap(), None);

    let mut change = store.change().await.unwrap();
    assert_eq!(change.find_invitation(mine.id, invited.id).await.unwrap(), Some(invited.clone()));
    assert_eq!(change.find_invitation(other.id, invited.id).await.unwrap(), None);
    assert!(change.find_invitation_to(mine.id, "ada@example.ORG").await.unwrap().is_some());
    assert!(change.find_invitation_to(other.id, "ada@example.org").await.unwrap().is_none());
    assert_eq!(change.count_invitations(mine.id, at(0)).await.unwrap(), 1);
    assert_eq!(change.count_invitations(mine.id, at(1)).await.unwrap(), 0);
    assert_eq!(change.count_invitations(other.id, at(0)).await.unwrap(), 0);
    assert!(!change.end_invitation(other.id, invited.id, at(1)).await.unwrap(), "a stranger ended it");
    let foreign = Invitation { workspace_id: other.id, ..invited.clone() };
    assert!(!change.renew_invitation(&foreign, random_hash()).await.unwrap(), "a stranger renewed it");
    change.publish(&audit()).await.unwrap();

    let again = random_hash();
    let renewed = Invitation { sent_at: at(50), expires_at: at(150), ..invited.clone() };
    let mut change = store.change().await.unwrap();
    assert!(change.renew_invitation(&renewed, again).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_open_invitation(hash, at(60)).await.unwrap(), None, "the first link opens nothing");
    assert_eq!(store.find_open_invitation(again, at(149)).await.unwrap(), Some(renewed.clone()));

    let mut change = store.change().await.unwrap();
    assert!(change.end_invitation(mine.id, invited.id, at(60)).await.unwrap());
    assert!(!change.end_invitation(mine.id, invited.id, at(61)).await.unwrap());
    assert!(!change.renew_invitation(&renewed, random_hash()).await.unwrap());
    assert_eq!(change.find_open_invitation(again, at(60)).await.unwrap(), None);
    assert_eq!(change.count_invitations(mine.id, at(0)).await.unwrap(), 1, "it still counts");
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_open_invitation(again, at(60)).await.unwrap(), None);
}

/// Those that wait are listed in pages, and none of another workspace; a restore lets all expire; long after their end they
/// are forgotten, and the addresses with them to which no other one is left.
pub(crate) async fn invitations_are_listed_and_forgotten(store: &Store) {
    let (mine, _) = owner(store, "mine").await;
    let (other, _) = owner(store, "other").await;
    let mut change = store.change().await.unwrap();
    let mut made = Vec::new();
    for second in 0..5 {
        let invited = invitation(mine.id, &format!("{second}@example.org"), at(second / 2));
        change.insert_invitation(&invited, random_hash()).await.unwrap();
        made.push(invited);
    }
    let foreign = invitation(other.id, "0@EXAMPLE.org", at(500));
    let hash = random_hash();
    change.insert_invitation(&foreign, hash).await.unwrap();
    assert!(change.end_invitation(mine.id, made[4].id, at(3)).await.unwrap());
    change.publish(&audit()).await.unwrap();
    let mut request = PageRequest { after: None, limit: 3 };
    let first = store.page_invitations(mine.id, &request).await.unwrap();
    request.after = first.next;
    let second = store.page_invitations(mine.id, &request).await.unwrap();
    let mut listed: Vec<_> = first.items.into_iter().chain(second.items).collect();
    listed.sort_by_key(|invited| invited.email.clone());
    assert_eq!(listed, made[..4]);
    assert_eq!(second.next, None);

    assert!(store.find_open_invitation(hash, at(510)).await.unwrap().is_some());
    let mut change = store.change().await.unwrap();
    change.expire_invitations(at(510)).await.unwrap();
    change.publish(&audit()).await.unwrap();
    assert!(store.find_open_invitation(hash, at(510)).await.unwrap().is_none());

    assert!(store.forget_invitations(at(100)).await.unwrap().is_empty(), "none has expired before that");
    let mut forgotten = store.forget_invitations(at(200)).await.unwrap();
    forgotten.sort();
    assert_eq!(forgotten, ["1@example.org", "2@example.org", "3@example.org", "4@example.org"]);
    let request = PageRequest { after: None, limit: 3 };
    assert!(store.page_invitations(mine.id, &request).await.unwrap().items.is_empty());
    assert_eq!(store.page_invitations(other.id, &request).await.unwrap().items.len(), 1);
    let mut change = store.change().await.unwrap();
    change.delete_invitations_to("0@example.org").await.unwrap();
    change.publish(&audit()).await.unwrap();
    assert!(store.page_invitations(other.id, &request).await.unwrap().items.is_empty());
}
