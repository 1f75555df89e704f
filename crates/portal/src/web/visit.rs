//! Who visits. A handler says whom it is for by what it asks for: `Visitor`, `SignedIn`, `Recent`, `Member`, `Admin`,
//! `InstanceOperator`.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::response::{IntoResponse, Response};
use control::Actor;
use credentials::PlainSecret;
use domain::{Account, PortalSession, PortalSessionState};
use http::request::Parts;
use http::{Method, Uri, header};

use super::redirect::{LocalPath, see_other, with_next};
use super::{Portal, Problem, cookies, form_token};

/// For how long whoever signed in or confirmed who they are may do what matters most, in minutes.
pub const RECENT_MINUTES_MAX: i64 = 15;

/// Anybody.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) uri: Uri,
    pub(crate) is_dev: bool,
    /// The network address that they come from.
    pub(crate) from: IpAddr,
    /// What their browser calls itself.
    pub(crate) browser: String,
    pub(crate) form_token: String,
    /// The form cookie that the answer must set, if they have none yet.
    pub(crate) new_form_cookie: Option<PlainSecret>,
    session: Option<(PortalSession, Account, PlainSecret)>,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) account: Account,
    pub(crate) session: PortalSession,
    /// What opens the session: to confirm or to end it.
    pub(crate) secret: PlainSecret,
    visitor: Box<Visitor>,
}

/// Somebody who signed in, or confirmed who they are, a moment ago.
#[derive(Debug, Clone)]
pub(crate) struct Recent(pub(crate) SignedIn);

/// Somebody who operates this instance.
#[derive(Debug, Clone)]
pub(crate) struct InstanceOperator(pub(crate) SignedIn);

/// Why somebody isn't let in: a page, or the way to the page that helps.
#[derive(Debug)]
pub(crate) struct Turned(Response);

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        self.0
    }
}

impl From<Problem> for Turned {
    fn from(problem: Problem) -> Self {
        Self(problem.into_response())
    }
}

impl Turned {
    /// To `path`, and from there back to where they wanted to go, if that was a page.
    pub(crate) fn to(path: &str, parts: &Parts) -> Self {
        let wanted = parts.uri.path_and_query().map(http::uri::PathAndQuery::as_str);
        let wanted = wanted.filter(|_| parts.method == Method::GET).and_then(LocalPath::parse);
        Self(see_other(&wanted.map_or_else(|| path.to_owned(), |next| with_next(path, &next))))
    }
}

impl Visitor {
    /// The one who is signed in, if they are.
    pub(crate) fn signed_in(&self) -> Option<SignedIn> {
        let (session, account, secret) = self.session.clone()?;
        if session.state != PortalSessionState::Open {
            return None;
        }
        Some(SignedIn { account, session, secret, visitor: Box::new(self.clone()) })
    }

    /// The account that is signed in, if one is.
    pub(crate) fn signed_in_account(&self) -> Option<&Account> {
        let (session, account, _) = self.session.as_ref()?;
        (session.state == PortalSessionState::Open).then_some(account)
    }

    /// The sign-in that waits for its second factor, if there is one, and what opens it.
    pub(crate) fn pending(&self) -> Option<(&PortalSession, &Account, &PlainSecret)> {
        let (session, account, secret) = self.session.as_ref()?;
        (session.state == PortalSessionState::Pending).then_some((session, account, secret))
    }
}

impl SignedIn {
    /// Who acts, and from where, for the audit log.
    pub(crate) fn actor(&self) -> Actor {
        Actor::account(self.account.id).from(self.visitor.from)
    }

    /// Whether they signed in, or confirmed who they are, a moment ago.
    pub(crate) fn is_recent(&self, portal: &Portal) -> bool {
        portal.control.now() < self.session.confirmed_at.plus_seconds(RECENT_MINUTES_MAX * 60)
    }

    /// The same as a visitor.
    pub(crate) fn visitor(&self) -> Visitor {
        (*self.visitor).clone()
    }
}

impl FromRequestParts<Portal> for Visitor {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let session = match cookies::read(&parts.headers, cookies::SESSION) {
            Some(secret) => {
                let found = portal.control.find_portal_session(&secret).await.map_err(Problem::from)?;
                found.map(|(session, account)| (session, account, secret))
            }
            None => None,
        };
        let cookie = form_token::cookie(&parts.headers);
        let new_form_cookie = cookie.is_none().then(|| PlainSecret::random(&*portal.rng));
        let form_token = cookie.as_ref().or(new_form_cookie.as_ref()).map(form_token::of).unwrap_or_default();
        let browser = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            uri: parts.uri.clone(),
            is_dev: portal.config.is_dev,
            from: peer(parts),
            browser: browser.unwrap_or_default().to_owned(),
            form_token,
            new_form_cookie,
            session,
        })
    }
}

/// The client's address; requests without one come from nowhere.
fn peer(parts: &Parts) -> IpAddr {
    parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip())
}

impl FromRequestParts<Portal> for SignedIn {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let visitor = Visitor::from_request_parts(parts, portal).await?;
        visitor.signed_in().ok_or_else(|| Turned::to("/sign-in", parts))
    }
}

impl FromRequestParts<Portal> for Recent {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let signed_in = SignedIn::from_request_parts(parts, portal).await?;
        if signed_in.is_recent(portal) { Ok(Self(signed_in)) } else { Err(Turned::to("/confirm", parts)) }
    }
}

impl FromRequestParts<Portal> for InstanceOperator {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let signed_in = SignedIn::from_request_parts(parts, portal).await?;
        if signed_in.account.is_operator { Ok(Self(signed_in)) } else { Err(Problem::not_found().into()) }
    }
}
