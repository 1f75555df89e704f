//! The configuration file of `voxgate serve`: read once, checked whole, all mistakes told at once.

mod check;
mod example;
mod load;
mod problem;
mod reader;
mod regions;
mod settings;

pub use example::EXAMPLE;
pub use load::{Loaded, load};
pub use problem::Problem;
pub use settings::{
    EngineAbility, Hosts, ListenerSettings, MasterKeyPlace, RealtimeRefusals, RegionSettings, SecretPlace,
    Serves, Settings, TokenSettings,
};
