//! Accounts, memberships and workspaces as operators manage them, and lists in pages.

use domain::{AccountId, OwnLimits, Plan, Role, WorkspaceId};
use storage::{AuditAction, AuditFilter, Page, PageRequest, Store};

use super::builders::{account, api_key, at, audit, insert_key, management_token, owner};

/// Changes of an account are kept, concern no other, and are told apart from there being no such account.
pub(crate) async fn accounts_are_changed(store: &Store) {
    let (ada, bob) = (account("ada@example.org"), account("bob@example.org"));
    let nobody = AccountId::from_u128(1);
    let mut change = store.change().await.unwrap();
    change.insert_account(&ada).await.unwrap();
    change.insert_account(&bob).await.unwrap();
    assert!(change.set_account_disabled(ada.account.id, Some(at(5))).await.unwrap());
    assert!(change.set_operator(ada.account.id, true).await.unwrap());
    assert!(!change.set_account_disabled(nobody, None).await.unwrap());
    assert!(!change.set_operator(nobody, true).await.unwrap());
    assert!(!change.delete_account(nobody).await.unwrap());
    change.publish(&audit()).await.unwrap();
    let found = store.find_account(ada.account.id).await.unwrap().unwrap();
    assert_eq!((found.account.disabled_at, found.account.is_operator), (Some(at(5)), true));
    assert_eq!(store.find_account(bob.account.id).await.unwrap(), Some(bob));
    let mut change = store.change().await.unwrap();
    assert!(change.set_account_disabled(ada.account.id, None).await.unwrap());
    assert_eq!(change.find_account(ada.account.id).await.unwrap().unwrap().disabled_at, None);
    change.publish(&audit()).await.unwrap();
}

/// Members have one role each, admins are counted, and who is deleted is a member of nothing; closed workspaces don't
/// count as somebody's.
pub(crate) async fn members_come_and_go(store: &Store) {
    let (first, _) = owner(store, "first").await;
    let (second, _) = owner(store, "second").await;
    let (ada, bob) = (account("ada@example.org"), account("bob@example.org"));
    let mut change = store.change().await.unwrap();
    change.insert_account(&ada).await.unwrap();
    change.insert_account(&bob).await.unwrap();
    change.insert_member(first.id, ada.account.id, Role::Admin, at(1)).await.unwrap();
    change.insert_member(first.id, bob.account.id, Role::Member, at(2)).await.unwrap();
    change.insert_member(second.id, ada.account.id, Role::Admin, at(3)).await.unwrap();
    assert_eq!(change.count_admins(first.id).await.unwrap(), 1);
    assert!(change.set_role(first.id, bob.account.id, Role::Admin).await.unwrap());
    assert!(!change.set_role(second.id, bob.account.id, Role::Admin).await.unwrap());
    assert!(!change.remove_member(second.id, bob.account.id).await.unwrap());
    assert_eq!(change.count_admins(first.id).await.unwrap(), 2);
    change.publish(&audit()).await.unwrap();
    let of_ada = [(first.id, Role::Admin), (second.id, Role::Admin)];
    assert_eq!(store.list_memberships(ada.account.id).await.unwrap(), of_ada);
    let members = store.list_members(first.id).await.unwrap();
    assert_eq!(members, [(ada.account.clone(), Role::Admin), (bob.account.clone(), Role::Admin)]);

    let mut change = store.change().await.unwrap();
    assert!(change.close_workspace(second.id, at(4)).await.unwrap());
    assert_eq!(change.list_memberships(ada.account.id).await.unwrap(), of_ada[..1]);
    assert!(change.remove_member(first.id, bob.account.id).await.unwrap());
    assert!(change.delete_account(ada.account.id).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert!(store.list_members(first.id).await.unwrap().is_empty());
    assert!(store.find_account_by_email("ada@example.org").await.unwrap().is_none());
}

/// A workspace's own limits and plan survive, and a closed or unknown one is changed by nobody.
pub(crate) async fn workspaces_are_changed(store: &Store) {
    let (mut workspace, _) = owner(store, "before").await;
    let (other, _) = owner(store, "other").await;
    workspace.name = String::from("after");
    workspace.plan = Plan::Enterprise;
    workspace.own_limits = OwnLimits { mints_per_second_max: Some(7), ..OwnLimits::default() };
    let mut change = store.change().await.unwrap();
    assert!(change.update_workspace(&workspace).await.unwrap());
    let unknown = domain::Workspace { id: WorkspaceId::from_u128(1), ..workspace.clone() };
    assert!(!change.update_workspace(&unknown).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_workspace(workspace.id).await.unwrap(), Some(workspace.clone()));
    assert_eq!(store.find_workspace(other.id).await.unwrap(), Some(other.clone()));
    let mut change = store.change().await.unwrap();
    change.close_workspace(workspace.id, at(1)).await.unwrap();
    assert!(!change.update_workspace(&workspace).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert!(store.find_workspace_with_limits(workspace.id).await.unwrap().is_none());
    let page = store.page_workspaces(&PageRequest { after: None, limit: 10 }).await.unwrap();
    assert_eq!(page.items.into_iter().map(|(workspace, _)| workspace.id).collect::<Vec<_>>(), [other.id]);
}

/// Reads a list to its end, `limit` at a time.
async fn read_all<T>(limit: u64, read: impl AsyncFn(PageRequest) -> Page<T>) -> Vec<T> {
    let mut request = PageRequest { after: None, limit };
    let mut all = Vec::new();
    loop {
        let page = read(request.clone()).await;
        assert!(page.items.len() as u64 <= limit);
        all.extend(page.items);
        if page.next.is_none() {
            return all;
        }
        request.after = page.next;
    }
}

/// Pages of any size add up to the list, in its order, also where many rows are of one age; owners see their own alone.
pub(crate) async fn pages_add_up(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let (stranger, _) = owner(store, "stranger").await;
    let mut change = store.change().await.unwrap();
    for number in 0..7 {
        let mut token = management_token(workspace.id, "t");
        token.created_at = at(number / 3);
        change.insert_management_token(&token).await.unwrap();
        let mut person = account(&format!("{number}@example.org"));
        person.account.created_at = at(number / 3);
        change.insert_account(&person).await.unwrap();
    }
    change.publish(&audit()).await.unwrap();
    for number in 0..7 {
        let mut key = api_key(workspace.id, project.id, "k");
        key.created_at = at(number / 3);
        insert_key(store, &key).await;
    }
    let keys = store.list_api_keys(workspace.id, None).await.unwrap();
    let tokens = store.list_management_tokens(workspace.id).await.unwrap();
    assert_eq!((keys.len(), tokens.len()), (7, 7));
    for limit in [1, 2, 3, 6, 7, 8] {
        let read =
            read_all(limit, async |page| store.page_api_keys(workspace.id, None, &page).await.unwrap());
        assert_eq!(read.await, keys, "{limit}");
        let read =
            read_all(limit, async |page| store.page_management_tokens(workspace.id, &page).await.unwrap());
        assert_eq!(read.await, tokens, "{limit}");
        let read = read_all(limit, async |page| store.page_accounts(&page).await.unwrap()).await;
        assert_eq!(read.len(), 7, "{limit}");
        assert!(read.is_sorted_by_key(|account| (account.created_at, account.id)), "{limit}");
    }
    let page = PageRequest { after: None, limit: 10 };
    assert!(store.page_api_keys(stranger.id, None, &page).await.unwrap().items.is_empty());
    assert!(store.page_management_tokens(stranger.id, &page).await.unwrap().items.is_empty());
}

/// Each filter of the log narrows it, all of them together too, and none shows another workspace's events.
pub(crate) async fn the_log_is_filtered(store: &Store) {
    let (mine, _) = owner(store, "mine").await;
    let (other, _) = owner(store, "other").await;
    for (second, workspace, action, actor) in [
        (1, mine.id, AuditAction::ProjectCreated, "ada"),
        (2, mine.id, AuditAction::ProjectDeleted, "ada"),
        (3, mine.id, AuditAction::ProjectDeleted, "bob"),
        (4, other.id, AuditAction::ProjectDeleted, "ada"),
    ] {
        let mut entry = audit();
        (entry.at, entry.workspace_id, entry.action) = (at(second), Some(workspace), action);
        entry.actor = actor.to_owned();
        store.change().await.unwrap().publish(&entry).await.unwrap();
    }
    let find = async |filter: AuditFilter| {
        let filter = AuditFilter { workspace_id: Some(mine.id), ..filter };
        let events = store.find_audit_events(&filter, 0, 10).await.unwrap();
        events.iter().map(|event| event.at.micros_since(at(0)) / 1_000_000).collect::<Vec<_>>()
    };
    let any = AuditFilter::default;
    assert_eq!(find(any()).await, [1, 2, 3]);
    assert_eq!(find(AuditFilter { action: Some(AuditAction::ProjectDeleted), ..any() }).await, [2, 3]);
    assert_eq!(find(AuditFilter { actor: Some("ada".to_owned()), ..any() }).await, [1, 2]);
    assert!(find(AuditFilter { actor: Some("Ada".to_owned()), ..any() }).await.is_empty());
    assert_eq!(find(AuditFilter { subject: Some("subject".to_owned()), ..any() }).await, [1, 2, 3]);
    assert_eq!(find(AuditFilter { since: Some(at(2)), ..any() }).await, [2, 3]);
    assert_eq!(find(AuditFilter { until: Some(at(2)), ..any() }).await, [1]);
    let both =
        AuditFilter { action: Some(AuditAction::ProjectDeleted), actor: Some("ada".to_owned()), ..any() };
    assert_eq!(find(both.clone()).await, [2]);
    assert_eq!(
        store.find_audit_events(&both, 0, 10).await.unwrap().len(),
        2,
        "without a workspace it is the instance's"
    );
}
