//! What owners change about their accounts, and one-time links.

use domain::{AccountId, EmailLink, EmailLinkPurpose, Role};
use storage::Store;

use super::builders::{account, at, audit, owner, random_hash};

fn link(purpose: EmailLinkPurpose, account_id: Option<AccountId>) -> EmailLink {
    EmailLink {
        purpose,
        account_id,
        email: "ada@example.org".to_owned(),
        created_at: at(0),
        expires_at: at(100),
    }
}

/// A link is found until it is used or has expired, is used once, and those of an account go with it; others stay.
pub(crate) async fn links_are_used_once(store: &Store) {
    let (ada, bob) = (account("ada@example.org").account.id, account("bob@example.org").account.id);
    let (reset, change_of, other) = (random_hash(), random_hash(), random_hash());
    let mut change = store.change().await.unwrap();
    let stored = link(EmailLinkPurpose::ResetPassword, Some(ada));
    change.insert_email_link(&stored, &reset).await.unwrap();
    change.insert_email_link(&link(EmailLinkPurpose::ChangeEmail, Some(ada)), &change_of).await.unwrap();
    change.insert_email_link(&link(EmailLinkPurpose::ResetPassword, Some(bob)), &other).await.unwrap();
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_email_link(&reset, at(99)).await.unwrap(), Some(stored));
    assert_eq!(store.find_email_link(&reset, at(100)).await.unwrap(), None);
    assert_eq!(store.find_email_link(&random_hash(), at(1)).await.unwrap(), None);

    let mut change = store.change().await.unwrap();
    assert!(!change.use_email_link(&reset, at(100)).await.unwrap(), "it has expired");
    assert!(change.use_email_link(&reset, at(50)).await.unwrap());
    assert!(!change.use_email_link(&reset, at(51)).await.unwrap());
    assert!(!change.use_email_link(&random_hash(), at(1)).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_email_link(&reset, at(51)).await.unwrap(), None);

    let mut change = store.change().await.unwrap();
    let purpose = Some(EmailLinkPurpose::ResetPassword);
    assert_eq!(change.delete_email_links(ada, purpose).await.unwrap(), 1);
    assert!(change.find_email_link(&change_of, at(1)).await.unwrap().is_some());
    assert_eq!(change.delete_email_links(ada, None).await.unwrap(), 1);
    assert!(change.find_email_link(&other, at(1)).await.unwrap().is_some());
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.forget_expired_email_links(at(99)).await.unwrap(), 0);
    assert_eq!(store.forget_expired_email_links(at(100)).await.unwrap(), 1);
}

/// An account moves to another address and zone, by which it is found from then on; an address in use is refused whatever
/// its letter case, and a change of nobody changes nothing.
pub(crate) async fn an_address_changes(store: &Store) {
    assert!(!store.has_accounts().await.unwrap());
    let (ada, bob) = (account("ada@example.org"), account("bob@example.org"));
    let mut change = store.change().await.unwrap();
    change.insert_account(&ada).await.unwrap();
    change.insert_account(&bob).await.unwrap();
    assert!(change.set_email(ada.account.id, "Ada@New.example", at(3)).await.unwrap());
    assert!(change.set_time_zone(ada.account.id, "Europe/Vienna").await.unwrap());
    assert!(!change.set_email(AccountId::from_u128(1), "x@example.org", at(3)).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert!(store.has_accounts().await.unwrap());
    let found = store.find_account_by_email("ada@new.EXAMPLE").await.unwrap().unwrap().account;
    assert_eq!((found.email.as_str(), found.email_verified_at), ("Ada@New.example", Some(at(3))));
    assert_eq!(found.time_zone, "Europe/Vienna");
    assert!(store.find_account_by_email("ada@example.org").await.unwrap().is_none());
    let mut change = store.change().await.unwrap();
    assert!(change.set_email(ada.account.id, "BOB@example.org", at(4)).await.is_err());
    assert!(change.publish(&audit()).await.is_err());
    let bob = store.find_account(bob.account.id).await.unwrap().unwrap();
    assert_eq!(bob.account.email, "bob@example.org");
}

/// Accounts that nobody confirmed are forgotten after a while; confirmed ones, members and new ones are not.
pub(crate) async fn unconfirmed_accounts_are_forgotten(store: &Store) {
    let (workspace, _) = owner(store, "w").await;
    let unconfirmed = |email: &str, created| {
        let mut stored = account(email);
        stored.account.email_verified_at = None;
        stored.account.created_at = created;
        stored
    };
    let mut confirmed = unconfirmed("confirmed@example.org", at(0));
    confirmed.account.email_verified_at = Some(at(1));
    let accounts = [
        unconfirmed("old@example.org", at(0)),
        unconfirmed("new@example.org", at(10)),
        unconfirmed("member@example.org", at(0)),
        confirmed,
    ];
    let mut change = store.change().await.unwrap();
    for stored in &accounts {
        change.insert_account(stored).await.unwrap();
    }
    change.insert_member(workspace.id, accounts[2].account.id, Role::Member, at(0)).await.unwrap();
    assert_eq!(change.count_members(workspace.id).await.unwrap(), 1);
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.forget_unconfirmed_accounts(at(10)).await.unwrap(), 1);
    for (index, stored) in accounts.iter().enumerate() {
        assert_eq!(store.find_account(stored.account.id).await.unwrap().is_some(), index != 0, "{index}");
    }
}
