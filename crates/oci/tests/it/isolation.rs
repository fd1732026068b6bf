//! What a container must not be able to see or do.

use std::collections::BTreeMap;

use oci::spec::Spec;

use crate::support::Lab;

/// `name=value` lines of a script's output.
fn facts(lab: &Lab, spec: &Spec, runtime: &str) -> BTreeMap<String, String> {
    let ended = lab.run_with(spec, runtime, "");
    assert_eq!(ended.code, Some(0), "{runtime}: {}", ended.err);
    let pairs = ended.out.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

#[test]
fn it_has_no_powers() {
    let lab = Lab::new();
    let script = "\
        status() { grep \"^$1:\" /proc/self/status | tr -d '\\t' | cut -d: -f2; }; \
        for f in Seccomp NoNewPrivs CapInh CapPrm CapEff CapBnd CapAmb; do echo $f=$(status $f); done; \
        echo uid=$(id -u); echo map=$(cat /proc/self/uid_map); echo hostname=$(hostname); \
        echo oom=$(cat /proc/self/oom_score_adj); echo nofile=$(ulimit -n); echo core=$(ulimit -c)";
    for runtime in ["crun", "runc"] {
        let facts = facts(&lab, &lab.script("a", script), runtime);
        let hard = std::process::Command::new("sh").args(["-c", "ulimit -Hn"]).output().expect("ulimit");
        let hard: u64 = String::from_utf8_lossy(&hard.stdout).trim().parse().unwrap_or(u64::MAX);
        let expected = [
            ("Seccomp", "2"),
            ("NoNewPrivs", "1"),
            ("CapInh", "0000000000000000"),
            ("CapPrm", "0000000000000000"),
            ("CapEff", "0000000000000000"),
            ("CapBnd", "0000000000000000"),
            ("CapAmb", "0000000000000000"),
            ("uid", "1000"),
            ("map", "0 3000000000 65536"),
            ("hostname", "web-1"),
            ("oom", "500"),
            ("nofile", &hard.min(65_536).to_string()),
            ("core", "0"),
        ];
        for (name, value) in expected {
            assert_eq!(facts.get(name).map(String::as_str), Some(value), "{runtime}: {name}");
        }
    }
}

#[test]
fn what_it_must_not_do_is_refused() {
    let lab = Lab::new();
    let tries = [
        ("userns", "unshare -U true"),
        ("netns", "unshare -n true"),
        ("mount", "mount -t tmpfs none /app"),
        ("remount", "mount -o remount,rw /sys"),
        ("mknod", "mknod /app/disk b 254 0"),
        ("etc", "touch /etc/x"),
        ("bin", "touch /bin/sh"),
        ("sysctl", "echo 1 > /proc/sys/kernel/panic"),
        ("sysrq", "echo s > /proc/sysrq-trigger"),
        ("dmesg", "dmesg"),
        ("cgroup", "echo 1 > /sys/fs/cgroup/memory.max"),
        ("hostname", "hostname other"),
        ("devices", "cat /dev/vda"),
        ("setuid", "chmod 4755 /bin/busybox"),
        ("fds", "test -e /proc/self/fd/9"),
        ("kill", "kill -9 2147483"),
    ];
    let script: String = tries
        .iter()
        .map(|(name, what)| format!("if ({what}) >/dev/null 2>&1; then echo {name}=done; fi; "))
        .collect();
    for runtime in ["crun", "runc"] {
        let facts = facts(&lab, &lab.script("a", &format!("{script} echo end=1")), runtime);
        assert_eq!(facts.into_iter().collect::<Vec<_>>(), [("end".to_owned(), "1".to_owned())], "{runtime}");
    }
}

#[test]
fn it_sees_only_itself() {
    let lab = Lab::new();
    let script = "\
        echo pids=$(ls /proc | grep -c '^[0-9]'); echo timers=$(wc -c < /proc/timer_list); \
        echo keys=$(wc -c < /proc/keys); echo firmware=$(ls /sys/firmware | wc -l); \
        echo links=$(ls /sys/class/net); cat /proc/self/mountinfo";
    for runtime in ["crun", "runc"] {
        let ended = lab.run_with(&lab.script("a", script), runtime, "");
        assert!(ended.out.contains("timers=0\nkeys=0\nfirmware=0\n"), "{runtime}: {}", ended.out);
        assert!(ended.out.contains("links=lo\n"), "{runtime}: {}", ended.out);
        let pids: u32 =
            ended.out.lines().next().and_then(|l| l.strip_prefix("pids=")).expect("pids").parse().expect("n");
        assert!(pids <= 4, "{runtime}: {pids}");
        let host = lab.dir.path().display().to_string();
        assert!(!ended.out.contains(&host), "{runtime}: a path of the host shows: {}", ended.out);
        assert!(!ended.out.contains("cgroup/memory"), "{runtime}: {}", ended.out);
    }
}

#[test]
fn two_containers_share_no_ids_and_no_shared_memory() {
    let lab = Lab::new();
    let mut first = lab.start(&lab.script("a", "echo secret > /dev/shm/x; echo ready; cat"));
    assert_eq!(first.out_line(), "ready");
    let other = Spec { id_base: 3_000_065_536, ..lab.script("b", "ls /dev/shm | wc -l; ps | grep -c cat") };
    let ended = lab.run(&other);
    assert_eq!(ended.out.lines().next(), Some("0"), "{}", ended.out);
    assert_eq!(first.ask("kill"), "killed");
    first.finish();
}
