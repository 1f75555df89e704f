//! People who sign in.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses a part of this")]

use aws_lc_rs::hmac;
use control::{Begun, Browser, Control, SignIn};
use credentials::PlainSecret;
use domain::{Account, PortalSessionState, SignInMethod, Timestamp};

use super::{ACTOR, PEER};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const BROWSER: Browser<'_> = Browser { name: "Test", from: Some(PEER) };

pub(crate) async fn person(control: &Control, email: &str) -> Account {
    control.create_account(&ACTOR, email, PASSWORD).await.unwrap()
}

/// The first step of a sign-in was right, and a second one is asked for.
pub(crate) async fn pending(control: &Control, account: &Account) -> PlainSecret {
    begin(control, account, PortalSessionState::Pending).await.secret
}

pub(crate) async fn begin(control: &Control, account: &Account, state: PortalSessionState) -> Begun {
    let sign_in = SignIn {
        account_id: account.id,
        method: SignInMethod::Password,
        password: None,
        state,
        browser: "Test",
        from: Some(PEER),
    };
    control.begin_portal_session(sign_in).await.unwrap()
}

/// The code that an authenticator app shows at a moment: RFC 6238, written out here so that it is another's than the product's.
pub(crate) fn code(secret: &PlainSecret, at: Timestamp) -> String {
    let secret = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, secret.expose()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let step = u64::try_from(at.as_seconds()).unwrap() / 30;
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let place = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[place..place + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}
