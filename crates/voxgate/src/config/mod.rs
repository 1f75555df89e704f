//! The configuration file of `voxgate serve`: read once, checked whole, all mistakes told at once.

mod accounts;
mod check;
mod database;
mod example;
mod listeners;
mod load;
mod master_key;
mod problem;
mod providers;
mod rates;
mod reader;
mod reference;
mod regions;
mod running;
mod settings;

pub(crate) use check::{needs_tls, needs_tls_message};
pub use example::EXAMPLE;
pub use load::{Loaded, load};
pub use problem::Problem;
pub use reference::reference;
pub use settings::{
    DatabaseSettings, DbUrl, EngineAbility, Hosts, ListenerPlace, ListenerSettings, MasterKeyPlace,
    ProviderSettings, ProxySettings, RealtimeRefusals, RegionSettings, SecretPlace, Serves, Settings,
    TokenSettings,
};
