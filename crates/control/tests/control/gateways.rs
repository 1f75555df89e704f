//! The feed's sending end: what gateways are told, in which order, and who waits for whom.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use control::{AuditAction, Enforced, GatewayPort, NewKey};
use domain::link::{Change, FromGateway, Revision, SessionFilter, SessionInfo, ToGateway, UsageRecord};
use domain::{ApiKeyId, Plan, Product, Project, Region, SessionId, SystemRng, Timestamp, Workspace};
use storage::Store;
use tokio::task::JoinSet;

use crate::support::{ACTOR, Follower, Instance, PEER, start_time};

async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())).await
}

async fn snapshot_revision(port: &mut GatewayPort) -> Revision {
    match port.incoming.recv().await.unwrap() {
        ToGateway::Snapshot(snapshot) => snapshot.revision,
        other => panic!("expected a snapshot, got {other:?}"),
    }
}

async fn applied(port: &GatewayPort, revision: Revision) {
    port.outgoing.send(FromGateway::Applied { revision }).await.unwrap();
}

/// A gateway is told everything first, then each change, and a change is answered only when the gateway says that it
/// enforces it.
#[tokio::test]
async fn a_change_is_answered_when_the_gateway_enforces_it() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let mut port = instance.control.gateways().attach("eu1/a");
    let first = snapshot_revision(&mut port).await;
    assert_eq!(first, instance.control.tables().revision());
    applied(&port, first).await;

    let made = instance.control.create_key(&ACTOR, workspace.id, NewKey::named(project.id, "k"));
    let mut made = Box::pin(made);
    let (revision, changes) = loop {
        assert!(is_pending(&mut made).await, "answered before it is enforced");
        if let Ok(message) = port.incoming.try_recv() {
            match message {
                ToGateway::Change { revision, changes } => break (revision, changes),
                other => panic!("expected a change, got {other:?}"),
            }
        }
        tokio::task::yield_now().await;
    };
    assert!(is_pending(&mut made).await, "answered before it is enforced");
    let pending = Enforced { enforced: Vec::new(), pending: vec![String::from("eu1/a")] };
    assert_eq!(instance.control.gateways().health()[0].enforced, first);
    applied(&port, revision).await;
    let made = made.await.unwrap();
    assert_eq!((made.revision, revision), (revision, Revision(first.0 + 1)));
    assert!(matches!(&changes[..], [Change::Key(record)] if record.id == made.key.id));
    let enforced = instance.control.gateways().wait_enforced(revision).await;
    assert_eq!(enforced, Enforced { enforced: pending.pending, pending: Vec::new() });
}

/// A gateway is told that control is there though nothing changes, so that silence means something; what it answers is when it
/// was last heard.
#[tokio::test]
async fn control_says_that_it_is_there() {
    let instance = Instance::new().await;
    let gateways = instance.control.gateways();
    let mut port = gateways.attach("eu1/a");
    let first = snapshot_revision(&mut port).await;
    applied(&port, first).await;
    instance.clock.advance_seconds(60);
    match port.incoming.recv().await.unwrap() {
        ToGateway::Heartbeat { newest } => assert_eq!(newest, first),
        other => panic!("expected a heartbeat, got {other:?}"),
    }
    applied(&port, first).await;
    let now = instance.control.now();
    while gateways.health()[0].heard_at != Some(now) {
        tokio::task::yield_now().await;
    }
    assert_eq!((gateways.health()[0].enforced, gateways.health()[0].newest), (first, first));
}

/// A gateway that goes away is waited for no longer, and one that comes back begins with everything.
#[tokio::test]
async fn a_gateway_that_goes_away_is_not_waited_for() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let mut port = instance.control.gateways().attach("eu1/a");
    let first = snapshot_revision(&mut port).await;
    applied(&port, first).await;
    let mut made =
        Box::pin(instance.control.create_key(&ACTOR, workspace.id, NewKey::named(project.id, "k")));
    while port.incoming.is_empty() {
        assert!(is_pending(&mut made).await);
        tokio::task::yield_now().await;
    }
    drop(port);
    let made = made.await.unwrap();
    let mut back = instance.control.gateways().attach("eu1/a");
    assert_eq!(snapshot_revision(&mut back).await, made.revision);
}

/// However many change things at once, each gateway sees every revision once, in order, and they all end up the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_reach_gateways_in_order() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let early = Follower::attach(&instance.control, "eu1/a");
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let control = Arc::clone(&instance.control);
        callers.spawn(async move {
            for _ in 0..5 {
                let new = NewKey::named(project.id, "k");
                let made = control.create_key(&ACTOR, workspace.id, new).await.unwrap();
                let now = control.now();
                assert!(control.tables().mint_rights(made.secret.expose(), PEER, now).is_ok());
                control.revoke_key(&ACTOR, workspace.id, made.key.id).await.unwrap();
                assert!(control.tables().mint_rights(made.secret.expose(), PEER, now).is_err());
            }
        });
    }
    let late = Follower::attach(&instance.control, "us1/a");
    callers.join_all().await;
    let newest = instance.control.tables().revision();
    let enforced = instance.control.gateways().wait_enforced(newest).await;
    assert!(enforced.pending.is_empty(), "{enforced:?}");
    for gateway in [&early, &late] {
        let seen = gateway.seen.lock().unwrap().clone();
        let steps = seen.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1);
        assert!(steps && seen.last() == Some(&newest), "{seen:?}");
        assert_eq!(gateway.tables.api_keys(), 40);
    }
}

/// Sessions are listed of the asking workspace only, over all gateways; one is ended by whom it belongs to.
#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner() {
    let instance = Instance::new().await;
    let (mine, project) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let sessions: Vec<_> = (0..2).map(|number| session(&mine, &project, number)).collect();
    let ports = ["eu1/a", "us1/a"].map(|name| instance.control.gateways().attach(name));
    let (ended, mut endings) = tokio::sync::mpsc::unbounded_channel();
    for (port, session) in ports.into_iter().zip(sessions.clone()) {
        let ended = ended.clone();
        tokio::spawn(async move {
            let GatewayPort { mut incoming, outgoing } = port;
            while let Some(message) = incoming.recv().await {
                match message {
                    // It answers with everything: control must not pass on what it did not ask for.
                    ToGateway::ListSessions { request, .. } => {
                        let sessions = vec![session.clone()];
                        outgoing.send(FromGateway::Sessions { request, sessions }).await.unwrap();
                    }
                    ToGateway::EndSession { workspace_id, session_id, reason } => {
                        ended.send((session.session_id, workspace_id, session_id, reason)).unwrap();
                    }
                    ToGateway::Snapshot(snapshot) => {
                        let applied = FromGateway::Applied { revision: snapshot.revision };
                        outgoing.send(applied).await.unwrap();
                    }
                    ToGateway::Change { .. }
                    | ToGateway::Heartbeat { .. }
                    | ToGateway::UsageCounted { .. } => {}
                }
            }
        });
    }
    let gateways = instance.control.gateways();
    let open = gateways.list_sessions(mine.id, SessionFilter::default()).await;
    assert_eq!((&open.sessions, open.pending), (&sessions, Vec::new()));
    assert!(gateways.list_sessions(other.id, SessionFilter::default()).await.sessions.is_empty());
    let id = sessions[1].session_id;
    let control = &instance.control;
    assert!(control.end_session(&ACTOR, other.id, id, "stolen").await.is_err());
    assert!(control.end_session(&ACTOR, mine.id, SessionId::from_u128(77), "unknown").await.is_err());
    assert_eq!(control.end_session(&ACTOR, mine.id, id, "enough").await.unwrap().session_id, id);
    assert_eq!(endings.recv().await.unwrap(), (id, mine.id, id, String::from("enough")));
    assert!(endings.try_recv().is_err());
}

/// Whoever ends a session is in the log before the gateway is told, and nobody ends another's.
#[tokio::test]
async fn ending_a_session_is_logged() {
    let instance = Instance::new().await;
    let (mine, project) = instance.workspace(Plan::Pro).await;
    let (other, _) = instance.workspace(Plan::Pro).await;
    let session = session(&mine, &project, 0);
    let id = session.session_id;
    let GatewayPort { mut incoming, outgoing } = instance.control.gateways().attach("eu1/a");
    let (ended, mut endings) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = incoming.recv().await {
            let answer = match message {
                ToGateway::ListSessions { request, .. } => {
                    FromGateway::Sessions { request, sessions: vec![session.clone()] }
                }
                ToGateway::Snapshot(snapshot) => FromGateway::Applied { revision: snapshot.revision },
                ToGateway::EndSession { reason, .. } => {
                    ended.send(reason).unwrap();
                    continue;
                }
                ToGateway::Change { .. } | ToGateway::Heartbeat { .. } | ToGateway::UsageCounted { .. } => {
                    continue;
                }
            };
            outgoing.send(answer).await.unwrap();
        }
    });
    let control = &instance.control;
    assert!(control.end_session(&ACTOR, other.id, id, "stolen").await.is_err());
    assert!(
        control
            .list_audit_events(other.id, 0, 100)
            .await
            .unwrap()
            .iter()
            .all(|event| { event.action != AuditAction::SessionEnded })
    );
    assert_eq!(control.end_session(&ACTOR, mine.id, id, "enough").await.unwrap().session_id, id);
    assert_eq!(endings.try_recv().unwrap(), "enough", "taken before it is answered");
    assert!(endings.try_recv().is_err());
    let events = control.list_audit_events(mine.id, 0, 100).await.unwrap();
    let event = events.last().unwrap();
    assert_eq!((event.action, &event.subject), (AuditAction::SessionEnded, &id.to_string()));
    assert!(!event.detail.contains("enough"), "{event:?}");
}

fn session(workspace: &Workspace, project: &Project, number: i64) -> SessionInfo {
    SessionInfo {
        session_id: SessionId::generate(start_time(), &SystemRng),
        workspace_id: workspace.id,
        project_id: project.id,
        api_key_id: ApiKeyId::from_u128(1),
        temporary_key_id: None,
        client_ref: None,
        region: Region::Eu1,
        product: Product::Rt,
        started_at: start_time().plus_seconds(number),
        audio_seconds: 0.5,
        received_bytes: 1,
        peer: PEER,
    }
}

fn usage(project: &Project) -> UsageRecord {
    UsageRecord {
        project_id: project.id,
        api_key_id: ApiKeyId::from_u128(1),
        client_ref: None,
        region: Region::Eu1,
        product: Product::Batch,
        day: Timestamp::from_seconds(0),
        requests: 1,
        sessions: 0,
        audio_millis: 10,
        received_bytes: 0,
        refusals: 0,
        refused: std::collections::BTreeMap::new(),
    }
}

/// A usage batch is counted once however often it is sent, and only what is counted without a gap may be forgotten.
#[tokio::test]
async fn usage_is_counted_once_and_acknowledged() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let send = async |port: &GatewayPort, number| {
        port.outgoing.send(FromGateway::UsageBatch { number, records: vec![usage(&project)] }).await.unwrap();
    };
    let counted = async |port: &mut GatewayPort| loop {
        if let ToGateway::UsageCounted { number } = port.incoming.recv().await.unwrap() {
            return number;
        }
    };
    let mut port = instance.control.gateways().attach("eu1/a");
    for number in [5, 6, 6] {
        send(&port, number).await;
        assert_eq!(counted(&mut port).await, number);
    }
    // 7 got lost on the way: 8 is not acknowledged, since that would let the gateway forget 7.
    send(&port, 8).await;
    drop(port);
    let mut back = instance.control.gateways().attach("eu1/a");
    for number in [7, 8] {
        send(&back, number).await;
        assert_eq!(counted(&mut back).await, number);
    }
    instance.control.close().await;
    let store = Store::open_file(&instance.folder.path().join("voxgate.db")).await.unwrap();
    let stored = store.list_usage(workspace.id, Timestamp::from_seconds(0), start_time()).await.unwrap();
    assert_eq!(stored.iter().map(|line| (line.requests, line.audio_millis)).collect::<Vec<_>>(), [(4, 40)]);
}

/// Two nodes that share a database and not a journal number their batches alike, and both are counted; two that share a journal
/// send the same batches, which are counted once.
#[tokio::test]
async fn usage_is_numbered_within_its_journal() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    for journal in ["one", "other", "other"] {
        let mut port = instance.control.gateways().attach_with_journal("local/a", journal);
        let batch = FromGateway::UsageBatch { number: 1, records: vec![usage(&project)] };
        port.outgoing.send(batch).await.unwrap();
        while !matches!(port.incoming.recv().await.unwrap(), ToGateway::UsageCounted { number: 1 }) {}
    }
    instance.control.close().await;
    let store = Store::open_file(&instance.folder.path().join("voxgate.db")).await.unwrap();
    let stored = store.list_usage(workspace.id, Timestamp::from_seconds(0), start_time()).await.unwrap();
    assert_eq!(stored.iter().map(|line| line.requests).sum::<u64>(), 2);
}

/// Of two nodes that share a journal, one is told what it may forget also after the other one's batches were forgotten before it
/// could send them.
#[tokio::test]
async fn nodes_of_one_journal_are_counted_together() {
    let instance = Instance::new().await;
    let (_, project) = instance.workspace(Plan::Pro).await;
    let mut ports =
        ["local/a", "local/b"].map(|name| instance.control.gateways().attach_with_journal(name, "shared"));
    for (node, number) in [(0, 1), (1, 1), (0, 2), (0, 3), (1, 4)] {
        let batch = FromGateway::UsageBatch { number, records: vec![usage(&project)] };
        ports[node].outgoing.send(batch).await.unwrap();
        loop {
            if let ToGateway::UsageCounted { number: counted } = ports[node].incoming.recv().await.unwrap() {
                assert_eq!(counted, number);
                break;
            }
        }
    }
}

/// When a key was last used at a gateway, or minted with, is written in batches and at the end.
#[tokio::test]
async fn last_use_is_written() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let at_gateway = instance.key(&workspace, NewKey::named(project.id, "k")).await.key.id;
    let minting = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let idle = instance.key(&workspace, NewKey::named(project.id, "k")).await.key.id;
    let token =
        instance.control.create_management_token(&ACTOR, workspace.id, "t", domain::PermissionSet::all());
    let token = token.await.unwrap().token.id;
    let port = instance.control.gateways().attach("eu1/a");
    let now = instance.control.now();
    port.outgoing
        .send(FromGateway::LastUsed {
            keys: vec![(at_gateway, now.plus_seconds(-3))],
            temporary_keys: Vec::new(),
        })
        .await
        .unwrap();
    // Messages are taken in order: once this one shows, the one before it was taken.
    applied(&port, Revision(1_000)).await;
    instance.control.gateways().wait_enforced(Revision(1_000)).await;
    instance.mint(minting.secret.expose(), &crate::support::request(Product::Rt)).unwrap();
    instance.control.note_token_used(token);
    instance.control.flush().await;
    let last_used =
        async |id| instance.control.find_key(workspace.id, id).await.unwrap().unwrap().last_used_at;
    assert_eq!(last_used(at_gateway).await, Some(now.plus_seconds(-3)));
    assert_eq!(last_used(minting.key.id).await, Some(now));
    assert_eq!(last_used(idle).await, None);
    let tokens = instance.control.list_management_tokens(workspace.id).await.unwrap();
    assert_eq!(tokens[0].last_used_at, Some(now));
}

/// Health is what the gateway said last.
#[tokio::test]
async fn health_is_what_the_gateway_said_last() {
    let instance = Instance::new().await;
    let port = instance.control.gateways().attach("eu1/a");
    for answers in [true, false] {
        let engines = vec![(Region::Eu1, answers)];
        port.outgoing.send(FromGateway::Health { engines }).await.unwrap();
    }
    applied(&port, Revision(1_000)).await;
    instance.control.gateways().wait_enforced(Revision(1_000)).await;
    let health = instance.control.gateways().health().remove(0);
    assert_eq!((health.name.as_str(), health.engines), ("eu1/a", vec![(Region::Eu1, false)]));
}

/// When control ends, gateways see the end of their messages, and go on with what they know.
#[tokio::test]
async fn gateways_see_the_end_of_control() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let made = instance.key(&workspace, NewKey::named(project.id, "k")).await;
    let gateway = Follower::attach(&instance.control, "eu1/a");
    instance.control.gateways().wait_enforced(made.revision).await;
    let (tables, now) = (Arc::clone(&gateway.tables), instance.control.now());
    instance.control.close().await;
    gateway.finished().await;
    assert!(crate::support::verify(&tables, made.secret.expose(), Product::Rt, Region::Eu1, now).is_ok());
}

/// The audit log says who did what to what, in order; a person is a pseudonym in it, with the name apart.
#[tokio::test]
async fn the_audit_log_says_who_did_what() {
    let instance = Instance::new().await;
    let control = &instance.control;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let ada = control.create_account(&ACTOR, "ada@example.org", "correct horse battery").await.unwrap();
    let actor = control::Actor::account(ada.id);
    control.add_member(&ACTOR, workspace.id, ada.id, domain::Role::Admin).await.unwrap();
    let made =
        control.create_key(&actor, workspace.id, NewKey::named(project.id, "Ada's key")).await.unwrap();
    assert_eq!(made.key.created_by, Some(ada.id));
    control.revoke_key(&actor, workspace.id, made.key.id).await.unwrap();
    let events = control.list_audit_events(workspace.id, 0, 100).await.unwrap();
    let actions: Vec<_> = events.iter().map(|event| event.action).collect();
    let expected = [
        AuditAction::WorkspaceCreated,
        AuditAction::MemberAdded,
        AuditAction::ApiKeyCreated,
        AuditAction::ApiKeyRevoked,
    ];
    assert_eq!(actions, expected);
    assert_eq!((events[0].actor.as_str(), &events[0].actor_name), ("operator", &None));
    assert_eq!(events[2].actor, events[3].actor);
    assert_eq!(events[1].subject, events[2].actor, "the member and the maker of the key are one");
    assert_eq!(events[2].actor_name.as_deref(), Some("ada@example.org"));
    assert_eq!(events[2].subject, made.key.id.to_string());
    for event in &events {
        let text = format!("{} {} {}", event.actor, event.subject, event.detail).to_lowercase();
        assert!(!text.contains("ada@") && !text.contains(&ada.id.to_string()), "{text}");
    }
}
