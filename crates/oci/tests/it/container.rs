//! The life of a container: start, streams, signals, limits, terminal, end, leftovers.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use oci::cgroup::{EMPTY_WITHIN, Hierarchy, Memory};
use oci::container::{self, Exit, Status};
use oci::spec::{Bind, Layer, Spec, Upper, Window};

use crate::support::Lab;

const RUNTIMES: [&str; 2] = ["crun", "runc"];

fn exit(status: Status) -> Option<Exit> {
    Some(Exit { status, oom_killed: false })
}

#[test]
fn exit_codes_and_both_streams_come_back() {
    let lab = Lab::new();
    for runtime in RUNTIMES {
        let ended = lab.run_with(&lab.script("a", "echo out; echo err >&2; exit 7"), runtime, "");
        assert_eq!((ended.out.as_str(), ended.err.as_str()), ("out\n", "err\n"), "{runtime}");
        assert_eq!(ended.exit, exit(Status::Code(7)), "{runtime}");
        assert_eq!(ended.code, Some(7));
        assert!(!lab.path("a").exists(), "its folder is gone");
    }
}

#[test]
fn the_end_of_the_input_reaches_the_container() {
    let lab = Lab::new();
    let ended = lab.run_with(&lab.script("a", "cat; echo end"), "crun", "one\ntwo\n");
    assert_eq!(ended.out, "one\ntwo\nend\n");
}

#[test]
fn a_command_that_does_not_exist_is_told_and_leaves_nothing() {
    let lab = Lab::new();
    for runtime in RUNTIMES {
        let ended = lab.run_with(&lab.spec("a", &["/bin/no-such-thing"]), runtime, "");
        assert_eq!((ended.exit, ended.code), (None, Some(255)), "{runtime}");
        assert!(ended.err.contains("no-such-thing"), "{runtime}: {}", ended.err);
        assert!(!lab.path("a").exists(), "{runtime}");
    }
}

#[test]
fn a_signal_reaches_every_process() {
    let lab = Lab::new();
    let script = "trap 'echo parent; wait; exit 0' TERM; \
                  (trap 'echo child; exit 0' TERM; echo ready; while :; do sleep 0.05; done) & wait; wait";
    let mut shim = lab.start(&lab.spec("a", &["/bin/tini", "--", "/bin/sh", "-c", script]));
    assert_eq!(shim.out_line(), "ready");
    let sent: usize = shim.ask("signal 15").parse().expect("a count");
    assert!(sent >= 3, "tini, the shell and its child: {sent}");
    let ended = shim.finish();
    assert!(ended.out.contains("parent") && ended.out.contains("child"), "{}", ended.out);
}

#[test]
fn a_killed_container_tells_the_signal() {
    let lab = Lab::new();
    let mut shim = lab.start(&lab.script("a", "trap '' TERM; echo ready; while :; do sleep 1 & wait; done"));
    assert_eq!(shim.out_line(), "ready");
    assert_eq!(shim.ask("kill"), "killed");
    let ended = shim.finish();
    assert_eq!(ended.exit, exit(Status::Signal(9)));
    assert_eq!(ended.code, Some(137));
}

#[test]
fn memory_over_the_limit_is_killed_and_told_also_in_a_child() {
    let lab = Lab::new();
    let eat = "dd if=/dev/zero of=/dev/null bs=200M count=1";
    let ended = lab.run(&lab.spec("a", &["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"]));
    assert_eq!(ended.exit, Some(Exit { status: Status::Signal(9), oom_killed: true }), "{}", ended.err);
    let ended = lab.run(&lab.script("b", &format!("{eat}; exit 3")));
    assert_eq!(ended.exit, Some(Exit { status: Status::Code(3), oom_killed: true }), "{}", ended.err);
}

#[test]
fn memory_in_use_is_told_by_kind() {
    let lab = Lab::new();
    let script = "dd if=/dev/zero of=/app/file bs=1M count=8 2>/dev/null; echo ready; cat";
    let mut shim = lab.start(&lab.script("a", script));
    assert_eq!(shim.out_line(), "ready");
    let memory: Memory = serde_json::from_str(&shim.ask("memory")).expect("memory");
    assert!(memory.shmem >= 8 << 20, "the writable layer counts: {memory:?}");
    assert!(memory.charged() < 16 << 20, "{memory:?}");
    drop(shim.child.stdin.take());
    assert_eq!(shim.finish().code, Some(0));
}

#[test]
fn more_processes_than_allowed_are_refused() {
    let lab = Lab::new();
    let mut spec = lab.script("a", "for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo all");
    spec.limits.pids = 5;
    let ended = lab.run(&spec);
    assert!(ended.err.contains("can't fork"), "{}", ended.err);
    assert!(!ended.out.contains("all"));
}

#[test]
fn a_terminal_has_the_asked_size_and_can_be_resized() {
    let lab = Lab::new();
    for runtime in RUNTIMES {
        let script = "stty size; trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.05; done";
        let spec = Spec { terminal: Some(Window { columns: 91, rows: 33 }), ..lab.script("a", script) };
        let mut shim = lab.start_with(&spec, runtime);
        assert_eq!(shim.out_line(), "33 91", "{runtime}");
        assert_eq!(shim.out_line(), "ready");
        assert_eq!(shim.ask("resize 120 40"), "resized");
        assert_eq!(shim.out_line(), "40 120");
        assert_eq!(shim.finish().exit, exit(Status::Code(4)));
    }
}

#[test]
fn a_terminal_carries_input_and_control_characters() {
    let lab = Lab::new();
    let argv = ["/bin/tini", "--", "/bin/sh", "-c", "read x; echo got $x; cat"];
    let spec = Spec { terminal: Some(Window { columns: 80, rows: 24 }), ..lab.spec("a", &argv) };
    let mut shim = lab.start(&spec);
    let mut stdin = shim.child.stdin.take().expect("stdin");
    stdin.write_all(b"hello\n").expect("input");
    assert_eq!(shim.out_line(), "hello", "the echo");
    assert_eq!(shim.out_line(), "got hello");
    stdin.write_all(b"\x03").expect("control-C");
    assert_eq!(shim.finish().code, Some(130));
}

#[test]
fn a_running_container_costs_no_zombies() {
    let lab = Lab::new();
    for runtime in RUNTIMES {
        let mut shim = lab.start_with(&lab.script("a", "echo ready; cat"), runtime);
        assert_eq!(shim.out_line(), "ready");
        let parent = shim.child.id().to_string();
        let children: Vec<String> = fs::read_dir("/proc")
            .expect("proc")
            .flatten()
            .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
            .filter(|stat| stat.rsplit(' ').nth(48) == Some(&parent))
            .collect();
        assert_eq!(children.len(), 1, "{runtime}: {children:?}");
        drop(shim.child.stdin.take());
        shim.finish();
    }
}

#[test]
fn listening_is_seen_without_connecting() {
    let lab = Lab::new();
    let mut shim = lab.start(&lab.script("a", "httpd -f -p 127.0.0.1:8080 & httpd -f -p 8081 & wait"));
    assert_eq!(shim.ask_until("listening 8080", |a| a != "No"), "LoopbackOnly");
    assert_eq!(shim.ask_until("listening 8081", |a| a != "No"), "Yes");
    assert_eq!(shim.ask("listening 8082"), "No");
    assert_eq!(shim.ask("pids"), "3");
    assert_eq!(shim.ask("kill"), "killed");
    shim.finish();
}

#[test]
fn erofs_layers_folders_and_the_upper_are_one_tree() {
    let lab = Lab::new();
    let app = lab.path("slug/app");
    fs::create_dir_all(&app).expect("slug");
    fs::write(app.join("code"), "v1").expect("code");
    std::os::unix::fs::lchown(app.join("code"), Some(1000), Some(1000)).expect("owner");
    let image = lab.path("slug.erofs");
    let made = Command::new("mkfs.erofs").arg("-zlz4").arg(&image).arg(lab.path("slug")).output();
    assert!(made.expect("mkfs.erofs").status.success());
    let kept = lab.path("kept");
    let mut spec =
        lab.script("a", "stat -c '%u %n' /bin /app /app/code; cat code; echo v2 > code; cat code; cat");
    spec.layers.push(Layer::Erofs(image.clone()));
    spec.upper = Upper::Dir(kept.clone());
    let mut shim = lab.start(&spec);
    assert_eq!(shim.ask("warnings"), "[]");
    drop(shim.child.stdin.take());
    let ended = shim.finish();
    assert_eq!(ended.out, "0 /bin\n1000 /app\n1000 /app/code\nv1v2\n", "{}", ended.err);
    let written = kept.join("upper/app/code");
    assert_eq!(fs::read_to_string(&written).expect("kept"), "v2\n");
    assert_eq!(fs::metadata(&written).expect("kept").uid(), spec.id_base + 1000);
    assert_eq!(fs::read_to_string(app.join("code")).expect("code"), "v1", "layers are never written");
    // As the steps of a build do: the next container goes on with what the one before left.
    let ended = lab.run(&Spec { argv: lab.script("b", "cat code").argv, ..spec });
    assert_eq!(ended.out, "v2\n", "{}", ended.err);
}

#[test]
fn binds_appear_with_their_owners_mapped_if_asked() {
    let lab = Lab::new();
    let cache = lab.path("cache");
    fs::create_dir(&cache).expect("cache");
    std::os::unix::fs::chown(&cache, Some(1000), Some(1000)).expect("owner");
    fs::write(lab.path("hosts"), "1.2.3.4 pg\n").expect("hosts");
    let bind = |source: &str, target: &str, read_only, mapped| Bind {
        source: lab.path(source),
        target: PathBuf::from(target),
        read_only,
        mapped,
    };
    let script = "cat /etc/hosts; stat -c %u /cache; touch /cache/new || exit 1; touch /etc/hosts";
    let mut spec = lab.script("a", script);
    spec.binds = vec![bind("cache", "/cache", false, true), bind("hosts", "/etc/hosts", true, false)];
    for id_base in [3_000_000_000, 3_000_131_072] {
        let ended = lab.run(&Spec { id_base, ..spec.clone() });
        assert_eq!(ended.out, "1.2.3.4 pg\n1000\n", "{}", ended.err);
        assert!(ended.err.contains("touch: /etc/hosts"), "{}", ended.err);
        assert_eq!(fs::metadata(cache.join("new")).expect("new").uid(), 1000);
    }
}

#[test]
fn limits_show_where_buildpacks_look() {
    let lab = Lab::new();
    let mut spec = lab.script("a", "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu.max; touch x");
    spec.limits.cpu_quota_percent = Some(250);
    let ended = lab.run(&spec);
    assert_eq!(ended.out, format!("{}\n250000 100000\n", 32 << 20));
    assert!(ended.err.contains("Read-only"), "{}", ended.err);
}

/// Gone, or a zombie that only the machine's own pid 1 can reap.
fn is_dead(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

/// Holds at the latest [`EMPTY_WITHIN`] after its group is gone: a dying process leaves that a moment before it is dead.
fn dies(pid: i32) -> bool {
    let until = Instant::now() + EMPTY_WITHIN;
    while !is_dead(pid) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
    }
    is_dead(pid)
}

#[test]
fn what_a_killed_shim_leaves_is_cleaned_up_by_another_process() {
    let lab = Lab::new();
    let spec = lab.script("a", "trap '' TERM; echo ready; while :; do sleep 1 & wait; done");
    let mut shim = lab.start(&spec);
    assert_eq!(shim.out_line(), "ready");
    shim.child.kill().expect("kill the shim");
    shim.child.wait().expect("reap the shim");
    let group = Hierarchy::find().expect("cgroups").group(&lab.parent, &spec.id);
    assert!(!group.pids().expect("pids").is_empty(), "the container lives on");
    container::cleanup(&spec.state_dir).expect("cleanup");
    assert!(!group.exists());
    assert!(!spec.state_dir.exists());
    assert!(dies(shim.pid));
    container::cleanup(&spec.state_dir).expect("cleanup again");
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(!mounts.contains(&spec.id), "no mount reached the host");
}

#[test]
fn a_shim_killed_at_any_moment_leaves_nothing_that_cleanup_does_not_find() {
    let lab = Lab::new();
    let spec = lab.script("a", "while :; do sleep 1; done");
    let group = Hierarchy::find().expect("cgroups").group(&lab.parent, &spec.id);
    for step in 0..40 {
        let mut shim = lab.spawn(&spec, "crun");
        // Not a wait for something: the moment of the kill is what is being varied.
        std::thread::sleep(Duration::from_micros(step * 1_000));
        shim.kill().expect("kill the shim");
        shim.wait().expect("reap the shim");
        container::cleanup(&spec.state_dir).expect("cleanup");
        assert!(!group.exists(), "killed after {step} ms");
        assert!(!spec.state_dir.exists(), "killed after {step} ms");
    }
    let held = all_processes_in(&lab.parent);
    assert_eq!(held, Vec::<String>::new());
}

/// Processes whose cgroup names `parent`.
fn all_processes_in(parent: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("proc").flatten().map(|entry| entry.path());
    let inside =
        |path: &PathBuf| fs::read_to_string(path.join("cgroup")).is_ok_and(|text| text.contains(parent));
    processes.filter(inside).map(|path| path.display().to_string()).collect()
}

#[test]
fn a_new_start_in_the_same_folder_removes_what_was_left() {
    let lab = Lab::new();
    let spec = lab.script("a", "echo ready; cat; while :; do sleep 1; done");
    let mut first = lab.start(&spec);
    assert_eq!(first.out_line(), "ready");
    first.child.kill().expect("kill the shim");
    first.child.wait().expect("reap the shim");
    let ended = lab.run(&Spec { argv: vec!["/bin/true".to_owned()], ..spec });
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(dies(first.pid));
}

#[test]
fn the_hosts_null_device_is_never_given_away() {
    let lab = Lab::new();
    for runtime in RUNTIMES {
        let file = lab.path("null.json");
        let spec = lab.script("a", "chmod 0 /dev/null 2>/dev/null; true");
        fs::write(&file, serde_json::to_vec(&spec).expect("JSON")).expect("spec");
        let program = std::env::current_exe().expect("path");
        let shim = program.ancestors().nth(2).expect("target").join("examples/shim");
        let null = || fs::File::options().read(true).write(true).open("/dev/null").expect("null");
        let done =
            Command::new(shim).arg(&file).arg(runtime).stdin(null()).stdout(null()).stderr(null()).status();
        assert!(done.expect("shim").success(), "{runtime}");
        let host = fs::metadata("/dev/null").expect("null");
        assert_eq!((host.uid(), host.mode() & 0o777), (0, 0o666), "{runtime}");
    }
}

/// Not a benchmark with a verdict: prints the median start of a container for the log.
#[test]
fn starts_are_fast() {
    let lab = Lab::new();
    let mut times: Vec<Duration> = Vec::new();
    for n in 0..20 {
        let spec = lab.script(&format!("s{n}"), "echo up");
        let start = Instant::now();
        let mut shim = lab.start(&spec);
        assert_eq!(shim.out_line(), "up");
        times.push(start.elapsed());
        assert_eq!(shim.finish().code, Some(0));
    }
    times.sort();
    let _ = writeln!(
        std::io::stderr(),
        "start of a container, 20 runs: median {:?}, worst {:?}",
        times[10],
        times[19]
    );
    assert!(times[10] < Duration::from_secs(2), "{times:?}");
}
