//! Accounts as people and attackers meet them: over the real router and a real control plane, with mails that are kept.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod browser;
mod entrance;
mod guesses;
mod mails;
mod own;
mod silence;
