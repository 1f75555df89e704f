//! What a server asks the system for itself: no picture of its memory on disk, and as many file descriptors as it may have.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What a server got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// File descriptors that may be open; none if there is no limit.
    pub files_max: Option<u64>,
}

/// Forbids core dumps of this process, and reading its memory by other processes of the same user: both hold keys in plain.
///
/// # Errors
/// When the system refuses.
pub fn forbid_core_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Raises the limit of open files as far as it goes: each client and each engine's connection is one.
pub fn raise_files_max() -> Granted {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files_max = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    Granted { files_max }
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    /// Keys in memory never reach a disk by a crash, and no debugger of the same user reads them.
    #[test]
    fn memory_stays_private() {
        forbid_core_dumps().unwrap();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
        assert!(raise_files_max().files_max == getrlimit(Resource::Nofile).maximum);
    }
}
