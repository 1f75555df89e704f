//! What comes in on standard input.

use std::io::Read as _;

use super::Failure;

/// A credential on standard input, in bytes.
const CREDENTIAL_BYTES_MAX: u64 = 8192;

/// A credential from standard input, without white space around it.
pub(super) fn credential() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(CREDENTIAL_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure(format!("standard input can't be read: {error}")))?;
    Ok(text.trim().to_owned())
}
