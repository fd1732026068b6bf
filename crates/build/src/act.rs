//! One build from its source to its slug, or to the words that say why not.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use doctor::{Around, Finding};
use logs::event;
use logs::transcript::TranscriptError;
use model::build::Build;
use model::config_var::ConfigVars;
use model::id::{AppId, BuildId, SlugId};
use model::log::{Line, Source as Speaker};
use model::procfile::{self, Procfile};
use model::slug::Slug;
use oci::network::Lease;
use slug::pack::PackOptions;
use slug::{Manifest, Stack};
use store::{App, StoreError};
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::buildpack;
use crate::cache::Cache;
use crate::failure::{Failure, PlatformError, Stop, file};
use crate::python;
use crate::source::{self, Source};
use crate::stage::Context;
use crate::transcript::{Say, Transcript};
use crate::work::{Work, memory_for};

/// Before a build's id: the name of the transcript that holds what the doctor noticed.
const DOCTOR: &str = "doctor-";

/// A claimed build and all it works with.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) cx: Context,
    pub(crate) build: Build,
    pub(crate) app: App,
    /// The app's present config vars.
    pub(crate) config: ConfigVars,
    /// The names under which the app is served.
    pub(crate) hosts: Vec<String>,
    /// The app's last slug.
    pub(crate) previous: Option<Manifest>,
    pub(crate) stack: Stack,
    pub(crate) cache: Cache,
    pub(crate) work: Arc<Work>,
    pub(crate) lease: Lease,
    pub(crate) deadline: Instant,
    /// What our scripts put before their remarks; nobody can know it before.
    pub(crate) mark: BuildId,
    boxes: AtomicU32,
}

impl Job {
    /// A number for the next container.
    pub(crate) fn next_box(&self) -> u32 {
        self.boxes.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Gives a build back that a dead server was building.
pub(crate) async fn interrupt(cx: &Context, build: &Build) {
    let id = build.id;
    match cx.store.write(move |tx| tx.interrupt_build(id)).await {
        Ok(()) => info!(build.id = %id, "build {id} was interrupted and will be built again"),
        Err(error) => {
            warn!(error = &error as &dyn Error, build.id = %id, "build {id} could not be given back")
        }
    }
}

/// Builds. All outcomes are written down; what cannot be is logged, and the next scan meets it again.
pub(crate) async fn build(cx: Context, pending: Build) {
    let id = pending.id;
    if let Err(error) = claim_and_build(cx, id).await {
        error!(error = &error as &dyn Error, build.id = %id, "build {id} could not be ended");
    }
}

async fn claim_and_build(cx: Context, id: BuildId) -> Result<(), PlatformError> {
    let build = cx.store.write(move |tx| tx.claim_build(id)).await?;
    let mut transcript = match Transcript::open(&cx.transcripts, &build) {
        Ok(transcript) => transcript,
        // Its developer was told that it failed, just before the server was killed.
        Err(TranscriptError::Finished { .. }) => return Ok(fail(&cx, build).await?),
        Err(cause) => {
            fail(&cx, build).await?;
            return Err(cause.into());
        }
    };
    let mut job = None;
    let outcome = compile(&cx, &build, &mut transcript, &mut job).await;
    let concluded = conclude(&cx, build, transcript, outcome).await;
    // Only now: nobody waits for it any more.
    if let Some(job) = job {
        put_away(job).await;
    }
    concluded
}

async fn conclude(
    cx: &Context,
    build: Build,
    transcript: Transcript,
    outcome: Result<Slug, Stop>,
) -> Result<(), PlatformError> {
    // What cannot be told must still end, or it would be built again for ever.
    let told = match outcome {
        Ok(slug) => return succeed(cx, build, slug).await,
        Err(Stop::Source(failure)) => transcript.fail(&failure),
        Err(Stop::Platform(cause)) => {
            let id = build.id;
            error!(error = &cause as &dyn Error, build.id = %id, "build {id} failed through no fault of its source");
            transcript.give_up(id)
        }
    };
    fail(cx, build).await?;
    Ok(told?)
}

async fn put_away(job: Job) {
    if let Err(error) = job.cx.network.release(&job.lease).await {
        warn!(error = &error as &dyn Error, build.id = %job.build.id, "a build's network could not be taken back");
    }
    let _dropped = blocking(move || drop(job)).await;
}

async fn compile(
    cx: &Context,
    build: &Build,
    transcript: &mut Transcript,
    job: &mut Option<Job>,
) -> Result<Slug, Stop> {
    transcript.say(&Say::Building { stack: &build.stack })?;
    let stack = stack(cx, &build.stack, transcript).await?;
    let job = &*job.insert(prepare(cx, build, stack).await?);
    let source = unpack(job, transcript).await?;
    choose_buildpack(job, &source, transcript)?;
    let (python, below) = python::build(job, &source, transcript).await?;
    let processes = process_types(&source, transcript)?;

    transcript.say(&Say::Compressing)?;
    let options = PackOptions { mtime: job.build.created_at.as_micros() / 1_000_000, ..PackOptions::app() };
    let app = python::pack(job, source::UPPER, options).await?;
    let manifest = manifest(&job.build.stack, below.into_iter().chain([app]).collect(), &processes);
    if manifest.is_too_large() {
        return Err(Failure::TooLarge { bytes: manifest.total_bytes() }.into());
    }
    transcript.say(&Say::Done { bytes: manifest.total_bytes() })?;
    job.cache.remember_python(job.app.id, python.version)?;
    note_findings(cx, build.id, &source.findings)?;
    Ok(Slug {
        id: SlugId::new(),
        app: job.app.id,
        stack: job.build.stack.clone(),
        commit: job.build.commit.clone(),
        language: python::LANGUAGE.to_owned(),
        bytes: manifest.total_bytes(),
        manifest: manifest.to_json(),
        processes,
        created_at: job.cx.store.now(),
    })
}

/// The stack, made first if this machine has none yet.
async fn stack(cx: &Context, name: &str, transcript: &mut Transcript) -> Result<Stack, Stop> {
    if let Some(stack) = cx.stacks.get(name) {
        return Ok(stack);
    }
    transcript.say(&Say::PreparingStack)?;
    let (stacks, name) = (cx.stacks.clone(), name.to_owned());
    Ok(blocking(move || stacks.ensure(&name, &mut |step| info!("{step}"))).await??)
}

/// Reads what the build works with, and makes its folder.
async fn prepare(cx: &Context, build: &Build, stack: Stack) -> Result<Job, PlatformError> {
    let (id, user) = (build.app, build.user);
    let read = cx.store.read(move |tx| {
        let app = tx.app(id)?.ok_or(StoreError::Missing { what: "app" })?;
        let user = tx.account(user)?.ok_or(StoreError::Missing { what: "account" })?;
        let hosts = tx.domains(id)?.into_iter().map(|domain| domain.hostname.to_string());
        Ok::<_, StoreError>((app, tx.config_vars(id)?, hosts.collect(), tx.newest_slug(id)?, user.email))
    });
    let (app, config, hosts, slug, user) = read.await?;
    log(cx, id, event::build_started(user.as_str()));
    let source = cx.sources.join(&build.source);
    let source_bytes = std::fs::metadata(&source).map_err(file("look at", &source))?.len();
    let memory = memory_for(&cx.limits, source_bytes);
    Ok(Job {
        cx: cx.clone(),
        build: build.clone(),
        previous: slug.and_then(|slug| Manifest::from_json(&slug.manifest).ok()),
        cache: Cache::open(&cx.cache, app.owner)?,
        work: Arc::new(Work::open(&cx.builds, build.id, memory)?),
        deadline: Instant::now() + cx.limits.compile,
        mark: BuildId::new(),
        boxes: AtomicU32::new(0),
        app,
        config,
        hosts,
        stack,
        // Last: whoever has a lease has a job that gives it back.
        lease: cx.network.lease(&format!("build-{}", build.id)).await?,
    })
}

async fn unpack(job: &Job, transcript: &mut Transcript) -> Result<Source, Stop> {
    let archive = job.cx.sources.join(&job.build.source);
    let owner = job.lease.id_base() + crate::step::UID;
    let (work, around) = (Arc::clone(&job.work), around(job));
    let source = blocking(move || source::unpack(&archive, &work, owner, &around)).await??;
    if let Some(paths) = source.ignored {
        transcript.say(&Say::Ignored { paths })?;
    }
    if !source.left_out.is_empty() {
        transcript.say(&Say::LinksLeftOut(&source.left_out))?;
    }
    Ok(source)
}

/// What is known of the app besides its source.
fn around(job: &Job) -> Around {
    let value = |name: &str| job.config.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value);
    Around {
        hosts: job.hosts.clone(),
        config: Some(job.config.keys().map(ToString::to_string).collect()),
        settings_module: value("DJANGO_SETTINGS_MODULE").map(|value| value.expose_secret().to_owned()),
        seconds: u64::try_from(job.cx.store.now().as_micros() / 1_000_000).ok(),
    }
}

/// Leaves what the doctor noticed for the end of the transcript, which the release stage writes.
fn note_findings(cx: &Context, build: BuildId, findings: &[Finding]) -> Result<(), TranscriptError> {
    let id = format!("{DOCTOR}{build}");
    // An earlier, interrupted try may have left some.
    cx.transcripts.remove(&id)?;
    if findings.is_empty() {
        return Ok(());
    }
    let mut notes = cx.transcripts.writer(&id)?;
    notes.append(Say::Findings(findings).to_string().as_bytes())?;
    notes.finish()
}

fn choose_buildpack(job: &Job, source: &Source, transcript: &mut Transcript) -> Result<(), Stop> {
    if job.app.buildpacks.is_empty() {
        transcript.say(&Say::Determining)?;
    }
    buildpack::choose(&job.app.buildpacks, &source.root).map_err(Failure::Choice)?;
    transcript.say(&Say::UsingBuildpack { name: buildpack::PYTHON })?;
    transcript.say(&Say::Detected { language: python::LANGUAGE })?;
    Ok(())
}

/// The Procfile as it is after the hooks ran.
fn process_types(source: &Source, transcript: &mut Transcript) -> Result<Procfile, Stop> {
    let read = slug::archive::read_inside(&source.tree, "Procfile".as_ref(), procfile::BYTES_MAX as u64);
    let text = read.unwrap_or_default();
    let processes = Procfile::parse(&String::from_utf8_lossy(&text));
    transcript.say(&Say::Types(&processes))?;
    Ok(processes)
}

fn manifest(stack: &str, layers: Vec<slug::LayerRef>, processes: &Procfile) -> Manifest {
    let commands = processes.commands.iter();
    let process_types = commands.map(|(kind, command)| (kind.to_string(), command.clone())).collect();
    Manifest { stack: stack.to_owned(), layers, process_types }
}

/// The release stage goes on from here, in the same transcript.
async fn succeed(cx: &Context, build: Build, slug: Slug) -> Result<(), PlatformError> {
    let (app, id) = (build.app, build.id);
    let buildpacks = [buildpack::PYTHON.to_owned()];
    cx.store.write(move |tx| tx.succeed_build(&build, &slug, &buildpacks)).await?;
    log(cx, app, event::build_succeeded());
    info!(build.id = %id, "build {id} succeeded");
    Ok(())
}

/// Its transcript is finished by now: whoever follows the build reads why, and then that it failed.
async fn fail(cx: &Context, build: Build) -> Result<(), StoreError> {
    let (app, id) = (build.app, build.id);
    cx.store.write(move |tx| tx.fail_build(&build)).await?;
    let url = cx.site.dashboard_url(&format!("/apps/{app}/activity/builds/{id}"));
    log(cx, app, event::build_failed(&url));
    info!(build.id = %id, "build {id} failed");
    Ok(())
}

/// A line of `app[api]`.
fn log(cx: &Context, app: AppId, message: String) {
    let line = Line { at: cx.store.now(), source: Speaker::App, process: "api".to_owned(), message };
    cx.logs.append(app, line);
}

/// Runs what blocks on a thread for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PlatformError> {
    tokio::task::spawn_blocking(work).await.map_err(|_panicked| PlatformError::Gone)
}
