//! What the system knows of this process, from `/proc`.

use std::fs;

use domain::Timestamp;

/// Clock ticks of a second in `/proc`: fixed on every architecture that Linux still runs on.
const TICKS_PER_SECOND: u64 = 100;

/// What is known; what can't be read is missing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Process {
    pub(super) cpu_seconds: Option<f64>,
    pub(super) started_at_seconds: Option<i64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) virtual_bytes: Option<u64>,
    pub(super) threads: Option<u64>,
    pub(super) open_fds: Option<u64>,
    pub(super) max_fds: Option<u64>,
}

impl Process {
    pub(super) fn read(now: Timestamp) -> Self {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
        let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        Self {
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64),
            max_fds: limits.current,
            ..Self::parse(&stat, &status, &uptime, now)
        }
    }

    fn parse(stat: &str, status: &str, uptime: &str, now: Timestamp) -> Self {
        // The name in parentheses may hold anything.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let used = ticks(11).zip(ticks(12)).map(|(user, system)| user + system);
        let up = uptime.split_ascii_whitespace().next().and_then(|text| text.parse::<f64>().ok());
        let began = ticks(19).zip(up).map(|(ticks, up)| up - ticks as f64 / TICKS_PER_SECOND as f64);
        Self {
            cpu_seconds: used.map(|ticks| ticks as f64 / TICKS_PER_SECOND as f64),
            started_at_seconds: began.map(|age| now.as_seconds() - age.round() as i64),
            resident_bytes: kibibytes(status, "VmRSS:"),
            virtual_bytes: kibibytes(status, "VmSize:"),
            threads: number(status, "Threads:"),
            open_fds: None,
            max_fds: None,
        }
    }
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    number(status, name).map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name with spaces and parentheses moves no field, and what isn't there is missing instead of wrong.
    #[test]
    fn what_proc_says() {
        let stat = "7 (a) b (c) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 9 0 1000 1 1";
        let status = "Name:\tx\nVmSize:\t  2048 kB\nVmRSS:\t 1024 kB\nThreads:\t9\n";
        let process = Process::parse(stat, status, "110.00 5.0\n", Timestamp::from_seconds(1_000));
        assert_eq!(process.cpu_seconds, Some(2.0));
        assert_eq!(process.started_at_seconds, Some(900));
        assert_eq!((process.resident_bytes, process.virtual_bytes), (Some(1 << 20), Some(2 << 20)));
        assert_eq!(process.threads, Some(9));
        assert_eq!(Process::parse("", "", "", Timestamp::from_seconds(0)), Process::default());
    }

    /// On this machine everything is known.
    #[test]
    fn this_process_is_known() {
        let process = Process::read(Timestamp::from_seconds(2_000_000_000));
        assert!(process.open_fds.is_some_and(|count| count > 2) && process.max_fds.is_some());
        assert!(process.resident_bytes.is_some_and(|bytes| bytes > 1 << 20));
    }
}
