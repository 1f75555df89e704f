//! `/dev/mail`: the mails of a dev instance, which leave nowhere. On any other instance there is no such page.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::web::page::show;
use crate::web::time::{ShownTime, Zone};
use crate::web::{Page, Portal, Problem, Visitor};

#[derive(Template)]
#[template(path = "account/dev_mail.html")]
struct View<'a> {
    page: &'a Page,
    mails: Vec<Shown>,
}

struct Shown {
    at: ShownTime,
    to: String,
    subject: String,
    paragraphs: Vec<Paragraph>,
}

struct Paragraph {
    text: String,
    is_link: bool,
}

/// `GET /dev/mail`.
pub(super) async fn get(State(portal): State<Portal>, visitor: Visitor) -> Result<Response, Problem> {
    let outbox = portal.outbox.as_ref().ok_or_else(Problem::not_found)?;
    let zone = Zone::named(domain::TIME_ZONE_DEFAULT);
    let base = format!("{}/", portal.config.base_url);
    let paragraph =
        |text: &str| Paragraph { is_link: text.starts_with(&base), text: text.trim_end().to_owned() };
    let shown = outbox.mails().into_iter().map(|(at, mail)| Shown {
        at: zone.show(at),
        to: mail.to().to_owned(),
        subject: mail.subject().to_owned(),
        paragraphs: mail.text().split("\n\n").map(paragraph).collect(),
    });
    let mails = shown.collect();
    let page = Page::for_visitor(&visitor, "Mails");
    show(&page, &View { page: &page, mails })
}
