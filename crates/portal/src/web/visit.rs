//! Who visits. A handler says whom it is for by what it asks for: `Visitor`, `Recognised`, `SignedIn`, `Member`, `Admin`,
//! `InstanceOperator`, and of the last four those in `recent.rs`.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::response::{IntoResponse, Response};
use control::{Actor, Begun, FactorDemand};
use credentials::PlainSecret;
use domain::{Account, PortalSession, PortalSessionState};
use http::request::Parts;
use http::{Method, Uri, header};

use super::redirect::{LocalPath, see_other, with_next};
use super::{Portal, Problem, cookies, form_token};

/// For how long whoever signed in or confirmed who they are may do what matters most, in minutes.
pub const RECENT_MINUTES_MAX: i64 = 15;

/// Where a second factor is set up by those of whom one is demanded.
pub(crate) const SET_UP_FACTOR_PATH: &str = "/settings/security/set-up";

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

/// Somebody whose session is open, whether or not they have shown the second factor that this instance may demand. Only what
/// helps them to show one asks for no more than this.
#[derive(Debug, Clone)]
pub(crate) struct Recognised(pub(crate) SignedIn);

/// Somebody who is signed in, with all that this instance demands.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) account: Account,
    pub(crate) session: PortalSession,
    /// What opens the session: to confirm or to end it.
    pub(crate) secret: PlainSecret,
    visitor: Box<Visitor>,
}

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
        Self(see_other(&with_next(path, wanted.as_ref())))
    }
}

impl Visitor {
    /// The one whose session is open, if there is one.
    pub(crate) fn recognised(&self) -> Option<Recognised> {
        let (session, account, secret) = self.session.clone()?;
        if session.state != PortalSessionState::Open {
            return None;
        }
        Some(Recognised(SignedIn { account, session, secret, visitor: Box::new(self.clone()) }))
    }

    /// The account whose session is open, if there is one.
    pub(crate) fn recognised_account(&self) -> Option<&Account> {
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

    /// The same under the new secret of their session, which their next form is tied to.
    pub(crate) fn under(self, begun: &Begun) -> Self {
        let (session, secret) = (begun.session.clone(), begun.secret.clone());
        let visitor = Box::new(Visitor { form_token: form_token::of(&secret), ..*self.visitor });
        Self { session, secret, visitor, ..self }
    }
}

impl Recognised {
    /// Those of whom no second factor is demanded any more; others are led to where they set one up, or show theirs. Whatever
    /// asks for [`SignedIn`], or for what is made of it, goes through here.
    async fn with_factor(self, parts: &Parts, portal: &Portal) -> Result<SignedIn, Turned> {
        match portal.control.factor_demand(&self.0.session).await.map_err(Problem::from)? {
            FactorDemand::Nothing => Ok(self.0),
            FactorDemand::SetUp => Err(Turned(see_other(SET_UP_FACTOR_PATH))),
            FactorDemand::Show => Err(Turned::to("/confirm", parts)),
        }
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

impl FromRequestParts<Portal> for Recognised {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let visitor = Visitor::from_request_parts(parts, portal).await?;
        visitor.recognised().ok_or_else(|| Turned::to("/sign-in", parts))
    }
}

impl FromRequestParts<Portal> for SignedIn {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        Recognised::from_request_parts(parts, portal).await?.with_factor(parts, portal).await
    }
}

impl FromRequestParts<Portal> for InstanceOperator {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let signed_in = SignedIn::from_request_parts(parts, portal).await?;
        if signed_in.account.is_operator { Ok(Self(signed_in)) } else { Err(Problem::not_found().into()) }
    }
}
