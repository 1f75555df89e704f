//! Writing and reading claims. What is written is read back before it is signed, so that the reader's rules are the
//! only rules.

use domain::link::Revision;
use domain::token::Claims;
use domain::{
    ApiKeyId, Area, AreaSet, ClientRef, Leash, Product, ProjectId, TemporaryKeyId, Timestamp, WorkspaceId,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::leash::LeashMembers;

/// Later times are refused: 9999-12-31T23:59:59Z, the last that RFC 3339 can write.
const SECONDS_MAX: u64 = 253_402_300_799;
const ISSUER_BYTES_MAX: usize = 128;

/// Why claims are not those of a temporary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// Not exactly the expected members, each once and of its one type.
    #[error("not exactly the claims of a temporary key, each once and of its type")]
    Form,
    /// Times that contradict each other, or not whole seconds.
    #[error("the times are not whole seconds in the order iat, nbf, exp")]
    Times,
    /// No area, an unknown one, or one twice.
    #[error("aud is not a list of areas")]
    Areas,
    /// An id of the wrong form, or ids that contradict each other.
    #[error("the ids are malformed or contradict each other")]
    Ids,
    /// An unknown product.
    #[error("product is unknown")]
    Product,
    /// No client_ref.
    #[error("client_ref is malformed")]
    ClientRef,
    /// A leash out of its limits.
    #[error("the leash is malformed")]
    Leash,
    /// A lock that is no compact JSON object, or too long.
    #[error("the lock is not a compact JSON object within its limit")]
    Lock,
}

// The order here is the order in the token. serde's derive refuses duplicate members. Enumerations are read as text:
// serde would take `{"rt":null}` for one, too.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    iss: String,
    aud: Vec<String>,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
    rev: u64,
    sub: String,
    project_id: String,
    workspace_id: String,
    apikey_id: String,
    product: String,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    client_ref: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    leash: Option<Box<RawValue>>,
}

/// Reads an optional member that, where it stands, has its type: `null` is no way to leave it out.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Writes claims as JSON.
pub(crate) fn write(claims: &Claims) -> Result<Vec<u8>, ClaimsError> {
    let leash = LeashMembers::of(&claims.leash)?
        .map(|leash| serde_json::value::to_raw_value(&leash))
        .transpose()
        .map_err(|_| ClaimsError::Leash)?;
    let project_id = claims.project_id.to_string();
    let members = Members {
        iss: claims.issuer.clone(),
        aud: claims.areas.iter().map(|area| area.as_str().to_owned()).collect(),
        iat: seconds(claims.issued_at)?,
        nbf: seconds(claims.not_before)?,
        exp: seconds(claims.expires_at)?,
        jti: claims.id.to_string(),
        rev: claims.revision.0,
        sub: project_id.clone(),
        project_id,
        workspace_id: claims.workspace_id.to_string(),
        apikey_id: claims.api_key_id.to_string(),
        product: claims.product.as_str().to_owned(),
        client_ref: claims.client_ref.as_ref().map(|client_ref| client_ref.as_str().to_owned()),
        leash,
    };
    let json = serde_json::to_vec(&members).map_err(|_| ClaimsError::Form)?;
    if read(&json)? == *claims { Ok(json) } else { Err(ClaimsError::Form) }
}

/// Reads claims strictly. Only to be called on what a key of ours has signed.
pub(crate) fn read(json: &[u8]) -> Result<Claims, ClaimsError> {
    let members: Members = super::object(json).ok_or(ClaimsError::Form)?;
    if members.iss.is_empty() || members.iss.len() > ISSUER_BYTES_MAX {
        return Err(ClaimsError::Form);
    }
    if !(members.iat <= members.nbf && members.nbf < members.exp && members.exp <= SECONDS_MAX) {
        return Err(ClaimsError::Times);
    }
    let id = TemporaryKeyId::parse(&members.jti).ok_or(ClaimsError::Ids)?;
    let api_key_id = ApiKeyId::parse(&members.apikey_id).ok_or(ClaimsError::Ids)?;
    if id.parent() != api_key_id || members.sub != members.project_id {
        return Err(ClaimsError::Ids);
    }
    let client_ref = members.client_ref.as_deref().map(ClientRef::new).transpose();
    Ok(Claims {
        issuer: members.iss,
        areas: areas(&members.aud)?,
        issued_at: timestamp(members.iat),
        not_before: timestamp(members.nbf),
        expires_at: timestamp(members.exp),
        id,
        revision: Revision(members.rev),
        project_id: project_id(&members.project_id)?,
        workspace_id: WorkspaceId::parse(&members.workspace_id).ok_or(ClaimsError::Ids)?,
        api_key_id,
        product: Product::from_name(&members.product).ok_or(ClaimsError::Product)?,
        client_ref: client_ref.map_err(|_| ClaimsError::ClientRef)?,
        leash: leash(members.leash.as_deref())?,
    })
}

fn areas(names: &[String]) -> Result<AreaSet, ClaimsError> {
    let areas: Option<AreaSet> = names.iter().map(|name| Area::from_name(name)).collect();
    areas.filter(|areas| !areas.is_empty() && areas.len() == names.len()).ok_or(ClaimsError::Areas)
}

fn leash(json: Option<&RawValue>) -> Result<Leash, ClaimsError> {
    let Some(json) = json else { return Ok(Leash::default()) };
    let members: LeashMembers = super::object(json.get().as_bytes()).ok_or(ClaimsError::Leash)?;
    members.check()
}

/// Exactly the text that an id is written as: no sign, no leading zeros.
fn project_id(text: &str) -> Result<ProjectId, ClaimsError> {
    let number: i64 = text.parse().map_err(|_| ClaimsError::Ids)?;
    if number.to_string() == text { Ok(ProjectId::new(number)) } else { Err(ClaimsError::Ids) }
}

fn seconds(time: Timestamp) -> Result<u64, ClaimsError> {
    let seconds = time.as_seconds();
    if Timestamp::from_seconds(seconds) != time {
        return Err(ClaimsError::Times);
    }
    u64::try_from(seconds).map_err(|_| ClaimsError::Times)
}

/// `seconds` is at most [`SECONDS_MAX`], which fits.
fn timestamp(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}
