//! `voxgate dev`: `serve` with everything filled in, for a first look, for trying and for tests.

mod credentials_file;
mod engines;
mod hello;
mod options;
mod print;
mod report;
mod start;

pub use credentials_file::kept_api_key;
pub use options::DevOptions;
pub use print::people;
pub use report::{AccountReport, DevReport, RegionReport};
pub use start::{DevError, Running, start};
