//! What people at a desk need of their API keys: finding one, seeing how it stands, making one by a form, and ending one
//! that has leaked.

use control::{
    Actor, AuditAction, CreateKeyError, KeyMaker, KeySearch, KeyStanding, ListKeysError, Made, NewKey,
    PageRequest, RevokeKeyError, RotateKeyError,
};
use domain::link::{FromGateway, SessionInfo, ToGateway, UsageRecord};
use domain::usage::Day;
use domain::{
    ApiKeyId, ClientRef, PermissionSet, Plan, Product, ProjectId, Region, Role, SessionId, SystemRng,
    Workspace, WorkspaceId,
};

use crate::support::{ACTOR, Instance, PEER, request};

const PAGE: PageRequest = PageRequest { after: None, limit: 50 };
const PASSWORD: &str = "correct horse battery staple";

async fn standing(instance: &Instance, workspace: &Workspace, id: ApiKeyId) -> KeyStanding {
    instance.control.show_key(workspace.id, id).await.unwrap().unwrap().standing
}

/// A key stands as it is: active, about to expire, on its way out beside a successor, expired, revoked.
#[tokio::test]
async fn keys_stand_as_they_are() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (control, now) = (&instance.control, instance.control.now());
    let made = async |days: Option<i64>| {
        let expires_at = days.map(|days| now.plus_seconds(days * 86_400));
        instance.key(&workspace, NewKey { expires_at, ..NewKey::named(project.id, "k") }).await.key.id
    };
    let (forever, later, soon) = (made(None).await, made(Some(30)).await, made(Some(6)).await);
    assert_eq!(standing(&instance, &workspace, forever).await, KeyStanding::Active);
    assert_eq!(standing(&instance, &workspace, later).await, KeyStanding::Active);
    let at = now.plus_seconds(6 * 86_400);
    assert_eq!(standing(&instance, &workspace, soon).await, KeyStanding::ExpiresSoon { at });
    let rotated = control.rotate_key(&ACTOR, workspace.id, forever, 3600).await.unwrap();
    let (at, successor) = (rotated.old_expires_at, rotated.key.id);
    assert_eq!(standing(&instance, &workspace, forever).await, KeyStanding::RotatingOut { at, successor });
    assert_eq!(standing(&instance, &workspace, successor).await, KeyStanding::Active);
    instance.clock.advance_seconds(3600);
    assert_eq!(standing(&instance, &workspace, forever).await, KeyStanding::Expired { at });
    control.revoke_key(&ACTOR, workspace.id, forever).await.unwrap();
    assert_eq!(standing(&instance, &workspace, forever).await, KeyStanding::Revoked { at: control.now() });
}

/// A list names who made each key as long as they are members; whoever left is not named. A project of others is refused.
#[tokio::test]
async fn lists_name_who_made_a_key() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, elsewhere) = instance.workspace(Plan::Pro).await;
    let control = &instance.control;
    let ada = control.create_account(&ACTOR, "ada@example.org", PASSWORD).await.unwrap().id;
    control.add_member(&ACTOR, workspace.id, ada, Role::Member).await.unwrap();
    let by_ada = Actor::account(ada);
    control.create_key(&by_ada, workspace.id, NewKey::named(project.id, "hers")).await.unwrap();
    instance.key(&workspace, NewKey::named(project.id, "ours")).await;
    let makers = async || {
        let found = control.search_keys(workspace.id, &KeySearch::default(), &PAGE).await.unwrap();
        found.items.into_iter().map(|listed| (listed.key.name, listed.maker)).collect::<Vec<_>>()
    };
    let ours = ("ours".to_owned(), KeyMaker::NoAccount);
    let hers = |maker| ("hers".to_owned(), maker);
    let mut named = makers().await;
    named.sort_by(|a, b| b.0.cmp(&a.0));
    assert_eq!(named, [ours.clone(), hers(KeyMaker::Member("ada@example.org".to_owned()))]);
    control.remove_member(&ACTOR, workspace.id, ada).await.unwrap();
    assert!(makers().await.contains(&hers(KeyMaker::FormerMember)));
    let foreign = KeySearch { project_id: Some(elsewhere.id), ..KeySearch::default() };
    let refused = control.search_keys(workspace.id, &foreign, &PAGE).await.unwrap_err();
    assert!(matches!(refused, ListKeysError::ProjectNotFound));
    assert!(control.search_keys(other.id, &foreign, &PAGE).await.unwrap().items.is_empty());
}

/// Whoever has found a secret learns which key of their workspace it is, and nothing about another's.
#[tokio::test]
async fn a_found_secret_names_its_key() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let made = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let find = async |workspace: WorkspaceId, secret: &str| {
        instance.control.find_key_by_secret(workspace, secret).await.unwrap()
    };
    assert_eq!(find(workspace.id, made.secret.expose()).await, Some(made.key.id));
    assert_eq!(find(other.id, made.secret.expose()).await, None);
    assert_eq!(find(workspace.id, "vgk_nothing").await, None);
    let minted = instance.mint(made.secret.expose(), &request(Product::Rt)).unwrap();
    assert_eq!(find(workspace.id, &minted.key_value).await, Some(made.key.id));
    assert_eq!(find(other.id, &minted.key_value).await, None);
    assert_eq!(find(workspace.id, &minted.key_value[..minted.key_value.len() - 1]).await, None);
    instance.control.revoke_key(&ACTOR, workspace.id, made.key.id).await.unwrap();
    assert_eq!(find(workspace.id, made.secret.expose()).await, Some(made.key.id));
}

/// A form makes one key however often it is sent, also after a restart; another form, person or workspace makes another.
#[tokio::test]
async fn a_form_makes_one_key() {
    let mut instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (other, elsewhere) = instance.workspace(Plan::Pro).await;
    let form = instance.control.new_form();
    let send = async |instance: &Instance, workspace: &Workspace, project: ProjectId, form| {
        let new = NewKey::named(project, "k");
        instance.control.create_key_once(&ACTOR, workspace.id, form, new).await.unwrap()
    };
    let Made::Now(first) = send(&instance, &workspace, project.id, form).await else { panic!() };
    let Made::Before(again) = send(&instance, &workspace, project.id, form).await else { panic!() };
    assert_eq!(again, first.key);
    instance = instance.restart().await;
    assert!(matches!(send(&instance, &workspace, project.id, form).await, Made::Before(_)));
    let (one, two) = tokio::join!(
        send(&instance, &other, elsewhere.id, form),
        send(&instance, &other, elsewhere.id, form)
    );
    assert_eq!([&one, &two].iter().filter(|made| matches!(made, Made::Now(_))).count(), 1);
    let next = instance.control.new_form();
    assert!(matches!(send(&instance, &workspace, project.id, next).await, Made::Now(_)));
    let keys = instance.control.list_keys(workspace.id, None).await.unwrap();
    assert_eq!(keys.len(), 2);
    let bad = NewKey::named(project.id, " ");
    let form = instance.control.new_form();
    let refused = instance.control.create_key_once(&ACTOR, workspace.id, form, bad).await;
    assert!(matches!(refused.unwrap_err(), CreateKeyError::InvalidName));
    assert!(
        matches!(send(&instance, &workspace, project.id, form).await, Made::Now(_)),
        "corrected, it works"
    );
}

/// The same for rotations and management tokens; a form of a workspace never grants power over the instance.
#[tokio::test]
async fn a_form_rotates_once_and_makes_one_token() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let control = &instance.control;
    let key = instance.key(&workspace, NewKey::named(project.id, "k")).await.key.id;
    let form = control.new_form();
    let rotate = async || control.rotate_key_once(&ACTOR, workspace.id, key, form, 60).await.unwrap();
    let Made::Now(rotated) = rotate().await else { panic!() };
    let Made::Before(again) = rotate().await else { panic!() };
    assert_eq!(again.id, rotated.key.id);
    assert_eq!(control.list_keys(workspace.id, None).await.unwrap().len(), 2);
    let too_long = control.rotate_key_once(&ACTOR, workspace.id, key, control.new_form(), u32::MAX).await;
    assert!(matches!(too_long.unwrap_err(), RotateKeyError::OverlapTooLong));

    let make = async || {
        let all = PermissionSet::all();
        control.create_management_token_once(&ACTOR, workspace.id, form, "t", all).await.unwrap()
    };
    let Made::Now(token) = make().await else { panic!() };
    let Made::Before(again) = make().await else { panic!() };
    assert_eq!(again, token.token);
    assert_eq!(again.permissions, PermissionSet::of_a_workspace());
    assert!(control.find_management_token(workspace.id, again.id).await.unwrap().is_some());
    let (other, _) = instance.workspace(Plan::Pro).await;
    assert!(control.find_management_token(other.id, again.id).await.unwrap().is_none());
}

/// A gateway with these sessions, which ends those that it is told to end.
fn gateway_with(instance: &Instance, mut sessions: Vec<SessionInfo>) -> tokio::task::JoinHandle<Vec<String>> {
    let mut port = instance.control.gateways().attach("eu1/a");
    tokio::spawn(async move {
        let mut reasons = Vec::new();
        while let Some(message) = port.incoming.recv().await {
            let answer = match message {
                ToGateway::Snapshot(snapshot) => FromGateway::Applied { revision: snapshot.revision },
                ToGateway::Change { revision, .. } => FromGateway::Applied { revision },
                ToGateway::ListSessions { request, filter } => {
                    let open = sessions.iter().filter(|session| {
                        filter.api_key_id.is_none_or(|id| session.api_key_id == id)
                            && filter.workspace_id.is_none_or(|id| session.workspace_id == id)
                    });
                    FromGateway::Sessions { request, sessions: open.cloned().collect() }
                }
                ToGateway::EndSession { session_id, reason, .. } => {
                    sessions.retain(|session| session.session_id != session_id);
                    reasons.push(reason);
                    continue;
                }
                _ => continue,
            };
            if port.outgoing.send(answer).await.is_err() {
                break;
            }
        }
        reasons
    })
}

fn session(workspace_id: WorkspaceId, project_id: ProjectId, api_key_id: ApiKeyId) -> SessionInfo {
    SessionInfo {
        session_id: SessionId::generate(crate::support::start_time(), &SystemRng),
        workspace_id,
        project_id,
        api_key_id,
        temporary_key_id: None,
        client_ref: None,
        region: Region::Eu1,
        product: Product::Rt,
        started_at: crate::support::start_time(),
        audio_seconds: 0.0,
        received_bytes: 0,
        peer: PEER,
    }
}

/// All sessions of a key end with one event in the log, those of other keys stay; nobody ends another workspace's.
#[tokio::test]
async fn all_sessions_of_a_key_end_together() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (stranger, _) = instance.workspace(Plan::Pro).await;
    let key = instance.key(&workspace, NewKey::named(project.id, "k")).await.key.id;
    let other = instance.key(&workspace, NewKey::named(project.id, "other")).await.key.id;
    let mut sessions: Vec<_> = (0..3).map(|_| session(workspace.id, project.id, key)).collect();
    sessions.push(session(workspace.id, project.id, other));
    let gateway = gateway_with(&instance, sessions);
    let control = &instance.control;
    let refused = control.end_sessions_of_key(&ACTOR, stranger.id, key, "theft").await;
    assert!(matches!(refused.unwrap_err(), control::EndSessionsError::KeyNotFound));
    assert_eq!(control.end_sessions_of_key(&ACTOR, workspace.id, key, "closing").await.unwrap(), 3);
    assert_eq!(control.end_sessions_of_key(&ACTOR, workspace.id, key, "closing").await.unwrap(), 0);
    let open = control.gateways().list_sessions(workspace.id, Default::default()).await.sessions;
    assert_eq!(open.iter().map(|session| session.api_key_id).collect::<Vec<_>>(), [other]);
    let log = control.list_audit_events(workspace.id, 0, 100).await.unwrap();
    let ended: Vec<_> = log.iter().filter(|event| event.action == AuditAction::SessionsEnded).collect();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].subject.clone(), ended[0].detail.as_str()), (key.to_string(), "open sessions 3"));
    control.close().await;
    assert_eq!(gateway.await.unwrap(), ["closing"; 3]);
}

/// A leaked key is dead, the log says that it leaked and how much was open; what it did since a day is told, and what was
/// done before isn't; another workspace is told nothing.
#[tokio::test]
async fn a_leaked_key_is_ended_and_told_of() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let (stranger, _) = instance.workspace(Plan::Pro).await;
    let control = &instance.control;
    let made = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let key = made.key.id;
    let port = control.gateways().attach("us1/a");
    let yesterday = Day::of(control.now()).plus_days(-1);
    let record = |day: Day, client_ref: &str, requests| UsageRecord {
        project_id: project.id,
        api_key_id: key,
        client_ref: ClientRef::new(client_ref).ok(),
        region: Region::Us1,
        product: Product::Batch,
        day: day.start(),
        requests,
        ..empty_record(project.id, key)
    };
    let records = vec![
        record(yesterday.plus_days(-1), "old", 5),
        record(yesterday, "few", 1),
        record(yesterday, "many", 9),
    ];
    let mut port = port;
    port.outgoing.send(FromGateway::UsageBatch { number: 1, records }).await.unwrap();
    while !matches!(port.incoming.recv().await.unwrap(), ToGateway::UsageCounted { .. }) {}
    drop(port);
    let gateway = gateway_with(&instance, vec![session(workspace.id, project.id, key)]);

    assert!(matches!(
        control.revoke_leaked_key(&ACTOR, stranger.id, key).await.unwrap_err(),
        RevokeKeyError::NotFound
    ));
    assert!(instance.mint(made.secret.expose(), &request(Product::Rt)).is_ok());
    let ended = control.revoke_leaked_key(&ACTOR, workspace.id, key).await.unwrap();
    assert_eq!(ended.ended_sessions, 1);
    assert!(instance.mint(made.secret.expose(), &request(Product::Rt)).is_err());
    assert!(matches!(
        control.revoke_leaked_key(&ACTOR, workspace.id, key).await.unwrap_err(),
        RevokeKeyError::AlreadyRevoked
    ));

    assert!(control.key_activity(stranger.id, key, yesterday.start()).await.unwrap().is_none());
    let told =
        control.key_activity(workspace.id, key, yesterday.start().plus_seconds(3600)).await.unwrap().unwrap();
    assert_eq!((told.since, told.total.requests, told.by_day.len()), (yesterday, 10, 1));
    assert_eq!(told.by_place[0].0.region, Some(Region::Us1));
    let users: Vec<_> = told.by_client_ref.unwrap().into_iter().map(|(user, _)| user.client_ref).collect();
    assert_eq!(users, [Some(ClientRef::new("many").ok()), Some(ClientRef::new("few").ok())]);
    let events: Vec<_> = told.events.iter().map(|event| (event.action, event.detail.as_str())).collect();
    assert_eq!(events.last(), Some(&(AuditAction::ApiKeyRevoked, "leaked, open sessions 1")));
    assert_eq!(events[0].0, AuditAction::ApiKeyCreated);
    control.close().await;
    gateway.await.unwrap();
}

fn empty_record(project_id: ProjectId, api_key_id: ApiKeyId) -> UsageRecord {
    UsageRecord {
        project_id,
        api_key_id,
        client_ref: None,
        region: Region::Eu1,
        product: Product::Rt,
        day: Day::of(crate::support::start_time()).start(),
        requests: 0,
        sessions: 0,
        audio_millis: 0,
        received_bytes: 0,
        refusals: 0,
        refused: Default::default(),
    }
}
