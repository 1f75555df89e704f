//! Realtime: WebSockets between clients and engines (design 7).
//!
//! The life of a session, and where to read about it:
//!
//! 1. [`handle`] decides (`open`): which product the path stands for (`route`), which credential counts
//!    (`credential`), whether this is an upgrade at all (`handshake`), who it is (`verify::Tables`), and whether the
//!    project has a session left ([`Registry`]).
//! 2. The engine is asked first (`engine`): the client gets its `101` only after the engine gave one, and no byte
//!    that the client sent after its request reaches the engine before.
//! 3. `relay` moves bytes both ways. Each direction is a `pump`: it reads into a buffer of the thread, follows frame
//!    headers ([`frame`]), and writes what is valid. A session keeps a buffer of its own only while the other side
//!    doesn't take what was read, so an idle one costs next to nothing, and a slow one slows its sender down.
//! 4. However it ends, `farewell` says why: an `Error` message between messages, a close frame between frames, then
//!    a bounded wait for the other side to hang up.
//!
//! **The leash.** What a temporary key limits over all its sessions is counted in a region's ledger (`leash`): starts before the
//! engine is asked, audio before it passes (`budget`, over the plain data of `account`). A key whose `lock` names fields of
//! `StartRecognition`, or that has an audio budget, has its sessions read through a `guard`: it holds text messages back
//! until they are whole and checked, and audio until the budget has it (`draw`). Nobody else's bytes are decoded on
//! their way.
//!
//! Refusals that browsers couldn't see as HTTP statuses are told in-band (`refuse`).
//!
//! **Revocation.** Each session has a gate, a lock that is held while bytes are moved. [`Registry::on_change`] closes
//! the gates of sessions whose principal isn't good any more; when it returns, none of them moves a byte again. A
//! session that is being opened meanwhile enters the registry first and is checked once more afterwards, so that no
//! revocation falls between.

mod account;
mod audio;
mod budget;
mod clocks;
mod credential;
mod draw;
mod engine;
mod farewell;
pub mod frame;
mod guard;
mod handshake;
mod headers;

mod io;
mod leash;
mod lock;
mod message;
mod open;
mod pump;
mod refuse;
mod registry;
mod relay;
mod route;
mod session;
mod share;
mod strict;
mod times;

pub(crate) use budget::{Budgets, Keeper};
pub(crate) use leash::spawn_forgetting;
pub use open::handle;
pub use registry::Registry;
pub use route::is_realtime;
pub use times::SessionTimes;
