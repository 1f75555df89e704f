//! Joins the planes: the only place that knows control and gateway both (design 12).

mod activation;
mod entrances;
mod instance;
mod listeners;
mod other;

pub use activation::Inherited;
pub use entrances::{EntranceError, open_listeners, with_engine_tls};
pub use instance::{Instance, InstanceConfig, StartError};
pub use listeners::{bind, bind_loopback};
pub use other::OtherHosts;
