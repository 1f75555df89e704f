//! The value of an `Authorization` header.

/// What an `Authorization` value holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bearer<'a> {
    /// As good as no header: empty, or `Bearer` with nothing, `None`, `null` or `undefined`.
    Absent,
    /// Another scheme, or something that is no credential.
    Malformed,
    /// A credential.
    Credential(&'a str),
}

impl std::fmt::Debug for Bearer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Malformed => "Malformed",
            Self::Credential(_) => "Credential(…)",
        })
    }
}

/// Reads an `Authorization` value.
pub fn presented_bearer(_header_value: &[u8]) -> Bearer<'_> {
    todo!()
}
