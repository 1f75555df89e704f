//! The work tree: where it is, and which files belong to it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Fault, process};

/// The root folder of the repository.
#[derive(Clone, Debug)]
pub(crate) struct Repo {
    root: PathBuf,
}

impl Repo {
    /// The repository that this program was built from.
    pub(crate) fn here() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { root: manifest.parent().unwrap_or(manifest).to_path_buf() }
    }

    /// A path inside the repository.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A command that starts in the root folder.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The same, for a program inside the repository.
    pub(crate) fn own_command(&self, relative: &str) -> Command {
        let mut command = Command::new(self.path(relative));
        command.current_dir(&self.root);
        command
    }

    /// Every file that is tracked, or would be if it were added, relative to the root. Ignored files are left out.
    pub(crate) fn files(&self) -> Result<Vec<String>, Fault> {
        let mut git = self.command("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]);
        let listed = process::capture(&mut git)?;
        let mut files: Vec<String> =
            listed.split('\0').filter(|name| !name.is_empty()).map(String::from).collect();
        // A file that was deleted but not yet committed is still listed.
        files.retain(|name| self.path(name).is_file());
        files.sort();
        Ok(files)
    }

    /// A file's text.
    pub(crate) fn read(&self, relative: &str) -> Result<String, Fault> {
        std::fs::read_to_string(self.path(relative))
            .map_err(|error| format!("{relative} can't be read: {error}"))
    }
}
