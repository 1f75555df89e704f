//! Who does something.

use domain::{AccountId, ApiKeyId, ManagementTokenId};

/// Who does something, for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Whoever runs the instance, by its command line.
    Operator,
    /// A program with a management token.
    ManagementToken(ManagementTokenId),
    /// A program with an API key.
    ApiKey(ApiKeyId),
    /// A person.
    Account(AccountId),
    /// The instance itself.
    System,
}

impl Actor {
    /// The account that acts, if one does.
    pub const fn account_id(&self) -> Option<AccountId> {
        match self {
            Self::Account(id) => Some(*id),
            Self::Operator | Self::ManagementToken(_) | Self::ApiKey(_) | Self::System => None,
        }
    }
}
