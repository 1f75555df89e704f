//! Who may read what.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use control::MasterKeySource;

use super::{Deployment, Report};
use crate::config::{DbUrl, SecretPlace, Settings};

const ABOUT: &str = "files";
/// Whatever lets others than the owner in.
const OTHERS: u32 = 0o077;
/// Whatever lets others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

pub(super) fn look(report: &mut Report, deployment: &Deployment) {
    let folder = &deployment.control.data_dir;
    let Ok(metadata) = std::fs::metadata(folder) else {
        report.fail(
            ABOUT,
            format!("the data folder {} isn't there, or can't be looked into", folder.display()),
            "start the server once, which makes it, and run this as the user that runs the server",
        );
        return;
    };
    private(report, "the data folder", folder, &metadata, "700");
    for (what, path) in secrets(deployment) {
        match std::fs::metadata(&path) {
            Ok(metadata) => private(report, what, &path, &metadata, "600"),
            Err(error) => report.fail(
                ABOUT,
                format!("{what} {} can't be read: {error}", path.display()),
                "put the file back, or run this as the user that runs the server",
            ),
        }
    }
    // A socket that is left over is replaced at the next start; its mode still counts.
    let socket = folder.join("operator.sock");
    if let Ok(metadata) = std::fs::metadata(&socket) {
        private(report, "the operator's socket", &socket, &metadata, "600");
    }
    owners(report, folder, &metadata);
    if let Some(file) = &deployment.config_file {
        config(report, file);
    }
}

/// Files that hold a secret. The master key in the data folder is missing before the first start.
fn secrets(deployment: &Deployment) -> Vec<(&'static str, PathBuf)> {
    let mut found = Vec::new();
    match &deployment.control.master_key {
        MasterKeySource::File(path) => found.push(("the master key", path.clone())),
        MasterKeySource::Folder => {
            found.push(("the master key", deployment.control.data_dir.join("master.key")))
        }
        _ => {}
    }
    if let Some(settings) = &deployment.settings {
        found.extend(of_settings(settings));
    }
    found
}

fn of_settings(settings: &Settings) -> Vec<(&'static str, PathBuf)> {
    let mut found = Vec::new();
    for region in &settings.regions {
        if let Some(SecretPlace::File(path)) = &region.engine_token {
            found.push(("an engine's token", path.clone()));
        }
        if let Some(DbUrl::Secret(SecretPlace::File(path))) = &region.ledger_url {
            found.push(("the URL of a ledger", path.clone()));
        }
        if let Some(client) = &region.engine_tls.client {
            found.push(("the key shown to an engine", client.key.clone()));
        }
    }
    if let Some(DbUrl::Secret(SecretPlace::File(path))) = &settings.database.url {
        found.push(("the URL of the database", path.clone()));
    }
    let keys = settings.listeners.iter().flat_map(|listener| &listener.tls);
    found.extend(keys.map(|files| ("a certificate's key", files.key.clone())));
    found
}

/// For its owner alone.
fn private(report: &mut Report, what: &str, path: &Path, metadata: &Metadata, mode: &str) {
    let found = metadata.permissions().mode() & 0o777;
    let path = path.display();
    if found & OTHERS == 0 {
        report.ok(ABOUT, format!("{what} {path} is its owner's alone"));
    } else {
        report.fail(
            ABOUT,
            format!("{what} {path} has the mode {found:o}: others than its owner can get at it"),
            format!("chmod {mode} {path}"),
        );
    }
}

/// What lies in the data folder belongs to whoever owns the folder: a command that was run as root leaves files behind that
/// the server can't write.
fn owners(report: &mut Report, folder: &Path, metadata: &Metadata) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let foreign: Vec<String> = entries
        .filter(|entry| entry.metadata().is_ok_and(|entry| entry.uid() != metadata.uid()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    if foreign.is_empty() {
        return;
    }
    report.fail(
        ABOUT,
        format!("{} in the data folder belongs to another user than the folder", foreign.join(", ")),
        format!("chown -R --reference={0} {0}", folder.display()),
    );
}

fn config(report: &mut Report, file: &Path) {
    let Ok(metadata) = std::fs::metadata(file) else { return };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & OTHERS_WRITE == 0 {
        report.ok(ABOUT, format!("only its owner can change {}", file.display()));
    } else {
        report.fail(
            ABOUT,
            format!("others than its owner can change {} (mode {mode:o})", file.display()),
            format!("chmod go-w {}", file.display()),
        );
    }
}
