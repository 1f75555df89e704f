//! Tests of temporary keys as texts: signing, reading, and every attack on the reader.
#![expect(clippy::unwrap_used, reason = "in a test a failed step is a failed test")]

mod jwt_libraries;
mod normal_use;
mod support;
