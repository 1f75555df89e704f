//! Forms: read only after it is certain that they were sent from a page of this portal, by the browser that it was shown to.

use axum::body::HttpBody as _;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::{Portal, Problem, form_token};

/// A form, in bytes.
pub const FORM_BYTES_MAX: usize = 32 * 1024;
const TOKEN_FIELD: &str = "form_token";
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// A form that was sent by a page of this portal.
#[derive(Debug)]
pub(crate) struct Posted<T>(pub(crate) T);

/// Why a form isn't taken.
#[derive(Debug)]
pub(crate) struct NotPosted(Problem);

impl IntoResponse for NotPosted {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl<T: DeserializeOwned> FromRequest<Portal> for Posted<T> {
    type Rejection = NotPosted;

    async fn from_request(request: Request, _portal: &Portal) -> Result<Self, NotPosted> {
        read(request).await.map(Self).map_err(NotPosted)
    }
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let (head, body) = request.into_parts();
    if !comes_from_here(&head.headers) {
        return Err(Problem::form_expired());
    }
    if !is_form(&head.headers) {
        return Err(Problem::bad_form("Forms are sent as application/x-www-form-urlencoded."));
    }
    if body.size_hint().lower() > FORM_BYTES_MAX as u64 {
        return Err(Problem::too_large());
    }
    let body = match Limited::new(body, FORM_BYTES_MAX).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Problem::too_large()),
        Err(_) => return Err(Problem::bad_form("The form didn't arrive whole. Send it again.")),
    };
    let (tokens, fields): (Vec<_>, Vec<_>) =
        form_urlencoded::parse(&body).partition(|(name, _)| name == TOKEN_FIELD);
    let [(_, token)] = tokens.as_slice() else { return Err(Problem::form_expired()) };
    if !form_token::is_right(&head.headers, token) {
        return Err(Problem::form_expired());
    }
    let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    serde_html_form::from_str(&fields)
        .map_err(|error| Problem::bad_form(format!("{error}. Reload the page and send the form again.")))
}

/// Browsers say where a request comes from. What they say must be this origin; older ones that say nothing are held to
/// the token alone. `Origin: null` is what pages that tell nobody their address send (`Referrer-Policy: no-referrer`, as
/// ours do), so that it counts only beside a `Sec-Fetch-Site` that says more.
fn comes_from_here(headers: &HeaderMap) -> bool {
    let site = one(headers, "sec-fetch-site");
    let is_own = match one(headers, "origin") {
        None => true,
        Some("null") => site.is_some(),
        Some(origin) => {
            let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            let host = one(headers, "host");
            authority.zip(host).is_some_and(|(authority, host)| host.eq_ignore_ascii_case(authority))
        }
    };
    is_own && site.is_none_or(|site| site == "same-origin")
}

/// Whether a page of another site led here: what starts something then waits until somebody has chosen it on a page of ours.
pub(crate) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    one(headers, "sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// The value of a header; of one that is there several times or can't be read, a value that means nothing.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    let is_only = values.next().is_none();
    Some(first.to_str().ok().filter(|_| is_only).unwrap_or_default())
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(CONTENT_TYPE))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;

    use super::*;
    use crate::web::cookies;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Form {
        name: String,
        #[serde(default)]
        areas: Vec<String>,
    }

    async fn posted(headers: &[(&str, &str)], body: &str) -> Result<Form, http::StatusCode> {
        let mut request = Request::post("/x").header("host", "localhost:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        read(request).await.map_err(|problem| problem.into_response().status())
    }

    fn cookie(name: &str, value: &str) -> String {
        format!("{name}={value}")
    }

    /// A form is taken with the token of the very browser that it was shown to, from this origin, and in no other way.
    #[tokio::test]
    async fn forms_are_not_forged() {
        let token = form_token::of(&credentials::PlainSecret::new("abc".to_owned()));
        let other = form_token::of(&credentials::PlainSecret::new("abd".to_owned()));
        let session = cookie(cookies::SESSION, "abc");
        let form = ("content-type", "application/x-www-form-urlencoded");
        let own = ("cookie", session.as_str());
        let body = format!("name=a+b&areas=eu&areas=usa&form_token={token}");
        let right = Form { name: "a b".to_owned(), areas: vec!["eu".to_owned(), "usa".to_owned()] };

        let visitor = cookie(cookies::FORM, "abc");
        for headers in [
            &[form, own][..],
            &[form, ("cookie", &visitor)],
            &[form, own, ("sec-fetch-site", "same-origin"), ("origin", "http://localhost:8080")],
            &[form, own, ("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("content-type", "application/x-www-form-urlencoded; charset=utf-8"), own],
        ] {
            assert_eq!(posted(headers, &body).await.as_ref(), Ok(&right), "{headers:?}");
        }

        let strangers = cookie(cookies::SESSION, "abd");
        for headers in [
            &[form][..],
            &[form, ("cookie", &strangers)],
            &[form, own, ("sec-fetch-site", "cross-site")],
            &[form, own, ("sec-fetch-site", "same-site")],
            &[form, own, ("sec-fetch-site", "none")],
            &[form, own, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
            &[form, own, ("origin", "http://localhost:8081")],
            &[form, own, ("origin", "null")],
            &[form, own, ("sec-fetch-site", "cross-site"), ("origin", "null")],
            &[form, own, ("origin", "http://localhost:8080.evil.example")],
        ] {
            assert_eq!(posted(headers, &body).await, Err(http::StatusCode::FORBIDDEN), "{headers:?}");
        }
        for tokens in [
            "",
            "form_token=",
            &format!("form_token={other}"),
            &format!("form_token={token}&form_token={token}"),
        ] {
            let body = format!("name=a&{tokens}");
            assert_eq!(posted(&[form, own], &body).await, Err(http::StatusCode::FORBIDDEN), "{tokens}");
        }
    }

    /// A field that the form hasn't, one that is there twice, another kind of body and an endless one are refused.
    #[tokio::test]
    async fn forms_are_read_strictly() {
        let token = form_token::of(&credentials::PlainSecret::new("abc".to_owned()));
        let session = cookie(cookies::SESSION, "abc");
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", session.as_str())];
        let control = posted(&headers, &format!("name=a&form_token={token}")).await;
        assert_eq!(control, Ok(Form { name: "a".to_owned(), areas: Vec::new() }));
        for body in ["name=a&is_operator=true", "name=a&name=b", "areas=eu"] {
            let body = format!("{body}&form_token={token}");
            assert_eq!(posted(&headers, &body).await, Err(http::StatusCode::BAD_REQUEST), "{body}");
        }
        let json = [("content-type", "application/json"), headers[1]];
        assert_eq!(
            posted(&json, &format!("name=a&form_token={token}")).await,
            Err(http::StatusCode::BAD_REQUEST)
        );
        let endless = format!("name={}&form_token={token}", "a".repeat(FORM_BYTES_MAX));
        assert_eq!(posted(&headers, &endless).await, Err(http::StatusCode::PAYLOAD_TOO_LARGE));
    }
}
