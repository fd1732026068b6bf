use std::path::PathBuf;

use super::*;

fn spec() -> Spec {
    Spec {
        id: "web.1".to_owned(),
        state_dir: PathBuf::from("/var/lib/x"),
        layers: vec![Layer::Erofs(PathBuf::from("/a.erofs")), Layer::Dir(PathBuf::from("/b"))],
        upper: Upper::Tmpfs { bytes: 1 << 20 },
        binds: vec![],
        argv: vec!["true".to_owned()],
        env: vec![],
        cwd: PathBuf::from("/app"),
        uid: 1000,
        gid: 1000,
        id_base: 1_000_000,
        hostname: "web-1".to_owned(),
        netns: None,
        limits: Limits {
            memory_bytes: 1 << 29,
            memory_shown_bytes: 1 << 29,
            cpu_shares: 1024,
            cpu_quota_percent: None,
            pids: 256,
            nofile: 1024,
        },
        terminal: Some(Window { columns: 80, rows: 24 }),
        writable: vec![PathBuf::from("/app")],
        cgroup_parent: "hokku-t".to_owned(),
    }
}

#[test]
fn it_travels_as_json_unchanged() {
    let spec = spec();
    let text = serde_json::to_string(&spec).expect("to JSON");
    assert_eq!(serde_json::from_str::<Spec>(&text).expect("from JSON"), spec);
}

#[test]
fn a_good_one_passes_and_each_bad_field_is_named() {
    assert_eq!(spec().check(), Ok(()));
    for id in ["", "..", "a/b", "é", &"a".repeat(65)] {
        let bad = Spec { id: id.to_owned(), ..spec() };
        assert_eq!(bad.check(), Err(SpecError::Id(id.to_owned())));
    }
    for parent in ["", "/a", "a//b", "a/../b", "a b"] {
        let bad = Spec { cgroup_parent: parent.to_owned(), ..spec() };
        assert_eq!(bad.check(), Err(SpecError::CgroupParent(parent.to_owned())));
    }
    assert_eq!(Spec { layers: vec![], ..spec() }.check(), Err(SpecError::Layers(0)));
    assert_eq!(Spec { argv: vec![], ..spec() }.check(), Err(SpecError::Argv));
    for path in ["app", "/app/../etc"] {
        let bad = Spec { writable: vec![PathBuf::from(path)], ..spec() };
        assert_eq!(bad.check(), Err(SpecError::Path(PathBuf::from(path))));
    }
    for (uid, base) in [(UIDS, 1_000_000), (0, 0), (0, u32::MAX)] {
        let bad = Spec { uid, id_base: base, ..spec() };
        assert_eq!(bad.check(), Err(SpecError::Ids { uid, gid: 1000, base }));
    }
}
