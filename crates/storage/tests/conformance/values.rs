//! Values: what goes in comes out, is compared exactly, and is listed in order.

use domain::{ApiKeyId, AreaSet, ClientRef, Networks, PermissionSet, ProductSet, Role};
use storage::{BatchOutcome, Store};

use super::builders::{
    account, api_key, at, audit, batch, insert_key, management_token, new_project, owner, signing_key,
};

/// Letter case, Unicode form and trailing space tell identifiers apart; only e-mail addresses are compared without
/// letter case.
pub(crate) async fn identifiers_are_compared_exactly(store: &Store) {
    let (_, project) = owner(store, "w").await;
    let names = [
        "alice",
        "Alice",
        "ALICE",
        "alice ",
        " alice",
        "\u{e1}lice",
        "a\u{301}lice",
        "alıce",
        "straße",
        "strasse",
    ];
    for (index, name) in names.iter().enumerate() {
        let client_ref = ClientRef::new(name).unwrap();
        let mut change = store.change().await.unwrap();
        assert_eq!(
            change.find_client_ref(project.id, &client_ref).await.unwrap(),
            None,
            "{name:?} was taken for another"
        );
        change.revoke_client_ref(project.id, &client_ref, at(0)).await.unwrap();
        let revision = change.publish(&audit()).await.unwrap().revision;
        let change = store.change().await.unwrap();
        for (other_index, other) in names.iter().enumerate() {
            let state = change.find_client_ref(project.id, &ClientRef::new(other).unwrap()).await.unwrap();
            assert_eq!(state.is_some(), other_index <= index, "{other:?} after {name:?}");
        }
        let state = change.find_client_ref(project.id, &client_ref).await.unwrap().unwrap();
        assert_eq!((state.revoked_at, state.readmitted), (revision, false));
    }

    for gateway in ["eu1/a", "EU1/a", "eu1/a "] {
        let outcome = store.record_usage(batch(gateway, 1), &[], at(0)).await.unwrap();
        assert_eq!(outcome, BatchOutcome::Counted, "{gateway:?} was taken for another");
    }

    let mut change = store.change().await.unwrap();
    change.insert_account(&account("Ada@Example.org")).await.unwrap();
    change.publish(&audit()).await.unwrap();
    assert!(store.find_account_by_email("ada@example.ORG").await.unwrap().is_some());
    assert!(store.find_account_by_email("ada@example.org ").await.unwrap().is_none());
    let mut change = store.change().await.unwrap();
    let error = change.insert_account(&account("ADA@example.org")).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
}

/// Every field comes back as it went in, whatever characters it holds, and after a change of another row.
pub(crate) async fn texts_survive(store: &Store) {
    let odd = "O'Brien \"quoted\" % _ \\ \u{1F600} \u{202E}rtl 中文";
    let (workspace, project) = owner(store, odd).await;
    let mut key = api_key(workspace.id, project.id, odd);
    key.areas = AreaSet::all();
    key.products = ProductSet::all();
    key.networks = Networks(vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()]);
    key.client_ref = Some(ClientRef::new(odd).unwrap());
    key.rotated_from = Some(ApiKeyId::from_u128(5));
    key.expires_at = Some(at(5));
    let member = account(odd);
    key.created_by = Some(member.account.id);
    insert_key(store, &key).await;
    insert_key(store, &api_key(workspace.id, project.id, "other")).await;
    assert_eq!(store.find_api_key(workspace.id, key.id).await.unwrap(), Some(key));
    assert_eq!(store.find_workspace(workspace.id).await.unwrap().unwrap(), workspace);
    assert_eq!(store.list_workspaces().await.unwrap(), std::slice::from_ref(&workspace));

    let mut token = management_token(workspace.id, odd);
    token.permissions = PermissionSet::EMPTY;
    let signing = signing_key("kid-1");
    let mut change = store.change().await.unwrap();
    change.insert_management_token(&token).await.unwrap();
    change.insert_signing_key(&signing).await.unwrap();
    change.insert_account(&member).await.unwrap();
    change.insert_member(workspace.id, member.account.id, Role::Member, at(0)).await.unwrap();
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.find_management_token(workspace.id, token.id).await.unwrap(), Some(token));
    assert_eq!(store.list_signing_keys().await.unwrap(), [signing]);
    assert_eq!(store.list_members(workspace.id).await.unwrap(), [(member.account, Role::Member)]);
}

/// Lists go by time, then by id, whatever order rows were written in.
pub(crate) async fn lists_are_in_order(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let mut keys = Vec::new();
    for (second, id) in [(3, 9_u128), (1, 8), (2, 7), (1, 6), (3, 5)] {
        let mut key = api_key(workspace.id, project.id, "k");
        key.id = ApiKeyId::from_u128(id);
        key.created_at = at(second);
        insert_key(store, &key).await;
        keys.push((second, id));
    }
    keys.sort_unstable();
    let listed = store.list_api_keys(workspace.id, None).await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|key| (key.created_at.as_seconds() - at(0).as_seconds(), key.id.as_u128()))
        .collect();
    assert_eq!(listed, keys);

    let mut change = store.change().await.unwrap();
    let second = change.insert_project(new_project(workspace.id, "a second")).await.unwrap();
    let third = change.insert_project(new_project(workspace.id, "A third")).await.unwrap();
    change.publish(&audit()).await.unwrap();
    let ids: Vec<_> =
        store.list_projects(workspace.id).await.unwrap().iter().map(|project| project.id).collect();
    assert_eq!(ids, [project.id, second.id, third.id]);
}
