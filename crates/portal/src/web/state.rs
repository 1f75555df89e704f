//! What every page gets.

use std::sync::Arc;

use control::Control;
use domain::Rng;

use crate::PortalConfig;

/// The use cases, and what the portal was told. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Portal {
    pub(crate) control: Arc<Control>,
    pub(crate) config: Arc<PortalConfig>,
    pub(crate) rng: Arc<dyn Rng>,
}
