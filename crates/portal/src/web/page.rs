//! What the layout of every page shows around it.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use domain::{Role, Timestamp, Workspace};
use http::{HeaderValue, StatusCode, header};

use super::cookies;
use super::notice::Notice;
use super::time::{ShownTime, Zone};
use super::{Member, Problem, SignedIn, Visitor};

/// Visitors' form cookies live as long as somebody may fill in a form, in seconds.
const FORM_COOKIE_SECONDS: i64 = 12 * 3600;

/// What the layout needs to know. Templates hold it as `page`.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) title: String,
    /// The path of the page, to mark it in the navigation.
    pub(crate) path: String,
    pub(crate) is_dev: bool,
    pub(crate) version: &'static str,
    /// The hidden field `form_token` of every form.
    pub(crate) form_token: String,
    pub(crate) account: Option<PageAccount>,
    pub(crate) workspace: Option<PageWorkspace>,
    pub(crate) notice: Option<&'static str>,
    /// Whether it leads to the other pages: not where it isn't known who sees it, nor before they may go there.
    pub(crate) has_ways: bool,
    zone: Zone,
    new_form_cookie: Option<credentials::PlainSecret>,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct PageAccount {
    pub(crate) email: String,
    pub(crate) is_operator: bool,
}

/// The workspace that the page is about.
#[derive(Debug, Clone)]
pub(crate) struct PageWorkspace {
    pub(crate) name: String,
    pub(crate) is_admin: bool,
}

impl Page {
    /// A page that knows nobody: for what goes wrong before anybody is known.
    pub(crate) fn bare(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            path: String::new(),
            is_dev: false,
            version: env!("CARGO_PKG_VERSION"),
            form_token: String::new(),
            account: None,
            workspace: None,
            notice: None,
            has_ways: false,
            zone: Zone::named(domain::TIME_ZONE_DEFAULT),
            new_form_cookie: None,
        }
    }

    /// A page for anybody.
    pub(crate) fn for_visitor(visitor: &Visitor, title: &str) -> Self {
        let account = visitor.recognised_account();
        Self {
            path: visitor.uri.path().to_owned(),
            is_dev: visitor.is_dev,
            form_token: visitor.form_token.clone(),
            account: account.map(|account| PageAccount {
                email: account.email.clone(),
                is_operator: account.is_operator,
            }),
            notice: notice(&visitor.uri).map(Notice::text),
            has_ways: true,
            zone: account.map_or_else(
                || Zone::named(domain::TIME_ZONE_DEFAULT),
                |account| Zone::named(&account.time_zone),
            ),
            new_form_cookie: visitor.new_form_cookie.clone(),
            ..Self::bare(title)
        }
    }

    /// A page for whoever is signed in.
    pub(crate) fn for_signed_in(signed_in: &SignedIn, title: &str) -> Self {
        Self::for_visitor(&signed_in.visitor(), title)
    }

    /// A page about a workspace.
    pub(crate) fn for_member(member: &Member, title: &str) -> Self {
        let workspace = page_workspace(&member.workspace, member.role);
        Self { workspace: Some(workspace), ..Self::for_signed_in(&member.signed_in, title) }
    }

    /// The same without ways to other pages, but for signing out.
    pub(crate) fn without_ways(self) -> Self {
        Self { has_ways: false, ..self }
    }

    /// A moment, in the account's time zone.
    pub(crate) fn time(&self, at: &Timestamp) -> ShownTime {
        self.zone.show(*at)
    }

    /// What a field of a form holds: a day, which stands for its beginning, or a day and a time; in the account's time zone.
    pub(crate) fn read_time(&self, text: &str) -> Option<Timestamp> {
        self.zone.read(text)
    }

    /// A moment as a field for a day and a time holds it.
    pub(crate) fn field_time(&self, at: &Timestamp) -> String {
        self.zone.field(*at)
    }

    /// Whether links for admins of the workspace are shown: not to those of whom the page knows that they are none.
    pub(crate) fn shows_admin_links(&self) -> bool {
        self.workspace.as_ref().is_none_or(|workspace| workspace.is_admin)
    }

    /// Whether the page is `path` or below it.
    pub(crate) fn is_in(&self, path: &str) -> bool {
        self.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn page_workspace(workspace: &Workspace, role: Role) -> PageWorkspace {
    PageWorkspace { name: workspace.name.clone(), is_admin: role == Role::Admin }
}

fn notice(uri: &http::Uri) -> Option<Notice> {
    let query = uri.query()?;
    let (_, word) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done")?;
    Notice::from_name(&word)
}

/// Renders a page with a form, which may have mistakes in it.
pub(crate) fn show_form(
    page: &Page,
    template: &impl Template,
    has_mistakes: bool,
) -> Result<Response, Problem> {
    let shown = show(page, template)?;
    Ok(if has_mistakes { with_mistakes(shown) } else { shown })
}

/// A page whose form has mistakes in it.
pub(crate) fn with_mistakes(shown: Response) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, shown).into_response()
}

/// Renders a page. It is kept by no cache: it is about whoever asked, now.
pub(crate) fn show(page: &Page, template: &impl Template) -> Result<Response, Problem> {
    let mut response = Html(template.render()?).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set_form_cookie(&mut response, page.new_form_cookie.as_ref());
    Ok(response)
}

/// Gives a visitor's browser the cookie that its forms are tied to, where it has none yet.
pub(crate) fn set_form_cookie(response: &mut Response, new: Option<&credentials::PlainSecret>) {
    if let Some(cookie) = new {
        let (name, value) = cookies::set(cookies::FORM, cookie, FORM_COOKIE_SECONDS);
        response.headers_mut().append(name, value);
    }
}
