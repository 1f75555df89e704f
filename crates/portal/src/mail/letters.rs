//! What mails say. Each tells why it came and what happens if nothing is done; addresses in links come from the
//! configuration, never from a request.

use domain::EmailLinkPurpose;

use super::Mail;

fn minutes(purpose: EmailLinkPurpose) -> String {
    match purpose.minutes_max() {
        60 => String::from("an hour"),
        1440 => String::from("a day"),
        other => format!("{other} minutes"),
    }
}

fn link(base_url: &str, purpose: EmailLinkPurpose, secret: &str) -> String {
    format!("{base_url}{}", purpose.link_path(secret))
}

/// Asks whoever registered to confirm the address.
pub(crate) fn confirm_address(to: &str, base_url: &str, secret: &str) -> Mail {
    let lasts = format!(
        "It works for {}, once, and asks for the password that you chose.",
        minutes(EmailLinkPurpose::VerifyEmail)
    );
    Mail::new(
        to,
        "Confirm your e-mail address",
        &[
            "Somebody registered at Voxgate with this address. If it was you, open this link:",
            &link(base_url, EmailLinkPurpose::VerifyEmail, secret),
            &lasts,
            "If it wasn't you, do nothing: without your mailbox nobody can use your address.",
        ],
    )
}

/// Tells the owner of an account that somebody registers its address.
pub(crate) fn registered_already(to: &str, base_url: &str) -> Mail {
    Mail::new(
        to,
        "You have an account already",
        &[
            "Somebody registered at Voxgate with this address, which has an account. Nothing has changed.",
            "If it was you, sign in, or choose another password there if you have forgotten yours:",
            &format!("{base_url}/sign-in"),
            "If it wasn't you, there is nothing to do.",
        ],
    )
}

/// Carries the link to choose another password.
pub(crate) fn reset_password(to: &str, base_url: &str, secret: &str) -> Mail {
    let lasts = format!("It works for {}, once.", minutes(EmailLinkPurpose::ResetPassword));
    Mail::new(
        to,
        "Choose another password",
        &[
            "Somebody asked to choose another password for your account at Voxgate. If it was you, open this link:",
            &link(base_url, EmailLinkPurpose::ResetPassword, secret),
            &lasts,
            "If it wasn't you, do nothing: your password stays as it is.",
        ],
    )
}

/// Tells the owner that the password is another one.
pub(crate) fn password_changed(to: &str, base_url: &str) -> Mail {
    Mail::new(
        to,
        "Your password was changed",
        &[
            "The password of your account at Voxgate was changed.",
            "If it wasn't you, choose another one at once, which signs everybody out:",
            &format!("{base_url}/forgot-password"),
        ],
    )
}

/// Tells the owner that the ways to sign in are others.
pub(crate) fn factors_changed(to: &str, base_url: &str, what: &str) -> Mail {
    Mail::new(
        to,
        "How you sign in was changed",
        &[
            &super::one_line(what),
            "If it wasn't you, choose another password at once, which signs everybody out, and remove under Settings, Security \
             what isn't yours:",
            &format!("{base_url}/forgot-password"),
        ],
    )
}

/// Carries the link that moves an account to this address.
pub(crate) fn confirm_new_address(to: &str, base_url: &str, secret: &str) -> Mail {
    let lasts = format!("It works for {}, once.", minutes(EmailLinkPurpose::ChangeEmail));
    Mail::new(
        to,
        "Confirm your new e-mail address",
        &[
            "Somebody wants to use this address for their account at Voxgate. If it is you, open this link:",
            &link(base_url, EmailLinkPurpose::ChangeEmail, secret),
            &lasts,
            "If it isn't you, do nothing.",
        ],
    )
}

/// Tells the owner of an account that somebody wants to move to its address.
pub(crate) fn address_taken(to: &str) -> Mail {
    Mail::new(
        to,
        "Your address is in use",
        &[
            "Somebody wanted to use this address for another account at Voxgate. It is your account's, so nothing has changed.",
            "If it was you: an address belongs to one account. Delete the one, or take another address for the other.",
        ],
    )
}

/// Tells the old address that it is the account's no more.
pub(crate) fn address_changed(to: &str, contact: Option<&str>) -> Mail {
    let turn = contact.map_or_else(
        || String::from("If it wasn't you, turn to whoever runs this instance at once."),
        |contact| format!("If it wasn't you, turn to {contact} at once."),
    );
    Mail::new(
        to,
        "Your e-mail address was changed",
        &["Your account at Voxgate uses another address from now on, and no more this one.", &turn],
    )
}

/// Tells the owner that the account is gone.
pub(crate) fn account_deleted(to: &str) -> Mail {
    Mail::new(
        to,
        "Your account was deleted",
        &[
            "Your account at Voxgate was deleted, with the workspaces that were yours alone and the keys in them.",
            "This is the last mail about it.",
        ],
    )
}

/// Tells the owner that a browser signed in that was never there before.
pub(crate) fn new_device(to: &str, base_url: &str, browser: &str, from: &str) -> Mail {
    let who =
        format!("A browser signed in to your account at Voxgate for the first time: {browser}, from {from}.");
    Mail::new(
        to,
        "A new browser signed in",
        &[
            &super::one_line(&who),
            "If it wasn't you, choose another password, which signs everybody out:",
            &format!("{base_url}/forgot-password"),
        ],
    )
}

/// Tries whether mails leave.
pub(crate) fn test_mail(to: &str) -> Mail {
    Mail::new(to, "Mails arrive", &["This is a test mail of Voxgate. It arrived, so others will."])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link is the configured address with the secret, alone on its line, and the only one.
    #[test]
    fn letters_hold_one_link() {
        let base = "https://portal.example.org";
        for (mail, path) in [
            (confirm_address("a@b", base, "s3cret"), "/verify-email"),
            (reset_password("a@b", base, "s3cret"), "/reset-password"),
            (confirm_new_address("a@b", base, "s3cret"), "/change-email"),
        ] {
            assert!(mail.text().lines().any(|line| line == format!("{base}{path}?token=s3cret")), "{mail:?}");
            assert_eq!(mail.text().matches("http").count(), 1);
            assert!(!mail.subject().contains("s3cret"));
        }
        for mail in [
            registered_already("a@b", base),
            password_changed("a@b", base),
            address_taken("a@b"),
            address_changed("a@b", Some("help@example.org")),
            account_deleted("a@b"),
            new_device("a@b", base, "Firefox", "192.0.2.1"),
            test_mail("a@b"),
        ] {
            assert!(mail.text().matches("http").count() <= 1 && !mail.text().contains("token="));
        }
    }

    /// What a browser calls itself can't write another paragraph or link into the owner's mail.
    #[test]
    fn browsers_write_no_lines() {
        let browser = "x\r\n\r\nYour account is in danger: https://evil.example/";
        let mail = new_device("a@b", "https://portal.example.org", browser, "192.0.2.1");
        assert!(!mail.text().lines().any(|line| line.starts_with("Your account")));
    }
}
