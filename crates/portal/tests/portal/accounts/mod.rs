//! Accounts as people and attackers meet them: over the real router and a real control plane, with mails that are kept.

mod browser;
mod entrance;
mod guesses;
mod mails;
mod own;
mod silence;
