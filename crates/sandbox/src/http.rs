//! The Jobs API over HTTP/1.1, and the door to the realtime protocol.

pub(crate) mod connection;
mod jobs;
mod query;
pub(crate) mod reply;
mod router;
mod upgrade;
mod upload;
