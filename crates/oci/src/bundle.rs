//! The `config.json` of one container, from its [`Spec`].
//!
//! Everything that makes a dyno a closed room is on this page: seven namespaces, no capabilities, no
//! new privileges, a system call filter, masked and read-only parts of `/proc` and `/sys`, limits.

use std::path::Path;

use serde_json::{Value, json};

use crate::rootfs::Root;
use crate::runtime::SeccompForm;
use crate::seccomp::{self, SeccompError};
use crate::spec::{Bind, Spec, UIDS};

/// The kernel prefers to end dynos rather than the services beside them.
const OOM_SCORE_ADJ: i32 = 500;
/// Length of a CPU accounting period in microseconds, the kernel's default.
const CPU_PERIOD_US: u64 = 100_000;

/// What tells more about the machine than a tenant should know. Docker's list.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];
/// What changes the machine when written. Docker's list.
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
/// Character devices: null, zero, full, random, urandom, tty, ptmx, and the terminals of devpts.
const DEVICES: [(u32, Option<u32>); 8] = [
    (1, Some(3)),
    (1, Some(5)),
    (1, Some(7)),
    (1, Some(8)),
    (1, Some(9)),
    (5, Some(0)),
    (5, Some(2)),
    (136, None),
];

/// What the config needs to know besides the spec.
pub(crate) struct Setting<'a> {
    /// The mounted root.
    pub(crate) root: &'a Root,
    /// Path of the cgroup as the runtime takes it.
    pub(crate) cgroup: String,
    /// Folder that is to appear as `/sys/fs/cgroup`.
    pub(crate) cgroup_view: &'a Path,
    /// Whether the kernel can limit swap.
    pub(crate) limits_swap: bool,
    /// The hard limit of open files of this process; nobody below it can have more.
    pub(crate) nofile_max: u64,
    /// How the runtime takes the filter.
    pub(crate) seccomp: SeccompForm,
}

/// The whole `config.json`.
pub(crate) fn config(spec: &Spec, setting: &Setting<'_>) -> Result<Value, SeccompError> {
    let mut config = json!({
        "ociVersion": "1.0.0",
        "root": {"path": setting.root.path, "readonly": false},
        "hostname": spec.hostname,
        "process": process(spec, setting.nofile_max),
        "mounts": mounts(spec, setting),
        "linux": {
            "namespaces": namespaces(spec),
            "uidMappings": [{"containerID": 0, "hostID": spec.id_base, "size": UIDS}],
            "gidMappings": [{"containerID": 0, "hostID": spec.id_base, "size": UIDS}],
            "cgroupsPath": setting.cgroup,
            "resources": resources(spec, setting.limits_swap),
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    });
    match setting.seccomp {
        SeccompForm::Bpf => {
            config["annotations"] = json!({"run.oci.seccomp_bpf_data": seccomp::bpf_base64()?});
        }
        SeccompForm::Json => config["linux"]["seccomp"] = seccomp::json(),
    }
    Ok(config)
}

/// What a program finds in `/sys/fs/cgroup`: the limits, under the names of both versions, where
/// runtimes (Node, .NET, `WEB_CONCURRENCY.sh` of the buildpacks) look for them. The real groups stay
/// out of sight.
pub(crate) fn cgroup_view(spec: &Spec) -> Vec<(&'static str, String)> {
    let memory = spec.limits.memory_shown_bytes;
    let cpu = match spec.limits.cpu_quota_percent {
        Some(percent) => format!("{} {CPU_PERIOD_US}\n", quota_us(percent)),
        None => format!("max {CPU_PERIOD_US}\n"),
    };
    vec![
        ("memory/memory.limit_in_bytes", format!("{memory}\n")),
        ("memory.max", format!("{memory}\n")),
        ("memory.swap.max", "0\n".to_owned()),
        ("cpu.max", cpu),
        ("pids.max", format!("{}\n", spec.limits.pids)),
    ]
}

fn process(spec: &Spec, nofile_max: u64) -> Value {
    let env: Vec<String> = spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let nofile = spec.limits.nofile.min(nofile_max);
    let mut process = json!({
        "terminal": spec.terminal.is_some(),
        "user": {"uid": spec.uid, "gid": spec.gid},
        "args": spec.argv,
        "env": env,
        "cwd": spec.cwd,
        "capabilities": {
            "bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": [],
        },
        "rlimits": [
            {"type": "RLIMIT_NOFILE", "hard": nofile, "soft": nofile},
            {"type": "RLIMIT_CORE", "hard": 0, "soft": 0},
        ],
        "noNewPrivileges": true,
        "oomScoreAdj": OOM_SCORE_ADJ,
    });
    if let Some(window) = spec.terminal {
        process["consoleSize"] = json!({"height": window.rows, "width": window.columns});
    }
    process
}

fn mounts(spec: &Spec, setting: &Setting<'_>) -> Value {
    let shm = format!("size={}", spec.limits.memory_bytes / 2);
    let mount = |at: &str, kind: &str, options: &[&str]| json!({"destination": at, "type": kind, "source": kind, "options": options});
    let mut mounts = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=64k"]),
        mount(
            "/dev/pts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", &shm]),
        mount("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        sysfs(setting.root),
        bind(setting.cgroup_view, Path::new("/sys/fs/cgroup"), true),
    ];
    let binds = setting.root.binds.iter();
    mounts.extend(binds.map(|Bind { source, target, read_only, .. }| bind(source, target, *read_only)));
    Value::from(mounts)
}

/// The container's own sysfs; where it joins a network namespace, the one prepared for it.
fn sysfs(root: &Root) -> Value {
    if let Some(prepared) = &root.sysfs {
        let options = ["bind", "private", "ro", "nosuid", "noexec", "nodev"];
        return json!({"destination": "/sys", "type": "bind", "source": prepared, "options": options});
    }
    let options = ["nosuid", "noexec", "nodev", "ro"];
    json!({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": options})
}

fn bind(source: &Path, target: &Path, read_only: bool) -> Value {
    let access = if read_only { "ro" } else { "rw" };
    let options = ["bind", "private", access, "nosuid", "nodev"];
    json!({"destination": target, "type": "bind", "source": source, "options": options})
}

fn namespaces(spec: &Spec) -> Value {
    let mut all: Vec<Value> =
        ["pid", "mount", "ipc", "uts", "user", "cgroup"].iter().map(|kind| json!({"type": kind})).collect();
    all.push(match &spec.netns {
        Some(path) => json!({"type": "network", "path": path}),
        None => json!({"type": "network"}),
    });
    Value::from(all)
}

fn resources(spec: &Spec, limits_swap: bool) -> Value {
    let mut devices = vec![json!({"allow": false, "access": "rwm"})];
    devices.extend(DEVICES.map(|(major, minor)| match minor {
        Some(minor) => json!({"allow": true, "type": "c", "major": major, "minor": minor, "access": "rw"}),
        None => json!({"allow": true, "type": "c", "major": major, "access": "rw"}),
    }));
    let mut cpu = json!({"shares": spec.limits.cpu_shares});
    if let Some(percent) = spec.limits.cpu_quota_percent {
        cpu["period"] = json!(CPU_PERIOD_US);
        cpu["quota"] = json!(quota_us(percent));
    }
    let mut memory = json!({"limit": spec.limits.memory_bytes});
    if limits_swap {
        // This is memory and swap together: equal means no swap.
        memory["swap"] = json!(spec.limits.memory_bytes);
    }
    json!({
        "devices": devices,
        "memory": memory,
        "cpu": cpu,
        "pids": {"limit": spec.limits.pids},
    })
}

/// CPU time per period; the kernel takes no less than 1 ms.
fn quota_us(percent: u32) -> u64 {
    (CPU_PERIOD_US / 100 * u64::from(percent)).max(1_000)
}

#[cfg(test)]
mod tests;
