//! Joins the planes: the only place that knows control and gateway both (design 12).

mod instance;
mod listeners;
mod master_key;
mod other;

pub use instance::{Instance, InstanceConfig, StartError};
pub use listeners::{bind, bind_loopback};
pub use other::OtherHosts;
