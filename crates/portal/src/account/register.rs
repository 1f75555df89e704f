//! `/register`: an account for oneself. The answer is the same whether or not the address is known; its mailbox learns.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::{Applicant, Control, PASSWORD_CHARACTERS_MIN, RegisterError, Registered, RegistrationPolicy};
use serde::Deserialize;

use super::later::beside_the_answer;
use super::refused::{Refusal, sentence};
use crate::mail::{Mailer, letters, send_or_log};
use crate::web::page::{show, with_mistakes};
use crate::web::redirect::see_other;
use crate::web::{Page, Portal, Posted, Problem, Visitor};

/// What is shown beside the fields.
#[derive(Debug, Default)]
struct Mistakes {
    email: Option<String>,
    password: Option<String>,
    form: Option<String>,
}

#[derive(Template)]
#[template(path = "account/register.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    mistakes: Mistakes,
    password_characters: usize,
    /// Whose addresses register, where only some domains' do.
    domains: &'a [String],
}

#[derive(Template)]
#[template(path = "account/no_registration.html")]
struct Closed<'a> {
    page: &'a Page,
    is_by_invitation: bool,
    contact: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "account/registered.html")]
struct Done<'a> {
    page: &'a Page,
    email: &'a str,
    may_sign_in: bool,
}

fn form(portal: &Portal, page: &Page, email: &str, mistakes: Mistakes) -> Result<Response, Problem> {
    let policy = &portal.control.registration().policy;
    let domains: &[String] = match policy {
        RegistrationPolicy::Domains(domains) => domains,
        RegistrationPolicy::Open => &[],
        RegistrationPolicy::Invitation | RegistrationPolicy::Closed => {
            let is_by_invitation = *policy == RegistrationPolicy::Invitation;
            let contact = portal.config.support_contact.as_deref();
            return show(page, &Closed { page, is_by_invitation, contact });
        }
    };
    let view = View { page, email, mistakes, password_characters: PASSWORD_CHARACTERS_MIN, domains };
    show(page, &view)
}

/// `GET /register`.
pub(super) async fn get(State(portal): State<Portal>, visitor: Visitor) -> Result<Response, Problem> {
    if visitor.recognised().is_some() {
        return Ok(see_other("/"));
    }
    form(&portal, &Page::for_visitor(&visitor, "Register"), "", Mistakes::default())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    email: String,
    password: String,
}

/// `POST /register`.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let page = Page::for_visitor(&visitor, "Register");
    let email = sent.email.trim();
    if let Err(error) = portal.control.count_mail_of(visitor.from) {
        let refusal = Refusal::of(error, "")?;
        let mistakes = Mistakes { form: Some(refusal.text.clone()), ..Mistakes::default() };
        return Ok(refusal.answer(form(&portal, &page, email, mistakes)?));
    }
    let applicant = match portal.control.admit(email, &sent.password).await {
        Ok(applicant) => applicant,
        Err(error) => return refuse(&portal, &page, email, &error),
    };
    let (control, mailer) = (portal.control.clone(), portal.mail.clone());
    let (base_url, from) = (portal.config.base_url.clone(), visitor.from);
    beside_the_answer(async move { register(&control, &*mailer, &base_url, applicant, from).await }).await;
    let may_sign_in = portal.control.registration().may_sign_in_unconfirmed;
    let page = Page::for_visitor(&visitor, "Check your mail");
    show(&page, &Done { page: &page, email, may_sign_in })
}

fn refuse(portal: &Portal, page: &Page, email: &str, error: &RegisterError) -> Result<Response, Problem> {
    let said = Some(sentence(error));
    let mistakes = match error {
        RegisterError::InvalidPassword(_) => Mistakes { password: said, ..Mistakes::default() },
        RegisterError::InvalidEmail | RegisterError::Domain(_) => {
            Mistakes { email: said, ..Mistakes::default() }
        }
        RegisterError::Closed | RegisterError::Invitation => Mistakes::default(),
        RegisterError::Hash(_) => {
            let refusal = Refusal::busy(sentence(error));
            let mistakes = Mistakes { form: said, ..Mistakes::default() };
            return Ok(refusal.answer(form(portal, page, email, mistakes)?));
        }
    };
    Ok(with_mistakes(form(portal, page, email, mistakes)?))
}

async fn register(
    control: &Control,
    mailer: &dyn Mailer,
    base_url: &str,
    applicant: Applicant,
    from: std::net::IpAddr,
) {
    let mail = match control.register(applicant, from).await {
        Ok(Registered::New { email, secret }) => letters::confirm_address(&email, base_url, secret.expose()),
        Ok(Registered::Known { email }) => letters::registered_already(&email, base_url),
        Ok(Registered::MailedEnough) => return,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a registration was not stored");
            return;
        }
    };
    send_or_log(mailer, mail);
}
