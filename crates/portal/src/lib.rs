//! The web pages, complete without JavaScript.
//!
//! [`router`] is the one way in. Each room (a folder) has its pages and says its paths in `routes()`; `web` is what they
//! stand on: who visits, forms that can't be forged, the layout, and what goes wrong. Every value is escaped by the
//! template engine, and the headers in `headers` forbid browsers everything that the pages don't need.

mod account;
mod audit;
mod config;
mod factors;
mod headers;
mod home;
mod instance;
mod keys;
mod mail;
mod playground;
mod providers;
mod router;
mod sessions;
mod tokens;
mod usage;
mod web;
#[cfg(test)]
mod weight;
mod workspace;

pub use config::{Endpoints, PortalConfig, RegionEndpoints};
pub use mail::{Mail, Mailer, Mails, NoMail, NotMailed, OUTBOX_MAILS_MAX, Outbox, Sending};
pub use router::router;
pub use web::{FORM_BYTES_MAX, RECENT_MINUTES_MAX};
