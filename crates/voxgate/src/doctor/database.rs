//! The database: reachable, of a version that can be read, whole, and with room to grow.

use std::path::Path;

use rustix::fs::statvfs;
use storage::Store;

use super::{Deployment, Report};
use crate::operator::CallError;

const ABOUT: &str = "database";
/// With less room than this, writing fails soon.
const FREE_BYTES_FAIL: u64 = 64 * 1024 * 1024;
/// With less room than this, it is time to make some.
const FREE_BYTES_WARN: u64 = 1024 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;

/// Opens it for reading alone, so that a running server isn't disturbed; tells why not, where it can't be read.
pub(super) async fn look(report: &mut Report, deployment: &Deployment) -> Option<Store> {
    let place = deployment.control.database_place();
    free_space(report, &deployment.control.data_dir);
    if place.file().is_some_and(|file| !file.exists()) {
        report.fail(ABOUT, format!("there is no database {place}"), "start the server once, which makes it");
        return None;
    }
    let store = match Store::open_read_only(&place).await {
        Ok(store) => store,
        Err(error) => {
            let CallError(says) = CallError::from_error(&error);
            report.fail(
                ABOUT,
                says,
                "make it reachable for this user, or restore a backup (docs/operate/backup.md)",
            );
            return None;
        }
    };
    match store.check_integrity().await {
        Ok(faults) if faults.is_empty() => report.ok(ABOUT, format!("{place} can be read and is whole")),
        Ok(faults) => report.fail(
            ABOUT,
            format!("{place} is damaged: {}", faults.join("; ")),
            "stop the server and restore the last backup (docs/operate/backup.md)",
        ),
        Err(error) => {
            let CallError(says) = CallError::from_error(&error);
            report.fail(ABOUT, says, "stop the server and restore the last backup (docs/operate/backup.md)");
        }
    }
    Some(store)
}

fn free_space(report: &mut Report, folder: &Path) {
    let Ok(room) = statvfs(folder) else { return };
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let says = format!("{} MiB are free on the disk of {}", free / MIB, folder.display());
    let remedy =
        "free some room, or move the data folder to a larger disk: without room nothing can be revoked";
    if free < FREE_BYTES_FAIL {
        report.fail(ABOUT, says, remedy);
    } else if free < FREE_BYTES_WARN {
        report.warn(ABOUT, says, remedy);
    } else {
        report.ok(ABOUT, says);
    }
}
