//! What a sandbox is told, and what may keep it from starting.

use crate::speech::recognizer::CommandLineError;
use std::path::PathBuf;

/// What a sandbox needs to know.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where jobs live; made if it is missing. One sandbox at a time.
    pub data_dir: PathBuf,
    /// A command line with `{wav}` in it that prints what it hears in one line; run without a shell.
    pub recognizer: Option<String>,
    /// The name of this engine in what it answers, such as `eu1`.
    pub engine_name: String,
}

/// Why a sandbox can't start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The recogniser's command line can't be used.
    #[error(transparent)]
    Recognizer(#[from] CommandLineError),
    /// Another sandbox uses the folder.
    #[error("the sandbox folder {0} is in use by another process: stop that one or choose another folder")]
    InUse(PathBuf),
    /// The folder can't be read or written.
    #[error("the sandbox folder {path} can't be used: {source}")]
    Folder {
        /// Which one.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// TLS for `fetch_data` can't be set up.
    #[error("TLS for fetching audio can't be set up: {0}")]
    Tls(String),
}
