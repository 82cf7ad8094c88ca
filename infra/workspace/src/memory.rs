//! Whether the kernel killed something for want of memory: a cgroup counts it.

use std::path::{Path, PathBuf};

/// The memory cgroup of this program, and what it had counted when this was made.
#[derive(Debug)]
pub struct Memory {
    cgroup: Option<Cgroup>,
    kills_before: u64,
}

#[derive(Debug)]
struct Cgroup {
    /// The file with the line `oom_kill N`.
    events: PathBuf,
    /// The file with the limit in bytes, or `max`.
    limit: PathBuf,
}

impl Memory {
    /// As it stands now.
    pub fn here() -> Self {
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::of(Path::new("/sys/fs/cgroup"), &own)
    }

    fn of(mount: &Path, own: &str) -> Self {
        let cgroup = Cgroup::find(mount, own);
        let kills_before = cgroup.as_ref().and_then(Cgroup::kills).unwrap_or_default();
        Self { cgroup, kills_before }
    }

    /// What there is to say of a command that somebody else ended by SIGKILL.
    pub fn killed(&self) -> String {
        let cgroup = self.cgroup.as_ref().filter(|cgroup| cgroup.kills().is_some_and(|now| now > self.kills_before));
        match cgroup.map(Cgroup::limit_mib) {
            Some(Some(limit)) => format!("command was killed (SIGKILL): out of memory at {limit} MiB"),
            Some(None) => "command was killed (SIGKILL): out of memory".to_owned(),
            None => "command was killed (SIGKILL): out of memory?".to_owned(),
        }
    }
}

impl Cgroup {
    /// By `/proc/self/cgroup`. A container sees its own group at the top of the mount, whatever its path on the host is.
    fn find(mount: &Path, own: &str) -> Option<Self> {
        own.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let (top, events, limit) = match controllers {
                "" => (mount.to_owned(), "memory.events", "memory.max"),
                list if list.split(',').any(|name| name == "memory") => {
                    (mount.join("memory"), "memory.oom_control", "memory.limit_in_bytes")
                }
                _ => return None,
            };
            let found = [top.join(path.trim_start_matches('/')), top];
            let folder = found.into_iter().find(|folder| folder.join(events).is_file())?;
            Some(Self { events: folder.join(events), limit: folder.join(limit) })
        })
    }

    fn kills(&self) -> Option<u64> {
        let text = std::fs::read_to_string(&self.events).ok()?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
    }

    /// None where there is no limit; version 1 writes a number near 2^63 for that.
    fn limit_mib(&self) -> Option<u64> {
        let bytes: u64 = std::fs::read_to_string(&self.limit).ok()?.trim().parse().ok()?;
        (bytes < 1 << 60).then_some(bytes / (1024 * 1024))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const GUESS: &str = "command was killed (SIGKILL): out of memory?";

    #[test]
    fn version_two_counts_and_limits() {
        let mount = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(mount.path().join(name), text).unwrap();
        write("memory.events", "low 0\noom 3\noom_kill 3\noom_group_kill 0\n");
        write("memory.max", "268435456\n");
        let memory = Memory::of(mount.path(), "0::/docker/abc\n");
        assert_eq!(memory.killed(), GUESS, "the counter stands where it stood");
        write("memory.events", "low 0\noom 4\noom_kill 4\noom_group_kill 0\n");
        assert_eq!(memory.killed(), "command was killed (SIGKILL): out of memory at 256 MiB");
        write("memory.max", "max\n");
        assert_eq!(memory.killed(), "command was killed (SIGKILL): out of memory");
    }

    #[test]
    fn version_one_has_its_own_files() {
        let mount = tempfile::tempdir().unwrap();
        let folder = mount.path().join("memory/pod/a");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n").unwrap();
        fs::write(folder.join("memory.limit_in_bytes"), "536870912\n").unwrap();
        let memory = Memory::of(mount.path(), "9:name=systemd:/\n4:memory:/pod/a\n0::/\n");
        assert_eq!(memory.killed(), GUESS);
        fs::write(folder.join("memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n").unwrap();
        assert_eq!(memory.killed(), "command was killed (SIGKILL): out of memory at 512 MiB");
    }

    #[test]
    fn without_a_cgroup_it_is_a_guess() {
        let mount = tempfile::tempdir().unwrap();
        assert_eq!(Memory::of(mount.path(), "").killed(), GUESS);
    }
}
