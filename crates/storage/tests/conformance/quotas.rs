//! Quotas on audio, and refusals by their reasons.

use std::collections::BTreeMap;

use domain::link::{Change, UsageRecord};
use domain::usage::{Day, UsageGroup, UsageKey, UsageQuery};
use domain::{ClientRef, Month, ProjectId, QuotaScope, Reason};
use storage::{Quota, Store};

use super::builders::{api_key, at, audit, batch, new_project, owner};
use super::owners::usage;

fn quota(project_id: ProjectId, scope: QuotaScope, seconds: u32) -> Quota {
    Quota { project_id, scope, audio_seconds_per_month_max: seconds, set_at: at(0) }
}

async fn set(store: &Store, quota: &Quota) {
    let mut change = store.change().await.unwrap();
    change.set_quota(quota).await.unwrap();
    change.publish(&audit()).await.unwrap();
}

/// A quota is set, replaced and taken away; the snapshot has those that are; other workspaces and deleted projects have none. What is
/// used in a month is told by what it is set for.
pub(crate) async fn quotas_are_set_and_told(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let (other, _) = owner(store, "other").await;
    let mut change = store.change().await.unwrap();
    let gone = change.insert_project(new_project(workspace.id, "gone")).await.unwrap();
    let key = api_key(workspace.id, project.id, "k");
    change.insert_api_key(&key).await.unwrap();
    change.publish(&audit()).await.unwrap();
    let ann = ClientRef::new("ann%").unwrap();
    let quotas = [
        quota(project.id, QuotaScope::ApiKey(key.id), 7),
        quota(project.id, QuotaScope::ClientRef(ann.clone()), u32::MAX),
        quota(project.id, QuotaScope::EachClientRef, 3),
        quota(project.id, QuotaScope::Project, 0),
    ];
    set(store, &quota(gone.id, QuotaScope::Project, 1)).await;
    set(store, &quota(project.id, QuotaScope::Project, 99)).await;
    for quota in &quotas {
        set(store, quota).await;
    }
    let mut change = store.change().await.unwrap();
    assert!(change.delete_project(workspace.id, gone.id, at(1)).await.unwrap());
    assert!(
        !change
            .remove_quota(project.id, &QuotaScope::ClientRef(ClientRef::new("ann_").unwrap()))
            .await
            .unwrap()
    );
    assert_eq!(change.count_quotas(workspace.id).await.unwrap(), 4);
    assert!(change.has_api_key(project.id, key.id).await.unwrap());
    assert!(!change.has_api_key(gone.id, key.id).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.list_quotas(workspace.id).await.unwrap(), quotas);
    assert!(store.list_quotas(other.id).await.unwrap().is_empty());
    let told = store.snapshot().await.unwrap().changes;
    for quota in &quotas {
        let max = told.iter().find_map(|(_, change)| match change {
            Change::Quota { project_id, scope, audio_seconds_per_month_max }
                if *project_id == quota.project_id && *scope == quota.scope =>
            {
                Some(*audio_seconds_per_month_max)
            }
            _ => None,
        });
        assert_eq!(max, Some(Some(quota.audio_seconds_per_month_max)), "{quota:?}");
    }
    let day = |text: &str| Day::parse(text).unwrap().start();
    let record = |day, project_id, client_ref: Option<&ClientRef>, audio_millis| UsageRecord {
        day,
        client_ref: client_ref.cloned(),
        audio_millis,
        ..usage(project_id, key.id)
    };
    let records = [
        record(day("2027-01-31"), project.id, Some(&ann), 1),
        record(day("2027-02-01"), project.id, Some(&ann), 10),
        record(day("2027-02-28"), project.id, None, 100),
        record(day("2027-03-01"), project.id, None, 1000),
        record(day("2027-02-28"), gone.id, None, 10_000),
    ];
    store.record_usage(batch("eu1/a", 1), &records, at(0)).await.unwrap();
    let month = Month::of(day("2027-02-15"));
    let audio = store.month_audio(workspace.id, month, &quotas).await.unwrap();
    assert_eq!(audio.workspace_millis, 10_110, "deleted projects count");
    assert_eq!(quotas.each_ref().map(|quota| audio.of(quota)), [Some(10_110), Some(10), None, Some(110)]);
    let nothing = store.month_audio(other.id, month, &[]).await.unwrap();
    assert_eq!(nothing.workspace_millis, 0);
    let mut change = store.change().await.unwrap();
    assert!(change.remove_quota(project.id, &QuotaScope::Project).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert_eq!(store.list_quotas(workspace.id).await.unwrap(), quotas[..3]);
}

/// Refusals are summed up by their reasons, once for each batch, and forgetting an end user keeps the sums.
pub(crate) async fn refusals_are_summed_up(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let key = api_key(workspace.id, project.id, "k");
    let ann = ClientRef::new("ann").unwrap();
    let refused = BTreeMap::from([(Reason::RateLimited, 2), (Reason::AudioSpent, 1)]);
    let record = UsageRecord {
        day: Day::parse("2027-02-01").unwrap().start(),
        client_ref: Some(ann.clone()),
        refusals: 3,
        refused: refused.clone(),
        ..usage(project.id, key.id)
    };
    let mut other = UsageRecord { client_ref: None, ..record.clone() };
    other.refused = BTreeMap::from([(Reason::RateLimited, 5)]);
    for _ in 0..2 {
        store
            .record_usage(batch("eu1/a", 1), &[record.clone(), record.clone(), other.clone()], at(0))
            .await
            .unwrap();
    }
    let query = |groups: &[UsageGroup]| UsageQuery {
        workspace_id: workspace.id,
        since: Day::parse("2027-01-01").unwrap(),
        until: Day::parse("2027-12-31").unwrap(),
        project_id: None,
        api_key_id: None,
        client_ref: None,
        region: None,
        groups: groups.iter().copied().collect(),
    };
    let all = BTreeMap::from([(Reason::RateLimited, 9), (Reason::AudioSpent, 2)]);
    let sums = store.sum_refusals(&query(&[])).await.unwrap();
    assert_eq!(sums, BTreeMap::from([(UsageKey::default(), all.clone())]));
    let by_user = store.sum_refusals(&query(&[UsageGroup::ClientRef])).await.unwrap();
    let of = |client_ref| UsageKey { client_ref: Some(client_ref), ..UsageKey::default() };
    assert_eq!(
        by_user[&of(Some(ann.clone()))],
        BTreeMap::from([(Reason::RateLimited, 4), (Reason::AudioSpent, 2)])
    );
    let mut change = store.change().await.unwrap();
    change.forget_usage(project.id, &ann).await.unwrap();
    change.publish(&audit()).await.unwrap();
    let by_user = store.sum_refusals(&query(&[UsageGroup::ClientRef])).await.unwrap();
    assert_eq!(by_user, BTreeMap::from([(of(None), all)]));
    let total = store.sum_usage(&query(&[]), 10).await.unwrap();
    assert_eq!(total[0].1.refusals, 9, "and not counted twice beside them");
}
