//! Who calls. A handler that lets anybody in shows it by not asking here.

use domain::{Permission, Reason, Refusal};
use http::{HeaderMap, header};
use verify::{Bearer, Manager, presented_bearer};

use crate::context::Context;

/// The one credential of a request.
pub(crate) fn presented(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refusal::new(
            Reason::CredentialAmbiguous,
            "Two Authorization headers were sent. Send one, with one credential.",
        ));
    }
    match first.map_or(Bearer::Absent, |value| presented_bearer(value.as_bytes())) {
        Bearer::Credential(credential) => Ok(credential),
        Bearer::Absent => Err(Refusal::new(
            Reason::CredentialMissing,
            "No credential was sent. Send one in the header Authorization: Bearer KEY.",
        )),
        Bearer::Malformed => Err(Refusal::new(
            Reason::CredentialUnknown,
            "The Authorization header can't be read. It should be: Authorization: Bearer KEY.",
        )),
    }
}

/// The management token of a request, if it has the permission.
pub(crate) fn manager(
    context: &Context,
    headers: &HeaderMap,
    permission: Permission,
) -> Result<Manager, Refusal> {
    let manager = manager_for_any(context, headers)?;
    manager.needs(permission)?;
    Ok(manager)
}

/// The management token of a request, whatever it may do.
pub(crate) fn manager_for_any(context: &Context, headers: &HeaderMap) -> Result<Manager, Refusal> {
    let manager = context.control.tables().verify_management(presented(headers)?, context.control.now())?;
    context.control.note_token_used(manager.token_id());
    Ok(manager)
}
