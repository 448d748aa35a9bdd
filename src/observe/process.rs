//! What the operating system says of this process. Where there is no `/proc`, these metrics are absent.

use super::Page;
use super::metrics::{CPU_SECONDS, OPEN_FILES, RESIDENT_BYTES};

/// What `/proc` counts in: Linux shows processor times in hundredths of a second whatever the kernel's own clock is.
const TICKS_PER_SECOND: f64 = 100.0;

pub fn render(page: &mut Page) {
    if let Some(seconds) = std::fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
        page.one(&CPU_SECONDS, seconds);
    }
    if let Some(bytes) = std::fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_bytes) {
        page.one(&RESIDENT_BYTES, bytes);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        page.one(&OPEN_FILES, files.count());
    }
}

/// Fields 14 and 15. The second field, the name of the program, may contain anything, but it ends at the last bracket.
pub(super) fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

pub(super) fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
