//! Members: listed, given another role, taken out.

use control::NewKey;
use domain::Role;

use crate::world::{ACTOR, World};

/// Members are listed with their role and the keys that they made, found by their address, and only their own workspace's.
#[tokio::test]
async fn members_are_listed() {
    let world = World::new().await;
    let (admin, member, _) = (world.admin().await, world.member().await, world.stranger().await);
    let actor = control::Actor::account(member.account.unwrap());
    for name in ["a", "b"] {
        let new = NewKey::named(world.project.id, name);
        world.control.create_key(&actor, world.workspace.id, new).await.unwrap();
    }
    let shown = member.get("/settings/members").await.expect(200);
    shown.has("admin@example.org");
    shown.has("<td class=\"number\">2</td>");
    shown.lacks("stranger@example.org");
    shown.lacks("Invite somebody");
    admin.get("/settings/members").await.has("Invite somebody");
    let found = admin.get("/settings/members?search=MEMBER%40").await.expect(200);
    found.has("member@example.org");
    assert!(!found.text.contains("<th scope=\"row\">admin@example.org"));
}

/// Whoever is removed loses access at once, in the session that is open; their keys go on, which was told before.
#[tokio::test]
async fn removal_takes_access_at_once() {
    let world = World::new().await;
    let (admin, member) = (world.admin().await, world.member().await);
    let id = member.account.unwrap();
    let actor = control::Actor::account(id);
    let key = world
        .control
        .create_key(&actor, world.workspace.id, NewKey::named(world.project.id, "k"))
        .await
        .unwrap();
    member.get("/settings/projects").await.expect(200).has("Default project");
    let one = format!("/settings/members/{id}");
    admin.get(&one).await.expect(200).has("1 key that this account made goes on working.");
    admin.post(&format!("{one}/remove"), &[]).await.done("member-removed");
    for path in
        ["/settings", "/settings/projects", "/settings/members", "/settings/plan", "/settings/api-keys"]
    {
        let turned = member.get(path).await.expect(303);
        assert!(turned.location().starts_with("/workspaces/new"), "{path}: {}", turned.location());
        assert!(turned.text.is_empty());
    }
    let mine = world.workspace.id.to_string();
    member.post("/workspaces/switch", &[("workspace_id", &mine)]).await.expect(404);
    admin.get(&one).await.expect(404);
    let now = world.control.now();
    world.control.tables().mint_rights(key.secret.expose(), crate::world::PEER, now).unwrap();
}

/// A role that is taken away is gone with the next request.
#[tokio::test]
async fn a_demoted_admin_is_none() {
    let world = World::new().await;
    let admin = world.admin().await;
    let second = world.person("second@example.org", &world.workspace, Role::Admin).await;
    second.get("/settings/audit-log").await.expect(200);
    let one = format!("/settings/members/{}", second.account.unwrap());
    admin.post(&one, &[("role", "owner")]).await.expect(400);
    admin.post(&one, &[("role", "member")]).await.done("saved");
    second.get("/settings/audit-log").await.expect(403);
    second.post(&one, &[("role", "admin")]).await.expect(403);
    admin.post(&one, &[("role", "admin")]).await.done("saved");
    second.get("/settings/audit-log").await.expect(200);
}

/// The last admin neither leaves nor becomes a member; with another one they may.
#[tokio::test]
async fn the_last_admin_stays() {
    let world = World::new().await;
    let (admin, member) = (world.admin().await, world.member().await);
    let own = format!("/settings/members/{}", admin.account.unwrap());
    admin.get(&own).await.expect(200).has("Leave the workspace");
    admin.post(&own, &[("role", "member")]).await.expect(409).has("only admin");
    admin.post(&format!("{own}/remove"), &[]).await.expect(409).has("only admin");
    admin.get("/settings/audit-log").await.expect(200);
    let other = format!("/settings/members/{}", member.account.unwrap());
    admin.post(&other, &[("role", "admin")]).await.done("saved");
    let left = admin.post(&format!("{own}/remove"), &[]).await.done("member-removed");
    assert!(left.location().starts_with("/settings/workspaces"));
    assert_eq!(admin.get("/settings").await.status, 303);
}

/// Two admins who take each other out at once leave one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_leaves_an_admin() {
    let world = World::new().await;
    let first = world.admin().await;
    let second = world.person("second@example.org", &world.workspace, Role::Admin).await;
    let post = |browser: &crate::world::Browser, path: String, fields: &'static [(&str, &str)]| {
        let browser = browser.clone();
        tokio::spawn(async move { browser.post(&path, fields).await.status })
    };
    let path = |browser: &crate::world::Browser| format!("/settings/members/{}", browser.account.unwrap());
    let tries = [
        post(&first, format!("{}/remove", path(&second)), &[]),
        post(&second, path(&first), &[("role", "member")]),
        post(&second, format!("{}/remove", path(&first)), &[]),
        post(&first, path(&second), &[("role", "member")]),
    ];
    for one in tries {
        assert!(matches!(one.await.unwrap(), 303 | 403 | 404 | 409));
    }
    let members = world.control.list_members(world.workspace.id).await.unwrap();
    assert_eq!(members.iter().filter(|(_, role)| *role == Role::Admin).count(), 1, "{members:?}");
}

/// Nobody becomes a member by having their role set, whichever account is named.
#[tokio::test]
async fn a_role_makes_no_member() {
    let world = World::new().await;
    let (admin, stranger) = (world.admin().await, world.stranger().await);
    let one = format!("/settings/members/{}", stranger.account.unwrap());
    admin.post(&one, &[("role", "admin")]).await.expect(404);
    let of_stranger = world.control.list_memberships(stranger.account.unwrap()).await.unwrap();
    assert_eq!(of_stranger, [(world.other_workspace.id, Role::Admin)]);
    // The control: of one's own workspace it is found.
    let own = format!("/settings/members/{}", stranger.account.unwrap());
    stranger.get(&own).await.expect(200);
    world
        .control
        .add_member(&ACTOR, world.workspace.id, stranger.account.unwrap(), Role::Member)
        .await
        .unwrap();
    admin.post(&one, &[("role", "admin")]).await.done("saved");
}
