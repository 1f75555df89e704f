//! Strict framing in front of hyper: request heads and bodies are checked byte by byte before hyper sees them, since what
//! hyper forgives (repeated `Content-Length`, `Transfer-Encoding` beside it) it doesn't tell.
//!
//! `head` and `inspect` are sans-I/O; `io` puts them between the socket and hyper.

mod head;
mod inspect;
mod io;

pub use head::Refused;
pub use inspect::{Inspector, Next, Step};
pub use io::{ClientIo, Flight, InFlight, Protocol};
