//! The end of a sign-in, or of its first step: the browser gets the session's secret and goes on.

use axum::response::Response;
use control::{Begun, PENDING_SIGN_IN_MINUTES_MAX, PORTAL_SESSION_DAYS_MAX};
use domain::PortalSessionState;

use crate::web::redirect::{LocalPath, see_other, with_next};
use crate::web::{Portal, Problem, Visitor, cookies};

const SECONDS_PER_DAY: i64 = 24 * 3600;

/// The page that asks for a second factor, and goes on from there.
const FACTOR_PATH: &str = "/sign-in/factor";

/// Lets a browser in where its sign-in is complete, or asks it for a second factor.
pub(crate) fn enter(begun: &Begun, next: Option<&LocalPath>) -> Response {
    let home = LocalPath::parse("/");
    let (path, seconds) = match begun.session.state {
        PortalSessionState::Open => {
            let next = next.map_or("/", LocalPath::as_str);
            (next.to_owned(), PORTAL_SESSION_DAYS_MAX * SECONDS_PER_DAY)
        }
        PortalSessionState::Pending => {
            let next = next.or(home.as_ref());
            let path = next.map_or_else(|| FACTOR_PATH.to_owned(), |next| with_next(FACTOR_PATH, next));
            (path, PENDING_SIGN_IN_MINUTES_MAX * 60)
        }
    };
    let mut response = see_other(&path);
    let (name, value) = cookies::set(cookies::SESSION, &begun.secret, seconds);
    response.headers_mut().append(name, value);
    response
}

/// The same, and ends whatever session the browser had: nothing of it goes on under another name.
pub(crate) async fn enter_anew(
    portal: &Portal,
    visitor: &Visitor,
    begun: &Begun,
    next: Option<&LocalPath>,
) -> Result<Response, Problem> {
    if let Some(before) = visitor.signed_in() {
        portal.control.sign_out(&before.actor(), before.account.id, before.session.id).await?;
    }
    Ok(enter(begun, next))
}
