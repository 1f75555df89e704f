//! Long lists: paged, searched, and safe to look at whatever people called things.

use std::collections::BTreeSet;

use domain::limits::NAME_CHARACTERS_MAX;

use crate::world::{ACTOR, Browser, World};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}";

/// The ids of the keys on a page.
fn ids(text: &str) -> Vec<String> {
    let rows = text.split("<th scope=\"row\" id=\"n").skip(1);
    rows.map(|row| row.split("/settings/api-keys/").nth(1).unwrap()[..30].to_owned()).collect()
}

/// Follows the list to its end.
async fn read_all(browser: &Browser, path: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut path = path.to_owned();
    loop {
        let page = browser.get(&path).await.expect(200);
        pages.push(ids(&page.text));
        let Some((before, _)) = page.text.split_once("\" rel=\"next\"") else { return pages };
        path = before.rsplit_once('"').unwrap().1.replace("&#38;", "&").replace("&amp;", "&");
    }
}

/// A thousand keys are read in pages of 50, each once, the newest first; a search finds one among them by its name, its
/// id or the end of its secret, and the pages of a search stay in it. No page is heavy.
#[tokio::test]
async fn a_thousand_keys_are_found() {
    let world = World::new().await;
    let member = world.member().await;
    let mut made = Vec::new();
    for number in 0..1000 {
        let name = format!("{number:04} {}", if number % 10 == 0 { "Tenth" } else { "key" });
        made.push(world.key(&name).await.key);
    }
    let pages = read_all(&member, "/settings/api-keys").await;
    assert_eq!(pages.len(), 20);
    assert!(pages.iter().all(|page| page.len() == 50));
    let read: Vec<_> = pages.concat();
    let mut newest_first: Vec<_> = made.iter().map(|key| (key.created_at, key.id)).collect();
    newest_first.sort();
    let newest_first: Vec<_> = newest_first.iter().rev().map(|(_, id)| id.to_string()).collect();
    assert_eq!(read, newest_first);

    let tenths = read_all(&member, "/settings/api-keys?search=tenth").await;
    assert_eq!(tenths.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50]);
    assert_eq!(tenths.concat().into_iter().collect::<BTreeSet<_>>().len(), 100);
    let one = &made[777];
    let end = one.hint.rsplit_once('…').map_or(one.hint.as_str(), |(_, end)| end);
    for search in ["0777+key", &one.id.to_string(), &one.id.to_string()[20..]] {
        assert_eq!(
            ids(&member.get(&format!("/settings/api-keys?search={search}")).await.text),
            [one.id.to_string()]
        );
    }
    let found = ids(&member.get(&format!("/settings/api-keys?search={end}")).await.text);
    assert!(found.contains(&one.id.to_string()), "{end}");
    let page = member.get("/settings/api-keys").await;
    assert!(page.text.len() < 40_000, "{} bytes", page.text.len());
    member.get("/settings/api-keys?search=nothing+like+this").await.expect(200).has("No key is like this");
    for after in ["x", "1.key_x", "1", "..", "1800000000000000.' OR 1=1"] {
        let after: String = form_urlencoded::byte_serialize(after.as_bytes()).collect();
        assert_eq!(member.get(&format!("/settings/api-keys?after={after}")).await.status, 404);
    }
}

/// The list is narrowed to a project and to a state; another workspace's project is none.
#[tokio::test]
async fn lists_are_narrowed() {
    let world = World::new().await;
    let member = world.member().await;
    let project = control::NewProject { name: "p".to_owned(), description: String::new() };
    let project = world.control.create_project(&ACTOR, world.workspace.id, project).await.unwrap().project.id;
    let here = world.key("here").await.key.id.to_string();
    let new = control::NewKey::named(project, "there");
    let there = world.control.create_key(&ACTOR, world.workspace.id, new).await.unwrap().key.id;
    world.control.revoke_key(&ACTOR, world.workspace.id, there).await.unwrap();
    let list =
        async |query: String| ids(&member.get(&format!("/settings/api-keys?{query}")).await.expect(200).text);
    assert_eq!(list(format!("project={project}")).await, [there.to_string()]);
    assert_eq!(list("state=usable".to_owned()).await, [here]);
    assert_eq!(list("state=ended&search=&project=&after=".to_owned()).await, [there.to_string()]);
    let foreign = member.get(&format!("/settings/api-keys?project={}", world.other_project.id)).await;
    let unknown = member.get("/settings/api-keys?project=999999").await;
    assert_eq!((foreign.status, &foreign.text), (404, &unknown.text));
}

/// Nothing that people call things becomes markup, in no page and no field; a search can't either.
#[tokio::test]
async fn names_are_no_markup() {
    let world = World::new().await;
    let (member, admin) = (world.member().await, world.admin().await);
    assert!(EVIL.chars().count() <= NAME_CHARACTERS_MAX);
    let key = world.key(EVIL).await.key.id;
    let form = member.get("/settings/api-keys").await.field("form").unwrap();
    let search: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    let mut pages = vec![
        member.get("/settings/api-keys").await,
        member.get(&format!("/settings/api-keys?search={search}&state={search}&project={search}")).await,
        member
            .get(&format!("/sessions?key={search}&client_ref={search}&region={search}&project={search}"))
            .await,
        member.post("/settings/api-keys", &[("form", &form), ("name", EVIL)]).await,
        member
            .post(
                "/settings/api-keys",
                &[("form", &form), ("name", EVIL), ("networks", EVIL), ("expires_on", EVIL)],
            )
            .await,
        member.post("/settings/api-keys/find", &[("secret", EVIL)]).await,
        member.post(&format!("/settings/api-keys/{key}/leaked"), &[("since", EVIL)]).await,
        admin
            .post(
                "/settings/management-tokens",
                &[("form", &form), ("name", EVIL), ("permissions", "view_usage")],
            )
            .await,
        admin
            .post("/settings/management-tokens", &[("form", &form), ("name", EVIL), ("permissions", EVIL)])
            .await,
        admin.get("/settings/management-tokens").await,
    ];
    for path in ["", "/revoke", "/rotate", "/leaked", "/activity", "/activity?since=%3Cscript%3E"] {
        pages.push(member.get(&format!("/settings/api-keys/{key}{path}")).await);
    }
    pages.push(member.get(&format!("/sessions/of-key/{key}/end")).await);
    for page in pages {
        assert!(page.status < 500, "{}", page.text);
        for markup in ["<script>alert", "<img src=x", "\"><script"] {
            page.lacks(markup);
        }
        page.lacks("49}}");
        assert!(page.text.matches("<script").count() <= 1, "{}", page.text);
    }
}
