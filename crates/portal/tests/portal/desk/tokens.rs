//! Management tokens: made and shown once, with permissions of the workspace alone, revoked.

use domain::{Permission, PermissionSet};

use crate::world::{PEER, World};

const LIST: &str = "/settings/management-tokens";

/// An admin makes a token with the permissions that were chosen; it is shown once, works until it is revoked, and a form
/// that is sent again makes no second one.
#[tokio::test]
async fn tokens_live_and_end() {
    let world = World::new().await;
    let admin = world.admin().await;
    let page = admin.get(LIST).await.expect(200);
    page.has("No management tokens yet");
    for permission in PermissionSet::of_a_workspace().iter() {
        page.has(&format!("value=\"{permission}\""));
    }
    page.lacks("operate_instance");
    let form = page.field("form").unwrap();
    let sent =
        [("form", &*form), ("name", "deploy"), ("permissions", "view_usage"), ("permissions", "view_audit")];
    let shown = admin.post(LIST, &sent).await.expect(200);
    assert_eq!(shown.headers["cache-control"], "no-store");
    let secret = shown.secret().unwrap();
    assert!(secret.starts_with("vgm_"));
    let again = admin.post(LIST, &sent).await.expect(303);
    admin.get(again.location()).await.lacks(&secret);
    let tokens = world.control.list_management_tokens(world.workspace.id).await.unwrap();
    assert_eq!(tokens.len(), 1);
    let expected = PermissionSet::EMPTY.with(Permission::ViewUsage).with(Permission::ViewAudit);
    assert_eq!((tokens[0].name.as_str(), tokens[0].permissions), ("deploy", expected));
    let works = || world.control.tables().verify_management(&secret, world.control.now()).is_ok();
    assert!(works());
    let revoke = format!("{LIST}/{}/revoke", tokens[0].id);
    admin.get(&revoke).await.expect(200).has("Revoke this token?");
    assert!(works(), "a question revokes nothing");
    let done = admin.post(&revoke, &[]).await.expect(303);
    assert!(!works());
    let list = admin.get(done.location()).await;
    list.has("The token is revoked.");
    list.lacks("deploy");
    admin.post(&revoke, &[]).await.expect(303);
    let log = world.control.list_audit_events(world.workspace.id, 0, 100).await.unwrap();
    let about: Vec<_> = log.iter().filter(|event| event.subject == tokens[0].id.to_string()).collect();
    assert_eq!(about.len(), 2);
    assert!(about.iter().all(|event| event.from == Some(PEER)));
}

/// A token without a name, without permissions, or with one beyond the workspace isn't made; what was typed stays.
#[tokio::test]
async fn wrong_tokens_are_not_made() {
    let world = World::new().await;
    let admin = world.admin().await;
    let form = admin.get(LIST).await.field("form").unwrap();
    for (fields, error) in [
        (vec![("name", ""), ("permissions", "view_usage")], "name-error"),
        (vec![("name", "kept")], "permissions-error"),
        (vec![("name", "kept"), ("permissions", "operate_instance")], "permissions-error"),
        (vec![("name", "kept"), ("permissions", "view_usage"), ("permissions", "all")], "permissions-error"),
    ] {
        let mut all = vec![("form", form.as_str())];
        all.extend(fields);
        let page = admin.post(LIST, &all).await.expect(422);
        page.has(error);
        assert_eq!(page.field("form").unwrap(), form);
        assert!(page.text.contains("value=\"kept\"") || error == "name-error");
        assert!(
            !page.text.contains("value=\"view_usage\" checked")
                || all.contains(&("permissions", "view_usage"))
        );
    }
    assert!(world.control.list_management_tokens(world.workspace.id).await.unwrap().is_empty());
    admin.post(LIST, &[("form", &form), ("name", "right"), ("permissions", "view_usage")]).await.expect(200);
}
