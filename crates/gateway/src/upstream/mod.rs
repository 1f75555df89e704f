//! Connections to engines: a pool of our own, and a task per connection.

mod body;
mod pool;

pub use body::{EngineBody, Progress, UploadBody};
pub use pool::{EngineError, Pool};
