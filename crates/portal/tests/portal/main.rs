//! The portal as browsers meet it: over the real router and a real control plane.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod accounts;
mod desk;
mod doors;
mod house;
mod world;
