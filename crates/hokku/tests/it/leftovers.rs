//! What a stopped server must not leave behind: processes, mounts, loop devices, network devices and namespaces, cgroups,
//! firewall tables.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything on this machine that belongs to the server with this data folder and tag.
pub(crate) fn leftovers(dir: &Path, tag: &str) -> Vec<String> {
    let dir = dir.to_str().expect("a plain path");
    [processes(dir), mounts(dir), loop_devices(dir), named(tag)].concat()
}

/// Ids of the processes whose command line names the data folder.
pub(crate) fn process_ids(dir: &str) -> Vec<i32> {
    let ids = entries("/proc").into_iter().filter_map(|path| path.file_name()?.to_str()?.parse::<i32>().ok());
    ids.filter(|id| command_line(*id).is_some_and(|line| line.contains(dir))).collect()
}

/// A process's command line; `None` when there is no such process (or it has ended and nobody has asked how).
pub(crate) fn command_line(id: i32) -> Option<String> {
    let line = fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    (!line.is_empty()).then_some(line)
}

fn processes(dir: &str) -> Vec<String> {
    let line = |id: i32| format!("process {id}: {}", command_line(id).unwrap_or_default());
    process_ids(dir).into_iter().filter(|id| *id != own_id()).map(line).collect()
}

fn own_id() -> i32 {
    i32::try_from(std::process::id()).expect("ids are small")
}

fn mounts(dir: &str) -> Vec<String> {
    let all = fs::read_to_string("/proc/self/mountinfo").expect("procfs");
    all.lines().filter(|line| line.contains(dir)).map(|line| format!("mount {line}")).collect()
}

fn loop_devices(dir: &str) -> Vec<String> {
    let backing = |device: PathBuf| {
        let file = fs::read_to_string(device.join("loop/backing_file")).ok()?;
        file.contains(dir).then(|| format!("{} of {}", device.display(), file.trim()))
    };
    entries("/sys/block").into_iter().filter_map(backing).collect()
}

/// What carries the server's tag in its name.
fn named(tag: &str) -> Vec<String> {
    let mut places =
        vec![PathBuf::from("/sys/class/net"), PathBuf::from("/run/netns"), "/sys/fs/cgroup".into()];
    places.extend(entries("/sys/fs/cgroup"));
    let mut found: Vec<String> = places
        .iter()
        .flat_map(entries)
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(tag)))
        .map(|path| path.display().to_string())
        .collect();
    let tables = Command::new("nft").args(["list", "tables"]).output().expect("nft runs").stdout;
    let tables = String::from_utf8_lossy(&tables).into_owned();
    found.extend(tables.lines().filter(|table| table.contains(tag)).map(str::to_owned));
    found
}

fn entries(dir: impl AsRef<Path>) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
