//! A region's own durable memory: whose job is whose, what is being created right now, what temporary keys have used of their
//! leashes, and usage that the control plane has not counted yet. One database per region; everything that was answered survives a crash.

mod adopt;
mod backup;
mod booking;
mod entity;
mod error;
mod forget;
mod intents;
mod job;
mod jobs;
mod journal;
mod leashes;
mod ledger;
mod list;
mod migration;
mod times;
mod usage;

pub use adopt::{Adopted, AdoptedJob};
pub use backup::{Restore, dump, tables};
pub use booking::{Booking, FinishedJob};
pub use error::LedgerError;
pub use intents::{Intent, IntentId, NewIntent};
pub use job::{Job, JobFacts, JobState, Owner, Seen};
pub use journal::UsageBatch;
pub use leashes::{CounterId, CounterKey, LeashKey, Reserved};
pub use ledger::Ledger;
pub use list::ListQuery;
pub use sql::{DbPlace, WriteTimes, Writes};
pub use usage::UsageLine;
