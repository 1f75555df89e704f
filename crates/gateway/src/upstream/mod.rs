//! Connections to engines: a pool of our own, and a task per connection.

mod body;
mod dial;
mod pool;

pub(crate) use dial::dial;

pub use body::{EngineBody, Progress, UploadBody};
pub use pool::{EngineError, Pool};
