//! The list of API keys, with the form for a new one above it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::{KeyLife, KeySearch, ListKeysError, PageRequest, Place};
use domain::{ApiKeyId, FormId, ProjectId, Timestamp};
use serde::Deserialize;

use super::fields::{FieldErrors, FieldsView, KeyFields, ProjectField};
use super::words::KeyRow;
use crate::web::page::{show, with_mistakes};
use crate::web::paging::{ROWS_PER_PAGE, SEARCH_CHARACTERS_MAX};
use crate::web::{Member, Page, Portal, Problem, RECENT_MINUTES_MAX};

/// The address as it came; a form sends fields that nobody filled in as empty ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    after: String,
    search: String,
    project: String,
    state: String,
}

#[derive(Template)]
#[template(path = "keys/list.html")]
struct View<'a> {
    page: &'a Page,
    /// The form; nothing where they must confirm first who they are.
    fields: Option<FieldsView>,
    form: FormId,
    rows: Vec<KeyRow>,
    search: &'a str,
    search_max: usize,
    project: ProjectField,
    state: &'a str,
    is_narrowed: bool,
    is_first: bool,
    first: String,
    next: Option<String>,
}

/// Shows the list.
pub(crate) async fn get(
    State(portal): State<Portal>,
    member: Member,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    let fields = KeyFields::empty(&member.workspace);
    page(&portal, &member, &address, &fields, FieldErrors::default(), None).await
}

/// The form as it was sent, with what is wrong in it.
pub(crate) async fn show_again(
    portal: &Portal,
    member: &Member,
    fields: &KeyFields,
    errors: FieldErrors,
) -> Result<Response, Problem> {
    let form = FormId::parse(&fields.form);
    page(portal, member, &Address::default(), fields, errors, form).await.map(with_mistakes)
}

async fn page(
    portal: &Portal,
    member: &Member,
    address: &Address,
    fields: &KeyFields,
    errors: FieldErrors,
    form: Option<FormId>,
) -> Result<Response, Problem> {
    let control = &portal.control;
    let page = Page::for_member(member, "API Keys");
    let request = PageRequest { after: address.place()?, limit: ROWS_PER_PAGE };
    let found = control.search_keys(member.workspace.id, &address.search(), &request).await;
    let found = match found {
        Ok(found) => found,
        Err(ListKeysError::ProjectNotFound) => return Err(Problem::not_found()),
        Err(ListKeysError::Store(error)) => return Err(error.into()),
    };
    let projects = control.list_projects(member.workspace.id).await?;
    let enterprise = control.limits_of(&member.workspace).enterprise;
    let asked = ProjectField::of(&projects, &fields.project);
    // With one project there is nothing to choose.
    let asked = Some(asked).filter(|_| projects.len() > 1);
    let view = View {
        fields: is_recent(member, control.now()).then(|| FieldsView::of(fields, errors, enterprise, asked)),
        form: form.unwrap_or_else(|| control.new_form()),
        rows: found.items.iter().map(|listed| KeyRow::of(&page, listed)).collect(),
        search: &address.search,
        search_max: SEARCH_CHARACTERS_MAX,
        project: ProjectField::of(&projects, &address.project),
        state: &address.state,
        is_narrowed: address.is_narrowed(),
        is_first: request.after.is_none(),
        first: address.link(None),
        next: found.next.as_ref().map(|place| address.link(Some(place))),
        page: &page,
    };
    show(&page, &view)
}

/// Whether they may make a key without confirming first who they are.
fn is_recent(member: &Member, now: Timestamp) -> bool {
    now < member.signed_in.session.confirmed_at.plus_seconds(RECENT_MINUTES_MAX * 60)
}

impl Address {
    fn search(&self) -> KeySearch {
        let text: String =
            self.search.chars().filter(|letter| !letter.is_control()).take(SEARCH_CHARACTERS_MAX).collect();
        let life = match self.state.as_str() {
            "usable" => Some(KeyLife::Usable),
            "ended" => Some(KeyLife::Ended),
            _ => None,
        };
        KeySearch {
            project_id: self.project.trim().parse().ok().map(ProjectId::new),
            text: Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            life,
        }
    }

    fn is_narrowed(&self) -> bool {
        self.search() != KeySearch::default()
    }

    fn place(&self) -> Result<Option<Place>, Problem> {
        if self.after.is_empty() {
            return Ok(None);
        }
        let place = self.after.split_once('.').and_then(|(micros, id)| {
            let created_at = Timestamp::from_micros(micros.parse().ok()?);
            Some(Place { created_at, id: ApiKeyId::parse(id)?.to_text() })
        });
        place.map(Some).ok_or_else(Problem::not_found)
    }

    /// The same list from another place on.
    fn link(&self, place: Option<&Place>) -> String {
        let after = place.map(|place| format!("{}.{}", place.created_at.as_micros(), place.id));
        let pairs = [
            ("search", self.search.as_str()),
            ("project", &self.project),
            ("state", &self.state),
            ("after", after.as_deref().unwrap_or_default()),
        ];
        let filled = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish();
        if query.is_empty() { super::PATH.to_owned() } else { format!("{}?{query}", super::PATH) }
    }
}
