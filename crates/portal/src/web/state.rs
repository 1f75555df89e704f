//! What every page gets.

use std::sync::Arc;

use control::{Control, PasskeyOrigin, Providers};
use domain::Rng;

use crate::PortalConfig;
use crate::mail::{Mailer, Outbox};

/// The use cases, and what the portal was told. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Portal {
    pub(crate) control: Arc<Control>,
    pub(crate) config: Arc<PortalConfig>,
    pub(crate) rng: Arc<dyn Rng>,
    /// What passkeys are bound to, where there can be any.
    pub(crate) passkeys: Option<Arc<PasskeyOrigin>>,
    /// The other providers that people can sign in with.
    pub(crate) providers: Arc<Providers>,
    pub(crate) mail: Arc<dyn Mailer>,
    /// The mails of a dev instance.
    pub(crate) outbox: Option<Arc<Outbox>>,
}
