//! Webhooks and their messages.

use domain::{
    ClientRef, MessageState, ProjectId, SystemRng, Timestamp, Webhook, WebhookEvent, WebhookEvents,
    WebhookId, WebhookMessageId, WorkspaceId,
};
use storage::{DueMessage, NewMessage, PassedOver, Store, StoredWebhook, Tried};

use super::builders::{api_key, at, audit, owner};

fn webhook(workspace_id: WorkspaceId, events: WebhookEvents) -> StoredWebhook {
    let webhook = Webhook {
        id: WebhookId::generate(at(0), &SystemRng),
        workspace_id,
        url: String::from("https://example.org/ü?a=b"),
        events,
        created_at: at(0),
        former_secret_until: None,
    };
    StoredWebhook { webhook, sealed_secret: vec![0, 255, 7], sealed_former_secret: None }
}

async fn insert(store: &Store, webhook: &StoredWebhook) {
    let mut change = store.change().await.unwrap();
    change.insert_webhook(webhook).await.unwrap();
    change.publish(&audit()).await.unwrap();
}

fn revoked(workspace_id: WorkspaceId) -> NewMessage {
    let event = WebhookEvent::ApiKeyRevoked;
    NewMessage { workspace_id, event, body: String::from("{\"type\":\"ü\"}"), at: at(10) }
}

fn new_id() -> WebhookMessageId {
    WebhookMessageId::generate(at(10), &SystemRng)
}

/// So many of what is due.
async fn take(store: &Store, now: Timestamp, again_at: Timestamp, limit: usize) -> Vec<DueMessage> {
    let mut taken = Vec::new();
    while taken.len() < limit
        && let Some(due) = store.take_due_message(now, again_at, &PassedOver::default()).await.unwrap()
    {
        taken.push(due);
    }
    taken
}

/// A message is written for each webhook of the workspace that wants it, with its change or not at all; it is taken by one at a time,
/// again when its time comes, and what became of it is kept.
pub(crate) async fn messages_are_kept_and_taken(store: &Store) {
    let (workspace, _) = owner(store, "w").await;
    let (other, _) = owner(store, "other").await;
    let all = webhook(workspace.id, WebhookEvents::all());
    let narrow = webhook(workspace.id, WebhookEvents::EMPTY.with(WebhookEvent::SessionStarted));
    for one in [&all, &narrow, &webhook(other.id, WebhookEvents::all())] {
        insert(store, one).await;
    }
    assert_eq!(store.list_webhooks(workspace.id).await.unwrap().len(), 2);
    assert_eq!(store.find_webhook(workspace.id, all.webhook.id).await.unwrap(), Some(all.clone()));
    assert_eq!(store.find_webhook(other.id, all.webhook.id).await.unwrap(), None);

    let mut change = store.change().await.unwrap();
    assert_eq!(change.enqueue_message(&revoked(workspace.id), new_id).await.unwrap(), 1);
    drop(change);
    assert!(
        store.list_messages(all.webhook.id, None, 10).await.unwrap().is_empty(),
        "dropped with its change"
    );
    let mut change = store.change().await.unwrap();
    for _ in 0..3 {
        change.enqueue_message(&revoked(workspace.id), new_id).await.unwrap();
    }
    change.publish(&audit()).await.unwrap();

    assert!(take(store, at(9), at(99), 10).await.is_empty());
    let first = take(store, at(10), at(70), 2).await;
    let rest = take(store, at(10), at(70), 10).await;
    assert_eq!((first.len(), rest.len()), (2, 1));
    assert!(take(store, at(69), at(99), 10).await.is_empty(), "they are being tried");
    assert!(first.iter().chain(&rest).all(|due| due.to == all));
    let tried = |state, next_try_at, status: Option<u16>, problem: Option<&str>| Tried {
        at: at(11),
        state,
        next_try_at,
        status,
        problem: problem.map(str::to_owned),
    };
    let delivered = tried(MessageState::Delivered, None, Some(204), None);
    let waiting = tried(MessageState::Waiting, Some(at(80)), None, Some("no connection"));
    store.note_try(first[0].message.id, &delivered).await.unwrap();
    store.note_try(first[1].message.id, &waiting).await.unwrap();
    let due: Vec<_> = take(store, at(80), at(99), 10).await;
    let due: Vec<_> = due.iter().map(|due| (due.message.id, due.message.attempts)).collect();
    assert_eq!(due, [(rest[0].message.id, 0), (first[1].message.id, 1)], "what a crash left comes first");

    let told = store.list_messages(all.webhook.id, None, 2).await.unwrap();
    let older = store.list_messages(all.webhook.id, Some(told[1].id), 2).await.unwrap();
    assert_eq!((told.len(), older.len()), (2, 1));
    assert!(told[0].id > told[1].id && told[1].id > older[0].id, "newest first");
    let mut change = store.change().await.unwrap();
    assert!(!change.resend_message(narrow.webhook.id, first[0].message.id, at(100)).await.unwrap());
    assert!(change.resend_message(all.webhook.id, first[0].message.id, at(100)).await.unwrap());
    change.publish(&audit()).await.unwrap();
    let due = take(store, at(100), at(200), 10).await;
    assert!(due.iter().any(|due| due.message.id == first[0].message.id && due.message.attempts == 0));

    assert_eq!(store.forget_messages(at(10)).await.unwrap(), 0);
    let mut change = store.change().await.unwrap();
    assert!(!change.delete_webhook(other.id, all.webhook.id).await.unwrap());
    assert!(change.delete_webhook(workspace.id, all.webhook.id).await.unwrap());
    change.publish(&audit()).await.unwrap();
    assert!(store.list_messages(all.webhook.id, None, 10).await.unwrap().is_empty());
}

/// Whose messages are passed over wait, those of a webhook or of a whole workspace; another's are taken though they
/// came later.
pub(crate) async fn some_are_passed_over(store: &Store) {
    let (workspace, _) = owner(store, "w").await;
    let (other, _) = owner(store, "other").await;
    let [first, second] = [(); 2].map(|()| webhook(workspace.id, WebhookEvents::all()));
    let late = webhook(other.id, WebhookEvents::all());
    for one in [&first, &second, &late] {
        insert(store, one).await;
    }
    let mut change = store.change().await.unwrap();
    change.enqueue_message(&revoked(workspace.id), new_id).await.unwrap();
    change.enqueue_message(&NewMessage { at: at(11), ..revoked(other.id) }, new_id).await.unwrap();
    change.publish(&audit()).await.unwrap();
    let next = async |webhooks: &[WebhookId], workspaces: &[WorkspaceId]| {
        let passed_over = PassedOver { webhooks: webhooks.to_vec(), workspaces: workspaces.to_vec() };
        let due = store.take_due_message(at(20), at(20), &passed_over).await.unwrap();
        due.map(|due| due.to.webhook.id)
    };
    let [one, two, three] = [&first, &second, &late].map(|one| one.webhook.id);
    assert_eq!(next(&[one], &[]).await, Some(two));
    assert_eq!(next(&[two], &[]).await, Some(one));
    assert_eq!(next(&[], &[workspace.id]).await, Some(three));
    assert_eq!(next(&[three], &[workspace.id]).await, None);
    assert_eq!(next(&[], &[workspace.id, other.id]).await, None);
    assert!(next(&[], &[]).await.is_some());
}

/// Each API key that expires is told of once, and none that expired before anybody looked, or was revoked.
pub(crate) async fn expiries_are_told_once(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let mut change = store.change().await.unwrap();
    let mut ids = Vec::new();
    for (expires_at, revoked_at) in [(5, None), (15, None), (15, Some(12)), (25, None)] {
        let mut key = api_key(workspace.id, project.id, "k");
        key.expires_at = Some(at(expires_at));
        change.insert_api_key(&key).await.unwrap();
        if let Some(second) = revoked_at {
            change.revoke_api_key(workspace.id, key.id, at(second)).await.unwrap();
        }
        ids.push(key.id);
    }
    change.publish(&audit()).await.unwrap();
    let take = async |second| {
        let mut change = store.change().await.unwrap();
        let taken = change.take_expired_keys(at(second)).await.unwrap();
        change.keep_quietly().await.unwrap();
        taken.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert!(store.has_newly_expired_keys(at(10)).await.unwrap());
    assert!(take(10).await.is_empty(), "the beginning");
    assert!(!store.has_newly_expired_keys(at(14)).await.unwrap());
    assert_eq!(take(20).await, [ids[1]]);
    assert!(take(20).await.is_empty());
    let mut dropped = store.change().await.unwrap();
    assert_eq!(dropped.take_expired_keys(at(30)).await.unwrap().len(), 1);
    drop(dropped);
    assert_eq!(take(30).await, [ids[3]]);

    let mut change = store.change().await.unwrap();
    for expires_at in std::iter::repeat_n(40, 1001).chain([41]) {
        let mut key = api_key(workspace.id, project.id, "k");
        key.expires_at = Some(at(expires_at));
        change.insert_api_key(&key).await.unwrap();
    }
    change.publish(&audit()).await.unwrap();
    assert_eq!(take(50).await.len(), 1001, "many at once, whole");
    assert!(store.has_newly_expired_keys(at(50)).await.unwrap());
    assert_eq!(take(50).await.len(), 1, "the others next");
    assert!(!store.has_newly_expired_keys(at(50)).await.unwrap());
}

/// A client_ref that is forgotten stands in no message any more, whether it was sent or waits; what waits is sent all the same. Others
/// keep theirs: another one of that name in another project or workspace, and one whose name only looks alike.
pub(crate) async fn a_client_ref_is_taken_out_of_messages(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let (other, foreign) = owner(store, "other").await;
    let (ours, theirs) =
        (webhook(workspace.id, WebhookEvents::all()), webhook(other.id, WebhookEvents::all()));
    insert(store, &ours).await;
    insert(store, &theirs).await;
    let name = r#"100%_"of\U+1F600 ü"#;
    let body = |project: ProjectId, client_ref: &str| {
        serde_json::json!({
            "type": "session.ended",
            "data": {"session_id": "ses", "project_id": project, "client_ref": client_ref, "seconds": 7},
        })
        .to_string()
    };
    let told = [
        (workspace.id, body(project.id, name)),
        (workspace.id, body(project.id, name)),
        (workspace.id, body(project.id, &name.to_uppercase())),
        (workspace.id, body(project.id, &format!("{name}{name}"))),
        (workspace.id, body(ProjectId::new(project.id.get() + 1000), name)),
        (other.id, body(foreign.id, name)),
    ];
    let mut change = store.change().await.unwrap();
    for (workspace_id, body) in &told {
        let new = NewMessage {
            workspace_id: *workspace_id,
            event: WebhookEvent::SessionEnded,
            body: body.clone(),
            at: at(10),
        };
        change.enqueue_message(&new, new_id).await.unwrap();
    }
    change.publish(&audit()).await.unwrap();
    let delivered = Tried {
        at: at(11),
        state: MessageState::Delivered,
        next_try_at: None,
        status: Some(204),
        problem: None,
    };
    let due = take(store, at(10), at(70), 10).await;
    let one = due.iter().find(|due| due.message.body == told[0].1).unwrap();
    store.note_try(one.message.id, &delivered).await.unwrap();

    let client_ref = ClientRef::new(name).unwrap();
    let mut change = store.change().await.unwrap();
    assert_eq!(change.forget_in_messages(workspace.id, project.id, &client_ref).await.unwrap(), 2);
    change.publish(&audit()).await.unwrap();
    let mut change = store.change().await.unwrap();
    assert_eq!(change.forget_in_messages(workspace.id, project.id, &client_ref).await.unwrap(), 0);
    drop(change);

    let mut kept: Vec<String> = Vec::new();
    let mut nameless = Vec::new();
    for hook in [&ours, &theirs] {
        for message in store.list_messages(hook.webhook.id, None, 10).await.unwrap() {
            let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
            if body["data"]["client_ref"].is_null() {
                assert_eq!(body["data"]["seconds"], 7);
                nameless.push(message.state);
            } else {
                kept.push(message.body);
            }
        }
    }
    nameless.sort_by_key(|state| state.as_str());
    assert_eq!(nameless, [MessageState::Delivered, MessageState::Waiting]);
    kept.sort();
    let mut expected: Vec<String> = told[2..].iter().map(|(_, body)| body.clone()).collect();
    expected.sort();
    assert_eq!(kept, expected);
}
