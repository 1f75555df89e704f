//! `/settings/devices`: where an account is signed in, and ending it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::{PortalSession, PortalSessionId, SignInMethod, Timestamp};

use super::NoFields;
use crate::web::notice::Notice;
use crate::web::page::show;
use crate::web::redirect::see_other_with;
use crate::web::{Page, Portal, Posted, Problem, Recent};

const PATH: &str = "/settings/devices";

#[derive(Template)]
#[template(path = "account/devices.html")]
struct View<'a> {
    page: &'a Page,
    devices: Vec<Device>,
}

struct Device {
    id: PortalSessionId,
    browser: String,
    from: String,
    method: &'static str,
    created_at: Timestamp,
    seen_at: Timestamp,
    is_this: bool,
}

impl Device {
    fn of(session: &PortalSession, this: PortalSessionId) -> Self {
        Self {
            id: session.id,
            browser: browser_name(&session.browser),
            from: session.from.map_or_else(|| "unknown".to_owned(), |address| address.to_string()),
            method: method(session.method),
            created_at: session.created_at,
            seen_at: session.seen_at,
            is_this: session.id == this,
        }
    }
}

const fn method(method: SignInMethod) -> &'static str {
    match method {
        SignInMethod::Password => "password",
        SignInMethod::PasswordAndFactor => "password and second factor",
        SignInMethod::Passkey => "passkey",
        SignInMethod::Provider => "another provider",
        SignInMethod::ProviderAndFactor => "another provider and second factor",
        SignInMethod::Link => "one-time link",
    }
}

/// What people call a browser that calls itself this. The order matters: most call themselves by the names of others, too.
pub(super) fn browser_name(said: &str) -> String {
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| said.contains(part)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "unknown browser".to_owned(),
    }
}

/// `GET /settings/devices`.
pub(super) async fn get(
    State(portal): State<Portal>,
    Recent(signed_in): Recent,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(&signed_in, "Devices");
    let sessions = portal.control.list_portal_sessions(signed_in.account.id).await?;
    let devices = sessions.iter().map(|session| Device::of(session, signed_in.session.id)).collect();
    show(&page, &View { page: &page, devices })
}

/// `POST /settings/devices/{id}/sign-out`: one of the account's own; another's isn't there.
pub(super) async fn sign_out(
    State(portal): State<Portal>,
    Recent(signed_in): Recent,
    Path(id): Path<String>,
    Posted(NoFields {}): Posted<NoFields>,
) -> Result<Response, Problem> {
    let id = PortalSessionId::parse(&id).ok_or_else(Problem::not_found)?;
    if !portal.control.sign_out(&signed_in.actor(), signed_in.account.id, id).await? {
        return Err(Problem::not_found());
    }
    Ok(see_other_with(PATH, Notice::DeviceSignedOut))
}

/// `POST /settings/devices`: everywhere else.
pub(super) async fn sign_out_others(
    State(portal): State<Portal>,
    Recent(signed_in): Recent,
    Posted(NoFields {}): Posted<NoFields>,
) -> Result<Response, Problem> {
    let kept = Some(signed_in.session.id);
    portal.control.sign_out_everywhere(&signed_in.actor(), signed_in.account.id, kept).await?;
    Ok(see_other_with(PATH, Notice::OthersSignedOut))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Browsers are called by the name that people know them by; what can't be told is said so, and never repeated.
    #[test]
    fn browsers_have_names() {
        for (said, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("<script>alert(1)</script>", "unknown browser"),
            ("", "unknown browser"),
        ] {
            assert_eq!(browser_name(said), name);
        }
    }
}
