//! Whatever is done in whatever order, everybody who verifies says the same: control's own tables, a gateway that was
//! there from the start, one that came late, and the tables of the next start.

use control::{Control, MintRequest, NewKey, NewProject};
use domain::{
    ApiKeyId, ClientRef, ManagementTokenId, PermissionSet, Plan, Product, Project, Reason, Region, Workspace,
};
use proptest::prelude::*;
use verify::Tables;

use crate::support::{ACTOR, Follower, Instance, PEER, request, verify};

/// One thing that is done, with numbers that choose what it is done to.
#[derive(Debug, Clone, Copy)]
enum Operation {
    CreateProject,
    DeleteProject(u8),
    CreateKey(u8),
    RevokeKey(u8),
    Mint(u8, u8),
    RevokeTemporaryKey(u8),
    RevokeClientRef(u8, u8),
    ReadmitClientRef(u8, u8),
    CreateToken,
    RevokeToken(u8),
    AttachGateway,
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => Just(Operation::CreateProject),
        1 => any::<u8>().prop_map(Operation::DeleteProject),
        4 => any::<u8>().prop_map(Operation::CreateKey),
        2 => any::<u8>().prop_map(Operation::RevokeKey),
        6 => any::<(u8, u8)>().prop_map(|(key, who)| Operation::Mint(key, who)),
        2 => any::<u8>().prop_map(Operation::RevokeTemporaryKey),
        2 => any::<(u8, u8)>().prop_map(|(project, who)| Operation::RevokeClientRef(project, who)),
        2 => any::<(u8, u8)>().prop_map(|(project, who)| Operation::ReadmitClientRef(project, who)),
        1 => Just(Operation::CreateToken),
        1 => any::<u8>().prop_map(Operation::RevokeToken),
        1 => Just(Operation::AttachGateway),
        1 => Just(Operation::Restart),
    ]
}

/// What was made.
struct World {
    workspace: Workspace,
    projects: Vec<Project>,
    keys: Vec<(ApiKeyId, String)>,
    temporary_keys: Vec<control::Minted>,
    tokens: Vec<(ManagementTokenId, String)>,
    followers: Vec<Follower>,
}

fn pick<T>(items: &[T], number: u8) -> Option<&T> {
    items.get(usize::from(number).checked_rem(items.len())?)
}

fn client_ref(number: u8) -> ClientRef {
    ClientRef::new(["alice", "Alice", "bob"][usize::from(number) % 3]).unwrap()
}

impl World {
    /// Does one thing; one that doesn't apply to what there is does nothing.
    async fn step(&mut self, instance: &Instance, operation: Operation) {
        let control = &instance.control;
        let workspace = self.workspace.id;
        match operation {
            Operation::CreateProject => {
                let new = NewProject { name: String::from("p"), description: String::new() };
                self.projects.push(control.create_project(&ACTOR, workspace, new).await.unwrap().project);
            }
            Operation::DeleteProject(which) => {
                let id = pick(&self.projects, which).unwrap().id;
                drop(control.delete_project(&ACTOR, workspace, id).await);
            }
            Operation::CreateKey(which) => {
                let id = pick(&self.projects, which).unwrap().id;
                if let Ok(made) = control.create_key(&ACTOR, workspace, NewKey::named(id, "k")).await {
                    self.keys.push((made.key.id, made.secret.expose().to_owned()));
                }
            }
            Operation::RevokeKey(which) => {
                if let Some((id, _)) = pick(&self.keys, which) {
                    drop(control.revoke_key(&ACTOR, workspace, *id).await);
                }
            }
            Operation::Mint(which, who) => {
                let wish = MintRequest {
                    client_ref: (who % 4 > 0).then(|| client_ref(who)),
                    ..request(Product::Rt)
                };
                if let Some((_, secret)) = pick(&self.keys, which)
                    && let Ok(minted) = instance.mint(secret, &wish)
                {
                    self.temporary_keys.push(minted);
                }
            }
            Operation::RevokeTemporaryKey(which) => {
                if let Some(minted) = pick(&self.temporary_keys, which) {
                    drop(control.revoke_temporary_key(&ACTOR, workspace, minted.id).await);
                }
            }
            Operation::RevokeClientRef(which, who) => {
                let id = pick(&self.projects, which).unwrap().id;
                drop(control.revoke_client_ref(&ACTOR, workspace, id, &client_ref(who)).await);
            }
            Operation::ReadmitClientRef(which, who) => {
                let id = pick(&self.projects, which).unwrap().id;
                drop(control.readmit_client_ref(&ACTOR, workspace, id, &client_ref(who)).await);
            }
            Operation::CreateToken => {
                let made =
                    control.create_management_token(&ACTOR, workspace, "t", PermissionSet::all()).await;
                let made = made.unwrap();
                self.tokens.push((made.token.id, made.secret.expose().to_owned()));
            }
            Operation::RevokeToken(which) => {
                if let Some((id, _)) = pick(&self.tokens, which) {
                    drop(control.revoke_management_token(&ACTOR, workspace, *id).await);
                }
            }
            Operation::AttachGateway => self.followers.push(Follower::attach(control, "late")),
            Operation::Restart => {}
        }
    }

    /// What these tables say to everything that was ever made.
    fn verdicts(&self, tables: &Tables, control: &Control) -> Vec<Result<(), Reason>> {
        let now = control.now();
        let keys = self.keys.iter().map(|(_, secret)| secret.as_str());
        let temporary = self.temporary_keys.iter().map(|minted| minted.key_value.as_str());
        let mut verdicts: Vec<_> = keys
            .clone()
            .chain(temporary)
            .map(|presented| verify(tables, presented, Product::Rt, Region::Eu1, now).map(drop))
            .chain(keys.map(|presented| tables.mint_rights(presented, PEER, now).map(drop)))
            .chain(self.tokens.iter().map(|(_, secret)| tables.verify_management(secret, now).map(drop)))
            .map(|verdict| verdict.map_err(|refusal| refusal.reason))
            .collect();
        for project in &self.projects {
            for who in 0..3 {
                let is_shut = tables.client_ref_shut(project.id, &client_ref(who));
                verdicts.push(if is_shut { Err(Reason::ClientRefRevoked) } else { Ok(()) });
            }
        }
        verdicts
    }
}

async fn run(operations: Vec<Operation>) {
    let mut instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let mut world = World {
        workspace,
        projects: vec![project],
        keys: Vec::new(),
        temporary_keys: Vec::new(),
        tokens: Vec::new(),
        followers: vec![Follower::attach(&instance.control, "early")],
    };
    for operation in operations {
        if matches!(operation, Operation::Restart) {
            let before = world.verdicts(instance.control.tables(), &instance.control);
            world.followers.clear();
            instance = instance.crash().await;
            assert_eq!(world.verdicts(instance.control.tables(), &instance.control), before);
            world.followers.push(Follower::attach(&instance.control, "early"));
        }
        world.step(&instance, operation).await;
    }
    world.followers.push(Follower::attach(&instance.control, "last"));
    let control = &instance.control;
    control.gateways().wait_enforced(control.tables().revision()).await;
    let expected = world.verdicts(control.tables(), control);
    for (index, follower) in world.followers.iter().enumerate() {
        assert_eq!(world.verdicts(&follower.tables, control), expected, "gateway {index}");
        assert_eq!(follower.tables.revision(), control.tables().revision());
        assert_eq!(follower.tables.skipped(), 0);
    }
    let instance = instance.restart().await;
    assert_eq!(world.verdicts(instance.control.tables(), &instance.control), expected, "after a restart");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, ..ProptestConfig::default() })]

    /// The snapshot says what the feed says, to everybody, at any moment.
    #[test]
    fn everybody_says_the_same(operations in prop::collection::vec(operation(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(run(operations));
    }
}
