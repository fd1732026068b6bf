use std::path::PathBuf;

use super::*;
use crate::spec::{Layer, Limits, Upper, Window};

fn spec() -> Spec {
    Spec {
        id: "web.1".to_owned(),
        state_dir: PathBuf::from("/state"),
        layers: vec![Layer::Dir(PathBuf::from("/layer"))],
        upper: Upper::Tmpfs { bytes: 1 << 20 },
        binds: vec![],
        argv: vec!["/usr/bin/tini".to_owned(), "--".to_owned(), "bash".to_owned()],
        env: vec![("PORT".to_owned(), "5000".to_owned())],
        cwd: PathBuf::from("/app"),
        uid: 1000,
        gid: 1000,
        id_base: 1_000_000,
        hostname: "web-1".to_owned(),
        netns: Some(PathBuf::from("/netns/0")),
        limits: Limits {
            memory_bytes: 1 << 30,
            memory_shown_bytes: 1 << 29,
            cpu_shares: 512,
            cpu_quota_percent: Some(150),
            pids: 256,
            nofile: 10_000,
        },
        terminal: Some(Window { columns: 80, rows: 24 }),
        writable: vec![PathBuf::from("/app")],
        cgroup_parent: "hokku-t".to_owned(),
    }
}

fn made(spec: &Spec, sysfs: Option<PathBuf>, limits_swap: bool, seccomp: SeccompForm) -> Value {
    let bind = Bind {
        source: PathBuf::from("/resolv.conf"),
        target: PathBuf::from("/etc/resolv.conf"),
        read_only: true,
        mapped: false,
    };
    let root = Root { path: PathBuf::from("/work/root"), sysfs, binds: vec![bind], warnings: vec![] };
    let setting = Setting {
        root: &root,
        cgroup: "/hokku-t/web.1".to_owned(),
        cgroup_view: Path::new("/work/cgroup"),
        limits_swap,
        nofile_max: 4096,
        seccomp,
    };
    config(spec, &setting).expect("config")
}

#[test]
fn the_whole_config() {
    let mut config = made(&spec(), Some(PathBuf::from("/work/sys")), true, SeccompForm::Bpf);
    config["annotations"]["run.oci.seccomp_bpf_data"] = json!("[the filter]");
    insta::assert_json_snapshot!(config);
}

#[test]
fn what_differs_without_terminal_network_quota_and_swap_accounting() {
    let mut spec = Spec { netns: None, terminal: None, ..spec() };
    spec.limits.cpu_quota_percent = None;
    let config = made(&spec, None, false, SeccompForm::Json);
    assert_eq!(config["process"]["terminal"], false);
    assert_eq!(config["process"].get("consoleSize"), None);
    assert_eq!(config["linux"]["resources"]["cpu"], json!({"shares": 512}));
    assert_eq!(config["linux"]["resources"]["memory"], json!({"limit": 1 << 30}));
    assert_eq!(config["linux"]["seccomp"]["defaultAction"], "SCMP_ACT_ERRNO");
    assert_eq!(config.get("annotations"), None);
    let mounts = config["mounts"].as_array().expect("mounts");
    assert!(mounts.iter().any(|mount| mount["destination"] == "/sys" && mount["type"] == "sysfs"));
    let namespaces = config["linux"]["namespaces"].as_array().expect("namespaces");
    assert!(namespaces.contains(&json!({"type": "network"})));
}

#[test]
fn the_limits_are_shown_under_the_names_of_both_versions() {
    let view = cgroup_view(&spec());
    let value = |name: &str| view.iter().find(|(n, _)| *n == name).map(|(_, text)| text.as_str());
    assert_eq!(value("memory/memory.limit_in_bytes"), Some("536870912\n"));
    assert_eq!(value("memory.max"), Some("536870912\n"));
    assert_eq!(value("cpu.max"), Some("150000 100000\n"));
    assert_eq!(value("pids.max"), Some("256\n"));
}

#[test]
fn a_quota_below_what_the_kernel_takes_is_raised() {
    assert_eq!(quota_us(0), 1_000);
    assert_eq!(quota_us(25), 25_000);
}
