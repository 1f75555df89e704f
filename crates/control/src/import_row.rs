//! One key of an import, from the columns of a file to checked values. Its secret ends here: what goes on is its hash.

use std::fmt;

use credentials::{check_imported, hash_secret, read_hash};
use domain::limits::{NAME_CHARACTERS_MAX, NETWORKS_ENTRIES_MAX};
use domain::{Area, AreaSet, ClientRef, Networks, Product, ProductSet, ProjectId, SecretHash, Timestamp};
use serde::{Deserialize, Serialize};

/// What an imported key is called that nobody named.
const UNNAMED: &str = "Imported key";

/// One key to take in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRow {
    /// Where it stands in its file.
    pub line: u64,
    /// SHA-256 of its secret.
    pub hash: SecretHash,
    /// Its name.
    pub name: String,
    /// The project that it shall belong to.
    pub project: ProjectId,
    /// The areas to link it to; `None` means the workspace's home area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub areas: Option<AreaSet>,
    /// What it may be used for; `None` means `batch` and `rt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub products: Option<ProductSet>,
    /// From when on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The networks that it may be used from; empty means from anywhere.
    #[serde(default)]
    pub networks: Networks,
    /// Isolates it as a temporary key with this client_ref would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<ClientRef>,
}

/// What is wrong with a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct LineProblem {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong, and what was expected. Shows nothing of a key.
    pub problem: String,
}

impl LineProblem {
    /// A problem of a line.
    pub fn new(line: u64, problem: impl Into<String>) -> Self {
        Self { line, problem: problem.into() }
    }
}

/// The texts of a row; what is empty or blank is left out.
#[derive(Default)]
pub(crate) struct Texts<'a> {
    pub(crate) name: &'a str,
    pub(crate) key: &'a str,
    pub(crate) sha256: &'a str,
    pub(crate) project: &'a str,
    pub(crate) areas: &'a str,
    pub(crate) products: &'a str,
    pub(crate) expires_at: &'a str,
    pub(crate) networks: &'a str,
    pub(crate) client_ref: &'a str,
}

impl Texts<'_> {
    /// Checks every column.
    pub(crate) fn read(&self, line: u64, default_project: ProjectId) -> Result<ImportRow, LineProblem> {
        self.parse(line, default_project).map_err(|problem| LineProblem::new(line, problem))
    }

    fn parse(&self, line: u64, default_project: ProjectId) -> Result<ImportRow, String> {
        let project = match self.project.trim() {
            "" => default_project,
            text => {
                ProjectId::new(text.parse().map_err(|_| expected("project", "a project's number", text))?)
            }
        };
        let expires_at = match self.expires_at.trim() {
            "" => None,
            text => Some(
                Timestamp::parse_rfc3339(text)
                    .ok_or_else(|| expected("expires_at", "a time as in 2027-01-31T00:00:00Z", text))?,
            ),
        };
        let client_ref = match self.client_ref.trim() {
            "" => None,
            text => Some(ClientRef::new(text).map_err(|error| error.to_string())?),
        };
        let name = match self.name.trim() {
            "" => UNNAMED,
            name => name,
        };
        if name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
            return Err(format!(
                "name: expected at most {NAME_CHARACTERS_MAX} characters, none a control character"
            ));
        }
        Ok(ImportRow {
            line,
            hash: self.hash()?,
            name: name.to_owned(),
            project,
            areas: list("areas", self.areas, Area::ALL, Area::from_name)?.map(AreaSet::from_iter),
            products: list("products", self.products, Product::ALL, Product::from_name)?
                .map(ProductSet::from_iter),
            expires_at,
            networks: networks(self.networks)?,
            client_ref,
        })
    }

    fn hash(&self) -> Result<SecretHash, String> {
        match (self.key.trim(), self.sha256.trim()) {
            ("", "") => Err(String::from("there is neither a key nor a sha256: one of them is needed")),
            (key, "") => {
                check_imported(key).map_err(|refusal| refusal.to_string())?;
                Ok(hash_secret(key))
            }
            ("", hash) => read_hash(hash).ok_or_else(|| {
                String::from("sha256: expected the SHA-256 of the key as 64 hexadecimal digits or as base64")
            }),
            (_, _) => Err(String::from("there are both a key and a sha256: give one of them")),
        }
    }
}

fn expected(column: &str, what: &str, found: &str) -> String {
    // A slip of columns must not bring a key to the terminal: only what is short enough to be none is shown.
    const SHOWN_CHARACTERS_MAX: usize = 12;
    if found.chars().count() > SHOWN_CHARACTERS_MAX {
        return format!("{column}: expected {what}");
    }
    format!("{column}: expected {what}, found \"{}\"", found.escape_debug())
}

/// Parts with commas, semicolons or blanks between them.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter == ',' || letter == ';' || letter.is_whitespace())
        .filter(|part| !part.is_empty())
}

fn list<T: fmt::Display>(
    column: &str,
    text: &str,
    all: &[T],
    find: impl Fn(&str) -> Option<T>,
) -> Result<Option<Vec<T>>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let names = || all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let items: Result<Vec<T>, String> = parts(text)
        .map(|part| find(part).ok_or_else(|| expected(column, &format!("some of {}", names()), part)))
        .collect();
    match items? {
        // Nothing but commas is a slip, and must not mean the default.
        items if items.is_empty() => Err(expected(column, &format!("some of {}", names()), text)),
        items => Ok(Some(items)),
    }
}

fn networks(text: &str) -> Result<Networks, String> {
    let read = |part: &str| {
        part.parse::<ipnet::IpNet>()
            .or_else(|_| part.parse::<std::net::IpAddr>().map(ipnet::IpNet::from))
            .map_err(|_| expected("networks", "networks as in 192.0.2.0/24", part))
    };
    let networks: Vec<ipnet::IpNet> = parts(text).map(read).collect::<Result<_, _>>()?;
    if networks.len() > NETWORKS_ENTRIES_MAX {
        return Err(format!("networks: expected at most {NETWORKS_ENTRIES_MAX}"));
    }
    // Nothing but commas is a slip, and must not mean "from anywhere".
    if networks.is_empty() && !text.trim().is_empty() {
        return Err(expected("networks", "networks as in 192.0.2.0/24", text));
    }
    Ok(Networks(networks))
}
