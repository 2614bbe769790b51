//! What the system says of processes, memory and processors.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// What the figures were measured on.
pub(crate) fn describe() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, {model}")
}

/// Bytes of memory that a process holds; `self` is this one.
pub(crate) fn resident_bytes(process: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    field(&status, "VmRSS:")
        .map(|kilobytes| kilobytes * 1024)
        .ok_or_else(|| io::Error::other("the system does not say how much memory is held"))
}

/// Bytes that this process handed to the system to write.
pub(crate) fn written_bytes() -> io::Result<u64> {
    let io = fs::read_to_string("/proc/self/io")?;
    field(&io, "wchar:").ok_or_else(|| io::Error::other("the system does not count bytes written"))
}

/// The number behind a name at the beginning of a line.
pub(crate) fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Nanoseconds that the threads of a process have run.
pub(crate) fn cpu_nanoseconds(process: u32) -> io::Result<u64> {
    schedule(process, 0)
}

/// Nanoseconds that they were ready to run while others had the processor.
pub(crate) fn waiting_nanoseconds(process: u32) -> io::Result<u64> {
    schedule(process, 1)
}

/// One of the figures that the scheduler keeps of each thread, over all threads of a process.
fn schedule(process: u32, place: usize) -> io::Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let kept = fs::read_to_string(thread?.path().join("schedstat"))?;
        sum += kept
            .split_whitespace()
            .nth(place)
            .and_then(|figure| figure.parse::<u64>().ok())
            .ok_or_else(|| io::Error::other("the system does not count processor time"))?;
    }
    Ok(sum)
}

/// Nanoseconds that this thread has run: what it waited while others ran is not in it.
pub(crate) fn thread_nanoseconds() -> f64 {
    let ran = clock_gettime(ClockId::ThreadCPUTime);
    let ran = Duration::new(
        ran.tv_sec.try_into().unwrap_or_default(),
        ran.tv_nsec.try_into().unwrap_or_default(),
    );
    ran.as_secs_f64() * 1e9
}

/// Keeps this thread, and the children it starts, on some of the processors while it lives.
#[derive(Debug)]
pub(crate) struct Pinned {
    before: CpuSet,
}

impl Pinned {
    /// To the first of the processors that are ours.
    pub(crate) fn to_first() -> io::Result<Self> {
        Self::to(|place, _| place == 0)
    }

    /// To all but the first, if there are others.
    pub(crate) fn to_others() -> io::Result<Self> {
        Self::to(|place, count| place > 0 || count == 1)
    }

    fn to(chosen: impl Fn(usize, usize) -> bool) -> io::Result<Self> {
        let before = sched_getaffinity(None)?;
        let ours: Vec<usize> = (0..CpuSet::MAX_CPU)
            .filter(|cpu| before.is_set(*cpu))
            .collect();
        let mut set = CpuSet::new();
        for (place, cpu) in ours.iter().enumerate() {
            if chosen(place, ours.len()) {
                set.set(*cpu);
            }
        }
        sched_setaffinity(None, &set)?;
        Ok(Self { before })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // If it does not work the rest of the run stays here, which the spread shows.
        let _ = sched_setaffinity(None, &self.before);
    }
}
