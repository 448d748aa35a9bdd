//! What a process has used, as Linux tells it under `/proc`: processor time and memory of the server, processor time of the generator.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;

/// `USER_HZ`: the unit of times in `/proc/PID/stat`, fixed in Linux's interface to programs.
const TICKS_PER_SECOND: f64 = 100.0;
const SAMPLE_PERIOD: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) cpu_seconds: f64,
    pub(super) rss_bytes: u64,
    /// The most the process has ever had resident.
    pub(super) rss_peak_bytes: u64,
}

/// `pid` as text, so that `self` works too.
pub(super) fn usage(pid: &str) -> anyhow::Result<Usage> {
    let stat = read(pid, "stat")?;
    let status = read(pid, "status")?;
    Ok(Usage {
        cpu_seconds: cpu_seconds(&stat).with_context(|| format!("/proc/{pid}/stat has no times"))?,
        rss_bytes: kilobytes(&status, "VmRSS:").with_context(|| format!("process {pid} has no memory any more; did it end?"))?,
        rss_peak_bytes: kilobytes(&status, "VmHWM:").unwrap_or(0),
    })
}

/// Samples the resident memory until told to stop and returns the largest value seen.
pub(super) fn watch_rss(pid: &str, stop: &AtomicBool) -> u64 {
    let mut most = 0;
    while !stop.load(Ordering::Relaxed) {
        if let Ok(now) = usage(pid) {
            most = most.max(now.rss_bytes);
        }
        std::thread::sleep(SAMPLE_PERIOD);
    }
    most
}

fn read(pid: &str, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}: is {pid} the id of a running process, and is this Linux?"))
}

/// User and system time. The name of the program stands in parentheses and may hold blanks, so counting begins behind it.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn kilobytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_blanks_and_parentheses() {
        let stat = "17 (a) b (c) S 1 17 17 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 100 0 0";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(kilobytes("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n", "VmRSS:"), Some(1024 * 1024));
        assert_eq!(kilobytes("Name:\tx\n", "VmRSS:"), None);
    }
}
