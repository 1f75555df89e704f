//! Whether this instance demands a second factor, and what it still demands of whoever is signed in.

use domain::{AccountId, PortalSession, named_enum};
use storage::{ChangeTx, StoreError};

use crate::Control;
use crate::factors::ChangeFactorError;

named_enum! {
    /// Whether whoever signs in to the portal needs a second factor.
    SecondFactorPolicy {
        /// Whoever wants one sets one up.
        Offered = "offered",
        /// Everybody needs one, and does nothing before having shown it.
        Required = "required",
    }
}

/// What an open session still lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorDemand {
    /// Nothing.
    Nothing,
    /// Its account has no second factor: one must be set up.
    SetUp,
    /// It was opened without the second factor that its account has: that must be shown.
    Show,
}

impl Control {
    /// Whether a second factor is demanded of everybody.
    pub fn demands_factor(&self) -> bool {
        self.inner.config.second_factor == SecondFactorPolicy::Required
    }

    /// What is demanded of an open session. It is looked at anew at every request, so that sessions which began before the
    /// policy are held to it, too.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn factor_demand(&self, session: &PortalSession) -> Result<FactorDemand, StoreError> {
        if !self.demands_factor() {
            return Ok(FactorDemand::Nothing);
        }
        let factors = self.second_factors(session.account_id).await?;
        Ok(match (factors.is_none(), session.method.has_factor()) {
            (true, _) => FactorDemand::SetUp,
            (false, false) => FactorDemand::Show,
            (false, true) => FactorDemand::Nothing,
        })
    }

    /// Refuses a change after which an account would lack the factor that is demanded.
    pub(crate) async fn keep_last_factor(
        &self,
        change: &mut ChangeTx,
        account_id: AccountId,
    ) -> Result<(), ChangeFactorError> {
        if self.demands_factor() && change.second_factors(account_id).await?.is_none() {
            return Err(ChangeFactorError::LastFactor);
        }
        Ok(())
    }
}
