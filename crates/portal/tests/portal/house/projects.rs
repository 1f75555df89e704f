//! Projects: made, found, changed, deleted.

use control::NewProject;
use domain::ProjectId;

use crate::world::{ACTOR, World};

async fn make(world: &World, name: &str) -> ProjectId {
    let new = NewProject { name: name.to_owned(), description: format!("about {name}") };
    world.control.create_project(&ACTOR, world.workspace.id, new).await.unwrap().project.id
}

/// A project is made, found by a piece of its name, changed, and deleted with what is revoked told before.
#[tokio::test]
async fn the_life_of_a_project() {
    let world = World::new().await;
    let (admin, member) = (world.admin().await, world.member().await);
    let path = "/settings/projects";
    admin
        .post(&format!("{path}/new"), &[("name", "Call centre"), ("description", "a\r\nb")])
        .await
        .done("project-created");
    let projects = world.control.list_projects(world.workspace.id).await.unwrap();
    let project = projects.last().unwrap();
    assert_eq!((project.name.as_str(), project.description.as_str()), ("Call centre", "a b"));
    let found = member.get(&format!("{path}?search=CENTRE")).await.expect(200);
    found.has("Call centre");
    found.lacks("Default project");
    let none = member.get(&format!("{path}?search=%25")).await.expect(200);
    none.has("No project found");

    let new = control::NewKey::named(project.id, "k");
    let key = world.control.create_key(&ACTOR, world.workspace.id, new).await.unwrap();
    let one = format!("{path}/{}", project.id);
    member.get(&one).await.expect(200).lacks("<form method=\"post\" action=\"/settings/projects");
    admin.post(&one, &[("name", "Renamed"), ("description", "")]).await.done("saved");
    let long = "d".repeat(1001);
    let refused = admin.post(&one, &[("name", "Kept"), ("description", &long)]).await.expect(422);
    refused.has(&long);
    assert_eq!(refused.field("name").as_deref(), Some("Kept"));
    refused.has("description-error");
    let nameless = admin.post(&one, &[("name", ""), ("description", "kept text")]).await.expect(422);
    nameless.has("kept text");
    admin.get(&one).await.has("Renamed");
    admin.get(&format!("{one}/delete")).await.expect(200).has("1 API key and every temporary key");
    admin.post(&format!("{one}/delete"), &[]).await.done("project-deleted");
    admin.get(&one).await.expect(404);
    admin.post(&format!("{one}/delete"), &[]).await.expect(404);
    let rights =
        world.control.tables().mint_rights(key.secret.expose(), crate::world::PEER, world.control.now());
    assert_eq!(rights.unwrap_err().reason, domain::Reason::CredentialRevoked);
}

/// The default project stays, and its page says so.
#[tokio::test]
async fn the_default_project_stays() {
    let world = World::new().await;
    let admin = world.admin().await;
    let one = format!("/settings/projects/{}", world.project.id);
    admin.get(&one).await.expect(200).has("it can't be deleted");
    admin.get(&format!("{one}/delete")).await.expect(200).lacks("Delete for good");
    admin.post(&format!("{one}/delete"), &[]).await.expect(409).has("default project");
    assert_eq!(world.control.list_projects(world.workspace.id).await.unwrap().len(), 1);
}

/// Pages hold 50 projects and add up to all of them, a search stays through its pages, and a full workspace says so.
#[tokio::test]
async fn projects_are_paged_and_bounded() {
    let world = World::new().await;
    let admin = world.admin().await;
    for number in 0..59 {
        make(&world, &format!("p{number:03}")).await;
    }
    let first = admin.get("/settings/projects").await.expect(200);
    let second = admin.get(&first.link("Next page").unwrap()).await.expect(200);
    assert_eq!(second.link("Next page"), None);
    let rows = |text: &str| text.matches("<th scope=\"row\">").count();
    assert_eq!((rows(&first.text), rows(&second.text)), (50, 10));
    for number in 0..59 {
        let name = format!(">p{number:03}<");
        assert_eq!(first.text.matches(&name).count() + second.text.matches(&name).count(), 1, "{name}");
    }
    assert_eq!(second.link("First page").as_deref(), Some("/settings/projects"));
    let searched = admin.get("/settings/projects?search=p0").await.expect(200);
    let rest = admin.get(&searched.link("Next page").unwrap()).await.expect(200);
    assert_eq!((rows(&searched.text), rows(&rest.text)), (50, 9));
    admin.get("/settings/projects?after=x").await.expect(404);

    for number in 59..999 {
        make(&world, &format!("p{number:03}")).await;
    }
    admin.get("/settings/projects").await.has("1000 of 1000 used");
    let full =
        admin.post("/settings/projects/new", &[("name", "one more"), ("description", "")]).await.expect(422);
    full.has("maximum number of projects");
    assert_eq!(full.field("name").as_deref(), Some("one more"));
}
