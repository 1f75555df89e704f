//! What whoever runs the instance may ask of it: over a Unix socket in the data folder while a server runs, else with
//! the database opened here, under its lock. Both ways run the same calls.

mod call;
mod client;
mod execute;
mod server;
pub mod shapes;
pub(crate) mod views;

pub use call::{
    AccountCall, AuditCall, Call, CallError, ForgetCall, KeyCall, NewExpiry, ProjectCall, QuotaCall,
    RewrapCall, SessionCall, SigningKeyCall, TemporaryKeyCall, TokenCall, UsageCall, WebhookCall, Who,
    WorkspaceCall,
};
pub use client::{Line, Place, ask_server, run};
pub use execute::Operator;
pub use server::{SocketError, listen, serve};
