//! Which quotas on audio hold for whom: those of the workspace, the project, the key and the end user, and nobody else's.

use domain::link::Change;
use domain::{
    ApiKeyId, AudioQuota, ClientRef, Plan, PlanLimits, ProjectId, QuotaScope, QuotaSubject, WorkspaceId,
};

use crate::world::{NOW, PROJECT, World};

fn client_ref(text: &str) -> ClientRef {
    ClientRef::new(text).unwrap()
}

/// Sets a quota of a project, or takes it away.
fn set(world: &World, project_id: ProjectId, scope: QuotaScope, seconds: Option<u32>) {
    world.apply(&[Change::Quota { project_id, scope, audio_seconds_per_month_max: seconds }]);
}

/// What holds for an end user under the world's key.
fn held(world: &World, user: Option<&str>) -> Vec<(QuotaSubject, u32)> {
    let user = user.map(client_ref);
    let quotas = world.tables.audio_quotas(PROJECT, world.record.id, user.as_ref());
    quotas.into_iter().map(|AudioQuota { subject, audio_seconds_max }| (subject, audio_seconds_max)).collect()
}

fn limited(world: &World) -> (QuotaSubject, u32) {
    let limits = PlanLimits { audio_seconds_per_month_max: Some(10_000), ..Plan::Pro.default_limits() };
    world.apply(&[Change::Workspace { id: world.workspace_id, limits }]);
    (QuotaSubject::Workspace(world.workspace_id), 10_000)
}

/// Each quota that is set holds, beside the others; one that is taken away holds no more.
#[test]
fn every_quota_holds_for_its_own() {
    let world = World::new();
    assert_eq!(held(&world, Some("user-1")), []);
    let workspace = limited(&world);
    assert_eq!(held(&world, None), std::slice::from_ref(&workspace));
    set(&world, PROJECT, QuotaScope::Project, Some(2_000));
    set(&world, PROJECT, QuotaScope::ApiKey(world.record.id), Some(300));
    set(&world, PROJECT, QuotaScope::ClientRef(client_ref("user-1")), Some(40));
    let common =
        [workspace, (QuotaSubject::Project(PROJECT), 2_000), (QuotaSubject::ApiKey(world.record.id), 300)];
    assert_eq!(held(&world, None), common);
    assert_eq!(held(&world, Some("user-2")), common);
    let user = (QuotaSubject::ClientRef(PROJECT, client_ref("user-1")), 40);
    assert_eq!(held(&world, Some("user-1")), [&common[..], &[user]].concat());

    set(&world, PROJECT, QuotaScope::Project, None);
    assert_eq!(held(&world, None), [common[0].clone(), common[2].clone()]);
}

/// What is set for each end user holds for those who have nothing of their own.
#[test]
fn an_own_quota_stands_before_that_of_each() {
    let world = World::new();
    set(&world, PROJECT, QuotaScope::EachClientRef, Some(60));
    set(&world, PROJECT, QuotaScope::ClientRef(client_ref("user-1")), Some(600));
    let of = |user: &str, seconds| [(QuotaSubject::ClientRef(PROJECT, client_ref(user)), seconds)];
    assert_eq!(held(&world, Some("user-1")), of("user-1", 600));
    assert_eq!(held(&world, Some("user-2")), of("user-2", 60));
    assert_eq!(held(&world, None), []);
}

/// Quotas of other projects, keys and workspaces hold for nobody here.
#[test]
fn foreign_quotas_do_not_hold() {
    let world = World::new();
    let other = ProjectId::new(7);
    world.apply(&[Change::Project { id: other, workspace_id: world.workspace_id }]);
    for scope in [QuotaScope::Project, QuotaScope::EachClientRef, QuotaScope::ApiKey(world.record.id)] {
        set(&world, other, scope, Some(5));
    }
    let (_, second) = world.add_key(|_| {});
    set(&world, PROJECT, QuotaScope::ApiKey(second.id), Some(5));
    let foreign = WorkspaceId::generate(NOW, &domain::SystemRng);
    let limits = PlanLimits { audio_seconds_per_month_max: Some(5), ..Plan::Pro.default_limits() };
    world.apply(&[Change::Workspace { id: foreign, limits }]);
    assert_eq!(held(&world, Some("user-1")), []);
}

/// A counter asks for the quota of one subject, and is told what holds now.
#[test]
fn one_subject_has_one_quota() {
    let world = World::new();
    let max = |subject: &QuotaSubject| world.tables.audio_seconds_max(PROJECT, subject);
    let key = QuotaSubject::ApiKey(world.record.id);
    let (workspace, seconds) = limited(&world);
    assert_eq!((max(&workspace), max(&key)), (Some(seconds), None));
    set(&world, PROJECT, QuotaScope::ApiKey(world.record.id), Some(300));
    assert_eq!(max(&key), Some(300));
    set(&world, PROJECT, QuotaScope::ApiKey(world.record.id), Some(0));
    assert_eq!(max(&key), Some(0));
    let unknown = [
        QuotaSubject::ApiKey(ApiKeyId::generate(NOW, &domain::SystemRng)),
        QuotaSubject::Workspace(WorkspaceId::generate(NOW, &domain::SystemRng)),
        QuotaSubject::Project(PROJECT),
        QuotaSubject::ClientRef(PROJECT, client_ref("user-1")),
    ];
    for subject in &unknown {
        assert_eq!(max(subject), None, "{subject:?}");
    }
}
