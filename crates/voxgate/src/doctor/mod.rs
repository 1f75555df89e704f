//! Examines a deployment and says what to do: only looks, changes nothing, and works beside a running server.
//!
//! Start with [`examine`]. Each file looks at one part and adds its findings.

mod certificates;
mod clock;
mod database;
mod engines;
mod examine;
mod files;
mod finding;
mod keys;
mod listeners;
mod server;
mod system;

pub use examine::{Deployment, examine};
pub use finding::{Finding, Level, Report};
