//! Pages: exact, and stable while others write.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::world::World;

/// Reads a list page by page, doing something between the pages.
async fn read_all(
    world: &World,
    path: &str,
    list: &str,
    id: &str,
    limit: usize,
    mut between: impl AsyncFnMut(),
) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = format!("{path}{}limit={limit}{after}", if path.contains('?') { '&' } else { '?' });
        let answer = world.operate("GET", &page, Value::Null).await.expect(200).json();
        let items = answer[list].as_array().unwrap_or_else(|| panic!("{answer}"));
        assert!(items.len() <= limit);
        all.extend(items.iter().map(|item| item[id].clone()));
        let Some(next) = answer["next"].as_str() else { return all };
        assert_eq!(items.len(), limit, "a page with a next one is full");
        after = format!("&after={next}");
        between().await;
    }
}

/// Whatever the size of a page, and whatever is made or removed between pages, each thing that was there from the
/// beginning to the end is read exactly once, in order.
#[test]
fn pages_are_exact_under_concurrent_writes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = proptest::test_runner::Config { cases: 12, ..Default::default() };
    let strategy = (1_usize..12, 1_usize..9, prop::bool::ANY);
    let mut runner = TestRunner::new(cases);
    runner
        .run(&strategy, |(count, limit, same_moment)| {
            runtime.block_on(async {
                let world = World::new().await;
                let new = world.workspace("w").await;
                let here = format!("?workspace_id={}", new.workspace.id);
                let mut expected = vec![];
                for number in 0..count {
                    if !same_moment {
                        world.clock.advance_seconds(1);
                    }
                    expected.push(json!(world.key(&new, &number.to_string()).await.key.id));
                }
                if same_moment {
                    expected.sort_by_key(Value::to_string);
                }
                let path = format!("/v1/api-keys{here}");
                let mut rounds = 0;
                let seen = read_all(&world, &path, "api_keys", "apikey_id", limit, async || {
                    rounds += 1;
                    // Whoever reads more slowly than others write never ends.
                    if rounds > 8 {
                        return;
                    }
                    world.clock.advance_seconds(1);
                    let made = world.key(&new, "made meanwhile").await;
                    let removed = world.key(&new, "removed meanwhile").await;
                    let actor = control::Actor::OPERATOR;
                    world.control.revoke_key(&actor, new.workspace.id, removed.key.id).await.unwrap();
                    assert!(!expected.contains(&json!(made.key.id)));
                })
                .await;
                let from_the_beginning: Vec<_> =
                    seen.iter().filter(|id| expected.contains(id)).cloned().collect();
                assert_eq!(from_the_beginning, expected);
                let mut once = seen.clone();
                once.sort_by_key(Value::to_string);
                once.dedup();
                assert_eq!(once.len(), seen.len(), "nothing is read twice");
                world.control.close().await;
            });
            Ok(())
        })
        .unwrap();
}

/// Every list that comes in pages adds up to the whole, one entry at a time.
#[tokio::test]
async fn every_list_pages() {
    let world = World::new().await;
    let workspace = world.secrets.workspace_id;
    for number in 0..3 {
        world.clock.advance_seconds(1);
        world.workspace(&number.to_string()).await;
        let email = json!({"email": format!("{number}@example.org")});
        world.operate("POST", "/v1/accounts", email).await.expect(201);
        world.operate("POST", "/v1/projects", json!({"name": "p"})).await.expect(201);
        world.token(workspace, &[domain::Permission::ViewUsage]).await;
    }
    for (path, list, id) in [
        ("/v1/workspaces", "workspaces", "workspace_id"),
        ("/v1/accounts", "accounts", "account_id"),
        ("/v1/projects", "projects", "project_id"),
        ("/v1/api-keys", "api_keys", "apikey_id"),
        ("/v1/management-tokens", "management_tokens", "token_id"),
        ("/v1/audit?scope=instance", "events", "sequence"),
    ] {
        let whole = read_all(&world, path, list, id, 100, async || {}).await;
        assert!(!whole.is_empty(), "{path}");
        assert_eq!(read_all(&world, path, list, id, 1, async || {}).await, whole, "{path}");
    }
    // The documented lists are whole and bare unless a page is asked for.
    for path in ["/v1/projects", "/v1/api-keys"] {
        assert!(world.operate("GET", path, Value::Null).await.expect(200).json().is_array());
    }
    world.control.close().await;
}

/// A cursor of one list, a forged one, or one of another workspace opens nothing that its reader may not see.
#[tokio::test]
async fn a_cursor_gives_no_rights() {
    let world = World::new().await;
    let other = world.workspace("other").await;
    for number in 0..3 {
        world.clock.advance_seconds(1);
        world.key(&other, &number.to_string()).await;
    }
    let path = format!("/v1/api-keys?limit=1&workspace_id={}", other.workspace.id);
    let next = world.operate("GET", &path, Value::Null).await.json()["next"].as_str().unwrap().to_owned();
    let token = world.token(world.secrets.workspace_id, &[domain::Permission::ViewApiKeys]).await;
    let answer = world.ask("GET", &format!("/v1/api-keys?after={next}"), &token, "").await.expect(200);
    for key in answer.json()["api_keys"].as_array().unwrap() {
        assert_eq!(key["project_id"], world.secrets.project_id.get());
    }
    for after in ["", "!", "eA", "MA", "x%20x"] {
        for path in ["/v1/projects", "/v1/audit", "/v1/api-keys", "/v1/accounts"] {
            let answer = world.operate("GET", &format!("{path}?after={after}"), Value::Null).await;
            answer.refused(422, "invalid_value");
        }
    }
    world.control.close().await;
}
