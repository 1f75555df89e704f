//! What a form says of a key, read and shown again: what was typed stays, and each error stands beside its field.

use control::{ChangeKeyError, CreateKeyError, NewKey};
use domain::limits::{NAME_CHARACTERS_MAX, NETWORKS_ENTRIES_MAX};
use domain::{
    ApiKey, Area, AreaSet, Networks, Product, ProductSet, Project, ProjectId, Timestamp, Workspace,
};
use serde::Deserialize;

use super::words;
use crate::web::{Page, Problem};

/// Projects in one list. With more of them their number is asked for: a list of a thousand would weigh more than the page.
const PROJECTS_LISTED_MAX: usize = 50;

/// The form as it was sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeyFields {
    /// Which showing of the form this is.
    pub(crate) form: String,
    pub(crate) name: String,
    pub(crate) project: String,
    pub(crate) areas: Vec<String>,
    pub(crate) products: Vec<String>,
    pub(crate) networks: String,
    pub(crate) expires_on: String,
}

/// What is wrong, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldErrors {
    pub(crate) name: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) areas: Option<String>,
    pub(crate) products: Option<String>,
    pub(crate) networks: Option<String>,
    pub(crate) expires_on: Option<String>,
}

/// What a key shall be.
#[derive(Debug, Clone)]
pub(crate) struct ReadKey {
    pub(crate) name: String,
    pub(crate) project_id: Option<ProjectId>,
    pub(crate) areas: Option<AreaSet>,
    pub(crate) products: Option<ProductSet>,
    pub(crate) networks: Networks,
    pub(crate) expires_at: Option<Timestamp>,
}

impl ReadKey {
    pub(crate) fn into_new(self, default_project: ProjectId) -> NewKey {
        NewKey {
            project_id: self.project_id.unwrap_or(default_project),
            name: self.name,
            areas: self.areas,
            products: self.products,
            expires_at: self.expires_at,
            networks: self.networks,
            client_ref: None,
        }
    }
}

impl KeyFields {
    /// As a key is now.
    pub(crate) fn of(page: &Page, key: &ApiKey) -> Self {
        Self {
            form: String::new(),
            name: key.name.clone(),
            project: String::new(),
            areas: key.areas.iter().map(|area| area.to_string()).collect(),
            products: key.products.iter().map(|product| product.to_string()).collect(),
            networks: key.networks.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            expires_on: key.expires_at.map(|at| page.time(&at).date).unwrap_or_default(),
        }
    }

    /// For a new key, before anything is typed.
    pub(crate) fn empty(workspace: &Workspace) -> Self {
        let products = ProductSet::default_for_keys();
        Self {
            areas: vec![workspace.home_area.to_string()],
            products: products.iter().map(|product| product.to_string()).collect(),
            ..Self::default()
        }
    }

    /// Reads it. What is only wrong together with what is stored is found later.
    pub(crate) fn read(&self, page: &Page) -> Result<ReadKey, Box<FieldErrors>> {
        let mut errors = FieldErrors::default();
        let name = self.name.trim().to_owned();
        if name.is_empty() {
            errors.name = Some("Give the key a name, such as what will use it.".to_owned());
        } else if name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
            errors.name = Some(wrong_name());
        }
        let project_id = match self.project.trim() {
            "" => None,
            text => {
                let id = text.parse().ok().map(ProjectId::new);
                if id.is_none() {
                    errors.project = Some(wrong_project());
                }
                id
            }
        };
        let areas = choices(&self.areas, Area::from_name);
        if areas.is_none() {
            errors.areas = Some("Choose from the areas that are listed.".to_owned());
        }
        let products = choices(&self.products, Product::from_name);
        if products.is_none() {
            errors.products = Some("Choose from the products that are listed.".to_owned());
        }
        let networks = read_networks(&self.networks).unwrap_or_else(|wrong| {
            errors.networks = Some(wrong);
            Networks::default()
        });
        let expires_at = match self.expires_on.trim() {
            "" => None,
            text => {
                let at = page.read_time(text);
                if at.is_none() {
                    errors.expires_on = Some("Give a day as in 2027-01-31, or leave it empty.".to_owned());
                }
                at
            }
        };
        if errors != FieldErrors::default() {
            return Err(Box::new(errors));
        }
        let areas = areas.filter(|areas: &Vec<Area>| !areas.is_empty());
        let products = products.filter(|products: &Vec<Product>| !products.is_empty());
        Ok(ReadKey {
            name,
            project_id,
            areas: areas.map(AreaSet::from_iter),
            products: products.map(ProductSet::from_iter),
            networks,
            expires_at,
        })
    }
}

fn choices<T>(names: &[String], parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    names.iter().map(|name| parse(name)).collect()
}

/// Networks or single addresses, with blanks, commas or line breaks between them.
fn read_networks(text: &str) -> Result<Networks, String> {
    let parts =
        text.split(|letter: char| letter.is_whitespace() || letter == ',').filter(|part| !part.is_empty());
    let mut networks = Vec::new();
    for part in parts {
        let alone = part.parse::<std::net::IpAddr>().ok().map(Into::into);
        let network = alone.or_else(|| part.parse().ok());
        let Some(network) = network else {
            let part: String = part.chars().take(50).collect();
            return Err(format!("“{part}” is no network. Give them as in 192.0.2.0/24 or 2001:db8::/32."));
        };
        networks.push(network);
    }
    if networks.len() > NETWORKS_ENTRIES_MAX {
        return Err(too_many_networks());
    }
    Ok(Networks(networks))
}

fn wrong_name() -> String {
    format!("A name has 1 to {NAME_CHARACTERS_MAX} characters, without line breaks.")
}

fn wrong_project() -> String {
    "There is no such project in this workspace. Its number stands in the list of projects.".to_owned()
}

fn too_many_networks() -> String {
    format!("A key may have at most {NETWORKS_ENTRIES_MAX} networks.")
}

fn several_areas() -> String {
    "This workspace's plan links a key to one area. Choose one, or make a key for each.".to_owned()
}

/// What is wrong with a new key, beside its field.
pub(crate) fn creation(error: CreateKeyError) -> Result<FieldErrors, Problem> {
    let mut errors = FieldErrors::default();
    let (field, text) = match error {
        CreateKeyError::ProjectNotFound => (&mut errors.project, wrong_project()),
        CreateKeyError::ProjectFull => (
            &mut errors.project,
            "This project holds as many keys as the plan allows. Revoke one that isn't needed, or choose another project."
                .to_owned(),
        ),
        CreateKeyError::InvalidName => (&mut errors.name, wrong_name()),
        CreateKeyError::NoAreas => (&mut errors.areas, "Choose at least one area.".to_owned()),
        CreateKeyError::NoProducts => (&mut errors.products, "Choose at least one product.".to_owned()),
        CreateKeyError::SeveralAreas => (&mut errors.areas, several_areas()),
        CreateKeyError::TooManyNetworks => (&mut errors.networks, too_many_networks()),
        CreateKeyError::ExpiresInPast => {
            (&mut errors.expires_on, "This day has begun already. Give a later one.".to_owned())
        }
        CreateKeyError::Store(error) => return Err(error.into()),
    };
    *field = Some(text);
    Ok(errors)
}

/// What is wrong with a change, beside its field.
pub(crate) fn changing(error: ChangeKeyError) -> Result<FieldErrors, Problem> {
    let mut errors = FieldErrors::default();
    let (field, text) = match error {
        ChangeKeyError::NotFound => return Err(Problem::not_found()),
        ChangeKeyError::InvalidName => (&mut errors.name, wrong_name()),
        ChangeKeyError::NoAreas => (&mut errors.areas, "Choose at least one area.".to_owned()),
        ChangeKeyError::NoProducts => (&mut errors.products, "Choose at least one product.".to_owned()),
        ChangeKeyError::SeveralAreas => (&mut errors.areas, several_areas()),
        ChangeKeyError::TooManyNetworks => (&mut errors.networks, too_many_networks()),
        ChangeKeyError::ProjectFull => (
            &mut errors.expires_on,
            "The project has no room for one more key that works. Revoke one that isn't needed.".to_owned(),
        ),
        ChangeKeyError::Store(error) => return Err(error.into()),
    };
    *field = Some(text);
    Ok(errors)
}

/// One thing to choose.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

/// Which project: chosen from a list, or by its number where there are too many to list.
#[derive(Debug, Clone)]
pub(crate) enum ProjectField {
    List(Vec<Choice>),
    Number(String),
}

impl ProjectField {
    /// With `chosen` as it was typed.
    pub(crate) fn of(projects: &[Project], chosen: &str) -> Self {
        if projects.len() > PROJECTS_LISTED_MAX {
            return Self::Number(chosen.to_owned());
        }
        let choice = |project: &Project| Choice {
            value: project.id.to_string(),
            label: format!("{} ({})", project.name, project.id),
            is_chosen: project.id.to_string() == chosen,
        };
        Self::List(projects.iter().map(choice).collect())
    }
}

/// The form as a page shows it.
#[derive(Debug, Clone)]
pub(crate) struct FieldsView {
    pub(crate) name: String,
    pub(crate) name_max: usize,
    /// Nothing where the key has its project already.
    pub(crate) project: Option<ProjectField>,
    pub(crate) areas: Vec<Choice>,
    /// Whether the plan links a key to several areas.
    pub(crate) has_several_areas: bool,
    pub(crate) products: Vec<Choice>,
    pub(crate) networks: String,
    pub(crate) expires_on: String,
    pub(crate) errors: FieldErrors,
}

impl FieldsView {
    pub(crate) fn of(
        fields: &KeyFields,
        errors: FieldErrors,
        has_several_areas: bool,
        project: Option<ProjectField>,
    ) -> Self {
        let area = |area: &Area| Choice {
            value: area.to_string(),
            label: words::area(*area).to_owned(),
            is_chosen: fields.areas.iter().any(|name| name == area.as_str()),
        };
        let product = |product: &Product| Choice {
            value: product.to_string(),
            label: words::product(*product).to_owned(),
            is_chosen: fields.products.iter().any(|name| name == product.as_str()),
        };
        // A key that has several from better times must be able to keep them.
        let has_several_areas = has_several_areas || fields.areas.len() > 1;
        Self {
            name: fields.name.clone(),
            name_max: NAME_CHARACTERS_MAX,
            project,
            areas: Area::ALL.iter().map(area).collect(),
            has_several_areas,
            products: Product::ALL.iter().map(product).collect(),
            networks: fields.networks.clone(),
            expires_on: fields.expires_on.clone(),
            errors,
        }
    }

    /// Whether something under "Narrow this key" is wrong, so that it must be seen.
    pub(crate) fn is_narrow_wrong(&self) -> bool {
        self.errors != FieldErrors { name: self.errors.name.clone(), ..FieldErrors::default() }
    }
}
