//! The end of a sign-in, or of its first step: the browser gets the session's secret and goes on.

use axum::response::{AppendHeaders, Response};
use control::{Begun, PENDING_SIGN_IN_MINUTES_MAX, PORTAL_SESSION_DAYS_MAX};
use domain::PortalSessionState;
use http::{HeaderName, HeaderValue};

use crate::web::redirect::{LocalPath, see_other, with_next};
use crate::web::{Portal, Problem, Recognised, SignedIn, Visitor, cookies};

const SECONDS_PER_DAY: i64 = 24 * 3600;

/// The page that asks for a second factor, and goes on from there.
const FACTOR_PATH: &str = "/sign-in/factor";

/// Lets a browser in where its sign-in is complete, or asks it for a second factor.
pub(crate) fn enter(begun: &Begun, next: Option<&LocalPath>) -> Response {
    let home = LocalPath::parse("/");
    let path = match begun.session.state {
        PortalSessionState::Open => next.map_or("/", LocalPath::as_str).to_owned(),
        PortalSessionState::Pending => with_next(FACTOR_PATH, next.or(home.as_ref())),
    };
    let mut response = see_other(&path);
    let (name, value) = cookie(begun);
    response.headers_mut().append(name, value);
    response
}

/// What the browser keeps of a session, for as long as it lasts.
fn cookie(begun: &Begun) -> (HeaderName, HeaderValue) {
    let seconds = match begun.session.state {
        PortalSessionState::Open => PORTAL_SESSION_DAYS_MAX * SECONDS_PER_DAY,
        PortalSessionState::Pending => PENDING_SIGN_IN_MINUTES_MAX * 60,
    };
    cookies::set(cookies::SESSION, &begun.secret, seconds)
}

/// The same, and ends whatever session the browser had: nothing of it goes on under another name.
pub(crate) async fn enter_anew(
    portal: &Portal,
    visitor: &Visitor,
    begun: &Begun,
    next: Option<&LocalPath>,
) -> Result<Response, Problem> {
    if let Some(Recognised(before)) = visitor.recognised() {
        portal.control.sign_out(&before.actor(), before.account.id, before.session.id).await?;
    }
    Ok(enter(begun, next))
}

/// Goes on as a session that has shown a second factor, which was just set up in it: under another secret, so that no copy of the
/// former cookie goes on with it. Where that can't be written nothing is lost: the next page asks for the factor.
pub(super) async fn go_on(
    portal: &Portal,
    signed_in: SignedIn,
) -> (SignedIn, AppendHeaders<Option<(HeaderName, HeaderValue)>>) {
    match portal.control.note_factor_shown(&signed_in.actor(), &signed_in.secret).await {
        Ok(begun) => (signed_in.under(&begun), AppendHeaders(Some(cookie(&begun)))),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "that a second factor was shown could not be written");
            (signed_in, AppendHeaders(None))
        }
    }
}
