//! What every route gets.

use std::sync::Arc;

use control::Control;

/// The use cases. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) control: Arc<Control>,
}
