//! Who does something, and from where.

use std::net::IpAddr;

use domain::{AccountId, ApiKeyId, ManagementTokenId};

/// Who does something, for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// Who it is.
    pub who: Who,
    /// The network address that it came from, if it came over the network.
    pub from: Option<IpAddr>,
}

/// Whoever can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
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
    /// Whoever runs the instance, by its command line.
    pub const OPERATOR: Self = Self::of(Who::Operator);
    /// The instance itself.
    pub const SYSTEM: Self = Self::of(Who::System);

    const fn of(who: Who) -> Self {
        Self { who, from: None }
    }

    /// A program with a management token.
    pub const fn management_token(id: ManagementTokenId) -> Self {
        Self::of(Who::ManagementToken(id))
    }

    /// A program with an API key.
    pub const fn api_key(id: ApiKeyId) -> Self {
        Self::of(Who::ApiKey(id))
    }

    /// A person.
    pub const fn account(id: AccountId) -> Self {
        Self::of(Who::Account(id))
    }

    /// The same, from this address.
    #[must_use]
    pub const fn from(self, address: IpAddr) -> Self {
        Self { from: Some(address), ..self }
    }

    /// The account that acts, if one does.
    pub const fn account_id(&self) -> Option<AccountId> {
        match self.who {
            Who::Account(id) => Some(id),
            Who::Operator | Who::ManagementToken(_) | Who::ApiKey(_) | Who::System => None,
        }
    }
}
