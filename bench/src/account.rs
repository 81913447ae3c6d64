//! What a process has cost so far, as the kernel accounts it.
//!
//! Easiest to get wrong: `utime` and `stime` include threads that have ended, `/proc/PID/task` does not; and they come in ticks, so a
//! round must last long enough for a tick to be small.

use std::fs;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::time::{ClockId, clock_gettime};

use crate::Failure;

/// User and system time of a process.
///
/// # Errors
/// When the process is gone.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the command in parentheses and may hold anything; user and system time are the 14th and 15th.
    let after = stat.rsplit_once(')').map(|(_, rest)| rest).ok_or("no accounting for the process")?;
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_nanos(ticks.saturating_mul(1_000_000_000) / clock_ticks_per_second().max(1)))
}

/// Resident memory of a process, in bytes.
///
/// # Errors
/// When the process is gone.
pub(crate) fn resident(pid: u32) -> Result<u64, Failure> {
    memory(pid, "VmRSS:")
}

/// The most resident memory that a process has had since [`forget_peak`], or since its start, in bytes.
///
/// # Errors
/// When the process is gone.
pub(crate) fn peak(pid: u32) -> Result<u64, Failure> {
    memory(pid, "VmHWM:")
}

/// Lets the peak begin anew with what is resident now.
///
/// # Errors
/// When the process is gone, or somebody else's.
pub(crate) fn forget_peak(pid: u32) -> Result<(), Failure> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

fn memory(pid: u32, field: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no memory for the process")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// A clock that runs from now on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    clock: ClockId,
    began: Duration,
}

impl Stopwatch {
    /// Counts the CPU time of this process.
    pub(crate) fn of_cpu() -> Self {
        Self::of(ClockId::ProcessCPUTime)
    }

    /// Counts the time that a person waits.
    pub(crate) fn of_time() -> Self {
        Self::of(ClockId::Monotonic)
    }

    fn of(clock: ClockId) -> Self {
        Self { clock, began: reading(clock) }
    }

    /// What it has counted so far.
    pub(crate) fn elapsed(&self) -> Duration {
        reading(self.clock).saturating_sub(self.began)
    }
}

fn reading(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Bytes as MiB.
#[expect(clippy::cast_precision_loss, reason = "memory is below 2^52 bytes")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// A whole as a floating point number.
#[expect(clippy::cast_precision_loss, reason = "counts here are below 2^52")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_had_time_and_memory() {
        let (before, watch) = (cpu(std::process::id()).unwrap(), Stopwatch::of_cpu());
        while watch.elapsed() < Duration::from_millis(30) {}
        assert!(cpu(std::process::id()).unwrap() > before);
        assert!(resident(std::process::id()).unwrap() > 1024 * 1024);
    }

    #[test]
    fn a_peak_that_is_forgotten_does_not_come_back() {
        let here = std::process::id();
        let taken = std::hint::black_box(vec![1_u8; 64 << 20]);
        let before = peak(here).unwrap();
        drop(taken);
        forget_peak(here).unwrap();
        assert!(before > 64 << 20 && peak(here).unwrap() + (32 << 20) < before);
    }
}
