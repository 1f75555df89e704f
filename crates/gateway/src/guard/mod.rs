//! Strict framing in front of hyper: request heads and bodies are checked byte by byte before hyper sees them, since what
//! hyper forgives (repeated `Content-Length`, `Transfer-Encoding` beside it) it doesn't tell.
//!
//! `head`, `inspect` and `http2` are sans-I/O; `io` puts them between the socket and hyper.

mod head;
mod http2;
mod inspect;
mod io;

pub use head::Refused;
pub use http2::{Flood, FrameMeter};
pub use inspect::{Inspector, Next, Step};
pub use io::{ClientIo, ClientTimes, Flight, InFlight, Protocol};
