//! What the machine gives: open files, memory, core dumps.

use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::server::Running;
use super::{Deployment, Report};

const ABOUT: &str = "system";
/// Open files beside those of connections: databases, listeners, logs.
const OTHER_FILES: u64 = 128;
/// Memory below this is tight, in KiB.
const MEMORY_KIB_MIN: u64 = 256 * 1024;

pub(super) fn look(report: &mut Report, deployment: &Deployment, running: Option<&Running>) {
    open_files(report, deployment, running);
    core_dumps(report, running);
    memory(report);
}

/// A limit of the running server, as its `/proc/…/limits` tells it; `None` where it has no bound.
fn limit_of(process: i32, name: &str) -> Option<Option<u64>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    soft_limit(&text, name)
}

fn soft_limit(limits: &str, name: &str) -> Option<Option<u64>> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

fn open_files(report: &mut Report, deployment: &Deployment, running: Option<&Running>) {
    let of_server = running.and_then(|running| limit_of(running.process, "Max open files"));
    // The server takes as much as it may have.
    let whose = if of_server.is_some() { "the server" } else { "this shell" };
    let Some(limit) = of_server.unwrap_or_else(|| getrlimit(Resource::Nofile).maximum) else {
        report.ok(ABOUT, format!("{whose} may open any number of files"));
        return;
    };
    let connections = deployment.settings.as_ref().map_or_else(
        || gateway::GatewayLimits::default().connections_max,
        |settings| settings.limits.connections_max,
    );
    // One for the client, one for the engine.
    let needed = (connections as u64).saturating_mul(2).saturating_add(OTHER_FILES);
    if limit >= needed {
        report.ok(ABOUT, format!("{whose} may open {limit} files; {connections} connections need {needed}"));
    } else {
        report.warn(
            ABOUT,
            format!("{whose} may open {limit} files, which is enough for {} connections and not for {connections}", limit.saturating_sub(OTHER_FILES) / 2),
            format!("start the server with LimitNOFILE={needed} (systemd) or ulimit -n {needed}, or lower limits.connections_max"),
        );
    }
}

fn core_dumps(report: &mut Report, running: Option<&Running>) {
    let Some(running) = running else { return };
    match limit_of(running.process, "Max core file size") {
        Some(Some(0)) => report.ok(ABOUT, "the server leaves no core dump, which would hold secrets"),
        Some(_) => report.warn(
            ABOUT,
            "the server may leave a core dump, which would hold secrets",
            "start it with LimitCORE=0 (systemd) or ulimit -c 0",
        ),
        None => {}
    }
}

fn memory(report: &mut Report) {
    let Some(available) = available_kib(Path::new("/proc/meminfo")) else { return };
    let says = format!("{} MiB of memory are free", available / 1024);
    if available >= MEMORY_KIB_MIN {
        report.ok(ABOUT, says);
    } else {
        report.warn(ABOUT, says, "give the machine more memory: a million keys take about 150 MiB");
    }
}

fn available_kib(meminfo: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(meminfo).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits of a process are read as the kernel writes them.
    #[test]
    fn limits_are_read() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max core file size        0                    unlimited            bytes     \n\
                    Max open files            1024                 524288               files     \n\
                    Max file locks            unlimited            unlimited            locks     \n";
        assert_eq!(soft_limit(text, "Max core file size"), Some(Some(0)));
        assert_eq!(soft_limit(text, "Max open files"), Some(Some(1024)));
        assert_eq!(soft_limit(text, "Max file locks"), Some(None));
        assert_eq!(soft_limit(text, "Max something"), None);
        assert!(limit_of(i32::try_from(std::process::id()).unwrap(), "Max open files").is_some());
    }
}
