//! Forms that make one thing, however often they are sent: reloaded, gone back to, or clicked twice.
//!
//! The id of what is made follows from the showing of the form, and from who sends it where, under a key of the instance.
//! So the database's own rule, one row per id, is what holds it back: on every node, and after a restart.

use credentials::keyed_hash;
use domain::{FormId, WorkspaceId};

use crate::{Actor, Control};

/// Bits of an id that stand for its time.
const TIME_SHIFT: u32 = 80;

/// What a form made.
#[derive(Debug)]
pub enum Made<T, B> {
    /// It made this just now.
    Now(T),
    /// It made this when it was sent before. What was shown then can't be shown again.
    Before(B),
}

impl Control {
    /// Marks a form that is shown.
    pub fn new_form(&self) -> FormId {
        FormId::generate(self.now(), &*self.inner.rng)
    }

    /// The number of the id of what a form makes.
    pub(crate) fn id_of_form(
        &self,
        kind: &str,
        actor: &Actor,
        workspace_id: WorkspaceId,
        form: FormId,
    ) -> u128 {
        let who = actor.account_id().map(|id| id.to_string()).unwrap_or_default();
        let parts = ["made by a form", kind, &who, &workspace_id.to_string(), &form.to_string()];
        let hash = keyed_hash(&self.inner.keys.pseudonyms, &parts.map(str::as_bytes));
        let mut random = [0; 16];
        random.copy_from_slice(&hash[..16]);
        let time = form.as_u128() >> TIME_SHIFT << TIME_SHIFT;
        time | u128::from_be_bytes(random) >> (128 - TIME_SHIFT)
    }
}
