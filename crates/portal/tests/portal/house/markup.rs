//! What people type never becomes markup, on any page that shows it.

use control::{NewKey, NewProject, WorkspaceChange};
use domain::Role;

use crate::world::{ACTOR, World};

const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>";
const EVIL_EMAIL: &str = "\"><script>alert(1)</script>@example.org";

/// Names of workspaces, projects and keys, descriptions and addresses that hold markup are shown as what they are.
#[tokio::test]
async fn no_name_becomes_markup() {
    let world = World::new().await;
    let (admin, operator) = (world.admin().await, world.operator().await);
    let evil = world.person(EVIL_EMAIL, &world.workspace, Role::Member).await;
    let id = world.workspace.id;
    let change = WorkspaceChange { name: Some(EVIL.to_owned()), ..WorkspaceChange::default() };
    world.control.change_workspace(&ACTOR, id, change).await.unwrap();
    let new = NewProject { name: EVIL.to_owned(), description: EVIL.to_owned() };
    let project = world.control.create_project(&ACTOR, id, new).await.unwrap().project;
    world.control.create_key(&ACTOR, id, NewKey::named(project.id, EVIL)).await.unwrap();
    let invited = "\"><svg/onload=alert(1)>@example.org";
    let sent = world.control.invite(&ACTOR, id, invited, Role::Member).await.unwrap();
    let link = format!("/invitations/accept?token={}", sent.secret.expose());
    let account = evil.account.unwrap();
    let paths = [
        "/settings".to_owned(),
        "/settings/workspace".to_owned(),
        "/settings/workspace/close".to_owned(),
        "/settings/workspaces".to_owned(),
        "/settings/projects".to_owned(),
        format!("/settings/projects/{}", project.id),
        format!("/settings/projects/{}/delete", project.id),
        "/settings/members".to_owned(),
        format!("/settings/members/{account}"),
        "/settings/members/invitations".to_owned(),
        "/settings/plan".to_owned(),
        "/settings/audit-log".to_owned(),
        link.clone(),
    ];
    for path in paths {
        let shown = admin.get(&path).await.expect(200);
        harmless(&path, &shown.text);
    }
    for path in [
        "/instance/workspaces".to_owned(),
        format!("/instance/workspaces/{id}"),
        format!("/instance/workspaces/{id}/close"),
        "/instance/accounts".to_owned(),
        format!("/instance/accounts/{account}"),
        "/instance/audit-log".to_owned(),
    ] {
        let shown = operator.get(&path).await.expect(200);
        harmless(&path, &shown.text);
    }
    harmless(&link, &world.anonymous().get(&link).await.expect(200).text);
    admin.get("/settings/projects").await.has("&#60;script&#62;");
}

/// What stands in an address or was typed into a form comes back as text.
#[tokio::test]
async fn nothing_is_reflected() {
    let world = World::new().await;
    let (admin, operator) = (world.admin().await, world.operator().await);
    let typed: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    for path in [
        format!("/settings/projects?search={typed}"),
        format!("/settings/members?search={typed}"),
        format!("/settings/audit-log?actor={typed}&subject={typed}"),
        format!("/settings/audit-log?since={typed}"),
        format!("/settings/workspace?done={typed}"),
        format!("/settings/audit-log?action={typed}"),
        format!("/settings/projects?after={typed}"),
    ] {
        harmless(&path, &admin.get(&path).await.text);
    }
    for path in [format!("/instance/accounts?search={typed}"), format!("/instance/workspaces?search={typed}")]
    {
        harmless(&path, &operator.get(&path).await.expect(200).text);
    }
    harmless("token", &world.anonymous().get(&format!("/invitations/accept?token={typed}")).await.text);
    let long = format!("{EVIL}{}", "x".repeat(200));
    for (browser, path, fields) in [
        (&admin, "/settings/workspace", vec![("name", long.as_str()), ("home_area", "eu")]),
        (&admin, "/settings/workspace/close", vec![("name", EVIL)]),
        (&admin, "/workspaces/new", vec![("name", &long), ("home_area", "eu")]),
        (&admin, "/settings/projects/new", vec![("name", &long), ("description", EVIL)]),
        (&admin, "/settings/members/invite", vec![("email", EVIL), ("role", "member")]),
        (&operator, "/instance/mail", vec![("to", EVIL)]),
    ] {
        let shown = browser.post(path, &fields).await;
        assert!(matches!(shown.status, 200 | 422 | 502), "{path}: {} {}", shown.status, shown.text);
        harmless(path, &shown.text);
    }
}

#[track_caller]
fn harmless(path: &str, text: &str) {
    for part in ["<script", "<img src=x", "<svg/onload", "onerror=alert(1)>"] {
        assert!(!text.contains(part), "{part} on {path}: {text}");
    }
}
