//! A platform of the build stage alone, in a folder of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use build::{Context, Limits, Machine};
use futures_util::StreamExt;
use logs::transcript::Transcripts;
use logs::{Filter, Logs, LogsConfig};
use model::build::{Build, BuildStatus};
use model::id::{AccountId, AppId, BuildId};
use model::site::Site;
use model::slug::Slug;
use model::time::Timestamp;
use oci::layers::Layers;
use oci::network::{Egress, Network, NetworkConfig};
use slug::runtime::Sources;
use slug::{Blobs, Manifest, Runtimes, Stacks};
use store::{App, ConfigChange, NewApp, NewBuild, Store, StoreError, Topic};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest wait for one build; a first one may have to make a Python and compile a driver.
const BUILD_MAX: Duration = Duration::from_secs(300);

/// What takes long to make, shared by all tests and kept for the next run.
struct Shared {
    cache: PathBuf,
    stacks: Stacks,
    box_program: PathBuf,
    uv: PathBuf,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let cache = cache();
        let stacks = Stacks::open(&cache).expect("the stack cache opens");
        stacks.ensure(model::slug::STACK, &mut |_| {}).expect("the stack can be had");
        Shared { cache, stacks, box_program: box_program(), uv: find_uv() }
    })
}

/// Where this machine keeps stacks and Pythons.
fn cache() -> PathBuf {
    std::env::var_os("HOKKU_CACHE_DIR").map_or_else(|| "/var/cache/hokku".into(), PathBuf::from)
}

/// The Pythons of this machine. No uv, so no downloads: the tests are about the versions that are here.
fn runtimes(blobs: Blobs, cache: &Path) -> Runtimes {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let prefixes = slug::runtime::prefixes(home.as_deref(), &path);
    Runtimes::open(blobs, cache, Sources { prefixes, ..Sources::default() }).expect("runtimes")
}

/// The example that runs one container; `cargo test --test it` alone would not build it.
fn box_program() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "build", "--example", "build-box"])
        .status();
    assert!(built.expect("cargo runs").success());
    let tests = std::env::current_exe().expect("this program");
    tests.with_file_name("../examples/build-box").canonicalize().expect("it was built")
}

/// The `uv` to test with: from `HOKKU_UV` or `PATH`, else installed from PyPI into the tests' cache.
fn find_uv() -> PathBuf {
    let configured = std::env::var_os("HOKKU_UV").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(uv) = slug::tools::uv(configured.as_deref(), &path) {
        return uv;
    }
    let venv = cache().join("tests/uv");
    let uv = venv.join("bin/uv");
    if !uv.is_file() {
        let done = |command: &mut Command| assert!(command.status().expect("python3 runs").success());
        done(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        done(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "uv==0.13.9"]));
    }
    uv
}

pub(crate) struct Lab {
    pub(crate) cx: Context,
    dir: TempDir,
    stop: CancellationToken,
    stage: Mutex<JoinHandle<Result<(), StoreError>>>,
}

/// A build that is over.
pub(crate) struct Ended {
    pub(crate) build: Build,
    pub(crate) slug: Option<Slug>,
    pub(crate) transcript: String,
    pub(crate) took: Duration,
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_micros(i64::try_from(since.as_micros()).expect("before 200000"))
}

/// Runs a test in a lab of its own, and leaves nothing of it however the test ends.
pub(crate) async fn in_lab<F>(limits: Limits, test: impl FnOnce(Arc<Lab>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let lab = Arc::new(Lab::open(limits).await);
    let outcome = tokio::spawn(test(Arc::clone(&lab))).await;
    let lab = Arc::into_inner(lab).expect("the test has ended");
    if let Err(failed) = outcome {
        // A new stage removes what the builds of the old one have left.
        lab.kill().await;
        lab.until_containers(0).await;
        lab.cx.network.adopt(&BTreeSet::new()).await.expect("nobody has a network");
        lab.restart().await;
        lab.close().await;
        std::panic::resume_unwind(failed.into_panic());
    }
    lab.close().await;
}

impl Lab {
    async fn open(limits: Limits) -> Self {
        let shared = tokio::task::spawn_blocking(shared).await.expect("prepared");
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let tag = format!("b{:x}{:x}", std::process::id() & 0xf_ffff, NUMBER.fetch_add(1, Ordering::Relaxed));
        let network = NetworkConfig {
            tag: tag.clone(),
            subnet: None,
            state_dir: at("network"),
            egress: Egress::Open,
            allow: Vec::new(),
            pool: 1,
        };
        fs::create_dir(at("sources")).expect("a folder");
        let blobs = Blobs::open(&at("layers")).expect("layers");
        let cx = Context {
            store: Store::open(dir.path(), Arc::new(now)).expect("the store opens"),
            logs: Logs::open(LogsConfig::new(at("logs")), Arc::new(now)).expect("the logs open"),
            transcripts: Transcripts::open(&at("transcripts")).expect("transcripts"),
            runtimes: runtimes(blobs.clone(), &shared.cache),
            blobs,
            layers: Layers::open(&at("mounted")).expect("the layers' mounts"),
            stacks: shared.stacks.clone(),
            network: Arc::new(Network::open(network).await.expect("a network")),
            sources: at("sources"),
            builds: at("builds"),
            cache: at("cache"),
            box_program: shared.box_program.clone(),
            uv: shared.uv.clone(),
            machine: Machine::look(|name| std::env::var(name).ok()),
            hosts: String::new(),
            cgroup_parent: format!("hokku-{tag}"),
            limits,
            site: Site { domain: "localhost".parse().expect("a host"), port: 5443, rendezvous_port: 5444 },
        };
        let stop = CancellationToken::new();
        let stage = Mutex::new(tokio::spawn(build::stage(cx.clone(), stop.clone())));
        Self { cx, dir, stop, stage }
    }

    pub(crate) async fn app(&self, name: &str) -> App {
        let name = name.to_owned();
        let made = self.cx.store.write(move |tx| {
            let email = "jane@example.com".parse().expect("an address");
            let owner = match tx.account_by_email(&email)? {
                Some(owner) => owner,
                None => tx.create_account(&email, None, true)?,
            };
            tx.create_app(&NewApp {
                name: name.parse().expect("a name"),
                owner: owner.id,
                stack: model::slug::STACK.to_owned(),
                hostname: format!("{name}.localhost").parse().expect("a host"),
            })
        });
        made.await.expect("an app")
    }

    pub(crate) async fn set(&self, app: &App, vars: &[(&str, &str)]) {
        let change: ConfigChange =
            vars.iter().map(|(key, value)| (key.parse().expect("a key"), Some((*value).into()))).collect();
        let id = app.id;
        self.cx.store.write(move |tx| tx.change_config_vars(id, &change, None)).await.expect("set");
    }

    /// Asks for a build of a folder, as a push does.
    pub(crate) async fn push(&self, app: &App, tree: &Path) -> BuildId {
        let id = BuildId::new();
        self.push_as(id, app, tree).await;
        id
    }

    /// The same, with a number that is known before.
    pub(crate) async fn push_as(&self, id: BuildId, app: &App, tree: &Path) {
        let archive = self.cx.sources.join(format!("{id}.tar"));
        let tar = Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(tree).arg(".").status();
        assert!(tar.expect("tar runs").success());
        self.ask(app.id, app.owner, id).await;
    }

    async fn ask(&self, app: AppId, user: AccountId, id: BuildId) {
        let new = NewBuild {
            id,
            app,
            user,
            source: format!("{id}.tar"),
            commit: Some("954ab5317c7a3b2f4e0d9c8b7a6958473625140f".to_owned()),
            stack: model::slug::STACK.to_owned(),
        };
        self.cx.store.write(move |tx| tx.create_build(&new)).await.expect("asked for");
    }

    /// Waits until a build has this status, or is over.
    pub(crate) async fn until(&self, id: BuildId, status: BuildStatus) -> Build {
        let mut wake = self.cx.store.watch(&[Topic::Builds]);
        let waited = tokio::time::timeout(BUILD_MAX, async {
            loop {
                wake.changed_or_after(Duration::from_secs(5)).await;
                let build = self.cx.store.read(move |tx| tx.build(id)).await.expect("read").expect("there");
                if build.status == status || build.status.is_over() {
                    return build;
                }
            }
        });
        waited.await.expect("the build ends")
    }

    pub(crate) async fn ended(&self, id: BuildId) -> Ended {
        let begun = Instant::now();
        let build = self.until(id, BuildStatus::Succeeded).await;
        let took = begun.elapsed();
        let name = format!("build-{id}");
        let finished = self.cx.transcripts.is_finished(&name).expect("known");
        assert_eq!(
            finished,
            build.status == BuildStatus::Failed,
            "only a failed build's transcript is finished"
        );
        let transcript = self.transcript(&name).await;
        let slug_id = build.slug;
        let slug =
            self.cx.store.read(move |tx| slug_id.map_or(Ok(None), |id| tx.slug(id))).await.expect("read");
        Ended { build, slug, transcript, took }
    }

    async fn transcript(&self, name: &str) -> String {
        self.cx.transcripts.finish(name).expect("finished");
        let mut reader = self.cx.transcripts.reader(name).expect("readable");
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.next().await.expect("read") {
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).expect("text")
    }

    /// Pushes a folder and waits for the end of the build.
    pub(crate) async fn build(&self, app: &App, tree: &Path) -> Ended {
        let id = self.push(app, tree).await;
        self.ended(id).await
    }

    /// Waits until the app's log has this many lines: they are written after what they tell of.
    pub(crate) async fn log(&self, app: &App, lines: usize) -> Vec<String> {
        let waited = tokio::time::timeout(BUILD_MAX, async {
            let tail = self.cx.logs.tail(app.id, Filter::default(), lines).await.expect("the log");
            let mut tail = std::pin::pin!(tail);
            let mut messages = Vec::new();
            while messages.len() < lines {
                messages.push(tail.next().await.expect("a line").line.message.clone());
            }
            messages
        });
        waited.await.expect("the lines come")
    }

    /// Kills the stage without a word, as far as that can be done to a task.
    pub(crate) async fn kill(&self) {
        let mut stage = self.stage.lock().await;
        stage.abort();
        *stage = tokio::spawn(async { Ok(()) });
    }

    /// Starts the stage again after [`Lab::kill`].
    pub(crate) async fn restart(&self) {
        *self.stage.lock().await = tokio::spawn(build::stage(self.cx.clone(), self.stop.clone()));
    }

    /// The processes in this lab's containers.
    fn container_processes(&self) -> Vec<i32> {
        let is_ours = |pid: &i32| {
            let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
            groups.contains(&format!("/{}/", self.cx.cgroup_parent))
        };
        let entries = fs::read_dir("/proc").expect("processes").flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
    }

    /// Kills what runs in containers, as an operator might.
    pub(crate) fn end_containers(&self) {
        for pid in self.container_processes() {
            let _may_be_gone =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// Waits until a `sleep` runs in a container, or until nothing does.
    pub(crate) async fn until_containers(&self, count: usize) {
        let waited = tokio::time::timeout(BUILD_MAX, async {
            let sleeps = |pid: &i32| {
                fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "sleep")
            };
            loop {
                let processes = self.container_processes();
                let done = if count == 0 { processes.is_empty() } else { processes.iter().any(sleeps) };
                if done {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited.await.expect("containers come and go");
    }

    /// Stops everything and looks for what was left over.
    async fn close(self) {
        let Self { cx, dir, stop, stage } = self;
        let clean = async {
            // A job is put away after its build has ended.
            while !(cx.network.leases().is_empty() && names(&cx.builds) == ["kit"]) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), clean).await.expect("nothing is left of the builds");
        stop.cancel();
        stage.into_inner().await.expect("not panicked").expect("no store error");
        let Context { network, cgroup_parent, layers, .. } = cx;
        layers.close().expect("unmounted");
        Arc::into_inner(network).expect("nobody else has it").close().await.expect("closed");
        for hierarchy in fs::read_dir("/sys/fs/cgroup").expect("cgroups").flatten() {
            let group = hierarchy.path().join(&cgroup_parent);
            if group.is_dir() {
                fs::remove_dir(&group).expect("no container's group is left");
            }
        }
        let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
        assert!(!mounts.contains(&dir.path().display().to_string()), "no mount is left");
    }
}

pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A fixture app of the repository.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps").join(name)
}

/// A folder with these files.
pub(crate) fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }
    dir
}

/// A copy of a folder, to change.
pub(crate) fn copy(from: &Path) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(dir.path()).status();
    assert!(copied.expect("cp runs").success());
    dir
}

impl Ended {
    pub(crate) fn manifest(&self) -> Manifest {
        let slug = self.slug.as_ref().unwrap_or_else(|| panic!("no slug:\n{}", self.transcript));
        Manifest::from_json(&slug.manifest).expect("a manifest")
    }
}

impl Lab {
    /// Runs a command on the slug as a dyno has it: the run base, its layers, the boot scripts.
    pub(crate) fn run(&self, ended: &Ended, command: &str) -> String {
        const MOUNT: &str = r#"set -eu
            at=$1 command=$2; shift 2; mount -t tmpfs tmpfs "$at"; mkdir "$at/upper" "$at/work" "$at/root"
            lower=; n=0
            for image; do
                n=$((n+1)); mkdir "$at/$n"; lower="$at/$n${lower:+:$lower}"
                mount -t erofs -o ro,loop "$image" "$at/$n"
            done
            mount -t overlay overlay -o "lowerdir=$lower,upperdir=$at/upper,workdir=$at/work" "$at/root"
            mount -t proc proc "$at/root/proc"; mount --rbind /dev "$at/root/dev"
            exec chroot --userspec=1000:1000 "$at/root" \
                env -i HOME=/app PATH=/usr/local/bin:/usr/bin:/bin DYNO=run.1 bash -c "$command""#;
        let stack = self.cx.stacks.get(model::slug::STACK).expect("the stack");
        let layers = ended.manifest().layers.into_iter().map(|layer| self.cx.blobs.path(&layer.digest));
        let at = tempfile::tempdir().expect("a folder");
        let boot = format!("cd /app; for f in .profile.d/*.sh; do . $f; done 2> /dev/null; {command}");
        let output = Command::new("unshare")
            .args([
                "--mount",
                "--propagation",
                "private",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                MOUNT,
                "run",
            ])
            .arg(at.path())
            .arg(boot)
            .args(stack.run_layers.into_iter().chain(layers))
            .output()
            .expect("unshare runs");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}: {}\n{out}\n{err}", output.status);
        out.into_owned()
    }
}

/// The transcript without what differs from run to run.
pub(crate) fn steady(transcript: &str) -> String {
    let lines = transcript.lines().map(|line| match line.rsplit_once(" in ") {
        Some((before, time)) if time.ends_with('s') && time.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{before} in [time]\n")
        }
        _ if line.starts_with("-----> Preparing Python") => String::new(), // only where it was not there
        _ if line.starts_with("       Done: ") => "       Done: [size]\n".to_owned(),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// Tells how long something took, to whoever runs the tests with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a measurement for people; nothing is asserted about time")]
pub(crate) fn measured(what: &str, took: Duration) {
    println!("{what}: {took:?}");
}
