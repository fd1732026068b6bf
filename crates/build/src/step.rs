//! One step of a build: a script in a container over the build's layers, its output in the transcript.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use logs::transcript::TranscriptError;
use oci::container::Exit;
use oci::spec::{Bind, Limits, Spec, Upper};

use crate::act::Job;
use crate::failure::{Failure, PlatformError, Stop, file};
use crate::machine::read_only;
use crate::output::{Cutter, FAILED, Piece};
use crate::python::kit;
use crate::sandbox::{self, Ended};
use crate::transcript::{Say, Transcript};
use crate::work::{BOX_PREFIX, BOX_STATE};

/// The user that builds and dynos run as, inside.
pub(crate) const UID: u32 = slug::pack::APP_OWNER.0;
/// Most open files of a process in a build.
const NOFILE: u64 = 65_536;
/// Weight against dynos, which have 1024: apps that run come before apps that are built.
const CPU_SHARES: u64 = 512;

/// What a step runs.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// The script of the kit, and its arguments after the mark.
    pub(crate) script: &'a str,
    pub(crate) arguments: Vec<String>,
    /// Layers over the stack's, lowest first.
    pub(crate) layers: Vec<PathBuf>,
    /// Which folder of the work takes what it writes.
    pub(crate) upper: &'a str,
    /// Variables beside the common ones, which they replace.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) binds: Vec<Bind>,
}

/// How a step ended.
#[derive(Debug)]
pub(crate) struct StepEnd {
    pub(crate) exit: Exit,
    /// What the script said it failed at.
    pub(crate) failed: Option<String>,
    /// Its last words.
    pub(crate) said: String,
    /// How many packages an installer said it installed.
    pub(crate) installed: usize,
}

/// Runs a step; its time and memory limits are failures of the source.
pub(crate) async fn run(job: &Job, step: Step<'_>, transcript: &mut Transcript) -> Result<StepEnd, Stop> {
    let number = job.next_box();
    let dir = job.work.folder(format!("{BOX_PREFIX}{number}"))?;
    let mark = format!("\u{1e}{} ", job.mark);
    let spec = spec(job, step, number, &dir, &mark)?;
    let mut relay = Relay { cutter: Cutter::new(mark), failed: None, installed: 0, collecting: false };
    let ended = sandbox::run(&job.cx.box_program, &dir, &spec, job.deadline, |bytes| {
        Ok(relay.feed(bytes, transcript)?)
    });
    let ended = ended.await?;
    relay.end(transcript)?;
    let exit = match ended {
        Ended::TimedOut => return Err(Failure::TimedOut { limit: job.cx.limits.compile }.into()),
        Ended::Exit(exit) => exit,
    };
    if exit.oom_killed && exit.status.shell_code() != 0 {
        return Err(Failure::OutOfMemory { bytes: job.cx.limits.memory_bytes }.into());
    }
    let said = relay.cutter.tail();
    Ok(StepEnd { exit, failed: relay.failed, said, installed: relay.installed })
}

fn hosts(services: &str) -> String {
    format!("127.0.0.1 localhost build\n::1 localhost\n{services}")
}

fn spec(job: &Job, step: Step<'_>, number: u32, dir: &Path, mark: &str) -> Result<Spec, PlatformError> {
    let stack = job.stack.build_layers.iter().cloned();
    let mut binds = vec![
        read_only(&job.cx.kit(), kit::INSIDE),
        read_only(&written(job, "resolv.conf", &job.cx.network.resolv_conf())?, "/etc/resolv.conf"),
        read_only(&written(job, "hosts", &hosts(&job.cx.hosts))?, "/etc/hosts"),
    ];
    binds.extend(job.cx.machine.binds());
    binds.extend(step.binds);
    let mut argv = vec!["/bin/bash".to_owned(), format!("{}/{}", kit::INSIDE, step.script), mark.to_owned()];
    argv.extend(step.arguments);
    Ok(Spec {
        id: format!("build-{}-{number}", job.build.id),
        state_dir: dir.join(BOX_STATE),
        layers: stack
            .chain(step.layers)
            .map(|image| job.cx.layers.layer(&image))
            .collect::<Result<_, _>>()?,
        upper: Upper::Dir(job.work.folder(step.upper)?),
        binds,
        argv,
        env: merged(common_variables(job), step.variables),
        cwd: "/app".into(),
        uid: UID,
        gid: UID,
        id_base: job.lease.id_base(),
        hostname: "build".to_owned(),
        netns: Some(job.lease.netns.clone()),
        limits: Limits {
            memory_bytes: job.cx.limits.memory_bytes,
            memory_shown_bytes: job.cx.limits.memory_bytes,
            cpu_shares: CPU_SHARES,
            cpu_quota_percent: None,
            pids: job.cx.limits.processes,
            nofile: NOFILE,
        },
        terminal: None,
        writable: vec!["/app".into()],
        cgroup_parent: job.cx.cgroup_parent.clone(),
    })
}

/// The environment that Heroku's hooks see, with what the machine's package clients need.
fn common_variables(job: &Job) -> Vec<(String, String)> {
    let python = slug::runtime::PYTHON_HOME;
    let mut variables: Vec<(String, String)> = [
        ("HOME", "/app"),
        ("PATH", "/app/.heroku/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("LANG", "en_US.UTF-8"),
        ("PYTHONUNBUFFERED", "1"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("XDG_CACHE_HOME", "/tmp/.cache"),
        ("STACK", &job.build.stack),
        ("SOURCE_VERSION", job.build.commit.as_deref().unwrap_or_default()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let paths = [
        ("C_INCLUDE_PATH", "include"),
        ("CPLUS_INCLUDE_PATH", "include"),
        ("LIBRARY_PATH", "lib"),
        ("LD_LIBRARY_PATH", "lib"),
        ("PKG_CONFIG_PATH", "lib/pkgconfig"),
    ];
    variables.extend(paths.map(|(name, below)| (name.to_owned(), format!("{python}/{below}"))));
    variables.push(("REQUEST_ID".to_owned(), job.build.id.to_string()));
    variables.extend(job.cx.machine.variables());
    variables
}

/// The later of two variables of one name wins.
fn merged(base: Vec<(String, String)>, over: Vec<(String, String)>) -> Vec<(String, String)> {
    let all: std::collections::BTreeMap<String, String> = base.into_iter().chain(over).collect();
    all.into_iter().collect()
}

/// A small file for a container, in the build's own folder.
fn written(job: &Job, name: &str, text: &str) -> Result<PathBuf, PlatformError> {
    let path = job.work.join(name);
    fs::write(&path, text).map_err(file("write", &path))?;
    fs::set_permissions(&path, Permissions::from_mode(0o644)).map_err(file("open up", &path))?;
    Ok(path)
}

/// Puts a container's output into the transcript.
struct Relay {
    cutter: Cutter,
    failed: Option<String>,
    installed: usize,
    /// Whether `collectstatic` speaks.
    collecting: bool,
}

impl Relay {
    fn feed(&mut self, bytes: &[u8], transcript: &mut Transcript) -> Result<(), TranscriptError> {
        let mut pieces = Vec::new();
        self.cutter.feed(bytes, |piece| pieces.push(piece));
        pieces.into_iter().try_for_each(|piece| self.take(piece, transcript))
    }

    fn end(&mut self, transcript: &mut Transcript) -> Result<(), TranscriptError> {
        let mut pieces = Vec::new();
        self.cutter.end(|piece| pieces.push(piece));
        pieces.into_iter().try_for_each(|piece| self.take(piece, transcript))
    }

    fn take(&mut self, piece: Piece, transcript: &mut Transcript) -> Result<(), TranscriptError> {
        let remark = match piece {
            Piece::Line(line) if is_noise(&line, self.collecting) => return Ok(()),
            Piece::Line(line) => {
                self.installed = installed(&line).unwrap_or(self.installed);
                return transcript.say(&Say::Output(&line));
            }
            Piece::Remark(remark) => remark,
        };
        self.collecting = remark == "collectstatic";
        match remark.as_str() {
            "collectstatic" => transcript.say(&Say::Collectstatic),
            "no manage.py" => transcript.say(&Say::NoManagePy),
            "hook pre_compile" => transcript.say(&Say::RunningHook { name: "pre_compile" }),
            "hook post_compile" => transcript.say(&Say::RunningHook { name: "post_compile" }),
            other => {
                self.failed = other.strip_prefix(FAILED).map(str::to_owned).or(self.failed.take());
                Ok(())
            }
        }
    }
}

/// uv tells where it installs to, which is always the same place; `collectstatic` names each file, and leaves lines empty.
fn is_noise(line: &str, collecting: bool) -> bool {
    let names_a_file =
        line.is_empty() || line.starts_with("Copying '") || line.starts_with("Post-processed '");
    (collecting && names_a_file) || (line.starts_with("Using Python ") && line.contains(" environment at"))
}

/// How many packages `uv` or `pip` says it installed.
fn installed(line: &str) -> Option<usize> {
    if let Some(names) = line.strip_prefix("Successfully installed ") {
        return Some(names.split_whitespace().count());
    }
    line.strip_prefix("Installed ")?.split_once(" package")?.0.parse().ok()
}
