//! Decisions about requests, without I/O and without a type of the HTTP library: a parsed head in, a verdict out.

pub(crate) mod decide;
mod headers;
mod query;
pub(crate) mod route;

pub use decide::{Asked, Go, Verb, Verdict, decide};
pub use headers::{HeaderList, Scan, parallel_engines};
pub use query::{Date, Format, Query};
pub use route::{BadPath, Route, is_plain_path, route};
