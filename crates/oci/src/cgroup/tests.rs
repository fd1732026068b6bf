use std::process::{Command, Stdio};

use super::*;

const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
const PURE: &str = "25 23 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

#[test]
fn mounts_decide_the_version() {
    let hybrid = Hierarchy::parse(HYBRID, |_| true).expect("v1");
    assert_eq!(hybrid.hybrid(), Some(Path::new("/sys/fs/cgroup/unified")));
    let Hierarchy::V1 { memory, all, .. } = hybrid else { panic!("not v1") };
    assert_eq!(memory, Path::new("/sys/fs/cgroup/memory"));
    assert_eq!(all.len(), 3);
    assert_eq!(Hierarchy::parse(HYBRID, |_| false).expect("v1").hybrid(), None);
    let pure = Hierarchy::parse(PURE, |_| true).expect("v2");
    assert_eq!(pure, Hierarchy::V2 { root: PathBuf::from("/sys/fs/cgroup") });
    assert_eq!(pure.hybrid(), None);
    assert_eq!(Hierarchy::parse("1 1 0:1 / / rw - ext4 /dev/vda rw\n", |_| true), None);
}

#[test]
fn all_containers_together_weigh_as_much_as_a_process_on_every_processor() {
    let root = tempfile::tempdir().expect("folder");
    let [cpu, memory] = ["cpu", "memory"].map(|name| root.path().join(name));
    fs::create_dir_all(&memory).expect("folder");
    fs::create_dir_all(&cpu).expect("folder");
    fs::write(cpu.join(SHARES), "1024").expect("file");
    let all = BTreeSet::from([cpu.clone(), memory.clone()]);
    let groups = Hierarchy::V1 { memory: memory.clone(), all, unified: None };
    groups.create_parent("hokku-t").expect("a group");
    let weight: usize =
        fs::read_to_string(cpu.join("hokku-t").join(SHARES)).expect("file").parse().expect("a number");
    assert!(weight.is_multiple_of(PROCESS_SHARES) && weight > 0, "{weight}");
    assert!(!memory.join("hokku-t").exists(), "only where there are weights");
    groups.create_parent("hokku-t").expect("as often as one likes");
}

/// A folder that looks like a v2 group.
fn v2(files: &[(&str, &str)]) -> (tempfile::TempDir, Cgroup) {
    let root = tempfile::tempdir().expect("folder");
    let group = Hierarchy::V2 { root: root.path().to_owned() }.group("hokku-t", "web.1");
    fs::create_dir_all(group.folder()).expect("group");
    for (name, text) in files {
        fs::write(group.folder().join(name), text).expect("file");
    }
    (root, group)
}

#[test]
fn v2_memory_and_oom_kills_are_read() {
    let (_root, group) = v2(&[
        ("memory.stat", "anon 100\nfile 70\nkernel 5\nshmem 30\n"),
        ("memory.swap.current", "7\n"),
        ("memory.events", "low 0\noom 2\noom_kill 3\noom_group_kill 0\n"),
    ]);
    let memory = group.memory().expect("memory");
    assert_eq!(memory, Memory { rss: 100, cache: 70, swap: 7, shmem: 30, pgpgin: 0, pgpgout: 0 });
    assert_eq!(memory.charged(), 137);
    assert_eq!(group.oom_kills().expect("oom"), 3);
    assert_eq!(group.oci_path(), "/hokku-t/web.1");
}

#[test]
fn v2_is_killed_through_cgroup_kill_where_it_exists() {
    let (_root, group) = v2(&[("cgroup.kill", ""), ("cgroup.procs", "")]);
    group.kill_all().expect("kill");
    let written = fs::read_to_string(group.folder().join("cgroup.kill")).expect("file");
    assert_eq!(written, "1");
}

#[test]
fn v2_without_cgroup_kill_is_signalled_process_by_process() {
    let mut child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep");
    let (_root, group) = v2(&[("cgroup.procs", &format!("{}\n", child.id()))]);
    assert_eq!(group.pids().expect("pids"), BTreeSet::from([Pid::from_raw(child.id().cast_signed())]));
    group.kill_all().expect("kill");
    let status = child.wait().expect("wait");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGKILL));
}

#[test]
fn a_group_that_is_gone_is_empty_and_removing_it_again_is_fine() {
    let (_root, group) = v2(&[]);
    group.remove().expect("remove");
    assert!(!group.exists());
    group.remove().expect("remove again");
    assert!(group.pids().expect("pids").is_empty());
    assert_eq!(group.memory().expect("memory"), Memory::default());
    assert_eq!(group.oom_kills().expect("oom"), 0);
}

#[test]
fn v1_memory_and_oom_kills_are_read() {
    let root = tempfile::tempdir().expect("folder");
    let memory = root.path().join("memory");
    let all = BTreeSet::from([memory.clone(), root.path().join("pids")]);
    let group = Hierarchy::V1 { memory, all, unified: None }.group("p", "c");
    fs::create_dir_all(group.folder()).expect("group");
    let stat =
        "cache 1\nrss 2\ntotal_cache 70\ntotal_rss 100\ntotal_shmem 30\ntotal_pgpgin 8\ntotal_pgpgout 9\n";
    fs::write(group.folder().join("memory.stat"), stat).expect("file");
    let oom = "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n";
    fs::write(group.folder().join("memory.oom_control"), oom).expect("file");
    let expected = Memory { rss: 100, cache: 70, swap: 0, shmem: 30, pgpgin: 8, pgpgout: 9 };
    assert_eq!(group.memory().expect("memory"), expected);
    assert_eq!(group.oom_kills().expect("oom"), 4);
}
