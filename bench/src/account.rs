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
    Ok(time(&fields(pid)?, 2))
}

/// User and system time of a process, of its children, and of those of them that have ended.
///
/// # Errors
/// When the process is gone.
pub(crate) fn cpu_of_family(pid: u32) -> Result<Duration, Failure> {
    let mut sum = time(&fields(pid)?, 4);
    for entry in fs::read_dir("/proc")? {
        let Some(child) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that ends meanwhile is counted with the next look at its parent.
        let Ok(fields) = fields(child) else { continue };
        if fields.get(1).is_some_and(|parent| *parent == pid.to_string()) {
            sum += time(&fields, 2);
        }
    }
    Ok(sum)
}

/// What the kernel says of a process after its name: state, parent, and so on.
fn fields(pid: u32) -> Result<Vec<String>, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the command in parentheses and may hold anything.
    let after = stat.rsplit_once(')').map(|(_, rest)| rest).ok_or("no accounting for the process")?;
    Ok(after.split_whitespace().map(str::to_owned).collect())
}

/// The sum of so many fields from the 14th on: user and system time, the same of children that have ended.
fn time(fields: &[String], count: usize) -> Duration {
    let ticks: u64 = fields.iter().skip(11).take(count).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_nanos(ticks.saturating_mul(1_000_000_000) / clock_ticks_per_second().max(1))
}

/// Seconds since 1970, for what says until when it is good.
pub(crate) fn unix_seconds() -> i64 {
    clock_gettime(ClockId::Realtime).tv_sec
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
    fn a_family_has_had_the_time_of_its_members() {
        let here = std::process::id();
        let before = cpu_of_family(here).unwrap();
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("sh").args(["-c", busy]).status().unwrap().success());
        assert!(cpu_of_family(here).unwrap() > before);
        assert!(cpu_of_family(here).unwrap() > cpu(here).unwrap());
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
