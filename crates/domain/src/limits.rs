//! Limits of values that people and programs hand in. Limits of the wire stand in the crate that reads it.

/// A key's or a project's name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 120;
/// A client_ref, in bytes of UTF-8.
pub const CLIENT_REF_BYTES_MAX: usize = 256;
/// A presented credential, in bytes: the longest temporary key with room to spare.
pub const CREDENTIAL_BYTES_MAX: usize = 4096;
/// A temporary key, in bytes: it rides in URLs.
pub const TEMPORARY_KEY_BYTES_MAX: usize = 2048;
/// Networks of a key or a leash, in entries.
pub const NETWORKS_ENTRIES_MAX: usize = 8;
/// Origins of a leash, in entries.
pub const ORIGINS_ENTRIES_MAX: usize = 8;
/// One origin of a leash, in bytes.
pub const ORIGIN_BYTES_MAX: usize = 128;
/// The `lock` of a leash, in bytes of compact JSON.
pub const LOCK_BYTES_MAX: usize = 512;
/// Projects of one workspace, where its plan doesn't say another number.
pub const PROJECTS_PER_WORKSPACE_MAX: u32 = 1000;
/// Quotas on audio of one workspace, without its own.
pub const QUOTAS_PER_WORKSPACE_MAX: u32 = 1000;
/// API keys of one project that are alive, without imported ones, where the plan doesn't say another number.
pub const KEYS_PER_PROJECT_MAX: u32 = 10_000;
/// Temporary keys of one project that are revoked by themselves and may not have expired: every verifier keeps them in memory.
pub const REVOKED_TEMPORARY_KEYS_PER_PROJECT_MAX: u32 = 10_000;
/// client_refs of one project that were ever shut out: every verifier keeps them in memory.
pub const SHUT_OUT_CLIENT_REFS_PER_PROJECT_MAX: u32 = 10_000;
/// How long a rotated API key may live on beside its successor, in seconds: 30 days.
pub const ROTATION_OVERLAP_SECONDS_MAX: u32 = 30 * 24 * 3600;
/// A key that is imported in the clear, in bytes. Shorter ones can be guessed.
pub const IMPORTED_KEY_BYTES_MIN: usize = 20;
/// API keys in one batch of an import.
pub const IMPORT_BATCH_KEYS_MAX: usize = 10_000;
/// Signing keys that are kept at once: their key set must stay readable for offline verifiers.
pub const SIGNING_KEYS_MAX: usize = 250;
/// A project's description, in characters.
pub const DESCRIPTION_CHARACTERS_MAX: usize = 1000;
