//! Keyed hashes for ids that others may see.

/// HMAC-SHA-256 over the parts, each with its length before it.
pub fn keyed_hash(_key: &[u8; 32], _parts: &[&[u8]]) -> [u8; 32] {
    todo!()
}
