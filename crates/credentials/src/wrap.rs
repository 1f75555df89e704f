//! Secrets at rest: AES-256-GCM under the master key.

use domain::Rng;
use zeroize::Zeroizing;

/// The key under which secrets are stored.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Something can't be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// The text is no master key.
    #[error("not a master key")]
    NotAKey,
    /// Wrong key, wrong context, or altered bytes.
    #[error("can't be opened")]
    Refused,
}

impl MasterKey {
    /// A new one.
    pub fn generate(_rng: &dyn Rng) -> Self {
        todo!()
    }
    /// From its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
    /// Reads 64 hexadecimal digits or base64; white space around is ignored.
    ///
    /// # Errors
    /// When it is neither.
    pub fn from_text(_text: &str) -> Result<Self, WrapError> {
        todo!()
    }
    /// 64 hexadecimal digits, for the file of mode 0600.
    pub fn to_text(&self) -> Zeroizing<String> {
        todo!()
    }
    /// Encrypts; the context (what is sealed, for example `signing_key/<kid>`) must be given again to open.
    pub fn seal(&self, _context: &str, _plain: &[u8], _rng: &dyn Rng) -> Vec<u8> {
        todo!()
    }
    /// Decrypts what [`MasterKey::seal`] made with the same context.
    ///
    /// # Errors
    /// When key or context are others, or the bytes were altered.
    pub fn open(&self, _context: &str, _sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        todo!()
    }
    /// A key of its own for one purpose, for example for [`crate::keyed_hash()`].
    pub fn derive(&self, _purpose: &str) -> Zeroizing<[u8; 32]> {
        todo!()
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}
