//! Mails leave by SMTP: off the request path, a few at a time, again where a server is away.

mod settings;
mod smtp;

pub use settings::{MailSettings, MailTls};
pub use smtp::{MAILS_WAITING_MAX, MailError, Smtp};
