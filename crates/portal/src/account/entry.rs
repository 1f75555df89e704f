//! Letting a browser in: its session's cookie, and the mark by which the account knows it again.

use axum::response::Response;
use control::{KNOWN_DEVICE_DAYS_MAX, SignIn, SignInError, VerifiedPassword};
use credentials::PlainSecret;
use domain::{Account, AccountId, PortalSessionState, SignInMethod};
use http::HeaderMap;

use crate::factors::enter;
use crate::mail::{letters, send_or_log};
use crate::web::redirect::LocalPath;
use crate::web::{Portal, Problem, Recognised, Visitor, cookies};

/// Says which accounts a browser belongs to, so that strangers who guess don't shut its owner out. Opens nothing.
const DEVICE: &str = "__Host-voxgate-device";
const SECONDS_PER_DAY: i64 = 24 * 3600;

/// The mark that a browser has.
#[derive(Debug, Clone)]
pub(super) struct Device(Option<PlainSecret>);

impl Device {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        Self(cookies::read(headers, DEVICE))
    }

    pub(super) fn mark(&self) -> Option<&str> {
        self.0.as_ref().map(PlainSecret::expose)
    }
}

impl axum::extract::FromRequestParts<Portal> for Device {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _portal: &Portal,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::read(&parts.headers))
    }
}

/// Marks a browser as one that the account knows.
pub(super) fn mark(portal: &Portal, account_id: AccountId, response: &mut Response) {
    let mark = portal.control.mark_device(account_id);
    let (name, value) = cookies::set(DEVICE, &mark, KNOWN_DEVICE_DAYS_MAX * SECONDS_PER_DAY);
    response.headers_mut().append(name, value);
}

/// Signs somebody in who has told the right password, or who used a link where there is none, or asks for the second factor
/// where the account has one. Whatever session the browser had ends: nothing of it goes on under another name.
pub(super) async fn let_in(
    portal: &Portal,
    visitor: &Visitor,
    device: &Device,
    account: &Account,
    password: Option<&VerifiedPassword>,
    next: Option<&LocalPath>,
) -> Result<Response, Problem> {
    let control = &portal.control;
    let has_factors = !control.second_factors(account.id).await?.is_none();
    let state = if has_factors { PortalSessionState::Pending } else { PortalSessionState::Open };
    let was_here = !control.list_portal_sessions(account.id).await?.is_empty();
    let sign_in = SignIn {
        account_id: account.id,
        method: if password.is_some() { SignInMethod::Password } else { SignInMethod::Link },
        password,
        state,
        browser: &visitor.browser,
        from: Some(visitor.from),
    };
    let begun = control.begin_portal_session(sign_in).await.map_err(refused)?;
    if let Some(Recognised(before)) = visitor.recognised() {
        control.sign_out(&before.actor(), before.account.id, before.session.id).await?;
    }
    let is_new = device.mark().is_none_or(|mark| !control.knows_device(mark, account.id));
    if is_new && was_here && !has_factors {
        let from = visitor.from.to_string();
        let browser = super::devices::browser_name(&begun.session.browser);
        let mail = letters::new_device(&account.email, &portal.config.base_url, &browser, &from);
        send_or_log(&*portal.mail, mail);
    }
    let mut response = enter(&begun, next);
    mark(portal, account.id, &mut response);
    Ok(response)
}

/// Why nobody was let in though the password was right.
pub(super) fn refused(error: SignInError) -> Problem {
    match error {
        SignInError::NotAllowed => {
            Problem::forbidden("This account can't sign in. Turn to whoever runs this instance.")
        }
        SignInError::Over => Problem::conflict("This sign-in is over. Sign in again."),
        SignInError::Store(error) => error.into(),
    }
}
