//! A root made of busybox, specs for it, and containers run through the example shim.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use oci::container::Exit;
use oci::spec::{Layer, Limits, Spec, Upper};

/// Longest wait for anything a container is to say or do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const APPLETS: &[&str] = &[
    "cat", "chmod", "dd", "dmesg", "env", "grep", "head", "hostname", "id", "kill", "ls", "mkdir", "mknod",
    "mount", "nc", "nslookup", "ps", "rm", "sh", "sleep", "stat", "stty", "touch", "true", "unshare", "wget",
    "wc", "httpd",
];

/// A folder, a root to layer on and a cgroup parent; all gone when it is dropped.
pub(crate) struct Lab {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) parent: String,
}

impl Lab {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static PROGRAMS: Once = Once::new();
        PROGRAMS.call_once(require_programs);
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("root");
        for sub in ["bin", "etc", "app", "tmp"] {
            fs::create_dir_all(root.join(sub)).expect("root");
        }
        fs::copy("/bin/busybox", root.join("bin/busybox")).expect("busybox");
        fs::copy("/usr/bin/tini-static", root.join("bin/tini")).expect("tini");
        for applet in APPLETS {
            symlink("busybox", root.join("bin").join(applet)).expect("applet");
        }
        fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\n").expect("passwd");
        let parent = format!("hokku-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { dir, parent }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A container that runs a shell script.
    pub(crate) fn script(&self, id: &str, script: &str) -> Spec {
        self.spec(id, &["/bin/sh", "-c", script])
    }

    pub(crate) fn spec(&self, id: &str, argv: &[&str]) -> Spec {
        Spec {
            // Containers share the folder below which shims mount, not the mounts: still unique.
            id: format!("{id}-{}", self.parent),
            state_dir: self.path(id),
            layers: vec![Layer::Dir(self.path("root"))],
            upper: Upper::Tmpfs { bytes: 16 << 20 },
            binds: vec![],
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            env: vec![("PATH".to_owned(), "/bin".to_owned())],
            cwd: PathBuf::from("/app"),
            uid: 1000,
            gid: 1000,
            id_base: 3_000_000_000,
            hostname: "web-1".to_owned(),
            netns: None,
            limits: Limits {
                memory_bytes: 64 << 20,
                memory_shown_bytes: 32 << 20,
                cpu_shares: 1024,
                cpu_quota_percent: None,
                pids: 32,
                nofile: 65_536,
            },
            terminal: None,
            writable: vec![PathBuf::from("/app")],
            cgroup_parent: self.parent.clone(),
        }
    }

    /// Runs a container to its end with nothing on its input.
    pub(crate) fn run(&self, spec: &Spec) -> Ended {
        self.run_with(spec, "crun", "")
    }

    pub(crate) fn run_with(&self, spec: &Spec, runtime: &str, input: &str) -> Ended {
        let mut shim = self.start_with(spec, runtime);
        shim.child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("input");
        shim.finish()
    }

    pub(crate) fn start(&self, spec: &Spec) -> Shim {
        self.start_with(spec, "crun")
    }

    /// Starts the shim of a container and waits for nothing.
    pub(crate) fn spawn(&self, spec: &Spec, runtime: &str) -> Child {
        let file = self.path(&format!("{}.json", spec.id));
        fs::write(&file, serde_json::to_vec(spec).expect("JSON")).expect("spec");
        let mut command = Command::new(shim_program());
        command.args([&file, Path::new(runtime)]);
        if self.socket(spec).exists() {
            command.arg(self.socket(spec));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the shim")
    }

    fn socket(&self, spec: &Spec) -> PathBuf {
        self.path(&format!("{}.s", spec.id))
    }

    /// Starts a container; returns once it is up, or its shim has failed.
    pub(crate) fn start_with(&self, spec: &Spec, runtime: &str) -> Shim {
        let socket = self.socket(spec);
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket).expect("socket");
        let child = self.spawn(spec, runtime);
        let (control, _) = listener.accept().expect("control");
        control.set_read_timeout(Some(PATIENCE)).expect("patience");
        let mut shim = Shim { child, control: BufReader::new(control), pid: 0 };
        let up = shim.line();
        shim.pid = up.strip_prefix("up ").map_or(0, |pid| pid.parse().expect("pid"));
        shim
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for entry in fs::read_dir(self.dir.path()).into_iter().flatten().flatten() {
                if entry.path().join("container.json").exists() {
                    let _ = oci::container::cleanup(&entry.path());
                }
            }
        }
        let left = oci::cgroup::Hierarchy::find().and_then(|cgroups| cgroups.remove_parent(&self.parent));
        if !std::thread::panicking() {
            left.expect("no container is left");
        }
    }
}

/// A running container.
pub(crate) struct Shim {
    pub(crate) child: Child,
    control: BufReader<UnixStream>,
    pub(crate) pid: i32,
}

/// A container that has ended.
pub(crate) struct Ended {
    pub(crate) exit: Option<Exit>,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Shim {
    pub(crate) fn ask(&mut self, line: &str) -> String {
        writeln!(self.control.get_mut(), "{line}").expect("ask");
        self.line()
    }

    /// Asks until the answer is as wished.
    pub(crate) fn ask_until(&mut self, line: &str, wished: impl Fn(&str) -> bool) -> String {
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(line);
            if wished(&answer) {
                return answer;
            }
            assert!(std::time::Instant::now() < until, "{line} still answers {answer}");
        }
    }

    /// The next line the container writes to its output.
    pub(crate) fn out_line(&mut self) -> String {
        let out = self.child.stdout.as_mut().expect("stdout");
        let mut line = Vec::new();
        let mut byte = [0];
        while std::io::Read::read(out, &mut byte).expect("output") == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        String::from_utf8(line).expect("text").trim_end().to_owned()
    }

    pub(crate) fn finish(mut self) -> Ended {
        let last = self.line();
        let exit = last.strip_prefix("exit ").map(|json| serde_json::from_str(json).expect("exit"));
        let output = self.child.wait_with_output().expect("the shim's end");
        Ended {
            exit,
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.control.read_line(&mut line).expect("control");
        line.trim_end().to_owned()
    }
}

/// The example that cargo builds beside the tests.
fn shim_program() -> PathBuf {
    let tests = std::env::current_exe().expect("own path");
    let target = tests.parent().and_then(Path::parent).expect("target folder");
    let shim = target.join("examples/shim");
    assert!(shim.exists(), "build it first: cargo build -p oci --examples");
    shim
}

/// What the tests need of the machine, by package.
const PROGRAMS: &[(&str, &str)] = &[
    ("/bin/busybox", "busybox-static"),
    ("/usr/bin/tini-static", "tini"),
    ("/usr/bin/crun", "crun"),
    ("/usr/sbin/runc", "runc"),
    ("/usr/sbin/nft", "nftables"),
    ("/usr/bin/mkfs.erofs", "erofs-utils"),
];

/// `cargo xtask setup` installs them.
fn require_programs() {
    let missing: Vec<_> =
        PROGRAMS.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, name)| *name).collect();
    assert!(missing.is_empty(), "the tests need {missing:?}: run `cargo xtask setup`");
}
