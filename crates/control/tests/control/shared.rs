//! Two control-plane nodes on one PostgreSQL: what one changes, the other enforces.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use control::{Actor, Control, ControlConfig, DbPlace, MasterKeySource, NewKey, NewWorkspace};
use domain::link::ToGateway;
use domain::{Area, Plan, Reason, SystemClock, SystemRng};
use testdb::TestDatabase;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn open(folder: &std::path::Path, master_key: MasterKeySource, url: &str) -> Arc<Control> {
    let config = ControlConfig {
        database: Some(DbPlace::parse(url).unwrap()),
        master_key,
        ..ControlConfig::in_folder(folder)
    };
    Control::open(config, Arc::new(SystemClock), Arc::new(SystemRng)).await.unwrap()
}

/// Looks until a node answers so about a key; a minute at most.
async fn until(node: &Control, secret: &str, expected: Option<Reason>) {
    let look = async {
        loop {
            let answer = node.tables().mint_rights(secret, PEER, node.now());
            if answer.as_ref().err().map(|refusal| refusal.reason) == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.unwrap();
}

/// A key that one node makes lets in at the other, and one that it revokes is refused there, without anything being asked of
/// the other; and changes of both, made at the same time, reach both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_nodes_follow_each_other() {
    let database = TestDatabase::create();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let one = open(folders[0].path(), MasterKeySource::Folder, &database.url()).await;
    let key = MasterKeySource::File(folders[0].path().join("master.key"));
    let other = open(folders[1].path(), key, &database.url()).await;
    assert_eq!(one.instance_id(), other.instance_id());
    let new = NewWorkspace { name: "w".to_owned(), plan: Plan::Pro, home_area: Area::Eu };
    let made = one.create_workspace(&Actor::OPERATOR, new).await.unwrap();
    let (workspace, project) = (made.workspace.id, made.default_project.id);
    let key = one.create_key(&Actor::OPERATOR, workspace, NewKey::named(project, "k")).await.unwrap();
    until(&other, key.secret.expose(), None).await;
    one.revoke_key(&Actor::OPERATOR, workspace, key.key.id).await.unwrap();
    until(&other, key.secret.expose(), Some(Reason::CredentialRevoked)).await;

    let mut makers = tokio::task::JoinSet::new();
    for node in [&one, &other] {
        let node = Arc::clone(node);
        makers.spawn(async move {
            let mut made = Vec::new();
            for _ in 0..15 {
                let new = NewKey::named(project, "k");
                made.push(node.create_key(&Actor::OPERATOR, workspace, new).await.unwrap());
            }
            made
        });
    }
    for key in makers.join_all().await.into_iter().flatten() {
        for node in [&one, &other] {
            until(node, key.secret.expose(), None).await;
        }
    }
    assert_eq!(one.tables().revision(), other.tables().revision());
    one.close().await;
    other.close().await;
}

/// A node that can't read what another one has changed, and changes something itself meanwhile, doesn't pass over the other's change:
/// it knows both once it can read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_what_could_not_be_read_is_not_passed_over() {
    // Whoever only reads fails, as by a network that is gone for a moment; whoever writes doesn't.
    const BREAK: &str = "ALTER TABLE changes RENAME TO kept; CREATE VIEW changes AS SELECT * FROM kept WHERE \
        CASE WHEN current_setting('transaction_read_only') = 'on' THEN 1 / (revision - revision) ELSE 1 END = 1";
    const MEND: &str = "DROP VIEW changes; ALTER TABLE kept RENAME TO changes";
    let database = TestDatabase::create();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let one = open(folders[0].path(), MasterKeySource::Folder, &database.url()).await;
    let key = MasterKeySource::File(folders[0].path().join("master.key"));
    let other = open(folders[1].path(), key, &database.url()).await;
    let new = NewWorkspace { name: "w".to_owned(), plan: Plan::Pro, home_area: Area::Eu };
    let made = one.create_workspace(&Actor::OPERATOR, new).await.unwrap();
    let (workspace, project) = (made.workspace.id, made.default_project.id);
    let named = |name: &str| NewKey::named(project, name);
    let dead = one.create_key(&Actor::OPERATOR, workspace, named("dead")).await.unwrap();
    until(&other, dead.secret.expose(), None).await;
    database.sql(BREAK);
    one.revoke_key(&Actor::OPERATOR, workspace, dead.key.id).await.unwrap();
    let alive = other.create_key(&Actor::OPERATOR, workspace, named("alive")).await.unwrap();
    database.sql(MEND);
    until(&other, dead.secret.expose(), Some(Reason::CredentialRevoked)).await;
    for node in [&one, &other] {
        until(node, alive.secret.expose(), None).await;
    }
    one.close().await;
    other.close().await;
}

/// A node that can't see what others change says nothing to its gateways, so that they know that they know too little; it speaks
/// again once it can.
#[tokio::test]
async fn on_postgres_a_node_without_its_database_is_silent() {
    const ROUND: Duration = Duration::from_secs(2 * domain::link::HEARTBEAT_SECONDS + 1);
    let database = TestDatabase::create();
    let folder = tempfile::tempdir().unwrap();
    let node = open(folder.path(), MasterKeySource::Folder, &database.url()).await;
    let mut gateway = node.gateways().attach("eu1/a");
    assert!(matches!(gateway.incoming.recv().await, Some(ToGateway::Snapshot(_))));
    assert!(matches!(gateway.incoming.recv().await, Some(ToGateway::Heartbeat { .. })));
    database.set_reachable(false);
    // One may be on its way, of what was known before.
    let mut said = 0;
    while tokio::time::timeout(ROUND, gateway.incoming.recv()).await.is_ok() {
        said += 1;
        assert!(said < 3, "it goes on as if it knew");
    }
    database.set_reachable(true);
    assert!(matches!(gateway.incoming.recv().await, Some(ToGateway::Heartbeat { .. })));
    node.close().await;
}
