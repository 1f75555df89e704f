//! Usage, summed up and forgotten.

use domain::link::UsageRecord;
use domain::usage::{Day, Mode, UsageCounts, UsageGroup, UsageGroups, UsageKey, UsageQuery};
use domain::{ApiKeyId, ClientRef, Product, ProjectId, Region, WorkspaceId};
use storage::Store;

use super::builders::{at, audit, batch, new_project, owner};
use super::owners::usage;

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn alice() -> ClientRef {
    ClientRef::new("alice").unwrap()
}

/// Everything of a workspace, told apart by these.
fn all(workspace_id: WorkspaceId, groups: &[UsageGroup]) -> UsageQuery {
    UsageQuery {
        workspace_id,
        since: day("2027-01-01"),
        until: day("2027-12-31"),
        project_id: None,
        api_key_id: None,
        client_ref: None,
        region: None,
        groups: groups.iter().copied().collect(),
    }
}

async fn second_project(store: &Store, workspace_id: WorkspaceId) -> ProjectId {
    let mut change = store.change().await.unwrap();
    let project = change.insert_project(new_project(workspace_id, "two")).await.unwrap();
    change.publish(&audit()).await.unwrap();
    project.id
}

/// So many times what the builder counts.
fn counts(times: u64) -> UsageCounts {
    UsageCounts {
        requests: times,
        sessions: 2 * times,
        audio_millis: 3 * times,
        received_bytes: 4 * times,
        refusals: 5 * times,
    }
}

/// One line of each kind that the sums below tell apart.
fn lines(one: ProjectId, two: ProjectId) -> Vec<UsageRecord> {
    let base = UsageRecord { day: day("2027-02-01").start(), ..usage(one, ApiKeyId::from_u128(1)) };
    let with = |product, region, client_ref: Option<ClientRef>, day: Day| UsageRecord {
        product,
        region,
        client_ref,
        day: day.start(),
        ..base.clone()
    };
    vec![
        with(Product::Batch, Region::Eu1, None, day("2027-02-01")),
        with(Product::Tts, Region::Eu1, None, day("2027-02-01")),
        with(Product::Rt, Region::Us1, Some(alice()), day("2027-02-01")),
        with(Product::Flow, Region::Eu1, Some(alice()), day("2027-02-02")),
        UsageRecord { project_id: two, api_key_id: ApiKeyId::from_u128(2), ..base },
    ]
}

async fn sums(store: &Store, query: &UsageQuery) -> Vec<(UsageKey, UsageCounts)> {
    store.sum_usage(query, 100).await.unwrap()
}

/// Whatever usage is told apart by, the sums are exact, in order, and add up to the same.
pub(crate) async fn usage_is_summed_up(store: &Store) {
    let (workspace, one) = owner(store, "w").await;
    let two = second_project(store, workspace.id).await;
    assert_eq!(sums(store, &all(workspace.id, &[])).await, [(UsageKey::default(), counts(0))]);
    store.record_usage(batch("eu1/a", 1), &lines(one.id, two), at(0)).await.unwrap();
    store.record_usage(batch("eu1/a", 2), &lines(one.id, two), at(0)).await.unwrap();
    assert_eq!(sums(store, &all(workspace.id, &[])).await, [(UsageKey::default(), counts(10))]);
    let none = UsageKey::default();
    let by_mode = sums(store, &all(workspace.id, &[UsageGroup::Mode])).await;
    let mode = |mode| UsageKey { mode: Some(mode), ..none.clone() };
    assert_eq!(by_mode, [(mode(Mode::Batch), counts(6)), (mode(Mode::Realtime), counts(4))]);
    let by_day = sums(store, &all(workspace.id, &[UsageGroup::Day])).await;
    let on = |text: &str| UsageKey { day: Some(day(text)), ..none.clone() };
    assert_eq!(by_day, [(on("2027-02-01"), counts(8)), (on("2027-02-02"), counts(2))]);
    let by_user = sums(store, &all(workspace.id, &[UsageGroup::ClientRef])).await;
    let of = |client_ref| UsageKey { client_ref: Some(client_ref), ..none.clone() };
    assert_eq!(by_user, [(of(None), counts(6)), (of(Some(alice())), counts(4))]);
    for group in UsageGroup::ALL {
        let rows = sums(store, &all(workspace.id, &[*group])).await;
        let total = rows.iter().fold(counts(0), |sum, (_, counts)| sum.plus(*counts));
        assert_eq!(total, counts(10), "{group}");
        assert!(rows.is_sorted_by_key(|(key, _)| key.clone()), "{group}");
    }
    let everything = UsageQuery { groups: UsageGroups::all(), ..all(workspace.id, &[]) };
    assert_eq!(sums(store, &everything).await.len(), 4, "Batch and Tts are one mode");
}

/// A filter leaves out what it names, and days at both ends belong to it.
pub(crate) async fn usage_is_narrowed(store: &Store) {
    let (workspace, one) = owner(store, "w").await;
    let (other, _) = owner(store, "other").await;
    let two = second_project(store, workspace.id).await;
    store.record_usage(batch("eu1/a", 1), &lines(one.id, two), at(0)).await.unwrap();
    let base = all(workspace.id, &[]);
    for (query, times) in [
        (UsageQuery { project_id: Some(two), ..base.clone() }, 1),
        (UsageQuery { api_key_id: Some(ApiKeyId::from_u128(1)), ..base.clone() }, 4),
        (UsageQuery { client_ref: Some(alice()), ..base.clone() }, 2),
        (UsageQuery { region: Some(Region::Us1), ..base.clone() }, 1),
        (UsageQuery { since: day("2027-02-02"), ..base.clone() }, 1),
        (UsageQuery { until: day("2027-02-01"), ..base.clone() }, 4),
        (UsageQuery { since: day("2027-02-03"), ..base.clone() }, 0),
        (UsageQuery { workspace_id: other.id, ..base.clone() }, 0),
        (UsageQuery { workspace_id: other.id, project_id: Some(one.id), ..base.clone() }, 0),
    ] {
        assert_eq!(sums(store, &query).await, [(UsageKey::default(), counts(times))], "{query:?}");
    }
    let by_day = all(other.id, &[UsageGroup::Day]);
    assert!(sums(store, &by_day).await.is_empty());
    let everything = UsageQuery { groups: UsageGroups::all(), ..base };
    assert!(
        store.sum_usage(&everything, 3).await.unwrap().len() > 3,
        "more than were wanted is told as that"
    );
}

/// What a forgotten end user used is counted for nobody in particular: no sum changes but theirs, and nothing is lost when
/// there was such a line already. Another project's end user of the same name, and one of a similar name, stay.
pub(crate) async fn usage_of_an_end_user_is_forgotten(store: &Store) {
    let (workspace, one) = owner(store, "w").await;
    let two = second_project(store, workspace.id).await;
    let mut records = lines(one.id, two);
    let of = |project_id, name: &str| UsageRecord {
        project_id,
        client_ref: Some(ClientRef::new(name).unwrap()),
        ..records[0].clone()
    };
    records.extend([of(one.id, "alice"), of(one.id, "Alice"), of(two, "alice")]);
    store.record_usage(batch("eu1/a", 1), &records, at(0)).await.unwrap();
    let groups =
        [UsageGroup::Day, UsageGroup::Project, UsageGroup::ApiKey, UsageGroup::Region, UsageGroup::Mode];
    let before = sums(store, &all(workspace.id, &groups)).await;
    let mut change = store.change().await.unwrap();
    assert_eq!(change.forget_usage(one.id, &alice()).await.unwrap(), 3);
    assert_eq!(change.forget_usage(one.id, &alice()).await.unwrap(), 0);
    assert_eq!(change.list_project_ids(workspace.id).await.unwrap(), [one.id, two]);
    assert_eq!(change.count_isolated_keys(one.id, &alice()).await.unwrap(), 0);
    change.publish(&audit()).await.unwrap();
    assert_eq!(sums(store, &all(workspace.id, &groups)).await, before);
    let of = |name: &str| UsageQuery {
        client_ref: ClientRef::new(name).ok(),
        ..all(workspace.id, &[UsageGroup::Project])
    };
    let left = sums(store, &of("alice")).await;
    assert_eq!(left.iter().map(|(key, _)| key.project_id).collect::<Vec<_>>(), [Some(two)]);
    assert_eq!(sums(store, &of("Alice")).await.len(), 1);
}
