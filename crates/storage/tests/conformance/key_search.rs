//! API keys as people look for them.

use domain::{AccountId, ApiKey, ApiKeyId, Role, WorkspaceId};
use storage::{KeyLife, KeySearch, PageRequest, Store};

use super::builders::{account, api_key, at, audit, insert_key, management_token, owner};

const PAGE: PageRequest = PageRequest { after: None, limit: 50 };

fn search(text: &str) -> KeySearch {
    KeySearch { text: Some(text.to_owned()), ..KeySearch::default() }
}

async fn names(store: &Store, workspace_id: WorkspaceId, search: &KeySearch) -> Vec<String> {
    let found = store.search_api_keys(workspace_id, search, at(100), &PAGE).await.unwrap();
    found.items.into_iter().map(|key| key.name).collect()
}

/// A key is found by a piece of its name, hint or id, whatever the letter case of ASCII; signs that mean something to a
/// database mean themselves.
pub(crate) async fn keys_are_found_by_what_is_remembered(store: &Store) {
    let (mine, project) = owner(store, "mine").await;
    let named =
        ["Checkout Server", "100% sure", "100 sure", "under_score", "underXscore", "back\\slash", "Ünder"];
    let mut keys = Vec::new();
    for (number, name) in named.iter().enumerate() {
        let created_at = at(i64::try_from(number).unwrap());
        let hint = format!("vgk_…00A{number}");
        let key = ApiKey { created_at, hint, ..api_key(mine.id, project.id, name) };
        insert_key(store, &key).await;
        keys.push(key);
    }
    for (text, expected) in [
        ("checkout", &["Checkout Server"][..]),
        ("OUT SER", &["Checkout Server"]),
        ("100%", &["100% sure"]),
        ("r_s", &["under_score"]),
        ("k\\s", &["back\\slash"]),
        ("Ü", &["Ünder"]),
        ("00a0", &["Checkout Server"]),
        ("' OR 1=1 --", &[]),
        (
            "vgk",
            &[
                "Ünder",
                "back\\slash",
                "underXscore",
                "under_score",
                "100 sure",
                "100% sure",
                "Checkout Server",
            ],
        ),
    ] {
        assert_eq!(names(store, mine.id, &search(text)).await, expected, "{text}");
    }
    let id = keys[3].id.to_string();
    assert_eq!(names(store, mine.id, &search(&id)).await, ["under_score"]);
    assert_eq!(names(store, mine.id, &search(&id.to_uppercase())).await, ["under_score"]);
}

/// Pages of any size add up to the list, the newest first, also where many keys are of one age; a search by state knows
/// what has ended, and when it ends.
pub(crate) async fn searches_are_paged_newest_first(store: &Store) {
    let (mine, project) = owner(store, "mine").await;
    for number in 0..7 {
        let expires_at = (number == 4).then(|| at(100));
        let created_at = at(number / 3);
        let key = ApiKey { created_at, expires_at, ..api_key(mine.id, project.id, &format!("{number}")) };
        insert_key(store, &key).await;
        if number == 2 {
            let mut change = store.change().await.unwrap();
            change.revoke_api_key(mine.id, key.id, at(10)).await.unwrap();
            change.publish(&audit()).await.unwrap();
        }
    }
    let mut all = store.list_api_keys(mine.id, None).await.unwrap();
    all.reverse();
    assert_eq!(all.len(), 7);
    for limit in [1, 2, 3, 6, 7, 8] {
        let mut page = PageRequest { after: None, limit };
        let mut read = Vec::new();
        loop {
            let any = KeySearch::default();
            let found = store.search_api_keys(mine.id, &any, at(100), &page).await.unwrap();
            read.extend(found.items);
            let Some(next) = found.next else { break };
            page.after = Some(next);
        }
        assert_eq!(read, all, "{limit}");
    }
    let life = |life| KeySearch { life: Some(life), ..KeySearch::default() };
    let mut ended = names(store, mine.id, &life(KeyLife::Ended)).await;
    ended.sort();
    assert_eq!(ended, ["2", "4"]);
    assert_eq!(names(store, mine.id, &life(KeyLife::Usable)).await.len(), 5);
    let just_before = store.search_api_keys(mine.id, &life(KeyLife::Usable), at(99), &PAGE).await.unwrap();
    assert_eq!(just_before.items.len(), 6);
}

/// A search, a look-up by secret, names and addresses show a workspace its own alone; whoever isn't a member of it has no
/// address there.
pub(crate) async fn searches_stay_in_the_workspace(store: &Store) {
    let (mine, project) = owner(store, "mine").await;
    let (other, elsewhere) = owner(store, "other").await;
    let old = api_key(mine.id, project.id, "old");
    let new = ApiKey { rotated_from: Some(old.id), ..api_key(mine.id, project.id, "new") };
    let foreign = api_key(other.id, elsewhere.id, "foreign");
    for key in [&old, &new, &foreign] {
        insert_key(store, key).await;
    }
    let (member, stranger) = (account("member@example.org"), account("stranger@example.org"));
    let mut change = store.change().await.unwrap();
    change.insert_account(&member).await.unwrap();
    change.insert_account(&stranger).await.unwrap();
    change.insert_member(mine.id, member.account.id, Role::Member, at(1)).await.unwrap();
    change.insert_member(other.id, stranger.account.id, Role::Admin, at(1)).await.unwrap();
    change.insert_management_token(&management_token(mine.id, "t")).await.unwrap();
    change.publish(&audit()).await.unwrap();

    assert_eq!(names(store, other.id, &search("o")).await, ["foreign"]);
    let of_project = KeySearch { project_id: Some(project.id), ..KeySearch::default() };
    assert!(names(store, other.id, &of_project).await.is_empty());
    assert_eq!(names(store, mine.id, &of_project).await.len(), 2);

    assert!(store.find_api_key_by_hash(other.id, old.hash).await.unwrap().is_none());
    assert_eq!(store.find_api_key_by_hash(mine.id, old.hash).await.unwrap().unwrap().id, old.id);

    let ids = [old.id, new.id, foreign.id, ApiKeyId::from_u128(1)];
    let successors = store.successors_of_api_keys(mine.id, &ids).await.unwrap();
    assert_eq!(successors.into_iter().collect::<Vec<_>>(), [(old.id, new.id)]);
    assert!(store.successors_of_api_keys(other.id, &ids).await.unwrap().is_empty());
    let named = store.names_of_api_keys(mine.id, &ids).await.unwrap();
    assert_eq!((named.len(), named[&old.id].as_str()), (2, "old"));

    let people = [member.account.id, stranger.account.id, AccountId::from_u128(1)];
    let emails = store.emails_of_members(mine.id, &people).await.unwrap();
    assert_eq!(
        emails.into_iter().collect::<Vec<_>>(),
        [(member.account.id, "member@example.org".to_owned())]
    );
    assert!(store.emails_of_members(mine.id, &[]).await.unwrap().is_empty());
    assert!(store.names_of_api_keys(mine.id, &[]).await.unwrap().is_empty());
}
