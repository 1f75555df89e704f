//! Taking in jobs that were at an engine before Voxgate.

use domain::Region;
use ledger::{Adopted, AdoptedJob, LedgerError, Owner};

use super::object::JobObject;
use super::upkeep::engine_jobs;
use crate::Gateway;

/// Why jobs can't be taken in.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// No such region here, or it has no engine.
    #[error("region {0} has no engine to take jobs from")]
    NoEngine(Region),
    /// The engine's list can't be had.
    #[error("the engine of {0} didn't give a list of its jobs")]
    NoList(Region),
    /// The ledger failed.
    #[error("the jobs could not be recorded")]
    Ledger(#[from] LedgerError),
}

impl Gateway {
    /// Takes in the jobs of a region's engine for an owner. Those that somebody owns already are left as they are.
    ///
    /// # Errors
    /// When the engine doesn't list them or the ledger fails; then none is taken in.
    pub async fn adopt_jobs(&self, region: Region, owner: &Owner) -> Result<Adopted, AdoptError> {
        let site = self.batch_site(region).ok_or(AdoptError::NoEngine(region))?;
        let engine = site.engine.as_ref().ok_or(AdoptError::NoEngine(region))?;
        let now = self.now();
        let listed = engine_jobs(site, engine, self.request_id(now)).await;
        let listed = listed.ok_or(AdoptError::NoList(region))?;
        let jobs: Vec<AdoptedJob> = listed
            .into_iter()
            .filter_map(|job| {
                let seen = JobObject::read(&job.object)?.seen();
                Some(AdoptedJob { id: job.id, created_at: job.created_at.unwrap_or(now), seen })
            })
            .collect();
        Ok(site.ledger.adopt(owner, None, &jobs).await?)
    }
}
