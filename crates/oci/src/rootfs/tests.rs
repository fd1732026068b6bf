use std::os::unix::fs::symlink;
use std::process::Command;

use nix::sched::unshare;

use super::*;
use crate::spec::Limits;

fn spec(upper: &Path, writable: &str) -> Spec {
    Spec {
        id: "t".to_owned(),
        state_dir: upper.to_owned(),
        layers: vec![],
        upper: Upper::Dir(upper.to_owned()),
        binds: vec![],
        argv: vec!["true".to_owned()],
        env: vec![],
        cwd: PathBuf::from("/"),
        uid: 1000,
        gid: 1000,
        id_base: 1_000_000,
        hostname: "t".to_owned(),
        netns: None,
        limits: Limits {
            memory_bytes: 1,
            memory_shown_bytes: 1,
            cpu_shares: 2,
            cpu_quota_percent: None,
            pids: 1,
            nofile: 1,
        },
        terminal: None,
        writable: vec![PathBuf::from(writable)],
        cgroup_parent: "t".to_owned(),
    }
}

fn builder(work: &Path) -> Builder<'_> {
    let ids = sys::user_namespace(1_000_000).expect("user namespace");
    Builder { work, ids, warnings: vec![] }
}

/// Mount namespaces belong to threads, and each test has one of its own.
fn private_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).expect("mount namespace");
    let none = None::<&Path>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private");
}

#[test]
fn a_link_that_a_tenant_left_in_the_upper_is_not_followed() {
    let dir = tempfile::tempdir().expect("folder");
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).expect("outside");
    let root = dir.path().join("upper");
    fs::create_dir(&root).expect("upper");
    symlink(&outside, root.join("app")).expect("link");
    let spec = spec(dir.path(), "/app/data");
    let refused = builder(dir.path()).writable(&root, Path::new("/app/data"), &spec);
    assert!(matches!(refused, Err(RootError::Make { path, .. }) if path == root.join("app")));
    assert!(!outside.join("data").exists());
}

#[test]
fn an_image_is_mounted_from_its_file_or_through_a_loop_device() {
    private_mounts();
    let dir = tempfile::tempdir().expect("folder");
    let (source, image, place) = (dir.path().join("s"), dir.path().join("i"), dir.path().join("p"));
    fs::create_dir(&source).expect("source");
    fs::create_dir(&place).expect("place");
    fs::write(source.join("file"), "text").expect("file");
    let made = Command::new("mkfs.erofs").args([&image, &source]).output().expect("mkfs.erofs");
    assert!(made.status.success());
    let flags = MsFlags::MS_RDONLY;
    for by_loop in [false, true] {
        if by_loop { mount_by_loop(&image, &place, flags) } else { mount_image(&image, &place) }
            .expect("mount");
        assert_eq!(fs::read_to_string(place.join("file")).expect("file"), "text");
        let mounts = fs::read_to_string("/proc/thread-self/mountinfo").expect("mounts");
        let mine = mounts.lines().find(|line| line.contains(place.to_str().expect("path"))).expect("mounted");
        assert_eq!(mine.contains("/dev/loop"), by_loop, "{mine}");
        umount2(&place, MntFlags::empty()).expect("unmount");
    }
}

#[test]
fn a_missing_layer_is_named() {
    private_mounts();
    let dir = tempfile::tempdir().expect("folder");
    let missing = PathBuf::from("/no/such/layer");
    let refused = builder(dir.path()).layer(0, &Layer::Dir(missing.clone()));
    assert!(matches!(refused, Err(RootError::Mount { what, .. }) if what == missing));
}

#[test]
fn a_layer_that_cannot_be_mapped_is_used_with_a_warning() {
    private_mounts();
    let dir = tempfile::tempdir().expect("folder");
    // The kernel maps no procfs.
    let mut builder = builder(dir.path());
    let place = builder.layer(0, &Layer::Dir(PathBuf::from("/proc"))).expect("layer");
    assert!(place.join("self").exists());
    assert_eq!(builder.warnings.len(), 1);
    assert!(builder.warnings[0].starts_with("/proc: owners could not be mapped: "), "{:?}", builder.warnings);
}
