//! Lists as people look through them: members, projects, accounts, workspaces, and the log from its end.

use domain::{Project, Role, Workspace};
use storage::{AuditAction, AuditFilter, Page, PageRequest, Store};

use super::builders::{account, api_key, at, audit, insert_key, new_project, owner};

const ALL: PageRequest = PageRequest { after: None, limit: 100 };

/// A text is found wherever it stands, in whatever case of ASCII; what means something in patterns means nothing here.
pub(crate) async fn texts_are_found(store: &Store) {
    let (workspace, first) = owner(store, "first").await;
    let (other, _) = owner(store, "other").await;
    let mut change = store.change().await.unwrap();
    let mut made = vec![first];
    for name in ["50% Off", "50 percent", "under_score", "underscore", "back\\slash", "ünïcödé"] {
        let mut new = new_project(workspace.id, name);
        new.description = format!("about {}", name.len());
        made.push(change.insert_project(new).await.unwrap());
    }
    change.publish(&audit()).await.unwrap();
    let find = async |text: &str| {
        let found = store.search_projects(workspace.id, Some(text), None, 100).await.unwrap();
        found.into_iter().map(|project| project.name).collect::<Vec<_>>()
    };
    assert_eq!(find("50%").await, ["50% Off"]);
    assert_eq!(find("OFF").await, ["50% Off"]);
    assert_eq!(find("r_s").await, ["under_score"]);
    assert_eq!(find("K\\S").await, ["back\\slash"]);
    assert_eq!(find("nïcöd").await, ["ünïcödé"]);
    assert_eq!(find("ABOUT 10").await, ["50 percent", "underscore", "back\\slash"]);
    assert!(find("' OR 1=1 --").await.is_empty());
    assert_eq!(store.search_projects(workspace.id, None, None, 100).await.unwrap(), made);
    assert_eq!(store.search_projects(workspace.id, None, Some(made[0].id), 2).await.unwrap(), made[1..3]);
    assert!(store.search_projects(other.id, Some("50%"), None, 100).await.unwrap().is_empty());
    assert_eq!(store.count_projects(workspace.id).await.unwrap(), 7);
    assert_eq!(store.count_projects(other.id).await.unwrap(), 1);
}

/// A project gets another name and description from its owner alone, and a deleted one from nobody.
pub(crate) async fn a_project_is_changed_by_its_owner_alone(store: &Store) {
    let (mine, project) = owner(store, "mine").await;
    let (other, _) = owner(store, "other").await;
    let mut change = store.change().await.unwrap();
    assert!(!change.change_project(other.id, project.id, "stolen", "").await.unwrap());
    assert!(change.change_project(mine.id, project.id, "new", "what for").await.unwrap());
    change.publish(&audit()).await.unwrap();
    let changed = store.find_project(mine.id, project.id).await.unwrap().unwrap();
    assert_eq!((changed.name.as_str(), changed.description.as_str()), ("new", "what for"));
    let mut change = store.change().await.unwrap();
    assert!(change.delete_project(mine.id, project.id, at(1)).await.unwrap());
    assert!(!change.change_project(mine.id, project.id, "again", "").await.unwrap());
    change.publish(&audit()).await.unwrap();
}

/// Usable keys are counted for each project, and keys that are not revoked for whoever made them; another workspace's for
/// nobody.
pub(crate) async fn keys_are_counted(store: &Store) {
    let (mine, project) = owner(store, "mine").await;
    let (other, other_project) = owner(store, "other").await;
    let (ada, bob) = (account("ada@example.org").account, account("bob@example.org").account);
    let put = async |workspace: &Workspace, project: &Project, expires_second: Option<i64>, revoked: bool| {
        let mut key = api_key(workspace.id, project.id, "k");
        key.created_by = Some(ada.id);
        key.expires_at = expires_second.map(at);
        insert_key(store, &key).await;
        if revoked {
            let mut change = store.change().await.unwrap();
            assert!(change.revoke_api_key(workspace.id, key.id, at(1)).await.unwrap());
            change.publish(&audit()).await.unwrap();
        }
    };
    put(&mine, &project, None, false).await;
    put(&mine, &project, Some(11), false).await;
    put(&mine, &project, Some(10), false).await;
    put(&mine, &project, None, true).await;
    put(&other, &other_project, None, false).await;
    let usable = store.count_usable_keys(mine.id, at(10)).await.unwrap();
    assert_eq!(usable.into_iter().collect::<Vec<_>>(), [(project.id, 2)]);
    let made = store.count_api_keys_of(mine.id, &[ada.id, bob.id]).await.unwrap();
    assert_eq!(made.into_iter().collect::<Vec<_>>(), [(ada.id, 3)]);
    assert!(store.count_api_keys_of(mine.id, &[bob.id]).await.unwrap().is_empty());
    assert!(store.count_api_keys_of(mine.id, &[]).await.unwrap().is_empty());
}

/// Reads a list to its end, two at a time.
async fn read_all<T>(read: impl AsyncFn(PageRequest) -> Page<T>) -> Vec<T> {
    let (mut request, mut all) = (PageRequest { after: None, limit: 2 }, Vec::new());
    loop {
        let page = read(request.clone()).await;
        all.extend(page.items);
        if page.next.is_none() {
            return all;
        }
        request.after = page.next;
    }
}

/// Members are listed in pages by when they joined, found by their address, and in no other workspace than their own.
pub(crate) async fn members_are_listed(store: &Store) {
    let (mine, _) = owner(store, "mine").await;
    let (other, _) = owner(store, "other").await;
    let mut change = store.change().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..5 {
        let person = account(&format!("Person{number}@example.org"));
        change.insert_account(&person).await.unwrap();
        let role = if number == 0 { Role::Admin } else { Role::Member };
        change.insert_member(mine.id, person.account.id, role, at(number)).await.unwrap();
        ids.push(person.account.id);
    }
    change.insert_member(other.id, ids[4], Role::Admin, at(9)).await.unwrap();
    change.publish(&audit()).await.unwrap();
    let members = read_all(async |page| store.page_members(mine.id, None, &page).await.unwrap()).await;
    let listed: Vec<_> =
        members.iter().map(|member| (member.account.id, member.role, member.joined_at)).collect();
    let expected: Vec<_> = (0..5)
        .zip(&ids)
        .map(|(second, id)| (*id, if second == 0 { Role::Admin } else { Role::Member }, at(second)))
        .collect();
    assert_eq!(listed, expected);
    let found = store.page_members(mine.id, Some("PERSON3@"), &ALL).await.unwrap().items;
    assert_eq!(found.iter().map(|member| member.account.id).collect::<Vec<_>>(), [ids[3]]);
    assert!(store.page_members(other.id, Some("person3"), &ALL).await.unwrap().items.is_empty());
    assert_eq!(store.find_member(mine.id, ids[3]).await.unwrap(), Some(members[3].clone()));
    assert_eq!(store.find_member(other.id, ids[3]).await.unwrap(), None);
    assert_eq!(store.find_member(other.id, ids[4]).await.unwrap().unwrap().role, Role::Admin);
}

/// Operators find accounts and open workspaces, the newest first.
pub(crate) async fn the_instance_is_looked_through(store: &Store) {
    let (first, _) = owner(store, "First").await;
    let (second, _) = owner(store, "Second").await;
    let mut change = store.change().await.unwrap();
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut person = account(&format!("p{number}@example.org"));
        person.account.created_at = at(number);
        change.insert_account(&person).await.unwrap();
        ids.insert(0, person.account.id);
    }
    change.publish(&audit()).await.unwrap();
    let accounts = read_all(async |page| store.search_accounts(None, &page).await.unwrap()).await;
    assert_eq!(accounts.iter().map(|account| account.id).collect::<Vec<_>>(), ids);
    let found = store.search_accounts(Some("P3@EXAMPLE"), &ALL).await.unwrap().items;
    assert_eq!(found.iter().map(|account| account.id).collect::<Vec<_>>(), [ids[1]]);
    let by_id = store.search_accounts(Some(&ids[0].to_string()), &ALL).await.unwrap().items;
    assert_eq!(by_id.len(), 1);
    let named = async |text: Option<&str>| {
        let found = store.search_workspaces(text, &ALL).await.unwrap().items;
        let mut names: Vec<_> = found.into_iter().map(|(workspace, _)| workspace.name).collect();
        names.sort();
        names
    };
    assert_eq!(named(None).await, ["First", "Second"]);
    assert_eq!(named(Some("first")).await, ["First"]);
    assert_eq!(named(Some(&second.id.to_string())).await, ["Second"]);
    assert_eq!(store.count_accounts_and_workspaces().await.unwrap(), (5, 2));
    let mut change = store.change().await.unwrap();
    assert!(change.close_workspace(first.id, at(1)).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert_eq!(named(None).await, ["Second"]);
    assert_eq!(store.count_accounts_and_workspaces().await.unwrap(), (5, 1));
}

/// The log is read from its end, in pages that add up, through the same filters.
pub(crate) async fn the_log_is_read_from_its_end(store: &Store) {
    let (mine, _) = owner(store, "mine").await;
    let (other, _) = owner(store, "other").await;
    for second in 0..7 {
        let mut entry = audit();
        entry.at = at(second);
        entry.workspace_id = Some(if second == 3 { other.id } else { mine.id });
        entry.action = if second < 5 { AuditAction::ApiKeyCreated } else { AuditAction::ApiKeyRevoked };
        store.change().await.unwrap().publish(&entry).await.unwrap();
    }
    let read = async |filter: AuditFilter| {
        let (mut before, mut seconds) = (None, Vec::new());
        loop {
            let page = store.find_newest_audit_events(&filter, before, 2).await.unwrap();
            seconds.extend(page.iter().map(|event| event.at.micros_since(at(0)) / 1_000_000));
            let Some(last) = page.last() else { return seconds };
            before = Some(last.sequence);
        }
    };
    let filter = AuditFilter { workspace_id: Some(mine.id), ..AuditFilter::default() };
    assert_eq!(read(filter.clone()).await, [6, 5, 4, 2, 1, 0]);
    let created = AuditFilter { action: Some(AuditAction::ApiKeyCreated), ..filter.clone() };
    assert_eq!(read(created).await, [4, 2, 1, 0]);
    let either = AuditFilter { or_subject: Some("other".to_owned()), ..filter.clone() };
    assert!(read(either.clone()).await.is_empty());
    assert_eq!(read(AuditFilter { subject: Some("subject".to_owned()), ..either }).await, [6, 5, 4, 2, 1, 0]);
    let between = AuditFilter { since: Some(at(1)), until: Some(at(6)), ..filter };
    assert_eq!(read(between).await, [5, 4, 2, 1]);
}
