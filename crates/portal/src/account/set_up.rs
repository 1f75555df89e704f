//! `/set-up`: an operator's account, by a link that whoever runs the instance got on the console.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::{LinkError, PASSWORD_CHARACTERS_MIN};
use serde::Deserialize;

use super::LinkQuery;
use super::entry::{Device, let_in};
use super::refused::{Refusal, sentence};
use crate::web::page::{show, with_mistakes};
use crate::web::{Page, Portal, Posted, Problem, Visitor};

const TITLE: &str = "Set up this instance";

#[derive(Debug, Default)]
struct Mistakes {
    email: Option<String>,
    password: Option<String>,
    form: Option<String>,
}

#[derive(Template)]
#[template(path = "account/set_up.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    token: &'a str,
    mistakes: Mistakes,
    password_characters: usize,
}

fn form(page: &Page, email: &str, token: &str, mistakes: Mistakes) -> Result<Response, Problem> {
    show(page, &View { page, email, token, mistakes, password_characters: PASSWORD_CHARACTERS_MIN })
}

fn dead() -> Problem {
    Problem::conflict(
        "This link doesn't work any more: it was used, it is too old, or there is an account already. Whoever runs this \
         instance makes another one with the command: voxgate users set-up-link",
    )
}

/// `GET /set-up`: shows a form, and uses nothing up.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    Query(query): Query<LinkQuery>,
) -> Result<Response, Problem> {
    if portal.control.find_set_up_link(&query.token).await?.is_none() {
        return Err(dead());
    }
    form(&Page::for_visitor(&visitor, TITLE), "", &query.token, Mistakes::default())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    token: String,
    email: String,
    password: String,
}

/// `POST /set-up`: makes the account and signs in.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    device: Device,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let email = sent.email.trim();
    let error = match portal.control.set_up(&sent.token, email, &sent.password, visitor.from).await {
        Ok(account) => return let_in(&portal, &visitor, &device, &account, None, None).await,
        Err(error) => error,
    };
    let page = Page::for_visitor(&visitor, TITLE);
    let said = Some(sentence(&error));
    let mistakes = match error {
        LinkError::NotFound => return Err(dead()),
        LinkError::Store(error) => return Err(error.into()),
        LinkError::EmailTaken | LinkError::InvalidEmail => Mistakes { email: said, ..Mistakes::default() },
        LinkError::InvalidPassword(_) => Mistakes { password: said, ..Mistakes::default() },
        LinkError::Hash(_) => {
            let refusal = Refusal::busy(said.clone().unwrap_or_default());
            let mistakes = Mistakes { form: said, ..Mistakes::default() };
            return Ok(refusal.answer(form(&page, email, &sent.token, mistakes)?));
        }
    };
    Ok(with_mistakes(form(&page, email, &sent.token, mistakes)?))
}
