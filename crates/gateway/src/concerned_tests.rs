//! Each change concerns whom it may take rights from, and nobody else.

use credentials::SecretKind;
use domain::link::{Change, ManagementTokenRecord, Revision};
use domain::{InstanceId, ManagementTokenId, PermissionSet, Plan, QuotaScope, SystemRng};

use super::Concerned;
use crate::somebody::{CLIENT_REF, NOW, Somebody, client_ref};

/// One change of each kind that may end what somebody opened.
fn blows(somebody: &Somebody) -> Vec<Change> {
    let (id, project_id) = (somebody.project, somebody.project);
    vec![
        Change::Workspace { id: somebody.workspace, limits: Plan::Free.default_limits() },
        Change::WorkspaceClosed { id: somebody.workspace },
        Change::Project { id, workspace_id: somebody.workspace },
        Change::ProjectDeleted { id },
        Change::Key(somebody.key.clone()),
        Change::TemporaryKeyRevoked { id: somebody.temporary_key, forget_at: NOW },
        Change::ClientRefRevoked { project_id, client_ref: client_ref(CLIENT_REF) },
        Change::ClientRefReadmitted {
            project_id,
            client_ref: client_ref(CLIENT_REF),
            revoked_at: Revision(2),
            forget_at: None,
        },
        Change::SigningKeyRevoked { kid: somebody.signing_key.verifying_key().kid },
    ]
}

/// What strikes one leaves the other, also where their client_refs have the same name.
#[test]
fn changes_concern_those_they_are_about() {
    let [one, other] = [Somebody::new(1), Somebody::new(2)];
    for change in blows(&one) {
        let concerned = Concerned::by(std::slice::from_ref(&change));
        assert!(!concerned.is_empty(), "{change:?}");
        assert!(concerned.contains(&one.principal), "{change:?}");
        assert!(!concerned.contains(&other.principal), "{change:?}");
    }
    let foreign = Change::ClientRefRevoked { project_id: one.project, client_ref: client_ref("else") };
    assert!(!Concerned::by(&[foreign]).contains(&one.principal));
}

/// Another instance strikes everybody; several changes strike all that each strikes.
#[test]
fn changes_add_up() {
    let [one, other, third] = [Somebody::new(1), Somebody::new(2), Somebody::new(3)];
    let everybody = Concerned::by(&[Change::Instance { id: InstanceId::generate(NOW, &SystemRng) }]);
    assert!(!everybody.is_empty() && everybody.contains(&one.principal));
    let both = Concerned::by(&[Change::Key(one.key), Change::ProjectDeleted { id: other.project }]);
    assert!(both.contains(&one.principal) && both.contains(&other.principal));
    assert!(!both.contains(&third.principal));
}

/// What takes nothing from anybody concerns nobody: no session is looked at again for it.
#[test]
fn other_changes_concern_nobody() {
    let one = Somebody::new(1);
    let verifying = one.signing_key.verifying_key();
    let token = ManagementTokenRecord {
        id: ManagementTokenId::generate(NOW, &SystemRng),
        hash: SecretKind::ManagementToken.generate(&SystemRng).hash(),
        workspace_id: one.workspace,
        permissions: PermissionSet::EMPTY,
        revoked_at: Some(NOW),
    };
    let changes = [
        Change::SigningKeyRemoved { kid: verifying.kid.clone() },
        Change::SigningKey(verifying),
        Change::ManagementToken(token),
        Change::Quota {
            project_id: one.project,
            scope: QuotaScope::Project,
            audio_seconds_per_month_max: Some(1),
        },
    ];
    let concerned = Concerned::by(&changes);
    assert!(concerned.is_empty() && !concerned.contains(&one.principal));
}
