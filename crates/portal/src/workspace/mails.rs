//! The mail of an invitation.

use control::SentInvitation;
use domain::{Account, Workspace};

use crate::mail::Mail;
use crate::web::{Portal, Problem};

/// What a workspace is called where its name might be an advertisement.
const SOME_WORKSPACE: &str = "a workspace";

/// Sends an invitation to the address that it is for.
///
/// # Errors
/// When the mail isn't taken; the invitation waits all the same.
pub(super) fn invite(
    portal: &Portal,
    workspace: &Workspace,
    inviter: &Account,
    sent: &SentInvitation,
) -> Result<(), Problem> {
    let mail = letter(&portal.config.base_url, workspace, inviter, sent);
    portal.mail.send(mail).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "an invitation was not sent");
        Problem::conflict(format!(
            "The invitation waits in the list, but its mail was not sent: {error}. Send it again later."
        ))
    })
}

/// What it says. The inviter's words are told to somebody who may not know them, so there are few of them.
fn letter(base_url: &str, workspace: &Workspace, inviter: &Account, sent: &SentInvitation) -> Mail {
    let name = harmless(&workspace.name);
    let into = name.map_or_else(|| SOME_WORKSPACE.to_owned(), |name| format!("the workspace “{name}”"));
    let until = sent.invitation.expires_at.to_rfc3339();
    let until = until.get(..16).unwrap_or_default().replace('T', " ");
    Mail::new(
        &sent.invitation.email,
        "You are invited into a workspace",
        &[
            &format!("{} invites you into {into} at Voxgate. To accept, open this link:", inviter.email),
            &format!("{base_url}/invitations/accept?token={}", sent.secret.expose()),
            &format!("It works once, for this address alone, until {until} UTC."),
            "If you don't know who this is, do nothing.",
        ],
    )
}

/// A name, if nothing in it could be taken for an address of the web: anybody may name a workspace, and have mails sent.
fn harmless(name: &str) -> Option<&str> {
    let is_plain = |letter: char| letter.is_alphanumeric() || " -_&'()+,".contains(letter);
    name.chars().all(is_plain).then_some(name)
}

#[cfg(test)]
mod tests {
    use credentials::PlainSecret;
    use domain::{
        AccountId, Area, Invitation, InvitationId, OwnLimits, Plan, Role, TIME_ZONE_DEFAULT, Timestamp,
        WorkspaceId,
    };

    use super::*;

    fn written(name: &str) -> Mail {
        let at = Timestamp::from_seconds(1_795_669_200);
        let workspace = Workspace {
            id: WorkspaceId::from_u128(1),
            name: name.to_owned(),
            plan: Plan::Free,
            home_area: Area::Eu,
            own_limits: OwnLimits::default(),
            created_at: at,
        };
        let inviter = Account {
            id: AccountId::from_u128(1),
            email: "ada@example.org".to_owned(),
            created_at: at,
            disabled_at: None,
            is_operator: false,
            time_zone: TIME_ZONE_DEFAULT.to_owned(),
            email_verified_at: None,
        };
        let invitation = Invitation {
            id: InvitationId::from_u128(1),
            workspace_id: workspace.id,
            email: "bob@example.org".to_owned(),
            role: Role::Member,
            invited_by: Some(inviter.id),
            created_at: at,
            sent_at: at,
            expires_at: at,
        };
        let sent = SentInvitation { invitation, secret: PlainSecret::new("s3cret".to_owned()) };
        letter("https://portal.example.org", &workspace, &inviter, &sent)
    }

    /// The mail goes to the invited address, says who invites and until when, and holds the link alone on its line.
    #[test]
    fn an_invitation_says_what_it_is() {
        let mail = written("Speech Team");
        assert_eq!(mail.to(), "bob@example.org");
        let link = "https://portal.example.org/invitations/accept?token=s3cret";
        assert!(mail.text().lines().any(|line| line == link), "{}", mail.text());
        for part in ["ada@example.org", "“Speech Team”", "2026-11-26 05:00 UTC"] {
            assert!(mail.text().contains(part), "{part} in {}", mail.text());
        }
        assert!(!mail.subject().contains("s3cret"));
    }

    /// Nobody advertises an address of their own in a mail that we send.
    #[test]
    fn no_workspace_advertises() {
        for name in ["Win at https://evil.example", "evil.example", "a@b", "x\r\nBcc: c@d", "tel:123"] {
            let text = written(name).text().to_owned();
            assert!(
                text.contains("into a workspace at") && !text.contains("evil") && !text.contains("Bcc"),
                "{text}"
            );
        }
    }
}
