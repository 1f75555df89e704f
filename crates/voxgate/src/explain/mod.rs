//! What a credential is, and why it would be refused: without asking anybody, from its form, from a key set, or from an
//! instance's database that is only read.
//!
//! Start with [`explain`]. Nothing here repeats the credential itself.

mod form;
mod known;
mod report;
mod token;
mod words;

pub use known::Known;
pub use report::{Check, Explanation, Outcome, Question, Verdict, Wanted, explain, page};
pub use words::relative;

pub(crate) use token::decoded_part;
