//! What every route gets.

use std::sync::Arc;

use control::Control;

use crate::rate::Rates;
use crate::reference::Reference;

/// The use cases, and what is shared between calls. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) control: Arc<Control>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) reference: Arc<Reference>,
    pub(crate) rng: Arc<dyn domain::Rng>,
}
