//! Where mails are handed over.

use domain::named_enum;

use crate::config::SecretPlace;

named_enum! {
    /// How the connection to the mail server is kept from being read.
    MailTls {
        /// TLS from the first byte (port 465).
        Tls = "tls",
        /// TLS after `STARTTLS` (port 587); a server that doesn't offer it gets nothing.
        StartTls = "starttls",
        /// Not at all: to a server on this machine.
        None = "none",
    }
}

impl MailTls {
    /// The port that servers listen at for it.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Tls => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// The mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// Its host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from being read.
    pub tls: MailTls,
    /// Who signs in there, if anybody.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretPlace>,
    /// Who mails come from.
    pub from: String,
}
