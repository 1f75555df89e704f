//! The numbers, in Prometheus' text form.
//!
//! [`FAMILIES`] lists all that there are, once: what is shown and the reference page are both made from it.

mod collect;
mod families;
mod process;
mod reference;
mod text;

pub(super) use collect::collect;
pub use families::{FAMILIES, Family, Kind};
pub use reference::reference;
