//! Connections to engines, in a pool of our own: requests without a body are spoken here (`asking`, `head`), uploads go over hyper
//! and a task per connection.

mod asking;
mod body;
mod dial;
mod head;
mod pool;
mod shelf;

pub(crate) use dial::dial;

pub use body::{EngineBody, Progress, UploadBody};
pub use head::{AnswerError, HeaderLines, InvalidTarget, RequestHead, SHOWN};
pub use pool::{EngineError, Pool};
