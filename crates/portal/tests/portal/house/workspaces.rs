//! Settings, one's own workspaces, the plan.

use domain::{Area, Role};

use crate::world::{ACTOR, World};

/// The index leads to everything that can be set; what only admins or operators may read is shown to them alone.
#[tokio::test]
async fn settings_are_found() {
    let world = World::new().await;
    let (member, admin, operator) = (world.member().await, world.admin().await, world.operator().await);
    let shown = admin.get("/settings").await.expect(200);
    for name in [
        "API Keys",
        "Management tokens",
        "Projects",
        "Members",
        "Plan",
        "Audit log",
        "Profile",
        "Security",
        "Devices",
    ] {
        let link = shown.link(name).unwrap_or_else(|| panic!("{name}"));
        assert!(link.starts_with("/settings/"), "{link}");
        let (_, main) = shown.text.split_once("<main").unwrap();
        assert_eq!(main.matches(&format!(">{name}</a>")).count(), 1, "{name} is there once");
    }
    for name in ["Audit log", "Management tokens"] {
        assert_eq!(member.get("/settings").await.expect(200).link(name), None, "{name}");
    }
    world
        .control
        .add_member(&ACTOR, world.workspace.id, operator.account.unwrap(), Role::Member)
        .await
        .unwrap();
    operator.get("/settings").await.has("/instance");
    admin.get("/settings").await.lacks("/instance");
}

/// Name and home area are kept; a name that is none stays in its field beside what is wrong with it.
#[tokio::test]
async fn a_workspace_is_changed() {
    let world = World::new().await;
    let admin = world.admin().await;
    let path = "/settings/workspace";
    admin.post(path, &[("name", "New name"), ("home_area", "usa")]).await.done("saved");
    let shown = admin.get(&format!("{path}?done=saved")).await.expect(200);
    assert_eq!(shown.field("name").as_deref(), Some("New name"));
    shown.has("Saved.");
    let kept = world.control.find_workspace(world.workspace.id).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.home_area), ("New name", Area::Usa));
    let long = "x".repeat(121);
    let refused = admin.post(path, &[("name", &long), ("home_area", "usa")]).await.expect(422);
    assert_eq!(refused.field("name"), Some(long));
    refused.has("aria-invalid=\"true\"");
    // An area where this instance has no region.
    admin.post(path, &[("name", "n"), ("home_area", "au")]).await.expect(400);
    assert_eq!(world.control.find_workspace(world.workspace.id).await.unwrap(), Some(kept));
}

/// A workspace is closed by whoever types its name, for good: its keys are refused and nobody is its member any more.
#[tokio::test]
async fn a_workspace_is_closed() {
    let world = World::new().await;
    let (admin, member) = (world.admin().await, world.member().await);
    let new = control::NewKey::named(world.project.id, "k");
    let key = world.control.create_key(&ACTOR, world.workspace.id, new).await.unwrap();
    let path = "/settings/workspace/close";
    admin.get(path).await.expect(200).has("1 API key in 1 project");
    admin.post(path, &[("name", "mine")]).await.expect(422).has("not the workspace&#39;s name");
    member.get("/settings").await.expect(200);
    admin.post(path, &[("name", "Mine")]).await.done("workspace-closed");
    let now = world.control.now();
    let rights = world.control.tables().mint_rights(key.secret.expose(), crate::world::PEER, now);
    assert_eq!(rights.unwrap_err().reason, domain::Reason::CredentialRevoked);
    for browser in [&admin, &member] {
        let turned = browser.get("/settings").await.expect(303);
        assert!(turned.location().starts_with("/workspaces/new"), "{}", turned.location());
        browser.get("/settings/workspaces").await.expect(200).has("You belong to no workspace");
    }
}

/// Whoever belongs to several looks at one at a time, chooses which, and keeps the choice; nobody chooses another's.
#[tokio::test]
async fn workspaces_are_switched() {
    let world = World::new().await;
    let admin = world.admin().await;
    // The one that was joined first is looked at where none was chosen.
    world.clock.advance_seconds(1);
    admin
        .post("/workspaces/new", &[("name", "Second"), ("home_area", "usa")])
        .await
        .done("workspace-created");
    admin.get("/settings/workspace").await.has("value=\"Second\"");
    let again = world.sign_in(admin.account.unwrap()).await;
    again.get("/settings/workspace").await.has("value=\"Mine\"");
    let mine = world.workspace.id.to_string();
    admin.post("/workspaces/switch", &[("workspace_id", &mine)]).await.done("workspace-switched");
    admin.get("/settings/workspace").await.has("value=\"Mine\"");
    let foreign = world.other_workspace.id.to_string();
    for id in [foreign.as_str(), "ws_x", ""] {
        admin.post("/workspaces/switch", &[("workspace_id", id)]).await.expect(404);
    }
    admin.get("/settings/workspace").await.has("value=\"Mine\"");
    let refused = admin.post("/workspaces/new", &[("name", " "), ("home_area", "eu")]).await.expect(422);
    refused.has("name-error");
}

/// The plan's limits are told, and what of them is used.
#[tokio::test]
async fn the_plan_is_told() {
    let world = World::new().await;
    let member = world.member().await;
    for name in ["a", "b"] {
        let new = control::NewKey::named(world.project.id, name);
        world.control.create_key(&ACTOR, world.workspace.id, new).await.unwrap();
    }
    let shown = member.get("/settings/plan").await.expect(200);
    shown.has("the plan <strong>pro</strong>");
    shown.has("<th scope=\"row\">Projects</th><td class=\"number\">1</td><td class=\"number\">1000</td>");
    shown.has("<th scope=\"row\">Usable API keys of one project</th><td class=\"number\">2</td><td class=\"number\">10000</td>");
    shown.has("<td class=\"number\">0.0</td><td class=\"number\">not limited</td>");
    shown.has("help@&#60;voxgate&#62;.example");
}
