//! The instance's own keys, for names that others may see and nobody may undo. They are stored, sealed under the master
//! key, and stay the same when the master key changes: engines know end users by what they make of them.

use credentials::{MasterKey, WrapError};
use domain::{InstanceId, Rng};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;

/// The instance's own keys.
#[derive(Clone)]
pub(crate) struct InstanceKeys {
    /// Of the `user_id` that engines see.
    pub(crate) user_id: Zeroizing<[u8; KEY_BYTES]>,
    /// Of the pseudonyms in the audit log.
    pub(crate) pseudonyms: Zeroizing<[u8; KEY_BYTES]>,
}

impl std::fmt::Debug for InstanceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InstanceKeys(…)")
    }
}

fn context(id: InstanceId) -> String {
    format!("instance_keys/{id}")
}

impl InstanceKeys {
    /// New ones.
    pub(crate) fn generate(rng: &dyn Rng) -> Self {
        let mut keys = Self { user_id: Zeroizing::default(), pseudonyms: Zeroizing::default() };
        rng.fill(keys.user_id.as_mut_slice());
        rng.fill(keys.pseudonyms.as_mut_slice());
        keys
    }

    /// Those of the first release, which derived them from the master key each time.
    pub(crate) fn of_first_release(master_key: &MasterKey) -> Self {
        Self { user_id: master_key.derive("user_id"), pseudonyms: master_key.derive("audit pseudonyms") }
    }

    /// For the database.
    pub(crate) fn seal(&self, id: InstanceId, master_key: &MasterKey, rng: &dyn Rng) -> Vec<u8> {
        let both = Zeroizing::new([self.user_id.as_slice(), self.pseudonyms.as_slice()].concat());
        master_key.seal(&context(id), &both, rng)
    }

    /// From the database.
    pub(crate) fn open(id: InstanceId, master_key: &MasterKey, sealed: &[u8]) -> Result<Self, WrapError> {
        let both = master_key.open(&context(id), sealed)?;
        let (user_id, pseudonyms) = both.split_at_checked(KEY_BYTES).ok_or(WrapError::Refused)?;
        let key = |bytes: &[u8]| bytes.try_into().map(Zeroizing::new).map_err(|_| WrapError::Refused);
        Ok(Self { user_id: key(user_id)?, pseudonyms: key(pseudonyms)? })
    }
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;

    use super::*;

    /// What engines know end users by outlives the way it is stored, and is another one for each purpose.
    #[test]
    fn keys_survive_being_sealed() {
        let (master, id) = (MasterKey::generate(&SystemRng), InstanceId::from_u128(1));
        for keys in [InstanceKeys::generate(&SystemRng), InstanceKeys::of_first_release(&master)] {
            assert_ne!(*keys.user_id, *keys.pseudonyms);
            let sealed = keys.seal(id, &master, &SystemRng);
            let opened = InstanceKeys::open(id, &master, &sealed).unwrap();
            assert_eq!((*opened.user_id, *opened.pseudonyms), (*keys.user_id, *keys.pseudonyms));
            assert!(InstanceKeys::open(InstanceId::from_u128(2), &master, &sealed).is_err());
            assert!(InstanceKeys::open(id, &MasterKey::generate(&SystemRng), &sealed).is_err());
        }
    }
}
