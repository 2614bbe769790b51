//! Memory and disk: what a part needs, and what is there. It is asked beforehand, since a process
//! that runs out takes down others with it.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::machine::field;

/// Megabytes of memory and of disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Room {
    pub(crate) memory: u64,
    pub(crate) disk: u64,
}

/// What is left to everybody else.
const RESERVE: Room = Room {
    memory: 500,
    disk: 1_000,
};

impl Room {
    /// What is there: memory for this process, disk below `folder`.
    pub(crate) fn free(folder: &Path) -> io::Result<Self> {
        let disk = rustix::fs::statvfs(folder)?;
        Ok(Self {
            memory: free_of_the_machine().min(free_of_groups()),
            disk: disk.f_bavail.saturating_mul(disk.f_frsize) >> 20,
        })
    }

    /// Why so much room is not to be had out of `free`, if it is not.
    pub(crate) fn lacking(self, free: Self) -> Option<String> {
        let mut why = String::new();
        let both = [
            ("memory", self.memory, RESERVE.memory, free.memory),
            ("disk", self.disk, RESERVE.disk, free.disk),
        ];
        for (what, needed, reserve, free) in both {
            if free < needed + reserve {
                let and = if why.is_empty() { "" } else { "; " };
                let _ = write!(
                    why,
                    "{and}it needs about {needed} MB of {what} and leaves {reserve} MB to others, \
                     and {free} MB are free"
                );
            }
        }
        (!why.is_empty()).then_some(why)
    }
}

/// Megabytes that processes may still take.
fn free_of_the_machine() -> u64 {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    field(&memory, "MemAvailable:").map_or(u64::MAX, |kilobytes| kilobytes / 1024)
}

/// The least that the control groups of this process leave to it, in megabytes: a container is
/// ended for memory that the machine would have.
fn free_of_groups() -> u64 {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let bounds = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        match controllers {
            "" => Some((Path::new("/sys/fs/cgroup"), VERSION_2, path)),
            "memory" => Some((Path::new("/sys/fs/cgroup/memory"), VERSION_1, path)),
            _ => None,
        }
    });
    bounds
        .map(|(root, files, path)| free_below(root, files, path))
        .min()
        .unwrap_or(u64::MAX)
}

/// The limit, what counts towards it, and what of that the system takes back when it must.
type Files = [&'static str; 3];
const VERSION_2: Files = ["memory.max", "memory.current", "inactive_file "];
const VERSION_1: Files = [
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_inactive_file ",
];

/// The least that a group and those around it leave. Inside a container the path may be the one
/// outside; its own group is then the root.
fn free_below(root: &Path, [limit, taken, given_back]: Files, path: &str) -> u64 {
    let group = root.join(path.trim_start_matches('/'));
    let around = group
        .ancestors()
        .take_while(|group| group.starts_with(root));
    let of = |group: &Path| {
        let number = |file| {
            fs::read_to_string(group.join(file))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        // No limit is the word `max`, or a number that no machine has.
        let limit: u64 = number(limit)?;
        let statistics = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
        let given_back = field(&statistics, given_back).unwrap_or(0);
        let taken = number(taken)?.saturating_sub(given_back);
        Some(limit.saturating_sub(taken) >> 20)
    };
    around
        .map(Path::to_path_buf)
        .filter_map(|group: PathBuf| of(&group))
        .min()
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: Room = Room {
        memory: 2_500,
        disk: 700,
    };

    #[test]
    fn given_less_than_the_reserve_beside_when_asked_then_what_lacks_is_named_with_its_figures() {
        let enough = Room {
            memory: 3_000,
            disk: 1_700,
        };
        let no_disk = Room {
            disk: 1_699,
            ..enough
        };
        let neither = Room {
            memory: 2_999,
            ..no_disk
        };

        assert_eq!(NEEDED.lacking(enough), None);
        assert_eq!(
            NEEDED.lacking(no_disk).as_deref(),
            Some(
                "it needs about 700 MB of disk and leaves 1000 MB to others, and 1699 MB are free"
            )
        );
        let why = NEEDED.lacking(neither).expect("both lack");
        assert!(
            why.contains("2500 MB of memory") && why.contains("; it needs"),
            "{why}"
        );
    }

    #[test]
    fn given_a_group_within_a_smaller_one_when_asked_then_the_smaller_bound_holds() {
        for (files, unbounded) in [(VERSION_2, "max"), (VERSION_1, "9223372036854771712")] {
            let root = tempfile::tempdir().unwrap();
            let inner = root.path().join("slice/unit");
            fs::create_dir_all(&inner).unwrap();
            let write = |group: &Path, limit: &str, taken: u64| {
                fs::write(group.join(files[0]), limit).unwrap();
                fs::write(group.join(files[1]), (taken << 20).to_string()).unwrap();
                let given_back = format!("anon 5\n{}{}\n", files[2], 100 << 20);
                fs::write(group.join("memory.stat"), given_back).unwrap();
            };
            write(&inner, unbounded, 300);
            write(&root.path().join("slice"), &(1000 << 20).to_string(), 400);

            assert_eq!(free_below(root.path(), files, "/slice/unit"), 700);
            assert_eq!(free_below(root.path(), files, "/elsewhere"), u64::MAX);
            write(&inner, &(500 << 20).to_string(), 300);
            assert_eq!(free_below(root.path(), files, "/slice/unit"), 300);
        }
    }
}
