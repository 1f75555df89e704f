//! A person mints from a key of their workspace without its secret, and from no other.

use std::net::IpAddr;

use control::{AuditAction, AuditFilter, MintForAccountError, MintRequest, Minted, NewKey};
use domain::{ApiKeyId, ClientRef, Networks, Plan, Product, ProductSet, Reason, Region, WorkspaceId};

use crate::support::{ACTOR, Instance, PEER, request};

async fn mint_from(
    instance: &Instance,
    peer: IpAddr,
    workspace_id: WorkspaceId,
    id: ApiKeyId,
    wish: &MintRequest,
) -> Result<Minted, Reason> {
    let minted = instance.control.mint_for_account(&ACTOR, peer, workspace_id, id, wish).await;
    minted.map_err(|error| match error {
        MintForAccountError::Refused(refusal) => refusal.reason,
        MintForAccountError::Store(error) => panic!("{error}"),
    })
}

/// The minted key is one as any other: the gateway takes it, its parent is the key that was chosen, and it dies with that one.
#[tokio::test]
async fn what_a_person_mints_is_a_temporary_key_of_the_chosen_key() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let key = instance.key(&workspace, NewKey::named(project.id, "k")).await.key;
    let minted = mint_from(&instance, PEER, workspace.id, key.id, &request(Product::Rt)).await.unwrap();
    assert_eq!(minted.id.parent(), key.id);
    let principal = instance.verify(&minted.key_value, Product::Rt, Region::Eu1).unwrap();
    assert_eq!((principal.project_id(), principal.temporary_key_id()), (project.id, Some(minted.id)));

    let filter = AuditFilter { action: Some(AuditAction::TemporaryKeyMinted), ..AuditFilter::default() };
    let events = instance.control.find_audit_events(&filter, 0, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].subject.as_str(), events[0].workspace_id),
        (minted.id.to_string().as_str(), Some(workspace.id))
    );
    assert!(!format!("{events:?}").contains(minted.key_value.as_str()), "a secret is in the log");

    instance.control.revoke_key(&ACTOR, workspace.id, key.id).await.unwrap();
    assert!(instance.verify(&minted.key_value, Product::Rt, Region::Eu1).is_err());
    assert_eq!(
        mint_from(&instance, PEER, workspace.id, key.id, &request(Product::Rt)).await.unwrap_err(),
        Reason::CredentialRevoked
    );
}

/// A key of another workspace is unknown, alive or revoked, and nothing is logged; the workspace's own key mints.
#[tokio::test]
async fn a_key_of_another_workspace_is_unknown() {
    let instance = Instance::new().await;
    let (ours, our_project) = instance.workspace(Plan::Pro).await;
    let (theirs, their_project) = instance.workspace(Plan::Pro).await;
    let own = instance.key(&ours, NewKey::named(our_project.id, "own")).await.key.id;
    let alive = instance.key(&theirs, NewKey::named(their_project.id, "alive")).await.key.id;
    let revoked = instance.key(&theirs, NewKey::named(their_project.id, "revoked")).await.key.id;
    instance.control.revoke_key(&ACTOR, theirs.id, revoked).await.unwrap();
    let wish = request(Product::Rt);
    let nowhere = ApiKeyId::from_u128(7);
    for id in [alive, revoked, nowhere] {
        assert_eq!(
            mint_from(&instance, PEER, ours.id, id, &wish).await.unwrap_err(),
            Reason::CredentialUnknown
        );
    }
    let filter = AuditFilter { action: Some(AuditAction::TemporaryKeyMinted), ..AuditFilter::default() };
    assert_eq!(instance.control.find_audit_events(&filter, 0, 10).await.unwrap().len(), 0);
    mint_from(&instance, PEER, ours.id, own, &wish).await.unwrap();
}

/// Nobody gets more by the portal than by the key itself: product, networks, ttl and client_ref are judged alike.
#[tokio::test]
async fn a_person_can_mint_no_more_than_the_key_can() {
    let instance = Instance::new().await;
    let (workspace, project) = instance.workspace(Plan::Pro).await;
    let new = NewKey {
        products: Some(ProductSet::EMPTY.with(Product::Rt)),
        networks: Networks(vec!["192.0.2.0/24".parse().unwrap()]),
        client_ref: Some(ClientRef::new("alice").unwrap()),
        ..NewKey::named(project.id, "narrow")
    };
    let id = instance.key(&workspace, new).await.key.id;
    let inside: IpAddr = "192.0.2.7".parse().unwrap();
    let rt = request(Product::Rt);
    assert_eq!(mint_from(&instance, PEER, workspace.id, id, &rt).await.unwrap_err(), Reason::NetworkDenied);
    for (wish, refused) in [
        (request(Product::Batch), Reason::WrongProduct),
        (MintRequest { ttl_seconds: 59, ..rt.clone() }, Reason::InvalidValue),
        (MintRequest { client_ref: Some(ClientRef::new("bob").unwrap()), ..rt.clone() }, Reason::CannotMint),
    ] {
        assert_eq!(mint_from(&instance, inside, workspace.id, id, &wish).await.unwrap_err(), refused);
    }
    mint_from(&instance, inside, workspace.id, id, &rt).await.unwrap();
}
