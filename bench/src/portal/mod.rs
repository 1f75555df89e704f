//! The portal: what the server needs for each page with many keys in the project, and whether an answer's time tells which
//! addresses have an account.

mod pages;
mod people;
mod timing;
mod visitor;

use std::error::Error;
use std::path::PathBuf;

use crate::process::Voxgate;
use crate::{block_on, data};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How the portal is measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PortalOptions {
    /// API keys in the project.
    #[arg(long, default_value_t = 1_000)]
    keys: usize,
    /// Visits of each page that are measured.
    #[arg(long, default_value_t = 300)]
    visits: usize,
    /// Attempts with known addresses, and as many with unknown ones, of each form; 0 leaves this part out.
    #[arg(long, default_value_t = 300)]
    attempts: usize,
    /// Tries this form alone; may be said more than once.
    #[arg(long = "form", value_parser = timing::PATHS)]
    forms: Vec<String>,
    /// The voxgate binary to measure.
    #[arg(long, default_value = "target/dist/voxgate")]
    voxgate: PathBuf,
}

/// Fills an instance, visits every page, and tries known and unknown addresses.
pub(crate) fn run(options: &PortalOptions) -> Result<()> {
    let folder = tempfile::tempdir()?;
    // The first start makes the database; it is filled while nobody uses it.
    drop(Voxgate::start(&options.voxgate, folder.path(), &[])?);
    let place = storage::DbPlace::File(folder.path().join("voxgate/voxgate.db"));
    let known = block_on(async {
        data::fill(&place, options.keys).await?;
        people::add(&place, options.attempts).await
    })?;
    let voxgate = Voxgate::start(&options.voxgate, folder.path(), &[])?;
    block_on(async {
        pages::measure(options, &voxgate).await?;
        if options.attempts > 0 {
            timing::measure(&voxgate, &known, &options.forms).await?;
        }
        Ok(())
    })
}
