//! What a presented credential looks like.

/// What a presented credential looks like, before anything is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An API key of ours with a right checksum.
    ApiKey,
    /// A management token of ours with a right checksum.
    ManagementToken,
    /// An enrolment credential of ours with a right checksum.
    Enrolment,
    /// Three base64url parts with dots between them.
    Token,
    /// Anything else that may be an imported key.
    Other,
    /// Mistyped or cut short.
    Mistyped,
}

/// Tells the shape.
pub fn classify(_presented: &str) -> Shape {
    todo!()
}
